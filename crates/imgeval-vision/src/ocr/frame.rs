//! The image as the detector takes it, and the way back to the image as it is.

use imgeval_core::Pixels;
use imgeval_resample::opencv::resize_bilinear;

use super::geometry::Quad;

/// Longer images are scaled down to this.
const LONGEST_SIDE: u32 = 2000;
/// Narrower images are scaled up to this.
const SHORTEST_SIDE: u32 = 30;
/// Images up to this height get bars above and below.
const LEAST_HEIGHT: u32 = 30;
/// Images wider than this many times their height get bars, too.
const WIDEST: u32 = 8;
/// The detector wants at least this on the shorter side.
const DETECTOR_SIDE: u32 = 736;
/// Its strides want multiples of this.
const MULTIPLE: u32 = 32;
/// The detector's memory grows with its input, about 100 bytes a pixel.
const MOST_PIXELS: u64 = 1 << 24;

/// An image between 30 and 2000 pixels, with bars where it is very wide.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) pixels: Pixels,
    bar: u32,
    /// Of the image, over that of the scaled one.
    scale: [f64; 2],
    size: [u32; 2],
}

impl Frame {
    /// `None` if the image is so thin that a side would vanish, or that the detector's input would be huge.
    pub(super) fn of(image: &Pixels) -> Option<Self> {
        let size = [image.width(), image.height()];
        let mut scaled = size;
        if scaled[0].max(scaled[1]) > LONGEST_SIDE {
            scaled = fitted(scaled, f64::from(LONGEST_SIDE) / f64::from(scaled[0].max(scaled[1])))?;
        }
        if scaled[0].min(scaled[1]) < SHORTEST_SIDE {
            scaled = fitted(scaled, f64::from(SHORTEST_SIDE) / f64::from(scaled[0].min(scaled[1])))?;
        }
        let [width, height] = scaled;
        let bar = if height <= LEAST_HEIGHT || width > WIDEST * height {
            (2 * (width / WIDEST).max(LEAST_HEIGHT)).abs_diff(height) / 2
        } else {
            0
        };
        let [width, height] = detector_size([width, height + 2 * bar])?;
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return None;
        }
        let pixels = resize_bilinear(image, scaled[0], scaled[1]);
        let pixels = if bar == 0 { pixels } else { with_bars(&pixels, bar)? };
        let scale = [0, 1].map(|axis| f64::from(size[axis]) / f64::from(scaled[axis]));
        Some(Self { pixels, bar, scale, size })
    }

    /// The frame at the size at which the detector looks at it.
    pub(super) fn for_detector(&self) -> Option<Pixels> {
        let [width, height] = detector_size([self.pixels.width(), self.pixels.height()])?;
        Some(resize_bilinear(&self.pixels, width, height))
    }

    /// A box of the frame on the image, inside it.
    pub(super) fn on_image(&self, quad: &Quad) -> Quad {
        quad.map(|[x, y]| {
            let at = [x * self.scale[0], (y - f64::from(self.bar)) * self.scale[1]];
            [0, 1].map(|axis| at[axis].clamp(0.0, f64::from(self.size[axis])))
        })
    }
}

fn detector_size(size: [u32; 2]) -> Option<[u32; 2]> {
    let shortest = size[0].min(size[1]);
    fitted(size, (f64::from(DETECTOR_SIDE) / f64::from(shortest)).max(1.0))
}

/// Both sides scaled, cut to whole numbers and taken to the nearest multiple of 32 (from the middle to the even one).
fn fitted(size: [u32; 2], scale: f64) -> Option<[u32; 2]> {
    let multiple = f64::from(MULTIPLE);
    let side = |side: u32| ((f64::from(side) * scale).trunc() / multiple).round_ties_even() * multiple;
    let sides = size.map(|length| side(length) as u32);
    (sides[0] > 0 && sides[1] > 0).then_some(sides)
}

fn with_bars(pixels: &Pixels, bar: u32) -> Option<Pixels> {
    let n_black = 3 * pixels.width() as usize * bar as usize;
    let mut rgb = vec![0; n_black];
    rgb.extend_from_slice(pixels.rgb());
    rgb.resize(rgb.len() + n_black, 0);
    Pixels::new(pixels.width(), pixels.height() + 2 * bar, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: [u32; 2], frame: Option<[u32; 2]>, detector: Option<[u32; 2]>) {
        let pixels = Pixels::new(size[0], size[1], vec![7; 3 * (size[0] * size[1]) as usize]).unwrap();
        let found = Frame::of(&pixels);
        let size_of = |pixels: &Pixels| [pixels.width(), pixels.height()];
        assert_eq!(found.as_ref().map(|frame| size_of(&frame.pixels)), frame, "{size:?}");
        let looked_at = found.and_then(|frame| frame.for_detector());
        assert_eq!(looked_at.as_ref().map(size_of), detector, "{size:?}");
    }

    // rapidocr-onnxruntime 1.4.4: `preprocess`, `maybe_add_letterbox` and the shape of the detector's input.
    #[test]
    fn sizes_follow_the_reference() {
        check([640, 320], Some([640, 320]), Some([1472, 736]));
        check([180, 24], Some([224, 32]), Some([5152, 736]));
        check([560, 63], Some([560, 139]), Some([2976, 736]));
        check([1333, 2777], Some([960, 1984]), Some([960, 1984]));
        check([5000, 1], None, None);
        check([31, 2000], None, None);
    }

    #[test]
    fn boxes_go_back_to_the_image() {
        let pixels = Pixels::new(560, 63, vec![7; 3 * 560 * 63]).unwrap();
        let frame = Frame::of(&pixels).unwrap();
        let found = frame.on_image(&[[14.0, 20.0], [600.0, 38.0], [600.0, 101.0], [14.0, 139.0]]);
        assert_eq!(found, [[14.0, 0.0], [560.0, 0.0], [560.0, 63.0], [14.0, 63.0]]);
    }
}
