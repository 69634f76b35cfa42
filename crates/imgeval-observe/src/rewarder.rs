//! A detector that gives rewards for training.

use imgeval_core::{Evidence, ImageNote, Pixels};
use imgeval_rewards::{Measured, Picture, Question, Rewarder, What};
use imgeval_runner::NamingLimits;
use imgeval_scoring::objects_of;
use imgeval_suites::geneval::{Metadata, Semantics, VerdictOptions, compute_reward};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode_for};

use crate::LoadedObserver;

/// Measures images with a detector and GenEval's own options.
pub struct DetectorRewarder {
    loaded: LoadedObserver,
    limits: DecodeLimits,
}

impl DetectorRewarder {
    /// With a detector whose canaries have been checked.
    #[must_use]
    pub fn new(loaded: LoadedObserver, limits: DecodeLimits) -> Self {
        Self { loaded, limits }
    }

    /// Where a framework exchanges red and blue, the detector sees them exchanged; colors are named as they are.
    fn measure_pixels(
        &self,
        pixels: &Pixels,
        metadata: &Metadata,
        semantics: Semantics,
        question: &Question,
    ) -> Result<Measured, String> {
        let exchanged =
            semantics.exchanges_red_and_blue().then(|| with_red_and_blue_exchanged(pixels)).transpose()?;
        let has_color = |category| {
            metadata.include.iter().any(|clause| clause.category == category && clause.color.is_some())
        };
        let observer = &self.loaded.observer;
        let detections = observer
            .look_for(exchanged.as_ref().unwrap_or(pixels), pixels, has_color, NamingLimits::default())
            .map_err(|error| error.to_string())?;
        let evidence = Evidence {
            image: question.picture.content_hash(),
            observer: observer.meta().observer_id(),
            width: pixels.width(),
            height: pixels.height(),
            detections,
        };
        compute_reward(metadata, &objects_of(&evidence), &VerdictOptions::default(), semantics)
            .map(|(_, reward)| Measured::GenEval(reward))
            .map_err(|error| error.to_string())
    }
}

impl Rewarder for DetectorRewarder {
    fn facts(&self) -> Vec<(String, String)> {
        let meta = self.loaded.observer.meta();
        let facts = [
            ("detector", meta.id.as_str()),
            ("title", &meta.title),
            ("weights_sha256", &meta.weights_sha256),
            ("canary", "passed"),
        ];
        facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn measure(&self, question: &Question) -> Result<Measured, String> {
        let What::GenEval { metadata, semantics } = &question.what else {
            return Err("this server does not give this reward".to_owned());
        };
        match &question.picture {
            Picture::Pixels(pixels) => self.measure_pixels(pixels, metadata, *semantics, question),
            Picture::Encoded(bytes) => {
                let image = inspect_and_decode_for(bytes, &self.limits, self.loaded.working_bytes)
                    .map_err(|error| error.failure().detail)?;
                if semantics.exchanges_red_and_blue() && image.notes.contains(&ImageNote::ExifRotated) {
                    return Err("its EXIF data rotate it, and the original detects before and crops after the rotation"
                        .to_owned());
                }
                self.measure_pixels(&image.pixels, metadata, *semantics, question)
            }
        }
    }
}

fn with_red_and_blue_exchanged(pixels: &Pixels) -> Result<Pixels, String> {
    let mut values = pixels.rgb().to_vec();
    values.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
    Pixels::new(pixels.width(), pixels.height(), values).ok_or_else(|| "it has no pixels".to_owned())
}
