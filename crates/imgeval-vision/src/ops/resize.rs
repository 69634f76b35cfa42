//! Bilinear resizing of maps [height x width, channels], as PyTorch's `interpolate` with `align_corners=False`.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::tensor::{from_numbers, is_fast, with_numbers};

/// For one output place: two source places and the weight of the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    pub first: usize,
    pub second: usize,
    pub weight: f32,
}

/// The taps along one axis. The arithmetic is that of PyTorch: 32 bits, the source place not below zero.
pub fn taps(from: usize, to: usize) -> Vec<Tap> {
    #[expect(clippy::cast_precision_loss, reason = "sizes of images")]
    let scale = from as f32 / to as f32;
    (0..to)
        .map(|place| {
            #[expect(clippy::cast_precision_loss, reason = "sizes of images")]
            let source = (scale * (place as f32 + 0.5) - 0.5).max(0.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative, below `from`"
            )]
            let first = (source as usize).min(from - 1);
            #[expect(clippy::cast_precision_loss, reason = "sizes of images")]
            let weight = (source - first as f32).clamp(0.0, 1.0);
            Tap { first, second: (first + 1).min(from - 1), weight }
        })
        .collect()
}

/// [from x, channels] to [to x, channels].
pub fn resize_bilinear(
    x: &Tensor,
    (height, width): (usize, usize),
    (out_height, out_width): (usize, usize),
) -> Result<Tensor> {
    let (n_pixels, channels) = x.dims2()?;
    if n_pixels != height * width || [n_pixels, channels, out_height, out_width].contains(&0) {
        bail!("{:?} cannot be resized from {height} x {width} to {out_height} x {out_width}", x.shape());
    }
    let (rows, columns) = (taps(height, out_height), taps(width, out_width));
    if !is_fast(x) {
        let blend = |x: &Tensor, taps: &[Tap], axis: usize| -> Result<Tensor> {
            let index = |pick: fn(&Tap) -> usize| -> Result<Tensor> {
                let places =
                    taps.iter().map(|tap| u32::try_from(pick(tap)).map_err(candle_core::Error::wrap));
                Tensor::new(places.collect::<Result<Vec<u32>>>()?, x.device())
            };
            let weights: Vec<f32> = taps.iter().map(|tap| tap.weight).collect();
            let mut shape = [1; 3];
            shape[axis] = taps.len();
            let weights = Tensor::from_vec(weights, &shape, x.device())?.to_dtype(x.dtype())?;
            let first = x.index_select(&index(|tap| tap.first)?, axis)?;
            let second = x.index_select(&index(|tap| tap.second)?, axis)?;
            &first + (second - &first)?.broadcast_mul(&weights)?
        };
        let map = x.reshape((height, width, channels))?;
        return blend(&blend(&map, &columns, 1)?, &rows, 0)?.reshape((out_height * out_width, channels));
    }
    with_numbers(&x.contiguous()?, |numbers| {
        let mut result = vec![0.0; out_height * out_width * channels];
        result.par_chunks_mut(out_width * channels).zip(&rows).for_each(|(target, row)| {
            for (target, column) in target.chunks_exact_mut(channels).zip(&columns) {
                let pixel = |y: usize, x: usize| &numbers[(y * width + x) * channels..][..channels];
                let upper = (pixel(row.first, column.first), pixel(row.first, column.second));
                let lower = (pixel(row.second, column.first), pixel(row.second, column.second));
                let (right, left) = (column.weight, 1.0 - column.weight);
                let (bottom, top) = (row.weight, 1.0 - row.weight);
                for (channel, target) in target.iter_mut().enumerate() {
                    *target = top * (left * upper.0[channel] + right * upper.1[channel])
                        + bottom * (left * lower.0[channel] + right * lower.1[channel]);
                }
            }
        });
        from_numbers(result, &[out_height * out_width, channels])
    })
}
