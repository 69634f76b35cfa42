//! Convolutions of each channel with a kernel of its own, over maps [height x width, channels].

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    buffer::{OutputRows, SharedOutput, with_scratch},
    simd::{Kernel, Simd, dispatch},
    tensor::{from_numbers, is_fast, with_numbers},
};

/// Channels that are worked through together, a multiple of every vector: a cache line of each pixel.
const GROUP: usize = 16;
/// Neighboring results whose sums stay in registers. It divides the sides of ConvNeXt's maps.
const BLOCK: usize = 7;

/// A square kernel of odd side for each channel, a stride of 1, and zeros around the map, which keeps its size. It runs with 32 bits on
/// the CPU only.
pub struct DepthwiseConvolution {
    /// [groups, side x side, GROUP], filled up with zeros.
    weight: Vec<f32>,
    /// [groups, GROUP].
    bias: Vec<f32>,
    channels: usize,
    side: usize,
}

impl DepthwiseConvolution {
    /// Of a weight `[channels, 1, side, side]` and a bias `[channels]`.
    pub fn of_numbers(weight: &[f32], bias: Vec<f32>, side: usize) -> Self {
        let (channels, places) = (bias.len(), side * side);
        let n_groups = channels.div_ceil(GROUP);
        let mut packed = vec![0.0; n_groups * places * GROUP];
        for (channel, kernel) in weight.chunks_exact(places.max(1)).enumerate().take(channels) {
            let group = &mut packed[channel / GROUP * places * GROUP..][..places * GROUP];
            for (place, number) in kernel.iter().enumerate() {
                group[place * GROUP + channel % GROUP] = *number;
            }
        }
        let mut bias = bias;
        bias.resize(n_groups * GROUP, 0.0);
        Self { weight: packed, bias, channels, side }
    }

    /// `x` and the result are [height x width, channels].
    ///
    /// # Errors
    /// If `x` has another shape or type.
    pub fn forward(&self, x: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
        let (n_pixels, channels) = x.dims2()?;
        if n_pixels != height * width || channels != self.channels || n_pixels == 0 || !is_fast(x) {
            bail!("a depthwise convolution of {} channels was given {:?}", self.channels, x.shape());
        }
        let padded_width = width + self.side - 1;
        with_numbers(&x.contiguous()?, |numbers| {
            let mut result = vec![0.0; numbers.len()];
            let output = SharedOutput::new(&mut result);
            (0..channels.div_ceil(GROUP)).into_par_iter().for_each(|group| {
                let count = GROUP.min(channels - group * GROUP);
                with_scratch(|scratch| {
                    let plane = scratch.take(height * padded_width * GROUP);
                    gather(numbers, channels, (group * GROUP, count), (width, self.side / 2), plane);
                    dispatch(Plane {
                        numbers: plane,
                        weight: &self.weight[group * self.side * self.side * GROUP..],
                        bias: &self.bias[group * GROUP..][..GROUP],
                        side: self.side,
                        size: (height, width),
                        count,
                        // SAFETY: every task writes channels of its own.
                        output: unsafe { output.rows(group * GROUP, channels) },
                    });
                });
            });
            from_numbers(result, &[n_pixels, channels])
        })
    }
}

/// Some channels of a map, [rows, width with the padding, GROUP]: zeros left and right, and for channels that do not exist.
fn gather(
    numbers: &[f32],
    channels: usize,
    (first, count): (usize, usize),
    (width, padding): (usize, usize),
    plane: &mut [f32],
) {
    let padded = (width + 2 * padding) * GROUP;
    for (target, source) in plane.chunks_exact_mut(padded).zip(numbers.chunks_exact(width * channels)) {
        target[..padding * GROUP].fill(0.0);
        target[(padding + width) * GROUP..].fill(0.0);
        let pixels = target[padding * GROUP..].chunks_exact_mut(GROUP).zip(source.chunks_exact(channels));
        for (target, pixel) in pixels {
            target[..count].copy_from_slice(&pixel[first..first + count]);
            target[count..].fill(0.0);
        }
    }
}

/// The work on one group of channels.
struct Plane<'a> {
    numbers: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    side: usize,
    size: (usize, usize),
    /// Channels that exist.
    count: usize,
    output: OutputRows<'a>,
}

impl Kernel for Plane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (height, width) = self.size;
        // Everything that is reached through pointers below.
        assert!(self.numbers.len() >= height * (width + self.side - 1) * GROUP);
        assert!(self.weight.len() >= self.side * self.side * GROUP && self.bias.len() >= GROUP);
        assert!(self.output.holds(height * width, self.count));
        for channel in (0..self.count).step_by(S::LANES) {
            for row in 0..height {
                let mut column = 0;
                // SAFETY: the instruction set is available, as the caller promises; all columns lie inside.
                unsafe {
                    while column + BLOCK <= width {
                        self.block::<S, BLOCK>(channel, row, column);
                        column += BLOCK;
                    }
                    if column < width && width >= BLOCK {
                        // Some results once more; they are the same.
                        self.block::<S, BLOCK>(channel, row, width - BLOCK);
                    } else {
                        (column..width).for_each(|column| self.block::<S, 1>(channel, row, column));
                    }
                }
            }
        }
    }
}

impl Plane<'_> {
    /// `COUNT` results from `column` on, for a vector of channels.
    ///
    /// # Safety
    /// The instruction set of `S` must be available, `column + COUNT` at most the width, `row` below the height, `channel` below
    /// `self.count` and a multiple of the lanes.
    #[inline(always)]
    unsafe fn block<S: Simd, const COUNT: usize>(&self, channel: usize, row: usize, column: usize) {
        let (height, width) = self.size;
        let (side, line) = (self.side, (width + self.side - 1) * GROUP);
        // The rows of the kernel that lie over the map.
        let first_row = (side / 2).saturating_sub(row);
        let end_row = side.min(height + side / 2 - row);
        // SAFETY: `run` has seen that the slices hold these vectors, since GROUP is a multiple of the lanes.
        unsafe {
            let mut sums = [S::load(self.bias.as_ptr().add(channel)); COUNT];
            for kernel_row in first_row..end_row {
                let map_row = row + kernel_row - side / 2;
                let numbers = self.numbers.as_ptr().add(map_row * line + column * GROUP + channel);
                let weight = self.weight.as_ptr().add(kernel_row * side * GROUP + channel);
                for kernel_column in 0..side {
                    let weight = S::load(weight.add(kernel_column * GROUP));
                    for (place, sum) in sums.iter_mut().enumerate() {
                        let x = S::load(numbers.add((kernel_column + place) * GROUP));
                        *sum = S::mul_add(x, weight, *sum);
                    }
                }
            }
            let count = S::LANES.min(self.count - channel);
            for (place, sum) in sums.into_iter().enumerate() {
                let target = self.output.at(row * width + column + place, channel);
                if count == S::LANES {
                    S::store(sum, target);
                } else {
                    let mut numbers = [0.0_f32; GROUP];
                    S::store(sum, numbers.as_mut_ptr());
                    std::slice::from_raw_parts_mut(target, count).copy_from_slice(&numbers[..count]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in 64 bits.
    fn expected(
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        (height, width): (usize, usize),
        side: usize,
    ) -> Vec<f32> {
        let channels = bias.len();
        let mut result = Vec::new();
        for place in 0..height * width * channels {
            let (pixel, channel) = (place / channels, place % channels);
            let mut sum = f64::from(bias[channel]);
            for kernel in 0..side * side {
                let y = (pixel / width + kernel / side).checked_sub(side / 2).filter(|y| *y < height);
                let column = (pixel % width + kernel % side).checked_sub(side / 2).filter(|x| *x < width);
                if let (Some(y), Some(column)) = (y, column) {
                    let x = x[(y * width + column) * channels + channel];
                    sum += f64::from(x) * f64::from(weight[channel * side * side + kernel]);
                }
            }
            result.push(sum as f32);
        }
        result
    }

    #[test]
    fn every_size_and_channel_count_is_the_definition() {
        for (size, channels, side) in [((5, 9), 40, 7), ((2, 3), 19, 7), ((1, 1), 8, 3), ((8, 14), 33, 5)] {
            let draw = |count: usize, seed: usize| -> Vec<f32> {
                (0..count).map(|place| ((place * 7919 + seed) % 101) as f32 / 50.0 - 1.0).collect()
            };
            let (x, weight) = (draw(size.0 * size.1 * channels, 1), draw(channels * side * side, 2));
            let bias = draw(channels, 3);
            let expected = expected(&x, &weight, &bias, size, side);
            let convolution = DepthwiseConvolution::of_numbers(&weight, bias, side);
            let x = from_numbers(x, &[size.0 * size.1, channels]).unwrap();
            let found = convolution.forward(&x, size).unwrap().flatten_all().unwrap();
            for (found, expected) in found.to_vec1::<f32>().unwrap().iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{size:?}, {channels}: {found}, {expected}");
            }
        }
    }
}
