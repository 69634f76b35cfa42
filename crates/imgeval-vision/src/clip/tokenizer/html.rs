//! HTML entities, decoded in two ways: as Python's `html.unescape` (HTML 5's lenient rules) and as ftfy, which wants them
//! unambiguous.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use super::windows_1252::windows_1252;

/// Entities as they are written, with their `&` and, mostly, their `;`.
static ENTITIES: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| entities::ENTITIES.iter().map(|entity| (entity.entity, entity.characters)).collect());

const LONGEST_NAME: usize = 32;
const LONGEST_UNAMBIGUOUS_NAME: usize = 24;

/// Every reference that a browser would see, also without its semicolon: `&notit` is `¬it`.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    replace_references(text, |reference| match reference.strip_prefix("&#") {
        Some(digits) => unescape_number(digits),
        None => unescape_longest_name(reference),
    })
}

/// References that end in a semicolon and are known; also all-caps forms such as `&EACUTE;`.
pub(super) fn unescape_unambiguous(text: &str) -> Cow<'_, str> {
    replace_references(text, |text| {
        let name = text[1..].strip_prefix('#').unwrap_or(&text[1..]);
        let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if !(1..=LONGEST_UNAMBIGUOUS_NAME).contains(&length) || !name[length..].starts_with(';') {
            return None;
        }
        let reference = &text[..text.len() - name.len() + length + 1];
        if let Some(digits) = reference.strip_prefix("&#") {
            // Half-read references keep their semicolon, and one of a semicolon is left alone with them.
            return unescape_number(digits)
                .filter(|number| number.used == reference.len() && number.text != ";");
        }
        let characters = match ENTITIES.get(reference) {
            Some(characters) => Cow::Borrowed(*characters),
            None => unescape_capitals(reference)?,
        };
        Some(Replacement { text: characters, used: reference.len() })
    })
}

struct Replacement {
    text: Cow<'static, str>,
    /// Bytes of the reference, from its `&`.
    used: usize,
}

/// Asks `decode` at every `&`, with the text from there on.
fn replace_references(text: &str, decode: impl Fn(&str) -> Option<Replacement>) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        match decode(rest) {
            Some(replacement) => {
                decoded.push_str(&replacement.text);
                rest = &rest[replacement.used..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// `text` follows `&#`.
fn unescape_number(text: &str) -> Option<Replacement> {
    let hexadecimal = text.strip_prefix(['x', 'X']);
    let (digits, radix) = hexadecimal.map_or((text, 10), |digits| (digits, 16));
    let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    if length == 0 {
        return None;
    }
    // What does not fit lies beyond Unicode, too.
    let number = u32::from_str_radix(&digits[..length], radix).unwrap_or(u32::MAX);
    let used =
        "&#".len() + text.len() - digits.len() + length + usize::from(digits[length..].starts_with(';'));
    let character = match number {
        0 => Some(char::REPLACEMENT_CHARACTER),
        _ if is_invalid(number) => None,
        _ => Some(char::from_u32(number).map_or(char::REPLACEMENT_CHARACTER, windows_1252)),
    };
    Some(Replacement { text: character.map(String::from).unwrap_or_default().into(), used })
}

/// Code points that `html.unescape` drops: controls without white space or meaning, and noncharacters.
fn is_invalid(number: u32) -> bool {
    matches!(number, 0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef)
        || (number <= 0x10_ffff && number & 0xfffe == 0xfffe)
}

/// The whole name if it is known, else the longest known beginning of at least two letters.
fn unescape_longest_name(text: &str) -> Option<Replacement> {
    let name = &text[1..];
    let is_end = |character: char| matches!(character, '\t' | '\n' | '\u{c}' | ' ' | '<' | '&' | '#' | ';');
    let mut ends: Vec<usize> = name
        .char_indices()
        .take(LONGEST_NAME)
        .take_while(|(_, character)| !is_end(*character))
        .map(|(start, character)| 1 + start + character.len_utf8())
        .collect();
    if text[*ends.last()?..].starts_with(';') {
        ends.push(ends.last()? + 1);
    }
    let whole = ends.pop()?;
    std::iter::once(whole).chain(ends.into_iter().skip(1).rev()).find_map(|end| {
        ENTITIES
            .get(&text[..end])
            .map(|characters| Replacement { text: Cow::Borrowed(*characters), used: end })
    })
}

/// `&EACUTE;` is `É`: a lower-case entity in capitals, if no entity is written like that or begins so.
fn unescape_capitals(reference: &str) -> Option<Cow<'static, str>> {
    let lower = reference.to_ascii_lowercase();
    let characters = ENTITIES.get(lower.as_str())?;
    let is_free = reference == reference.to_ascii_uppercase() && unescape_longest_name(reference).is_none();
    is_free.then(|| characters.to_uppercase().into())
}
