//! Draws all measured images of a run.

use std::{collections::BTreeMap, io, path::Path};

use imgeval_core::{
    ContentHash, Failure, FailureKind, ImageFormat, ImageRecord, ImageRef, SampleId, sentence_of,
};
use imgeval_files::{OutputError, output_folder};
use imgeval_runner::Progress;
use imgeval_scoring::{MeasuredImage, Run, ScoringError};
use imgeval_vision::image_file::encode;
use rayon::prelude::*;

use super::{
    PictureKind, Sheet,
    figure::{Drawing, scale_of},
    ranking::Concern,
    subject::Place,
};
use crate::StageEvent;

/// Images are drawn side by side, and written after so many.
const AT_ONCE: usize = 8;
/// Answers in a figure.
const IN_FIGURE: usize = 6;
const LONGEST_NAME: usize = 80;

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPicture {
    pub sample: SampleId,
    pub kind: PictureKind,
    /// In the folder.
    pub name: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PicturesSummary {
    /// In the order of samples and kinds.
    pub written: Vec<WrittenPicture>,
    /// Groups with the names of their figures.
    pub figures: Vec<(String, String)>,
    /// Images that do not register with their source, for which a card says so.
    pub unregistered: usize,
    /// Images that nobody measured, which are left out.
    pub unmeasured: usize,
    /// Images that cannot be read.
    pub failed: usize,
}

/// Why images cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PicturesError {
    #[error(transparent)]
    Run(#[from] ScoringError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("could not write `{name}`")]
    Write { name: String, source: io::Error },
}

/// Draws every image of the run that was measured into the folder, and a figure for each tag of its cases. Files of these names
/// are replaced, others stay.
///
/// # Errors
/// If the run cannot be read or a file cannot be written.
pub fn write_pictures(
    run: &Path,
    into: &Path,
    tell: &mut dyn FnMut(StageEvent<'_>),
) -> Result<PicturesSummary, PicturesError> {
    let folder = output_folder(into)?;
    let put = |name: &str, bytes: &[u8]| folder.write_unsynced(name, bytes);
    draw_pictures(&Run::open(run)?, ImageFormat::Png, &put, tell)
}

/// As [`write_pictures`], but hands each file, as PNG or JPEG, to `put` under a name that holds no path.
///
/// # Errors
/// If the run cannot be read or `put` fails.
pub fn draw_pictures(
    read: &Run,
    format: ImageFormat,
    put: &dyn Fn(&str, &[u8]) -> io::Result<()>,
    tell: &mut dyn FnMut(StageEvent<'_>),
) -> Result<PicturesSummary, PicturesError> {
    let run = read.directory();
    let images = read.usable_images()?;
    let measured = read.measured_on(&images)?;
    let found = |(sample, record): (_, &ImageRecord)| {
        let found = measured.of(sample).filter(MeasuredImage::is_measured)?;
        Some(Measured { sample, found, image: record.image() })
    };
    let samples: Vec<Measured<'_>> = images.iter().filter_map(found).collect();
    let unmeasured = images.len() - samples.len();
    let mut summary = PicturesSummary { unmeasured, ..PicturesSummary::default() };
    tell(StageEvent::Progress(Progress::Planned { total: samples.len(), finished: 0 }));
    for some in samples.chunks(AT_ONCE) {
        let places: Vec<Place> = some.iter().map(|one| one.place(read)).collect();
        let drawn: Vec<Result<Drawn, Failure>> =
            some.par_iter().zip(&places).map(|(one, place)| draw_sample(run, place, one, format)).collect();
        for (Measured { sample, .. }, drawn) in some.iter().zip(drawn) {
            let has_failed = drawn.is_err();
            match drawn {
                Ok(drawn) => {
                    summary.unregistered += usize::from(drawn.is_unregistered);
                    for (kind, bytes) in drawn.files {
                        let name = format!("{}.{}.{}", stem_of(sample), kind.name(), format.extension());
                        write(put, &name, &bytes)?;
                        summary.written.push(WrittenPicture { sample: (*sample).clone(), kind, name });
                    }
                }
                Err(failure) => {
                    summary.failed += 1;
                    tell(StageEvent::Failed { sample, failure: &failure });
                }
            }
            tell(StageEvent::Progress(Progress::Advanced { has_failed }));
        }
    }
    for (group, members) in groups(read, &samples) {
        if let Some(bytes) = draw_figure(read, run, group, &members, format)? {
            let name = format!("figure-{}.{}", safe(group), format.extension());
            write(put, &name, &bytes)?;
            summary.figures.push((group.to_owned(), name));
        }
    }
    Ok(summary)
}

fn write(put: &dyn Fn(&str, &[u8]) -> io::Result<()>, name: &str, png: &[u8]) -> Result<(), PicturesError> {
    put(name, png).map_err(|source| PicturesError::Write { name: name.to_owned(), source })
}

/// An image of the run with what was measured on it.
struct Measured<'a> {
    sample: &'a SampleId,
    found: MeasuredImage<'a>,
    image: ImageRef,
}

impl Measured<'_> {
    fn place(&self, run: &Run) -> Place {
        Place::of(run, self.sample, self.image.clone())
    }
}

struct Drawn {
    files: Vec<(PictureKind, Vec<u8>)>,
    is_unregistered: bool,
}

fn draw_sample(run: &Path, place: &Place, one: &Measured<'_>, format: ImageFormat) -> Result<Drawn, Failure> {
    let subject = place.load(run)?;
    let drawing = Drawing::new(one.sample, &subject, one.found);
    let files: Result<Vec<_>, Failure> =
        drawing.sheets().into_iter().map(|(kind, sheet)| Ok((kind, file_of(&sheet, format)?))).collect();
    Ok(Drawn { files: files?, is_unregistered: drawing.is_unregistered() })
}

fn file_of(sheet: &Sheet, format: ImageFormat) -> Result<Vec<u8>, Failure> {
    encode(&sheet.draw(), format)
        .map_err(|error| Failure { kind: FailureKind::NotMeasurable, detail: sentence_of(&error) })
}

type Members<'a> = Vec<&'a Measured<'a>>;

/// By the tags of cases.
fn groups<'a>(run: &'a Run, samples: &'a [Measured<'a>]) -> BTreeMap<&'a str, Members<'a>> {
    let mut groups: BTreeMap<&str, Members<'_>> = BTreeMap::new();
    for one in samples {
        if let Some(case) = run.cases().get(&one.sample.case) {
            groups.entry(&case.tag).or_default().push(one);
        }
    }
    groups
}

/// The worst of a group; `None` if nothing was measured that its cases are about. What cannot be read is left out, as it was
/// reported before.
fn draw_figure(
    run: &Run,
    folder: &Path,
    group: &str,
    members: &Members<'_>,
    format: ImageFormat,
) -> Result<Option<Vec<u8>>, PicturesError> {
    let mut ranked: Vec<(Concern, f64, &Measured<'_>)> = members
        .iter()
        .filter_map(|one| {
            let concern = Concern::of(run, one.sample);
            Some((concern, concern.severity(run, one.sample, one.found)?, *one))
        })
        .collect();
    // A group whose cases are about different things is about the first.
    let Some(concern) = ranked.iter().map(|(concern, ..)| *concern).min() else { return Ok(None) };
    ranked.retain(|(of, ..)| *of == concern);
    let n_all = ranked.len();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.2.sample.cmp(other.2.sample)));
    ranked.truncate(IN_FIGURE);
    let places: Vec<(&Measured<'_>, Place)> =
        ranked.iter().map(|(_, _, one)| (*one, one.place(run))).collect();
    let row = |(one, place): &(&Measured<'_>, Place)| {
        let subject = place.load(folder).ok()?;
        Some(Drawing::new(one.sample, &subject, one.found).row(concern))
    };
    let rows: Vec<_> = places.par_iter().filter_map(row).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let name = if group.is_empty() { "all" } else { group };
    let title = format!("{name}: the {} of {n_all} answers {}", rows.len(), concern.title());
    let columns = if rows.len() > 1 { 2 } else { 1 };
    let sheet = Sheet { title, rows, columns, scale: scale_of(concern), notes: Vec::new() };
    Ok(file_of(&sheet, format).ok())
}

/// A name for the files of a sample that cannot lead anywhere else: of case, number and round.
fn stem_of(sample: &SampleId) -> String {
    let round = if sample.round > 1 { format!("-r{}", sample.round) } else { String::new() };
    format!("{}-{:04}{round}", safe(sample.case.as_str()), sample.ordinal)
}

/// Letters, digits, `-` and `_`, and `.` within; where that is not the whole text, with a part of its checksum.
fn safe(text: &str) -> String {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || "-_.".contains(*character);
    let kept: String = text.chars().filter(is_plain).take(LONGEST_NAME).collect();
    let kept = kept.trim_start_matches('.');
    if kept == text && !text.is_empty() {
        return kept.to_owned();
    }
    let hash = ContentHash::of(text.as_bytes());
    let start = &hash.as_str()[..8];
    if kept.is_empty() { start.to_owned() } else { format!("{kept}-{start}") }
}

#[cfg(test)]
mod tests {
    use imgeval_core::CaseId;

    use super::*;

    #[test]
    fn names_of_files_stay_in_their_folder_and_apart() {
        let name =
            |case: &str, round: u32| stem_of(&SampleId { round, ..SampleId::new(CaseId::new(case), 3) });
        assert_eq!(name("panda.1", 1), "panda.1-0003");
        assert_eq!(name("panda", 2), "panda-0003-r2");
        let odd = ["../a", "a/", "..", "", "\u{611b}", "a\\b:c", ".a", &"x".repeat(300)];
        let names: std::collections::BTreeSet<String> = odd.iter().map(|case| name(case, 1)).collect();
        assert_eq!(names.len(), odd.len());
        for name in names {
            assert!(!name.starts_with('.') && !name.contains(['/', '\\', ':']) && name.len() < 120, "{name}");
        }
    }
}
