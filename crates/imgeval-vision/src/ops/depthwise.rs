//! Convolutions of each channel with a kernel of its own, over maps [height x width, channels].

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    simd::{Kernel, Simd, dispatch},
    tensor::{from_numbers, is_fast, with_numbers},
};

/// Neighboring results that are computed together: each number of the map that is loaded is used for several of them.
const BLOCK: usize = 4;

/// A square kernel of odd side for each channel, a stride of 1, and zeros around the map, which keeps its size. It runs with 32 bits on
/// the CPU only.
pub struct DepthwiseConvolution {
    /// [side x side, channels].
    weight: Vec<f32>,
    bias: Vec<f32>,
    side: usize,
}

impl DepthwiseConvolution {
    /// Of a weight [channels, 1, side, side] and a bias [channels].
    pub fn of_numbers(weight: &[f32], bias: Vec<f32>, side: usize) -> Self {
        let places = side * side;
        let weight = (0..places).flat_map(|place| weight.iter().skip(place).step_by(places.max(1)));
        Self { weight: weight.copied().collect(), bias, side }
    }

    /// `x` and the result are [height x width, channels].
    ///
    /// # Errors
    /// If `x` has another shape or type.
    pub fn forward(&self, x: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
        let (n_pixels, channels) = x.dims2()?;
        let fits = n_pixels == height * width && channels == self.bias.len() && channels > 0;
        if !fits || self.weight.len() != self.side * self.side * channels || !is_fast(x) {
            bail!("a depthwise convolution of {} channels was given {:?}", self.bias.len(), x.shape());
        }
        with_numbers(&x.contiguous()?, |numbers| {
            let mut result = vec![0.0; numbers.len()];
            let lines = result.par_chunks_mut((width * channels).max(1)).enumerate();
            lines.for_each(|(row, target)| {
                dispatch(Line { convolution: self, numbers, height, width, row, target });
            });
            from_numbers(result, &[n_pixels, channels])
        })
    }
}

/// One row of the result.
struct Line<'a> {
    convolution: &'a DepthwiseConvolution,
    numbers: &'a [f32],
    height: usize,
    width: usize,
    row: usize,
    target: &'a mut [f32],
}

impl Kernel for Line<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let channels = self.convolution.bias.len();
        let whole = channels / S::LANES * S::LANES;
        for channel in (0..whole).step_by(S::LANES) {
            for first in (0..self.width).step_by(BLOCK) {
                // SAFETY: the instruction set is available, as the caller promises; a vector of channels lies inside.
                unsafe { self.block::<S>(channel, first) };
            }
        }
        for channel in whole..channels {
            (0..self.width).for_each(|column| self.scalar(channel, column));
        }
    }
}

impl Line<'_> {
    /// The rows of the map under the kernel, each with its row of the kernel.
    fn rows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (padding, row, height) = (self.convolution.side / 2, self.row, self.height);
        (0..self.convolution.side).filter_map(move |kernel_row| {
            let row = (row + kernel_row).checked_sub(padding)?;
            (row < height).then_some((row, kernel_row))
        })
    }

    /// Up to [`BLOCK`] results from `first` on, for a vector of channels.
    ///
    /// # Safety
    /// The instruction set of `S` must be available, and `channel + S::LANES` be at most the number of channels.
    #[inline(always)]
    unsafe fn block<S: Simd>(&mut self, channel: usize, first: usize) {
        let DepthwiseConvolution { weight, bias, side } = self.convolution;
        let (side, channels) = (*side, bias.len());
        let padding = side / 2;
        let count = BLOCK.min(self.width - first);
        // The columns of the map under these results; `start` is counted from `padding` places left of the map.
        let (start, end) = (first.max(padding), (first + count + side - 1).min(self.width + padding));
        assert!(channel + S::LANES <= channels && weight.len() == side * side * channels);
        assert!(self.numbers.len() == self.height * self.width * channels);
        assert!(self.target.len() == self.width * channels);
        // SAFETY: every address is a vector of channels of a pixel or of a place of the kernel, as just asserted.
        unsafe {
            let mut sums = [S::load(bias.as_ptr().add(channel)); BLOCK];
            for (row, kernel_row) in self.rows() {
                let line = self.numbers.as_ptr().add(row * self.width * channels + channel);
                let kernel = weight.as_ptr().add(kernel_row * side * channels + channel);
                for column in start..end {
                    let x = S::load(line.add((column - padding) * channels));
                    for (place, sum) in sums.iter_mut().enumerate() {
                        // The place of the kernel that lies over this column for this result.
                        let kernel_column = column.wrapping_sub(first + place);
                        if kernel_column < side {
                            *sum = S::mul_add(x, S::load(kernel.add(kernel_column * channels)), *sum);
                        }
                    }
                }
            }
            for (place, sum) in sums.into_iter().take(count).enumerate() {
                S::store(sum, self.target.as_mut_ptr().add((first + place) * channels + channel));
            }
        }
    }

    fn scalar(&mut self, channel: usize, column: usize) {
        let DepthwiseConvolution { weight, bias, side } = self.convolution;
        let (padding, channels) = (side / 2, bias.len());
        let mut sum = bias[channel];
        for (row, kernel_row) in self.rows() {
            for kernel_column in 0..*side {
                let Some(x) = (column + kernel_column).checked_sub(padding).filter(|x| *x < self.width)
                else {
                    continue;
                };
                sum += self.numbers[(row * self.width + x) * channels + channel]
                    * weight[(kernel_row * side + kernel_column) * channels + channel];
            }
        }
        self.target[column * channels + channel] = sum;
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
        for (size, channels, side) in [((5, 9), 40, 7), ((2, 3), 19, 7), ((1, 1), 8, 3), ((8, 8), 33, 5)] {
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
