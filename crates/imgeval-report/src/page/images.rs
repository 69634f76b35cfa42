//! Pictures of a page: each file is read once, its thumbnail made from those bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageFormat, Pixels, memory::reserve_file};
use rayon::prelude::*;

use super::{PageError, PictureError, folder::Folder, thumbnail::make_thumbnail};
use crate::model::ImageView;

/// So many pictures are worked on together.
const BATCH: usize = 64;
/// Larger files are told as unreadable instead of filling the memory.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Longer side of thumbnails in pixels: in a folder, where the original is at hand, and in a page without originals.
pub const FOLDER_SIDE: u32 = 320;
const SINGLE_SIDE: u32 = 512;

/// Knows the files of pictures.
pub trait Originals: Sync {
    /// Where the picture of this run lies; `None` if the run does not hold it.
    fn path(&self, run: usize, image: &ImageView) -> Option<PathBuf>;

    /// The pixels of a file as evaluators see them. `None` for what they cannot show, such as transparency, and for files
    /// that cannot be decoded; the page then decodes the file by itself.
    fn opaque_pixels(&self, _bytes: &[u8]) -> Option<Pixels> {
        None
    }
}

/// Takes pictures and sees that they are in the page.
pub(super) struct Images<'a> {
    originals: &'a dyn Originals,
    /// Pictures that wait for their batch.
    waiting: Vec<(usize, ImageView)>,
    /// By hash.
    known: BTreeSet<String>,
    pub(super) problems: BTreeMap<String, String>,
    pub(super) n_images: usize,
    /// Names of files in `images/` and `thumbs/`.
    pub(super) image_files: BTreeSet<String>,
    pub(super) thumb_files: BTreeSet<String>,
    /// By hash; only of a page in one file.
    pub(super) thumbs: BTreeMap<String, Vec<u8>>,
    pub(super) thumb_bytes: usize,
}

impl<'a> Images<'a> {
    pub(super) fn new(originals: &'a dyn Originals) -> Self {
        Self {
            originals,
            waiting: Vec::new(),
            known: BTreeSet::new(),
            problems: BTreeMap::new(),
            n_images: 0,
            image_files: BTreeSet::new(),
            thumb_files: BTreeSet::new(),
            thumbs: BTreeMap::new(),
            thumb_bytes: 0,
        }
    }

    pub(super) fn add(
        &mut self,
        folder: Option<&Folder>,
        run: usize,
        image: &ImageView,
    ) -> Result<(), PageError> {
        if self.known.insert(image.hash.clone()) {
            self.waiting.push((run, image.clone()));
            if self.waiting.len() >= BATCH {
                self.finish_batch(folder)?;
            }
        }
        Ok(())
    }

    pub(super) fn thumbnail(&self, folder: Option<&Folder>, image: &ImageView) -> Option<Vec<u8>> {
        match folder {
            Some(folder) if self.thumb_files.contains(&thumb_file(image)) => {
                folder.read(&format!("thumbs/{}", thumb_file(image)), MAX_FILE_BYTES).ok()
            }
            Some(_) => None,
            None => self.thumbs.get(&image.hash).cloned(),
        }
    }

    pub(super) fn finish_batch(&mut self, folder: Option<&Folder>) -> Result<(), PageError> {
        let batch = std::mem::take(&mut self.waiting);
        let originals = self.originals;
        let done: Vec<Result<Done, PageError>> =
            batch.par_iter().map(|(run, image)| prepare(originals, folder, *run, image)).collect();
        for ((_, image), done) in batch.into_iter().zip(done) {
            match done? {
                Ok(thumb) => {
                    self.n_images += 1;
                    self.problems.remove(&image.hash);
                    self.thumb_files.insert(thumb_file(&image));
                    self.image_files.insert(image_file(&image));
                    if let Some(thumb) = thumb {
                        self.thumb_bytes += thumb.len();
                        self.thumbs.insert(image.hash, thumb);
                    }
                }
                Err(problem) => {
                    // The same picture in another run may be whole.
                    self.known.remove(&image.hash);
                    if problem.has_original {
                        self.image_files.insert(image_file(&image));
                    }
                    self.problems.insert(image.hash, format!("The picture {}.", problem.error));
                }
            }
        }
        Ok(())
    }
}

/// The thumbnail, if it was not written to the folder; or why there is none.
type Done = Result<Option<Vec<u8>>, Problem>;

struct Problem {
    error: PictureError,
    /// Whether the file is in the folder all the same: a browser may know a picture that we do not.
    has_original: bool,
}

impl From<PictureError> for Problem {
    fn from(error: PictureError) -> Self {
        Self { error, has_original: false }
    }
}

fn prepare(
    originals: &dyn Originals,
    folder: Option<&Folder>,
    run: usize,
    image: &ImageView,
) -> Result<Done, PageError> {
    if !is_plain(image) {
        return Ok(Err(PictureError::Unreadable("its name is not that of a picture".to_owned()).into()));
    }
    let Some(path) = originals.path(run, image) else {
        return Ok(Err(PictureError::Missing.into()));
    };
    let source_length = fs::metadata(&path).ok().map(|found| found.len());
    let Some(folder) = folder else {
        let _bytes = reserve_file(source_length.unwrap_or(0));
        let thumb = read_original(&path, image)
            .and_then(|bytes| make_thumbnail(&bytes, SINGLE_SIDE, originals.opaque_pixels(&bytes)));
        return Ok(thumb.map(Some).map_err(Problem::from));
    };
    let original = format!("images/{}", image_file(image));
    let thumb = format!("thumbs/{}", thumb_file(image));
    let has_original = folder.length(&original).is_some_and(|found| Some(found) == source_length);
    if has_original && folder.length(&thumb).is_some_and(|found| found > 0) {
        return Ok(Ok(None));
    }
    let _bytes = reserve_file(source_length.unwrap_or(0));
    let bytes = match read_original(&path, image) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err(error.into())),
    };
    if !has_original && !folder.link(&path, &original) {
        folder.write(&original, &bytes)?;
    }
    match make_thumbnail(&bytes, FOLDER_SIDE, originals.opaque_pixels(&bytes)) {
        Ok(small) => {
            folder.write(&thumb, &small)?;
            Ok(Ok(None))
        }
        Err(error) => Ok(Err(Problem { error, has_original: true })),
    }
}

/// The bytes of a picture, if they are those that its run recorded.
///
/// # Errors
/// If the file is missing, larger than 512 MB, cannot be read, or holds other bytes.
pub fn read_original(path: &Path, image: &ImageView) -> Result<Vec<u8>, PictureError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PictureError::Missing,
        _ => PictureError::Unreadable(error.to_string()),
    };
    let bytes = imgeval_files::read_regular(path, MAX_FILE_BYTES).map_err(unreadable)?;
    if ContentHash::of(&bytes).as_str() == image.hash { Ok(bytes) } else { Err(PictureError::Changed) }
}

/// Hash and extension become file names; both come from a database.
fn is_plain(image: &ImageView) -> bool {
    let is_hash =
        image.hash.len() == 64 && image.hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hash && ImageFormat::from_extension(&image.extension).is_some()
}

fn image_file(image: &ImageView) -> String {
    format!("{}.{}", image.hash, image.extension)
}

fn thumb_file(image: &ImageView) -> String {
    format!("{}.jpg", image.hash)
}
