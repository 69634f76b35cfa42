//! The kinds of images that are written.

/// What an image shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PictureKind {
    /// Where content changed; or, in words, why that is not known.
    Change,
    /// What was cut off.
    Frame,
    /// What was edited, and where it should not have been.
    Region,
    /// How blurred each part is.
    Blur,
    /// The mean color beside its neutral version.
    Cast,
    /// Which characters are right.
    Text,
}

impl PictureKind {
    pub const ALL: [Self; 6] = [Self::Change, Self::Frame, Self::Region, Self::Blur, Self::Cast, Self::Text];

    /// As names of files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Frame => "frame",
            Self::Region => "region",
            Self::Blur => "blur",
            Self::Cast => "cast",
            Self::Text => "text",
        }
    }
}
