//! From a network's last tensor to the logits of a judgment.

use candle_core::{DType, Tensor};
use imgeval_vision::ModelError;

use crate::port::ForensicsError;

/// The side of a network's input in the type of images.
pub fn side_of(side: usize) -> Result<u32, ForensicsError> {
    Ok(u32::try_from(side).map_err(candle_core::Error::wrap)?)
}

/// The finite numbers of a network's result.
///
/// # Errors
/// If one of them is not finite: the weights are damaged.
pub fn logits(result: &Tensor) -> Result<Vec<f32>, ForensicsError> {
    let numbers: Vec<f32> = result.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    if numbers.iter().all(|number| number.is_finite()) {
        return Ok(numbers);
    }
    Err(ModelError::NotFinite.into())
}

/// The only number of a network's result.
///
/// # Errors
/// As [`logits`], or if there is another number of them.
pub fn one_logit(result: &Tensor) -> Result<f32, ForensicsError> {
    match logits(result)?.as_slice() {
        [logit] => Ok(*logit),
        _ => Err(candle_core::Error::msg("a head of one logit gave another number of them").into()),
    }
}

/// The two numbers of a network's result, for real and fake.
///
/// # Errors
/// As [`logits`], or if there is another number of them.
pub fn logit_pair(result: &Tensor) -> Result<[f32; 2], ForensicsError> {
    match logits(result)?.as_slice() {
        [real, fake] => Ok([*real, *fake]),
        _ => Err(candle_core::Error::msg("a head of two logits gave another number of them").into()),
    }
}

/// Each row of `x` [rows, channels] divided by its length.
///
/// # Errors
/// If the network fails.
pub fn unit_length(x: &Tensor) -> candle_core::Result<Tensor> {
    x.broadcast_div(&x.sqr()?.sum_keepdim(candle_core::D::Minus1)?.sqrt()?)
}
