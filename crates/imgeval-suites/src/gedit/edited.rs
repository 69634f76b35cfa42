//! Finding a model's edited images in the official layout: `fullset/<task_type>/<en|cn>/<key>.png`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::ImageFormat;

use super::{
    Language, LayoutError, TaskType,
    layout::{SOURCE_MARK, list},
};

/// The folder of the official layout above those of the task types.
const FULL_SET: &str = "fullset";

/// The edited image of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedImage {
    pub key: String,
    pub path: PathBuf,
}

/// The images in a model's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditedFiles {
    /// By task type and name.
    pub images: Vec<EditedImage>,
    /// Files that are no edited image of the suite, each with the reason.
    pub extra: Vec<(PathBuf, &'static str)>,
}

/// Finds the edited images of one language. The folder contains `fullset`, or the folders of the task types.
/// `task_types` names the edits by their keys. Folders of the other language are ignored.
///
/// # Errors
/// If a folder cannot be listed.
pub fn find_edited(
    root: &Path,
    language: Language,
    task_types: &BTreeMap<&str, TaskType>,
) -> Result<EditedFiles, LayoutError> {
    let full_set = root.join(FULL_SET);
    let root = if full_set.is_dir() { full_set.as_path() } else { root };
    let mut files = EditedFiles::default();
    for task_type in TaskType::ALL {
        let folder = root.join(task_type.name()).join(language.name());
        if folder.is_dir() {
            match_folder(&folder, task_type, task_types, &mut files)?;
        }
    }
    Ok(files)
}

fn match_folder(
    folder: &Path,
    task_type: TaskType,
    task_types: &BTreeMap<&str, TaskType>,
    files: &mut EditedFiles,
) -> Result<(), LayoutError> {
    let mut of_key: BTreeMap<String, Vec<(bool, PathBuf)>> = BTreeMap::new();
    for name in list(folder)?.1 {
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        let Some(format) = ImageFormat::from_extension(extension) else { continue };
        let path = folder.join(&name);
        let is_of = |key: &str| task_types.get(key) == Some(&task_type);
        if is_of(stem) {
            of_key.entry(stem.to_owned()).or_default().push((format != ImageFormat::Png, path));
        } else if stem.strip_suffix(SOURCE_MARK).is_some_and(is_of) {
            files.extra.push((path, "it is a source image"));
        } else {
            files
                .extra
                .push((path, "it does not belong to any case of GEdit-Bench in this language and group"));
        }
    }
    for (key, mut paths) in of_key {
        paths.sort();
        let mut paths = paths.into_iter().map(|(_, path)| path);
        files.images.extend(paths.next().map(|path| EditedImage { key, path }));
        files.extra.extend(paths.map(|path| (path, "the same image exists in a preferred format")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn find(place: &str, files: &[&str]) -> (Vec<String>, Vec<(String, &'static str)>) {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let task_types = BTreeMap::from([
            ("a", TaskType::PsHuman),
            ("b", TaskType::PsHuman),
            ("c", TaskType::SubjectAdd),
            ("d", TaskType::SubjectAdd),
        ]);
        let place = root.path().join(place);
        let found = find_edited(&place, Language::English, &task_types).unwrap();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let pair = |image: &EditedImage| format!("{}={}", image.key, name(&image.path));
        (
            found.images.iter().map(pair).collect(),
            found.extra.iter().map(|(path, reason)| (name(path), *reason)).collect(),
        )
    }

    #[test]
    fn images_are_found_above_the_task_types_or_above_the_full_set() {
        let files = [
            "fullset/ps_human/en/a.png",
            "fullset/ps_human/en/a_SRCIMG.png",
            "fullset/ps_human/en/b.jpg",
            "fullset/ps_human/en/b.webp",
            "fullset/ps_human/en/b.png",
            "fullset/ps_human/en/notes.txt",
            "fullset/ps_human/cn/a.png",
            "fullset/subject-add/en/c.webp",
            "fullset/subject-add/en/a.png",
            "fullset/subject-add/en/x_SRCIMG.png",
        ];
        for place in ["", "fullset"] {
            let (images, extra) = find(place, &files);
            assert_eq!(images, ["a=a.png", "b=b.png", "c=c.webp"]);
            let names: Vec<&str> = extra.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["a_SRCIMG.png", "b.jpg", "b.webp", "a.png", "x_SRCIMG.png"]);
            assert_eq!(extra[0].1, "it is a source image");
            assert!(extra[1].1.contains("exists in a preferred format") && extra[3].1.contains("any case"));
        }
    }

    #[test]
    fn another_folder_holds_nothing() {
        assert_eq!(find("", &["a.png", "ps_human/a.png", "ps_human/cn/a.png"]), Default::default());
    }
}
