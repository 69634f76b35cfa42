//! What the files of two places say, and which numbers a difference between them touches.

use super::number::{Number, Section};
use crate::{
    architecture::{Fact, ValueShare, shares_of},
    collect::{Examined, UsableImage},
};

/// Two places differ in a fact where this share of the images would have to change.
const DIFFERENT: f64 = 0.1;

/// Something that the files say and that a generator need not have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFact {
    Format,
    Size,
    Quantization,
    Chroma,
    /// The grid of an earlier JPEG, or of a decoder, in a file without loss.
    EarlierGrid,
    ColorProfile,
}

impl FileFact {
    pub const ALL: [Self; 6] =
        [Self::Format, Self::Size, Self::Quantization, Self::Chroma, Self::EarlierGrid, Self::ColorProfile];

    /// The name in JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Size => "size",
            Self::Quantization => "quantization",
            Self::Chroma => "chroma_subsampling",
            Self::EarlierGrid => "earlier_grid",
            Self::ColorProfile => "color_profile",
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Size => "size in pixels",
            Self::Quantization => "JPEG tables",
            Self::Chroma => "chroma subsampling",
            Self::EarlierGrid => "8-pixel grid, lossless",
            Self::ColorProfile => "color profile",
        }
    }

    fn value(self, image: &Examined) -> String {
        let fact = match self {
            Self::Format => Fact::Format,
            Self::Size => Fact::Size,
            Self::Quantization => Fact::QuantisationTables,
            Self::Chroma => Fact::Subsampling,
            Self::ColorProfile => Fact::ColorProfile,
            Self::EarlierGrid => return if image.has_hidden_grid() { "yes" } else { "no" }.to_owned(),
        };
        fact.value(image, &[])
    }

    /// Whether a difference in this fact may by itself cause a difference in the number.
    #[must_use]
    pub fn touches(self, number: Number) -> bool {
        let is_color = number.section() == Section::Color;
        match self {
            Self::ColorProfile => is_color,
            Self::Size => !is_color,
            Self::Format | Self::Quantization | Self::Chroma | Self::EarlierGrid => {
                !is_color && number != Number::SpectrumLow
            }
        }
    }

    /// What cannot be told apart from the generator where this fact differs.
    #[must_use]
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Format | Self::Quantization | Self::Chroma | Self::EarlierGrid => {
                "the spectrum above 1/8 cycle per pixel, lattice and checkerboard, JPEG grids, the fingerprint and sharpness may come from compression and cannot be attributed to the generator"
            }
            Self::Size => {
                "everything except the colors may come from size or scaling and cannot be attributed to the generator"
            }
            Self::ColorProfile => {
                "colors may come from the profile, which is not applied, and cannot be attributed to the generator"
            }
        }
    }
}

/// One fact of a place's files beside the reference's.
#[derive(Debug, Clone, PartialEq)]
pub struct FileShares {
    pub fact: FileFact,
    /// The commonest values with their shares.
    pub place: Vec<ValueShare>,
    pub reference: Option<Vec<ValueShare>>,
    /// Whether the places differ.
    pub differs: bool,
}

/// The properties of a place's files compared with the reference.
pub(super) fn file_shares(place: &[UsableImage], reference: Option<&[UsableImage]>) -> Vec<FileShares> {
    let one = |fact: FileFact| {
        let values = |images: &[UsableImage]| -> Vec<String> {
            images.iter().map(|image| fact.value(&image.examined)).collect()
        };
        let own = values(place);
        let other = reference.map(values);
        let shares = |values: &[String]| shares_of(values, &vec![0; values.len()], 0);
        FileShares {
            fact,
            place: shares(&own),
            differs: other.as_ref().is_some_and(|other| distance(&own, other) > DIFFERENT),
            reference: other.as_deref().map(shares),
        }
    };
    FileFact::ALL.into_iter().map(one).collect()
}

/// The total variation distance between two sets of values, 0 to 1.
fn distance(place: &[String], reference: &[String]) -> f64 {
    let share = |values: &[String], value: &String| {
        values.iter().filter(|other| *other == value).count() as f64 / values.len().max(1) as f64
    };
    let mut all: Vec<&String> = place.iter().chain(reference).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|value| (share(place, value) - share(reference, value)).abs()).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_shares_that_would_have_to_change() {
        let values = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(distance(&values("png png"), &values("png")), 0.0);
        assert_eq!(distance(&values("png jpg"), &values("png png")), 0.5);
        assert_eq!(distance(&values("png"), &values("jpg webp")), 1.0);
    }

    #[test]
    fn compression_leaves_colors_and_low_frequencies_alone() {
        assert!(FileFact::Format.touches(Number::SpectrumHigh));
        assert!(!FileFact::Format.touches(Number::SpectrumLow) && !FileFact::Format.touches(Number::MeanB));
        assert!(FileFact::ColorProfile.touches(Number::MeanB) && FileFact::Size.touches(Number::Upscaled));
    }
}
