//! Files that samples were imported from.

use imgeval_core::{ImageNote, ImageRef, Sample, SampleId};

/// Size and time of change of an imported file: equal means that it need not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    pub size: i64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
}

/// A sample with the stamp of the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedSample {
    pub sample: Sample,
    pub stamp: FileStamp,
    /// The wording it was made for, if that is not the suite's.
    pub rewritten_prompt: Option<String>,
}

/// What a run knows of an imported file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    pub stamp: FileStamp,
    pub id: SampleId,
    pub notes: Vec<ImageNote>,
    /// The wording it was made for, if that is not the suite's.
    pub rewritten_prompt: Option<String>,
    /// The image that it gave; `None` if it gave none, or the stored one is gone or damaged.
    pub image: Option<ImageRef>,
}

/// What became of an imported file when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedSample {
    Imported,
    /// It took the place of another image for the same sample.
    Replaced,
    /// Another file with the same bytes holds the sample, so nothing was recorded.
    AlreadyThere,
    Failed,
}

/// A file beside the samples that belongs to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFile {
    pub source: String,
    pub reason: String,
}
