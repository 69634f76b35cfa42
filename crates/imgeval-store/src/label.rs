//! The name that a user gives to a run, shown instead of its model's.

use std::{fmt, str::FromStr};

/// A longer label would fill the tables.
pub const MAX_LABEL_CHARS: usize = 80;

/// A name for people: one line of at most [`MAX_LABEL_CHARS`] characters, none of which steers a terminal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// Why a text cannot be a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("a label needs at least one visible character")]
    Empty,
    #[error("a label has at most {MAX_LABEL_CHARS} characters")]
    TooLong,
}

impl Label {
    /// Drops control characters and others that are not seen, and blanks around the text.
    ///
    /// # Errors
    /// If nothing is left, or too much.
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let seen: String = text.chars().filter(|character| !imgeval_core::is_steering(*character)).collect();
        match seen.trim() {
            "" => Err(LabelError::Empty),
            label if label.chars().count() > MAX_LABEL_CHARS => Err(LabelError::TooLong),
            label => Ok(Self(label.to_owned())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        Self::parse(text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_dropped() {
        let label = |text: &str| Label::parse(text).map(|label| label.to_string());
        assert_eq!(label("  My model (v2) ").as_deref(), Ok("My model (v2)"));
        assert_eq!(label("a\u{1b}[31m\u{202e}b\n").as_deref(), Ok("a[31mb"));
        assert_eq!(label(" \u{1b}\t"), Err(LabelError::Empty));
        assert_eq!(label(&"ä".repeat(80)).map(|label| label.chars().count()), Ok(80));
        assert_eq!(label(&"ä".repeat(81)), Err(LabelError::TooLong));
    }
}
