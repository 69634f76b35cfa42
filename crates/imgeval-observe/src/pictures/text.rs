//! The text that was read, character by character.

use imgeval_core::Pixels;
use imgeval_metrics::text::{Fragment, Mark, TextNotMeasurable, WordSpaces, mark_characters};
use imgeval_suites::checks::ReadLine;
use imgeval_vision::canvas::{Canvas, text_width};

use super::{
    Panel,
    blocks::fitted,
    color_map::{BLUE, GREEN, VERMILION},
};

/// Long side of the image as it is drawn.
const SIDE: u32 = 900;
const VEIL: f32 = 0.42;
const LINE: f64 = 3.0;
/// Taller boxes are read from top to bottom, as readers turn them.
const TALL: f64 = 1.5;

/// How many characters there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextCounts {
    pub right: usize,
    pub wrong: usize,
    pub extra: usize,
    pub missing: usize,
}

/// The image with a box around each line that was read, in which each character has the color of what it is: right, wrong, or
/// extra. Characters share a box by their usual widths, so that their places are about right.
///
/// # Errors
/// If there is no line to compare with, or a line or box is damaged.
pub fn text_panel<Text: AsRef<str>>(
    pixels: &Pixels,
    lines: &[ReadLine],
    targets: &[Text],
) -> Result<(Panel, TextCounts), TextNotMeasurable> {
    let fragments: Vec<Fragment> =
        lines.iter().map(|line| Fragment { corners: line.corners, text: line.text.clone() }).collect();
    let marked = mark_characters(targets, &fragments, WordSpaces::of_texts(targets))?;
    let all = || marked.fragments.iter().flatten();
    let count = |mark: Mark| all().filter(|(_, found)| *found == mark).count();
    let counts = TextCounts {
        right: count(Mark::Right),
        wrong: count(Mark::Wrong),
        extra: count(Mark::Extra),
        missing: marked.missing.iter().sum(),
    };
    let small = fitted(pixels, SIDE, SIDE);
    let scale = f64::from(small.width()) / f64::from(pixels.width());
    let mut canvas = Canvas::of(&small);
    for (line, marks) in lines.iter().zip(&marked.fragments) {
        draw(&mut canvas, line.corners.map(|corner| corner.map(|place| place * scale)), marks);
    }
    let heading = "characters read: green correct, red wrong, blue extra";
    Ok((Panel::new(heading, canvas.into_pixels()), counts))
}

fn draw(canvas: &mut Canvas, corners: [[f64; 2]; 4], marks: &[(char, Mark)]) {
    let [start, mut along, _, mut across] = corners;
    let vector = |to: [f64; 2]| [to[0] - start[0], to[1] - start[1]];
    let length = |[x, y]: [f64; 2]| f64::hypot(x, y);
    if length(vector(across)) > TALL * length(vector(along)) {
        (along, across) = (across, along);
    }
    let (along, across) = (vector(along), vector(across));
    let area = along[0] * across[1] - along[1] * across[0];
    if area.abs() < 1.0 || !area.is_finite() {
        return;
    }
    let ends = ends_of(marks);
    let bound = |axis: usize, pick: fn(f64, f64) -> f64, first: f64| {
        corners.iter().map(|corner| corner[axis]).fold(first, pick).max(0.0)
    };
    let [left, top] = [0, 1].map(|axis| bound(axis, f64::min, f64::INFINITY) as usize);
    let right = (bound(0, f64::max, 0.0).ceil() as usize).min(canvas.width());
    let bottom = (bound(1, f64::max, 0.0).ceil() as usize).min(canvas.height());
    let rims = [LINE / length(along), LINE / length(across)];
    for y in top..bottom {
        for x in left..right {
            let [dx, dy] = [x as f64 + 0.5 - start[0], y as f64 + 0.5 - start[1]];
            let u = (dx * across[1] - dy * across[0]) / area;
            let v = (along[0] * dy - along[1] * dx) / area;
            if !(0.0..1.0).contains(&u) || !(0.0..1.0).contains(&v) {
                continue;
            }
            let place = ends.partition_point(|end| *end <= u).min(marks.len().saturating_sub(1));
            // Places are estimates: a space goes with the character before it.
            let before = marks.iter().take(place + 1).rev();
            let Some(color) = before.into_iter().find_map(|(_, mark)| color_of(*mark)) else { continue };
            let is_rim = u.min(1.0 - u) < rims[0] || v.min(1.0 - v) < rims[1];
            canvas.blend(x as f32, y as f32, color, if is_rim { 1.0 } else { VEIL });
        }
    }
}

/// Where each character ends, in shares of the line.
fn ends_of(marks: &[(char, Mark)]) -> Vec<f64> {
    let width = |character: char| {
        if character.is_ascii() { text_width(character.encode_utf8(&mut [0; 4]), 1.0) } else { 1.0 }
    };
    let mut sum = 0.0;
    let sums: Vec<f32> = marks
        .iter()
        .map(|(character, _)| {
            sum += width(*character);
            sum
        })
        .collect();
    sums.into_iter().map(|end| f64::from(end / sum.max(f32::MIN_POSITIVE))).collect()
}

fn color_of(mark: Mark) -> Option<[u8; 3]> {
    match mark {
        Mark::Right => Some(GREEN),
        Mark::Wrong => Some(VERMILION),
        Mark::Extra => Some(BLUE),
        Mark::Space => None,
    }
}
