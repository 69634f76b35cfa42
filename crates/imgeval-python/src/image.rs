//! Images as Python gives them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use imgeval_core::{
    Pixels,
    memory::{Reservation, reserve_file},
};
use imgeval_vision::image_file::{
    DecodeLimits, DecodedImage, ImageFileError, inspect_and_decode_for, read_image_file,
};
use pyo3::{exceptions::PyValueError, prelude::*, pybacked::PyBackedBytes};

/// What an image is given as. Bytes stay where they are: Python's object is held as long as they are needed.
#[derive(FromPyObject)]
pub(crate) enum ImageArgument {
    /// Encoded.
    #[pyo3(transparent)]
    File(PyBackedBytes),
    /// Width, height, and red, green and blue of each pixel, row by row.
    #[pyo3(transparent)]
    Pixels((u32, u32, PyBackedBytes)),
    #[pyo3(transparent)]
    Path(PathBuf),
}

/// An image with what can still be wrong about it.
pub(crate) enum Image {
    File(PyBackedBytes),
    Pixels(Pixels),
    Path(PathBuf),
}

impl ImageArgument {
    pub(crate) fn image(self) -> PyResult<Image> {
        match self {
            Self::File(bytes) => Ok(Image::File(bytes)),
            Self::Path(path) => Ok(Image::Path(path)),
            Self::Pixels((width, height, bytes)) => {
                let pixels = Pixels::sharing(width, height, Arc::new(bytes));
                let wrong = || PyValueError::new_err("the image has no pixels, or not three bytes for each");
                pixels.map(Image::Pixels).ok_or_else(wrong)
            }
        }
    }
}

impl Image {
    /// The pixels of an image that will be worked on with so many more bytes for each.
    pub(crate) fn decode(self, limits: &DecodeLimits, working_bytes: u64) -> Result<Pixels, ImageFileError> {
        let decode = |bytes: &[u8]| inspect_and_decode_for(bytes, limits, working_bytes);
        let DecodedImage { pixels, .. } = match self {
            Self::Pixels(pixels) => return Ok(pixels),
            Self::File(bytes) => decode(&bytes)?,
            Self::Path(path) => {
                let (bytes, _room) = read_file(&path)?;
                decode(&bytes)?
            }
        };
        Ok(pixels)
    }
}

/// The bytes of an image file, with the memory that is set aside for them.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<u8>, Option<Reservation>), ImageFileError> {
    let room = reserve_file(path.metadata().map_or(0, |found| found.len()));
    Ok((read_image_file(path)?, room))
}
