use std::path::Path;

use serde_json::Value;

use super::*;

/// Made by `scripts/reference/text_metrics.py`.
const OWN: &str = include_str!("../../tests/fixtures/text_metrics.json");

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn fragments(lines: &Value) -> Vec<Fragment> {
    let fragment = |line: &Value| Fragment {
        corners: std::array::from_fn(|corner| {
            std::array::from_fn(|axis| line["box"][corner][axis].as_f64().unwrap())
        }),
        text: line["text"].as_str().unwrap().to_owned(),
    };
    lines.as_array().unwrap().iter().map(fragment).collect()
}

/// Every value of a case; numbers within 1e-9.
fn check(case: &Value, expected: &Value) {
    let targets = texts(&case["targets"]);
    let spaces = WordSpaces::of_language(case["language"].as_str().unwrap());
    let fragments = fragments(&case["lines"]);
    if let Some(normalized) = case.get("normalised") {
        let found: Vec<String> = targets.iter().map(|target| normalize_text(target, spaces)).collect();
        assert_eq!(found, texts(normalized));
    }
    let found = measure_text(&targets, &fragments, spaces).unwrap();
    let near = |name: &str, found: f64, expected: &Value| {
        assert!((found - expected.as_f64().unwrap()).abs() < 1e-9, "{name} {found} {expected} {targets:?}");
    };
    let rows: Vec<Vec<String>> = found
        .rows
        .iter()
        .map(|row| row.iter().map(|index| fragments[*index].text.clone()).collect())
        .collect();
    assert_eq!(serde_json::json!(rows), expected["rows"], "{targets:?}");
    assert_eq!(serde_json::json!(found.matches), expected["match"], "{targets:?}");
    for (found, expected) in found.line_ned.iter().zip(expected["line_ned"].as_array().unwrap()) {
        near("line_ned", *found, expected);
    }
    near("ned_mean", found.ned_mean, &expected["ned_mean"]);
    near("exact_lines", found.exact_lines, &expected["exact_lines"]);
    near("cer", found.cer, &expected["cer"]);
    near("char_accuracy", found.char_accuracy, &expected["char_accuracy"]);
    near("word_accuracy", found.word_accuracy.unwrap(), &expected["word_accuracy"]);
    for (name, found) in
        [("missing_lines", found.missing_lines), ("words", found.words), ("extra_chars", found.extra_chars)]
    {
        assert_eq!(found as u64, expected[name].as_u64().unwrap(), "{name} {targets:?}");
    }
    assert_eq!(found.exact_image, expected["exact_image"].as_bool().unwrap(), "{targets:?}");
}

#[test]
fn own_cases_agree_with_the_reference() {
    let cases: Value = serde_json::from_str(OWN).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        check(case, &case["expected"]);
    }
}

#[test]
fn golden_cases_agree_if_they_are_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/drift");
    for file in ["expected_text_metrics.json", "expected_text_metrics_extra.json"] {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else { return };
        let cases: Value = serde_json::from_str(&text).unwrap();
        for case in cases.as_array().unwrap() {
            check(case, &case["expected"]);
        }
    }
    let Ok(text) = std::fs::read_to_string(folder.join("expected_ocr.json")) else { return };
    let read: Value = serde_json::from_str(&text).unwrap();
    for case in read["cases"].as_array().unwrap() {
        check(case, &case["metrics"]);
    }
}

#[test]
fn what_cannot_be_read_is_not_measurable() {
    let measure = |targets: &[&str]| measure_text(targets, &[], WordSpaces::Kept);
    assert_eq!(measure(&[]), Err(TextNotMeasurable::NoTarget));
    assert_eq!(measure(&["a", " \u{3000}"]), Err(TextNotMeasurable::EmptyTarget { index: 1 }));
    let signs = measure(&["?!"]).unwrap();
    assert_eq!((signs.words, signs.word_accuracy, signs.cer), (0, None, 1.0));
    let nowhere = Fragment { corners: [[f64::NAN; 2]; 4], text: "a".to_owned() };
    let found = measure_text(&["a"], &[nowhere], WordSpaces::Kept);
    assert_eq!(found, Err(TextNotMeasurable::NoPlace { index: 0 }));
}

#[test]
fn coverage_counts_characters_without_spaces() {
    let knows = |character: char| character.is_ascii();
    assert_eq!(dictionary_coverage(&["ab い"], knows), Some(2.0 / 3.0));
    assert_eq!(dictionary_coverage(&["ＡＢ"], knows), Some(1.0), "full width is compatible");
    assert_eq!(dictionary_coverage(&[" "], knows), None);
}

#[test]
fn spaces_part_words_unless_a_text_is_east_asian() {
    assert_eq!(WordSpaces::of_texts(&["Wi-Fi 免费使用"]), WordSpaces::Removed);
    assert_eq!(WordSpaces::of_texts(&["ｶﾞ"]), WordSpaces::Removed);
    assert_eq!(WordSpaces::of_texts(&["Wi-Fi free"]), WordSpaces::Kept);
    assert_eq!(WordSpaces::of_language("zh-Hant"), WordSpaces::Removed);
}
