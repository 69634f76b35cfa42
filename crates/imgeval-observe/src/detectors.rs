//! Detectors by name, each with something that names colors.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use imgeval_core::{ColorNamer, Detector};
use imgeval_fetch::weights::{self, Places};
use imgeval_runner::{Conditions, Observer};
use imgeval_vision::{
    ClipColorNamer, LITTLE_WORK, Mask2FormerDetector, PreviewColorNamer, PreviewDetector,
    compute::ComputeOptions,
};

use crate::{
    Model, ObserverError, given_or_pulled,
    models::{is_pulled_clip, sha256_of_weights},
};

/// A detector by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetectorName {
    Preview,
    Geneval,
    Mask2former,
    HfMask2former,
}

/// Which detector looks, with which weights, and where it computes.
#[derive(Debug, Clone)]
pub struct DetectorSettings {
    pub detector: DetectorName,
    /// Weights instead of the pulled ones.
    pub weights: Option<PathBuf>,
    /// CLIP that names colors, instead of the pulled one.
    pub clip: Option<PathBuf>,
    pub compute: ComputeOptions,
    pub places: Places,
}

/// Of the official detector: a word of 128 bits for each pixel, one bit a mask; with CLIP a copy, and what is cut out of it.
const MASKS_AND_CROPS: u64 = 16 + 2 * 3;

/// An observer with the number of threads that serves it best.
pub struct LoadedObserver {
    pub observer: Observer,
    /// Decoding, and detecting, each.
    pub threads: NonZeroUsize,
    /// What it needs for each pixel of an image besides the pixels.
    pub working_bytes: u64,
}

/// Loads what observes a run: a detector with something that names colors.
///
/// # Errors
/// As [`load_eyes`], and if nothing would name colors.
pub fn load_observer(asked: &DetectorSettings) -> Result<LoadedObserver, ObserverError> {
    if let (DetectorName::Mask2former, None) = (asked.detector, &asked.clip) {
        return Err(ObserverError::WithoutColors);
    }
    load_eyes(asked)
}

/// Checks that the weights that [`load_observer`] would load are installed, without loading them.
///
/// # Errors
/// If some are missing.
pub fn check_weights(asked: &DetectorSettings) -> Result<(), ObserverError> {
    let find = |given: Option<&Path>, model| given_or_pulled(given, model, &asked.places);
    let detector = asked.weights.as_deref();
    match asked.detector {
        DetectorName::Preview => preview_path(asked)?,
        DetectorName::Geneval | DetectorName::Mask2former => find(detector, Model::Mask2Former)?,
        DetectorName::HfMask2former => find(detector, Model::HubMask2Former)?,
    };
    if asked.detector != DetectorName::Preview
        && (asked.detector != DetectorName::Mask2former || asked.clip.is_some())
    {
        find(asked.clip.as_deref(), Model::Clip)?;
    }
    Ok(())
}

/// Loads the asked detector, with colors where it has some, from weights that are named or else from where they were pulled to.
///
/// # Errors
/// If weights are missing or cannot be used, or do not go with the detector or processor.
pub fn load_eyes(asked: &DetectorSettings) -> Result<LoadedObserver, ObserverError> {
    let find_clip = || given_or_pulled(asked.clip.as_deref(), Model::Clip, &asked.places);
    match asked.detector {
        DetectorName::Preview => load_preview(asked),
        DetectorName::Geneval => load_mask2former(asked, Model::Mask2Former, Some(find_clip()?)),
        DetectorName::Mask2former => {
            let clip = asked.clip.as_ref().map(|_| find_clip()).transpose()?;
            load_mask2former(asked, Model::Mask2Former, clip)
        }
        DetectorName::HfMask2former => load_mask2former(asked, Model::HubMask2Former, Some(find_clip()?)),
    }
}

/// Loads the asked detector alone, without anything that names colors: its weights are named or were pulled. The preview always computes on the
/// CPU with 32 bits.
///
/// # Errors
/// If weights are missing or cannot be used, or do not go with the detector.
pub fn load_detector(asked: &DetectorSettings) -> Result<Box<dyn Detector>, ObserverError> {
    Ok(match asked.detector {
        DetectorName::Preview => Box::new(preview(asked)?),
        DetectorName::Geneval | DetectorName::Mask2former => {
            Box::new(mask2former(asked, Model::Mask2Former)?.0)
        }
        DetectorName::HfMask2former => Box::new(mask2former(asked, Model::HubMask2Former)?.0),
    })
}

/// With the checksum of its weights.
fn mask2former(
    asked: &DetectorSettings,
    model: Model,
) -> Result<(Mask2FormerDetector, String), ObserverError> {
    let path = given_or_pulled(asked.weights.as_deref(), model, &asked.places)?;
    let sha256 = sha256_of_weights(&path, &asked.places.models_dir)?;
    let detector = Mask2FormerDetector::load(&path, &sha256, &asked.compute)?;
    check_family(asked.detector, &path, &detector)?;
    Ok((detector, sha256))
}

fn load_mask2former(
    asked: &DetectorSettings,
    model: Model,
    clip: Option<PathBuf>,
) -> Result<LoadedObserver, ObserverError> {
    let options = asked.compute;
    let (detector, sha256) = mask2former(asked, model)?;
    let mut conditions = conditions(options);
    // mmdetection's convention: the file's name ends with the first digits of its checksum.
    conditions.is_unofficial |= !sha256.starts_with(weights::MASK2FORMER.sha256_start);
    let namer: Option<Box<dyn ColorNamer>> = match clip {
        Some(clip) => {
            let sha256 = sha256_of_weights(&clip, &asked.places.models_dir)?;
            conditions.is_unofficial |= !is_pulled_clip(&sha256, &asked.places);
            Some(Box::new(ClipColorNamer::load(&clip, &sha256, &options)?))
        }
        None => None,
    };
    let observer = Observer::new(Box::new(detector), namer, &conditions);
    // The networks use all cores by themselves.
    Ok(LoadedObserver { observer, threads: NonZeroUsize::MIN, working_bytes: MASKS_AND_CROPS })
}

/// Two names of detectors promise weights of one family; `mask2former` takes either.
fn check_family(asked: DetectorName, path: &Path, loaded: &Mask2FormerDetector) -> Result<(), ObserverError> {
    let (detector, family) = match (asked, loaded.is_from_mmdetection()) {
        (DetectorName::Geneval, false) => ("geneval", "transformers"),
        (DetectorName::HfMask2former, true) => ("hf-mask2former", "mmdetection"),
        _ => return Ok(()),
    };
    Err(ObserverError::OtherFamily { path: path.to_owned(), family, detector })
}

/// Only 32-bit numbers of the CPU are official; anything else becomes part of the observer's identity.
fn conditions(options: ComputeOptions) -> Conditions {
    if options == ComputeOptions::default() {
        return Conditions::default();
    }
    let parameters = format!("device={};dtype={}", options.device.name(), options.precision.name());
    Conditions { parameters, is_unofficial: true }
}

fn load_preview(asked: &DetectorSettings) -> Result<LoadedObserver, ObserverError> {
    if asked.clip.is_some() || asked.compute != ComputeOptions::default() {
        return Err(ObserverError::PreviewOptions);
    }
    let detector = preview(asked)?;
    let namer = PreviewColorNamer::default();
    let observer = Observer::new(Box::new(detector), Some(Box::new(namer)), &Conditions::default());
    // Small enough for one image a core.
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(LoadedObserver { observer, threads, working_bytes: LITTLE_WORK })
}

fn preview_path(asked: &DetectorSettings) -> Result<PathBuf, ObserverError> {
    match &asked.weights {
        Some(path) => Ok(path.clone()),
        None => weights::locate(&weights::PREVIEW, &asked.places.models_dir)
            .map_err(ObserverError::PreviewNotHere),
    }
}

fn preview(asked: &DetectorSettings) -> Result<PreviewDetector, ObserverError> {
    let path = preview_path(asked)?;
    PreviewDetector::load(&path).map_err(|error| ObserverError::PreviewWeights { path: path.clone(), error })
}
