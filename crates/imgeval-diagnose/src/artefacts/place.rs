//! All images of a generator, in parallel, each read once.

use std::collections::BTreeMap;

use imgeval_core::{Failure, FailureKind};
use imgeval_metrics::{
    image::NotMeasurable,
    spectra::{MAX_FINGERPRINT_IMAGES, SignatureSum},
};
use imgeval_vision::DecodeLimits;
use rayon::prelude::*;

use super::{
    error::ArtefactError,
    fingerprint::{Lags, PlaceFingerprint, fingerprint_of},
    number::{Kind, Number},
    resampled::{Resampled, Summary, median, share},
    traces::{Traces, spectrum_frequencies, traces_of},
};
use crate::{
    Event,
    collect::{Examined, ImageItem, Unused, UsableImage, examine_image, read_image, usable_images},
};

/// Images whose traces are in memory at once.
const BATCH: usize = 32;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct PlaceRequest<'a> {
    /// The generator's name; places of one study have different ones, since the name chooses the random stream.
    pub name: &'a str,
    pub items: &'a [ImageItem],
    pub limits: DecodeLimits,
    /// Of the resamples.
    pub seed: u64,
}

/// What the images of one generator show.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub name: String,
    /// Those that could be read.
    pub images: Vec<UsableImage>,
    /// Those that could not, with the reason.
    pub unused: Vec<Unused>,
    /// Groups of images that are resampled together: of one prompt, or alike.
    pub n_groups: usize,
    pub(super) numbers: Vec<PlaceNumber>,
    /// The spectrum: medians over images.
    pub curve: Vec<CurvePoint>,
    /// `None` if no image has a residual.
    pub fingerprint: Option<PlaceFingerprint>,
}

/// A point of the azimuthal spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// In cycles per pixel.
    pub frequency: f64,
    /// 10 log10 of the power of gray in 0 to 1 under the orthonormal Fourier transform.
    pub decibels: Summary,
}

/// One number over the images of a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlaceNumber {
    pub(super) number: Number,
    /// `None` if no image has a value.
    pub(super) resampled: Option<Resampled>,
    /// The values of images.
    pub(super) values: Vec<f64>,
    /// Images without a value: the reason of the first of each kind, and how many.
    pub(super) not_measured: BTreeMap<&'static str, (NotMeasurable, usize)>,
}

/// Reads and measures the images of a place.
///
/// # Errors
/// If no image can be read.
pub fn measure_place(
    request: &PlaceRequest<'_>,
    events: &mut dyn FnMut(Event),
) -> Result<Place, ArtefactError> {
    let items: Vec<&ImageItem> = request.items.iter().collect();
    events(Event::Stage { name: format!("measuring {}", request.name), images: items.len() });
    let mut examined = Vec::with_capacity(items.len());
    let mut measured: Vec<Option<Kept>> = Vec::with_capacity(items.len());
    let mut sum = SignatureSum::new();
    for batch in items.chunks(BATCH) {
        let mut results: Vec<_> = batch.par_iter().map(|item| read_traces(item, &request.limits)).collect();
        // A thread that scales one image may be given the next one while the first still holds its memory.
        for (item, result) in batch.iter().zip(&mut results) {
            if matches!(result, Err(failure) if failure.kind == FailureKind::NotEnoughMemory) {
                *result = read_traces(item, &request.limits);
            }
        }
        for result in results {
            match result {
                Ok((facts, traces)) => {
                    examined.push(Ok(facts));
                    measured.push(Some(Kept::of(traces, &mut sum)));
                }
                Err(failure) => {
                    examined.push(Err(failure));
                    measured.push(None);
                }
            }
        }
        events(Event::Advanced { images: batch.len() });
    }
    let (usable, unused) = usable_images(&items, examined, None);
    if usable.is_empty() {
        return Err(ArtefactError::NoUsableImage { place: request.name.to_owned(), n_unused: unused.len() });
    }
    let kept: Vec<(usize, Kept)> =
        usable.iter().filter_map(|(index, image)| Some((image.group, measured[*index].take()?))).collect();
    let images: Vec<UsableImage> = usable.into_iter().map(|(_, image)| image).collect();
    Ok(summed_up(request, images, unused, kept, &sum))
}

/// What stays in memory of one image.
struct Kept {
    numbers: Vec<Result<f64, NotMeasurable>>,
    curve: Option<Vec<f64>>,
    lags: Option<Lags>,
}

impl Kept {
    /// The fingerprint takes the first images only, as the paper does.
    fn of(traces: Traces, sum: &mut SignatureSum) -> Self {
        let Traces { numbers, residual } = traces;
        let Ok(residual) = residual else { return Self { numbers, curve: None, lags: None } };
        // Signatures always fit each other.
        let is_added = sum.n() < MAX_FINGERPRINT_IMAGES && sum.merge(&residual.sum).is_ok();
        Self { numbers, curve: Some(residual.curve), lags: is_added.then_some(residual.lags) }
    }
}

fn read_traces(item: &ImageItem, limits: &DecodeLimits) -> Result<(Examined, Traces), Failure> {
    let image = read_image(&item.path, limits)?;
    Ok((examine_image(&image), traces_of(&image.pixels)))
}

fn summed_up(
    request: &PlaceRequest<'_>,
    images: Vec<UsableImage>,
    unused: Vec<Unused>,
    kept: Vec<(usize, Kept)>,
    sum: &SignatureSum,
) -> Place {
    let purpose = |what: &str| format!("artefacts: {what} of {}", request.name);
    let number = |(place, number): (usize, &Number)| {
        let mut not_measured = BTreeMap::new();
        let mut values = Vec::new();
        for (group, image) in &kept {
            match image.numbers[place] {
                Ok(value) => values.push((*group, value)),
                Err(reason) => {
                    not_measured.entry(super::reason_code(reason)).or_insert((reason, 0)).1 += 1;
                }
            }
        }
        let resampled = match number.kind() {
            Kind::Share => share(&values, request.seed),
            Kind::Median | Kind::Pooled => median(&values, request.seed, &purpose(number.key())),
        };
        let values = values.into_iter().map(|(_, value)| value).collect();
        PlaceNumber { number: *number, resampled, values, not_measured }
    };
    let point = |(place, frequency): (usize, f64)| {
        let values: Vec<(usize, f64)> = kept
            .iter()
            .filter_map(|(group, image)| Some((*group, *image.curve.as_ref()?.get(place)?)))
            .collect();
        let decibels = median(&values, request.seed, &purpose("spectrum"))?.summary;
        Some(CurvePoint { frequency, decibels })
    };
    let curve = spectrum_frequencies().into_iter().enumerate().filter_map(point).collect();
    let lags: Vec<(usize, Lags)> =
        kept.iter().filter_map(|(group, image)| Some((*group, image.lags.clone()?))).collect();
    let fingerprint =
        sum.finish().map(|signature| fingerprint_of(signature, &lags, request.seed, &purpose("fingerprint")));
    let mut groups: Vec<usize> = images.iter().map(|image| image.group).collect();
    groups.sort_unstable();
    groups.dedup();
    Place {
        name: request.name.to_owned(),
        numbers: Number::PER_IMAGE.iter().enumerate().map(number).collect(),
        n_groups: groups.len(),
        images,
        unused,
        curve,
        fingerprint,
    }
}
