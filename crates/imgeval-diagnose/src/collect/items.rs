//! The images of a class: where they lie, who made them, what belongs together.
//!
//! A place is a folder (searched through, hidden files passed over), or a pattern such as `out/*.png`. Groups, which are never
//! divided between training and testing, come from
//! - the caller, who knows the prompts of a run;
//! - `groups.jsonl` in the folder: one object a line, `{"file": "a/b.png", "group": "any text"}`, paths relative to the folder;
//! - `metadata.jsonl` beside a folder `samples`, as GenEval lays images out: its `prompt`;
//! - else the images themselves (`perceptual_hash`).

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_core::json::from_json_str;
use imgeval_files::Unsuitable;
use serde::Deserialize;

/// Extensions of files that are taken for images; what they are is told by their bytes later.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// A manifest or metadata file larger than this is none: 64 MiB.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// One image file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageItem {
    pub path: PathBuf,
    /// The name that people know it by: its path below the folder or in the run.
    pub name: String,
    /// Prompt or other group, if known.
    pub group: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ItemsError {
    #[error("`{place}` is not a folder and cannot be read as a pattern")]
    Pattern {
        place: String,
        #[source]
        source: glob::PatternError,
    },
    #[error("`{place}` is not a folder and matches no file as a pattern")]
    NoSuchPlace { place: String },
    #[error("`{place}` contains no image (.png, .jpg, .jpeg or .webp)")]
    NoImage { place: String },
    #[error("could not read `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("line {line} of `{path}` is not an object with the strings \"file\" and \"group\"")]
    Manifest {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{path}` has more than {MAX_MANIFEST_BYTES} bytes")]
    ManifestTooLarge { path: PathBuf },
}

/// The image files of a place, ordered by path.
///
/// # Errors
/// If the place or its manifest cannot be read, or no image is there.
pub fn list_images(place: &str) -> Result<Vec<ImageItem>, ItemsError> {
    let folder = Path::new(place);
    let mut paths = Vec::new();
    if folder.is_dir() {
        collect(folder, &mut paths)?;
    } else if folder.is_file() {
        paths.push(folder.to_owned());
    } else {
        let found =
            glob::glob(place).map_err(|source| ItemsError::Pattern { place: place.to_owned(), source })?;
        for path in found {
            let path =
                path.map_err(|error| ItemsError::Io { path: error.path().to_owned(), source: error.into() })?;
            match path.is_dir() {
                true => collect(&path, &mut paths)?,
                false => paths.push(path),
            }
        }
        if paths.is_empty() {
            return Err(ItemsError::NoSuchPlace { place: place.to_owned() });
        }
    }
    paths.retain(|path| has_image_extension(path));
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Err(ItemsError::NoImage { place: place.to_owned() });
    }
    let groups = if folder.is_dir() { read_manifest(folder)? } else { BTreeMap::new() };
    let mut prompts = BTreeMap::new();
    Ok(paths
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(folder).unwrap_or(&path).to_owned();
            let group = groups.get(&relative).cloned().or_else(|| prompt_of(&path, &mut prompts));
            ImageItem { name: relative.to_string_lossy().into_owned(), path, group }
        })
        .collect())
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), ItemsError> {
    let io = |source| ItemsError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Links to folders are not followed, so that a loop ends.
        match entry.file_type().map_err(io)?.is_dir() {
            true => collect(&entry.path(), paths)?,
            false => paths.push(entry.path()),
        }
    }
    Ok(())
}

fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

fn read_small(path: &Path) -> Result<Option<String>, ItemsError> {
    let io = |source| ItemsError::Io { path: path.to_owned(), source };
    match imgeval_files::read_text(path, MAX_MANIFEST_BYTES) {
        // Editors and other programs put a byte order mark in front.
        Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => match Unsuitable::of(&error) {
            Some(Unsuitable::TooLong { .. }) => Err(ItemsError::ManifestTooLarge { path: path.to_owned() }),
            _ => Err(io(error)),
        },
    }
}

#[derive(Deserialize)]
struct ManifestLine {
    file: PathBuf,
    group: String,
}

fn read_manifest(folder: &Path) -> Result<BTreeMap<PathBuf, String>, ItemsError> {
    let path = folder.join("groups.jsonl");
    let mut groups = BTreeMap::new();
    for (index, line) in read_small(&path)?.unwrap_or_default().lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let parsed: ManifestLine = from_json_str(line).map_err(|source| ItemsError::Manifest {
            path: path.clone(),
            line: index + 1,
            source,
        })?;
        groups.insert(parsed.file, parsed.group);
    }
    Ok(groups)
}

#[derive(Deserialize)]
struct PromptMetadata {
    prompt: String,
}

/// The prompt of `00052/samples/0000.png`, from `00052/metadata.jsonl`; anything else there is no metadata of this kind.
fn prompt_of(path: &Path, known: &mut BTreeMap<PathBuf, Option<String>>) -> Option<String> {
    let samples = path.parent().filter(|folder| folder.ends_with("samples"))?;
    let metadata = samples.parent()?.join("metadata.jsonl");
    let read = || {
        let text = read_small(&metadata).ok().flatten()?;
        from_json_str::<PromptMetadata>(text.trim()).ok().map(|parsed| parsed.prompt)
    };
    known.entry(metadata.clone()).or_insert_with(read).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn names_and_groups(place: &Path) -> Vec<(String, Option<String>)> {
        let items = list_images(place.to_str().unwrap()).unwrap();
        items.into_iter().map(|item| (item.name, item.group)).collect()
    }

    #[test]
    fn folders_manifests_and_official_layouts_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b.PNG", "a/c.jpg", ".hidden/x.png", "note.txt", "00007/samples/0000.png"] {
            write(root.join(name), "");
        }
        write(root.join("00007/metadata.jsonl"), "{\"tag\": \"x\", \"prompt\": \"a red cat\"}\n");
        write(root.join("groups.jsonl"), "{\"file\": \"a/c.jpg\", \"group\": \"photo 1\", \"more\": 1}\n\n");
        let group = |text: &str| Some(text.to_owned());
        assert_eq!(
            names_and_groups(root),
            [
                ("00007/samples/0000.png".to_owned(), group("a red cat")),
                ("a/c.jpg".to_owned(), group("photo 1")),
                ("b.PNG".to_owned(), None),
            ]
        );
        let pattern = format!("{}/*.PNG", root.display());
        assert_eq!(list_images(&pattern).unwrap().len(), 1);
    }

    #[test]
    fn every_place_without_images_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let place = |name: &str| root.join(name).to_str().unwrap().to_owned();
        write(root.join("empty/readme.txt"), "");
        assert!(matches!(list_images(&place("empty")), Err(ItemsError::NoImage { .. })));
        assert!(matches!(list_images(&place("absent")), Err(ItemsError::NoSuchPlace { .. })));
        assert!(matches!(list_images("a[b"), Err(ItemsError::Pattern { .. })));
        write(root.join("bad/a.png"), "");
        write(root.join("bad/groups.jsonl"), "{\"file\": \"a.png\", \"group\": \"g\"}\n{\"file\": 3}\n");
        assert!(matches!(list_images(&place("bad")), Err(ItemsError::Manifest { line: 2, .. })));
    }
}
