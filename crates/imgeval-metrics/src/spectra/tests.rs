//! Reference: scripts/reference/spectra.py (NumPy 2.4.6, SciPy 1.17.1, Pillow 13.0.0).

use super::*;
use crate::fixture::{Case, check_close, parse_cases};

const FIXTURE: &str = include_str!("../../tests/fixtures/spectra.txt");

struct Picture {
    plane: GrayPlane,
    case: Case,
}

/// The images, and what belongs to all of them.
fn pictures() -> (Vec<Picture>, Case) {
    let mut cases = parse_cases(FIXTURE);
    let together = cases.pop().unwrap();
    let picture = |case: Case| {
        let [width, height] = case.whole_numbers("size").try_into().unwrap();
        let values = case.get("grey").iter().map(|grey| *grey as f32 / 255.0).collect();
        Picture { plane: GrayPlane::new(width, height, values).unwrap(), case }
    };
    (cases.into_iter().map(picture).collect(), together)
}

fn planes() -> Vec<GrayPlane> {
    pictures().0.into_iter().map(|picture| picture.plane).collect()
}

#[test]
fn power_and_its_curves_are_those_of_numpy_and_scipy() {
    for picture in pictures().0 {
        let spectrum = PowerSpectrum::of(&picture.plane);
        let at = [(0, 0), (0, 1), (1, 0), (5, 7), (60, 60)];
        let power: Vec<f64> = at.iter().map(|(v, u)| spectrum.power()[v * spectrum.width() + u]).collect();
        check_close("power", &power, picture.case.get("power"), 1e-8, 0.0);
        check_close("azimuthal", &azimuthal_power(&spectrum), picture.case.get("azimuthal"), 1e-8, 0.0);
        let high_pass = high_pass_azimuthal_power(&picture.plane);
        check_close("high-pass", &high_pass, picture.case.get("high-pass"), 1e-8, 0.0);
    }
}

/// Pillow rounds to 32 bits between its two passes, and so do we, but sums may differ in the last bit.
#[test]
fn corvi_spectra_are_those_of_pillow_and_numpy() {
    for picture in pictures().0 {
        let spectra = corvi_spectra(&picture.plane).unwrap();
        check_close("radial", &spectra.radial, picture.case.get("radial"), 1e-4, 1e-9);
        check_close("angular", &spectra.angular, picture.case.get("angular"), 1e-5, 1e-9);
        assert!((spectra.radial.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn lattice_peaks_and_features_are_those_of_numpy_and_scipy() {
    for picture in pictures().0 {
        let peaks = LatticePeaks::of(&picture.plane).unwrap();
        check_close("lattice", peaks.logarithms().as_flattened(), picture.case.get("lattice"), 1e-6, 1.0);
        let features = spectrum_features(&picture.plane).unwrap();
        let features: Vec<f64> = features.into_iter().map(f64::from).collect();
        assert_eq!(features.len(), N_SPECTRUM_FEATURES);
        check_close("features", &features, picture.case.get("features"), 1e-6, 1.0);
    }
}

#[test]
fn the_fingerprint_is_that_of_numpy() {
    let (pictures, together) = pictures();
    let mut sum = FingerprintSum::new();
    pictures.iter().for_each(|picture| sum.add(&picture.plane).unwrap());
    let fingerprint = sum.finish().unwrap();
    let last = pictures.last().unwrap();
    let places = together.whole_numbers("places");
    let chosen = |values: &[f64]| -> Vec<f64> {
        let at = |place: &[usize]| values[place[0] * FINGERPRINT_SIDE + place[1]];
        places.chunks_exact(2).map(at).collect()
    };
    check_close("fingerprint", &chosen(fingerprint.power()), together.get("fingerprint"), 1e-7, 0.0);
    let autocorrelation = fingerprint.autocorrelation();
    check_close("autocorrelation", &chosen(&autocorrelation), together.get("autocorrelation"), 1e-7, 1e-4);
    let mut alone = FingerprintSum::new();
    alone.add(&last.plane).unwrap();
    let similarity = fingerprint.similarity(&alone.finish().unwrap());
    check_close("similarity", &[similarity], together.get("similarity"), 1e-8, 0.0);
    assert!(
        (fingerprint.power().iter().sum::<f64>() / fingerprint.power().len() as f64 - 0.25).abs() < 1e-12
    );
}

/// The second fixture image repeats every 4 pixels, the first every 8.
#[test]
fn peaks_are_found_at_their_period() {
    let planes = planes();
    let scores = |index: usize| {
        let peaks = LatticePeaks::of(&planes[index]).unwrap();
        LATTICE_PERIODS.map(|period| peaks.of_period(period).unwrap())
    };
    let [_, of_four, _, of_sixteen] = scores(1);
    assert!(of_four > 5.0 && of_sixteen < 2.0, "{:?}", scores(1));
    let [_, _, of_eight, of_sixteen] = scores(0);
    assert!(of_eight > 2.0 && of_sixteen < 1.5, "{:?}", scores(0));
}

#[test]
fn places_outside_of_the_lattice_have_no_score() {
    let peaks = LatticePeaks::of(&planes()[0]).unwrap();
    let direction = Direction::Vertical;
    assert_eq!(
        (peaks.score(direction, 0), peaks.score(direction, 9), peaks.of_period(3)),
        (None, None, None)
    );
    let logarithm = peaks.logarithms()[1][7];
    assert_eq!(peaks.score(direction, 8), Some(logarithm.exp()));
}

#[test]
fn parts_merged_are_the_whole() {
    let planes = planes();
    let whole = signature_of(&planes).unwrap().unwrap();
    let mut first = SignatureSum::new();
    first.add(&planes[0]).unwrap();
    let mut rest = SignatureSum::new();
    rest.add(&planes[1]).unwrap();
    rest.add(&planes[2]).unwrap();
    let mut merged = SignatureSum::new();
    merged.merge(&first).unwrap();
    merged.merge(&rest).unwrap();
    let merged = merged.finish().unwrap();
    assert_eq!(merged.n_images, 3);
    check_close("spectrum", &merged.spectrum, &whole.spectrum, 1e-12, 0.0);
    check_close("fingerprint", merged.fingerprint.power(), whole.fingerprint.power(), 1e-12, 0.0);
    assert_eq!(whole, signature_of(&planes).unwrap().unwrap(), "same pictures, same bytes");
    let matrix = similarity_matrix(&[&whole, &first.finish().unwrap()]);
    assert!((matrix[0][0] - 1.0).abs() < 1e-12 && (matrix[0][1] - matrix[1][0]).abs() < 1e-12, "{matrix:?}");
    assert!(matrix[0][1] < 1.0);
}

#[test]
fn small_and_flat_pictures_get_an_answer() {
    let small = GrayPlane::new(63, 200, vec![0.5; 63 * 200]).unwrap();
    let error = spectrum_features(&small).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an image of 63x200 pixels has too few frequencies: each side needs at least 64 pixels"
    );
    let flat = GrayPlane::new(64, 64, vec![0.3; 4096]).unwrap();
    assert!(spectrum_features(&flat).unwrap().iter().all(|value| value.is_finite()));
    assert!(corvi_spectra(&flat).unwrap().radial.iter().all(|share| *share == 0.0));
    assert_eq!(LatticePeaks::of(&flat).unwrap().of_period(8), Some(1.0));
    assert_eq!(signature_of([&flat]), Ok(None));
    assert_eq!(signature_of([&small]), Err(error));
    assert_eq!(SignatureSum::new().finish(), None);
}

#[test]
fn curves_of_other_lengths_are_refused() {
    let mut mean = MeanCurve::new();
    assert_eq!(mean.mean(), None);
    mean.add(&[1.0, 2.0]).unwrap();
    mean.add(&[3.0, 4.0]).unwrap();
    assert_eq!(mean.add(&[1.0]), Err(SpectrumError::OtherLength { expected: 2, found: 1 }));
    assert_eq!((mean.mean(), mean.n()), (Some(vec![2.0, 3.0]), 2));
}

#[test]
fn every_feature_has_a_name() {
    let names: std::collections::BTreeSet<String> = (0..).map_while(spectrum_feature_name).collect();
    assert_eq!(names.len(), N_SPECTRUM_FEATURES);
    assert_eq!(spectrum_feature_name(0).unwrap(), "power at 0.006 cycles per pixel");
    assert_eq!(spectrum_feature_name(159).unwrap(), "anti-diagonal peak at 8/16 cycles per pixel");
}
