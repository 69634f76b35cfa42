//! An edit measured from its two images alone: registered first, then compared where nothing was to change.

use imgeval_core::{GrayPixels, Pixels};

use super::{EditedRegion, Locality, NotMeasurable, measure_outside_mask};
use crate::registration::{AlignedPair, NotRegistrable, Registration, Status, register};

/// Long side of the grid, in pixels.
const SIDE: u32 = 512;

/// What registration and comparison gave.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredEdit {
    pub registration: Registration,
    /// Where content changed.
    pub region: Result<EditedRegion, NotMeasurable>,
    /// Outside the mask, or of the region if none was given.
    pub outside: Result<Locality, NotMeasurable>,
}

/// Registers an edited image with its source and measures it, outside the mask (white in the source's frame where it was to be
/// edited) or else outside the region that is found. Nothing is measured unless the registration is `ok`.
///
/// # Errors
/// If an image cannot be registered at all.
pub fn measure_registered(
    source: &Pixels,
    edited: &Pixels,
    mask: Option<&GrayPixels>,
) -> Result<RegisteredEdit, NotRegistrable> {
    let registration = register(source, edited)?;
    if registration.status != Status::Ok {
        let reason = NotMeasurable::NotRegistered(registration.status);
        return Ok(RegisteredEdit { registration, region: Err(reason), outside: Err(reason) });
    }
    let pair = AlignedPair::new(source, edited, &registration.alignment, SIDE);
    let region = EditedRegion::find(&pair);
    let outside = match (mask, &region) {
        (Some(mask), _) => measure_outside_mask(&pair, mask),
        (None, Ok(region)) => region.measure_outside(&pair),
        (None, Err(reason)) => Err(*reason),
    };
    Ok(RegisteredEdit { registration, region, outside })
}
