//! Which part of the source the edited image shows.

use imgeval_core::{BoundingBox, Pixels};
use imgeval_metrics::registration::Alignment;
use imgeval_vision::canvas::Canvas;

use super::{
    Panel,
    blocks::fitted,
    color_map::{NOTHING, VERMILION},
};

/// Long side of the source as it is drawn.
const SIDE: u32 = 560;
/// At most this much of the source's sides is added where the edited image reaches beyond it.
const BEYOND: f64 = 0.5;
const LINE: f32 = 3.0;
/// What is cut off is covered by this much black, and every so many pixels by a lighter line.
const SHADE: f32 = 0.62;
const HATCH: usize = 12;
const HATCH_LIGHT: f32 = 0.45;

/// The source with the frame of the edited image; what that does not show is dark and hatched, what it adds is gray.
#[must_use]
pub fn frame_panel(source: &Pixels, alignment: &Alignment) -> Panel {
    let source = fitted(source, SIDE, SIDE);
    let sides = [source.width(), source.height()].map(f64::from);
    let start = [0, 1].map(|axis| alignment.b[axis] * sides[axis]);
    let end = [0, 1].map(|axis| (alignment.b[axis] + alignment.a[axis]) * sides[axis]);
    let before = [0, 1].map(|axis| (-start[axis]).clamp(0.0, BEYOND * sides[axis]).round());
    let after = [0, 1].map(|axis| (end[axis] - sides[axis]).clamp(0.0, BEYOND * sides[axis]).round());
    let whole = [0, 1].map(|axis| (before[axis] + sides[axis] + after[axis]) as u32);
    let mut canvas = Canvas::new(whole[0], whole[1], NOTHING);
    canvas.paste(&source, before[0] as usize, before[1] as usize);
    let [left, top] = [0, 1].map(|axis| (start[axis] + before[axis]).round().max(0.0));
    let [right, bottom] = [0, 1].map(|axis| (end[axis] + before[axis]).round().min(f64::from(whole[axis])));
    for y in before[1] as usize..before[1] as usize + source.height() as usize {
        for x in before[0] as usize..before[0] as usize + source.width() as usize {
            let is_shown = (left..right).contains(&(x as f64)) && (top..bottom).contains(&(y as f64));
            if !is_shown {
                canvas.blend(x as f32, y as f32, [0; 3], SHADE);
                if (x + y) % HATCH < 2 {
                    canvas.blend(x as f32, y as f32, [255; 3], HATCH_LIGHT);
                }
            }
        }
    }
    let corners = [left, top, right, bottom].map(|place| place as f32);
    canvas.frame(BoundingBox::from_array(corners), LINE, VERMILION);
    Panel::new("source with the frame of the answer", canvas.into_pixels())
}
