//! Reference: `scripts/reference/yolov3_tiny.py` (OpenCV's Darknet importer, CPU, f32).

use std::{fs, path::PathBuf};

use imgeval_core::{Detector, Pixels};
use imgeval_vision::{
    PreviewDetector,
    preview::{INPUT_SIDE, Network, RawHead},
};
use serde_json::Value;

use crate::random_weights::{Stream, WEIGHT_FILE};

/// Relative to the largest activation of a head.
const RELATIVE_TOLERANCE: f32 = 2e-4;

fn check_head(name: &str, head: &RawHead, expected: &Value) {
    assert_eq!(head.side as u64, expected["side"].as_u64().unwrap(), "{name}");
    let largest = expected["largest"].as_f64().unwrap() as f32;
    let indices = expected["indices"].as_array().unwrap();
    let mut worst = 0.0_f32;
    for (index, value) in indices.iter().zip(expected["values"].as_array().unwrap()) {
        let found = head.values[index.as_u64().unwrap() as usize];
        worst = worst.max((found - value.as_f64().unwrap() as f32).abs() / largest);
    }
    println!("{name}: largest relative difference {worst:e}");
    assert!(worst < RELATIVE_TOLERANCE, "{name}: {worst}");
}

#[test]
fn raw_activations_match_opencv() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/yolov3_tiny_random.json");
    let expected: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let network = Network::from_weights(&WEIGHT_FILE).unwrap();
    let input = Stream(2).take(3 * INPUT_SIDE * INPUT_SIDE).map(|value| (0.5 + 0.5 * value) as f32).collect();
    let outputs = network.forward(input).unwrap();
    check_head("coarse", &outputs.coarse, &expected["coarse"]);
    check_head("fine", &outputs.fine, &expected["fine"]);
}

#[test]
fn detections_are_ordered_inside_the_picture_and_repeatable() {
    let detector = PreviewDetector::from_bytes(&WEIGHT_FILE).unwrap();
    let rgb = Stream(3).take(97 * 61 * 3).map(|value| (127.5 + 127.5 * value) as u8).collect();
    let pixels = Pixels::new(97, 61, rgb).unwrap();
    let found = detector.inspect(&pixels).unwrap();
    assert!(found.len() > 10, "{}", found.len());
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    for detection in &found {
        let [x1, y1, x2, y2] = detection.bounding_box.to_array();
        assert!(0.0 <= x1 && x1 < x2 && x2 <= 97.0, "{detection:?}");
        assert!(0.0 <= y1 && y1 < y2 && y2 <= 61.0, "{detection:?}");
        assert!(detection.score > 0.05 && detection.score <= 1.0);
    }
    let again = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| detector.inspect(&pixels).unwrap()));
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(again.iter().all(|other| *other == found));
}
