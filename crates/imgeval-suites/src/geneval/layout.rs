//! Finding the images that were made for a suite's prompts.
//!
//! Three layouts: GenEval's own (`00052/metadata.jsonl`, `00052/samples/0003.png`; only digit names count),
//! a flat folder whose file names carry the prompt index, and a glob pattern over such files.
//! Nothing is opened here but the folders' metadata; every file ends as a candidate or as an extra file. Where a sample lies
//! there as PNG and in another format beside it, the PNG is the sample, as for the official evaluator.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_core::{ImageFormat, json::from_json_str};
use serde_json::Value;

use super::{Metadata, Tolerance, name_template::NameTemplate};

/// A metadata file longer than this is none.
const MAX_METADATA_BYTES: u64 = 1 << 20;

/// Extensions of images that we cannot read, but whose names should not pass for something else.
const FOREIGN_EXTENSIONS: [&str; 5] = ["avif", "heic", "heif", "jxl", "jp2"];

/// Digits of a sample's name in the official layout.
const OFFICIAL_DIGITS: usize = 4;

/// How the images lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Official,
    Named,
}

/// What a folder says about the prompt of its images.
#[derive(Debug, Clone, PartialEq)]
pub enum FolderMetadata {
    /// The layout has none (file names alone).
    NotExpected,
    Absent,
    /// Present, with what is wrong with it.
    Unusable(String),
    Read {
        metadata: Metadata,
        /// Keys that GenEval does not know.
        further_keys: Vec<String>,
    },
}

/// A file that is meant to be the `ordinal`-th image of prompt `index`.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundImage {
    pub path: PathBuf,
    pub index: u64,
    pub ordinal: u32,
    pub metadata: FolderMetadata,
}

/// A file that is nobody's image, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundExtra {
    pub path: PathBuf,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FoundFiles {
    pub layout: Layout,
    /// In order of their paths.
    pub images: Vec<FoundImage>,
    pub extras: Vec<FoundExtra>,
}

#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("could not read the folder `{path}`")]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{path}` is a file; pass the folder that contains the images")]
    NotAFolder { path: PathBuf },
    #[error("`{pattern}` is neither a folder nor a usable file pattern")]
    Pattern {
        pattern: String,
        #[source]
        source: glob::PatternError,
    },
    #[error("there is nothing at `{pattern}`")]
    NothingThere { pattern: String },
    #[error(
        "the images of `{place}` are in prompt folders such as `{folder}`, so their names do not contain the prompt index"
    )]
    SampleNames { place: String, folder: PathBuf },
    #[error("`{path}` contains prompt folders and also images named by prompt, such as `{image}`")]
    Mixed { path: PathBuf, image: PathBuf },
}

/// Finds the images at `place`, a folder or a glob pattern. With a `template`, names are read by it alone.
///
/// # Errors
/// If `place` cannot be listed, or is nothing.
pub fn find_images(place: &str, template: Option<&NameTemplate>) -> Result<FoundFiles, LayoutError> {
    let path = Path::new(place);
    if path.is_file() {
        return Err(LayoutError::NotAFolder { path: path.to_owned() });
    }
    if !path.is_dir() {
        return find_by_pattern(place, template);
    }
    if let Some(template) = template {
        let mut files = Vec::new();
        list_files(path, template.depth(), &mut files)?;
        return Ok(sort_named(path, files, Some(template)));
    }
    let is_prompt_folder = |entry: &PathBuf| entry.is_dir() && is_digits(entry);
    let (folders, others): (Vec<_>, Vec<_>) = list_folder(path)?.into_iter().partition(is_prompt_folder);
    if folders.is_empty() {
        refuse_sample_names(place, &others)?;
        return Ok(sort_named(path, others, None));
    }
    find_official(path, folders, others)
}

/// In GenEval's folders the names are sample numbers; read as prompt indices they would be scored against other
/// prompts.
fn refuse_sample_names(place: &str, files: &[PathBuf]) -> Result<(), LayoutError> {
    let in_prompt_folder = files.iter().filter(|file| is_picture(file)).find_map(|file| {
        let folder = fs::canonicalize(file.parent()?).ok()?;
        let is_samples = folder.file_name().is_some_and(|name| name == "samples");
        (is_samples || is_digits(&folder)).then_some(folder)
    });
    match in_prompt_folder {
        Some(folder) => Err(LayoutError::SampleNames { place: place.to_owned(), folder }),
        None => Ok(()),
    }
}

fn find_by_pattern(pattern: &str, template: Option<&NameTemplate>) -> Result<FoundFiles, LayoutError> {
    let matches =
        glob::glob(pattern).map_err(|source| LayoutError::Pattern { pattern: pattern.to_owned(), source })?;
    let mut files = Vec::new();
    for entry in matches {
        let entry = entry
            .map_err(|error| LayoutError::Folder { path: error.path().to_owned(), source: error.into() })?;
        if entry.is_file() {
            files.push(entry);
        }
    }
    if files.is_empty() {
        return Err(LayoutError::NothingThere { pattern: pattern.to_owned() });
    }
    files.sort();
    if template.is_none() {
        refuse_sample_names(pattern, &files)?;
    }
    // A pattern's folders are as given, so a template over several levels is matched from the right.
    Ok(sort_named(Path::new(""), files, template))
}

/// GenEval's own layout; `others` lie beside the prompt folders.
fn find_official(
    root: &Path,
    folders: Vec<PathBuf>,
    others: Vec<PathBuf>,
) -> Result<FoundFiles, LayoutError> {
    let mut found = FoundFiles { layout: Layout::Official, images: Vec::new(), extras: Vec::new() };
    for entry in others {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if is_picture(&entry) && NameTemplate::parse_plain(&name).is_some() {
            return Err(LayoutError::Mixed { path: root.to_owned(), image: entry });
        }
        found.extras.push(extra(entry, "not a prompt folder: its name is not a number"));
    }
    for folder in folders {
        collect_prompt_folder(folder, &mut found);
    }
    Ok(found.with_png_preferred())
}

/// One prompt's folder. What cannot be read is an extra file with its reason, and the others go on.
fn collect_prompt_folder(folder: PathBuf, found: &mut FoundFiles) {
    let Some(index) = number_of(&folder) else {
        found.extras.push(extra(folder, "its number is too large"));
        return;
    };
    let Ok(entries) = list_folder(&folder) else {
        found.extras.push(extra(folder, "this folder cannot be read"));
        return;
    };
    for entry in entries {
        let name = entry.file_name().unwrap_or_default();
        let is_expected = (name == "samples" && entry.is_dir())
            || ((name == "metadata.jsonl" || name == "grid.png") && entry.is_file());
        if !is_expected {
            found.extras.push(extra(entry, "not part of the official layout"));
        }
    }
    let samples = folder.join("samples");
    if !samples.is_dir() {
        return;
    }
    let Ok(mut paths) = list_folder(&samples) else {
        found.extras.push(extra(samples, "this folder cannot be read"));
        return;
    };
    // Of `0000.png` and `0.png` the name that the official script gives comes first, and the other is the duplicate.
    paths.sort_by_key(|path| path.file_stem().is_none_or(|stem| stem.len() != OFFICIAL_DIGITS));
    let metadata = read_folder_metadata(&folder);
    for path in paths {
        let ordinal = number_of(&path).and_then(|number| u32::try_from(number).ok());
        match ordinal.filter(|_| path.is_file() && is_picture(&path)) {
            Some(ordinal) => {
                found.images.push(FoundImage { path, index, ordinal, metadata: metadata.clone() });
            }
            None => found.extras.push(extra(path, "not a sample: its name is not a number and .png")),
        }
    }
}

/// Files whose names carry the prompt index.
fn sort_named(root: &Path, files: Vec<PathBuf>, template: Option<&NameTemplate>) -> FoundFiles {
    let mut found = FoundFiles { layout: Layout::Named, images: Vec::new(), extras: Vec::new() };
    for path in files {
        if !path.is_file() && path.exists() {
            found.extras.push(extra(path, "not a file"));
            continue;
        }
        if !is_picture(&path) {
            found.extras.push(extra(path, "not an image file, by its extension"));
            continue;
        }
        let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let place = match template {
            Some(template) => template.parse(&relative),
            None => NameTemplate::parse_plain(&relative),
        };
        match place {
            Some((index, ordinal)) => {
                let metadata = FolderMetadata::NotExpected;
                found.images.push(FoundImage { path, index, ordinal, metadata });
            }
            None => found
                .extras
                .push(extra(path, "its name contains no prompt index; use a template for other names")),
        }
    }
    found.with_png_preferred()
}

impl FoundFiles {
    /// Previews in other formats give way to the PNG of the same sample in the same folder, and all to the one that ends in
    /// `.png` as written, which alone the official evaluator sees.
    fn with_png_preferred(mut self) -> Self {
        let key = |image: &FoundImage| (image.path.parent().map(Path::to_owned), image.index, image.ordinal);
        let keys_of = |images: &[FoundImage], is_wanted: fn(&Path) -> bool| -> BTreeSet<_> {
            images.iter().filter(|image| is_wanted(&image.path)).map(key).collect()
        };
        let with_png = keys_of(&self.images, is_png);
        let with_official = keys_of(&self.images, is_official_png);
        let is_taken = |image: &FoundImage| {
            is_official_png(&image.path)
                || !with_official.contains(&key(image))
                    && (is_png(&image.path) || !with_png.contains(&key(image)))
        };
        let (images, beside): (Vec<_>, Vec<_>) = self.images.into_iter().partition(is_taken);
        let reason = "the same sample exists as PNG, which is preferred";
        self.extras.extend(beside.into_iter().map(|image| extra(image.path, reason)));
        self.images = images;
        self
    }
}

fn is_official_png(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "png")
}

fn is_png(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ImageFormat::from_extension(extension) == Some(ImageFormat::Png)
}

fn extra(path: PathBuf, reason: &str) -> FoundExtra {
    FoundExtra { path, reason: reason.to_owned() }
}

/// A folder's `metadata.jsonl`, which holds one JSON object.
fn read_folder_metadata(folder: &Path) -> FolderMetadata {
    let path = folder.join("metadata.jsonl");
    let text = match imgeval_files::read_text(&path, MAX_METADATA_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return FolderMetadata::Absent,
        Err(error) => return FolderMetadata::Unusable(error.to_string()),
    };
    let parse = || -> Result<FolderMetadata, String> {
        let text = text.trim_start_matches('\u{feff}');
        let value: Value = from_json_str(text).map_err(|error| error.to_string())?;
        let (metadata, further_keys) =
            Metadata::parse_among_others(&value, Tolerance::Anywhere).map_err(|error| error.to_string())?;
        Ok(FolderMetadata::Read { metadata, further_keys })
    };
    parse().unwrap_or_else(FolderMetadata::Unusable)
}

/// The entries of a folder in order of their names, without hidden ones.
fn list_folder(path: &Path) -> Result<Vec<PathBuf>, LayoutError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
        entries.filter(|entry| !matches!(entry, Ok(path) if is_hidden(path))).collect()
    };
    let mut entries = list().map_err(|source| LayoutError::Folder { path: path.to_owned(), source })?;
    entries.sort();
    Ok(entries)
}

/// The files `depth` folders below `path`; files above that level are listed too, so that they show up as extra.
fn list_files(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), LayoutError> {
    for entry in list_folder(path)? {
        if entry.is_dir() && depth > 0 {
            list_files(&entry, depth - 1, files)?;
        } else {
            files.push(entry);
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_digits(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(are_digits)
}

/// The number that a name (without its extension) consists of.
fn number_of(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    are_digits(stem).then(|| stem.parse().ok()).flatten()
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ImageFormat::from_extension(extension).is_some()
        || FOREIGN_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}
