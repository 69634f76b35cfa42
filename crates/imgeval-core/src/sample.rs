//! Cases, the samples that answer them, and scores.

use crate::{
    ids::{CaseId, ContentHash, SampleId},
    outcome::Outcome,
};

/// One item of a suite; `E` is what the suite expects of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Case<E> {
    pub id: CaseId,
    pub tag: String,
    pub prompt: String,
    pub expectation: E,
}

/// One answer to a case, with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub id: SampleId,
    /// The file it was imported from, as the user named it.
    pub source: String,
    pub outcome: Outcome<ImageRecord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    Png,
    Jpeg,
    WebP,
    Gif,
    Bmp,
    Tiff,
    /// The portable bitmaps, graymaps and pixmaps of Netpbm.
    Pnm,
}

impl ImageFormat {
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Pnm => "pnm",
        }
    }

    /// The media type that servers and browsers know it by.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Pnm => "image/x-portable-anymap",
        }
    }

    /// Whether models and browsers take it; the other formats are only read.
    #[must_use]
    pub fn is_common(self) -> bool {
        match self {
            Self::Png | Self::Jpeg | Self::WebP => true,
            Self::Gif | Self::Bmp | Self::Tiff | Self::Pnm => false,
        }
    }

    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            "gif" => Some(Self::Gif),
            "bmp" => Some(Self::Bmp),
            "tif" | "tiff" => Some(Self::Tiff),
            "pnm" | "ppm" | "pgm" | "pbm" => Some(Self::Pnm),
            _ => None,
        }
    }
}

/// Names one image of a run: its bytes are stored under the hash, in a file that ends as the format says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    pub hash: ContentHash,
    pub format: ImageFormat,
}

impl ImageRef {
    /// The name of the image's file: the hash with the format's extension.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.hash, self.format.extension())
    }

    /// Parses a name made by [`Self::file_name`]; `None` for any other name.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (hash, extension) = name.split_once('.')?;
        Some(Self { hash: ContentHash::parse(hash)?, format: ImageFormat::from_extension(extension)? })
    }
}

/// An accepted image: its bytes are stored under its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    pub hash: ContentHash,
    pub format: ImageFormat,
    /// Size in pixels after EXIF rotation.
    pub width: u32,
    pub height: u32,
    pub notes: Vec<ImageNote>,
}

impl ImageRecord {
    /// Where the image lies in its run.
    #[must_use]
    pub fn image(&self) -> ImageRef {
        ImageRef { hash: self.hash.clone(), format: self.format }
    }
}

macro_rules! image_notes {
    ($($name:ident => $code:literal, $meaning:literal;)*) => {
        /// Something about an accepted image that a reader of the score should know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ImageNote {
            $($name,)*
        }

        impl ImageNote {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable name, as stored and printed.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }

            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|note| note.code() == code)
            }
        }
    };
}

image_notes! {
    Animated => "animated", "several frames; only the first is scored";
    SixteenBit => "16-bit", "reduced to 8 bits per channel, as the official evaluator reads it";
    Cmyk => "cmyk", "converted to RGB without a color profile";
    Alpha => "alpha", "transparency dropped and the color beneath it scored, as the official evaluator reads it";
    ExifRotated => "exif-rotated", "rotated upright by its EXIF orientation";
    RepeatedBytes => "repeated-bytes", "identical to the image of another sample; counted, but check why";
    NoMetadata => "no-metadata", "its folder has no metadata.jsonl; matched by folder number alone";
    RewrittenPrompt => "rewritten-prompt", "generated for another wording of its prompt, according to its metadata.jsonl; scored against the suite's prompt";
    FurtherKeys => "further-keys", "its metadata.jsonl has keys that GenEval does not know; they are ignored";
    SourceGone => "source-gone", "the file it was imported from no longer exists; the run's own copy is scored";
    NotPng => "not-png", "in the official layout but not PNG; the official evaluator would ignore it";
    MisleadingExtension => "misleading-extension", "the file's content is of another format than its name says";
}

/// A verdict on one sample: a pure function of case and evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub is_correct: bool,
    /// Why not, one entry for each thing that failed.
    pub reasons: Vec<String>,
}
