//! Gaussian blur as detectors' evaluations and trainings apply it. No two libraries give the same bytes.
//!
//! - [`scipy_gaussian`]: SciPy's filter on 8-bit arrays in place (CNNSpot, UnivFD).
//! - [`opencv_gaussian`] is `cv2.GaussianBlur`.
//! - [`torchvision_gaussian`]: `torchvision.transforms.GaussianBlur` (SAFE).
//! - [`pillow_gaussian`]: `ImageFilter.GaussianBlur`, three box blurs.

mod opencv;
mod pillow;
mod scipy;
mod torchvision;

pub use opencv::{KernelSizeError, opencv_gaussian};
pub use pillow::pillow_gaussian;
pub use scipy::scipy_gaussian;
pub use torchvision::torchvision_gaussian;
