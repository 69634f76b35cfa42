//! Geometry against OpenCV and pyclipper (`scripts/reference/ocr.py`), and, where the weights and the golden files are, the
//! whole reader against rapidocr-onnxruntime 1.4.4.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use imgeval_core::{Pixels, TextLine, TextReader as _};
use serde_json::Value;

use super::{
    batches::{Batch, recognizer_batches},
    contours::find_borders,
    crop::cut,
    ctc::largest,
    frame::Frame,
    geometry::{Point, Quad, clockwise_from_top_left, convex_hull, distance},
    offset::grow,
    reader::{OcrFiles, PpOcrReader},
    rectangle::smallest_rectangle,
    regions::find_boxes,
};
use crate::{DecodeLimits, load_image};

const GEOMETRY: &str = include_str!("../../tests/fixtures/ocr/geometry.json");

fn points(value: &Value) -> Vec<Point> {
    let point = |point: &Value| [0, 1].map(|axis| point[axis].as_f64().unwrap());
    value.as_array().unwrap().iter().map(point).collect()
}

fn quad(value: &Value) -> Quad {
    points(value).try_into().unwrap()
}

fn sorted(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.partial_cmp(b).unwrap());
    points.dedup();
    points
}

fn furthest(a: &Quad, b: &Quad) -> f64 {
    let [a, b] = [a, b].map(|quad| clockwise_from_top_left(*quad));
    a.iter().zip(b).map(|(a, b)| distance(*a, b)).fold(0.0, f64::max)
}

#[test]
fn borders_and_rectangles_are_those_of_opencv() {
    let expected: Value = serde_json::from_str(GEOMETRY).unwrap();
    let rows: Vec<&str> =
        expected["bitmap"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    let bitmap: Vec<bool> = rows.concat().bytes().map(|byte| byte == b'1').collect();
    let found = find_borders(&bitmap, rows[0].len(), 1000);
    let borders = expected["borders"].as_array().unwrap();
    assert_eq!(found.len(), borders.len());
    for (found, border) in found.into_iter().zip(borders) {
        assert_eq!(sorted(found.clone()), sorted(points(&border["points"])));
        if let Some((rectangle, _)) = smallest_rectangle(&found) {
            assert!(furthest(&rectangle, &quad(&border["rectangle"])) < 1e-3, "{rectangle:?} {border}");
        }
    }
    assert_eq!(find_borders(&bitmap, rows[0].len(), 2).len(), 2);
}

#[test]
fn offsets_are_those_of_clipper() {
    let expected: Value = serde_json::from_str(GEOMETRY).unwrap();
    for case in expected["offsets"].as_array().unwrap() {
        let grown = grow(&points(&case["polygon"]), case["by"].as_f64().unwrap());
        assert_eq!(sorted(convex_hull(&grown)), sorted(convex_hull(&points(&case["hull"]))), "{case}");
        let (rectangle, _) = smallest_rectangle(&grown).unwrap();
        assert!(furthest(&rectangle, &quad(&case["rectangle"])) < 1e-3, "{rectangle:?} {case}");
    }
    assert!(grow(&[[0.0, 0.0], [0.9, 0.0], [0.5, 0.9]], 3.0).is_empty());
}

/// As the reference script makes it.
fn picture(side: u32) -> Pixels {
    let pixel = |x: u32, y: u32| {
        [(x * x + 3 * y) % 251, (x * y + 7 * x) % 241, ((x / 5) * 40 + (y / 7) * 30) % 256]
            .map(|value| value as u8)
    };
    let rgb = (0..side).flat_map(|y| (0..side).flat_map(move |x| pixel(x, y))).collect();
    Pixels::new(side, side, rgb).unwrap()
}

#[test]
fn crops_are_those_of_opencv() {
    let expected: Value = serde_json::from_str(GEOMETRY).unwrap();
    let picture = picture(expected["side"].as_u64().unwrap() as u32);
    for case in expected["crops"].as_array().unwrap() {
        let crop = cut(&picture, &quad(&case["quad"])).unwrap();
        assert_eq!(serde_json::json!([crop.width(), crop.height()]), case["size"]);
        let rows = crop.rgb().chunks_exact(3 * crop.width() as usize);
        let sums: Vec<u64> = rows.clone().map(|row| row.iter().copied().map(u64::from).sum()).collect();
        // The order of sums may round a value to its neighbor.
        let is_near =
            |found: u64, expected: &Value, steps: u64| found.abs_diff(expected.as_u64().unwrap()) <= steps;
        let expected = case["row_sums"].as_array().unwrap();
        assert!(
            sums.iter().zip(expected).all(|(sum, expected)| is_near(*sum, expected, 2)),
            "{sums:?} {expected:?}"
        );
        let first = rows.clone().nth(1).unwrap().iter().map(|value| u64::from(*value));
        let expected = case["first_pixels"].as_array().unwrap();
        assert!(first.zip(expected).all(|(value, expected)| is_near(value, expected, 1)), "{expected:?}");
    }
    assert!(cut(&picture, &[[1.0, 1.0]; 4]).is_none());
}

/// The golden folder, and a reader from the models folder that `IMGEVAL_MODELS_DIR` names.
fn golden() -> Option<(PathBuf, PpOcrReader)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/drift");
    let models = PathBuf::from(env::var_os("IMGEVAL_MODELS_DIR")?);
    let [detector, classifier, recognizer] =
        ["ch_PP-OCRv4_det_infer.onnx", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx"]
            .map(|name| models.join(name));
    let files = OcrFiles { detector, classifier, recognizer };
    let is_here = folder.join("expected_ocr.json").is_file() && files.recognizer.is_file();
    is_here.then(|| (folder, PpOcrReader::load(&files).unwrap()))
}

fn cases(folder: &Path, file: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap();
    document.get("cases").unwrap_or(&document).as_array().unwrap().clone()
}

fn image(folder: &Path, case: &Value) -> Pixels {
    load_image(&folder.join(case["image"].as_str().unwrap()), &DecodeLimits::default()).unwrap().pixels
}

/// Median and largest.
fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    format!(
        "{} values, median {:.6}, worst {:.6}",
        values.len(),
        values[values.len() / 2],
        values[values.len() - 1]
    )
}

#[test]
fn golden_images_are_read_as_the_reference_reads_them() {
    let Some((folder, reader)) = golden() else { return };
    reader.check().unwrap();
    let (mut places, mut confidences) = (Vec::new(), Vec::new());
    for file in ["expected_ocr.json", "expected_ocr_extra.json"] {
        for case in cases(&folder, file) {
            let found = reader.read(&image(&folder, &case)).unwrap();
            let expected = case["lines"].as_array().unwrap();
            let texts = |lines: &[TextLine]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
            let wanted: Vec<&str> = expected.iter().map(|line| line["text"].as_str().unwrap()).collect();
            assert_eq!(texts(&found), wanted, "{}", case["name"]);
            for (line, expected) in found.iter().zip(expected) {
                let corners = quad(&expected["box"]);
                let off = line.corners.iter().zip(corners).flat_map(|(a, b)| [a[0] - b[0], a[1] - b[1]]);
                places.push(off.map(f64::abs).fold(0.0, f64::max));
                confidences.push((f64::from(line.confidence) - expected["score"].as_f64().unwrap()).abs());
            }
        }
    }
    println!("boxes in pixels: {}", spread(places.clone()));
    println!("confidences: {}", spread(confidences.clone()));
    assert!(places.iter().all(|off| *off <= 3.0) && confidences.iter().all(|off| *off <= 0.05));
}

#[test]
fn golden_maps_and_batches_agree() {
    let Some((folder, reader)) = golden() else { return };
    let (mut counts, mut sums) = (Vec::new(), Vec::new());
    for case in cases(&folder, "expected_ocr.json") {
        let frame = Frame::of(&image(&folder, &case)).unwrap();
        let map = reader.text_map(&frame.for_detector().unwrap()).unwrap();
        let count = map.values.iter().filter(|value| **value > 0.3).count() as f64;
        let expected = case["det"]["map_above_0_3"].as_f64().unwrap();
        counts.push((count - expected).abs() / expected.max(1.0));
        let boxes = find_boxes(&map, [frame.pixels.width(), frame.pixels.height()]);
        assert_eq!(boxes.len(), case["det_boxes"].as_array().unwrap().len(), "{}", case["name"]);
        let lines: Vec<Pixels> = boxes.iter().map(|quad| cut(&frame.pixels, quad).unwrap()).collect();
        for (batch, expected) in recognizer_batches(&lines).iter().zip(case["rec"].as_array().unwrap()) {
            assert_eq!(serde_json::json!(batch.shape), expected["input_shape"], "{}", case["name"]);
            let size: usize = batch.shape[1..].iter().product();
            for (values, sum) in
                batch.values.chunks_exact(size).zip(expected["input_sum"].as_array().unwrap())
            {
                let found: f64 = values.iter().copied().map(f64::from).sum();
                sums.push((found - sum.as_f64().unwrap()).abs() / size as f64);
            }
        }
    }
    println!("pixels above 0.3, relative: {}", spread(counts.clone()));
    println!("sums of recognizer inputs, by value: {}", spread(sums));
    assert!(counts.iter().all(|off| *off <= 0.02));
}

#[test]
fn golden_batches_give_the_classes_of_the_reference() {
    let Some((folder, reader)) = golden() else { return };
    let mut archive = zip::ZipArchive::new(fs::File::open(folder.join("ocr/tensors.npz")).unwrap()).unwrap();
    let mut n_steps = 0;
    for case in cases(&folder, "expected_ocr.json") {
        for (index, expected) in case["rec"].as_array().unwrap().iter().enumerate() {
            let name = format!("{}/rec_input_{index}.npy", case["name"].as_str().unwrap());
            let mut bytes = Vec::new();
            archive.by_name(&name).unwrap().read_to_end(&mut bytes).unwrap();
            let shape: Vec<usize> = serde_json::from_value(expected["input_shape"].clone()).unwrap();
            let shape: [usize; 4] = shape.try_into().unwrap();
            let data = &bytes[bytes.len() - shape.iter().product::<usize>()..];
            // Padding is 128 there and 0 in the network's input.
            let number =
                |value: &u8| if *value == 128 { 0.0 } else { (f32::from(*value) / 255.0 - 0.5) * 2.0 };
            let batch =
                Batch { lines: (0..shape[0]).collect(), shape, values: data.iter().map(number).collect() };
            let output = reader.probabilities(batch).unwrap();
            let classes: Vec<usize> =
                output.values.chunks_exact(output.shape[2]).map(|step| largest(step).0).collect();
            let found: Vec<&[usize]> = classes.chunks_exact(output.shape[1]).collect();
            assert_eq!(serde_json::json!(found), expected["argmax"], "{name}");
            n_steps += classes.len();
            let surest = output.values.chunks_exact(output.shape[2]).map(|step| f64::from(largest(step).1));
            let surest: Vec<f64> = surest.collect();
            for (line, mean) in
                surest.chunks_exact(output.shape[1]).zip(expected["max_prob_mean"].as_array().unwrap())
            {
                let found = line.iter().sum::<f64>() / line.len() as f64;
                assert!((found - mean.as_f64().unwrap()).abs() < 0.02, "{name}: {found} {mean}");
            }
        }
    }
    println!("{n_steps} steps of the recognizer have the reference's class");
}
