//! Compares a place with the reference.

use imgeval_metrics::{UnpairedShift, image::NotMeasurable, unpaired_shift};

use super::{
    files::{FileFact, FileShares, file_shares},
    number::Number,
    place::Place,
    resampled::{Difference, Resampled, Summary, difference},
    say::{Finding, findings},
};

/// Values of each place that go into rank tests, whose work is the product of both counts.
const MAX_RANKED: usize = 2_000;

/// A place, and how it differs from the reference if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    pub place: &'a Place,
    pub reference: Option<&'a Place>,
    pub files: Vec<FileShares>,
    pub rows: Vec<Row>,
    /// Of mean b and chroma; empty without a reference.
    pub color_shifts: Vec<ColorShift>,
    /// The correlation coefficient of both fingerprints over all frequencies, -1 to 1.
    pub fingerprint_similarity: Option<f64>,
    pub findings: Vec<Finding>,
}

/// One number of a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub number: Number,
    /// `None` if no image has a value.
    pub place: Option<Summary>,
    pub reference: Option<Summary>,
    pub difference: Option<Difference>,
    /// Images of the place without a value: why, with how many there are.
    pub not_measured: Vec<(NotMeasurable, usize)>,
    /// The same of the reference.
    pub reference_not_measured: Vec<(NotMeasurable, usize)>,
    /// Facts of the files that differ and may cause the difference by themselves.
    pub files: Vec<FileFact>,
}

/// How far the colors of a place lie from the reference's, image by image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorShift {
    pub number: Number,
    /// Place minus reference.
    pub shift: UnpairedShift,
}

/// Puts a place beside the reference.
#[must_use]
pub fn compare<'a>(place: &'a Place, reference: Option<&'a Place>) -> Comparison<'a> {
    let files = file_shares(&place.images, reference.map(|reference| reference.images.as_slice()));
    let differing: Vec<FileFact> = files.iter().filter(|one| one.differs).map(|one| one.fact).collect();
    let row = |number: Number| {
        let (own, other) = (resampled_of(place, number), reference.and_then(|one| resampled_of(one, number)));
        Row {
            number,
            place: own.map(|one| one.summary),
            reference: other.map(|one| one.summary),
            difference: own.zip(other).map(|(own, other)| difference(own, other)),
            not_measured: not_measured(place, number),
            reference_not_measured: reference.map(|one| not_measured(one, number)).unwrap_or_default(),
            files: differing.iter().copied().filter(|fact| fact.touches(number)).collect(),
        }
    };
    let mut numbers: Vec<Number> = Number::PER_IMAGE.to_vec();
    // Beside the other traces of the decoder, before what was done to the whole image.
    let at = numbers.iter().position(|number| *number == Number::Upscaled).unwrap_or(numbers.len());
    numbers.splice(at..at, [Number::FingerprintStrength, Number::AutocorrelationPeak]);
    let rows: Vec<Row> = numbers.into_iter().map(row).collect();
    let shift = |number: Number| {
        let shift = unpaired_shift(&ranked(reference?, number), &ranked(place, number))?;
        Some(ColorShift { number, shift })
    };
    let color_shifts: Vec<ColorShift> =
        [Number::MeanB, Number::Chroma].into_iter().filter_map(shift).collect();
    let prints = place.fingerprint.as_ref().zip(reference.and_then(|one| one.fingerprint.as_ref()));
    let mut comparison = Comparison {
        place,
        reference,
        files,
        rows,
        color_shifts,
        fingerprint_similarity: prints.map(|(own, other)| own.fingerprint.similarity(&other.fingerprint)),
        findings: Vec::new(),
    };
    comparison.findings = findings(&comparison);
    comparison
}

impl Comparison<'_> {
    /// The row of a number.
    #[must_use]
    pub fn row(&self, number: Number) -> Option<&Row> {
        self.rows.iter().find(|row| row.number == number)
    }
}

fn resampled_of(place: &Place, number: Number) -> Option<&Resampled> {
    match number {
        Number::FingerprintStrength => place.fingerprint.as_ref().map(|one| &one.strength),
        Number::AutocorrelationPeak => place.fingerprint.as_ref()?.peak.as_ref(),
        _ => place.numbers.iter().find(|one| one.number == number)?.resampled.as_ref(),
    }
}

fn not_measured(place: &Place, number: Number) -> Vec<(NotMeasurable, usize)> {
    let own = place.numbers.iter().find(|one| one.number == number);
    own.map(|one| one.not_measured.values().copied().collect()).unwrap_or_default()
}

/// At most [`MAX_RANKED`] values, evenly chosen.
fn ranked(place: &Place, number: Number) -> Vec<f64> {
    let values = place.numbers.iter().find(|one| one.number == number).map(|one| one.values.as_slice());
    let values = values.unwrap_or_default();
    values.iter().step_by(values.len().div_ceil(MAX_RANKED).max(1)).copied().collect()
}
