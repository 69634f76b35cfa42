//! Where in an image a detector sees a trace: its score of each window of native pixels.

use imgeval_core::Pixels;

use crate::{
    port::{Detector, ForensicsError},
    source::{Reader, SourceImage},
};

/// Scores of square windows, which overlap by half.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceMap {
    /// Of a window, in pixels.
    pub side: u32,
    pub lefts: Vec<u32>,
    pub tops: Vec<u32>,
    /// Row by row, in [0, 1], higher for fake.
    pub scores: Vec<f64>,
}

/// Judges every window as a separate image, read as Pillow reads it. An image smaller than a window is one window.
///
/// # Errors
/// If the detector does not use crops of native pixels, or fails on a window.
pub fn trace_map(detector: &dyn Detector, image: &SourceImage) -> Result<TraceMap, ForensicsError> {
    let description = detector.description();
    let side = description.native_crop.ok_or(ForensicsError::NoNativeCrop { detector: description.id })?;
    let pixels = image.read_by(Reader::Pillow);
    let (lefts, tops) = (starts(pixels.width(), side), starts(pixels.height(), side));
    let mut scores = Vec::with_capacity(lefts.len() * tops.len());
    for top in &tops {
        for left in &lefts {
            let window = SourceImage::of_pixels(cut(pixels, *left, *top, side));
            scores.push(detector.judge(&window)?.score);
        }
    }
    Ok(TraceMap { side, lefts, tops, scores })
}

/// Where windows begin: half a window apart, the last at the border.
fn starts(length: u32, side: u32) -> Vec<u32> {
    let last = length.saturating_sub(side);
    let step = (side / 2).max(1);
    let mut starts: Vec<u32> = (0..).map(|number| number * step).take_while(|start| *start < last).collect();
    starts.push(last);
    starts
}

/// The part of an image that a window covers.
fn cut(image: &Pixels, left: u32, top: u32, side: u32) -> Pixels {
    let (width, height) = (side.min(image.width() - left), side.min(image.height() - top));
    let row = |y: u32| {
        let start = 3 * (y as usize * image.width() as usize + left as usize);
        &image.rgb()[start..start + 3 * width as usize]
    };
    let rgb: Vec<u8> = (top..top + height).flat_map(row).copied().collect();
    Pixels::new(width, height, rgb).unwrap_or_else(|| image.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_an_image_to_its_border() {
        assert_eq!(starts(100, 224), [0]);
        assert_eq!(starts(224, 224), [0]);
        assert_eq!(starts(500, 224), [0, 112, 224, 276]);
        let image = Pixels::new(3, 2, (0..18).collect()).unwrap();
        assert_eq!(cut(&image, 1, 0, 2).rgb(), [3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17]);
        assert_eq!(cut(&image, 0, 0, 5), image);
    }
}
