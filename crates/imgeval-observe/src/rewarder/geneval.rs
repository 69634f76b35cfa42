//! GenEval's rewards, with a detector.

use imgeval_core::{ContentHash, Evidence, ImageNote, Pixels};
use imgeval_runner::NamingLimits;
use imgeval_scoring::objects_of;
use imgeval_suites::geneval::{Metadata, Reward, Semantics, VerdictOptions, compute_reward};

use super::RewardImage;
use crate::LoadedObserver;

/// The rewards of one image by GenEval's own options. Where a framework exchanges red and blue, the detector sees them exchanged; colors
/// are named as they are.
pub(super) fn geneval_reward(
    loaded: &LoadedObserver,
    image: &RewardImage<'_>,
    hash: ContentHash,
    metadata: &Metadata,
    semantics: Semantics,
) -> Result<Reward, String> {
    let exchanges = semantics.exchanges_red_and_blue();
    if exchanges && image.notes.contains(&ImageNote::ExifRotated) {
        return Err("its EXIF data rotate it, and the original detects before and crops after the rotation"
            .to_owned());
    }
    let pixels = image.pixels;
    let exchanged = exchanges.then(|| with_red_and_blue_exchanged(pixels)).transpose()?;
    let has_color = |category| {
        metadata.include.iter().any(|clause| clause.category == category && clause.color.is_some())
    };
    let detections = loaded
        .observer
        .look_for(exchanged.as_ref().unwrap_or(pixels), pixels, has_color, NamingLimits::default())
        .map_err(|error| error.to_string())?;
    let evidence = Evidence {
        image: hash,
        observer: loaded.observer.meta().observer_id(),
        width: pixels.width(),
        height: pixels.height(),
        detections,
    };
    compute_reward(metadata, &objects_of(&evidence), &VerdictOptions::default(), semantics)
        .map(|(_, reward)| reward)
        .map_err(|error| error.to_string())
}

fn with_red_and_blue_exchanged(pixels: &Pixels) -> Result<Pixels, String> {
    let mut values = pixels.rgb().to_vec();
    values.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
    Pixels::new(pixels.width(), pixels.height(), values).ok_or_else(|| "it has no pixels".to_owned())
}
