//! Text made fit for people: from files and models for a terminal, of errors for a sentence.

use std::error::Error;

/// The text with control characters (line ends and escape sequences among them) written out as `\\u{1b}` and the like.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
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
    }
}
