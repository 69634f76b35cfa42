//! Images by content: `images/ab/abcdef….png`, original bytes.

use std::{
    io,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageRef};
use imgeval_files::{OwnFolder, read_regular};

use crate::StoreError;

/// Larger files are not accepted as images of a run.
pub const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// The images of a run. Needs no database and no lock, so that many threads can use it at once.
#[derive(Debug, Clone)]
pub struct Images {
    run: PathBuf,
}

impl Images {
    /// The images of the run in this folder, which need not exist yet.
    #[must_use]
    pub fn at(run: &Path) -> Self {
        Self { run: run.to_owned() }
    }

    /// Where the run keeps an image; whether it is there, a look must tell.
    #[must_use]
    pub fn path(&self, image: &ImageRef) -> PathBuf {
        self.run.join(path_of(&image.hash, image.format.extension()))
    }

    /// Stores bytes under their hash: to a temporary name, synced, renamed. The same bytes already there stay; damaged ones, and
    /// links, are replaced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put(&self, image: &ImageRef, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(&image.hash, image.format.extension(), bytes)
            .map(drop)
            .map_err(StoreError::io("store the image", &self.path(image)))
    }

    /// Stores bytes as [`Self::put`] does; afterwards not even a power cut loses the file's name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_paid(&self, image: &ImageRef, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_for_good(&image.hash, image.format.extension(), bytes)
    }

    /// Stores an image of a format that cannot be decoded as [`Self::put_paid`] does; gives its path within the run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_unread(
        &self,
        hash: &ContentHash,
        extension: &'static str,
        bytes: &[u8],
    ) -> Result<PathBuf, StoreError> {
        self.write_for_good(hash, extension, bytes)?;
        Ok(path_of(hash, extension))
    }

    /// Reads an image back and makes sure that it still is what its name says.
    ///
    /// # Errors
    /// If it is missing or its bytes have changed.
    pub fn read(&self, image: &ImageRef) -> Result<Vec<u8>, StoreError> {
        let path = self.path(image);
        let bytes =
            read_regular(&path, MAX_IMAGE_BYTES).map_err(StoreError::io("read the stored image", &path))?;
        if ContentHash::of(&bytes) != image.hash {
            let detail = "its bytes no longer match its name".to_owned();
            return Err(StoreError::Damaged { path, detail });
        }
        Ok(bytes)
    }

    /// Gives the folder of the file, `images` and the run.
    fn write(&self, hash: &ContentHash, extension: &str, bytes: &[u8]) -> io::Result<[OwnFolder; 3]> {
        let run = OwnFolder::open(&self.run)?;
        let images = run.make_folder("images")?;
        let folder = images.make_folder(&hash.as_str()[..2])?;
        let name = format!("{hash}.{extension}");
        if !folder.read(&name, bytes.len() as u64).is_ok_and(|stored| stored == bytes) {
            folder.write_whole(&name, bytes)?;
        }
        Ok([folder, images, run])
    }

    fn write_for_good(&self, hash: &ContentHash, extension: &str, bytes: &[u8]) -> Result<(), StoreError> {
        // Any of the folders may be new.
        self.write(hash, extension, bytes)
            .and_then(|folders| folders.iter().try_for_each(OwnFolder::sync))
            .map_err(StoreError::io("store the image", &self.run.join(path_of(hash, extension))))
    }
}

/// Within the run.
fn path_of(hash: &ContentHash, extension: &str) -> PathBuf {
    Path::new("images").join(&hash.as_str()[..2]).join(format!("{hash}.{extension}"))
}
