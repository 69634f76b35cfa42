//! What a program measured on an image, as checks read it. The names are those under which a run keeps the numbers
//! (docs/weaknesses.md).

/// Numbers and words by their names.
pub trait Measures {
    /// The number of this name; `None` if it was not measured.
    fn number(&self, name: &str) -> Option<f64>;

    /// The words of this name, such as a status, or why a number is not there.
    fn word(&self, name: &str) -> Option<&str>;

    /// # Errors
    /// If it was not measured, with the reason where one is known.
    fn need(&self, name: &str) -> Result<f64, NotMeasurable> {
        self.number(name).ok_or_else(|| match self.word(name).or_else(|| self.word(NO_PAIR)) {
            Some(reason) => NotMeasurable { reason: format!("{name}: {reason}"), is_open: false },
            None => NotMeasurable { reason: format!("{name} was not measured"), is_open: true },
        })
    }

    /// Whether source and edited image could be brought into one frame well enough to compare pixels.
    fn is_registered(&self) -> bool {
        self.word(REGISTRATION) == Some(REGISTERED)
    }
}

/// Why a check has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotMeasurable {
    pub reason: String,
    /// Whether nobody has measured it yet, so that it may still have a value.
    pub is_open: bool,
}

impl NotMeasurable {
    /// Of what never will have a value.
    #[must_use]
    pub fn new(reason: String) -> Self {
        Self { reason, is_open: false }
    }
}

/// How the two frames were brought together: `ok`, `coarse` or `failed`.
pub const REGISTRATION: &str = "registration";
/// The status that lets pixels be compared.
pub const REGISTERED: &str = "ok";
/// Why an image was not compared with its source at all.
pub const NO_PAIR: &str = "pair";
/// The lines that a reader found, as JSON.
pub const LINES: &str = "lines";
/// The same of a plain rendering of the lines that were asked for: what the reader itself gets wrong.
pub const RENDERED_LINES: &str = "rendered_lines";
/// Which part of the wanted characters the reader's dictionary has.
pub const COVERAGE: &str = "coverage";

/// What must be measured for a check.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MeasuresNeeded<'a> {
    /// Left, top, right and bottom of the part that may change, in shares of the source's frame.
    pub region: Option<[f64; 4]>,
    /// The lines that should appear in the image; empty if no text is read.
    pub lines: &'a [String],
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::checks::{CaseChecks, CheckedCase, Rule};

    #[derive(Default)]
    struct Known {
        numbers: BTreeMap<&'static str, f64>,
        words: BTreeMap<&'static str, &'static str>,
    }

    impl Measures for Known {
        fn number(&self, name: &str) -> Option<f64> {
            self.numbers.get(name).copied()
        }

        fn word(&self, name: &str) -> Option<&str> {
            self.words.get(name).copied()
        }
    }

    const EDIT: CheckedCase<'_> =
        CheckedCase { prompt: "p", has_image: true, has_mask: false, has_explanation: false };

    fn value(
        check: &Value,
        words: &[(&'static str, &'static str)],
        numbers: &[(&'static str, f64)],
    ) -> Result<f64, String> {
        let checks = CaseChecks::read(&json!([check]), Rule::Mean, &EDIT).unwrap();
        let known =
            Known { numbers: numbers.iter().copied().collect(), words: words.iter().copied().collect() };
        checks.checks()[0].check.value_of_measures(&known).map_err(|error| error.reason)
    }

    #[test]
    fn an_unchanged_image_stays_within_its_limits() {
        let all = json!({"kind": "unchanged"});
        let ok = [("registration", "ok")];
        let same = [("content_de", 1.0), ("tone_de", 0.5), ("cut_off", 0.0), ("stretch", 1.0)];
        assert_eq!(value(&all, &ok, &same), Ok(1.0));
        for (name, number) in [("content_de", 4.1), ("tone_de", 3.1), ("cut_off", 0.03), ("stretch", 0.97)] {
            let mut numbers = same;
            numbers.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, value)| *value = number);
            assert_eq!(value(&all, &ok, &numbers), Ok(0.0), "{name}");
        }
        assert_eq!(value(&all, &[("registration", "coarse")], &same), Ok(0.0), "it was drawn anew");
        assert_eq!(value(&all, &[], &same).unwrap_err(), "registration was not measured");
    }

    #[test]
    fn nothing_is_said_of_the_outside_without_a_registration() {
        let edit = json!({"kind": "unchanged", "region": [0.1, 0.2, 0.5, 0.6]});
        let outside =
            [("outside.content_de", 1.0), ("outside.tone_de", 3.5), ("cut_off", 0.0), ("stretch", 1.0)];
        assert_eq!(value(&edit, &[("registration", "ok")], &outside), Ok(0.0));
        let error = value(&edit, &[("registration", "failed")], &outside).unwrap_err();
        assert!(error.contains("registration is failed"), "{error}");
    }

    #[test]
    fn colors_and_blur_are_held_against_the_source_or_a_number() {
        let shift = [("shift_l", 2.0), ("shift_a", 2.0), ("shift_b", 2.0), ("mean_l", 50.0)];
        assert_eq!(value(&json!({"kind": "color"}), &[], &shift), Ok(0.0));
        assert_eq!(value(&json!({"kind": "color", "shift_de": 4}), &[], &shift), Ok(1.0));
        let reference = json!({"kind": "color", "reference": [50, 0, 0]});
        assert_eq!(
            value(&reference, &[("mean_a", "an image of one pixel")], &shift).unwrap_err(),
            "mean_a: an image of one pixel"
        );
        assert_eq!(value(&json!({"kind": "sharpness"}), &[], &[("blur_ratio", 0.79)]), Ok(0.0));
        assert_eq!(
            value(&json!({"kind": "sharpness", "at_least": 1.5}), &[], &[("blur_ratio", 2.0)]),
            Ok(1.0)
        );
    }

    #[test]
    fn text_is_what_a_reader_read() {
        let sign = json!({"kind": "text", "lines": ["OPEN", "8 to 6"]});
        let corners = |top: f64| [[0.0, top], [90.0, top], [90.0, top + 20.0], [0.0, top + 20.0]];
        let line = |text: &str, top: f64| crate::checks::ReadLine {
            text: text.to_owned(),
            corners: corners(top),
            confidence: 0.9,
        };
        let lines = crate::checks::write_lines(&[line("Open", 0.0), line("8 t0 6", 30.0)]);
        let lines: &'static str = Box::leak(lines.into_boxed_str());
        let words = [("lines", lines)];
        assert_eq!(value(&sign, &words, &[("coverage", 1.0)]), Ok(1.0 - 1.0 / 8.0));
        let exact = json!({"kind": "text", "lines": ["OPEN", "8 to 6"], "rule": "exact"});
        assert_eq!(value(&exact, &words, &[("coverage", 1.0)]), Ok(0.0));
        assert!(value(&sign, &words, &[("coverage", 0.5)]).unwrap_err().contains("50 %"));
        assert!(value(&sign, &[], &[]).unwrap_err().contains("coverage was not measured"));
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_its_reason() {
        let plain = CheckedCase { has_image: false, ..EDIT };
        for (check, about, expected) in [
            (json!({"kind": "unchanged"}), &plain, "needs `images`"),
            (json!({"kind": "unchanged", "region": [0.5, 0, 0.1, 1]}), &EDIT, "[left, top, right, bottom]"),
            (json!({"kind": "unchanged", "cut_off": -1}), &EDIT, "at least 0"),
            (json!({"kind": "color"}), &plain, "`images` or `reference`"),
            (json!({"kind": "color", "reference": [300, 0, 0]}), &EDIT, "CIELAB"),
            (json!({"kind": "text", "lines": []}), &plain, "1 to 50 strings"),
            (json!({"kind": "text", "lines": ["a"], "rule": "most"}), &plain, "characters or exact"),
            (json!({"kind": "sharpness"}), &plain, "`at_least` or `at_most`"),
            (json!({"kind": "sharpness", "at_least": 2, "at_most": 1}), &EDIT, "larger than"),
        ] {
            let error = CaseChecks::read(&json!([check]), Rule::Mean, about).unwrap_err();
            assert!(error.contains(expected), "{check}: {error}");
        }
    }
}
