//! Finding a model's edited images: SmartEdit's folders, or one folder of files named by case.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::ImageFormat;

use super::{
    EditCase, Folder, LayoutError,
    layout::{find_folders, list},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedImage {
    pub case_id: String,
    pub path: PathBuf,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditedFiles {
    /// In the order of the cases.
    pub images: Vec<EditedImage>,
    /// Ids of cases without an image.
    pub missing: Vec<String>,
    /// Images that belong to no case.
    pub extra: Vec<PathBuf>,
    /// Further images of a name, where another one is taken: the PNG if there is one.
    pub beside: Vec<PathBuf>,
}

/// Finds the edited images of `cases`. In SmartEdit's folders an image belongs to the case whose source has its name; where
/// no name is that of a source, and there are as many images as cases, to the case at its place in the sorted order,
/// as the official script pairs them.
///
/// # Errors
/// If there are no edited images, or those of a folder can be matched neither way.
pub fn find_edited(root: &Path, cases: &[EditCase]) -> Result<EditedFiles, LayoutError> {
    let folders = find_folders(root, |folder| vec![folder.edited_folder()])?;
    if folders.is_empty() {
        return find_flat(root, cases);
    }
    let mut files = EditedFiles::default();
    for folder in Folder::ALL {
        let of_folder: Vec<&EditCase> = cases.iter().filter(|case| case.folder == folder).collect();
        match folders.get(&folder) {
            Some(path) => match_folder(path, &of_folder, &mut files)?,
            None => files.missing.extend(of_folder.iter().map(|case| case.id.clone())),
        }
    }
    Ok(files)
}

fn match_folder(path: &Path, cases: &[&EditCase], files: &mut EditedFiles) -> Result<(), LayoutError> {
    let images = list_images(path, files)?;
    let mut by_name: BTreeMap<&str, &String> = images.iter().map(|name| (stem(name), name)).collect();
    let source_name = |case: &EditCase| {
        case.source.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let n_named = cases.iter().filter(|case| by_name.contains_key(source_name(case).as_str())).count();
    if n_named == 0 && images.len() == cases.len() {
        for (case, name) in cases.iter().zip(&images) {
            files.images.push(EditedImage { case_id: case.id.clone(), path: path.join(name) });
        }
        return Ok(());
    }
    if n_named == 0 && !images.is_empty() && !cases.is_empty() {
        return Err(LayoutError::Edited {
            path: path.to_owned(),
            n_images: images.len(),
            n_cases: cases.len(),
        });
    }
    for case in cases {
        match by_name.remove(source_name(case).as_str()) {
            Some(name) => {
                files.images.push(EditedImage { case_id: case.id.clone(), path: path.join(name) });
            }
            None => files.missing.push(case.id.clone()),
        }
    }
    files.extra.extend(by_name.values().map(|name| path.join(name)));
    Ok(())
}

fn find_flat(root: &Path, cases: &[EditCase]) -> Result<EditedFiles, LayoutError> {
    let mut files = EditedFiles::default();
    let images = list_images(root, &mut files)?;
    let mut by_name: BTreeMap<&str, &String> = images.iter().map(|name| (stem(name), name)).collect();
    for case in cases {
        match by_name.remove(case.id.as_str()) {
            Some(name) => {
                files.images.push(EditedImage { case_id: case.id.clone(), path: root.join(name) });
            }
            None => files.missing.push(case.id.clone()),
        }
    }
    files.extra.extend(by_name.values().map(|name| root.join(name)));
    if files.images.is_empty() {
        return Err(LayoutError::NoEdited { path: root.to_owned() });
    }
    Ok(files)
}

/// Files whose names end as those of images that we read, sorted, one of each name: what else lies beside a PNG of the same
/// name goes to `found`, and so does every further file of a name.
fn list_images(path: &Path, found: &mut EditedFiles) -> Result<Vec<String>, LayoutError> {
    let (_, files) = list(path)?;
    let mut of_name: BTreeMap<String, Vec<(bool, String)>> = BTreeMap::new();
    for name in files {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if let Some(format) = ImageFormat::from_extension(extension) {
            of_name.entry(stem(&name).to_owned()).or_default().push((format != ImageFormat::Png, name));
        }
    }
    let mut taken = Vec::new();
    for (_, mut names) in of_name {
        names.sort();
        let mut names = names.into_iter().map(|(_, name)| name);
        taken.extend(names.next());
        found.beside.extend(names.map(|name| path.join(name)));
    }
    taken.sort();
    Ok(taken)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn case(folder: Folder, name: &str) -> EditCase {
        EditCase {
            id: format!("{}-{name}", folder.name()),
            folder,
            instruction: "do".to_owned(),
            target_text: "x".to_owned(),
            source: PathBuf::from(format!("{name}.png")),
            mask: PathBuf::new(),
        }
    }

    /// Pairs of case id and file name, missing ids and extra names.
    fn find(files: &[&str], cases: &[EditCase]) -> Result<(Vec<String>, Vec<String>, usize), String> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = find_edited(root.path(), cases).map_err(|error| error.to_string())?;
        let pair = |image: &EditedImage| {
            format!("{}={}", image.case_id, image.path.file_name().unwrap().to_str().unwrap())
        };
        Ok((found.images.iter().map(pair).collect(), found.missing, found.extra.len()))
    }

    #[test]
    fn images_are_matched_by_name_and_else_by_order() {
        let cases = [case(Folder::Mirror, "1"), case(Folder::Mirror, "2"), case(Folder::Color, "1")];
        let (pairs, missing, extra) =
            find(&["Mirror_metrics_3/2.png", "Mirror_metrics_3/1.jpg", "Mirror_metrics_3/3.png"], &cases)
                .unwrap();
        assert_eq!(
            (pairs.as_slice(), extra),
            (&["mirror-1=1.jpg".to_owned(), "mirror-2=2.png".to_owned()][..], 1)
        );
        assert_eq!(missing, ["color-1"]);
        let (pairs, ..) = find(&["m/Mirror_metrics_3/b.png", "m/Mirror_metrics_3/a.png"], &cases).unwrap();
        assert_eq!(pairs, ["mirror-1=a.png", "mirror-2=b.png"]);
        let error = find(&["Mirror_metrics_3/b.png"], &cases).unwrap_err();
        assert!(error.contains("1 edited images for 2 cases"), "{error}");
    }

    #[test]
    fn a_png_wins_over_other_formats_beside_it() {
        let cases = [case(Folder::Mirror, "1"), case(Folder::Mirror, "2")];
        let names = ["1.jpg", "1.png", "1.webp", "2.webp"];
        let in_folder = names.map(|name| format!("Mirror_metrics_3/{name}"));
        let root = tempfile::tempdir().unwrap();
        for name in &in_folder {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = find_edited(root.path(), &cases).unwrap();
        let shown = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            found.images.iter().map(|image| shown(&image.path)).collect::<Vec<_>>(),
            ["1.png", "2.webp"]
        );
        assert_eq!(found.beside.iter().map(shown).collect::<Vec<_>>(), ["1.jpg", "1.webp"]);
        assert!(found.extra.is_empty());
    }

    #[test]
    fn a_flat_folder_is_named_by_case() {
        let cases = [case(Folder::Mirror, "1"), case(Folder::Color, "1")];
        let (pairs, missing, extra) = find(&["color-1.webp", "other.png", "notes.txt"], &cases).unwrap();
        assert_eq!(
            (pairs, missing, extra),
            (vec!["color-1=color-1.webp".to_owned()], vec!["mirror-1".to_owned()], 1)
        );
        assert!(find(&["other.png"], &cases).unwrap_err().contains("no edited images"));
    }
}
