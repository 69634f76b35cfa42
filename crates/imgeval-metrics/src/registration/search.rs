//! The coarse alignment: every scale and offset, by correlating edge directions.

use std::collections::BTreeMap;

use super::{
    Alignment,
    correlation::{Correlator, Peak},
    orientation::Orientation,
};
use crate::plane::Plane;

/// Long side to which the source is reduced.
const SIDE: usize = 192;
const FIRST_SCALE: f64 = 0.62;
const LAST_SCALE: f64 = 1.62;
const STEP: f64 = 1.025;
/// Aspect ratios closer than this are not told apart.
const SAME_ASPECT: f64 = 0.012;

/// An alignment with its score, which is at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) alignment: Alignment,
    pub(super) score: f64,
}

/// The best alignment of each scale and shape, best first; empty if one of the images shows no edges.
pub(super) fn search(source: &Plane, edited: &Plane) -> Vec<Candidate> {
    let (width, height) = within(source, SIDE);
    let source = source.resized(width, height);
    let field = Orientation::of(&source);
    let aspect = |plane: &Plane| plane.width() as f64 / plane.height() as f64;
    let (source_aspect, edited_aspect) = (aspect(&source), aspect(edited));
    let mut shapes = vec![edited_aspect];
    if (edited_aspect / source_aspect - 1.0).abs() > SAME_ASPECT {
        shapes.push(source_aspect);
    }
    let area = (width * height) as f64;
    let scales = std::iter::successors(Some(FIRST_SCALE), |scale| Some(scale * STEP));
    let scales: Vec<f64> = scales.take_while(|scale| *scale <= LAST_SCALE + 1e-9).collect();
    let mut correlators = BTreeMap::new();
    let mut found = Vec::new();
    for shape in shapes {
        let size = |scale: f64| {
            let side = |ratio: f64| (scale * (area * ratio).sqrt()).round().max(1.0) as usize;
            [side(shape), side(1.0 / shape)]
        };
        // Every scale starts from the largest, which is far smaller than the image itself.
        let [largest_width, largest_height] = size(LAST_SCALE);
        let largest = if largest_width < edited.width() && largest_height < edited.height() {
            edited.resized(largest_width, largest_height)
        } else {
            edited.clone()
        };
        for scale in &scales {
            let [edited_width, edited_height] = size(*scale);
            let scaled = Orientation::of(&largest.resized(edited_width, edited_height));
            let transform = Correlator::size_for(&field, [edited_width, edited_height]);
            let correlator =
                correlators.entry(transform).or_insert_with(|| Correlator::new(&field, transform));
            let Some(Peak { offset, score }) = correlator.peak(&field, &scaled) else { continue };
            let alignment = Alignment {
                a: [edited_width as f64 / width as f64, edited_height as f64 / height as f64],
                b: [offset[0] as f64 / width as f64, offset[1] as f64 / height as f64],
            };
            found.push(Candidate { alignment, score });
        }
    }
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    found
}

/// The size at which the long side is at most `side`; nothing is enlarged.
pub(super) fn within(plane: &Plane, side: usize) -> (usize, usize) {
    let (width, height) = (plane.width(), plane.height());
    let long = width.max(height);
    if long <= side {
        return (width, height);
    }
    let scaled = |length: usize| (length as f64 * side as f64 / long as f64).round().max(1.0) as usize;
    (scaled(width), scaled(height))
}
