//! Weaknesses of image generators that GPT-ImgEval (arXiv 2504.02782, section 4) shows by example, as cases with measures and
//! controls. Cases and sources are imgeval's own (docs/weaknesses.md).

mod sources;
mod suite;

pub use suite::Group;
pub(crate) use suite::Weaknesses;

/// The content of one of its images; `None` if there is none of this name.
pub(crate) fn source_file(name: &str) -> Option<&'static [u8]> {
    sources::FILES.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

/// What runs of it name as their suite.
pub const ID: &str = "weaknesses";
