//! Spectra of all places in one figure, and the fingerprint of each.

use anyhow::Result;
use imgeval_diagnose::artefacts::{Place, PlaceFingerprint};
use imgeval_metrics::spectra::FINGERPRINT_SIDE;
use imgeval_report::figures::{Figure, HeatMap, LinePoint, LineSeries, heat_maps, lines, matrix};

/// Displacements of the autocorrelation that are drawn, to each side.
const SHOWN_LAGS: usize = 32;
/// Displacements in the middle whose values are not the scale of the image: what the median itself leaves.
const OWN_LAGS: usize = 2;
/// The share of frequencies that may be beyond the scale, at each end.
const CUT_OFF: f64 = 0.005;

pub(super) fn figures_of(places: &[Place], reference: Option<&Place>) -> Result<Vec<Figure>> {
    let all: Vec<&Place> = reference.into_iter().chain(places).collect();
    let mut figures = vec![spectra(&all)];
    let prints: Vec<(&Place, &PlaceFingerprint)> =
        all.iter().filter_map(|place| Some((*place, place.fingerprint.as_ref()?))).collect();
    for (place, print) in &prints {
        let title = format!("Residual fingerprint of {}, {} images", place.name, print.n_images);
        figures.push(heat_maps(&title, &[power_map(print), autocorrelation_map(print)])?);
    }
    if prints.len() > 1 {
        let labels: Vec<String> = prints.iter().map(|(place, _)| place.name.clone()).collect();
        let row = |own: &PlaceFingerprint| {
            let similarity = |(_, other): &(&Place, &PlaceFingerprint)| {
                Some(own.fingerprint.similarity(&other.fingerprint))
            };
            prints.iter().map(similarity).collect()
        };
        let values: Vec<Vec<Option<f64>>> = prints.iter().map(|(_, own)| row(own)).collect();
        figures.push(matrix("Fingerprint correlations", &labels, &values));
    }
    Ok(figures)
}

fn spectra(places: &[&Place]) -> Figure {
    let series: Vec<LineSeries> = places
        .iter()
        .map(|place| {
            let points = place.curve.iter().map(|point| LinePoint {
                x: point.frequency,
                y: Some(point.decibels.value),
                interval: point.decibels.interval,
            });
            LineSeries { name: place.name.clone(), points: points.collect() }
        })
        .collect();
    lines("Azimuthal spectra, medians over images", "cycles per pixel", "power, dB", &series)
}

fn power_map(print: &PlaceFingerprint) -> HeatMap {
    let values: Vec<f64> = print.fingerprint.power().iter().map(|power| 10.0 * power.log10()).collect();
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(place).copied().unwrap_or_default()
    };
    HeatMap {
        label: "Residual power, dB".to_owned(),
        note: "From -0.5 to 0.5 cycles per pixel; zero at the center.".to_owned(),
        range: (at(CUT_OFF), at(1.0 - CUT_OFF)),
        values,
    }
}

fn autocorrelation_map(print: &PlaceFingerprint) -> HeatMap {
    let middle = FINGERPRINT_SIDE / 2;
    let center = print.autocorrelation.get(middle * FINGERPRINT_SIDE + middle).copied().unwrap_or(1.0);
    let shown = middle - SHOWN_LAGS..=middle + SHOWN_LAGS;
    let (mut values, mut largest) = (Vec::new(), 0.0_f64);
    for row in shown.clone() {
        for column in shown.clone() {
            let value = print.autocorrelation[row * FINGERPRINT_SIDE + column] / center;
            if row.abs_diff(middle).max(column.abs_diff(middle)) > OWN_LAGS {
                largest = largest.max(value.abs());
            }
            values.push(value);
        }
    }
    HeatMap {
        label: "Autocorrelation".to_owned(),
        note: format!(
            "Displacements of up to {SHOWN_LAGS} pixels; zero at the center, where the value is 1."
        ),
        range: (-largest, largest),
        values,
    }
}
