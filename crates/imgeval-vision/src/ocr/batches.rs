//! Pixels as the networks take them: blue, green, red, planes after each other, in -1 to 1.

use std::ops::Range;

use imgeval_core::Pixels;
use imgeval_resample::opencv::resize_bilinear;

/// Lines that go through a network at once.
const BATCH: usize = 6;
/// The height of a line in the classifier and the recognizer.
const LINE_HEIGHT: u32 = 48;
const CLASSIFIER_WIDTH: usize = 192;
/// The recognizer's input is at least this wide.
const RECOGNIZER_WIDTH: f64 = 320.0;

/// One input of a network, `[images, 3, rows, columns]`.
#[derive(Debug)]
pub(super) struct Batch {
    /// Which lines these are.
    pub(super) lines: Vec<usize>,
    pub(super) shape: [usize; 4],
    pub(super) values: Vec<f32>,
}

/// A whole image for the detector.
pub(super) fn detector_input(pixels: &Pixels) -> ([usize; 4], Vec<f32>) {
    // In the reference's mixture of 32 and 64 bits.
    let scale = 1.0 / 255.0;
    let numbers = std::array::from_fn(|value| (f64::from(value as f32 * scale as f32) - 0.5) as f32 / 0.5);
    let shape = [1, 3, pixels.height() as usize, pixels.width() as usize];
    let mut values = vec![0.0; shape.iter().product()];
    write(pixels, &numbers, &mut values, shape[3]);
    (shape, values)
}

/// The lines for the classifier, narrow ones first.
pub(super) fn classifier_batches(lines: &[Pixels]) -> Vec<Batch> {
    batches(lines).map(|chosen| pack(lines, chosen, CLASSIFIER_WIDTH)).collect()
}

/// The lines for the recognizer, narrow ones first; each batch is as wide as its widest line.
pub(super) fn recognizer_batches(lines: &[Pixels]) -> Vec<Batch> {
    batches(lines)
        .map(|chosen| {
            let height = f64::from(LINE_HEIGHT);
            let widest =
                chosen.iter().map(|index| ratio(&lines[*index])).fold(RECOGNIZER_WIDTH / height, f64::max);
            pack(lines, chosen, (height * widest) as usize)
        })
        .collect()
}

fn ratio(line: &Pixels) -> f64 {
    f64::from(line.width()) / f64::from(line.height())
}

fn batches(lines: &[Pixels]) -> impl Iterator<Item = Vec<usize>> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|a, b| ratio(&lines[*a]).total_cmp(&ratio(&lines[*b])));
    let starts: Vec<Range<usize>> =
        (0..order.len()).step_by(BATCH).map(|start| start..(start + BATCH).min(order.len())).collect();
    starts.into_iter().map(move |range| order[range].to_vec())
}

/// The lines at the height of the network, at most `width` wide; to their right zeros, which are a middle gray.
fn pack(lines: &[Pixels], chosen: Vec<usize>, width: usize) -> Batch {
    let numbers = std::array::from_fn(|value| (value as f32 / 255.0 - 0.5) / 0.5);
    let size = 3 * LINE_HEIGHT as usize * width;
    let mut values = vec![0.0; chosen.len() * size];
    for (index, target) in chosen.iter().zip(values.chunks_exact_mut(size)) {
        let line = &lines[*index];
        let scaled = (f64::from(LINE_HEIGHT) * ratio(line)).ceil().min(width as f64);
        write(&resize_bilinear(line, scaled as u32, LINE_HEIGHT), &numbers, target, width);
    }
    Batch { shape: [chosen.len(), 3, LINE_HEIGHT as usize, width], lines: chosen, values }
}

/// `numbers` are those that the 256 values become; rows of `target` are `stride` wide.
fn write(pixels: &Pixels, numbers: &[f32; 256], target: &mut [f32], stride: usize) {
    let width = pixels.width() as usize;
    let plane = target.len() / 3;
    for (row, line) in pixels.rgb().chunks_exact(3 * width).enumerate() {
        for channel in 0..3 {
            let start = (2 - channel) * plane + row * stride;
            let values = line.iter().skip(channel).step_by(3);
            for (target, value) in target[start..start + width].iter_mut().zip(values) {
                *target = numbers[usize::from(*value)];
            }
        }
    }
}
