//! Values that models and tables write as JSON or as a Python literal.
//!
//! The scripts of the benchmarks read both: `json.loads` and `ast.literal_eval`. [`parse_json`] and [`parse_python`] accept what
//! these accept, with few exceptions, in all of which they are stricter or keep less:
//!
//! - Nesting deeper than 64 levels and objects with more than 1000 members are refused.
//! - A half of a surrogate pair becomes U+FFFD, and an integer beyond 64 bits becomes a float.
//! - Python: characters by name (`\N{…}`), sums that make complex numbers and `set()` are refused. Sets, bytes, complex numbers
//!   and `...` are read, but not kept.

mod json;
mod python;
#[cfg(test)]
mod tests;

pub use json::parse_json;
pub use python::parse_python;

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 64;
/// Objects with more members are refused: adding a member compares it with all others.
const MAX_MEMBERS: usize = 1000;

/// A value of JSON or of a Python literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    None,
    Bool(bool),
    Integer(i64),
    /// May be infinite or not a number.
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Tuple(Vec<Self>),
    /// By key, each once: the last value wins. The keys of JSON are texts.
    Map(Vec<(Self, Self)>),
    /// A value of another kind, which is not kept.
    Other,
}

impl Literal {
    /// The member of an object by its text key; `None` if it has none or is no object.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Self> {
        let Self::Map(members) = self else { return None };
        members
            .iter()
            .find(|(name, _)| matches!(name, Self::Text(name) if name == key))
            .map(|(_, value)| value)
    }

    /// What Python compares with a number: a number or a truth value. Texts are no numbers.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            // Scores are small; beyond 2^53 the comparison would be off by less than one part in 10^15.
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Python's `int()`: digits in a text count, fractions are cut, truth values are 0 and 1.
    #[must_use]
    pub fn to_integer(&self) -> Option<i64> {
        match self {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Integer(value) => Some(*value),
            // Beyond the range of i64 the cast saturates.
            Self::Float(value) if value.is_finite() => Some(value.trunc() as i64),
            Self::Text(text) => python_integer(text),
            _ => None,
        }
    }

    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list; `None` if it is no list or holds something else than texts.
    #[must_use]
    pub fn texts(&self) -> Option<Vec<String>> {
        let Self::List(items) = self else { return None };
        items.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    /// Adds a member to those of an object, or replaces its value; `None` if there are too many.
    fn insert(members: &mut Vec<(Self, Self)>, key: Self, value: Self) -> Option<()> {
        let is_full = members.len() == MAX_MEMBERS;
        match members.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None if is_full => return None,
            None => members.push((key, value)),
        }
        Some(())
    }
}

/// Python's `int(text)` in base 10: blanks around, a sign, and single underscores between digits are allowed. Digits beyond ASCII are
/// refused, which Python would read; `None` as well beyond 64 bits.
#[must_use]
pub fn python_integer(text: &str) -> Option<i64> {
    let text = text.trim_matches(crate::python_text::is_blank);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_well_formed =
        digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let plain = text.replace('_', "");
    if is_well_formed { plain.strip_prefix('+').unwrap_or(&plain).parse().ok() } else { None }
}
