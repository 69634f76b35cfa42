//! Text made fit for people: from files and models for a terminal, of errors for a sentence.

use std::error::Error;

/// Whether the character changes how others are shown, and is not seen itself: control characters (line ends and the beginning
/// of escape sequences among them), the bidirectional controls of Unicode's Standard Annex 9, line and paragraph separators,
/// and the byte order mark.
#[must_use]
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2066}'..='\u{2069}'
                | '\u{FEFF}'
        )
}

/// The text with steering characters written out as `\\u{1b}` and the like.
#[must_use]
pub fn visible(text: &str) -> String {
    escape(text, is_steering)
}

/// As [`visible`], but line ends and tabs stay: for text of several lines.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    escape(text, |character| is_steering(character) && !matches!(character, '\n' | '\t'))
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// An error with its causes, in one sentence.
#[must_use]
pub fn sentence_of(error: &(dyn Error + 'static)) -> String {
    let mut sentence = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some libraries repeat their cause in their own text.
        if !sentence.ends_with(&text) {
            sentence.push_str(&format!(": {text}"));
        }
        next = cause.source();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("a\u{1b}[31m\nb\u{9b}1m ü"), "a\\u{1b}[31m\\nb\\u{9b}1m ü");
        for steering in ['\u{61C}', '\u{200F}', '\u{2028}', '\u{202E}', '\u{2067}', '\u{FEFF}', '\r'] {
            let escaped = steering.escape_default().to_string();
            assert_eq!(visible(&format!("a{steering}b")), format!("a{escaped}b"));
            assert_eq!(visible_lines(&format!("a\n{steering}\tb")), format!("a\n{escaped}\tb"));
        }
        // Joiners belong to words of several scripts and to emoji.
        assert_eq!(visible("می\u{200C}خواهم 👩\u{200D}🔬"), "می\u{200C}خواهم 👩\u{200D}🔬");
    }
}
