//! LPIPS (Zhang et al. 2018, arXiv 1801.03924), version 0.1 with the trunk SqueezeNet 1.1: how far two images lie apart for a network.
//!
//! Two files make it up: torchvision's SqueezeNet, whose feature maps after seven of its layers are compared, and one weight a
//! channel for each of the seven (`lin0` to `lin6`). Source: the package `lpips` 0.1.4, which torchmetrics 1.2 took over.
//! Channel counts come from the tensors' shapes, so that reduced networks load with the same code. Always on the CPU with 32 bits:
//! the network is small.

mod canary;
mod distance;
mod trunk;

pub use distance::{Lpips, LpipsFeatures, SMALLEST_SIDE};

#[cfg(test)]
mod tests;
