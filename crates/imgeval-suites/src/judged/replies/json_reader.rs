//! JSON as models write it, read for one member: the objects in a text and what their `score` says.
//!
//! Beyond JSON are read: line ends and tabs in strings, unknown escapes and halves of surrogate pairs, quotes inside
//! strings that are not escaped, single and typographic quotes, keys without quotes, commas behind the last item,
//! comments, a sign before a number, Python's `True`, `False` and `None`, colons and commas in full width. What no value is in any of these
//! ways makes the braces no object.
//!
//! An object is read by JSON's rule for the end of a string first. Only where that fails, a quote inside a string is
//! taken for text unless what follows it is what follows a string.

use std::collections::BTreeSet;

/// Objects nested deeper are not read.
const MAX_DEPTH: usize = 64;
/// How far is looked behind a quote to see whether it ends a string.
const LOOK_AHEAD: usize = 256;
/// Longer strings are no number.
const MAX_NUMBER_CHARACTERS: usize = 32;

/// The top level of an object; whatever lies deeper is skipped.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Object {
    pub(super) score: Option<ScoreValue>,
    pub(super) repeats_a_key: bool,
    /// A string with quotes in it that are not escaped holds what looks like another answer.
    pub(super) hides_an_answer: bool,
}

/// What stands behind the key `score`.
#[derive(Debug, PartialEq)]
pub(super) enum ScoreValue {
    /// The first two items, and how many there are.
    List([Item; 2], usize),
    Other,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Item {
    Number(f64),
    /// A short text, which may say a number.
    Text(String),
    #[default]
    Other,
}

/// What stands at a brace.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Object(Object),
    /// The text ends before the object does.
    BreaksOff,
    /// These braces hold something else.
    Nothing,
    /// It would take too long to find out.
    TooTangled,
}

/// Goes from object to object through a text.
pub(super) struct Objects<'a> {
    text: &'a str,
    at: usize,
    /// How many bytes may still be looked at, so that no text takes more than a multiple of its length.
    budget: usize,
}

impl<'a> Objects<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, budget: 32 * text.len() + 10_000 }
    }
}

impl Iterator for Objects<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let begin = self.at + self.text[self.at..].find('{')?;
        let mut read = |is_lenient| {
            let mut reader = Reader::new(self.text, begin, is_lenient, self.budget);
            let read = reader.object();
            self.budget = reader.budget;
            (read, reader.at, reader.saw_score, reader.has_nested)
        };
        let (exact, end, _, has_nested) = read(false);
        let (found, end) = match exact {
            Ok(object) => (Found::Object(object), end),
            Err(Stop::TooTangled) => (Found::TooTangled, end),
            Err(stop) => match (stop, read(true)) {
                (_, (Ok(object), end, ..)) => (Found::Object(object), end),
                (_, (Err(Stop::TooTangled), end, ..)) => (Found::TooTangled, end),
                (Stop::BreaksOff, _) | (_, (Err(Stop::BreaksOff), _, true, _)) => {
                    (Found::BreaksOff, self.text.len())
                }
                // What stands inside broken braces may be a draft of what broke.
                _ => (Found::Nothing, if has_nested { end } else { begin + 1 }),
            },
        };
        self.at = end;
        Some(found)
    }
}

/// Why reading ended early.
enum Stop {
    BreaksOff,
    Syntax,
    TooTangled,
}

/// Where a string stands, which decides what may follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Member,
    Element,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    is_lenient: bool,
    budget: usize,
    saw_score: bool,
    has_nested: bool,
    hides_an_answer: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize, is_lenient: bool, budget: usize) -> Self {
        Self { text, at, is_lenient, budget, saw_score: false, has_nested: false, hides_an_answer: false }
    }

    fn peek(&self) -> Result<char, Stop> {
        self.text[self.at..].chars().next().ok_or(Stop::BreaksOff)
    }

    fn step(&mut self, bytes: usize) -> Result<(), Stop> {
        self.budget = self.budget.checked_sub(bytes.max(1)).ok_or(Stop::TooTangled)?;
        self.at += bytes;
        Ok(())
    }

    /// Takes the character if it is one of these.
    fn take(&mut self, wanted: &[char]) -> Result<bool, Stop> {
        let next = self.peek()?;
        let is_wanted = wanted.contains(&next);
        if is_wanted {
            self.step(next.len_utf8())?;
        }
        Ok(is_wanted)
    }

    /// Goes past blanks and comments.
    fn skip_blanks(&mut self) -> Result<(), Stop> {
        loop {
            let rest = &self.text[self.at..];
            let n_blank = blank_bytes(rest);
            let comment = &rest[n_blank..];
            let length = if comment.starts_with("//") || comment.starts_with('#') {
                comment.find('\n').unwrap_or(comment.len())
            } else if let Some(inside) = comment.strip_prefix("/*") {
                inside.find("*/").ok_or(Stop::BreaksOff)? + 4
            } else {
                return self.step(n_blank);
            };
            self.step(n_blank + length)?;
        }
    }

    fn object(&mut self) -> Result<Object, Stop> {
        let mut object = Object::default();
        let mut keys = BTreeSet::new();
        self.members(|reader, key| {
            if key == "score" {
                reader.saw_score = true;
                object.score = Some(reader.score()?);
            } else {
                reader.skip_value(1, Place::Member)?;
            }
            object.repeats_a_key |= !keys.insert(key);
            Ok(())
        })?;
        object.hides_an_answer = self.hides_an_answer;
        Ok(object)
    }

    /// Reads an object from its brace on, whose values `read` takes.
    fn members(&mut self, mut read: impl FnMut(&mut Self, String) -> Result<(), Stop>) -> Result<(), Stop> {
        self.step(1)?;
        loop {
            self.skip_blanks()?;
            if self.take(&['}'])? {
                return Ok(());
            }
            let key = self.key()?;
            self.skip_blanks()?;
            if !self.take(&[':', '：'])? {
                return Err(Stop::Syntax);
            }
            self.skip_blanks()?;
            read(self, key)?;
            self.skip_blanks()?;
            if !self.take(&[',', '，'])? && self.peek()? != '}' {
                return Err(Stop::Syntax);
            }
        }
    }

    /// Reads a list from its bracket on, whose items `read` takes.
    fn items(&mut self, mut read: impl FnMut(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        self.step(1)?;
        loop {
            self.skip_blanks()?;
            if self.take(&[']'])? {
                return Ok(());
            }
            read(self)?;
            self.skip_blanks()?;
            if !self.take(&[',', '，'])? && self.peek()? != ']' {
                return Err(Stop::Syntax);
            }
        }
    }

    /// A key without its case and the blanks around it.
    fn key(&mut self) -> Result<String, Stop> {
        let raw = match closers(self.peek()?) {
            Some(closers) => decode(self.string(closers, Place::Key)?),
            None => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                let length = self.text[self.at..].find(|c| !is_part(c)).ok_or(Stop::BreaksOff)?;
                if length == 0 {
                    return Err(Stop::Syntax);
                }
                let key = self.text[self.at..][..length].to_owned();
                self.step(length)?;
                key
            }
        };
        Ok(raw.trim().to_lowercase())
    }

    fn score(&mut self) -> Result<ScoreValue, Stop> {
        if self.peek()? != '[' {
            self.skip_value(1, Place::Member)?;
            return Ok(ScoreValue::Other);
        }
        let (mut pair, mut n) = ([Item::Other, Item::Other], 0);
        self.items(|reader| {
            let item = reader.item()?;
            if let Some(slot) = pair.get_mut(n) {
                *slot = item;
            }
            n += 1;
            Ok(())
        })?;
        Ok(ScoreValue::List(pair, n))
    }

    fn item(&mut self) -> Result<Item, Stop> {
        let next = self.peek()?;
        if let Some(closers) = closers(next) {
            let text = self.string(closers, Place::Element)?;
            let is_short = text.chars().nth(MAX_NUMBER_CHARACTERS).is_none();
            return Ok(if is_short { Item::Text(decode(text)) } else { Item::Other });
        }
        match next {
            '{' | '[' => self.skip_value(2, Place::Element).map(|()| Item::Other),
            _ => self.scalar(),
        }
    }

    fn skip_value(&mut self, depth: usize, place: Place) -> Result<(), Stop> {
        if depth >= MAX_DEPTH {
            return Err(Stop::Syntax);
        }
        let next = self.peek()?;
        if let Some(closers) = closers(next) {
            return self.string(closers, place).map(drop);
        }
        self.has_nested |= next == '{';
        match next {
            '{' => self.members(|reader, _| reader.skip_value(depth + 1, Place::Member)),
            '[' => self.items(|reader| reader.skip_value(depth + 1, Place::Element)),
            _ => self.scalar().map(drop),
        }
    }

    /// A number, perhaps as a share of ten, or one of the words that stand for values.
    fn scalar(&mut self) -> Result<Item, Stop> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
        let length = rest.find(|c| !is_part(c)).ok_or(Stop::BreaksOff)?;
        let word = &rest[..length];
        let item = match word.trim_start_matches(['+', '-']) {
            "true" | "false" | "null" | "True" | "False" | "None" => Item::Other,
            "NaN" | "nan" | "Infinity" | "inf" => Item::Number(f64::NAN),
            _ => Item::Number(parse_number(word).ok_or(Stop::Syntax)?),
        };
        self.step(length)?;
        self.skip_blanks()?;
        if self.peek()? != '/' {
            return Ok(item);
        }
        self.step(1)?;
        self.skip_blanks()?;
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !is_part(c)).ok_or(Stop::BreaksOff)?;
        let whole = parse_number(&rest[..length]).ok_or(Stop::Syntax)?;
        self.step(length)?;
        Ok(if whole == 10.0 { item } else { Item::Other })
    }

    /// A string from its first quote on; what stands inside.
    fn string(&mut self, closers: &[char], place: Place) -> Result<&'a str, Stop> {
        let opener = self.peek()?;
        self.step(opener.len_utf8())?;
        let begin = self.at;
        let mut has_inner_quotes = false;
        loop {
            let next = self.peek()?;
            if next == '\\' {
                self.step(1)?;
                let escaped = self.peek()?;
                self.step(escaped.len_utf8())?;
                continue;
            }
            let end = self.at;
            self.step(next.len_utf8())?;
            if !closers.contains(&next) {
                continue;
            }
            if !self.is_lenient || place == Place::Key || ends_string(&self.text[self.at..], place) {
                let inside = &self.text[begin..end];
                self.hides_an_answer |= has_inner_quotes && looks_like_an_answer(inside);
                return Ok(inside);
            }
            has_inner_quotes = true;
        }
    }
}

/// The quotes that end a string which this one begins.
fn closers(opener: char) -> Option<&'static [char]> {
    match opener {
        '"' => Some(&['"']),
        '\'' => Some(&['\'']),
        '“' | '”' | '„' | '‟' | '＂' => Some(&['“', '”', '‟', '＂', '"']),
        '‘' | '’' | '‚' | '‛' => Some(&['‘', '’', '‛', '\'']),
        '«' => Some(&['»']),
        _ => None,
    }
}

fn blank_bytes(text: &str) -> usize {
    text.find(|c: char| !c.is_whitespace() && c != '\u{FEFF}').unwrap_or(text.len())
}

/// Whether a quote that stands before `rest` ends a string: what follows is what follows a value.
fn ends_string(rest: &str, place: Place) -> bool {
    let mut end = LOOK_AHEAD.min(rest.len());
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    let mut ahead = Reader::new(&rest[..end], 0, false, usize::MAX);
    let is_separated = |ahead: &mut Reader<'_>| -> Result<bool, Stop> {
        ahead.skip_blanks()?;
        if place == Place::Element {
            return Ok(matches!(ahead.peek()?, ',' | '，' | ']'));
        }
        if ahead.peek()? == '}' {
            return Ok(true);
        }
        if !ahead.take(&[',', '，'])? {
            return Ok(false);
        }
        ahead.skip_blanks()?;
        let next = ahead.peek()?;
        if next == '}' {
            return Ok(true);
        }
        let Some(closers) = closers(next) else { return Ok(false) };
        ahead.string(closers, Place::Key)?;
        ahead.skip_blanks()?;
        ahead.take(&[':', '：'])
    };
    is_separated(&mut ahead).unwrap_or(false)
}

fn looks_like_an_answer(text: &str) -> bool {
    text.split('{').skip(1).any(|behind| {
        let key = behind[blank_bytes(behind)..].trim_start_matches(|c| closers(c).is_some());
        key.get(..5).is_some_and(|key| key.eq_ignore_ascii_case("score"))
    })
}

/// A number of JSON, with a plus sign too; nothing that only begins or ends like one.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = is_digits(whole) && (whole == "0" || !whole.starts_with('0'));
    if !is_whole || !fraction.is_none_or(is_digits) || !exponent.is_none_or(is_digits) {
        return None;
    }
    // Zero has no sign here.
    text.parse::<f64>().ok().map(|value| value + 0.0)
}

/// Text with its escapes resolved; unknown ones stand for themselves, a half of a surrogate pair for a replacement.
fn decode(text: &str) -> String {
    let mut decoded = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            decoded.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => decoded.push('\n'),
            Some('t') => decoded.push('\t'),
            Some('r') => decoded.push('\r'),
            Some('u') => {
                let rest = characters.as_str();
                let code = rest.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                if let Some(code) = code {
                    decoded.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    characters = rest[4..].chars();
                }
            }
            other => decoded.extend(other),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        for (text, value) in
            [("8", 8.0), ("+8", 8.0), ("9.50", 9.5), ("1e1", 10.0), ("1E-1", 0.1), ("0", 0.0)]
        {
            assert_eq!(parse_number(text), Some(value), "{text}");
        }
        assert!(parse_number("-0.0").unwrap().is_sign_positive());
        for text in ["", "-", ".5", "5.", "08", "1e", "1.2.3", "8,5", "0x8", "٨", "+-1", "1_0", "nan", "inf"]
        {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_is_decoded() {
        assert_eq!(decode(r#"\u0073co\"re\n\$\ud83d"#), "sco\"re\n$\u{FFFD}");
    }
}
