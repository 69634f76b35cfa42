//! A benchmark's sessions as a file of cases, from which images are generated.

use std::path::{Component, Path, PathBuf};

use imgeval_files::OwnFolder;
use imgeval_suites::rounds::{BenchmarkSession, SourceImage};
use serde_json::json;

use crate::{RoundsError, session::decode};

/// Ids name files when images are exported.
const MAX_ID_BYTES: usize = 120;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenCases {
    pub n_cases: usize,
    /// Images written next to the file because a table contained them.
    pub n_images: usize,
    /// Sessions without a source image that can be used, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Writes a line for each session: its key as the id, its part as the tag, its instructions as rounds, and the path
/// of its source image relative to the file. Images embedded in a table are written into the folder `<name of the
/// file>-images` next to it. Nothing is written unless at least one session has its source image.
///
/// # Errors
/// If a file cannot be written, or a key is not a valid id.
pub fn write_cases(sessions: &[BenchmarkSession], file: &Path) -> Result<WrittenCases, RoundsError> {
    let keep = |source| RoundsError::Keep { path: file.to_owned(), source };
    let (folder, name) = OwnFolder::of_file(file).map_err(keep)?;
    let mut written = WrittenCases::default();
    let stem = file.file_stem().map_or_else(|| "cases".into(), |stem| stem.to_string_lossy().into_owned());
    let images_name = format!("{stem}-images");
    let mut lines = String::new();
    let mut in_tables: Vec<(String, &[u8])> = Vec::new();
    for known in sessions {
        check_id(&known.key)?;
        let path = match &known.image {
            SourceImage::File(path) if path.is_file() => Ok(path_from(folder.path(), path)),
            SourceImage::File(path) => Err(format!("`{}` does not exist", path.display())),
            SourceImage::Absent(reason) => Err(reason.clone()),
            SourceImage::InTable { bytes, stem } => decode(bytes).map(|image| {
                let name = format!("{stem}.{}", image.format.extension());
                let path = PathBuf::from(&images_name).join(&name);
                in_tables.push((name, bytes));
                path
            }),
        };
        match path {
            Ok(path) => {
                let rounds: Vec<&str> =
                    known.session.rounds.iter().map(|round| round.instruction.as_str()).collect();
                let tag = known.session.category.as_deref().unwrap_or_default();
                let path = path.to_string_lossy();
                lines += &format!(
                    "{}\n",
                    json!({"id": known.key, "tag": tag, "rounds": rounds, "images": [path]})
                );
                written.n_cases += 1;
            }
            Err(reason) => written.left_out.push((known.key.clone(), reason)),
        }
    }
    if written.n_cases == 0 {
        return Ok(written);
    }
    written.n_images = in_tables.len();
    if !in_tables.is_empty() {
        let images = folder.make_folder(&images_name).map_err(keep)?;
        for (name, bytes) in in_tables {
            images.write_unsynced(name, bytes).map_err(keep)?;
        }
    }
    folder.write_whole(name, lines.as_bytes()).map_err(keep)?;
    Ok(written)
}

fn check_id(key: &str) -> Result<(), RoundsError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !key.is_empty() && key.len() <= MAX_ID_BYTES && !key.starts_with('.') && key.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(RoundsError::NoCaseId { key: key.to_owned() }),
    }
}

/// The image as seen from a folder; whole where both have nothing in common or cannot be found.
fn path_from(folder: &Path, image: &Path) -> PathBuf {
    // Links on the way would lead `..` elsewhere.
    let (Ok(folder), Ok(image)) = (folder.canonicalize(), image.canonicalize()) else {
        return image.to_owned();
    };
    let is_root = |part: &Component<'_>| matches!(part, Component::RootDir | Component::Prefix(_));
    let (ours, theirs): (Vec<_>, Vec<_>) = (folder.components().collect(), image.components().collect());
    let n_common = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
    if ours.iter().take(n_common).all(is_root) {
        return image;
    }
    let up = ours.iter().skip(n_common).map(|_| Component::ParentDir);
    up.chain(theirs.into_iter().skip(n_common)).collect()
}
