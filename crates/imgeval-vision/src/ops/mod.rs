//! The operations that the networks are made of.
//!
//! Maps and sequences are tensors whose last dimension is the channels. Each operation has two ways: kernels for
//! 32-bit numbers on the CPU, and candle's own operations, composed, for every other device and type. The second is
//! also what the tests compare the first with.
//!
//! - [`gemm`]: matrix products with packed weights, over [`simd`].
//! - [`linear`], [`convolution`], [`norm`], [`activation`]: layers.
//! - [`attention`], [`window`], [`deformable`]: the three kinds of attention.
//! - [`resize`]: bilinear resizing of maps; [`pooling`]: maxima over windows; [`masks`]: mask logits to masks of an image.
//! - [`transformer`]: the block of CLIP's and DINO's encoders.

#![expect(
    unsafe_code,
    reason = "vector instructions and outputs that threads share; see each SAFETY comment"
)]

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod buffer;
pub(crate) mod convolution;
pub(crate) mod deformable;
pub(crate) mod gemm;
pub(crate) mod layers;
pub(crate) mod linear;
pub(crate) mod masks;
pub(crate) mod norm;
pub(crate) mod pooling;
pub(crate) mod resize;
pub(crate) mod simd;
pub(crate) mod tensor;
pub(crate) mod transformer;
pub(crate) mod window;

#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use simd::{InstructionLimit, instruction_set_name, limit_instructions};
