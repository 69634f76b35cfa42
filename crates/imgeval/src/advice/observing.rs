//! What to do about detectors, networks and masks that cannot be used, and how the process ends.

use imgeval_forensics::ForensicsError;
use imgeval_observe::{MaskError, MissingMetric, ObserverError};

use super::{model_hint, weights_hint};
use crate::exit_code::Exit;

/// What to do about a detector or network that cannot be loaded.
pub(crate) fn observer_advice(error: &ObserverError) -> (Option<String>, Exit) {
    let (hint, exit) = match error {
        ObserverError::WithoutColors => {
            ("use --detector geneval, or choose a CLIP model with --clip", Exit::Usage)
        }
        ObserverError::PreviewOptions => ("leave out --clip, --device and --dtype", Exit::Usage),
        ObserverError::PreviewWeights { .. } => {
            ("pass a YOLOv3-tiny Darknet weight file, or leave out --weights", Exit::Usage)
        }
        ObserverError::PreviewNotHere(_) => (
            "fetch it with `imgeval models pull preview`, or add a copy with `imgeval models add preview FILE`",
            Exit::Unexpected,
        ),
        ObserverError::ReaderNotHere(_) => (
            "fetch them with `imgeval models pull ocr`, or add a copy with `imgeval models add ocr FILE`",
            Exit::Unexpected,
        ),
        ObserverError::Reader(_) => (
            "this build computes incorrectly on this machine, or the weights are damaged; no text was read",
            Exit::Unexpected,
        ),
        ObserverError::OtherFamily { .. } => {
            ("use --detector mask2former for either, or leave out --weights", Exit::Usage)
        }
        ObserverError::NoSuchModel { cache, .. } => {
            let hint = format!("fill the cache `{}` with `imgeval models pull`", cache.display());
            return (Some(hint), Exit::Usage);
        }
        ObserverError::NoSuchFile { .. } => return (None, Exit::Usage),
        ObserverError::NotHere(error) => (weights_hint(error), Exit::Unexpected),
        ObserverError::Checksum(error) => (weights_hint(error), Exit::Usage),
        ObserverError::NoWeightSet { .. } => ("pass its files with --weights", Exit::Usage),
        ObserverError::Forensics(error) => (forensics_hint(error), Exit::Usage),
        ObserverError::Detector(_) => return (None, Exit::Unexpected),
        ObserverError::Network(error) => (model_hint(error), Exit::Usage),
    };
    (Some(hint.to_owned()), exit)
}

fn forensics_hint(error: &ForensicsError) -> &'static str {
    match error {
        ForensicsError::Model(error) => model_hint(error),
        ForensicsError::NoPipeline { .. } => {
            "`imgeval detect-fake --list` shows the pipelines of each detector"
        }
        ForensicsError::FileCount { .. } | ForensicsError::NoTrunk { .. } | ForensicsError::NoHead { .. } => {
            "pass each file with its own --weights; `imgeval models list` shows which files there are"
        }
        _ => "use another detector or another image",
    }
}

/// Why a metric of an edit is missing, with the command that repairs it.
pub(crate) fn missing_text(missing: &MissingMetric) -> String {
    match missing {
        MissingMetric::WeightsAbsent { reason, set } => {
            format!("{reason}; fetch them with `imgeval models pull {set}`")
        }
        other => other.to_string(),
    }
}

/// What to do about an image that is no mask.
pub(crate) fn mask_hint(error: &MaskError) -> &'static str {
    match error {
        MaskError::Photograph { .. } => {
            "pass the mask, white where the image should be edited; use `--mask-threshold LEVEL` with a gray image"
        }
        MaskError::Dark { .. } => {
            "if every pixel that is not black belongs to the region, add `--mask-threshold 1`"
        }
    }
}
