//! Images by content: `images/ab/abcdef….png`, original bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageFormat};
use imgeval_files::read_regular;

use crate::{StoreError, whole_file::write_whole};

/// Longer files are not taken for images of a run.
pub const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// Where a run keeps an image; whether it is there, a look must tell.
#[must_use]
pub fn image_path(directory: &Path, hash: &ContentHash, format: ImageFormat) -> PathBuf {
    path_of(directory, hash, format.extension())
}

fn path_of(directory: &Path, hash: &ContentHash, extension: &str) -> PathBuf {
    let name = format!("{hash}.{extension}");
    directory.join("images").join(&hash.as_str()[..2]).join(name)
}

/// Writes the bytes under their hash: to a temporary name, synced, renamed. The same bytes already there stay, damaged ones are replaced.
pub(crate) fn put_image(
    directory: &Path,
    hash: &ContentHash,
    format: ImageFormat,
    bytes: &[u8],
) -> Result<(), StoreError> {
    put(&image_path(directory, hash, format), bytes)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if read_regular(path, bytes.len() as u64).is_ok_and(|stored| stored == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
    write_whole(path, bytes).map_err(StoreError::io("store the image", path))
}

/// As [`put_image`]; afterwards not even a power cut loses the file's name.
pub(crate) fn put_paid_image(
    directory: &Path,
    hash: &ContentHash,
    format: ImageFormat,
    bytes: &[u8],
) -> Result<(), StoreError> {
    put_for_good(&image_path(directory, hash, format), bytes)
}

/// As [`put_paid_image`], for a picture of a format that cannot be decoded; gives its path within the run.
pub(crate) fn put_unread_image(
    directory: &Path,
    hash: &ContentHash,
    extension: &'static str,
    bytes: &[u8],
) -> Result<PathBuf, StoreError> {
    put_for_good(&path_of(directory, hash, extension), bytes)?;
    Ok(path_of(Path::new(""), hash, extension))
}

fn put_for_good(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    put(path, bytes)?;
    // The folder of the file, `images`, the run: any of them may be new.
    for folder in path.ancestors().skip(1).take(3) {
        sync_folder(folder).map_err(StoreError::io("store the image", path))?;
    }
    Ok(())
}

/// Elsewhere folders cannot be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
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
