//! The replies of WISE's judges.
//!
//! Legacy (METHODS 3.1; `extract_scores` of the benchmark's `gpt_eval.py`): each label with up to two asterisks on
//! either side, perhaps a colon, a digit; the last mention of a label counts. Blanks and digits are those of Python's
//! `re`, that is Unicode's. The official script took any digit and counted a missing label as zero; here a digit
//! above 2 and a missing label are unparsed. Three bare lines of one digit each are accepted too.
//!
//! Verified (METHODS 3.2): thoughts between think tags are cut out; `Score` in the same form with 0 or 1, the first
//! mention counts; or a single bare line.

use std::{ops::Range, sync::LazyLock};

use regex::{Captures, Regex};

use super::{Scores, Strictness, Unparsed, unparsed};
use crate::{python_text::is_blank, wise::WiseScore};

/// What Python's `\s` matches: Unicode's white space and four separators of ASCII.
const BLANK: &str = r"[\s\x1C-\x1F]";

const LEGACY_LABELS: [&str; 3] = ["Consistency", "Realism", "Aesthetic Quality"];

static LEGACY: LazyLock<Regex> = LazyLock::new(|| labelled(&LEGACY_LABELS.join("|"), r"\d"));
static VERIFIED: LazyLock<Regex> = LazyLock::new(|| labelled("Score", "[01]"));
static THOUGHTS: LazyLock<Regex> = LazyLock::new(|| compile(r"(?s)(?i-u:<think>).*?(?i-u:</think>)"));
static THOUGHT_BEGINS: LazyLock<Regex> = LazyLock::new(|| compile(r"(?i-u:<think>)"));
static THOUGHT_ENDS: LazyLock<Regex> = LazyLock::new(|| compile(r"(?i-u:</think>)"));
/// What may follow a digit that is not the whole number; captures the other part of a ratio.
static RUNS_ON: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"^(?:[\p{L}\p{N}_%]|[.,]\p{N}",
        r"|[ \t]*(?:[-–—~+]|or\b|to\b)[ \t]*\p{N}",
        r"|[ \t]*(?:/|／|out\ of\b)[ \t]*(?P<whole>\p{N}+(?:[.,]\p{N}+)?)?)",
    ))
});

/// Only ASCII letters match whatever their case. Python lets a few others match too (such as a long s), but the label
/// then found is not the one that is looked up.
fn labelled(labels: &str, digit: &str) -> Regex {
    compile(&format!(r"\*{{0,2}}(?P<label>(?i-u:{labels}))\*{{0,2}}{BLANK}*[:：]?{BLANK}*(?P<digit>{digit})"))
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and the tests compile each")]
fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern compiles")
}

/// One mention of a label with a digit.
struct Mention<'a> {
    label: &'a str,
    value: u32,
    doubt: Option<String>,
}

pub(super) fn parse_legacy(reply: &str, strictness: Strictness) -> Result<Scores, Unparsed> {
    let mut last: [Option<Mention>; 3] = [None, None, None];
    let mut notes = Vec::new();
    for captures in LEGACY.captures_iter(reply) {
        let Some(mention) = read_mention(reply, &captures, 2) else { continue };
        let index = LEGACY_LABELS.iter().position(|label| label.eq_ignore_ascii_case(mention.label));
        let Some(slot) = index.and_then(|index| last.get_mut(index)) else { continue };
        if let Some(earlier) = slot.replace(mention)
            && slot.as_ref().is_some_and(|mention| mention.value != earlier.value)
        {
            note(&mut notes, format!("{} is given more than one score; the last one counts", earlier.label));
        }
    }
    if last.iter().all(Option::is_none) {
        let digits = bare_digits(reply, 3, 2);
        let Some([consistency, realism, aesthetic]) =
            digits.as_deref().and_then(|digits| digits.first_chunk())
        else {
            return unparsed("no labelled score and not three bare lines of 0, 1 or 2");
        };
        return Ok(legacy_scores([*consistency, *realism, *aesthetic], notes));
    }
    let mut values = [0; 3];
    for ((slot, label), value) in last.iter().zip(LEGACY_LABELS).zip(&mut values) {
        let Some(mention) = slot else { return unparsed(format!("no score for {label}")) };
        if mention.value > 2 {
            return unparsed(format!("{label} is {}, not 0, 1 or 2", mention.value));
        }
        *value = mention.value;
        notes.extend(mention.doubt.as_ref().map(|doubt| dangerous(&format!("{label}: {doubt}"))));
    }
    refuse_notes(legacy_scores(values, notes), strictness)
}

fn legacy_scores([consistency, realism, aesthetic]: [u32; 3], notes: Vec<String>) -> Scores {
    let [consistency, realism, aesthetic] = [consistency, realism, aesthetic].map(f64::from);
    Scores {
        values: vec![("consistency", consistency), ("realism", realism), ("aesthetic_quality", aesthetic)],
        value: WiseScore::Legacy { consistency, realism, aesthetic }.value(),
        notes,
    }
}

pub(super) fn parse_verified(reply: &str, strictness: Strictness) -> Result<Scores, Unparsed> {
    let reply = without_thoughts(reply);
    let mut notes = Vec::new();
    let mut first: Option<Mention> = None;
    for captures in VERIFIED.captures_iter(&reply) {
        let ends_word = |digit: Range<usize>| {
            !reply[digit.end..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
        };
        let is_whole = captures.name("digit").is_some_and(|digit| ends_word(digit.range()));
        let Some(mention) = read_mention(&reply, &captures, 1).filter(|_| is_whole) else { continue };
        match &first {
            None => first = Some(mention),
            Some(first) if first.value != mention.value => {
                note(&mut notes, "more than one score is given; the first one counts".to_owned());
            }
            Some(_) => {}
        }
    }
    let value = match first {
        Some(mention) => {
            notes.extend(mention.doubt.map(|doubt| dangerous(&doubt)));
            mention.value
        }
        None => match bare_digits(&reply, 1, 1).as_deref() {
            Some([digit]) => *digit,
            _ => return unparsed("no labelled score of 0 or 1 and not a single bare line of it"),
        },
    };
    let score = f64::from(value);
    refuse_notes(Scores { values: vec![("score", score)], value: score, notes }, strictness)
}

/// Cuts out what stands between think tags. Where one is not closed, all that follows is thought; where one is closed
/// that was not opened (the prompt may have opened it), all before it.
fn without_thoughts(reply: &str) -> String {
    let mut text = THOUGHTS.replace_all(reply, "").into_owned();
    if let Some(end) = THOUGHT_ENDS.find_iter(&text).last().map(|tag| tag.end()) {
        text.drain(..end);
    }
    if let Some(begin) = THOUGHT_BEGINS.find(&text).map(|tag| tag.start()) {
        text.truncate(begin);
    }
    text
}

fn read_mention<'a>(reply: &'a str, captures: &Captures<'a>, max: u32) -> Option<Mention<'a>> {
    let label = captures.name("label")?;
    let digit = captures.name("digit")?;
    let character = digit.as_str().chars().next()?;
    let between = &reply[label.end()..digit.start()];
    let runs_on = RUNS_ON.captures(&reply[digit.end()..]).is_some_and(|after| {
        // "2/2" says no more than "2".
        after.name("whole").is_none_or(|whole| whole.as_str() != max.to_string())
    });
    let is_part_of_word = reply[..label.start()].ends_with(|before: char| before.is_alphanumeric());
    let doubt = if is_part_of_word {
        Some("the label is the end of another word")
    } else if runs_on {
        Some("the digit is only the beginning of what is written")
    } else if between.contains(|character| "\n\r\u{B}\u{C}\u{85}\u{2028}\u{2029}".contains(character)) {
        Some("the digit stands on another line")
    } else if !between.contains([':', '：']) {
        Some("no colon before the digit")
    } else if !matches!(character, '0'..='9' | '０'..='９') {
        Some("the digit is of another script")
    } else {
        None
    };
    let value = decimal_value(character)?;
    Some(Mention { label: label.as_str(), value, doubt: doubt.map(str::to_owned) })
}

/// The value of a decimal digit of any script: Unicode's digits come in runs of ten that begin with zero, and where
/// runs adjoin they still count in tens.
fn decimal_value(digit: char) -> Option<u32> {
    static DIGIT: LazyLock<Regex> = LazyLock::new(|| compile(r"^\d$"));
    let is_digit = |character: char| DIGIT.is_match(character.encode_utf8(&mut [0; 4]));
    if let Some(value) = digit.to_digit(10) {
        return Some(value);
    }
    let code = u32::from(digit);
    let n_before = (1..100).take_while(|back| char::from_u32(code - back).is_some_and(is_digit)).count();
    is_digit(digit).then_some(n_before as u32 % 10)
}

/// The digits of a reply that is exactly `n` lines of one ASCII digit from 0 to `max`, apart from blanks.
fn bare_digits(reply: &str, n: usize, max: u32) -> Option<Vec<u32>> {
    let mut digits = Vec::new();
    for line in reply.split('\n').map(|line| line.trim_matches(is_blank)).filter(|line| !line.is_empty()) {
        let digit = line.parse().ok().filter(|value| line.len() == 1 && *value <= max)?;
        if digits.len() == n {
            return None;
        }
        digits.push(digit);
    }
    (digits.len() == n).then_some(digits)
}

fn dangerous(what: &str) -> String {
    format!("dangerous: {what}")
}

/// Once each.
fn note(notes: &mut Vec<String>, what: String) {
    let what = dangerous(&what);
    if !notes.contains(&what) {
        notes.push(what);
    }
}

fn refuse_notes(scores: Scores, strictness: Strictness) -> Result<Scores, Unparsed> {
    match (strictness, scores.notes.first()) {
        (Strictness::Strict, Some(note)) => unparsed(note.trim_start_matches("dangerous: ")),
        _ => Ok(scores),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_have_their_value() {
        for (digit, value) in
            [('7', 7), ('９', 9), ('٣', 3), ('०', 0), ('𝟚', 2), ('𝟎', 0), ('𝟿', 9), ('႙', 9)]
        {
            assert_eq!(decimal_value(digit), Some(value), "{digit}");
        }
        assert_eq!(decimal_value('²'), None);
    }

    #[test]
    fn thoughts_count_for_nothing_wherever_their_tags_are_missing() {
        assert_eq!(without_thoughts("a<think>b</think>c<THINK>d</Think>e"), "ace");
        assert_eq!(without_thoughts("thought</think>answer"), "answer");
        assert_eq!(without_thoughts("<think>a<think>b</think>c</think>answer"), "answer");
        assert_eq!(without_thoughts("answer<think>never ends"), "answer");
    }

    #[test]
    fn ten_megabytes_of_anything_are_read_in_one_pass() {
        let blanks = " ".repeat(10 << 20);
        for reply in [
            format!("Consistency{blanks}: 1 Realism: 1 Aesthetic Quality: 1"),
            "Consistency: 1 ".repeat((10 << 20) / 15),
            "*".repeat(10 << 20),
            "<think>".repeat((10 << 20) / 7),
            "1\n".repeat(5 << 20),
            "Score ".repeat((10 << 20) / 6),
        ] {
            parse_legacy(&reply, Strictness::Official).ok();
            parse_verified(&reply, Strictness::Official).ok();
        }
    }
}
