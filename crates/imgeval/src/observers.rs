//! The registry of observers: which detector and colour namer a name stands for.

use std::{num::NonZeroUsize, path::PathBuf, thread};

use anyhow::Result;
use imgeval_runner::{Conditions, Observer};
use imgeval_vision::{PreviewColorNamer, PreviewDetector, weights};

use crate::{
    args::{DetectorArgs, DetectorName},
    environment,
    failure::{CommandError, sentence_of},
};

/// An observer with the number of threads that serves it best.
pub(crate) struct LoadedObserver {
    pub(crate) observer: Observer,
    /// Decoding, and detecting, each.
    pub(crate) threads: NonZeroUsize,
}

/// Loads the asked detector with its weights, from `--weights` or from where `models pull` put them.
pub(crate) fn load_observer(args: &DetectorArgs) -> Result<LoadedObserver> {
    match args.detector {
        DetectorName::Preview => load_preview(args),
    }
}

fn load_preview(args: &DetectorArgs) -> Result<LoadedObserver> {
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
    Ok(LoadedObserver { observer, threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) })
}

fn pulled_preview_weights(args: &DetectorArgs) -> Result<PathBuf, CommandError> {
    let models_dir = environment::models_dir(args.models.models_dir.clone());
    weights::locate(&weights::PREVIEW, &models_dir).map_err(|error| {
        let hint = "`imgeval models pull preview` fetches it, `imgeval models add preview FILE` takes a copy";
        CommandError::mendable(sentence_of(&error), hint)
    })
}
