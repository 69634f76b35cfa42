//! The most that a probe's answer can mean.

use std::fmt;

/// The most that a positive answer of the probe can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Nothing: it cannot tell the classes apart, or finds what is not there.
    Nothing,
    /// That images are more like those of these very generators.
    Generators,
    /// That images carry traces of a decoder like the class's.
    Decoder,
    /// Something about the class beyond the decoder, as far as the generators that were tried go.
    Class,
}

impl Claim {
    /// Stable name, as reports hold it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Generators => "generators",
            Self::Decoder => "decoder",
            Self::Class => "class",
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Therefore its answers about other images mean nothing.",
            Self::Generators => {
                "Therefore an answer means at most that images resemble those of these generators more; it says nothing about the architecture of others."
            }
            Self::Decoder => {
                "Therefore an answer means at most that images carry traces of a decoder like that of the class; it does not say how they were generated before it."
            }
            Self::Class => {
                "Therefore an answer may indicate the class, as far as the tested generators represent it; other decoders of the same kind may still mislead it."
            }
        })
    }
}
