//! Whether an earlier edit is still there in a later round.

use super::{NotCompared, components::inverse};
use crate::{
    locality::{Bits, NotMeasurable},
    plane::{Border, Plane, gaussian, normalize_locally},
    registration::{AlignedPair, Alignment, IDENTITY_SIDE, NotRegistrable, Registration, Status},
};

use imgeval_core::Pixels;

const BLUR: f64 = 0.7;
const WINDOW: f64 = 8.0;

/// How much of an edit is left.
#[derive(Debug, Clone, PartialEq)]
pub struct EditSurvival {
    /// The round that made the edit.
    pub edit: u32,
    /// The later round in which it is looked for.
    pub seen_in: u32,
    /// Around the largest region of the edit: left, top, right and bottom in the frame of its round, each in [0, 1].
    pub area: [f64; 4],
    /// Correlation of the locally normalized images inside the area, in [-1, 1].
    pub correlation: Result<f64, NotCompared>,
    /// Of the later round against the round of the edit.
    pub registration: Result<Registration, NotRegistrable>,
}

/// The box around the largest piece of an edited region, which lies on the grid of a pair of images, in the frame of the edited image; `None` if nothing was edited or it is not in the frame.
#[must_use]
pub fn edit_box(region: &Bits, alignment: &Alignment) -> Option<[f64; 4]> {
    let sides = [region.width() as f64, region.height() as f64];
    let Alignment { a, b } = inverse(alignment);
    let corners = region.largest_piece()?.bounding_box()?;
    let place = |at: usize| (b[at % 2] + a[at % 2] * corners[at] as f64 / sides[at % 2]).clamp(0.0, 1.0);
    let area = [0, 1, 2, 3].map(place);
    (area[0] < area[2] && area[1] < area[3]).then_some(area)
}

/// The correlation of a later image, registered with the image of the edit, inside a box in the frame of the edit. A long side of 512 pixels at most.
///
/// # Errors
/// If the registration is not `ok`, the box is out of sight, or one of both shows nothing there.
pub fn edit_survival(
    edit: &Pixels,
    later: &Pixels,
    registration: &Registration,
    area: [f64; 4],
) -> Result<f64, NotCompared> {
    if registration.status != Status::Ok {
        return Err(NotMeasurable::NotRegistered(registration.status).into());
    }
    let pair = AlignedPair::new(edit, later, &registration.alignment, IDENTITY_SIDE);
    let (width, height) = (pair.width(), pair.height());
    let normalized = |gray: &Plane| normalize_locally(&gaussian(gray, BLUR, 4.0, Border::Reflect), WINDOW);
    let (one, other) = (normalized(&Plane::gray_of(pair.source())), normalized(&pair.edited_gray()));
    let start = |share: f64, n: usize| (share * n as f64) as usize;
    let end = |share: f64, n: usize| ((share * n as f64).ceil() as usize).min(n);
    let mut values = Vec::new();
    for y in start(area[1], height)..end(area[3], height) {
        for place in width * y + start(area[0], width)..width * y + end(area[2], width) {
            if pair.is_inside()[place] {
                values.push((f64::from(one.values()[place]), f64::from(other.values()[place])));
            }
        }
    }
    if values.is_empty() {
        return Err(NotMeasurable::NoOverlap.into());
    }
    correlation(&values).ok_or(NotCompared::NoDetail)
}

fn correlation(values: &[(f64, f64)]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = |which: fn(&(f64, f64)) -> f64| values.iter().map(which).sum::<f64>() / n;
    let (one, other) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut joint, mut squares) = (0.0, [0.0; 2]);
    for (x, y) in values {
        let (x, y) = (x - one, y - other);
        joint += x * y;
        squares = [squares[0] + x * x, squares[1] + y * y];
    }
    let length = (squares[0] * squares[1]).sqrt();
    (length > 1e-9 * n).then(|| joint / length)
}
