//! How much an edit changed what it was not asked to change: Reason-Edit's pixel metrics.
//!
//! Two images of one size are compared outside the edited region. The region is hidden by multiplying both with
//! `1 - mask / 255`, and **its blacked pixels stay in every mean**, so that a large region flatters the numbers; this is what the
//! official evaluation does (SmartEdit's `test/metrics_evaluation.py` over torchmetrics 1.2, docs/methods.md 2.2).
//!
//! - [`hide_region`] makes the image outside the mask; [`region_of`] is the bounding box of the mask.
//! - [`mean_squared_error`], [`psnr_of`] and [`structural_similarity`] compare two of them.
//! - [`PsnrMean`] says what becomes of equal pairs in a mean.
//!
//! Numbers are 32-bit floats where torchmetrics has them. Sums over an image run row by row in 64 bits instead of in torch's
//! blocks, whose order depends on the machine; the difference is far below what is reported.

mod background;
mod error;
mod similarity;

pub use background::{Background, Region, hide_region, region_of};
pub use error::{Psnr, PsnrMean, mean_squared_error, psnr_of};
pub use similarity::{WINDOW_SIDE, structural_similarity};

/// Why two images have no metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditMetricError {
    #[error("images of {}x{} and {}x{} pixels cannot be compared", first.0, first.1, second.0, second.1)]
    OtherSize { first: (u32, u32), second: (u32, u32) },
    #[error("an image of {}x{} pixels is smaller than the window of {WINDOW_SIDE}x{WINDOW_SIDE}", size.0, size.1)]
    TooSmall { size: (u32, u32) },
}
