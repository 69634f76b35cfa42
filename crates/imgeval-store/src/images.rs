//! Images by content: `images/ab/abcdef….png`, original bytes.

use std::{
    io,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageFormat};
use imgeval_files::{OwnFolder, read_regular};

use crate::StoreError;

/// Longer files are not taken for images of a run.
pub const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// Where a run keeps an image; whether it is there, a look must tell.
#[must_use]
pub fn image_path(directory: &Path, hash: &ContentHash, format: ImageFormat) -> PathBuf {
    path_of(directory, hash, format.extension())
}

fn path_of(directory: &Path, hash: &ContentHash, extension: &str) -> PathBuf {
    directory.join("images").join(&hash.as_str()[..2]).join(name_of(hash, extension))
}

fn name_of(hash: &ContentHash, extension: &str) -> String {
    format!("{hash}.{extension}")
}

/// Writes the bytes under their hash: to a temporary name, synced, renamed. The same bytes already there stay; damaged
/// ones, and links, are replaced.
pub(crate) fn put_image(
    directory: &Path,
    hash: &ContentHash,
    format: ImageFormat,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let extension = format.extension();
    put(directory, hash, extension, bytes)
        .map(drop)
        .map_err(StoreError::io("store the image", &path_of(directory, hash, extension)))
}

/// The folder of the file, `images` and the run.
fn put(directory: &Path, hash: &ContentHash, extension: &str, bytes: &[u8]) -> io::Result<[OwnFolder; 3]> {
    let run = OwnFolder::open(directory)?;
    let images = run.make_folder("images")?;
    let folder = images.make_folder(&hash.as_str()[..2])?;
    let name = name_of(hash, extension);
    if !folder.read(&name, bytes.len() as u64).is_ok_and(|stored| stored == bytes) {
        folder.write_whole(&name, bytes)?;
    }
    Ok([folder, images, run])
}

/// As [`put_image`]; afterwards not even a power cut loses the file's name.
pub(crate) fn put_paid_image(
    directory: &Path,
    hash: &ContentHash,
    format: ImageFormat,
    bytes: &[u8],
) -> Result<(), StoreError> {
    put_for_good(directory, hash, format.extension(), bytes)
}

/// As [`put_paid_image`], for a picture of a format that cannot be decoded; gives its path within the run.
pub(crate) fn put_unread_image(
    directory: &Path,
    hash: &ContentHash,
    extension: &'static str,
    bytes: &[u8],
) -> Result<PathBuf, StoreError> {
    put_for_good(directory, hash, extension, bytes)?;
    Ok(path_of(Path::new(""), hash, extension))
}

fn put_for_good(
    directory: &Path,
    hash: &ContentHash,
    extension: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    // Any of the folders may be new.
    put(directory, hash, extension, bytes)
        .and_then(|folders| folders.iter().try_for_each(OwnFolder::sync))
        .map_err(StoreError::io("store the image", &path_of(directory, hash, extension)))
}

/// Reads an image back and makes sure that it still is what its name says.
pub(crate) fn read_image(
    directory: &Path,
    hash: &ContentHash,
    format: ImageFormat,
) -> Result<Vec<u8>, StoreError> {
    let path = image_path(directory, hash, format);
    let bytes =
        read_regular(&path, MAX_IMAGE_BYTES).map_err(StoreError::io("read the stored image", &path))?;
    if ContentHash::of(&bytes) != *hash {
        let detail = "its bytes no longer match its name".to_owned();
        return Err(StoreError::Damaged { path, detail });
    }
    Ok(bytes)
}
