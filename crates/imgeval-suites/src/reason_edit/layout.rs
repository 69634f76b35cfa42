//! Finding the benchmark's cases: images, masks and instructions, paired by their sorted order.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use imgeval_files::Unsuitable;

use super::Folder;
use crate::folder_listing::list_folder;

/// A text file longer than this is none of the benchmark's.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// The benchmark lies a few folders deep.
const MAX_DEPTH: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditCase {
    /// Folder and name of the image, such as `left-right-0001`.
    pub id: String,
    pub folder: Folder,
    pub instruction: String,
    /// What the edited region should show, for CLIPScore.
    pub target_text: String,
    pub source: PathBuf,
    /// White where the edit belongs.
    pub mask: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("could not read `{}`", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` contains no folder of Reason-Edit, such as `1-Left-Right` or `6-Reasoning`", .path.display())]
    NoFolder { path: PathBuf },
    #[error("`{}` and `{}` are both the folder {name}", .first.display(), .second.display())]
    TwoFolders { name: &'static str, first: PathBuf, second: PathBuf },
    #[error("`{}` contains {n_images} images and {n_others} {others}", .path.display())]
    Counts { path: PathBuf, n_images: usize, n_others: usize, others: &'static str },
    #[error("`{}` contains no `{expected}`, and {n_found} other text files", .path.display())]
    NoText { path: PathBuf, expected: &'static str, n_found: usize },
    #[error("`{}` is larger than a mebibyte or not UTF-8", .path.display())]
    Text { path: PathBuf },
    #[error("line {line} of `{}` is not `instruction CLIP: target text`", .path.display())]
    Line { path: PathBuf, line: usize },
    #[error("the image name `{name}` cannot be part of an id; only letters, digits, `_` and `-` are allowed")]
    Name { name: String },
    #[error("`{}` contains {n_images} edited images for {n_cases} cases, and none has the name of a case", .path.display())]
    Edited { path: PathBuf, n_images: usize, n_cases: usize },
    #[error("`{}` contains no edited images: neither SmartEdit's folders (`LeftRight_metrics_1` …) nor files named by case (`left-right-0001.png`)", .path.display())]
    NoEdited { path: PathBuf },
}

/// Finds the cases below a folder, at any depth. Folders that are absent are no error, as long as one is there; their cases
/// are then not part of the suite.
///
/// # Errors
/// If there is no folder of the benchmark, one is there twice, its images, masks and lines of text do not match
/// in number, or a line is no instruction.
pub fn find_benchmark(root: &Path) -> Result<Vec<EditCase>, LayoutError> {
    let folders = find_folders(root, |folder| folder.endings().to_vec())?;
    if folders.is_empty() {
        return Err(LayoutError::NoFolder { path: root.to_owned() });
    }
    let mut cases = Vec::new();
    for (folder, path) in folders {
        cases.extend(read_folder(folder, &path)?);
    }
    Ok(cases)
}

/// Folders whose names end as one of `endings`, the root included.
pub(super) fn find_folders(
    root: &Path,
    endings: impl Fn(Folder) -> Vec<&'static str>,
) -> Result<BTreeMap<Folder, PathBuf>, LayoutError> {
    let mut found: BTreeMap<Folder, PathBuf> = BTreeMap::new();
    let mut pending = vec![(root.to_owned(), 0)];
    while let Some((path, depth)) = pending.pop() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_named = |folder: &Folder| endings(*folder).iter().any(|ending| name.ends_with(ending));
        if let Some(folder) = Folder::ALL.into_iter().find(is_named)
            && let Some(first) = found.insert(folder, path.clone())
        {
            return Err(LayoutError::TwoFolders { name: folder.name(), first, second: path });
        }
        if depth == MAX_DEPTH {
            continue;
        }
        let (folders, _) = list(&path)?;
        // Reversed, so that they are visited in the order of their names.
        pending.extend(folders.into_iter().rev().map(|folder| (path.join(folder), depth + 1)));
    }
    Ok(found)
}

/// [`list_folder`] with the error of this layout.
pub(super) fn list(path: &Path) -> Result<(Vec<String>, Vec<String>), LayoutError> {
    list_folder(path).map_err(|source| LayoutError::Io { path: path.to_owned(), source })
}

fn read_folder(folder: Folder, path: &Path) -> Result<Vec<EditCase>, LayoutError> {
    let (_, files) = list(path)?;
    let is_mask = |name: &&String| name.ends_with("_mask.jpg") || name.ends_with("_mask.png");
    let images: Vec<&String> = files.iter().filter(|name| name.ends_with(".png") && !is_mask(name)).collect();
    let mut masks: Vec<&String> = files.iter().filter(is_mask).collect();
    let counts = |n_others, others| LayoutError::Counts {
        path: path.to_owned(),
        n_images: images.len(),
        n_others,
        others,
    };
    if masks.len() != images.len() {
        return Err(counts(masks.len(), "masks (`*_mask.jpg`)"));
    }
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    // Where every image has a mask of its own name, that is its mask: `10_mask` sorts before `1_mask`, but `10` after `1`.
    let by_name: Option<Vec<&String>> = images
        .iter()
        .map(|image| masks.iter().find(|mask| stem(mask) == format!("{}_mask", stem(image))).copied())
        .collect();
    masks = by_name.unwrap_or(masks);
    let (text_path, lines) = read_lines(folder, path, &files)?;
    if lines.len() != images.len() {
        return Err(counts(lines.len(), "lines of instructions"));
    }
    let mut cases = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let odd = || LayoutError::Line { path: text_path.clone(), line: index + 1 };
        let (instruction, target) = line.split_once("CLIP: ").ok_or_else(odd)?;
        // As the official script cuts it: a second mark ends the target text.
        let target = target.split("CLIP: ").next().unwrap_or_default();
        if instruction.trim().is_empty() || target.trim().is_empty() {
            return Err(odd());
        }
        let name = stem(images[index]);
        if !name.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character)) {
            return Err(LayoutError::Name { name });
        }
        cases.push(EditCase {
            id: format!("{}-{name}", folder.name()),
            folder,
            instruction: instruction.trim_end().to_owned(),
            target_text: target.to_owned(),
            source: path.join(images[index]),
            mask: path.join(masks[index]),
        });
    }
    Ok(cases)
}

/// The lines of the folder's text file, without blank ones at the end.
fn read_lines(folder: Folder, path: &Path, files: &[String]) -> Result<(PathBuf, Vec<String>), LayoutError> {
    let texts: Vec<&String> = files.iter().filter(|name| name.ends_with(".txt")).collect();
    let expected = folder.text_file();
    let name = match texts.as_slice() {
        texts if texts.iter().any(|name| *name == expected) => expected,
        [only] => only,
        _ => return Err(LayoutError::NoText { path: path.to_owned(), expected, n_found: texts.len() }),
    };
    let path = path.join(name);
    let fail = |source| LayoutError::Io { path: path.clone(), source };
    let bytes = match imgeval_files::read_regular(&path, MAX_TEXT_BYTES) {
        Err(error) if matches!(Unsuitable::of(&error), Some(Unsuitable::TooLong { .. })) => {
            return Err(LayoutError::Text { path });
        }
        bytes => bytes.map_err(fail)?,
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(LayoutError::Text { path });
    };
    let text = text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.trim_end().lines().map(str::to_owned).collect();
    Ok((path, lines))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn both_layouts_are_found_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                ("a/b/1-Left-Right/1.png", ""),
                ("a/b/1-Left-Right/1_mask.jpg", ""),
                ("a/b/1-Left-Right/10.png", ""),
                ("a/b/1-Left-Right/10_mask.jpg", ""),
                ("a/b/1-Left-Right/._1.png", ""),
                (
                    "a/b/1-Left-Right/other.txt",
                    "\u{FEFF}Do this. CLIP: a cat \r\nDo that.CLIP: a dog\r\n\r\n",
                ),
                ("__MACOSX/1-Left-Right/x.png", ""),
                ("a/Reasoning-231115/x.png", ""),
                ("a/Reasoning-231115/y_mask.jpg", ""),
                ("a/Reasoning-231115/Reason_test.txt", "Think. CLIP: an orange"),
                ("a/Reasoning-231115/notes.txt", "?"),
            ],
        );
        let cases = find_benchmark(folder.path()).unwrap();
        let short: Vec<_> = cases
            .iter()
            .map(|case| {
                let mask = case.mask.file_name().unwrap().to_str().unwrap();
                (case.id.as_str(), case.instruction.as_str(), case.target_text.as_str(), mask)
            })
            .collect();
        assert_eq!(
            short,
            [
                ("left-right-1", "Do this.", "a cat ", "1_mask.jpg"),
                ("left-right-10", "Do that.", "a dog", "10_mask.jpg"),
                ("reasoning-x", "Think.", "an orange", "y_mask.jpg"),
            ]
        );
    }

    #[test]
    fn what_does_not_match_is_refused_with_both_numbers() {
        let good =
            [("4-Color/1.png", ""), ("4-Color/1_mask.jpg", ""), ("4-Color/Color_text.txt", "Do. CLIP: x")];
        let check = |more: &[(&str, &str)], expected: &str| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &good);
            write(folder.path(), more);
            let error = find_benchmark(folder.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&[("4-Color/2.png", "")], "2 images and 1 masks");
        check(&[("4-Color/Color_text.txt", "a CLIP: b\nc CLIP: d")], "1 images and 2 lines");
        check(&[("4-Color/Color_text.txt", "")], "1 images and 0 lines");
        check(&[("4-Color/Color_text.txt", "no mark")], "line 1 of");
        check(&[("x/4-Color/y", "")], "are both the folder color");
        let folder = tempfile::tempdir().unwrap();
        assert!(
            find_benchmark(folder.path())
                .unwrap_err()
                .to_string()
                .contains("contains no folder of Reason-Edit")
        );
        write(folder.path(), &good[..2]);
        assert!(
            find_benchmark(folder.path())
                .unwrap_err()
                .to_string()
                .contains("contains no `Color_text.txt`, and 0")
        );
    }

    #[test]
    fn the_real_cases_are_found_with_their_edits() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/images/reason_edit");
        if !root.is_dir() {
            return;
        }
        let cases = find_benchmark(&root.join("benchmark")).unwrap();
        let ids: Vec<_> = cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["left-right-0001", "reasoning-0001"]);
        assert_eq!(cases[1].target_text, "orange");
        for model in ["gpt4o", "ip2p", "magicbrush", "smartedit7b", "instructdiffusion"] {
            let edited = super::super::find_edited(&root.join("edited").join(model), &cases).unwrap();
            assert_eq!((edited.images.len(), edited.missing.len(), edited.extra.len()), (2, 0, 0), "{model}");
        }
    }
}
