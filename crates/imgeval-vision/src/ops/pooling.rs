//! Maxima over windows of maps [height x width, channels].

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::tensor::{from_numbers, with_numbers};

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
    (out_height, out_width): (usize, usize),
) -> Result<Tensor> {
    let channels = x.dim(1)?;
    with_numbers(&x.contiguous()?, |numbers| {
        let mut pooled = vec![f32::NEG_INFINITY; out_height * out_width * channels];
        pooled.par_chunks_mut((out_width * channels).max(1)).enumerate().for_each(|(out_row, line)| {
            let top = window.stride * out_row;
            for (out_column, target) in line.chunks_exact_mut(channels.max(1)).enumerate() {
                let left = window.stride * out_column;
                for row in top..(top + window.side).min(height) {
                    for column in left..(left + window.side).min(width) {
                        let source = &numbers[(row * width + column) * channels..][..channels];
                        target.iter_mut().zip(source).for_each(|(largest, x)| *largest = largest.max(*x));
                    }
                }
            }
        });
        from_numbers(pooled, &[out_height * out_width, channels])
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
}
