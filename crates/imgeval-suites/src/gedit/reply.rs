//! The judge's replies: `{"score": [a, b], "reasoning": "…"}`, bare or in a fence, and nothing else.
//!
//! The official parser looks for a list, or a number, anywhere in a reply, repairs what is no JSON, takes scores of any
//! number and size, and in the end makes one up. Each of these is `unparsed` here; docs/gedit.md lists them.

use imgeval_core::{answer_of, json::from_json_str};
use serde::Deserialize;
use serde_json::Value;

use crate::judged::{ReplyFormat, ReplyReader, Scores, Unparsed};

/// The largest score; the smallest is 0.
const MAX: f64 = 10.0;

/// Scores that come in pairs, of which the smaller counts.
#[derive(Debug)]
struct PairScores {
    name: &'static str,
    scale: &'static [(&'static str, f64)],
    questions: &'static [&'static str],
}

const CARRIED_OUT: &str = "Was the instruction carried out? 0 not at all, 10 fully";
const NOTHING_ELSE: &str =
    "Was only that changed which the instruction needs? 0 another scene, 10 nothing else was changed";
const NATURAL: &str = "Does the image look natural (distances, shadows, light)? 0 not at all, 10 fully";
const SOUND: &str = "Is it free of artifacts (distortion, blurred faces, odd limbs, traces of the edit)? 0 full of them, 10 none";

/// What the edit does, as a judge scores it.
pub(super) const SEMANTICS: ReplyFormat = ReplyFormat(&PairScores {
    name: "gedit-sc",
    scale: &[("success", MAX), ("overediting", MAX)],
    questions: &[CARRIED_OUT, NOTHING_ELSE],
});
/// How the image looks, as a judge scores it.
pub(super) const QUALITY: ReplyFormat = ReplyFormat(&PairScores {
    name: "gedit-pq",
    scale: &[("naturalness", MAX), ("artifacts", MAX)],
    questions: &[NATURAL, SOUND],
});
/// Both together, as people score them.
pub(super) const BOTH: ReplyFormat = ReplyFormat(&PairScores {
    name: "gedit-people",
    scale: &[("success", MAX), ("overediting", MAX), ("naturalness", MAX), ("artifacts", MAX)],
    questions: &[CARRIED_OUT, NOTHING_ELSE, NATURAL, SOUND],
});

impl ReplyReader for PairScores {
    fn name(&self) -> &'static str {
        self.name
    }

    fn scale(&self) -> &'static [(&'static str, f64)] {
        self.scale
    }

    fn questions(&self) -> &'static [&'static str] {
        self.questions
    }

    fn render(&self, values: &[f64]) -> String {
        // Whole numbers are written without a fraction.
        let score: Vec<Value> = values
            .iter()
            .map(|value| if value.fract() == 0.0 { Value::from(*value as i64) } else { Value::from(*value) })
            .collect();
        serde_json::json!({"score": score, "reasoning": ""}).to_string()
    }

    fn parse(&self, reply: &str) -> Result<Scores, Unparsed> {
        let answer = answer_of(reply);
        let braces = |text: &str| text.matches(['{', '}']).count();
        if braces(&answer) != braces(reply) {
            return refuse("another object in the thoughts");
        }
        let object = without_fence(&answer);
        if object.is_empty() {
            return refuse("only thoughts, or nothing at all");
        }
        if !object.starts_with('{') {
            return refuse("not only a JSON object");
        }
        let Ok(Reply { score, reasoning: _ }) = from_json_str(object) else {
            return refuse("not a single JSON object with `score` and `reasoning`");
        };
        let Value::Array(score) = score else { return refuse("`score` is not a list") };
        if score.len() != self.scale.len() {
            return refuse(format!("{} scores instead of {}", score.len(), self.scale.len()));
        }
        let values: Option<Vec<f64>> = score.iter().map(whole_number).collect();
        let Some(values) = values else { return refuse("a score that is not a whole number from 0 to 10") };
        let smaller: Vec<f64> =
            values.chunks(2).map(|pair| pair.iter().copied().fold(MAX, f64::min) / MAX).collect();
        Ok(Scores {
            values: self.scale.iter().map(|(name, _)| *name).zip(values).collect(),
            value: combine(&smaller),
            notes: Vec::new(),
        })
    }
}

/// The score of an image from SC and PQ: their geometric mean. A value alone stays what it is.
pub(super) fn combine(values: &[f64]) -> f64 {
    match values {
        [semantics, quality] => (semantics * quality).sqrt(),
        _ => values.first().copied().unwrap_or_default(),
    }
}

/// The object that the questions ask for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    score: Value,
    #[expect(dead_code, reason = "it must be present and a string")]
    reasoning: String,
}

fn whole_number(value: &Value) -> Option<f64> {
    let value = value.as_u64().and_then(|value| u8::try_from(value).ok()).map(f64::from)?;
    (value <= MAX).then_some(value)
}

/// What stands in a fence that is all of the text; a text without one as it is.
fn without_fence(text: &str) -> &str {
    const FENCE: &str = "```";
    let inside = text.strip_prefix(FENCE).and_then(|text| text.strip_suffix(FENCE));
    let Some((language, object)) = inside.and_then(|inside| inside.split_once('\n')) else { return text };
    let language = language.trim();
    if language.is_empty() || language.eq_ignore_ascii_case("json") { object.trim() } else { text }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Unparsed> {
    Err(Unparsed { reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reply: &str, expected: Option<[f64; 2]>) {
        let scores = SEMANTICS.parse(reply);
        let values: Option<Vec<f64>> =
            scores.as_ref().ok().map(|scores| scores.values.iter().map(|(_, value)| *value).collect());
        assert_eq!(values, expected.map(|pair| pair.to_vec()), "{reply}: {scores:?}");
    }

    #[test]
    fn the_object_alone_or_in_a_fence_is_read() {
        for reply in [
            r#"{"score": [8, 9], "reasoning": "fits"}"#,
            " {\n\"reasoning\": \"it says \\\"A\\\", {x}\",\n \"score\": [\n8,\n9]\n} \n",
            "```json\n{\"score\": [8, 9], \"reasoning\": \"\"}\n```",
            "```\n{\"score\": [8, 9], \"reasoning\": \"a ``` b\"}\n```",
            "<think>Well.</think>\n{\"score\": [8, 9], \"reasoning\": \"\"}",
        ] {
            check(reply, Some([8.0, 9.0]));
        }
        check(r#"{"score": [0, 10], "reasoning": ""}"#, Some([0.0, 10.0]));
    }

    #[test]
    fn what_the_official_parser_guesses_mends_or_overlooks_is_refused() {
        for reply in [
            "",
            "8",
            "[8, 9]",
            "score: [8, 9]",
            "rate_limit_exceeded",
            "||V^=^V||\n{\"score\": [8, 9], \"reasoning\": \"\"}\n||V^=^V||",
            r#"Here: {"score": [8, 9], "reasoning": ""}"#,
            r#"{"score": [8, 9], "reasoning": ""} where {x} is the mark"#,
            r#"{"score": [8, 9], "reasoning": "it was"#,
            r#"{"score": [8, 9], "reasoning": "the word "OPEN""}"#,
            "{\"score\": [8, 9], \"reasoning\": \"one\ntwo\"}",
            r#"{"score": [8, 9]}"#,
            r#"{"score": [8, 9], "reasoning": null}"#,
            r#"{"score": [8, 9], "reasoning": "", "score2": 1}"#,
            r#"{"score": [8, 9], "score": [8, 9], "reasoning": ""}"#,
            r#"{"score": [8], "reasoning": ""}"#,
            r#"{"score": [8, 9, 7], "reasoning": ""}"#,
            r#"{"score": 8, "reasoning": ""}"#,
            r#"{"score": "[8, 9]", "reasoning": ""}"#,
            r#"{"score": ["8", "9"], "reasoning": ""}"#,
            r#"{"score": [8.0, 9], "reasoning": ""}"#,
            r#"{"score": [8.5, 9], "reasoning": ""}"#,
            r#"{"score": [8e0, 9], "reasoning": ""}"#,
            r#"{"score": [-1, 9], "reasoning": ""}"#,
            r#"{"score": [-0, 9], "reasoning": ""}"#,
            r#"{"score": [8, 11], "reasoning": ""}"#,
            r#"{"score": [8, 266], "reasoning": ""}"#,
            r#"{"score": [true, 9], "reasoning": ""}"#,
            r#"{"score": [8, NaN], "reasoning": ""}"#,
            r#"{"score": [8, null], "reasoning": ""}"#,
            r#"{"Score": [8, 9], "reasoning": ""}"#,
            r#"[{"score": [8, 9], "reasoning": ""}]"#,
            r#"{"score": [8, 9], "reasoning": ""}{"score": [8, 9], "reasoning": ""}"#,
            r#"<think>{"score": [7, 8]}?</think>{"score": [8, 9], "reasoning": ""}"#,
            r#"<think>{"score": [8, 9], "reasoning": ""}"#,
            "```yaml\n{\"score\": [8, 9], \"reasoning\": \"\"}\n```",
            "```json {\"score\": [8, 9], \"reasoning\": \"\"}```",
        ] {
            check(reply, None);
        }
    }

    #[test]
    fn the_smaller_score_of_each_pair_counts() {
        let scores = QUALITY.parse(r#"{"score": [9, 4], "reasoning": ""}"#).unwrap();
        assert_eq!(scores.values, [("naturalness", 9.0), ("artifacts", 4.0)]);
        assert!((scores.value - 0.4).abs() < 1e-12);
        let people = BOTH.parse(&BOTH.render(&[8.0, 10.0, 5.0, 2.0])).unwrap();
        assert!((people.value - 0.4).abs() < 1e-12, "{people:?}");
        assert!((combine(&[0.9, 0.4]) - 0.6).abs() < 1e-12);
        assert_eq!((combine(&[0.0, 1.0]), combine(&[0.3]), combine(&[])), (0.0, 0.3, 0.0));
    }

    #[test]
    fn every_form_reads_what_it_writes() {
        for form in [SEMANTICS, QUALITY, BOTH] {
            assert_eq!(form.scale().len(), form.questions().len());
            let values: Vec<f64> = (1..).map(f64::from).take(form.scale().len()).collect();
            let read = form.parse(&form.render(&values)).unwrap();
            assert_eq!(read.values.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), values);
            form.parse(&form.render(&values[1..])).unwrap_err();
            form.parse(&form.render(&vec![0.5; values.len()])).unwrap_err();
        }
    }
}
