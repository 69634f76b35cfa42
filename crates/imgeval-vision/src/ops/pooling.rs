//! Maxima over windows and means of maps [height x width, channels].

use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::tensor::{from_numbers, is_fast, with_numbers};

/// A square window that moves by its stride.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub side: usize,
    pub stride: usize,
}

/// The largest number of each channel under each of `out_size` windows, the first of which lies in the upper left corner. What of a
/// window lies beyond the right or bottom border does not count. For 32-bit numbers on the CPU.
pub fn max_pool(
    x: &Tensor,
    (height, width): (usize, usize),
    window: Window,
    out_size: (usize, usize),
) -> Result<Tensor> {
    max_pool_from(x, (height, width), window, 0, out_size)
}

/// The same where the first window reaches `padding` places over the upper and left border, and the last one as far over the others at
/// most. Returns the size of the result with it.
pub fn max_pool_padded(
    x: &Tensor,
    (height, width): (usize, usize),
    window: Window,
    padding: usize,
) -> Result<(Tensor, (usize, usize))> {
    let count = |side: usize| (side + 2 * padding).saturating_sub(window.side) / window.stride + 1;
    let out_size = (count(height), count(width));
    Ok((max_pool_from(x, (height, width), window, padding, out_size)?, out_size))
}

fn max_pool_from(
    x: &Tensor,
    (height, width): (usize, usize),
    window: Window,
    padding: usize,
    (out_height, out_width): (usize, usize),
) -> Result<Tensor> {
    let channels = x.dim(1)?;
    with_numbers(&x.contiguous()?, |numbers| {
        let mut pooled = vec![f32::NEG_INFINITY; out_height * out_width * channels];
        pooled.par_chunks_mut((out_width * channels).max(1)).enumerate().for_each(|(out_row, line)| {
            let rows = span(out_row, window, padding, height);
            for (out_column, target) in line.chunks_exact_mut(channels.max(1)).enumerate() {
                let columns = span(out_column, window, padding, width);
                for row in rows.clone() {
                    for column in columns.clone() {
                        let source = &numbers[(row * width + column) * channels..][..channels];
                        for (largest, x) in target.iter_mut().zip(source) {
                            *largest = if *x > *largest { *x } else { *largest };
                        }
                    }
                }
            }
        });
        from_numbers(pooled, &[out_height * out_width, channels])
    })
}

/// What of a window lies within a side of the map.
fn span(place: usize, window: Window, padding: usize, length: usize) -> Range<usize> {
    let start = window.stride * place;
    start.saturating_sub(padding)..(start + window.side).saturating_sub(padding).min(length)
}

/// Rows that one task adds up.
const ROWS: usize = 1024;

/// The mean of each channel: [pixels, channels] to [1, channels]. Sums have 64 bits and one order, whatever the threads do.
pub fn mean(x: &Tensor) -> Result<Tensor> {
    let (n_rows, channels) = x.dims2()?;
    if n_rows == 0 || channels == 0 {
        bail!("no mean of {:?}", x.shape());
    }
    if !is_fast(x) {
        return x.mean_keepdim(0);
    }
    with_numbers(&x.contiguous()?, |numbers| {
        let parts = numbers.par_chunks(ROWS * channels).map(|chunk| {
            let mut sums = vec![0.0_f64; channels];
            for row in chunk.chunks_exact(channels) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
            }
            sums
        });
        let parts: Vec<Vec<f64>> = parts.collect();
        let total = |channel: usize| parts.iter().map(|sums| sums[channel]).sum::<f64>();
        #[expect(clippy::cast_precision_loss, reason = "counts of pixels")]
        #[expect(clippy::cast_possible_truncation, reason = "back to the precision of the network")]
        let means = (0..channels).map(|channel| (total(channel) / n_rows as f64) as f32).collect();
        from_numbers(means, &[1, channels])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: (usize, usize), window: Window, out_size: (usize, usize), expected: &[f32]) {
        let numbers = (0..size.0 * size.1).map(|number| number as f32).collect();
        let x = from_numbers(numbers, &[size.0 * size.1, 1]).unwrap();
        let pooled = max_pool(&x, size, window, out_size).unwrap();
        assert_eq!(pooled.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    }

    #[test]
    fn windows_at_the_border_are_cut_off() {
        // torch: `max_pool2d(arange(h * w).view(1, 1, h, w), 3, 2, ceil_mode=True)`.
        let window = Window { side: 3, stride: 2 };
        check((3, 3), window, (1, 1), &[8.0]);
        check((4, 3), window, (2, 1), &[8.0, 11.0]);
        check((5, 6), window, (2, 3), &[14.0, 16.0, 17.0, 26.0, 28.0, 29.0]);
    }

    #[test]
    fn windows_may_halve_the_map_or_keep_its_size() {
        check((2, 4), Window { side: 2, stride: 2 }, (1, 2), &[5.0, 7.0]);
        check((2, 3), Window { side: 2, stride: 1 }, (2, 3), &[4.0, 5.0, 5.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn padding_counts_for_nothing() {
        // torch: `max_pool2d(arange(h * w).view(1, 1, h, w) - 100, 3, 2, 1)`.
        let check = |(height, width): (usize, usize), expected: &[f32], expected_size: (usize, usize)| {
            let numbers = (0..height * width).map(|number| number as f32 - 100.0).collect();
            let x = from_numbers(numbers, &[height * width, 1]).unwrap();
            let window = Window { side: 3, stride: 2 };
            let (pooled, size) = max_pool_padded(&x, (height, width), window, 1).unwrap();
            assert_eq!(size, expected_size);
            assert_eq!(pooled.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
        };
        check((3, 4), &[-95.0, -93.0, -91.0, -89.0], (2, 2));
        check((1, 1), &[-100.0], (1, 1));
    }

    #[test]
    fn means_are_of_each_channel() {
        let x = from_numbers(vec![1.0, 10.0, 2.0, 20.0, 6.0, 0.0], &[3, 2]).unwrap();
        assert_eq!(mean(&x).unwrap().to_vec2::<f32>().unwrap(), [[3.0, 10.0]]);
    }
}
