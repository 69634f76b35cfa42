//! Data sets that are distributed by hand only: cases with images, in a folder or archive that the user downloaded.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::{ContentHash, ImageFormat, sentence_of};
use imgeval_suites::files::{DataSet, FetchedSource, LISTING, SuiteFiles};

use super::{FetchError, Listing, MAX_FILE_BYTES, Opened, keep_listing, read_file};

/// Takes over the data set in a folder or zip archive; gives how many cases there are by tag. `format_of` decodes an image, or
/// says why it cannot be used.
///
/// # Errors
/// If the data set cannot be understood, or is another than the one fetched before.
pub fn take_data_set(
    files: &SuiteFiles,
    source: &'static FetchedSource,
    data: &DataSet,
    from: &Path,
    replaces: bool,
    format_of: &dyn Fn(&[u8]) -> Result<ImageFormat, String>,
) -> Result<BTreeMap<String, usize>, FetchError> {
    let is_wanted = |name: &str| {
        let name = name.to_ascii_lowercase();
        data.endings.iter().any(|end| name.ends_with(end)) && !name.contains("__macosx")
    };
    let opened = Opened::of(from, is_wanted)?;
    let root = opened.root();
    let cases = (data.find)(root).map_err(|error| {
        // The error names paths below the root.
        let (known, shown) = (root.display().to_string(), opened.shown(root));
        let message = sentence_of(&error).replace(&known, shown.trim_end_matches('/'));
        FetchError::NotADataSet { message, layout: data.layout }
    })?;
    let mut listing = Listing::default();
    let mut counts = BTreeMap::new();
    for case in &cases {
        let mut take = |path: &Path| -> Result<String, FetchError> {
            let bytes = read_file(path, MAX_FILE_BYTES)?;
            let format = format_of(&bytes)
                .map_err(|detail| FetchError::UnusableImage { path: opened.shown(path), detail })?;
            let name = format!("{}.{}", ContentHash::of(&bytes), format.extension());
            listing.images.insert(name.clone(), bytes);
            Ok(name)
        };
        let images = case.images.iter().map(|path| take(path)).collect::<Result<Vec<_>, _>>()?;
        let mask = case.mask.as_ref().map(|path| take(path)).transpose()?;
        listing.text.push_str(&(data.render)(case, &images, mask.as_deref()));
        listing.text.push('\n');
        *counts.entry(case.tag.clone()).or_default() += 1;
    }
    keep_listing(&files.folder(source), LISTING, source.title, &listing, replaces)?;
    Ok(counts)
}
