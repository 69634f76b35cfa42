//! The operations that the networks are made of.
//!
//! Maps and sequences are tensors whose last dimension is the channels. Each operation has two ways: kernels for
//! 32-bit numbers on the CPU, and candle's own operations, composed, for every other device and type. The second is
//! also what the tests compare the first with.
//!
//! - [`gemm`]: matrix products with packed weights, over [`simd`].
//! - [`linear`], [`convolution`], [`norm`], [`activation`]: layers. [`depthwise`]: a kernel for each channel;
//!   [`normed_convolution`]: a batch norm folded into the convolution before it.
//! - [`attention`], [`window`], [`deformable`]: the three kinds of attention.
//! - [`resize`]: bilinear resizing of maps; [`pooling`]: maxima over windows, means; [`masks`]: mask logits to masks of an image.
//! - [`transformer`]: the block of CLIP's and DINO's encoders.

#![expect(
    unsafe_code,
    reason = "vector instructions and outputs that threads share; see each SAFETY comment"
)]

pub mod activation;
pub mod attention;
pub mod buffer;
pub mod convolution;
pub mod deformable;
pub mod depthwise;
pub mod gemm;
pub mod layers;
pub mod linear;
pub mod masks;
pub mod norm;
pub mod normed_convolution;
pub mod pooling;
pub mod resize;
pub mod simd;
pub mod tensor;
pub mod transformer;
pub mod window;

#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use simd::{InstructionLimit, instruction_set_name, limit_instructions};
