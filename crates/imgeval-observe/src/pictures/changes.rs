//! Where content changed: a heat map on the registered pair, with the tone removed.

use imgeval_metrics::{
    locality::{EditedRegion, NotMeasurable},
    registration::AlignedPair,
};

use super::{
    Panel, Scale,
    color_map::{NOTHING, heat},
};
use crate::pictures::subject::pixels_of;

/// The difference in CIE76 that has the last color, on every heat map, so that they can be compared.
pub const CHANGE_MAX: f64 = 20.0;

/// The heat map in the source's frame; gray where the edited image does not reach.
///
/// # Errors
/// If the images do not overlap.
pub fn changes_panel(pair: &AlignedPair, region: &EditedRegion) -> Result<Panel, NotMeasurable> {
    let changes = region.changes(pair)?;
    let color = |(value, inside): (&f32, &bool)| {
        if *inside { heat(f64::from(*value) / CHANGE_MAX) } else { NOTHING }
    };
    let rgb = changes.values().iter().zip(pair.is_inside()).flat_map(color).collect();
    Ok(Panel::new("change of content (tone removed)", pixels_of(pair, rgb)))
}

pub(super) fn change_scale() -> Scale {
    Scale { max: CHANGE_MAX, label: "color difference dE (CIE76)".to_owned() }
}
