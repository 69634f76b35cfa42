//! The registry of observers: which detector and colour namer a name stands for.

use std::path::PathBuf;

use anyhow::Result;
use imgeval_runner::Observer;
use imgeval_vision::{PreviewColorNamer, PreviewDetector, weights};

use crate::{
    args::{DetectorArgs, DetectorName},
    environment,
    failure::{CommandError, sentence_of},
};

/// Loads the asked detector with its weights, from `--weights` or from where `models pull` put them.
pub(crate) fn load_observer(args: &DetectorArgs) -> Result<Observer> {
    match args.detector {
        DetectorName::Preview => {
            let path = match &args.weights {
                Some(path) => path.clone(),
                None => pulled_preview_weights(args)?,
            };
            let detector = PreviewDetector::load(&path).map_err(|error| {
                let hint = "name a YOLOv3-tiny Darknet weight file, or leave --weights away";
                let cause = sentence_of(&error);
                CommandError::usage(format!("`{}` cannot be used: {cause}", path.display())).with_hint(hint)
            })?;
            Ok(Observer::new(Box::new(detector), Box::new(PreviewColorNamer::default())))
        }
    }
}

fn pulled_preview_weights(args: &DetectorArgs) -> Result<PathBuf, CommandError> {
    let models_dir = environment::models_dir(args.models.models_dir.clone());
    weights::locate(&weights::PREVIEW, &models_dir).map_err(|error| {
        let hint = "`imgeval models pull preview` fetches it, `imgeval models add preview FILE` takes a copy";
        CommandError::mendable(sentence_of(&error), hint)
    })
}
