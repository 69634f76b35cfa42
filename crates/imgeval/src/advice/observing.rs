//! What to do about detectors, networks and masks that cannot be used, and how the process ends.

use imgeval_forensics::ForensicsError;
use imgeval_observe::{MaskError, MissingMetric, ObserverError};

use super::{model_hint, weights_hint};
use crate::exit_code::Exit;

/// What to do about a detector or network that cannot be loaded.
pub(crate) fn observer_advice(error: &ObserverError) -> (Option<String>, Exit) {
    let (hint, exit) = match error {
        ObserverError::WithoutColors => {
            ("take --detector geneval, or name a CLIP model with --clip", Exit::Usage)
        }
        ObserverError::PreviewOptions => ("leave --clip, --device and --dtype away", Exit::Usage),
        ObserverError::PreviewWeights { .. } => {
            ("name a YOLOv3-tiny Darknet weight file, or leave --weights away", Exit::Usage)
        }
        ObserverError::PreviewNotHere(_) => (
            "`imgeval models pull preview` fetches it, `imgeval models add preview FILE` takes a copy",
            Exit::Unexpected,
        ),
        ObserverError::ReaderNotHere(_) => (
            "`imgeval models pull ocr` fetches them; `imgeval models add ocr FILE` takes a copy",
            Exit::Unexpected,
        ),
        ObserverError::Reader(_) => (
            "this build computes wrongly on this machine, or the weights are damaged; nothing was read",
            Exit::Unexpected,
        ),
        ObserverError::OtherFamily { .. } => {
            ("take --detector mask2former for either, or leave --weights away", Exit::Usage)
        }
        ObserverError::NoSuchModel { cache, .. } => {
            let hint = format!("the cache is `{}`; `imgeval models pull` fills it", cache.display());
            return (Some(hint), Exit::Usage);
        }
        ObserverError::NoSuchFile { .. } => return (None, Exit::Usage),
        ObserverError::NotHere(error) => (weights_hint(error), Exit::Unexpected),
        ObserverError::Checksum(error) => (weights_hint(error), Exit::Usage),
        ObserverError::NoWeightSet { .. } => ("name its files by --weights", Exit::Usage),
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
            "give each file by a --weights of its own; `imgeval models list` says which there are"
        }
        _ => "take another detector or another image",
    }
}

/// Why a metric of an edit is missing, with the command that mends it.
pub(crate) fn missing_text(missing: &MissingMetric) -> String {
    match missing {
        MissingMetric::WeightsAbsent { reason, set } => {
            format!("{reason}; `imgeval models pull {set}` fetches them")
        }
        other => other.to_string(),
    }
}

/// What to do about a picture that is no mask.
pub(crate) fn mask_hint(error: &MaskError) -> &'static str {
    match error {
        MaskError::Photograph { .. } => {
            "name the mask, white where the picture was to be edited; `--mask-threshold LEVEL` makes one of a gray picture"
        }
        MaskError::Dark { .. } => "if everything that is not black is the region, add `--mask-threshold 1`",
    }
}
