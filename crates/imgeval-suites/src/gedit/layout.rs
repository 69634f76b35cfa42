//! Finding the benchmark in a folder: a listing of the edits, and the source images in the official layout.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Component, Path, PathBuf},
};

use imgeval_core::ImageFormat;

use super::{Language, ListedEdit, ListingError, TaskType, parse_listing};
use crate::folder_listing::list_folder;

/// What the official layout puts behind the key in the name of a source image.
pub(super) const SOURCE_MARK: &str = "_SRCIMG";
/// The benchmark lies a few folders deep.
const MAX_DEPTH: usize = 12;
/// No listing is longer.
const MAX_LISTING_BYTES: u64 = 64 << 20;

/// An edit of the benchmark with its source image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditCase {
    pub language: Language,
    pub task_type: TaskType,
    /// Its name, each once in a language.
    pub key: String,
    pub instruction: String,
    /// Whether it belongs to the set on which all compared models gave an image; `None` if the listing does not say.
    pub is_intersection: Option<bool>,
    pub source: PathBuf,
}

/// Why a folder does not hold the benchmark.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("could not read `{}`", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` cannot be used as a listing", .path.display())]
    Listing {
        path: PathBuf,
        #[source]
        source: ListingError,
    },
    #[error("`{}` contains no listing of the edits: a .json or .jsonl file with rows of `task_type`, `key`, `instruction` and `instruction_language`", .path.display())]
    NoListing { path: PathBuf },
    #[error("the key `{key}` is listed twice for {}", language.name())]
    Twice { key: String, language: Language },
    #[error("the listing names the file `{name}`, which is outside its folder")]
    UnsafeName { name: String },
    #[error("`{}` and `{}` are both the source image of `{key}`", .first.display(), .second.display())]
    TwoSources { key: String, first: PathBuf, second: PathBuf },
    #[error("{n_missing} of {n_listed} listed edits have no source image; the first is `{first}`")]
    NoSources { n_missing: usize, n_listed: usize, first: String },
}

/// Finds the edits below a folder, at any depth, in the order of the listing. A language without any source image is left
/// out.
///
/// # Errors
/// If there is no listing, an edit is listed twice, has two source images or none, or a file cannot be read.
pub fn find_benchmark(root: &Path) -> Result<Vec<EditCase>, LayoutError> {
    let mut files = Vec::new();
    list_below(root, 0, &mut files)?;
    files.sort();
    let listed = read_listings(root, &files)?;
    let images = index_images(&files);
    let (mut cases, mut missing): (Vec<EditCase>, Vec<ListedEdit>) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<(Language, String)> = BTreeSet::new();
    for (listing, edit) in listed {
        if !seen.insert((edit.language, edit.key.clone())) {
            return Err(LayoutError::Twice { key: edit.key, language: edit.language });
        }
        match find_source(listing, &edit, &images)? {
            Some(source) => cases.push(EditCase {
                language: edit.language,
                task_type: edit.task_type,
                key: edit.key,
                instruction: edit.instruction,
                is_intersection: edit.is_intersection,
                source,
            }),
            None => missing.push(edit),
        }
    }
    let n_listed = cases.len() + missing.len();
    let is_needed =
        |edit: &&ListedEdit| cases.is_empty() || cases.iter().any(|case| case.language == edit.language);
    let missing: Vec<&ListedEdit> = missing.iter().filter(is_needed).collect();
    match missing.first() {
        Some(first) => Err(LayoutError::NoSources {
            n_missing: missing.len(),
            n_listed,
            first: format!("{}/{}/{}", first.task_type.name(), first.language.name(), first.key),
        }),
        None => Ok(cases),
    }
}

/// The rows of all listings, each with its listing's path.
fn read_listings<'a>(root: &Path, files: &'a [PathBuf]) -> Result<Vec<(&'a Path, ListedEdit)>, LayoutError> {
    let mut edits = Vec::new();
    for path in files {
        let is_lines = match extension(path).as_str() {
            "json" => false,
            "jsonl" => true,
            _ => continue,
        };
        let text = imgeval_files::read_text(path, MAX_LISTING_BYTES)
            .map_err(|source| LayoutError::Io { path: path.clone(), source })?;
        let rows = parse_listing(&text, is_lines)
            .map_err(|source| LayoutError::Listing { path: path.clone(), source })?;
        edits.extend(rows.into_iter().flatten().map(|edit| (path.as_path(), edit)));
    }
    if edits.is_empty() {
        return Err(LayoutError::NoListing { path: root.to_owned() });
    }
    Ok(edits)
}

/// Images by the folders `<task_type>/<en|cn>` that they lie in and their names without the ending.
type Images<'a> = BTreeMap<(TaskType, Language, &'a str), Vec<&'a Path>>;

fn index_images(files: &[PathBuf]) -> Images<'_> {
    let mut images = Images::new();
    for path in files {
        if ImageFormat::from_extension(&extension(path)).is_none() {
            continue;
        }
        let mut folders = path.parent().into_iter().flat_map(Path::ancestors).filter_map(folder_name);
        let language = folders.next().and_then(Language::from_name);
        let task_type = folders.next().and_then(TaskType::from_name);
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(task_type), Some(language), Some(stem)) = (task_type, language, stem) {
            images.entry((task_type, language, stem)).or_default().push(path);
        }
    }
    images
}

/// The image that the row names; else the one with the mark of a source image; else the one of the key alone.
fn find_source(
    listing: &Path,
    edit: &ListedEdit,
    images: &Images<'_>,
) -> Result<Option<PathBuf>, LayoutError> {
    if let Some(name) = &edit.file_name {
        let relative = Path::new(name);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(LayoutError::UnsafeName { name: name.clone() });
        }
        let path = listing.parent().unwrap_or(listing).join(relative);
        return Ok(path.is_file().then_some(path));
    }
    let marked = format!("{}{SOURCE_MARK}", edit.key);
    let found = [marked.as_str(), &edit.key]
        .into_iter()
        .find_map(|stem| images.get(&(edit.task_type, edit.language, stem)));
    match found.map(Vec::as_slice) {
        None | Some([]) => Ok(None),
        Some([only]) => Ok(Some((*only).to_owned())),
        Some([first, second, ..]) => Err(LayoutError::TwoSources {
            key: edit.key.clone(),
            first: (*first).to_owned(),
            second: (*second).to_owned(),
        }),
    }
}

fn folder_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// In small letters; empty if there is none.
fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// All files below a folder, without what zip programs and file managers leave behind.
fn list_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), LayoutError> {
    let (folders, names) = list(folder)?;
    files.extend(names.into_iter().map(|name| folder.join(name)));
    if depth < MAX_DEPTH {
        for name in folders {
            list_below(&folder.join(name), depth + 1, files)?;
        }
    }
    Ok(())
}

/// [`list_folder`] with the error of this layout.
pub(super) fn list(folder: &Path) -> Result<(Vec<String>, Vec<String>), LayoutError> {
    list_folder(folder).map_err(|source| LayoutError::Io { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn row(task_type: &str, language: &str, key: &str, more: &str) -> String {
        format!(
            r#"{{"task_type": "{task_type}", "key": "{key}", "instruction": "Do {key}.", "instruction_language": "{language}", "Intersection_exist": true{more}}}"#
        )
    }

    /// The cases as `<task_type>/<language>/<key>=<name of the source image>`, or the error.
    fn find(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let cases = find_benchmark(root.path()).map_err(|error| imgeval_core::sentence_of(&error))?;
        let short = |case: &EditCase| {
            let (task_type, language) = (case.task_type.name(), case.language.name());
            let source = case.source.file_name().unwrap().to_str().unwrap();
            format!("{task_type}/{language}/{}={source}", case.key)
        };
        Ok(cases.iter().map(short).collect())
    }

    #[test]
    fn source_images_lie_beside_edited_ones_or_alone() {
        let listing = [
            row("ps_human", "en", "b", ""),
            row("ps_human", "cn", "b", ""),
            row("subject-add", "en", "a", ""),
        ]
        .join("\n");
        let found = find(&[
            ("x/rows.jsonl", &listing),
            ("x/info.json", "{\"name\": 1}"),
            ("x/model/fullset/ps_human/en/b.png", ""),
            ("x/model/fullset/ps_human/en/b_SRCIMG.png", ""),
            ("x/model/fullset/ps_human/cn/b.jpg", ""),
            ("x/model/fullset/subject-add/en/a.png", ""),
            ("x/model/fullset/subject-add/en/._a.png", ""),
            ("x/model/fullset/subject-add/en/other.png", ""),
        ]);
        assert_eq!(
            found.unwrap(),
            ["ps_human/en/b=b_SRCIMG.png", "ps_human/cn/b=b.jpg", "subject-add/en/a=a.png"]
        );
    }

    #[test]
    fn a_row_may_name_its_image() {
        let listing = row("ps_human", "en", "b", r#", "file_name": "images/7.png""#);
        let found = find(&[("x/metadata.jsonl", &listing), ("x/images/7.png", "")]);
        assert_eq!(found.unwrap(), ["ps_human/en/b=7.png"]);
        for name in ["../7.png", "/7.png", "images/../../7.png"] {
            let listing = row("ps_human", "en", "b", &format!(r#", "file_name": "{name}""#));
            let error = find(&[("x/metadata.jsonl", &listing), ("7.png", "")]).unwrap_err();
            assert!(error.contains("is outside its folder"), "{error}");
        }
    }

    #[test]
    fn a_language_without_any_image_is_left_out() {
        let listing = [row("ps_human", "en", "b", ""), row("ps_human", "cn", "b", "")].join("\n");
        let found = find(&[("l.jsonl", &listing), ("ps_human/cn/b_SRCIMG.png", "")]);
        assert_eq!(found.unwrap(), ["ps_human/cn/b=b_SRCIMG.png"]);
    }

    #[test]
    fn what_is_incomplete_or_twofold_is_refused() {
        let (one, two) = (row("ps_human", "en", "a", ""), row("ps_human", "en", "b", ""));
        let both = format!("{one}\n{two}");
        let check = |files: &[(&str, &str)], expected: &str| {
            let error = find(files).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(&[("ps_human/en/a.png", "")], "no listing of the edits");
        check(
            &[("l.jsonl", &both)],
            "2 of 2 listed edits have no source image; the first is `ps_human/en/a`",
        );
        check(&[("l.jsonl", &both), ("ps_human/en/b.png", "")], "1 of 2 listed edits");
        check(&[("l.jsonl", &one), ("m/l.jsonl", &one), ("ps_human/en/a.png", "")], "listed twice for en");
        check(
            &[("l.jsonl", &one), ("m/ps_human/en/a_SRCIMG.png", ""), ("n/ps_human/en/a_SRCIMG.png", "")],
            "are both the source image of `a`",
        );
        check(&[("l.jsonl", "{")], "cannot be used as a listing");
    }
}
