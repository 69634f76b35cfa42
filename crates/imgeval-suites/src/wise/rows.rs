//! The official result files: one JSON object a line with the scores, and one JSON list with the replies.
//!
//! Rows are those that `gpt_eval.py` and `vllm_eval.py` write: prompt_id, Subcategory and the scores as Python floats. They
//! are read as the official calculators read them: a line that is no row is skipped and named, a row without a sub-category
//! counts, and so does a score outside the scale, which is named too.

use std::collections::BTreeSet;

use imgeval_core::json::from_json_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::{Category, Edition, WiseScore};
use crate::python_json::to_python_json;

/// What older versions of the official scripts write where a judge's reply could not be read.
const FAILURE_MARKERS: [f64; 2] = [999.0, 9.9];

/// The file of a category's scores.
#[must_use]
pub fn score_file_name(category: Category) -> &'static str {
    match category {
        Category::Culture => "cultural_common_sense_scores_results.jsonl",
        Category::Time | Category::Space => "spatio-temporal_reasoning_scores_results.jsonl",
        Category::Biology | Category::Physics | Category::Chemistry => "natural_science_scores_results.jsonl",
    }
}

/// The file of a category's replies.
#[must_use]
pub fn full_file_name(category: Category) -> &'static str {
    match category {
        Category::Culture => "cultural_common_sense_full_results.json",
        Category::Time | Category::Space => "spatio-temporal_reasoning_full_results.json",
        Category::Biology | Category::Physics | Category::Chemistry => "natural_science_full_results.json",
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    pub prompt_id: u32,
    /// Empty if the file gives none.
    pub subcategory: String,
    /// `None`: the file marks the judgment as failed.
    pub score: Option<WiseScore>,
}

#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    #[error("line {line} has the id {prompt_id}; ids are 1 to 1000")]
    Id { line: usize, prompt_id: u32 },
    #[error("line {line} repeats the id {prompt_id}")]
    Repeated { line: usize, prompt_id: u32 },
}

/// What a file of scores holds.
#[derive(Debug)]
pub struct ScoreRows {
    /// In the file's order.
    pub rows: Vec<ScoreRow>,
    pub notes: Vec<RowNote>,
}

/// What the official calculators skip, or count although it is not a score.
#[derive(Debug, thiserror::Error)]
pub enum RowNote {
    #[error("line {line} is not a row of scores of {edition} and is skipped")]
    Skipped {
        line: usize,
        edition: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("line {line} has {value} for {name}, which is outside 0 to {max}, but counts")]
    Range { line: usize, name: &'static str, value: Number, max: u32 },
}

/// Other members are ignored, as the official calculators do.
#[derive(Deserialize)]
struct LegacyRow {
    prompt_id: u32,
    #[serde(rename = "Subcategory", default)]
    subcategory: Option<String>,
    consistency: Number,
    realism: Number,
    aesthetic_quality: Number,
}

#[derive(Deserialize)]
struct VerifiedRow {
    prompt_id: u32,
    #[serde(rename = "Subcategory", default)]
    subcategory: Option<String>,
    score: Number,
}

/// Reads a file of scores; empty lines do not matter.
///
/// # Errors
/// At the first line that repeats an id, or has one that the benchmark lacks.
pub fn parse_score_rows(edition: Edition, text: &str) -> Result<ScoreRows, RowsError> {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut ids = BTreeSet::new();
    let lines = text.trim_start_matches('\u{FEFF}').lines().zip(1..);
    for (text, line) in lines.filter(|(text, _)| !text.trim().is_empty()) {
        let row = match parse_row(edition, text, line, &mut notes) {
            Ok(row) => row,
            Err(source) => {
                notes.push(RowNote::Skipped { line, edition: edition.name(), source });
                continue;
            }
        };
        let prompt_id = row.prompt_id;
        if Category::of(edition, prompt_id).is_none() {
            return Err(RowsError::Id { line, prompt_id });
        }
        if !ids.insert(prompt_id) {
            return Err(RowsError::Repeated { line, prompt_id });
        }
        rows.push(row);
    }
    Ok(ScoreRows { rows, notes })
}

fn parse_row(
    edition: Edition,
    text: &str,
    line: usize,
    notes: &mut Vec<RowNote>,
) -> Result<ScoreRow, serde_json::Error> {
    let mut check = |name, value: Number, max: u32| {
        let float = value.as_f64().unwrap_or(f64::NAN);
        if FAILURE_MARKERS.contains(&float) {
            return None;
        }
        if !(0.0..=f64::from(max)).contains(&float) {
            notes.push(RowNote::Range { line, name, value, max });
        }
        Some(float)
    };
    // A list is no row, though it could be read as the members in their order.
    let members: Map<String, Value> = from_json_str(text)?;
    Ok(match edition {
        Edition::Legacy => {
            let row: LegacyRow = serde_json::from_value(members.into())?;
            let consistency = check("consistency", row.consistency, 2);
            let realism = check("realism", row.realism, 2);
            let aesthetic = check("aesthetic_quality", row.aesthetic_quality, 2);
            let score = match (consistency, realism, aesthetic) {
                (Some(consistency), Some(realism), Some(aesthetic)) => {
                    Some(WiseScore::Legacy { consistency, realism, aesthetic })
                }
                _ => None,
            };
            ScoreRow { prompt_id: row.prompt_id, subcategory: row.subcategory.unwrap_or_default(), score }
        }
        Edition::Verified => {
            let row: VerifiedRow = serde_json::from_value(members.into())?;
            let score = check("score", row.score, 1).map(|score| WiseScore::Verified { score });
            ScoreRow { prompt_id: row.prompt_id, subcategory: row.subcategory.unwrap_or_default(), score }
        }
    })
}

/// The file of these scores, sorted by id, byte for byte as Python writes it. Rows without a score are left out: the
/// official script asks again for what its file lacks.
#[must_use]
pub fn render_score_rows(rows: &[ScoreRow]) -> String {
    let mut rows: Vec<_> = rows.iter().filter_map(|row| row.score.map(|score| (row, score))).collect();
    rows.sort_by_key(|(row, _)| row.prompt_id);
    let float = |value: f64| to_python_json(&Value::from(value));
    let render = |(row, score): &(&ScoreRow, WiseScore)| {
        let scores = match *score {
            WiseScore::Legacy { consistency, realism, aesthetic } => format!(
                "\"consistency\": {}, \"realism\": {}, \"aesthetic_quality\": {}",
                float(consistency),
                float(realism),
                float(aesthetic)
            ),
            WiseScore::Verified { score } => format!("\"score\": {}", float(score)),
        };
        // Like `ensure_ascii=False`: what is not ASCII stays as it is.
        let subcategory = Value::from(row.subcategory.as_str());
        format!("{{\"prompt_id\": {}, \"Subcategory\": {subcategory}, {scores}}}\n", row.prompt_id)
    };
    rows.iter().map(render).collect()
}

/// A judge's reply with what it was about, in the official key order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FullRow {
    pub prompt_id: u32,
    pub prompt: String,
    /// The explanation.
    pub key: String,
    pub image_path: String,
    /// The reply as it came.
    pub evaluation: String,
}

/// The file of these replies, sorted by id, as Python writes it with `indent=2`.
///
/// # Errors
/// Never for these rows; the writer's own kind of error.
pub fn render_full_rows(rows: &[FullRow]) -> Result<String, serde_json::Error> {
    let mut rows: Vec<&FullRow> = rows.iter().collect();
    rows.sort_by_key(|row| row.prompt_id);
    serde_json::to_string_pretty(&rows)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn row(prompt_id: u32, subcategory: &str, score: WiseScore) -> ScoreRow {
        ScoreRow { prompt_id, subcategory: subcategory.to_owned(), score: Some(score) }
    }

    #[test]
    fn rows_are_written_as_python_writes_them_and_read_back() {
        let legacy = |consistency| WiseScore::Legacy { consistency, realism: 1.0, aesthetic: 0.0 };
        let rows = [row(12, "Köln \"x\"\n", legacy(0.5)), row(3, "Festival", legacy(2.0))];
        let text = render_score_rows(&rows);
        assert_eq!(
            text,
            "{\"prompt_id\": 3, \"Subcategory\": \"Festival\", \"consistency\": 2.0, \"realism\": 1.0, \
             \"aesthetic_quality\": 0.0}\n{\"prompt_id\": 12, \"Subcategory\": \"Köln \\\"x\\\"\\n\", \
             \"consistency\": 0.5, \"realism\": 1.0, \"aesthetic_quality\": 0.0}\n"
        );
        let [first, second] = rows;
        assert_eq!(parse_score_rows(Edition::Legacy, &text).unwrap().rows, [second, first]);
        let verified = [row(1, "a", WiseScore::Verified { score: 1.0 })];
        let text = render_score_rows(&verified);
        assert_eq!(text, "{\"prompt_id\": 1, \"Subcategory\": \"a\", \"score\": 1.0}\n");
        for text in [text.clone(), text.replace("1.0", "1")] {
            assert_eq!(parse_score_rows(Edition::Verified, &text).unwrap().rows, verified);
        }
    }

    #[test]
    fn failures_are_no_numbers() {
        for marker in ["999", "9.9", "999.0"] {
            let text = format!(
                r#"{{"prompt_id": 1, "Subcategory": "a", "consistency": 2, "realism": {marker}, "aesthetic_quality": 2}}"#
            );
            assert_eq!(parse_score_rows(Edition::Legacy, &text).unwrap().rows[0].score, None, "{marker}");
        }
    }

    const GOOD: &str = r#"{"prompt_id": 1, "Subcategory": "a", "score": 1.0}"#;

    #[test]
    fn ids_that_repeat_or_are_none_are_refused_with_their_line() {
        let error = |text: &str| parse_score_rows(Edition::Verified, text).unwrap_err().to_string();
        assert!(error(&format!("{GOOD}\n\n{GOOD}")).starts_with("line 3 repeats the id 1"));
        assert!(error(&GOOD.replace("\"prompt_id\": 1", "\"prompt_id\": 1001")).contains("id 1001"));
    }

    #[test]
    fn broken_lines_are_skipped_and_named_as_the_calculators_do() {
        let other = GOOD.replace("\"prompt_id\": 1", "\"prompt_id\": 2");
        for broken in [
            "{\"prompt_id\": 7, \"Subc",
            "[1]",
            "[3, null, 1.0]",
            "nonsense",
            &GOOD.replace("1.0", "\"1\""),
            &GOOD.replace("score", "points"),
        ] {
            let found = parse_score_rows(Edition::Verified, &format!("{GOOD}\n{broken}\n{other}\n")).unwrap();
            assert_eq!(found.rows.iter().map(|row| row.prompt_id).collect::<Vec<_>>(), [1, 2], "{broken}");
            let [note] = &found.notes[..] else { panic!("{:?}", found.notes) };
            assert!(note.to_string().starts_with("line 2 is not a row of scores of wise-verified"), "{note}");
            assert!(note.source().is_some());
        }
        assert!(parse_score_rows(Edition::Legacy, GOOD).unwrap().rows.is_empty());
    }

    #[test]
    fn rows_without_a_subcategory_and_outside_of_the_scale_count_as_in_the_calculators() {
        let bare = GOOD.replace("\"Subcategory\": \"a\", ", "").replace("1.0", "2");
        let null = GOOD.replace("\"a\"", "null").replace("\"prompt_id\": 1", "\"prompt_id\": 2");
        let found = parse_score_rows(Edition::Verified, &format!("{bare}\n{null}")).unwrap();
        assert_eq!(found.rows[0].score, Some(WiseScore::Verified { score: 2.0 }));
        assert!(found.rows.iter().all(|row| row.subcategory.is_empty()));
        let [note] = &found.notes[..] else { panic!("{:?}", found.notes) };
        assert_eq!(note.to_string(), "line 1 has 2 for score, which is outside 0 to 1, but counts");
    }

    #[test]
    fn replies_are_written_as_python_indents_them() {
        let text = |text: &str| text.to_owned();
        let row = FullRow {
            prompt_id: 1,
            prompt: text("é"),
            key: text("k"),
            image_path: text("1.png"),
            evaluation: text("a\nb\u{7f}"),
        };
        let expected = "[\n  {\n    \"prompt_id\": 1,\n    \"prompt\": \"é\",\n    \"key\": \"k\",\n    \
                        \"image_path\": \"1.png\",\n    \"evaluation\": \"a\\nb\u{7f}\"\n  }\n]";
        assert_eq!(render_full_rows(&[row]).unwrap(), expected);
    }
}
