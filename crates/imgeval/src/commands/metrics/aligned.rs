//! The similarity of both images after alignment, as printed by `imgeval metrics edit --register`.

use imgeval_core::Pixels;
use imgeval_metrics::{
    locality::RegisteredEdit,
    registration::{AlignedLikeness, likeness_after},
};
use imgeval_observe::{EditMeter, EditWeights, ObserverError};
use serde_json::{Map, Value, json};

use crate::advice::missing_text;

/// Each with the reason where it could not be measured.
pub(crate) struct Aligned {
    likeness: Result<AlignedLikeness, String>,
    lpips: Result<f64, String>,
}

impl Aligned {
    pub(super) fn measure(
        weights: &EditWeights,
        [source, edited]: [&Pixels; 2],
        edit: &RegisteredEdit,
    ) -> Result<Self, ObserverError> {
        let likeness = match likeness_after(source, edited, &edit.registration) {
            Ok(likeness) => likeness,
            Err(reason) => {
                let reason = reason.to_string();
                return Ok(Self { likeness: Err(reason.clone()), lpips: Err(reason) });
            }
        };
        let meter = EditMeter::load(weights, false)?;
        let distance = meter.distance_of(&likeness.likeness.crops).map_err(ObserverError::from)?;
        let lpips = distance.map_err(|missing| missing_text(&missing));
        Ok(Self { likeness: Ok(likeness), lpips })
    }

    /// Name, value and note.
    pub(super) fn rows(&self) -> Vec<(&'static str, String, String)> {
        let none = |reason: &String| ("-".to_owned(), reason.clone());
        let (psnr, ssim) = match &self.likeness {
            Ok(aligned) => {
                let compared = format!("{:.0} % of the frame compared", 100.0 * aligned.valid_share);
                let likeness = &aligned.likeness;
                (
                    (format!("{:.3} dB", likeness.psnr), compared),
                    (format!("{:.5}", likeness.ssim), String::new()),
                )
            }
            Err(reason) => (none(reason), none(reason)),
        };
        let lpips = match &self.lpips {
            Ok(distance) => (format!("{distance:.5}"), String::new()),
            Err(reason) => none(reason),
        };
        [("aligned_psnr", psnr), ("aligned_ssim", ssim), ("aligned_lpips", lpips)]
            .map(|(name, (value, note))| (name, value, note))
            .into()
    }
}

/// Adds the keys to the numbers; null where there is no number, with the reason in `missing`.
pub(super) fn add_to(object: &mut Map<String, Value>, aligned: Option<&Aligned>) {
    let likeness = aligned.and_then(|aligned| aligned.likeness.as_ref().ok());
    object.insert("aligned_psnr".to_owned(), json!(likeness.map(|aligned| aligned.likeness.psnr)));
    object.insert("aligned_ssim".to_owned(), json!(likeness.map(|aligned| aligned.likeness.ssim)));
    object.insert("aligned_lpips".to_owned(), json!(aligned.and_then(|aligned| aligned.lpips.as_ref().ok())));
    let Some(Value::Object(missing)) = object.get_mut("missing") else { return };
    let reasons: Map<String, Value> = aligned
        .into_iter()
        .flat_map(|aligned| {
            let of = aligned.likeness.as_ref().err();
            [("aligned_psnr", of), ("aligned_ssim", of), ("aligned_lpips", aligned.lpips.as_ref().err())]
        })
        .filter_map(|(name, reason)| Some((name.to_owned(), reason?.clone().into())))
        .collect();
    missing.extend(reasons);
}
