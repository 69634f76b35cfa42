//! Text from files and models, made fit for a terminal.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("a\u{1b}[31m\nb\u{9b}1m ü"), "a\\u{1b}[31m\\nb\\u{9b}1m ü");
    }
}
