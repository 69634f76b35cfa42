//! Images and feature maps on their way through a convolutional network.

use candle_core::Tensor;
use imgeval_core::{
    Pixels,
    memory::{PIXEL_MEMORY, Reservation},
};
use imgeval_vision::{
    ModelError,
    compute::{Backend, ComputeOptions, Device},
};

use crate::{
    port::ForensicsError,
    preparation::{Normalization, numbers},
};

/// A map [height x width, channels].
#[derive(Debug, Clone)]
pub struct Map {
    pub x: Tensor,
    /// Height and width.
    pub size: (usize, usize),
}

impl Map {
    /// The normalized colors of an image, [height x width, 3].
    ///
    /// # Errors
    /// If the device is out of memory.
    pub fn of_pixels(
        pixels: &Pixels,
        normalization: Normalization,
        backend: &Backend,
    ) -> Result<Self, ForensicsError> {
        let size = (pixels.height() as usize, pixels.width() as usize);
        Ok(Self { x: numbers(pixels, normalization, backend)?, size })
    }
}

/// Opens the CPU with 32 bits, which is where the convolutional networks compute.
///
/// # Errors
/// If another device or type was asked for.
pub fn open_cpu(options: &ComputeOptions) -> Result<Backend, ForensicsError> {
    if options.device != Device::Cpu {
        let detail = "convolutional detectors compute on the CPU".to_owned();
        return Err(ModelError::NoDevice { device: options.device.name(), detail }.into());
    }
    Ok(Backend::open(options)?)
}

/// Reserves the memory that a network needs for an image in its own size.
///
/// # Errors
/// If the memory limit for images does not allow it.
pub fn reserve(pixels: &Pixels, bytes_per_pixel: u64) -> Result<Reservation, ForensicsError> {
    let count = u64::from(pixels.width()) * u64::from(pixels.height());
    Ok(PIXEL_MEMORY.reserve(count.saturating_mul(bytes_per_pixel))?)
}
