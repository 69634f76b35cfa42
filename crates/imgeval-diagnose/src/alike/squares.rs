//! The squares cropped from usable images.

use imgeval_core::{Failure, FailureKind, Pixels};
use imgeval_vision::DecodeLimits;
use rayon::prelude::*;

use super::{
    JpegError,
    degrade::Degradation,
    plan::{HarmoniseError, Plan},
};
use crate::collect::{UsableImage, read_image};

/// Squares that are in memory at once.
const BATCH: usize = 32;

/// Why an image that was usable gives no square.
#[derive(Debug, thiserror::Error)]
pub enum SquareError {
    #[error("`{name}` was readable at first but no longer is: {}", failure.detail)]
    Vanished { name: String, failure: Failure },
    #[error("`{name}` changed while it was in use; start again")]
    Changed { name: String },
    #[error("`{name}` cannot be converted to the form that the probe needs")]
    Harmonise {
        name: String,
        #[source]
        source: HarmoniseError,
    },
    #[error("`{name}` could not be degraded")]
    Degrade {
        name: String,
        #[source]
        source: JpegError,
    },
}

impl UsableImage {
    /// The square of the image under the plan, degraded before the plan's compression if asked for.
    ///
    /// # Errors
    /// If the file has changed since it was examined, or the image is too small.
    pub fn square(
        &self,
        plan: &Plan,
        limits: &DecodeLimits,
        degradation: Option<Degradation>,
    ) -> Result<Pixels, SquareError> {
        let name = || self.name.clone();
        let image = read_image(&self.path, limits)
            .map_err(|failure| SquareError::Vanished { name: name(), failure })?;
        if image.sha256 != self.examined.sha256 {
            return Err(SquareError::Changed { name: name() });
        }
        let harmonise = |source| SquareError::Harmonise { name: name(), source };
        let mut square = plan.cut(&image.pixels, &image.sha256).map_err(harmonise)?;
        // What follows decodes the square again.
        drop(image);
        if let Some(degradation) = degradation {
            square =
                degradation.apply(&square).map_err(|source| SquareError::Degrade { name: name(), source })?;
        }
        plan.compress(square).map_err(harmonise)
    }
}

/// Calls `visit` with the place of the first and the squares of each batch, in order.
pub(crate) fn for_each_batch<E: From<SquareError>>(
    images: &[&UsableImage],
    plan: &Plan,
    limits: &DecodeLimits,
    degradation: Option<Degradation>,
    mut visit: impl FnMut(usize, &[Pixels]) -> Result<(), E>,
) -> Result<(), E> {
    for (number, batch) in images.chunks(BATCH).enumerate() {
        let cut = |image: &&UsableImage| image.square(plan, limits, degradation);
        let squares: Vec<Result<Pixels, SquareError>> = batch.par_iter().map(cut).collect();
        // A thread that scales one image may be given the next one while the first still holds its memory.
        let again = |(image, square): (_, Result<Pixels, SquareError>)| match square {
            Err(SquareError::Vanished { failure, .. }) if failure.kind == FailureKind::NotEnoughMemory => {
                cut(image)
            }
            square => square,
        };
        let squares = batch.iter().zip(squares).map(again).collect::<Result<Vec<_>, _>>()?;
        visit(number * BATCH, &squares)?;
    }
    Ok(())
}
