//! A suite without pinned files: a listing of its cases, and the images that the listing names by their SHA-256.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::ContentHash;

use super::{
    bundle::{MAX_FILE_BYTES, read_file, write_whole},
    error::FetchError,
};

/// What is kept of such a suite.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    pub text: String,
    /// By file name, `<sha256>.<extension>`.
    pub images: BTreeMap<String, Vec<u8>>,
}

/// Keeps the listing in the file `name` of the suite's folder, and its images in `images` there. What was fetched before
/// is replaced only if `replaces` says so; the first fetch fixes which bytes are the right ones.
///
/// # Errors
/// If another listing was fetched before, or reading or writing fails.
pub fn keep_listing(
    folder: &Path,
    name: &str,
    title: &str,
    listing: &Listing,
    replaces: bool,
) -> Result<(), FetchError> {
    let path = folder.join(name);
    let text = listing.text.as_bytes();
    if path.exists() && !replaces {
        let before = read_file(&path, MAX_FILE_BYTES)?;
        if before != text {
            return Err(FetchError::OtherListing {
                title: title.to_owned(),
                found: ContentHash::of(text).to_string(),
                before: ContentHash::of(&before).to_string(),
            });
        }
    }
    for (name, bytes) in &listing.images {
        write_whole(&folder.join("images").join(name), bytes)?;
    }
    write_whole(&path, text)
}
