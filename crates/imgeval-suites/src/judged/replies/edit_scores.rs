//! The reply of a judge of edits: a JSON object `{"score": [a, b], "reasoning": "…"}`, alone, in a fence or in prose.
//!
//! Definition: docs/methods.md 2.1; a score is a number from 0 to 10, the sample's value a tenth of the smaller. The rubric from
//! which the metric stems makes up a score where a reply does not parse; here that is `unparsed`.

use imgeval_core::answer_of;

use super::{
    Scores, Unparsed,
    json_reader::{Found, Item, Objects, ScoreValue, parse_number},
    unparsed,
};

pub(super) fn parse(reply: &str) -> Result<Scores, Unparsed> {
    let answer = answer_of(reply);
    if answer.is_empty() {
        return unparsed("only thoughts, or nothing at all");
    }
    let mut taken: Option<[f64; 2]> = None;
    for found in Objects::of(&answer) {
        let object = match found {
            Found::Object(object) => object,
            Found::Nothing => continue,
            Found::BreaksOff => return unparsed("a JSON object that is cut off"),
            Found::TooTangled => return unparsed("braces and quotes that cannot be resolved"),
        };
        let Some(score) = object.score else { continue };
        if object.repeats_a_key {
            return unparsed("the object names a key twice");
        }
        if object.hides_an_answer {
            return unparsed("an object inside a string of another");
        }
        let pair = check(&score)?;
        if taken.is_some_and(|earlier| earlier != pair) {
            return unparsed("two objects with different scores");
        }
        taken = Some(pair);
    }
    let Some([instruction, preservation]) = taken else {
        return unparsed("no JSON object with a `score`");
    };
    Ok(Scores {
        values: vec![("instruction", instruction), ("preservation", preservation)],
        value: instruction.min(preservation) / 10.0,
        notes: Vec::new(),
    })
}

fn check(score: &ScoreValue) -> Result<[f64; 2], Unparsed> {
    let ScoreValue::List(pair, n) = score else { return unparsed("`score` is not a list of numbers") };
    if *n != 2 {
        return unparsed(format!("{n} scores instead of two"));
    }
    let [Some(instruction), Some(preservation)] = pair.each_ref().map(number) else {
        return unparsed("`score` is not a list of numbers");
    };
    let pair = [instruction, preservation];
    if pair.iter().all(|value| (0.0..=10.0).contains(value)) {
        Ok(pair)
    } else {
        unparsed("a score outside 0 to 10")
    }
}

/// The number that an item of the list is, or says: `"8"`, `"8/10"`, `"8 out of 10"`.
fn number(item: &Item) -> Option<f64> {
    let text = match item {
        Item::Number(value) => return Some(*value),
        Item::Text(text) => text.trim(),
        Item::Other => return None,
    };
    let share = text.split_once('/').or_else(|| text.split_once("out of"));
    match share {
        Some((part, whole)) if parse_number(whole.trim()) == Some(10.0) => parse_number(part.trim_end()),
        Some(_) => None,
        None => parse_number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_scores(reply: &str, expected: Option<[f64; 2]>) {
        let scores =
            parse(reply).map(|scores| scores.values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        assert_eq!(scores.clone().ok(), expected.map(|pair| pair.to_vec()), "{reply}: {scores:?}");
    }

    #[test]
    fn the_smaller_score_counts() {
        let scores = parse(r#"{"reasoning": "a {\"score\": [1, 1]} b", "score": [9, 4.5]}"#).unwrap();
        assert_eq!(scores.values, [("instruction", 9.0), ("preservation", 4.5)]);
        assert!((scores.value - 0.45).abs() < 1e-12);
    }

    #[test]
    fn the_same_scores_twice_are_one_answer() {
        assert!(parse(r#"{"score":[1,2]} that is {"score": [1.0, 2], "reasoning": ""}"#).is_ok());
    }

    #[test]
    fn a_first_answer_is_not_taken_when_a_second_breaks_off() {
        check_scores(r#"{"score":[1,2]} no: {"score":[3"#, None);
        check_scores(r#"{"score":[1,2]} no: {"score":[3,4], "r": "a "b" c"#, None);
        check_scores(r#"{"draft": {"score":[1,2]}, "final": {"sc"#, None);
    }

    #[test]
    fn what_models_write_for_json_is_read() {
        for reply in [
            "{\"score\": [1, 2], \"reasoning\": \"a\n\tb\r\nc\"}",
            r#"{"score": [1, 2], "reasoning": "50 \% of \[it\] is \'x\' \u12"}"#,
            r#"{"score": [1, 2], "reasoning": "a \udc00 b"}"#,
            r#"{"reasoning": "it says "A", "B" and "C", then {x}", "score": [1, 2]}"#,
            r#"{"reasoning": "it is 5" tall", "score": [1, 2],}"#,
            r#"{'reasoning': 'it isn't there', 'score': [1, 2]}"#,
            "{“score”：[1，2]，“reasoning”：“好“的””}",
            "{„score“: [1, 2]}",
            "{score: [1, 2], reasoning: 'fine'}",
            "{ /* both */ \"score\": [1, # first\n 2, // second\n ], }",
            r#"{"score": ["1", " +2.0 "]}"#,
            r#"{"score": ["1/10", "2 out of 10"]}"#,
            r#"{"score": [1/10, 2 / 10.0]}"#,
            r#"{{"SCORE ": [1, 2], "ok": True, "rest": None}}"#,
            r#"[{"score": [1, 2]}, {"score": [1.0, 2e0]}]"#,
            r#"From {"score": [a, b]}, {"score": [<0-10>, <0-10>]} and {"x": it}: {"score": [1, 2]} of {"hat", "cat"#,
            r#"I write {"note: the result} first. {"score": [1, 2]}"#,
            "<think>{\"score\": [3</think>{\"score\": [1, 2]}<think>or {\"score\": [4, 4]}</think>",
            "<|channel|>analysis<|message|>{\"score\": [3, 3]}<|end|><|start|>assistant<|channel|>final<|message|>{\"score\": [1, 2]}",
        ] {
            check_scores(reply, Some([1.0, 2.0]));
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for reply in [
            r#"{"score": [1, NaN]} {"score": [1, 2]}"#,
            r#"{"score": [1, -Infinity]}"#,
            r#"{"score": ["1", "two"]}"#,
            r#"{"score": ["1/5", "2/5"]}"#,
            r#"{"score": [1/100, 2/100]}"#,
            r#"{"score": ["8,5", "9"]}"#,
            r#"{"score": [8., 9]}"#,
            r#"{"score": [.8, 9]}"#,
            r#"{"score": [1, 10.01]}"#,
            r#"{"score": [-0.1, 1]}"#,
            r#"{"score": "1, 2"}"#,
            r#"{"score": (1, 2)}"#,
            r#"{"draft": {"score": [1, 2]}, "score": [3, oops]}"#,
            r#"{"score": [1, 2], "Score": [1, 2]}"#,
            r#"{"score": [1, 2], "reasoning": "a {"score": [3, 4], "reasoning": "b"}"#,
            r#"{"score": [1 2]}"#,
            r#"{\"score\": [1, 2]}"#,
            "{\"score\": [1, 2] /* and",
        ] {
            check_scores(reply, None);
        }
    }

    #[test]
    fn megabytes_of_anything_are_read_within_bounds() {
        for unit in [
            "{",
            "{\"",
            "{\"score\":[1,2]}",
            "1,",
            "\"",
            "{\"a\":\"",
            "{//",
            "{a:'b' c}",
            "{/**/",
            "{\"a\": \"b\" c} \n",
        ] {
            parse(&unit.repeat((1 << 15) / unit.len())).ok();
        }
        // Nested deep, where every level is tried.
        for unit in ["{\"a\":", "{\"a\":[", "{\"score\":["] {
            assert!(parse(&unit.repeat((1 << 15) / unit.len())).is_err());
        }
        let numbers = "1,".repeat(1 << 14);
        assert!(parse(&format!("{{\"score\":[{numbers}1]}}")).is_err());
        let nested = "{\"a\":[".repeat(10) + &numbers;
        assert!(parse(&nested).is_err());
    }
}
