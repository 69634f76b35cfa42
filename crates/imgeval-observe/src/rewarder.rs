//! A detector that gives rewards for training.

use imgeval_core::{ContentHash, Evidence, ImageNote, Pixels};
use imgeval_rewards::{flow_grpo::Asked, server::Rewarder};
use imgeval_runner::NamingLimits;
use imgeval_scoring::objects_of;
use imgeval_suites::geneval::{Reward, Semantics, VerdictOptions, compute_reward};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode_for};

use crate::LoadedObserver;

/// Judges images with a detector and GenEval's own options.
pub struct DetectorRewarder {
    loaded: LoadedObserver,
    semantics: Semantics,
    limits: DecodeLimits,
}

impl DetectorRewarder {
    /// With [`Semantics::FlowGrpo`] the detector sees red and blue exchanged, as that of the original server does; colors are named as they
    /// are.
    #[must_use]
    pub fn new(loaded: LoadedObserver, semantics: Semantics, limits: DecodeLimits) -> Self {
        Self { loaded, semantics, limits }
    }
}

impl Rewarder for DetectorRewarder {
    fn facts(&self) -> Vec<(String, String)> {
        let meta = self.loaded.observer.meta();
        let facts =
            [("detector", &meta.id), ("title", &meta.title), ("weights_sha256", &meta.weights_sha256)];
        facts.map(|(name, value)| (name.to_owned(), value.clone())).into()
    }

    fn reward(&self, asked: &Asked) -> Result<Reward, String> {
        let image = inspect_and_decode_for(&asked.image, &self.limits, self.loaded.working_bytes)
            .map_err(|error| error.failure().detail)?;
        let pixels = &image.pixels;
        let swapped = match self.semantics {
            Semantics::FlowGrpo if image.notes.contains(&ImageNote::ExifRotated) => {
                return Err(
                    "its EXIF data rotate it, and flow_grpo's server detects before and crops after that"
                        .to_owned(),
                );
            }
            Semantics::FlowGrpo => Some(with_red_and_blue_exchanged(pixels)?),
            Semantics::Exact => None,
        };
        let has_color = |category| {
            asked.metadata.include.iter().any(|clause| clause.category == category && clause.color.is_some())
        };
        let seen = swapped.as_ref().unwrap_or(pixels);
        let detections = self
            .loaded
            .observer
            .look_for(seen, pixels, has_color, NamingLimits::default())
            .map_err(|error| error.to_string())?;
        let evidence = Evidence {
            image: ContentHash::of(&asked.image),
            observer: self.loaded.observer.meta().observer_id(),
            width: pixels.width(),
            height: pixels.height(),
            detections,
        };
        let options = VerdictOptions::default();
        compute_reward(&asked.metadata, &objects_of(&evidence), &options, self.semantics)
            .map(|(_, reward)| reward)
            .map_err(|error| error.to_string())
    }
}

fn with_red_and_blue_exchanged(pixels: &Pixels) -> Result<Pixels, String> {
    let mut values = pixels.rgb().to_vec();
    values.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
    Pixels::new(pixels.width(), pixels.height(), values).ok_or_else(|| "it has no pixels".to_owned())
}
