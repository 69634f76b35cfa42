//! The reply of a judge of edits: a JSON object `{"score": [a, b], "reasoning": "…"}`, alone, in a fence or in prose.
//!
//! Definition: METHODS 2.2; a score is a number from 0 to 10, the sample's value a tenth of the smaller. The rubric from
//! which the metric stems makes up a score where a reply does not parse; here that is `unparsed`.

use std::{collections::BTreeSet, fmt, sync::LazyLock};

use regex::Regex;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Scores, Unparsed, unparsed};

/// Where an object with members may begin.
static OBJECT_BEGINS: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the pattern is a constant, and the tests compile it")]
    Regex::new(r#"\{[ \t\r\n]*""#).expect("a constant pattern compiles")
});

pub(super) fn parse(reply: &str) -> Result<Scores, Unparsed> {
    let mut found: Option<[f64; 2]> = None;
    let mut position = 0;
    // An object nested 128 deep is refused by the reader, so a byte is looked at no more often than that.
    while let Some(begin) = OBJECT_BEGINS.find_at(reply, position) {
        let mut objects =
            serde_json::Deserializer::from_str(&reply[begin.start()..]).into_iter::<ScoreObject>();
        match objects.next() {
            Some(Ok(object)) => {
                position = begin.start() + objects.byte_offset();
                let Some(member) = object.score else { continue };
                if object.repeats_a_key {
                    return unparsed("the object names a key twice");
                }
                let pair = member.check()?;
                if found.is_some_and(|earlier| earlier != pair) {
                    return unparsed("two objects with different scores");
                }
                found = Some(pair);
            }
            Some(Err(error)) if error.is_eof() => return unparsed("a JSON object that breaks off"),
            _ => position = begin.start() + 1,
        }
    }
    let Some([instruction, preservation]) = found else {
        return unparsed("no JSON object with a `score`");
    };
    Ok(Scores {
        values: vec![("instruction", instruction), ("preservation", preservation)],
        value: instruction.min(preservation) / 10.0,
        notes: Vec::new(),
    })
}

/// The top level of an object; whatever lies deeper is skipped.
struct ScoreObject {
    score: Option<Member>,
    repeats_a_key: bool,
}

/// The member `score`.
enum Member {
    /// The first numbers of a list of numbers, and how many there are.
    Numbers([f64; 2], usize),
    Other,
}

impl Member {
    fn check(self) -> Result<[f64; 2], Unparsed> {
        match self {
            Self::Other => unparsed("`score` is not a list of numbers"),
            Self::Numbers(_, n) if n != 2 => unparsed(format!("{n} scores instead of two")),
            Self::Numbers(pair, _) if pair.iter().all(|value| (0.0..=10.0).contains(value)) => Ok(pair),
            Self::Numbers(..) => unparsed("a score outside 0 to 10"),
        }
    }
}

impl<'de> Deserialize<'de> for ScoreObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = ScoreObject;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScoreObject, A::Error> {
                let mut object = ScoreObject { score: None, repeats_a_key: false };
                let mut keys = BTreeSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "score" {
                        object.score = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    object.repeats_a_key |= !keys.insert(key);
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Accepts any JSON value and says whether it is a number; the derive of an untagged enum would keep it all in memory.
struct Element(Option<f64>);

macro_rules! other_values {
    ($value:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Element, E> {
                // Zero has no sign here.
                Ok(Element(Some(value + 0.0)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Element, E> {
                Ok(Element(Some(value as f64)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Element, E> {
                Ok(Element(Some(value as f64)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Element, A::Error> {
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Element(None))
            }

            other_values!(Element(None));
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Member;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Member, A::Error> {
                let (mut pair, mut n, mut all_numbers) = ([0.0; 2], 0, true);
                while let Some(Element(number)) = sequence.next_element()? {
                    all_numbers &= number.is_some();
                    if let (Some(slot), Some(number)) = (pair.get_mut(n), number) {
                        *slot = number;
                    }
                    n += 1;
                }
                Ok(if all_numbers { Member::Numbers(pair, n) } else { Member::Other })
            }

            fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
                Ok(Member::Other)
            }

            other_values!(Member::Other);
        }
        deserializer.deserialize_any(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(parse(r#"{"score":[1,2]} no: {"score":[3"#).is_err());
        assert!(parse(r#"{"draft": {"score":[1,2]}, "final": {"sc"#).is_err());
    }

    #[test]
    fn ten_megabytes_of_anything_are_read_within_bounds() {
        for unit in ["{", "{\"", "{\"score\":[1,2]}", "1,", "\"", "{\"a\":\""] {
            parse(&unit.repeat((10 << 20) / unit.len())).ok();
        }
        // Nested deep, where every level is tried: shorter, for the sake of unoptimised tests.
        for unit in ["{\"a\":", "{\"a\":[", "{\"score\":["] {
            assert!(parse(&unit.repeat((1 << 20) / unit.len())).is_err());
        }
        let numbers = "1,".repeat(5 << 20);
        assert!(parse(&format!("{{\"score\":[{numbers}1]}}")).is_err());
        let nested = "{\"a\":[".repeat(10) + &numbers;
        assert!(parse(&nested).is_err());
    }
}
