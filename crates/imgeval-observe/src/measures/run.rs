//! Measures all images of a run that its checks ask measures of.

use std::path::Path;

use imgeval_core::{
    Failure, FailureKind, GrayPixels, ImageRef, Outcome, Pixels, SampleId, TextLine, TextReader, sentence_of,
};
use imgeval_metrics::text::dictionary_coverage;
use imgeval_runner::Progress;
use imgeval_scoring::{READER, Run};
use imgeval_store::{Measurement, MeasurementRecord, RunWriter};
use imgeval_suites::{
    checks::{
        ReadLine,
        measures::{COVERAGE, LINES, MeasuresNeeded, RENDERED_LINES},
        write_lines,
    },
    suite::SuiteCase,
};
use imgeval_vision::canvas::{Canvas, line_height, text_width};
use rayon::prelude::*;

use super::{METER, Pair, measure_pair, measure_single};
use crate::{MeasureError, StageEvent, question::load_pixels, stage::measured_before};

/// Images are measured side by side, and kept after so many.
const AT_ONCE: usize = 8;

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeasuringSummary {
    pub measured: usize,
    pub read: usize,
    pub failed: usize,
    /// Images whose text nobody read, because no reader was given.
    pub unread: usize,
}

/// One thing to do about one image.
struct Work<'a> {
    sample: &'a SampleId,
    subject: Subject,
    /// `None` if it is to be measured, not read.
    reader: Option<&'a dyn TextReader>,
}

/// An image with what its case says of it.
pub(crate) struct Subject {
    pub(crate) image: ImageRef,
    pub(crate) source: Option<ImageRef>,
    mask: Option<ImageRef>,
    /// As [`MeasuresNeeded::region`].
    region: Option<[f64; 4]>,
    pub(crate) lines: Vec<String>,
}

impl Subject {
    /// White where the image was to be edited: the region that its checks name, else the mask of its case.
    pub(crate) fn mask_for(&self, run: &Path, source: &Pixels) -> Result<Option<GrayPixels>, Failure> {
        Ok(match (self.region, &self.mask) {
            (Some(region), _) => mask_of_region(region, source.width(), source.height()),
            (None, Some(mask)) => black_and_white(&GrayPixels::luma_of(&load_pixels(run, mask)?)),
            (None, None) => None,
        })
    }
}

impl Work<'_> {
    fn meter(&self) -> String {
        self.reader.map_or_else(|| METER.to_owned(), meter_of)
    }

    fn do_it(&self, run: &Path) -> Outcome<Measurement> {
        let outcome = match self.reader {
            None => measure(run, &self.subject),
            Some(reader) => read_text(run, &self.subject, reader),
        };
        match outcome {
            Ok(measurement) => Outcome::Done(measurement),
            Err(failure) => Outcome::Failed(failure),
        }
    }
}

/// Measures every image that was not measured yet, and reads the text of those whose checks ask for some.
///
/// # Errors
/// If the run cannot be read or written.
pub fn measure_images(
    run: &Path,
    reader: Option<&dyn TextReader>,
    holder: &str,
    tell: &mut dyn FnMut(StageEvent<'_>),
) -> Result<MeasuringSummary, MeasureError> {
    let read = Run::open(run)?;
    let images = read.usable_images()?;
    let known = read.reader().measurements()?;
    let before = measured_before(&known, &images);
    let reader_meter = reader.map(meter_of);
    let mut summary = MeasuringSummary::default();
    let mut work = Vec::new();
    let mut n_all = 0;
    for (sample, record) in &images {
        let subject = || subject_of(&read, sample, record.image());
        n_all += 1;
        if !before.contains(&(METER, sample)) {
            work.push(Work { sample, subject: subject(), reader: None });
        }
        if needed(&read, sample).lines.is_empty() {
            continue;
        }
        n_all += 1;
        match &reader_meter {
            Some(meter) if before.contains(&(meter.as_str(), sample)) => {}
            Some(_) => work.push(Work { sample, subject: subject(), reader }),
            None => summary.unread += 1,
        }
    }
    let total = n_all - summary.unread;
    tell(StageEvent::Progress(Progress::Planned { total, finished: total - work.len() }));
    let mut writer = RunWriter::open(run, holder)?;
    for some in work.chunks(AT_ONCE) {
        let outcomes: Vec<Outcome<Measurement>> = some.par_iter().map(|work| work.do_it(run)).collect();
        let mut records = Vec::new();
        for (work, outcome) in some.iter().zip(outcomes) {
            let (sample, meter) = (work.sample, work.meter());
            match (&outcome, work.reader) {
                (Outcome::Done(_), None) => summary.measured += 1,
                (Outcome::Done(_), Some(_)) => summary.read += 1,
                (Outcome::Failed(failure), _) => {
                    summary.failed += 1;
                    tell(StageEvent::Failed { sample, failure });
                }
            }
            let has_failed = outcome.done().is_none();
            let image = images[sample].hash.clone();
            records.push(MeasurementRecord { meter, id: sample.clone(), image, outcome });
            tell(StageEvent::Progress(Progress::Advanced { has_failed }));
        }
        writer.record_measurements(&records)?;
    }
    Ok(summary)
}

fn meter_of(reader: &dyn TextReader) -> String {
    format!("{READER}@{}", reader.meta().observer_id().as_str())
}

/// What the checks of a sample's case ask for, together.
pub(crate) fn needed<'a>(run: &'a Run, sample: &SampleId) -> MeasuresNeeded<'a> {
    let checks = run.checks().get(&sample.case);
    let all = checks.into_iter().flat_map(|checks| checks.measured()).filter_map(|named| named.measures());
    all.fold(MeasuresNeeded::default(), |sum, one| MeasuresNeeded {
        region: sum.region.or(one.region),
        lines: if sum.lines.is_empty() { one.lines } else { sum.lines },
    })
}

pub(crate) fn subject_of(run: &Run, sample: &SampleId, image: ImageRef) -> Subject {
    let case = run.cases().get(&sample.case);
    let of_round = case.and_then(|case| case.rounds.first()).and_then(|round| round.mask.clone());
    let needed = needed(run, sample);
    Subject {
        image,
        source: case.and_then(SuiteCase::source).cloned(),
        mask: of_round.or_else(|| case.and_then(SuiteCase::mask)),
        region: needed.region,
        lines: needed.lines.to_vec(),
    }
}

fn measure(run: &Path, subject: &Subject) -> Result<Measurement, Failure> {
    let edited = load_pixels(run, &subject.image)?;
    let found = measure_single(&edited);
    let Some(source) = &subject.source else { return Ok(found) };
    let source = load_pixels(run, source)?;
    let mask = subject.mask_for(run, &source)?;
    Ok(measure_pair(found, &Pair { source: &source, edited: &edited, mask: mask.as_ref() }))
}

/// Masks that were stored as JPEG are neither black nor white around their rims.
fn black_and_white(mask: &GrayPixels) -> Option<GrayPixels> {
    let values = mask.values().iter().map(|value| if *value >= 128 { 255 } else { 0 }).collect();
    GrayPixels::new(mask.width(), mask.height(), values)
}

/// White inside the region, which is in shares of the frame.
fn mask_of_region([left, top, right, bottom]: [f64; 4], width: u32, height: u32) -> Option<GrayPixels> {
    let center = |place: u32, of: u32| (f64::from(place) + 0.5) / f64::from(of);
    let value = |x: u32, y: u32| {
        let (x, y) = (center(x, width), center(y, height));
        let is_inside = left <= x && x < right && top <= y && y < bottom;
        if is_inside { 255 } else { 0 }
    };
    let values = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
    GrayPixels::new(width, height, values)
}

fn lines_in(reader: &dyn TextReader, image: &Pixels) -> Result<Vec<ReadLine>, Failure> {
    let lines = reader
        .read(image)
        .map_err(|error| Failure { kind: FailureKind::NotMeasurable, detail: sentence_of(&error) })?;
    let keep =
        |line: TextLine| ReadLine { text: line.text, corners: line.corners, confidence: line.confidence };
    Ok(lines.into_iter().map(keep).collect())
}

/// Black on white, a line below the other: the control of what a reader makes of an image. The font that is built in has ASCII
/// alone, so lines with other characters have no control.
fn rendered(lines: &[String]) -> Option<Pixels> {
    const SIZE: f32 = 64.0;
    const MARGIN: f32 = 48.0;
    const WIDEST: f32 = 4000.0;
    let is_plain = |line: &String| line.chars().all(|character| (' '..='~').contains(&character));
    let widest = lines.iter().map(|line| text_width(line, SIZE)).fold(0.0, f32::max);
    if lines.is_empty() || !lines.iter().all(is_plain) || widest > WIDEST {
        return None;
    }
    let step = 1.5 * line_height(SIZE);
    let (width, height) = (widest + 2.0 * MARGIN, step * lines.len() as f32 + 2.0 * MARGIN);
    let mut canvas = Canvas::new(width.max(320.0) as u32, height.max(320.0) as u32, [255; 3]);
    for (place, line) in lines.iter().enumerate() {
        canvas.text(line, MARGIN, MARGIN + step * place as f32, SIZE, [0; 3]);
    }
    Some(canvas.into_pixels())
}

fn read_text(run: &Path, subject: &Subject, reader: &dyn TextReader) -> Result<Measurement, Failure> {
    let image = load_pixels(run, &subject.image)?;
    let lines = lines_in(reader, &image)?;
    let coverage = dictionary_coverage(&subject.lines, |character| reader.knows(character));
    let found = Measurement::default().with_word(LINES, &write_lines(&lines));
    let found = match rendered(&subject.lines) {
        Some(plain) => found.with_word(RENDERED_LINES, &write_lines(&lines_in(reader, &plain)?)),
        None => found,
    };
    Ok(match coverage {
        Some(coverage) => found.with(COVERAGE, coverage),
        None => found.with_word(COVERAGE, "no line has a character to read"),
    })
}
