//! Making images alike in everything that is not their generator's doing: one size and one compression for all; and the
//! degradations by which one finds out what of an answer survives.

mod degrade;
mod plan;
mod squares;
mod webp;

pub use degrade::{Degradation, SWEEP};
pub use imgeval_vision::image_file::{JpegError, Subsampling, compressed, encode_jpeg};
pub use plan::{
    HarmoniseError, JpegRequest, JpegStep, MIN_SIDE, Plan, PlanChoice, PlanRequest, Sizing, SizingRequest,
    choose_plan,
};
pub use squares::SquareError;
pub(crate) use squares::for_each_batch;
pub use webp::{WebpError, compressed_webp, encode_webp};
