//! Everything that is measured on a pair, whoever asks for it.

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::{
    edit::Psnr,
    locality::{RegisteredEdit, measure_registered},
    registration::NotRegistrable,
};
use imgeval_observe::{
    EditMeter, EditMeterError, EditMeterFacts, EditMetrics, EditWeights, ObserverError, SIDE, Scaled,
};
use serde_json::{Map, Value, json};

use super::{aligned::Aligned, outside};
use crate::{advice::missing_text, failure::CommandError};

/// What is asked about a pair.
pub(crate) struct EditQuestion<'a> {
    /// The region that should be edited.
    pub(crate) mask: Option<&'a GrayPixels>,
    /// What the region should show.
    pub(crate) text: Option<&'a str>,
    /// Whether the images are aligned, and compared outside the edit.
    pub(crate) is_registered: bool,
    pub(crate) weights: &'a EditWeights,
}

/// What was measured with a mask: Reason-Edit's metrics, and by which meter.
pub(crate) struct Masked {
    pub(crate) metrics: EditMetrics,
    pub(crate) facts: EditMeterFacts,
}

/// A pair as it was measured.
pub(crate) struct MeasuredEdit {
    pub(crate) masked: Option<Masked>,
    pub(crate) registered: Option<RegisteredEdit>,
    pub(crate) aligned: Option<Aligned>,
    has_mask: bool,
}

/// Why a pair has no numbers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    #[error(transparent)]
    Meter(#[from] ObserverError),
    #[error(transparent)]
    Pair(EditMeterError),
    #[error(transparent)]
    Registration(#[from] NotRegistrable),
}

impl From<PairError> for CommandError {
    fn from(error: PairError) -> Self {
        match error {
            PairError::Meter(error) => error.into(),
            PairError::Pair(EditMeterError::Network(error)) => ObserverError::from(error).into(),
            PairError::Pair(error) => Self::usage(error.to_string()),
            PairError::Registration(error) => Self::usage(error.to_string()),
        }
    }
}

impl MeasuredEdit {
    pub(crate) fn measure(
        source: &Pixels,
        edited: &Pixels,
        question: &EditQuestion<'_>,
    ) -> Result<Self, PairError> {
        let weights = question.weights;
        let measure_masked = |mask| measure_masked([source, edited], mask, question);
        let masked = question.mask.map(measure_masked).transpose()?;
        let registered =
            question.is_registered.then(|| measure_registered(source, edited, question.mask)).transpose()?;
        let align = |edit| Aligned::measure(weights, [source, edited], edit);
        let aligned = registered.as_ref().map(align).transpose()?;
        Ok(Self { masked, registered, aligned, has_mask: question.mask.is_some() })
    }

    /// The numbers by their names in JSON; null where there is none, with the reason in `missing`.
    pub(crate) fn numbers(&self) -> Map<String, Value> {
        let mut numbers = masked_numbers(self.masked.as_ref());
        outside::add_to(&mut numbers, self.registered.as_ref(), self.has_mask);
        super::aligned::add_to(&mut numbers, self.aligned.as_ref());
        numbers
    }
}

fn measure_masked(
    [source, edited]: [&Pixels; 2],
    mask: &GrayPixels,
    question: &EditQuestion<'_>,
) -> Result<Masked, PairError> {
    let (source, edited) = (Scaled::of(source), Scaled::of(edited));
    let meter = EditMeter::load(question.weights, question.text.is_some())?;
    let metrics = meter.measure(&source, &edited, mask, question.text).map_err(PairError::Pair)?;
    Ok(Masked { metrics, facts: meter.facts().clone() })
}

fn masked_numbers(masked: Option<&Masked>) -> Map<String, Value> {
    let metrics = masked.map(|masked| &masked.metrics);
    let missing: Map<String, Value> = match metrics {
        Some(metrics) => {
            let missing = metrics.missing.iter();
            missing.map(|(name, reason)| ((*name).to_owned(), missing_text(reason).into())).collect()
        }
        None => MASKED_NAMES.iter().map(|name| ((*name).to_owned(), NO_MASK.into())).collect(),
    };
    let numbers = json!({
        "side": SIDE,
        "region": metrics.map(|metrics| {
            let region = metrics.region;
            [region.left, region.top, region.right, region.bottom]
        }),
        "visible_share": metrics.map(|metrics| metrics.visible_share),
        "psnr": metrics.and_then(|metrics| match metrics.psnr {
            Psnr::Decibels(decibels) => Some(decibels),
            Psnr::Infinite => None,
        }),
        "psnr_is_infinite": metrics.is_some_and(|metrics| metrics.psnr == Psnr::Infinite),
        "ssim": metrics.map(|metrics| metrics.ssim),
        "mse": metrics.map(|metrics| metrics.mse),
        "lpips": metrics.and_then(|metrics| metrics.lpips),
        "clip_score": metrics.and_then(|metrics| metrics.clip_score),
        "missing": missing,
        "meter": masked.map(|masked| meter_json(&masked.facts)),
    });
    match numbers {
        Value::Object(numbers) => numbers,
        _ => Map::new(),
    }
}

/// Metrics that need a mask.
const MASKED_NAMES: [&str; 5] = ["psnr", "ssim", "mse", "lpips", "clip_score"];
const NO_MASK: &str = "no mask was given";

fn meter_json(facts: &EditMeterFacts) -> Value {
    json!({
        "id": facts.id(),
        "version": facts.version,
        "lpips_trunk_sha256": facts.lpips_sha256.as_ref().map(|both| &both[0]),
        "lpips_heads_sha256": facts.lpips_sha256.as_ref().map(|both| &both[1]),
        "clip_sha256": facts.clip_sha256,
        "lpips_official": facts.is_lpips_official,
        "clip_official": facts.is_clip_official,
    })
}
