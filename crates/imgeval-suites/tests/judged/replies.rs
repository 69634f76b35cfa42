//! 20,000 made-up replies of each form, against answers that Python found.

use std::{fs, path::Path};

use imgeval_suites::judged::{ReplyFormat, Strictness};
use proptest::prelude::*;
use serde_json::Value;

// Reference: scripts/reference/judge_replies.py (Python 3.11.7).
const FIXTURE: &str = include_str!("../fixtures/judge_replies.json");

/// The generator of the reference script.
struct Generator(u64);

impl Generator {
    fn pick(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn reply(&mut self, slots: &[Vec<String>], index: usize) -> String {
        let text: String = if index.is_multiple_of(2) {
            slots.iter().map(|slot| slot[self.pick(slot.len())].as_str()).collect()
        } else {
            let every: Vec<&String> = slots.iter().flatten().collect();
            let n = self.pick(9);
            (0..n).map(|_| every[self.pick(every.len())].as_str()).collect()
        };
        if index % 5 < 4 {
            return text;
        }
        let length = self.pick(text.chars().count() + 1);
        text.chars().take(length).collect()
    }
}

/// Checks every reply; gives how many had an answer, and of those how many a note.
fn check(format: ReplyFormat, slots: &str, answers: &str, seed: u64) -> (usize, usize) {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let slots: Vec<Vec<String>> = serde_json::from_value(fixture[slots].clone()).unwrap();
    let mut generator = Generator(seed);
    let (mut n_parsed, mut n_noted, mut n) = (0, 0, 0);
    for (index, expected) in fixture[answers].as_str().unwrap().split(' ').enumerate() {
        let reply = generator.reply(&slots, index);
        let scores = format.parse(&reply);
        let separator = if format == ReplyFormat::EDIT_SCORES { "," } else { "" };
        let answer = scores.as_ref().map_or_else(
            |_| "-".to_owned(),
            |scores| {
                scores.values.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(separator)
            },
        );
        assert_eq!(answer, expected, "{index}: {reply:?}");
        if let Ok(scores) = &scores {
            let is_in_scale =
                scores.values.iter().zip(format.scale()).all(|((_, value), (_, max))| value <= max);
            assert!(!is_in_scale || (0.0..=1.0).contains(&scores.value));
            assert!(is_in_scale || !scores.notes.is_empty());
            let names: Vec<_> = scores.values.iter().map(|(name, _)| *name).collect();
            let expected: Vec<_> = format.scale().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, expected);
            n_noted += usize::from(!scores.notes.is_empty());
        }
        // What carries no note the strict parser reads alike.
        let strict = format.strict().unwrap_or(format);
        match &scores {
            Ok(scores) if scores.notes.is_empty() => {
                assert_eq!(strict.parse(&reply).as_ref(), Ok(scores), "{reply:?}");
            }
            Err(_) => assert!(
                strict.parse(&reply).is_err() || reply.contains('：') || reply.contains("</think>"),
                "{index}: {reply:?}"
            ),
            Ok(_) => {}
        }
        n_parsed += usize::from(scores.is_ok());
        n += 1;
    }
    assert_eq!(n, 20_000);
    (n_parsed, n_noted)
}

#[test]
fn legacy_replies_are_read_as_python_reads_them() {
    let (n_parsed, n_noted) =
        check(ReplyFormat::wise_legacy(Strictness::Official), "wise", "legacy_answers", 1);
    assert!(n_parsed > 500 && n_noted > 100 && n_parsed > n_noted + 100, "{n_parsed} {n_noted}");
}

#[test]
fn verified_replies_are_read_as_python_reads_them() {
    let (n_parsed, n_noted) =
        check(ReplyFormat::wise_verified(Strictness::Official), "wise", "verified_answers", 2);
    assert!(n_parsed > 500 && n_noted > 100 && n_parsed > n_noted + 100, "{n_parsed} {n_noted}");
}

#[test]
fn replies_in_json_are_read_as_an_independent_reader_reads_them() {
    let (n_parsed, _) = check(ReplyFormat::EDIT_SCORES, "edit", "edit_answers", 3);
    assert!(n_parsed > 500, "{n_parsed}");
}

/// Thoughts of every form, with other scores in them.
fn thought() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just("Score: 0, or {\"score\": [3, 3]}"),
        Just("Consistency: 1\nRealism: 1\nAesthetic Quality: 1"),
        Just("{\"score\": [1, ... and so on"),
        Just("0\n"),
        Just("the tag <reasoning> or {\"sco"),
    ];
    let tags = prop_oneof![
        Just(("<think>", "</think>")),
        Just(("<THINK>\n", "\n</Think>\n")),
        Just(("<thinking>", "</thinking>")),
        Just(("<think><think>", "</think> again </think>")),
        Just(("[THINK]", "[/THINK]")),
        Just(("<|channel>thought\n", "<channel|>")),
    ];
    (tags, words).prop_map(|((open, close), words)| format!("{open}{words}{close}"))
}

proptest! {
    #[test]
    fn thoughts_around_a_reply_change_no_score(
        before in prop::collection::vec(thought(), 0..3),
        unopened in prop::bool::ANY,
        after in prop::collection::vec(thought(), 0..2),
        in_channel in prop::bool::ANY,
        which in 0..6_usize,
    ) {
        let replies = [
            (ReplyFormat::EDIT_SCORES, "{\"score\": [8, 9], \"reasoning\": \"the word \"STOP\" is\ngone\"}"),
            (ReplyFormat::EDIT_SCORES, "```json\n{'score': [8, 2.5],}\n```"),
            (ReplyFormat::wise_verified(Strictness::Strict), "Score: 1"),
            (ReplyFormat::wise_verified(Strictness::Strict), "1"),
            (ReplyFormat::wise_legacy(Strictness::Strict), "Consistency: 2\nRealism: 1\nAesthetic Quality: 0"),
            (ReplyFormat::wise_legacy(Strictness::Strict), "2\n1\n0"),
        ];
        let (format, reply) = replies[which];
        let unopened = if unopened { "it may be Score: 0 or {\"score\": [1, 1]}\n</think>\n" } else { "" };
        let around = format!("{unopened}{}\n{reply}\n{}", before.concat(), after.concat());
        let around = if in_channel {
            format!("<|channel|>analysis<|message|>{reply} Score: 0<|end|><|start|>assistant<|channel|>final<|message|>{around}<|return|>")
        } else {
            around
        };
        prop_assert_eq!(format.parse(&around), format.parse(reply), "{}", around);
        prop_assert!(format.parse(reply).is_ok());
        let unclosed = format!("<think>{around}");
        if !around.contains("</think>") && !in_channel {
            prop_assert!(format.parse(&unclosed).is_err());
        }
    }
}

/// Replies that people met, with what the official scripts or a careful reader take; absent outside the project's own machines.
#[test]
fn replies_that_people_met_are_read_as_they_should_be() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/judge-replies");
    if !folder.is_dir() {
        return;
    }
    for (file, format, key) in [
        ("wise-legacy.json", ReplyFormat::wise_legacy(Strictness::Official), "official"),
        ("wise-verified.json", ReplyFormat::wise_verified(Strictness::Official), "official"),
        ("reason-edit.json", ReplyFormat::EDIT_SCORES, "expected"),
        ("reason-edit-thoughts.json", ReplyFormat::EDIT_SCORES, "expected"),
    ] {
        let cases: Vec<Value> = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let reply = case["reply"].as_str().unwrap();
            let scores = format.parse(reply).ok();
            let expected: Option<Vec<f64>> = match &case[key] {
                Value::Array(values) => Some(values.iter().filter_map(Value::as_f64).collect()),
                // The scripts ask again where one of the scores is missing.
                Value::Object(values) => {
                    format.scale().iter().map(|(name, _)| values.get(*name)?.as_f64()).collect()
                }
                _ => None,
            };
            let values =
                scores.map(|scores| scores.values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
            assert_eq!(values, expected, "{file}: {reply:?}");
        }
    }
}
