//! WISE's replies as the benchmark's own scripts read them, at the pinned commit ([`crate::wise::COMMIT`]).
//!
//! Legacy (`WISE_legacy/gpt_eval.py`): every mention of a label, with up to two asterisks on either side, perhaps a
//! colon of ASCII (the script's pattern names it twice, and no other), and a digit; the last mention of each label
//! counts, whatever the digit. Only without any mention, the first three lines that hold nothing but 0, 1 or 2. Thoughts
//! are read like the rest. A score that is missing makes the script ask again, so the reply is unparsed.
//!
//! Verified (`vllm_eval.py`): what stands between `<think>` and `</think>`, in lower case, is deleted, and of other
//! closing tags the tag alone. Then the first `Score` in that form with 0 or 1 counts; without one, the only line that
//! is nothing but 0 or 1.
//!
//! Blanks, digits, word ends and letters whatever their case are those of Python's `re`. Where a careful reader would
//! take something else or nothing, a note says so.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{
    Scores, Unparsed, unparsed,
    wise::{
        self, BLANK, LEGACY_LABELS, Mention, bare_digits, compile, dangerous, decimal_value, doubt_of,
        legacy_scores, note, verified_scores,
    },
};

static LEGACY: LazyLock<Regex> = LazyLock::new(|| {
    let labels = LEGACY_LABELS.map(in_any_case).join("|");
    compile(&format!(r"\*{{0,2}}(?P<label>{labels})\*{{0,2}}{BLANK}*:?{BLANK}*(?P<digit>\d)"))
});
static VERIFIED: LazyLock<Regex> = LazyLock::new(|| {
    let label = in_any_case("Score");
    compile(&format!(r"\*{{0,2}}(?P<label>{label})\*{{0,2}}{BLANK}*:?{BLANK}*(?P<digit>[01])"))
});
static LEGACY_LINES: LazyLock<Regex> = LazyLock::new(|| bare_line("[0-2]"));
static VERIFIED_LINES: LazyLock<Regex> = LazyLock::new(|| bare_line("[01]"));
static THOUGHTS: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"(?s)<think>.*?</think>{BLANK}*")));
static CLOSING_TAGS: LazyLock<Regex> = LazyLock::new(|| compile(&format!(r"</think>{BLANK}*")));
/// With what a word goes on in Python's eyes.
static WORD_GOES_ON: LazyLock<Regex> = LazyLock::new(|| compile(r"^[\p{L}\p{N}_]"));

/// Letters as `re.IGNORECASE` takes them, which knows other letters with the same capital or small one.
fn in_any_case(label: &str) -> String {
    let class = |letter: char| match letter.to_ascii_lowercase() {
        'i' => "[iIİı]".to_owned(),
        's' => "[sSſ]".to_owned(),
        small if small.is_ascii_lowercase() => format!("[{small}{}]", small.to_ascii_uppercase()),
        other => other.to_string(),
    };
    label.chars().map(class).collect()
}

fn bare_line(digit: &str) -> Regex {
    compile(&format!(r"(?m)^{BLANK}*({digit}){BLANK}*$"))
}

fn digits_of_lines(lines: &Regex, reply: &str) -> Vec<u32> {
    let digits = lines.captures_iter(reply).filter_map(|line| line.get(1)?.as_str().parse().ok());
    digits.collect()
}

fn read_mention<'a>(reply: &'a str, captures: &Captures<'a>, max: u32) -> Option<Mention<'a>> {
    let (label, digit) = (captures.name("label")?, captures.name("digit")?);
    let value = decimal_value(digit.as_str().chars().next()?)?;
    Some(Mention { label: label.as_str(), value, doubt: doubt_of(reply, label.range(), digit.range(), max) })
}

pub(super) fn parse_legacy(reply: &str) -> Result<Scores, Unparsed> {
    let mut scores = read_legacy(reply)?;
    note_care(&mut scores, wise::parse_legacy(reply));
    Ok(scores)
}

fn read_legacy(reply: &str) -> Result<Scores, Unparsed> {
    let mut last: [Option<Mention>; 3] = [None, None, None];
    let mut notes = Vec::new();
    let mut has_mention = false;
    for captures in LEGACY.captures_iter(reply) {
        has_mention = true;
        let Some(mention) = read_mention(reply, &captures, 2) else { continue };
        // A label with other letters in it is found, and none of the three that are asked for.
        let index = LEGACY_LABELS.iter().position(|label| label.eq_ignore_ascii_case(mention.label));
        let Some(slot) = index.and_then(|index| last.get_mut(index)) else { continue };
        if let Some(earlier) = slot.replace(mention)
            && slot.as_ref().is_some_and(|mention| mention.value != earlier.value)
        {
            note(&mut notes, format!("{} is given more than one score; the last one counts", earlier.label));
        }
    }
    if !has_mention {
        let digits = digits_of_lines(&LEGACY_LINES, reply);
        let Some(first) = digits.first_chunk::<3>() else {
            return unparsed("no labeled score and not three bare lines of 0, 1 or 2");
        };
        if bare_digits(reply, 3, 2).is_none() {
            note(
                &mut notes,
                "the reply contains more than the digits; the first three lines count".to_owned(),
            );
        }
        return Ok(legacy_scores(*first, notes));
    }
    let mut values = [0; 3];
    for ((slot, label), value) in last.iter().zip(LEGACY_LABELS).zip(&mut values) {
        let Some(mention) = slot else { return unparsed(format!("no score for {label}")) };
        *value = mention.value;
        if mention.value > 2 {
            notes.push(dangerous(&format!("{label} is {}, not 0, 1 or 2", mention.value)));
        }
        notes.extend(mention.doubt.as_ref().map(|doubt| dangerous(&format!("{label}: {doubt}"))));
    }
    Ok(legacy_scores(values, notes))
}

pub(super) fn parse_verified(reply: &str) -> Result<Scores, Unparsed> {
    let text = THOUGHTS.replace_all(reply, "");
    let text = CLOSING_TAGS.replace_all(&text, "");
    let mut scores = read_verified(&text)?;
    note_care(&mut scores, wise::parse_verified(reply));
    Ok(scores)
}

fn read_verified(text: &str) -> Result<Scores, Unparsed> {
    let mut notes = Vec::new();
    let mut first: Option<Mention> = None;
    for captures in VERIFIED.captures_iter(text) {
        let ends_word =
            captures.name("digit").is_some_and(|digit| !WORD_GOES_ON.is_match(&text[digit.end()..]));
        let Some(mention) = read_mention(text, &captures, 1).filter(|_| ends_word) else { continue };
        match &first {
            None => first = Some(mention),
            Some(first) if first.value != mention.value => {
                note(&mut notes, "more than one score is given; the first one counts".to_owned());
            }
            Some(_) => {}
        }
    }
    if let Some(mention) = first {
        notes.extend(mention.doubt.map(dangerous));
        return Ok(verified_scores(mention.value, notes));
    }
    let [digit] = digits_of_lines(&VERIFIED_LINES, text)[..] else {
        return unparsed("no labeled score of 0 or 1 and not a single bare line of it");
    };
    if bare_digits(text, 1, 1).is_none() {
        note(&mut notes, "the reply contains more than the digit".to_owned());
    }
    Ok(verified_scores(digit, notes))
}

/// Says so if a careful reader takes something else, or nothing.
fn note_care(scores: &mut Scores, careful: Result<Scores, Unparsed>) {
    match careful {
        Ok(careful) if careful.values == scores.values => {}
        _ if !scores.notes.is_empty() => {}
        Ok(_) => {
            note(&mut scores.notes, "without the thoughts in it, the reply gives another score".to_owned())
        }
        Err(unparsed) => note(&mut scores.notes, format!("a strict reader rejects the reply: {unparsed}")),
    }
}
