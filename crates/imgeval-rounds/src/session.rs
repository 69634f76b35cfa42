//! A session of one model.

use std::{
    io,
    path::{Path, PathBuf},
};

use imgeval_core::{ImageRef, Pixels};
use imgeval_files::OwnFolder;
use imgeval_metrics::survival::RoundStatus;
use imgeval_store::Images;
use imgeval_vision::image_file::{
    DecodeLimits, DecodedImage, LITTLE_WORK, MAX_FILE_BYTES, inspect_and_decode_for,
};

/// The rounds of one model from one source.
#[derive(Debug, Clone)]
pub struct Session {
    /// The same for all models that were given these instructions and this source.
    pub id: String,
    pub model: String,
    pub instructions: Vec<String>,
    /// What the image of each round should show, in order, where it is known; may be shorter than the rounds.
    pub captions: Vec<Option<String>>,
    pub source: ImagePlace,
    /// In order; as many as there were to be.
    pub rounds: Vec<Delivered>,
    /// Whether nothing was to change: its drift is the floor of the others.
    pub is_control: bool,
    /// The session whose first round this is once more, by which the noise of a model is seen; it counts as no session.
    pub repeats: Option<String>,
    /// Whether each round succeeds by a judge, where one was asked: `None` where its reply says nothing.
    pub judged: Option<Vec<Option<bool>>>,
}

/// What came of a round.
#[derive(Debug, Clone)]
pub enum Delivered {
    Image(ImagePlace),
    /// A content filter or the model declined.
    Refused(String),
    Missing(String),
}

/// Where an image lies.
#[derive(Debug, Clone)]
pub enum ImagePlace {
    /// Below a folder, whose links are not followed.
    File { folder: OwnFolder, name: PathBuf },
    /// A file that the user named; links are followed.
    Input(PathBuf),
    /// In a run.
    Run { directory: PathBuf, image: ImageRef },
    /// Made here.
    Bytes(Vec<u8>),
}

impl ImagePlace {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If it cannot be read, in a sentence.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::File { folder, name } => {
                read_below(folder, name).map_err(|error| format!("`{}`: {error}", name.display()))
            }
            Self::Input(path) => imgeval_files::read_regular(path, MAX_FILE_BYTES)
                .map_err(|error| format!("`{}`: {error}", path.display())),
            Self::Run { directory, image } => {
                Images::at(directory).read(image).map_err(|error| error.to_string())
            }
            Self::Bytes(bytes) => Ok(bytes.clone()),
        }
    }

    /// What it is called in sentences.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File { name, .. } => name.display().to_string(),
            Self::Input(path) => path.display().to_string(),
            Self::Run { image, .. } => image.file_name(),
            Self::Bytes(_) => "an image made here".to_owned(),
        }
    }
}

fn read_below(folder: &OwnFolder, name: &Path) -> io::Result<Vec<u8>> {
    let (folder, name) = folder.below(name)?;
    folder.read(name, MAX_FILE_BYTES)
}

/// The image in a file.
///
/// # Errors
/// A sentence, if it cannot be read.
pub(crate) fn decode(bytes: &[u8]) -> Result<DecodedImage, String> {
    let image = inspect_and_decode_for(bytes, &DecodeLimits::default(), LITTLE_WORK);
    image.map_err(|error| error.failure().detail)
}

/// As [`decode`], its pixels alone.
pub(crate) fn pixels_of(bytes: &[u8]) -> Result<Pixels, String> {
    decode(bytes).map(|image| image.pixels)
}

impl Delivered {
    /// The status of a round without an image.
    #[must_use]
    pub fn absence(&self) -> Option<(RoundStatus, &str)> {
        match self {
            Self::Image(_) => None,
            Self::Refused(reason) => Some((RoundStatus::Refused, reason)),
            Self::Missing(reason) => Some((RoundStatus::Missing, reason)),
        }
    }
}
