//! What was edited, when no mask says so: where more than the tone has changed.

use imgeval_core::Pixels;
use imgeval_resample::pillow::{Filter, resize};

use super::{Bits, Locality, NotMeasurable, ToneMap, colors::Colors, measure::outside_of, tone::median};
use crate::{
    plane::{Border, Plane, correlate_columns, correlate_rows},
    registration::AlignedPair,
};

const PASSES: usize = 3;
/// The tone is fitted this many steps away from the region.
const DISTANCE: usize = 6;
/// Less than this share of the overlap is too little to fit the tone on.
const LEAST_SHARE: f64 = 0.2;
const BOX: usize = 9;
/// In CIE76.
const LEAST_THRESHOLD: f64 = 4.0;
const SPREADS: f64 = 4.0 * 1.4826;
/// Gaps up to this share of the long side, or two steps, are closed.
const GAP: f64 = 0.012;
const LEAST_GAP: usize = 2;
/// Pieces below this share of the overlap are dropped.
const LEAST_PIECE: f64 = 0.003;

/// A region found without a mask.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedRegion {
    /// On the grid of the pair.
    pub region: Bits,
    /// Share of the overlap, in [0, 1].
    pub edited_share: f64,
    /// The color difference (CIE76) from which a pixel counts as edited.
    pub threshold: f64,
}

impl EditedRegion {
    /// Finds where content changed.
    ///
    /// # Errors
    /// If the images do not overlap.
    pub fn find(pair: &AlignedPair) -> Result<Self, NotMeasurable> {
        Self::find_in(&Colors::of(pair))
    }

    fn find_in(colors: &Colors) -> Result<Self, NotMeasurable> {
        let inside = colors.inside();
        let n_inside = inside.count();
        let mut found = Self {
            region: Bits::new(inside.width(), vec![false; inside.values().len()])
                .ok_or(NotMeasurable::NoOverlap)?,
            edited_share: 0.0,
            threshold: LEAST_THRESHOLD,
        };
        let width = inside.width();
        let long_side = width.max(inside.height()) as f64;
        let gap = ((GAP * long_side).round() as usize).max(LEAST_GAP);
        for _ in 0..PASSES {
            let tone = found.tone(colors)?;
            let smooth = box_mean(&colors.difference(&tone), inside);
            let threshold = threshold(smooth.values(), inside.values());
            let above = smooth.values().iter().map(|value| f64::from(*value) > threshold).collect();
            let region = Bits::new(width, above).ok_or(NotMeasurable::NoOverlap)?.and(inside);
            let region = region.opened().closed(gap).filled().without_small(LEAST_PIECE * n_inside as f64);
            let region = region.and(inside);
            found = Self { edited_share: region.count() as f64 / n_inside as f64, region, threshold };
        }
        Ok(found)
    }

    /// White on black, scaled to this size; `None` if the region has no pixels.
    #[must_use]
    pub fn image(&self, width: u32, height: u32) -> Option<Pixels> {
        let rgb = self.region.values().iter().flat_map(|value| [if *value { 255 } else { 0 }; 3]).collect();
        let (columns, rows) = (self.region.width() as u32, self.region.height() as u32);
        let pixels = Pixels::new(columns, rows, rgb)?;
        Some(resize(&pixels, width, height, Filter::Nearest))
    }

    /// How much every pixel of the grid changed beyond the tone: CIE76 between the source with the tone that was fitted away from
    /// the region and the edited image, both smoothed by a Gaussian of 1 pixel. Of no meaning where the edited image does not reach.
    ///
    /// # Errors
    /// If the images do not overlap.
    pub fn changes(&self, pair: &AlignedPair) -> Result<Plane, NotMeasurable> {
        let colors = Colors::of(pair);
        let tone = self.tone(&colors)?;
        Ok(colors.difference(&tone))
    }

    fn tone(&self, colors: &Colors) -> Result<ToneMap, NotMeasurable> {
        let inside = colors.inside();
        let unedited = self.region.dilated(DISTANCE).not().and(inside);
        let is_enough = unedited.count() as f64 >= LEAST_SHARE * inside.count() as f64;
        colors.tone_on(if is_enough { &unedited } else { inside }).ok_or(NotMeasurable::NoOverlap)
    }

    /// Tone and content outside the region.
    ///
    /// # Errors
    /// If nothing is left outside.
    pub fn measure_outside(&self, pair: &AlignedPair) -> Result<Locality, NotMeasurable> {
        outside_of(&Colors::of(pair), &self.region)
    }
}

/// An edit taken apart: where content changed, the tone that the rest took on, and what is left.
#[derive(Debug, Clone)]
pub struct SeparatedEdit {
    pub region: EditedRegion,
    /// Fitted away from the region.
    pub tone: ToneMap,
    /// Where both images are, on the grid of the pair.
    pub inside: Bits,
    /// [`EditedRegion::changes`].
    pub changes: Plane,
    /// Tone and content outside the region.
    pub outside: Result<Locality, NotMeasurable>,
}

impl SeparatedEdit {
    /// All of it with the colors of the pair prepared once.
    ///
    /// # Errors
    /// If the images do not overlap.
    pub fn of(pair: &AlignedPair) -> Result<Self, NotMeasurable> {
        let colors = Colors::of(pair);
        let region = EditedRegion::find_in(&colors)?;
        let tone = region.tone(&colors)?;
        let changes = colors.difference(&tone);
        let outside = outside_of(&colors, &region.region);
        Ok(Self { region, tone, inside: colors.inside().clone(), changes, outside })
    }
}

/// The mean of what lies inside, in a box around each pixel.
fn box_mean(plane: &Plane, inside: &Bits) -> Plane {
    let kernel = [1.0 / BOX as f32; BOX];
    let mean = |plane: &Plane| {
        correlate_rows(&correlate_columns(plane, &kernel, Border::Nearest), &kernel, Border::Nearest)
    };
    let weights = inside.values().iter().map(|inside| f32::from(u8::from(*inside))).collect();
    let weights = Plane::of_rows(plane.width(), plane.height(), weights);
    let sums = mean(&plane.zip(&weights, |value, weight| value * weight));
    // Outside, where there may be nothing at all, the value is not used.
    sums.zip(&mean(&weights), |sum, weight| sum / weight.max(f32::MIN_POSITIVE))
}

fn threshold(values: &[f32], inside: &[bool]) -> f64 {
    let overlap = values.iter().zip(inside).filter(|(_, inside)| **inside);
    let mut values: Vec<f64> = overlap.map(|(value, _)| f64::from(*value)).collect();
    let middle = median(&mut values);
    for value in &mut values {
        *value = (*value - middle).abs();
    }
    LEAST_THRESHOLD.max(middle + SPREADS * median(&mut values))
}
