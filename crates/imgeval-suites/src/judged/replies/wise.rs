//! The replies of WISE's judges as a careful reader takes them; how the benchmark's scripts read them stands in
//! [`super::wise_official`].
//!
//! Thoughts are taken out first. Legacy: each label with up to two asterisks on either side, a colon (also full-width),
//! a digit from 0 to 2 that is the whole number; or three bare lines. Verified: `Score` in the same form with 0 or 1; or
//! a single bare line. What the scripts take beyond that, and what they would decide by its place, is refused.

use std::{ops::Range, sync::LazyLock};

use imgeval_core::answer_of;
use regex::{Captures, Regex};

use super::{Scores, Unparsed, unparsed};
use crate::{python_text::is_blank, wise::WiseScore};

/// What Python's `\s` matches: Unicode's white space and four separators of ASCII.
pub(super) const BLANK: &str = r"[\s\x1C-\x1F]";

pub(super) const LEGACY_LABELS: [&str; 3] = ["Consistency", "Realism", "Aesthetic Quality"];

static LEGACY: LazyLock<Regex> = LazyLock::new(|| labelled(&LEGACY_LABELS.join("|"), r"\d"));
static VERIFIED: LazyLock<Regex> = LazyLock::new(|| labelled("Score", r"\d"));
/// What may follow a digit that is not the whole number; captures the other part of a ratio.
static RUNS_ON: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"^(?:[\p{L}\p{N}_%]|[.,]\p{N}",
        r"|[ \t]*(?:[-–—~+]|or\b|to\b)[ \t]*\p{N}",
        r"|[ \t]*(?:/|／|out\ of\b)[ \t]*(?P<whole>\p{N}+(?:[.,]\p{N}+)?)?)",
    ))
});

/// Only ASCII letters match whatever their case.
fn labelled(labels: &str, digit: &str) -> Regex {
    compile(&format!(r"\*{{0,2}}(?P<label>(?i-u:{labels}))\*{{0,2}}{BLANK}*[:：]?{BLANK}*(?P<digit>{digit})"))
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and the tests compile each")]
pub(super) fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern compiles")
}

/// One mention of a label with a digit.
pub(super) struct Mention<'a> {
    pub(super) label: &'a str,
    pub(super) value: u32,
    /// Why it may not mean what it seems to.
    pub(super) doubt: Option<&'static str>,
}

pub(super) fn parse_legacy(reply: &str) -> Result<Scores, Unparsed> {
    let answer = answer_of(reply);
    if answer.is_empty() {
        return unparsed("only thoughts, or nothing at all");
    }
    let mut values: [Option<u32>; 3] = [None; 3];
    for captures in LEGACY.captures_iter(&answer) {
        let Some(mention) = read_mention(&answer, &captures, 2) else { continue };
        let index = LEGACY_LABELS.iter().position(|label| label.eq_ignore_ascii_case(mention.label));
        let Some((index, label)) = index.and_then(|index| Some((index, LEGACY_LABELS.get(index)?))) else {
            continue;
        };
        if let Some(doubt) = mention.doubt {
            return unparsed(format!("{label}: {doubt}"));
        }
        if mention.value > 2 {
            return unparsed(format!("{label} is {}, not 0, 1 or 2", mention.value));
        }
        if values[index].replace(mention.value).is_some_and(|earlier| earlier != mention.value) {
            return unparsed(format!("{label} is given more than one score"));
        }
    }
    if values.iter().all(Option::is_none) {
        let digits = bare_digits(&answer, 3, 2);
        let Some(digits) = digits.as_deref().and_then(|digits| digits.first_chunk::<3>()) else {
            return unparsed("no labeled score and not three bare lines of 0, 1 or 2");
        };
        return Ok(legacy_scores(*digits, Vec::new()));
    }
    if let Some((_, label)) = values.iter().zip(LEGACY_LABELS).find(|(value, _)| value.is_none()) {
        return unparsed(format!("no score for {label}"));
    }
    Ok(legacy_scores(values.map(Option::unwrap_or_default), Vec::new()))
}

pub(super) fn legacy_scores([consistency, realism, aesthetic]: [u32; 3], notes: Vec<String>) -> Scores {
    let [consistency, realism, aesthetic] = [consistency, realism, aesthetic].map(f64::from);
    Scores {
        values: vec![("consistency", consistency), ("realism", realism), ("aesthetic_quality", aesthetic)],
        value: WiseScore::Legacy { consistency, realism, aesthetic }.value(),
        notes,
    }
}

pub(super) fn parse_verified(reply: &str) -> Result<Scores, Unparsed> {
    let answer = answer_of(reply);
    if answer.is_empty() {
        return unparsed("only thoughts, or nothing at all");
    }
    let mut value: Option<u32> = None;
    for captures in VERIFIED.captures_iter(&answer) {
        let Some(mention) = read_mention(&answer, &captures, 1) else { continue };
        if let Some(doubt) = mention.doubt {
            return unparsed(doubt);
        }
        if mention.value > 1 {
            return unparsed(format!("the score is {}, not 0 or 1", mention.value));
        }
        if value.replace(mention.value).is_some_and(|earlier| earlier != mention.value) {
            return unparsed("more than one score is given");
        }
    }
    if let Some(value) = value {
        return Ok(verified_scores(value, Vec::new()));
    }
    match bare_digits(&answer, 1, 1).as_deref() {
        Some([digit]) => Ok(verified_scores(*digit, Vec::new())),
        _ => unparsed("no labeled score of 0 or 1 and not a single bare line of it"),
    }
}

pub(super) fn verified_scores(value: u32, notes: Vec<String>) -> Scores {
    let score = f64::from(value);
    Scores { values: vec![("score", score)], value: score, notes }
}

fn read_mention<'a>(reply: &'a str, captures: &Captures<'a>, max: u32) -> Option<Mention<'a>> {
    let (label, digit) = (captures.name("label")?, captures.name("digit")?);
    let value = decimal_value(digit.as_str().chars().next()?)?;
    Some(Mention { label: label.as_str(), value, doubt: doubt_of(reply, label.range(), digit.range(), max) })
}

/// Why a digit behind a label may not be its score.
pub(super) fn doubt_of(
    reply: &str,
    label: Range<usize>,
    digit: Range<usize>,
    max: u32,
) -> Option<&'static str> {
    let between = &reply[label.end..digit.start];
    let runs_on = RUNS_ON.captures(&reply[digit.end..]).is_some_and(|after| {
        // "2/2" says no more than "2".
        after.name("whole").is_none_or(|whole| whole.as_str() != max.to_string())
    });
    let is_part_of_word = reply[..label.start].ends_with(|before: char| before.is_alphanumeric());
    let has_other_letters = !reply[label.clone()].is_ascii();
    let is_ascii_or_wide = |character: char| matches!(character, '0'..='9' | '０'..='９');
    if is_part_of_word {
        Some("the label is the end of another word")
    } else if has_other_letters {
        Some("the label has letters of another script")
    } else if runs_on {
        Some("the digit is only the beginning of a longer text")
    } else if between.contains(|character| "\n\r\u{B}\u{C}\u{85}\u{2028}\u{2029}".contains(character)) {
        Some("the digit is on another line")
    } else if !between.contains([':', '：']) {
        Some("no colon before the digit")
    } else if !reply[digit].starts_with(is_ascii_or_wide) {
        Some("the digit belongs to another script")
    } else {
        None
    }
}

/// The value of a decimal digit of any script: Unicode's digits come in runs of ten that begin with zero, and where
/// runs adjoin they still count in tens.
pub(super) fn decimal_value(digit: char) -> Option<u32> {
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
pub(super) fn bare_digits(reply: &str, n: usize, max: u32) -> Option<Vec<u32>> {
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

pub(super) fn dangerous(what: &str) -> String {
    format!("dangerous: {what}")
}

/// Once each.
pub(super) fn note(notes: &mut Vec<String>, what: String) {
    let what = dangerous(&what);
    if !notes.contains(&what) {
        notes.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::wise_official, *};

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
    fn megabytes_of_anything_are_read_in_one_pass() {
        let blanks = " ".repeat(1 << 20);
        for reply in [
            format!("Consistency{blanks}: 1 Realism: 1 Aesthetic Quality: 1"),
            "Consistency: 1 ".repeat((1 << 20) / 15),
            "*".repeat(1 << 20),
            "<think>".repeat((1 << 20) / 7),
            "1\n".repeat(1 << 19),
            "Score ".repeat((1 << 20) / 6),
        ] {
            parse_legacy(&reply).ok();
            parse_verified(&reply).ok();
            wise_official::parse_legacy(&reply).ok();
            wise_official::parse_verified(&reply).ok();
        }
    }
}
