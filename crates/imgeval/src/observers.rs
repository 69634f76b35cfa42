//! The registry of observers: which detector and colour namer a name stands for.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use anyhow::Result;
use imgeval_core::{ColorNamer, visible};
use imgeval_fetch::weights::{self, Hashing, Member, locate_member};
use imgeval_runner::{Conditions, Observer};
use imgeval_vision::{
    ClipColorNamer, LITTLE_WORK, Mask2FormerDetector, ModelError, PreviewColorNamer, PreviewDetector,
    checkpoint::{Checkpoint, weight_files},
};

use crate::{
    advice::{model_hint, weights_hint},
    args::{ComputeArgs, DetectorArgs, DetectorName, ModelsDirArg},
    environment,
    failure::{CommandError, sentence_of},
};

/// Of the official detector: a word of 128 bits for each pixel, one bit a mask; with CLIP a copy, and what is cut out of it.
const MASKS_AND_CROPS: u64 = 16 + 2 * 3;

/// An observer with the number of threads that serves it best.
pub(crate) struct LoadedObserver {
    pub(crate) observer: Observer,
    /// Decoding, and detecting, each.
    pub(crate) threads: NonZeroUsize,
    /// What it needs for each pixel of an image besides the pixels.
    pub(crate) working_bytes: u64,
}

/// Loads what observes a run: a detector with something that names colours.
pub(crate) fn load_observer(args: &DetectorArgs) -> Result<LoadedObserver> {
    if let (DetectorName::Mask2former, None) = (args.detector, &args.clip) {
        let message = "`mask2former` alone names no colours, which a run needs";
        let hint = "take --detector geneval, or name a CLIP model with --clip";
        return Err(CommandError::usage(message).with_hint(hint).into());
    }
    load_eyes(args)
}

/// Loads the asked detector, with colours where it has some, from `--weights` and `--clip` or from where
/// `models pull` put them.
pub(crate) fn load_eyes(args: &DetectorArgs) -> Result<LoadedObserver> {
    let find_clip = || given_or_pulled(args.clip.as_deref(), Model::Clip, &args.models);
    match args.detector {
        DetectorName::Preview => load_preview(args),
        DetectorName::Geneval => load_mask2former(args, Model::Mask2Former, Some(find_clip()?)),
        DetectorName::Mask2former => {
            let clip = args.clip.as_ref().map(|_| find_clip()).transpose()?;
            load_mask2former(args, Model::Mask2Former, clip)
        }
        DetectorName::HfMask2former => load_mask2former(args, Model::HubMask2Former, Some(find_clip()?)),
    }
}

fn load_mask2former(args: &DetectorArgs, model: Model, clip: Option<PathBuf>) -> Result<LoadedObserver> {
    let path = given_or_pulled(args.weights.as_deref(), model, &args.models)?;
    let options = args.compute.options();
    let models_dir = environment::models_dir(args.models.models_dir.clone());
    let sha256_of = |path: &Path| sha256_of_weights(path, &models_dir);
    let sha256 = sha256_of(&path)?;
    let detector = Mask2FormerDetector::load(&path, &sha256, &options).map_err(refused)?;
    check_family(args.detector, &path, &detector)?;
    let mut conditions = conditions(&args.compute);
    // mmdetection's convention: the file's name ends with the first digits of its checksum.
    conditions.is_unofficial |= !sha256.starts_with(weights::MASK2FORMER.sha256_start);
    let namer: Option<Box<dyn ColorNamer>> = match clip {
        Some(clip) => {
            let sha256 = sha256_of(&clip)?;
            conditions.is_unofficial |= !is_pulled_clip(&sha256, &args.models);
            Some(Box::new(ClipColorNamer::load(&clip, &sha256, &options).map_err(refused)?))
        }
        None => None,
    };
    let observer = Observer::new(Box::new(detector), namer, &conditions);
    // The networks use all cores by themselves.
    Ok(LoadedObserver { observer, threads: NonZeroUsize::MIN, working_bytes: MASKS_AND_CROPS })
}

/// Whether these are the weights that the set `geneval` brought here: their shape says only that they are a ViT-L/14, of which
/// there are many.
pub(crate) fn is_pulled_clip(sha256: &str, models: &ModelsDirArg) -> bool {
    let places = environment::places(models.models_dir.clone());
    locate_member(&Member::Hub(weights::CLIP), &places, Hashing::Recorded)
        .is_ok_and(|located| located.sha256 == sha256)
}

/// Two names of detectors promise weights of one family; `mask2former` takes either.
fn check_family(
    asked: DetectorName,
    path: &Path,
    detector: &Mask2FormerDetector,
) -> Result<(), CommandError> {
    let (name, family) = match (asked, detector.is_from_mmdetection()) {
        (DetectorName::Geneval, false) => ("geneval", "transformers"),
        (DetectorName::HfMask2former, true) => ("hf-mask2former", "mmdetection"),
        _ => return Ok(()),
    };
    let path = path.display();
    Err(CommandError::usage(format!("`{path}` holds weights of {family}, which are not those of `{name}`"))
        .with_hint("take --detector mask2former for either, or leave --weights away"))
}

/// Only 32-bit numbers of the CPU are official; anything else becomes part of the observer's identity.
fn conditions(compute: &ComputeArgs) -> Conditions {
    if compute.is_default() {
        return Conditions::default();
    }
    let options = compute.options();
    let parameters = format!("device={};dtype={}", options.device.name(), options.precision.name());
    Conditions { parameters, is_unofficial: true }
}

pub(crate) fn refused(error: ModelError) -> CommandError {
    CommandError::usage(sentence_of(&error)).with_hint(model_hint(&error))
}

/// The SHA-256 that identifies weights: a file, or a folder in the Hugging Face layout.
pub(crate) fn sha256_of_weights(path: &Path, models_dir: &Path) -> Result<String, CommandError> {
    let files = match path.is_dir() {
        true => weight_files(path).map_err(|error| refused(error.into()))?,
        false => vec![path.to_owned()],
    };
    weights::sha256_of(&files, models_dir).map_err(|error| match Checkpoint::open(path) {
        // What keeps it from being loaded says more.
        Err(unusable) => refused(unusable.into()),
        Ok(_) => CommandError::usage(sentence_of(&error)).with_hint(weights_hint(&error)),
    })
}

/// A network of the registry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Model {
    Mask2Former,
    HubMask2Former,
    Clip,
}

/// The path that the user names, or where the registry keeps the model.
pub(crate) fn given_or_pulled(
    given: Option<&Path>,
    model: Model,
    models: &ModelsDirArg,
) -> Result<PathBuf, CommandError> {
    let places = environment::places(models.models_dir.clone());
    if let Some(path) = given {
        if path.exists() {
            return Ok(path.to_owned());
        }
        // Not a path: perhaps a repository that lies in the hub's cache.
        let repository = path.to_str().and_then(|name| places.hub.cached(name));
        return repository.ok_or_else(|| {
            let name = visible(&path.to_string_lossy());
            CommandError::usage(format!(
                "`{name}` is no file, no folder and no repository in the hub's cache"
            ))
            .with_hint(format!(
                "the cache is `{}`; `imgeval models pull` fills it",
                places.hub.cache.display()
            ))
        });
    }
    let located = match model {
        Model::Mask2Former => locate_member(&Member::Url(weights::MASK2FORMER), &places, Hashing::Recorded),
        Model::Clip => locate_member(&Member::Hub(weights::CLIP), &places, Hashing::Recorded),
        Model::HubMask2Former => weights::locate_hf_mask2former(&places),
    };
    located
        .map(|located| located.path)
        .map_err(|error| CommandError::mendable(sentence_of(&error), weights_hint(&error)))
}

fn load_preview(args: &DetectorArgs) -> Result<LoadedObserver> {
    if args.clip.is_some() || !args.compute.is_default() {
        let message = "the preview detector names colours without CLIP and computes on the CPU with f32";
        return Err(CommandError::usage(message).with_hint("leave --clip, --device and --dtype away").into());
    }
    let path = match &args.weights {
        Some(path) => path.clone(),
        None => pulled_preview_weights(args)?,
    };
    let detector = PreviewDetector::load(&path).map_err(|error| {
        let hint = "name a YOLOv3-tiny Darknet weight file, or leave --weights away";
        let cause = sentence_of(&error);
        CommandError::usage(format!("`{}` cannot be used: {cause}", path.display())).with_hint(hint)
    })?;
    let namer = PreviewColorNamer::default();
    let observer = Observer::new(Box::new(detector), Some(Box::new(namer)), &Conditions::default());
    // Small enough for one image a core.
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(LoadedObserver { observer, threads, working_bytes: LITTLE_WORK })
}

fn pulled_preview_weights(args: &DetectorArgs) -> Result<PathBuf, CommandError> {
    let models_dir = environment::models_dir(args.models.models_dir.clone());
    weights::locate(&weights::PREVIEW, &models_dir).map_err(|error| {
        let hint = "`imgeval models pull preview` fetches it, `imgeval models add preview FILE` takes a copy";
        CommandError::mendable(sentence_of(&error), hint)
    })
}
