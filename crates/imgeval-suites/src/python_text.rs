//! What Python's string methods treat as white space.

/// `str.isspace`: Unicode's white space and four separators of ASCII.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1C}'..='\u{1F}').contains(&character)
}
