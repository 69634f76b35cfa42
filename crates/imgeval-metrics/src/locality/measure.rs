//! Tone and content outside a region.

use imgeval_core::GrayPixels;
use imgeval_resample::pillow::{Filter, resize_gray};

use super::{Bits, NotMeasurable, colors::Colors};
use crate::{
    plane::lab::{delta_e, lab_of_unit},
    registration::AlignedPair,
};

/// Pixels this near to the region, in long sides, are left out.
const MARGIN: f64 = 0.01;

/// How much of what lies outside a region changed. Color differences are CIE76.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Locality {
    /// Share of the grid that was compared, in [0, 1].
    pub outside_share: f64,
    /// Mean difference between source and edited image.
    pub total_de: f64,
    /// Mean difference between the source and the source with the fitted tone.
    pub tone_de: f64,
    /// Mean difference between the source with the fitted tone and the edited image.
    pub content_de: f64,
    /// 95th percentile of the same.
    pub content_p95: f64,
    /// Mean change of L, a and b by the fitted tone.
    pub mean_shift_lab: [f64; 3],
}

/// Tone and content outside a mask, which is white (not black) where the image was to be edited and has any size.
///
/// # Errors
/// If nothing is left outside.
pub fn measure_outside_mask(pair: &AlignedPair, mask: &GrayPixels) -> Result<Locality, NotMeasurable> {
    outside_of(&Colors::of(pair), &mask_on(pair, mask))
}

/// A mask of any size on the grid of a pair: set where it is not black.
#[must_use]
pub fn mask_on(pair: &AlignedPair, mask: &GrayPixels) -> Bits {
    let mask = resize_gray(mask, pair.source().width(), pair.source().height(), Filter::Nearest);
    let values = mask.values().iter().map(|value| *value != 0).collect();
    Bits::of_rows(pair.width(), values)
}

/// The region with the margin of 1 % of the long side that [`measure_outside_mask`] leaves out around it.
#[must_use]
pub fn with_margin(region: &Bits) -> Bits {
    let margin = (MARGIN * region.width().max(region.height()) as f64).round() as usize;
    region.dilated(margin)
}

pub(super) fn outside_of(colors: &Colors, region: &Bits) -> Result<Locality, NotMeasurable> {
    let inside = colors.inside();
    let outside = with_margin(region).not().and(inside);
    let tone = colors.tone_on(&outside).ok_or(NotMeasurable::NothingOutside)?;
    let n = outside.count() as f64;
    let (mut total, mut by_tone, mut shift) = (0.0, 0.0, [0.0; 3]);
    let mut contents = Vec::with_capacity(outside.count());
    let selected = colors.pairs.iter().zip(outside.values()).filter(|(_, outside)| **outside);
    for ((source, edited), _) in selected {
        let lab = |color: [f64; 3]| lab_of_unit(color.map(|value| value as f32));
        let (source, mapped, edited) = (lab(*source), lab(tone.apply(*source)), lab(*edited));
        total += f64::from(delta_e(source, edited));
        by_tone += f64::from(delta_e(source, mapped));
        contents.push(f64::from(delta_e(mapped, edited)));
        for (sum, (mapped, source)) in shift.iter_mut().zip(mapped.iter().zip(source)) {
            *sum += f64::from(mapped - source);
        }
    }
    let content = contents.iter().sum::<f64>();
    contents.sort_by(f64::total_cmp);
    // Linear between neighbors, as NumPy does it.
    let place = 0.95 * (contents.len() - 1) as f64;
    let (low, high) = (contents[place as usize], contents[place.ceil() as usize]);
    Ok(Locality {
        outside_share: n / outside.values().len() as f64,
        total_de: total / n,
        tone_de: by_tone / n,
        content_de: content / n,
        content_p95: low + (high - low) * place.fract(),
        mean_shift_lab: shift.map(|sum| sum / n),
    })
}
