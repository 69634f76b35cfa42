//! Why a probe may be believed or not, as values; `Display` gives the sentences that people read.

use std::fmt;

use super::claim::Claim;
use crate::{
    Measured,
    alike::{Degradation, Sizing},
};

/// What one measurement of a probe says about its worth.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeReason {
    /// The area under the curve on unseen groups; 0.5 is chance.
    Separation {
        auc: Measured,
    },
    /// Labels without meaning are told apart: something leaks.
    ShuffleAboveChance {
        mean: f64,
    },
    ShuffleAtChance {
        mean: f64,
        low: f64,
        high: f64,
    },
    /// The classes came in different sizes or shapes, and what the plan does about it.
    SizesDiffered {
        sizing: Sizing,
    },
    /// The classes came in different file formats or compressions.
    CompressionsDiffered {
        has_common_compression: bool,
    },
    /// No class has two generators.
    NoSecondGenerator,
    /// Each generator that was left out, with the share of its images that were taken for its class.
    GeneratorsRecognised {
        generators: Vec<(String, Measured)>,
    },
    /// Only those whose images were not.
    GeneratorsNotRecognised {
        generators: Vec<(String, Measured)>,
    },
    /// No real photographs were sent through a decoder.
    NoDecoderControl,
    /// The share of real photographs that went through a decoder which is taken for a class.
    DecoderControl {
        decoder: String,
        class: String,
        share: Measured,
        answer: DecoderAnswer,
    },
    /// The mildest degradation of each kind after which the classes are no longer told apart; none if they always are.
    LostAfter {
        degradations: Vec<Degradation>,
    },
    FewGroups {
        groups: usize,
    },
    /// What follows from all others.
    Conclusion(Claim),
}

/// Whether the decoder alone is taken for its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecoderAnswer {
    Taken,
    NotTaken,
    Undecided,
}

impl fmt::Display for ProbeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Separation { auc } => write_separation(f, *auc),
            Self::ShuffleAboveChance { mean } => write!(
                f,
                "Shuffled labels are told apart too (AUC {mean:.3}): something leaks from training to testing, and no accuracy of this probe means anything."
            ),
            Self::ShuffleAtChance { mean, low, high } => write!(
                f,
                "On shuffled labels its accuracy is at chance (AUC {mean:.3}, {low:.3} to {high:.3}), as it should be."
            ),
            Self::SizesDiffered { sizing } => {
                let how = match sizing {
                    Sizing::Scaled => "scaling all images to one size removes most of this, but not all",
                    Sizing::CentreCrop | Sizing::DrawnCrop { .. } => "cropping leaves this unchanged",
                };
                write!(
                    f,
                    "The classes have different sizes or shapes, which alone separate them; {how}, so the accuracy may come from this."
                )
            }
            Self::CompressionsDiffered { has_common_compression } => {
                let how = match has_common_compression {
                    false => "and nothing was done about it",
                    true => "and a common compression hides this well only near the earlier quality",
                };
                write!(
                    f,
                    "The classes have different file formats or compressions, {how}, so part of the accuracy may come from this."
                )
            }
            Self::NoSecondGenerator => f.write_str(
                "No class has two generators, so it is unknown whether the probe recognizes the class or only these generators.",
            ),
            Self::GeneratorsRecognised { generators } => write!(
                f,
                "Generators that it was not trained on are assigned to their class: {}.",
                shares_by_name(generators)
            ),
            Self::GeneratorsNotRecognised { generators } => write!(
                f,
                "Trained without one generator, it does not assign that generator's images to its class: {}. It recognizes generators, not the class.",
                shares_by_name(generators)
            ),
            Self::NoDecoderControl => f.write_str(
                "No real photographs were passed through a decoder, so it may detect only the decoder and nothing of how images are generated.",
            ),
            Self::DecoderControl { decoder, class, share, answer } => {
                let share = share.text();
                match answer {
                    DecoderAnswer::Taken => write!(
                        f,
                        "Real photographs passed through the decoder `{decoder}` are classified as `{class}` ({share}): the probe detects the decoder, not how the image was generated."
                    ),
                    DecoderAnswer::NotTaken => write!(
                        f,
                        "Real photographs passed through the decoder `{decoder}` are not classified as `{class}` ({share}): the probe does not detect the decoder alone."
                    ),
                    DecoderAnswer::Undecided => write!(
                        f,
                        "Of the real photographs passed through the decoder `{decoder}`, {share} are classified as `{class}`, which is inconclusive."
                    ),
                }
            }
            Self::LostAfter { degradations } if degradations.is_empty() => {
                f.write_str("It still separates the classes after every degradation tested.")
            }
            Self::LostAfter { degradations } => {
                let names: Vec<String> = degradations.iter().map(|one| one.name()).collect();
                write!(f, "It no longer separates them once images are: {}.", names.join("; "))
            }
            Self::FewGroups { groups } => {
                write!(f, "It was tested on only {groups} groups, so all of this is uncertain.")
            }
            Self::Conclusion(claim) => claim.fmt(f),
        }
    }
}

fn write_separation(f: &mut fmt::Formatter<'_>, auc: Measured) -> fmt::Result {
    let text = auc.text();
    match auc {
        _ if auc.low <= 0.5 => {
            write!(f, "The classes cannot be separated on unseen groups (AUC {text}; 0.5 is chance).")
        }
        _ if auc.value < 0.8 => write!(f, "The classes are weakly separated on unseen groups (AUC {text})."),
        _ if auc.value < 0.95 => write!(f, "The classes are separated on unseen groups (AUC {text})."),
        _ => write!(f, "The classes are well separated on unseen groups (AUC {text})."),
    }
}

fn shares_by_name(generators: &[(String, Measured)]) -> String {
    let one = |(name, share): &(String, Measured)| format!("{name} ({})", share.text());
    generators.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What one measurement says about an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerReason {
    /// The class that most images are taken for.
    Share {
        class: String,
        share: Measured,
        n_images: usize,
        n_groups: usize,
    },
    NoBetterThanChance,
    FewGroups {
        groups: usize,
    },
    /// Most images are unlike those that the probe was trained on.
    MostlyOutside {
        share: f64,
    },
    PartlyOutside {
        share: f64,
    },
    OutsideUnknown,
    Compressed(Compression),
    /// Images that are stored without loss and yet show a grid of 8 pixels, beside the share of those among the training images.
    HiddenGrid {
        n_with_grid: usize,
        n_images: usize,
        training_with_grid: usize,
        training_images: usize,
    },
    /// The images are too unlike for any answer.
    NoAnswer,
    /// The most that an answer of this probe can mean.
    Conclusion(Claim),
}

/// Images that came as lossy files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compression {
    pub n_lossy: usize,
    pub n_images: usize,
    /// The lowest JPEG quality among them; `None` if all are WebP.
    pub lowest_quality: Option<u8>,
    /// Whether the probe's plan compresses all images at least as much.
    pub is_covered: bool,
    /// The probe's own test images at the nearest quality that was tried.
    pub nearest: Option<(u8, Measured)>,
}

impl fmt::Display for AnswerReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share { class, share, n_images, n_groups } => write!(
                f,
                "Of {n_images} images in {n_groups} groups, {:.0} % are classified as `{class}` (95 % interval {:.0} to {:.0} %).",
                100.0 * share.value,
                100.0 * share.low,
                100.0 * share.high
            ),
            Self::NoBetterThanChance => f.write_str("This is within chance, so it is inconclusive."),
            Self::FewGroups { groups } => write!(
                f,
                "There are only {groups} groups of images: whatever the share, this is too few to describe a generator."
            ),
            Self::MostlyOutside { share } => write!(
                f,
                "{:.0} % of the images are unlike anything that the probe was trained on (5 % expected), so neither class is an answer for them.",
                100.0 * share
            ),
            Self::PartlyOutside { share } => write!(
                f,
                "{:.0} % of the images are unlike those that the probe was trained on (5 % expected).",
                100.0 * share
            ),
            Self::OutsideUnknown => {
                f.write_str("The probe had too few images to tell which are unlike its training data.")
            }
            Self::Compressed(compression) => compression.fmt(f),
            Self::HiddenGrid { n_with_grid, n_images, training_with_grid, training_images } => {
                let among = match training_images {
                    0 => 0.0,
                    _ => 100.0 * *training_with_grid as f64 / *training_images as f64,
                };
                write!(
                    f,
                    "{n_with_grid} of {n_images} images are stored losslessly but show an 8-pixel grid, as earlier compression leaves it (training images: {among:.0} %): they were probably compressed before, their history differs from that of the training images, and the answer may come from this."
                )
            }
            Self::NoAnswer => f.write_str("The probe therefore has no answer about these images."),
            Self::Conclusion(claim) => claim.fmt(f),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_lossy, n_images, .. } = self;
        let found = self
            .lowest_quality
            .map_or("lossy WebP".to_owned(), |quality| format!("quality down to {quality}"));
        let at = self.nearest.map_or(String::new(), |(quality, auc)| {
            format!(
                " At quality {quality}, the probe's own test images are separated with AUC {}.",
                auc.text()
            )
        });
        match self.is_covered {
            true => write!(
                f,
                "{n_lossy} of {n_images} images were already compressed ({found}) and are compressed again like all others; a trace of the first compression may remain.{at}"
            ),
            false => write!(
                f,
                "{n_lossy} of {n_images} images were compressed ({found}), unlike the training images, so the answer may come from the compression.{at}"
            ),
        }
    }
}
