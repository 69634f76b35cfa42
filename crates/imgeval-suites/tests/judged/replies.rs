//! 20,000 made-up replies of each form, against answers that Python found.

use imgeval_suites::judged::{ReplyFormat, Strictness};
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
        let separator = if format == ReplyFormat::EditScores { "," } else { "" };
        let answer = scores.as_ref().map_or_else(
            |_| "-".to_owned(),
            |scores| {
                scores.values.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(separator)
            },
        );
        assert_eq!(answer, expected, "{index}: {reply:?}");
        if let Ok(scores) = &scores {
            assert!((0.0..=1.0).contains(&scores.value));
            let names: Vec<_> = scores.values.iter().map(|(name, _)| *name).collect();
            let expected: Vec<_> = format.scale().iter().map(|(name, _)| *name).collect();
            assert_eq!(names, expected);
            n_noted += usize::from(!scores.notes.is_empty());
        }
        // The strict parser takes what carries no note, and gives the same.
        let strict = match format {
            ReplyFormat::WiseLegacy(_) => ReplyFormat::WiseLegacy(Strictness::Strict),
            ReplyFormat::WiseVerified(_) => ReplyFormat::WiseVerified(Strictness::Strict),
            ReplyFormat::EditScores => format,
        };
        assert_eq!(
            strict.parse(&reply).ok(),
            scores.as_ref().ok().filter(|scores| scores.notes.is_empty()).cloned()
        );
        n_parsed += usize::from(scores.is_ok());
        n += 1;
    }
    assert_eq!(n, 20_000);
    (n_parsed, n_noted)
}

#[test]
fn legacy_replies_are_read_as_python_reads_them() {
    let (n_parsed, n_noted) =
        check(ReplyFormat::WiseLegacy(Strictness::Official), "wise", "legacy_answers", 1);
    assert!(n_parsed > 500 && n_noted > 100 && n_parsed > n_noted + 100, "{n_parsed} {n_noted}");
}

#[test]
fn verified_replies_are_read_as_python_reads_them() {
    let (n_parsed, n_noted) =
        check(ReplyFormat::WiseVerified(Strictness::Official), "wise", "verified_answers", 2);
    assert!(n_parsed > 500 && n_noted > 100 && n_parsed > n_noted + 100, "{n_parsed} {n_noted}");
}

#[test]
fn replies_in_json_are_read_as_an_independent_reader_reads_them() {
    let (n_parsed, _) = check(ReplyFormat::EditScores, "edit", "edit_answers", 3);
    assert!(n_parsed > 500, "{n_parsed}");
}
