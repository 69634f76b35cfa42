//! Writes a page: samples come one by one, the report at the end.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    DataSink, DataWriter, Mode, Originals, PageError,
    folder::Folder,
    html::{render_data_script, write_data_block, write_page},
    images::Images,
};
use crate::figures::Figure;
use crate::model::{ImageView, Report, SampleView};

/// A page in one file is refused beyond this size: browsers take long to open it, and mail does not carry it.
const MAX_SINGLE_MB: u64 = 150;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageOptions {
    /// Everything in one HTML file: thumbnails instead of originals.
    pub single_file: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// To be opened in a browser.
    pub page: PathBuf,
    pub n_samples: usize,
    /// Different pictures that the page shows.
    pub n_images: usize,
    /// Different pictures that it cannot show; it says why.
    pub n_broken: usize,
    /// Of the HTML file.
    pub page_bytes: u64,
    /// Files in the report's folders that an earlier version may have written; it made no list, so they stay.
    pub n_left_over: usize,
}

/// A page in the making. Keeps a few hundred bytes of every sample; a page in one file is held in memory.
pub struct PageWriter<'a> {
    place: Place,
    data: DataWriter,
    images: Images<'a>,
    n_samples: usize,
}

enum Place {
    Folder(Folder),
    SingleFile(Folder, Blocks),
}

/// Data blocks by name.
#[derive(Default)]
struct Blocks {
    json: BTreeMap<String, String>,
    bytes: usize,
}

impl<'a> PageWriter<'a> {
    /// Begins a page in the folder `out`, which is made, empty, or holds an earlier report.
    ///
    /// # Errors
    /// If the folder holds something else or cannot be written.
    pub fn create(out: &Path, options: PageOptions, originals: &'a dyn Originals) -> Result<Self, PageError> {
        let folder = Folder::open(out)?;
        let place = if options.single_file {
            Place::SingleFile(folder, Blocks::default())
        } else {
            Place::Folder(folder)
        };
        Ok(Self { place, data: DataWriter::default(), images: Images::new(originals), n_samples: 0 })
    }

    /// Adds a sample, ordered by run, case and number.
    ///
    /// # Errors
    /// If a file cannot be written. A picture that cannot be read is told in the page and is no error.
    pub fn add(&mut self, sample: &SampleView) -> Result<(), PageError> {
        for image in [&sample.image, &sample.input].into_iter().flatten() {
            self.images.add(self.place.folder(), sample.run, image)?;
        }
        self.n_samples += 1;
        self.data.add(sample, &mut self.place)?;
        self.place.check_size(&self.images)
    }

    /// The small copy of a picture that was added, as JPEG; `None` if the page cannot show it.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn thumbnail(&mut self, image: &ImageView) -> Result<Option<Vec<u8>>, PageError> {
        self.images.finish_batch(self.place.folder())?;
        Ok(self.images.thumbnail(self.place.folder(), image))
    }

    /// Writes a file beside the page, in the folder `figures`, `overlays` or `tables`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), PageError> {
        self.place.root().write(&format!("{folder}/{name}"), bytes)
    }

    /// Writes the page itself, and removes what an earlier report left and this one does not need.
    ///
    /// # Errors
    /// If a file cannot be written, or a page in one file would be too large.
    pub fn finish(self, report: &Report, figures: &[Figure]) -> Result<Written, PageError> {
        let Self { mut place, data, mut images, n_samples } = self;
        images.finish_batch(place.folder())?;
        place.check_size(&images)?;
        let mut sources = Vec::new();
        for (number, figure) in figures.iter().enumerate() {
            let file = format!("{}.svg", file_name(&figure.name, number));
            sources.push(match &place {
                Place::Folder(folder) => {
                    folder.write(&format!("figures/{file}"), figure.svg.as_bytes())?;
                    format!("figures/{file}")
                }
                Place::SingleFile(..) => {
                    format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(&figure.svg))
                }
            });
        }
        let index = data.finish(report, figures, &sources, &images.problems, &mut place)?;
        let index = serde_json::to_string(&index)?;
        let (page, folders): (_, &[&str]) = match &place {
            Place::Folder(folder) => {
                folder.write_with("index.html", |out| {
                    write_page(out, Mode::Folder, &report.title, &index, |_| Ok(()))
                })?;
                images.image_files.iter().for_each(|name| folder.keep(&format!("images/{name}")));
                images.thumb_files.iter().for_each(|name| folder.keep(&format!("thumbs/{name}")));
                ("index.html", &["data", "figures", "images", "overlays", "tables", "thumbs"])
            }
            Place::SingleFile(folder, blocks) => {
                folder.write_with("report.html", |out| {
                    write_page(out, Mode::SingleFile, &report.title, &index, |out| {
                        for (name, json) in &blocks.json {
                            write_data_block(out, name, json)?;
                        }
                        for (hash, thumb) in &images.thumbs {
                            let encoded = BASE64_STANDARD.encode(thumb);
                            writeln!(
                                out,
                                "<script type=\"text/plain\" id=\"thumb-{hash}\">{encoded}</script>"
                            )?;
                        }
                        Ok(())
                    })
                })?;
                ("report.html", &["figures", "tables"])
            }
        };
        // Only now does nobody need the files of an earlier report any more.
        let n_left_over = place.root().finish(folders)?;
        let page_bytes = place.root().length(page).unwrap_or_default();
        let page = place.root().path(page);
        let (n_images, n_broken) = (images.n_images, images.problems.len());
        Ok(Written { page, n_samples, n_images, n_broken, page_bytes, n_left_over })
    }
}

impl Place {
    fn folder(&self) -> Option<&Folder> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::SingleFile(..) => None,
        }
    }

    fn root(&self) -> &Folder {
        match self {
            Self::Folder(folder) | Self::SingleFile(folder, _) => folder,
        }
    }

    fn check_size(&self, images: &Images<'_>) -> Result<(), PageError> {
        let Self::SingleFile(_, blocks) = self else { return Ok(()) };
        // Thumbnails grow by a third when they become text.
        let bytes = blocks.bytes + images.thumb_bytes / 3 * 4;
        if bytes as u64 > MAX_SINGLE_MB << 20 {
            return Err(PageError::TooLarge { limit_mb: MAX_SINGLE_MB, n_images: images.n_images });
        }
        Ok(())
    }
}

impl DataSink for Place {
    fn put(&mut self, name: &str, json: &str) -> Result<(), PageError> {
        match self {
            Self::Folder(folder) => {
                folder.write(&format!("data/{name}.js"), render_data_script(name, json)?.as_bytes())?;
            }
            Self::SingleFile(_, blocks) => {
                blocks.bytes += json.len();
                blocks.json.insert(name.to_owned(), json.to_owned());
            }
        }
        Ok(())
    }
}

/// Letters, digits and dashes of a name; its number where nothing is left.
fn file_name(name: &str, number: usize) -> String {
    let kept: String = name
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || "-_".contains(*character))
        .collect();
    if kept.is_empty() { format!("figure-{}", number + 1) } else { kept }
}

#[cfg(test)]
mod tests;
