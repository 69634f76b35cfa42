//! What a pickle holds, and why one cannot be read.

use std::{fmt, sync::Arc};

/// A value of a pickle. Tuples, arrays and sets are lists; ordered dictionaries are dictionaries. Bytes that are named twice are held once.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Integer(i64),
    /// An integer beyond 64 bits, which nothing here needs.
    Huge,
    Float(f64),
    /// Lone surrogates are replaced.
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Self>),
    /// In the order of the pickle; of equal keys the last one counts.
    Dictionary(Vec<(Self, Self)>),
    /// An image of Pillow.
    Image(Arc<PillowImage>),
}

/// What Pillow keeps of an image: a mode such as `RGB`, and its raw bytes row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct PillowImage {
    pub mode: Arc<str>,
    pub width: u32,
    pub height: u32,
    pub data: Arc<[u8]>,
}

impl Value {
    /// The value of a dictionary under a text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Dictionary(entries) = self else { return None };
        let is_asked = |key: &Self| matches!(key, Self::Text(text) if &**text == name);
        entries.iter().rev().find(|(key, _)| is_asked(key)).map(|(_, value)| value)
    }

    /// What it is, in a message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Huge => "an integer beyond 64 bits",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Dictionary(_) => "a dictionary",
            Self::Image(_) => "an image of Pillow",
        }
    }
}

/// Why a pickle cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pickle cannot be read at byte {at}: {problem}")]
pub struct PickleError {
    pub at: usize,
    pub problem: Problem,
}

/// What is wrong with a pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Truncated,
    Opcode(u8),
    Protocol(u8),
    /// A name that is not among those that are known, or a call that is not among the harmless ones.
    Forbidden(String),
    Stack,
    Memo,
    Number,
    Text,
    /// A key of a dictionary is a list or a dictionary.
    Key,
    TooDeep,
    TooMuch,
    Array(&'static str),
    Image(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends too early"),
            Self::Opcode(byte) => write!(f, "opcode 0x{byte:02x} is not allowed"),
            Self::Protocol(number) => write!(f, "protocol {number} is not known"),
            Self::Forbidden(what) => write!(f, "`{what}` is not data, and nothing is executed here"),
            Self::Stack => f.write_str("a value is missing on the stack"),
            Self::Memo => f.write_str("it refers to a value that was not stored"),
            Self::Number => f.write_str("a number is malformed or too long"),
            Self::Text => f.write_str("a text is malformed"),
            Self::Key => f.write_str("a list or dictionary cannot be a key"),
            Self::TooDeep => f.write_str("it is nested too deeply"),
            Self::TooMuch => f.write_str("it holds too many values"),
            Self::Image(what) => write!(f, "an image of Pillow cannot be read: {what}"),
            Self::Array(what) => write!(f, "a NumPy array cannot be read: {what}"),
        }
    }
}
