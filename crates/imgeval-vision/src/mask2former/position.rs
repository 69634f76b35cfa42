//! Sine position encodings, normalized to one turn per axis (Carion et al. 2020, arXiv 2005.12872, supplement A.4).

use candle_core::{Result, Tensor};

use super::swin::Map;
use crate::ops::tensor::from_numbers;

/// [height x width, channels]: the first half of the channels tells y, the second x; sine and cosine alternate.
pub(super) fn sine_encoding(height: usize, width: usize, channels: usize, like: &Map) -> Result<Tensor> {
    const TEMPERATURE: f32 = 10_000.0;
    let per_axis = channels / 2;
    #[expect(clippy::cast_precision_loss, reason = "sizes of maps")]
    let axis = |size: usize| -> Vec<f32> {
        let mut encoding = Vec::with_capacity(size * per_axis);
        for place in 0..size {
            let angle = (place + 1) as f32 / (size as f32 + 1e-6) * std::f32::consts::TAU;
            for channel in 0..per_axis {
                let exponent = (2 * (channel / 2)) as f32 / per_axis as f32;
                let angle = angle / TEMPERATURE.powf(exponent);
                encoding.push(if channel % 2 == 0 { angle.sin() } else { angle.cos() });
            }
        }
        encoding
    };
    let (rows, columns) = (axis(height), axis(width));
    let mut encoding = Vec::with_capacity(height * width * channels);
    for row in rows.chunks_exact(per_axis) {
        for column in columns.chunks_exact(per_axis) {
            encoding.extend_from_slice(row);
            encoding.extend_from_slice(column);
        }
    }
    let encoding = from_numbers(encoding, &[height * width, channels])?;
    encoding.to_device(like.pixels.device())?.to_dtype(like.pixels.dtype())
}
