//! Checks of the text in an image, as a reader reads it.

use imgeval_metrics::text::{Fragment, WordSpaces, measure_text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Check, CheckedCase, Kind, Needs,
    measures::{COVERAGE, LINES, Measures, MeasuresNeeded, NotMeasurable},
};

const MAX_LINES: usize = 50;
const MAX_LINE_BYTES: usize = 1_000;

#[derive(Debug)]
pub(super) struct Text;

impl Kind for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn members(&self) -> &'static [&'static str] {
        &["lines", "rule"]
    }

    fn read(&self, members: &Map<String, Value>, _about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        let wrong = || format!("`lines` must be a list of 1 to {MAX_LINES} strings");
        let items = members.get("lines").and_then(Value::as_array).ok_or_else(wrong)?;
        let lines: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        let lines = lines.filter(|lines| (1..=MAX_LINES).contains(&lines.len())).ok_or_else(wrong)?;
        if lines.iter().any(|line| line.trim().is_empty() || line.len() > MAX_LINE_BYTES) {
            return Err(format!("a line is empty or longer than {MAX_LINE_BYTES} bytes"));
        }
        let rule = match members.get("rule").map(|rule| rule.as_str().unwrap_or_default()) {
            None | Some("characters") => TextRule::Characters,
            Some("exact") => TextRule::Exact,
            Some(_) => return Err("`rule` must be characters or exact".to_owned()),
        };
        Ok(Box::new(TextCheck { lines, rule }))
    }
}

/// What the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextRule {
    /// The share of characters that are right.
    Characters,
    /// 1 if every line is exact and nothing else is written, else 0.
    Exact,
}

#[derive(Debug)]
struct TextCheck {
    lines: Vec<String>,
    rule: TextRule,
}

impl Check for TextCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Measures(MeasuresNeeded { region: None, lines: &self.lines })
    }

    fn value_of_measures(&self, measures: &dyn Measures) -> Result<f64, NotMeasurable> {
        let refuse = NotMeasurable::new;
        let coverage = measures.need(COVERAGE)?;
        if coverage < 1.0 {
            let share = coverage * 100.0;
            return Err(refuse(format!("the reader knows {share:.0} % of the requested characters")));
        }
        let lines = measures.word(LINES).ok_or_else(|| refuse("the text was not read".to_owned()))?;
        let lines = read_lines(lines).map_err(refuse)?;
        let fragments: Vec<Fragment> =
            lines.into_iter().map(|line| Fragment { corners: line.corners, text: line.text }).collect();
        let measured = measure_text(&self.lines, &fragments, WordSpaces::of_texts(&self.lines))
            .map_err(|error| refuse(error.to_string()))?;
        Ok(match self.rule {
            TextRule::Characters => measured.char_accuracy,
            TextRule::Exact => f64::from(u8::from(measured.exact_image)),
        })
    }

    /// Three characters in four.
    fn holds(&self, value: f64) -> bool {
        value >= if self.rule == TextRule::Exact { 1.0 } else { 0.75 }
    }
}

/// A line that a reader found, as a run keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadLine {
    pub text: String,
    /// x and y of the corners in pixels, clockwise from the top left.
    pub corners: [[f64; 2]; 4],
    /// In [0, 1].
    pub confidence: f32,
}

/// As a run keeps them.
#[must_use]
pub fn write_lines(lines: &[ReadLine]) -> String {
    // Texts and numbers alone: nothing that JSON could refuse.
    serde_json::to_string(lines).unwrap_or_default()
}

/// # Errors
/// If the text is not what [`write_lines`] gave.
pub fn read_lines(text: &str) -> Result<Vec<ReadLine>, String> {
    serde_json::from_str(text).map_err(|error| format!("the recorded text is damaged: {error}"))
}
