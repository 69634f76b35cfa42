//! The edited region, and the part of it that should not have changed.

use imgeval_metrics::{
    locality::{Bits, EditedRegion, with_margin},
    registration::AlignedPair,
};
use imgeval_vision::canvas::Canvas;

use super::{
    Panel,
    color_map::{NOTHING, VERMILION, YELLOW},
};
use crate::pictures::subject::pixels_of;

/// Half of an outline's width, in pixels of the grid.
const LINE: usize = 2;
const VEIL: f32 = 0.45;
const DARK: [u8; 3] = [0; 3];

/// The edited image in the source's frame with the region that was found. With a mask (set where the image was to be edited) its
/// outline is black and white, and what was edited outside it and its margin is covered in another color.
#[must_use]
pub fn region_panel(pair: &AlignedPair, found: &EditedRegion, mask: Option<&Bits>) -> Panel {
    let mut canvas = Canvas::of(&answer_on_source(pair));
    let leak = mask.map(|mask| found.region.and(&with_margin(mask).not()));
    if let Some(leak) = &leak {
        cover(&mut canvas, leak, VERMILION, VEIL);
        outline(&mut canvas, &found.region.and(&leak.not()), YELLOW, LINE);
        outline(&mut canvas, leak, VERMILION, LINE);
    } else {
        outline(&mut canvas, &found.region, YELLOW, LINE);
    }
    if let Some(mask) = mask {
        outline(&mut canvas, mask, [255; 3], LINE);
        outline(&mut canvas, mask, DARK, LINE / 2);
    }
    let heading = match &leak {
        Some(_) => "edited: yellow inside the mask, red outside it; mask: black and white line",
        None => "edited region (yellow line)",
    };
    Panel::new(heading, canvas.into_pixels())
}

/// The share of the overlap that was edited outside the mask and its margin, in [0, 1].
pub(super) fn leak_share(pair: &AlignedPair, found: &EditedRegion, mask: &Bits) -> f64 {
    let leak = found.region.and(&with_margin(mask).not());
    let inside = pair.is_inside().iter().filter(|inside| **inside).count();
    leak.count() as f64 / inside.max(1) as f64
}

/// The edited image on the source's grid, gray where it does not reach.
pub(super) fn answer_on_source(pair: &AlignedPair) -> imgeval_core::Pixels {
    let mut rgb = pair.rounded();
    for (pixel, inside) in rgb.chunks_exact_mut(3).zip(pair.is_inside()) {
        if !inside {
            pixel.copy_from_slice(&NOTHING);
        }
    }
    pixels_of(pair, rgb)
}

fn cover(canvas: &mut Canvas, bits: &Bits, color: [u8; 3], coverage: f32) {
    let width = bits.width();
    for (place, _) in bits.values().iter().enumerate().filter(|(_, value)| **value) {
        canvas.blend((place % width) as f32, (place / width) as f32, color, coverage);
    }
}

/// Along the inner side.
fn outline(canvas: &mut Canvas, bits: &Bits, color: [u8; 3], line: usize) {
    cover(canvas, &bits.and(&bits.eroded(line).not()), color, 1.0);
}
