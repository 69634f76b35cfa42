//! Text of others made harmless before it is laid out.

use imgeval_core::visible;

/// The text with control characters, line and paragraph separators and direction marks escaped (`\u{202e}`), so that
/// it displays safely on a page.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        if is_direction_mark(character) || matches!(character, '\u{2028}' | '\u{2029}') {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Unicode's explicit marks of direction (UAX 9).
pub(crate) fn is_direction_mark(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_turns_or_breaks_the_line() {
        assert_eq!(plain("a\u{202e}b\u{2028}c\n\u{1b}é"), "a\\u{202e}b\\u{2028}c\\n\\u{1b}é");
    }
}
