//! What the canaries of all networks need.

use candle_core::{DType, Tensor};
use imgeval_core::Pixels;

use crate::{
    DecodeLimits,
    compute::Backend,
    inspect_and_decode,
    model_error::{CanaryError, ModelError},
};

/// Whether a network is near enough to its known answer, relative to the largest number of it; what is not a number is not.
/// 32 bits differ by the order of summation alone; 16 bits by their rounding, layer after layer.
pub(crate) fn is_near(difference: f32, backend: &Backend) -> bool {
    let tolerance = match backend.dtype {
        DType::F16 | DType::BF16 => 0.1,
        _ => 1e-3,
    };
    difference <= tolerance
}

pub(crate) fn picture_of(png: &[u8]) -> Result<Pixels, ModelError> {
    inspect_and_decode(png, &DecodeLimits::default())
        .map(|image| image.pixels)
        .map_err(|error| CanaryError::Picture { detail: error.to_string() }.into())
}

/// Relative to the largest expected number; not a number if one of the found ones is not.
pub(crate) fn largest_difference(found: &Tensor, expected: &[f32]) -> Result<f32, ModelError> {
    let found: Vec<f32> = found.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    if found.len() != expected.len() {
        return Err(CanaryError::Length { found: found.len(), expected: expected.len() }.into());
    }
    let largest = expected.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    // `max` would drop what is not a number.
    Ok(differences.fold(0.0, |worst: f32, one| if one <= worst { worst } else { one }) / largest)
}
