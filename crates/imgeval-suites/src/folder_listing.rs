//! The content of a downloaded folder.

use std::{fs, io, path::Path};

/// Names of folders and of files, sorted; without what zip programs and file managers leave behind, and without names that
/// are not UTF-8, which no benchmark has.
pub(crate) fn list_folder(folder: &Path) -> io::Result<(Vec<String>, Vec<String>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || name == "__MACOSX" {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(name);
        } else if kind.is_file() || entry.path().is_file() {
            files.push(name);
        }
    }
    folders.sort();
    files.sort();
    Ok((folders, files))
}
