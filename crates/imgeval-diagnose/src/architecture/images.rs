//! Usable images, and the squares of them that probes look at.

use std::path::PathBuf;

use imgeval_core::Pixels;
use imgeval_vision::DecodeLimits;

use super::{
    degrade::Degradation,
    error::DiagnoseError,
    examine::{Examined, read_image},
    harmonise::Plan,
};

/// An image that could be read, with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct UsableImage {
    pub path: PathBuf,
    pub name: String,
    pub examined: Examined,
    /// Numbers mean nothing but being equal: images of one group are never divided between parts.
    pub group: usize,
}

impl UsableImage {
    /// The square of the picture under the plan, degraded before the plan's compression if asked for.
    ///
    /// # Errors
    /// If the file has changed since it was examined, or the picture is too small.
    pub fn square(
        &self,
        plan: &Plan,
        limits: &DecodeLimits,
        degradation: Option<Degradation>,
    ) -> Result<Pixels, DiagnoseError> {
        let name = || self.name.clone();
        let image = read_image(&self.path, limits)
            .map_err(|failure| DiagnoseError::Vanished { name: name(), failure })?;
        if image.sha256 != self.examined.sha256 {
            return Err(DiagnoseError::Changed { name: name() });
        }
        let harmonise = |source| DiagnoseError::Harmonise { name: name(), source };
        let mut square = plan.cut(&image.pixels, &image.sha256).map_err(harmonise)?;
        // What follows decodes the square again.
        drop(image);
        if let Some(degradation) = degradation {
            square = degradation
                .apply(&square)
                .map_err(|source| DiagnoseError::Degrade { name: name(), source })?;
        }
        plan.compress(square).map_err(harmonise)
    }
}
