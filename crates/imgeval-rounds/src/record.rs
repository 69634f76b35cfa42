//! A measured round as it is kept and shown.

use std::collections::BTreeMap;

use imgeval_metrics::{
    drift::{FailureReason, RoundMeasures, SessionRound},
    registration::{Alignment, Status},
    survival::RoundStatus,
};

use crate::{
    MeasuredRound,
    networks::{NetworkNumbers, Numbers},
    objects::KeptObjects,
};

/// Images whose short sides differ by more than this share were made at different scales.
const EQUAL_SCALE: f64 = 0.02;

const UNEQUAL: &str = "the two images have different sizes, so scaling would appear as sharpness";

/// `sizes` are those of the source, the previous image and the image, in pixels.
pub(crate) fn recorded(
    of_round: &SessionRound,
    [source, previous, image]: [[u32; 2]; 3],
    looked: Option<&NetworkNumbers>,
    kept: Option<KeptObjects>,
) -> MeasuredRound {
    let is_fair = is_of_equal_scale(source, image);
    let mut failures = of_round.failures.clone();
    if !is_fair {
        failures.retain(|reason| *reason != FailureReason::Sharpness);
    }
    let status = if failures.is_empty() { RoundStatus::Ok } else { RoundStatus::Failed };
    let (mut vs_source, mut not_measured) = numbers_of(&of_round.vs_source, is_fair);
    match &of_round.outside_edits {
        Ok(found) => {
            vs_source.insert("outside.tone_dE".to_owned(), found.tone_de);
            vs_source.insert("outside.content_dE".to_owned(), found.content_de);
        }
        Err(reason) => {
            not_measured.insert("outside".to_owned(), reason.to_string());
        }
    }
    let step = &of_round.vs_previous;
    let mut vs_previous = numbers_of(step, is_of_equal_scale(previous, image)).0;
    if let Some(looked) = looked {
        put(&looked.vs_source, &mut vs_source, &mut not_measured);
        put(&looked.vs_previous, &mut vs_previous, &mut BTreeMap::new());
    }
    let mut objects = Vec::new();
    if let Some(kept) = kept {
        put(&kept.numbers, &mut vs_source, &mut not_measured);
        objects = kept.objects;
    }
    let earlier = of_round.earlier_edits.iter();
    MeasuredRound {
        round: of_round.round,
        status: status.name().to_owned(),
        reasons: failures.iter().map(|reason| reason.name().to_owned()).collect(),
        registration: status_of(&of_round.vs_source),
        registration_previous: status_of(step),
        frame: frame_of(&of_round.vs_source),
        frame_previous: frame_of(step),
        previous: of_round.previous,
        size: image,
        vs_source,
        vs_previous,
        not_measured,
        region: of_round.trace().edit_box(),
        earlier_edits: earlier.map(|seen| (seen.edit, seen.correlation.as_ref().ok().copied())).collect(),
        objects,
    }
}

fn status_of(measures: &RoundMeasures) -> String {
    let status = measures.registration.as_ref().map(|found| found.status);
    let name = match status {
        Ok(Status::Ok) => "ok",
        Ok(Status::Coarse) => "coarse",
        Ok(Status::Failed) => "failed",
        Err(_) => "none",
    };
    name.to_owned()
}

fn frame_of(measures: &RoundMeasures) -> Option<[f64; 4]> {
    let Alignment { a, b } = measures.aligned()?.alignment;
    Some([b[0], b[1], a[0], a[1]])
}

fn put(found: &Numbers, numbers: &mut BTreeMap<String, f64>, reasons: &mut BTreeMap<String, String>) {
    for (name, number) in found {
        match number {
            Ok(number) => {
                numbers.insert((*name).to_owned(), *number);
            }
            Err(reason) => {
                reasons.insert((*name).to_owned(), reason.clone());
            }
        }
    }
}

fn is_of_equal_scale(one: [u32; 2], other: [u32; 2]) -> bool {
    let short = |size: [u32; 2]| f64::from(size[0].min(size[1]).max(1));
    (short(one) / short(other) - 1.0).abs() <= EQUAL_SCALE
}

/// Sharpness and spectra mean nothing between images of unequal scale.
fn numbers_of(measures: &RoundMeasures, is_fair: bool) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let checked = measures.numbers().into_iter().map(|(name, value)| {
        let is_detail = name.starts_with("sharp.") || name == "drift.sharpness";
        let checked = value.and_then(|value| match value {
            _ if is_detail && !is_fair => Err(UNEQUAL.to_owned()),
            value if value.is_finite() => Ok(value),
            _ => Err("it is not finite".to_owned()),
        });
        (name, checked)
    });
    let (mut numbers, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    put(&checked.collect(), &mut numbers, &mut reasons);
    (numbers, reasons)
}
