//! Reference: scripts/reference/image_measures.py, whose images and values are in `tests/fixtures/image_measures`, and `shared/golden/drift`
//! where it is there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::Pixels;
use imgeval_resample::pillow::resize_bicubic;
use serde_json::{Value, json};

use super::*;
use crate::{paired_shift, unpaired_shift};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/image_measures").join(name)
}

fn load(path: &Path) -> Pixels {
    let image = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8();
    Pixels::new(image.width(), image.height(), image.into_raw()).unwrap()
}

fn load_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Bool(value) => vec![f64::from(u8::from(*value))],
        value => vec![value.as_f64().unwrap()],
    }
}

/// Errors of found values by name, each over its allowance.
#[derive(Default)]
struct Errors(BTreeMap<String, Vec<f64>>);

impl Errors {
    /// An error may be `relative` of the expected value, or `absolute`, whichever is more.
    fn check(&mut self, name: &str, found: &Value, expected: &Value, relative: f64, absolute: f64) {
        let (found, expected) = (numbers(found), numbers(expected));
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs() / (relative * expected.abs()).max(absolute);
            assert!(error <= 1.0, "{name}: {found} instead of {expected}");
            self.0.entry(name.to_owned()).or_default().push(error);
        }
    }

    /// All that both have.
    fn check_fields(&mut self, found: &Value, expected: &Value, relative: f64, absolute: f64) -> usize {
        let fields = found.as_object().unwrap().iter();
        let common = fields.filter_map(|(name, found)| Some((name, found, expected.get(name)?)));
        common.map(|(name, found, expected)| self.check(name, found, expected, relative, absolute)).count()
    }

    fn print(mut self, set: &str) {
        for (name, errors) in &mut self.0 {
            errors.sort_by(f64::total_cmp);
            let [median, worst] = [errors.len() / 2, errors.len() - 1].map(|place| errors[place]);
            println!(
                "{set} {name}: n {} median {median:.2e} worst {worst:.2e} of the allowance",
                errors.len()
            );
        }
    }
}

fn colors(color: &ColorStatistics) -> Value {
    let cast = color.cast();
    let ([l, a, b], [deviation_a, deviation_b]) = (color.mean_lab, color.mean_deviation);
    json!({
        "mean_L": l, "mean_a": a, "mean_b": b, "D": cast.distance, "Ma": deviation_a, "Mb": deviation_b, "M": cast.spread,
        "K": cast.ratio.unwrap(), "hue_deg": cast.hue_deg.unwrap(), "sigma": cast.sigma, "gasparini": cast.gasparini.unwrap(),
        "chroma": color.chroma, "saturation": color.saturation, "rms_contrast": color.rms_contrast, "l_range": color.l_range,
        "mean_rgb": color.mean_rgb, "echo_mean_rgb": color.echo_mean_rgb().unwrap(),
    })
}

fn sharp(measures: &ImageMeasures) -> Value {
    let (sharpness, noise) = (measures.sharpness.unwrap(), measures.noise.unwrap());
    let spectrum = measures.spectrum.as_ref().unwrap();
    json!({
        "lap_var": sharpness.lap_var, "tenengrad": sharpness.tenengrad, "immerkaer": noise.immerkaer, "haar_mad": noise.haar_mad,
        "db2_mad": noise.db2_mad.unwrap(), "hf_share_quarter": spectrum.hf_share_quarter,
        "hf_share_eighth": spectrum.hf_share_eighth, "spectrum_n": spectrum.n(),
    })
}

fn upscaling(measures: &ImageMeasures) -> Value {
    let upscaling = measures.upscaling.unwrap();
    let peak = |peak: Measured<Peak>| peak.map(|peak| [peak.frequency, peak.score]).unwrap();
    json!({
        "peak_x": peak(upscaling.peak_x), "peak_y": peak(upscaling.peak_y), "bandwidth": upscaling.bandwidth,
        "repeat": upscaling.repeat, "upscaled": upscaling.upscaled,
    })
}

fn checkerboard(measures: &ImageMeasures) -> Value {
    let Checkerboard { p2, p4, p8 } = measures.checkerboard.unwrap();
    json!({"p2": p2, "p4": p4, "p8": p8})
}

fn grid(measures: &ImageMeasures) -> [Value; 2] {
    let grid = measures.jpeg_grid.unwrap();
    [grid.x, grid.y].map(|axis| {
        let GridAxis { phase, score, profile } = axis.unwrap();
        json!({"phase": phase, "score": score, "profile": profile})
    })
}

fn color_shift(source: &ColorStatistics, edited: &ColorStatistics) -> Value {
    let shift = ColorShift::between(source, edited);
    json!({
        "dL": shift.lab[0], "da": shift.lab[1], "db": shift.lab[2], "dE_mean": shift.mean_delta_e, "dab": shift.ab,
        "dchroma": shift.chroma, "dsaturation": shift.saturation, "contrast_ratio": shift.contrast_ratio.unwrap(),
        "l_range_diff": shift.l_range, "echo_shift_rgb": shift.echo_rgb.unwrap(),
        "echo_shift_magnitude": shift.echo_magnitude().unwrap(), "hist_l1": shift.histogram_distance.unwrap(),
    })
}

fn drift(source: &Spectrum, edited: &Spectrum) -> Value {
    let SpectrumDrift { n, rms_db, low_db, mid_db, high_db } =
        SpectrumDrift::between(source, edited).unwrap();
    json!({"n": n, "rms_db": rms_db, "low_db": low_db, "mid_db": mid_db, "high_db": high_db})
}

fn blur(source: &Spectrum, edited: &Spectrum) -> Value {
    let blur = relative_blur(source, edited).unwrap();
    json!({"rel_sigma2": blur.sigma2, "rel_fmax": blur.highest_frequency})
}

fn paired(differences: &[f64]) -> Value {
    let shift = paired_shift(differences).unwrap();
    json!({"mean": shift.mean, "t": shift.t, "t_p": shift.t_p, "wilcoxon_p": shift.wilcoxon_p, "sign_positive": shift.n_positive})
}

fn unpaired(a: &[f64], b: &[f64]) -> Value {
    let shift = unpaired_shift(a, b).unwrap();
    json!({
        "difference": shift.difference, "welch_t": shift.welch_t, "welch_p": shift.welch_p, "mannwhitney_u": shift.mannwhitney_u,
        "mannwhitney_p": shift.mannwhitney_p, "hodges_lehmann": shift.hodges_lehmann,
    })
}

#[test]
fn measures_are_those_of_the_reference() {
    let expected = load_json(&fixture("expected.json"));
    let mut errors = Errors::default();
    for (name, expected) in expected["images"].as_object().unwrap() {
        let measures = measure_image(&load(&fixture(&format!("{name}.png"))));
        assert_eq!(errors.check_fields(&colors(&measures.color), expected, 1e-4, 1e-3), 17);
        assert_eq!(errors.check_fields(&sharp(&measures), expected, 1e-5, 1e-9), 8);
        errors.check("edge_sigma", &measures.edge_sigma.unwrap().into(), &expected["edge_sigma"], 1e-4, 0.0);
        assert_eq!(errors.check_fields(&upscaling(&measures), expected, 1e-4, 1e-6), 5);
        assert_eq!(errors.check_fields(&checkerboard(&measures), expected, 1e-4, 1e-4), 3);
        for (axis, found) in ["x", "y"].into_iter().zip(grid(&measures)) {
            assert_eq!(errors.check_fields(&found, &expected["jpeg_grid"][axis], 1e-4, 1e-4), 3);
        }
    }
    let [source, edited] = ["sharp.png", "blurred.png"].map(|name| measure_image(&load(&fixture(name))));
    let pair = &expected["pair"];
    assert_eq!(errors.check_fields(&color_shift(&source.color, &edited.color), pair, 1e-4, 1e-3), 12);
    let (source, edited) = (source.spectrum.unwrap(), edited.spectrum.unwrap());
    assert_eq!(errors.check_fields(&drift(&source, &edited), pair, 1e-4, 1e-4), 4);
    assert_eq!(errors.check_fields(&blur(&source, &edited), pair, 1e-4, 1e-4), 2);
    let sets = &expected["sets"];
    assert_eq!(errors.check_fields(&paired(&numbers(&sets["differences"])), sets, 1e-9, 0.0), 3);
    assert_eq!(
        errors.check_fields(&unpaired(&numbers(&sets["a"]), &numbers(&sets["b"])), sets, 1e-9, 0.0),
        5
    );
    errors.print("fixture");
}

#[test]
fn images_that_cannot_be_measured_have_a_reason() {
    let plain = |width: u32, height: u32, rgb: [u8; 3]| {
        measure_image(&Pixels::new(width, height, rgb.repeat((width * height) as usize)).unwrap())
    };
    for (width, height) in [(1, 1), (2, 3), (5, 4), (33, 17), (100, 3), (90, 85)] {
        let measures = plain(width, height, [90, 90, 90]);
        let reasons = [
            measures.sharpness.map(|_| ()),
            measures.noise.map(|_| ()),
            measures.spectrum.map(|_| ()),
            measures.edge_sigma.map(|_| ()),
            measures.upscaling.map(|_| ()),
            measures.checkerboard.map(|_| ()),
            measures.jpeg_grid.map(|_| ()),
        ];
        let is_reason = |reason: &Measured<()>| {
            matches!(reason, Err(NotMeasurable::TooSmall { .. } | NotMeasurable::OneGray))
        };
        assert!(reasons.iter().all(is_reason), "{width}x{height}: {reasons:?}");
        let cast = measures.color.cast();
        assert_eq!((cast.ratio, cast.hue_deg), (Err(NotMeasurable::NoColor), Err(NotMeasurable::NoColor)));
    }
    let red = plain(40, 40, [255, 0, 0]).color;
    assert_eq!(red.cast().ratio, Err(NotMeasurable::NoColor), "no spread of colors");
    assert!((red.cast().hue_deg.unwrap() - 40.0).abs() < 0.1);
    assert_eq!(red.echo_mean_rgb(), Err(NotMeasurable::ExtremesOnly));
    // Stripes: nothing changes down a column, and the whole image is one wave along a row.
    let stripes = Pixels::new(128, 128, [[0; 3], [200; 3]].concat().repeat(128 * 64)).unwrap();
    let measures = measure_image(&stripes);
    assert_eq!(measures.upscaling.unwrap().peak_y, Err(NotMeasurable::OneGrayAlongAxis));
    assert_eq!(measures.jpeg_grid.unwrap().y, Err(NotMeasurable::OneGrayAlongAxis));
    // Noise of whole sizes that take both ways to the spectra.
    for (width, height) in [(80_u32, 80_u32), (97, 130), (64, 64), (32, 33), (3, 3), (4, 900)] {
        let noise =
            (0..3 * width * height).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(measure_image(&Pixels::new(width, height, noise).unwrap()).sharpness.is_ok());
    }
    let spectrum = |side: u32| {
        let noise =
            (0..3 * side * side).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Spectrum::of(&Gray::of(&Pixels::new(side, side, noise).unwrap())).unwrap()
    };
    assert_eq!(
        relative_blur(&spectrum(40), &spectrum(42)).unwrap_err().to_string(),
        "spectra of 40 and 42 pixels cannot be compared; resize the images first"
    );
}

/// The folder of the golden values and that of the images they are of.
fn golden() -> Option<(PathBuf, PathBuf)> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = shared.join("golden/drift");
    folder.is_dir().then(|| (folder, shared.join("data/images")))
}

fn load_golden(name: &str) -> Pixels {
    let (folder, images) = golden().unwrap();
    let path = folder.join(name);
    load(&if path.exists() { path } else { images.join(name) })
}

fn rows<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

#[test]
fn golden_colors_agree() {
    let Some((folder, _)) = golden() else { return };
    let expected = load_json(&folder.join("expected_colour.json"));
    let mut errors = Errors::default();
    let measured = |name: &str| {
        let pixels = load_golden(name);
        ColorStatistics::of(&pixels, &Gray::of(&pixels))
    };
    for row in rows(&expected, "real") {
        let found = colors(&measured(text(row, "image")));
        assert_eq!(errors.check_fields(&found, &row["skimage"], 1e-4, 1e-3), 11);
        assert_eq!(errors.check_fields(&found, &row["colour"], 1e-4, 1e-3), 9);
    }
    let mut differences = Vec::new();
    for row in rows(&expected, "synthetic") {
        let (base, cast) = (measured(text(row, "base")), measured(text(row, "cast")));
        assert_eq!(errors.check_fields(&colors(&cast), &row["skimage"], 1e-4, 1e-3), 11);
        assert_eq!(errors.check_fields(&color_shift(&base, &cast), &row["pair"], 1e-4, 1e-3), 12);
        differences.push(cast.mean_lab[2] - base.mean_lab[2]);
    }
    assert_eq!(errors.check_fields(&paired(&differences), &expected["paired"], 1e-4, 1e-6), 5);
    let set = |key: &str| -> Vec<f64> {
        let names = rows(&expected["unpaired"], key).iter();
        names.map(|name| measured(name.as_str().unwrap()).mean_lab[2]).collect()
    };
    assert_eq!(errors.check_fields(&unpaired(&set("a"), &set("b")), &expected["unpaired"], 1e-4, 1e-6), 6);
    errors.print("colors");
}

#[test]
fn golden_blur_and_upscaling_agree() {
    let Some((folder, _)) = golden() else { return };
    let expected = load_json(&folder.join("expected_blur.json"));
    let mut errors = Errors::default();
    let measured = |name: &str| measure_image(&load_golden(name));
    let mut bases: BTreeMap<String, Spectrum> = BTreeMap::new();
    for row in rows(&expected, "images") {
        let measures = measured(text(row, "image"));
        assert_eq!(errors.check_fields(&sharp(&measures), &row["sharp"], 1e-4, 1e-9), 8);
        errors.check("edge_sigma", &measures.edge_sigma.unwrap().into(), &row["edge_sigma"], 1e-3, 1e-3);
        let bins = 2.0 / measures.spectrum.as_ref().unwrap().n() as f64;
        errors.check(
            "bandwidth",
            &measures.upscaling.unwrap().bandwidth.into(),
            &row["bandwidth"],
            0.0,
            bins,
        );
        let name = text(row, "base");
        let base = bases.entry(name.to_owned()).or_insert_with(|| measured(name).spectrum.unwrap());
        assert_eq!(errors.check_fields(&blur(base, measures.spectrum.as_ref().unwrap()), row, 1e-3, 1e-4), 2);
    }
    for row in rows(&expected, "chart") {
        let found: Value = measured(text(row, "image")).edge_sigma.unwrap().into();
        errors.check("chart edge_sigma", &found, &row["edge_sigma"], 1e-3, 1e-3);
        errors.check("chart truth", &found, &row["sigma"], 0.06, 0.0);
    }
    for row in rows(&expected, "keep") {
        let [source, edited] = ["source", "edited"].map(|key| measured(text(row, key)));
        let sigmas = json!([source.edge_sigma.unwrap(), edited.edge_sigma.unwrap()]);
        errors.check("keep edge_sigma", &sigmas, &row["edge_sigma"], 1e-3, 1e-3);
        let found = blur(&source.spectrum.unwrap(), &edited.spectrum.unwrap());
        assert_eq!(errors.check_fields(&found, row, 1e-3, 1e-4), 2);
        errors.check("keep truth", &found["rel_sigma2"], &row["truth"]["rel_sigma2"], 0.02, 1e-3);
    }
    for row in rows(&expected, "upscale") {
        let measures = measured(text(row, "image"));
        errors.check(
            "hf_share_quarter",
            &sharp(&measures)["hf_share_quarter"],
            &row["hf_share_quarter"],
            1e-4,
            0.0,
        );
        assert_eq!(errors.check_fields(&upscaling(&measures), row, 1e-3, 1e-6), 5);
    }
    errors.print("blur");
}

#[test]
fn golden_artifacts_agree() {
    let Some((folder, _)) = golden() else { return };
    let expected = load_json(&folder.join("expected_artefacts.json"));
    let mut errors = Errors::default();
    for row in rows(&expected, "checkerboard") {
        let measures = measure_image(&load_golden(text(row, "image")));
        assert_eq!(errors.check_fields(&checkerboard(&measures), row, 1e-4, 1e-4), 3);
    }
    for row in rows(&expected, "jpeg_grid") {
        let measures = measure_image(&load_golden(text(row, "image")));
        for (axis, found) in ["x", "y"].into_iter().zip(grid(&measures)) {
            assert_eq!(errors.check_fields(&found, &row[axis], 1e-4, 1e-4), 3);
        }
    }
    errors.print("artifacts");
}

/// Every image as it is and at the side of its session, and each pair at that side.
#[test]
fn golden_rounds_agree() {
    let Some((folder, _)) = golden() else { return };
    let expected = load_json(&folder.join("expected_rounds.json"));
    let mut errors = Errors::default();
    for session in rows(&expected, "sessions") {
        let side = session["side"].as_u64().unwrap();
        let mut measured = Vec::new();
        for (name, row) in rows(session, "files").iter().zip(rows(session, "per_image")) {
            let pixels = load_golden(name.as_str().unwrap());
            let native = measure_image(&pixels);
            assert_eq!(errors.check_fields(&colors(&native.color), &row["colour"], 1e-4, 1e-3), 9);
            assert_eq!(errors.check_fields(&colors(&native.color), &row["cast"], 1e-4, 1e-3), 11);
            assert_eq!(errors.check_fields(&sharp(&native), &row["sharp_native"], 1e-3, 1e-9), 8);
            let resized = measure_image(&to_side(&pixels, side));
            assert_eq!(errors.check_fields(&sharp(&resized), &row["sharp_side"], 1e-3, 1e-9), 8);
            measured.push((native, resized));
        }
        for (round, row) in rows(session, "rounds").iter().enumerate() {
            for (reference, key) in [(0, "vs_source"), (round, "vs_previous")] {
                let ((source, small_source), (edited, small_edited)) =
                    (&measured[reference], &measured[round + 1]);
                let row = &row[key];
                let found = color_shift(&source.color, &edited.color);
                assert_eq!(errors.check_fields(&found, &row["colour"], 1e-4, 1e-3), 12);
                let [source, edited] = [small_source, small_edited].map(|one| one.spectrum.as_ref().unwrap());
                assert_eq!(
                    errors.check_fields(&drift(source, edited), &row["sharp"]["spectrum"], 1e-3, 1e-4),
                    5
                );
                assert_eq!(errors.check_fields(&blur(source, edited), &row["sharp"], 1e-3, 1e-4), 2);
            }
        }
    }
    errors.print("rounds");
}

/// The short side becomes `side`.
fn to_side(pixels: &Pixels, side: u64) -> Pixels {
    let (width, height) = (u64::from(pixels.width()), u64::from(pixels.height()));
    let short = width.min(height);
    let scaled = |length: u64| ((2 * length * side + short) / (2 * short)) as u32;
    if short == side { pixels.clone() } else { resize_bicubic(pixels, scaled(width), scaled(height)) }
}
