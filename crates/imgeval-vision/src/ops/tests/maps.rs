//! Operations over maps: convolution, resizing, deformable attention.

use super::{UNIT, check, check_both, gemm::allowed, parameters, random, softmax, tensor, unless_miri, wide};
use crate::ops::{
    deformable::Sampling, layers::Layers, resize::resize_bilinear, simd::testing::on_every_instruction_set,
};

#[test]
fn convolutions_equal_plain_loops() {
    let sizes = (
        (1..unless_miri(20, 6), 1..unless_miri(20, 6)),
        (1..unless_miri(40, 4), 1..unless_miri(40, 4)),
        // Kernel, stride, padding: as in the networks, and one that leaves pixels out.
        proptest::sample::select(vec![(3, 1, 1), (1, 1, 0), (4, 4, 0), (3, 2, 0), (2, 3, 1)]),
        proptest::bool::ANY,
        0..1000_u64,
    );
    check(sizes, |((height, width), (channels, outputs), (kernel, stride, padding), has_bias, seed)| {
        let shape = [outputs, channels, kernel, kernel];
        let (mut parameters, numbers) = parameters(seed, &[("x.weight", &shape), ("x.bias", &[outputs])]);
        let layer = Layers::new(&mut parameters).convolution("x", shape, has_bias, (stride, padding));
        let x = random(seed + 1, height * width * channels);
        let map = tensor(&x, &[height * width, channels]);
        if height.min(width) + 2 * padding < kernel {
            assert!(layer.forward(&map, (height, width)).is_err());
            return;
        }
        let (weight, bias) = (&numbers["x.weight"], &numbers["x.bias"]);
        let (out_height, out_width) = layer.output_size((height, width));
        let mut expected = Vec::new();
        for (oy, ox) in (0..out_height).flat_map(|y| (0..out_width).map(move |x| (y, x))) {
            for output in 0..outputs {
                let mut sum = if has_bias { bias[output] } else { 0.0 };
                for (ky, kx) in (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x))) {
                    let (y, x_) = (oy * stride + ky, ox * stride + kx);
                    let is_inside =
                        (padding..padding + height).contains(&y) && (padding..padding + width).contains(&x_);
                    for channel in (0..channels).filter(|_| is_inside) {
                        let pixel = (y - padding) * width + x_ - padding;
                        sum += f64::from(x[pixel * channels + channel])
                            * weight[((output * channels + channel) * kernel + ky) * kernel + kx];
                    }
                }
                expected.push(sum);
            }
        }
        check_both(&[&map], &expected, allowed(kernel * kernel * channels), |x| {
            layer.forward(&x[0], (height, width))
        });
        assert!(layer.forward(&map, (height + 1, width)).is_err());
    });
}

/// PyTorch's rule: the center of a pixel is half a pixel inside; outside the outermost centers nothing changes.
pub(super) fn plain_taps(from: usize, to: usize) -> Vec<(usize, usize, f64)> {
    (0..to)
        .map(|place| {
            let source = (from as f64 / to as f64 * (place as f64 + 0.5) - 0.5).clamp(0.0, from as f64 - 1.0);
            let first = source as usize;
            (first, (first + 1).min(from - 1), source - first as f64)
        })
        .collect()
}

pub(super) fn plain_resize(
    map: &[f64],
    from: (usize, usize),
    to: (usize, usize),
    channels: usize,
) -> Vec<f64> {
    let columns = plain_taps(from.1, to.1);
    let mut result = Vec::with_capacity(to.0 * to.1 * channels);
    for (top, bottom, down) in plain_taps(from.0, to.0) {
        for &(left, right, across) in &columns {
            for channel in 0..channels {
                let at = |y: usize, x: usize| map[(y * from.1 + x) * channels + channel];
                let upper = at(top, left) * (1.0 - across) + at(top, right) * across;
                let lower = at(bottom, left) * (1.0 - across) + at(bottom, right) * across;
                result.push(upper * (1.0 - down) + lower * down);
            }
        }
    }
    result
}

#[test]
fn resizing_equals_plain_loops() {
    let side = || 1..unless_miri(50, 6);
    check(((side(), side()), (side(), side()), 1_usize..20, 0..1000_u64), |(from, to, channels, seed)| {
        let x = random(seed, from.0 * from.1 * channels);
        let expected = plain_resize(&wide(&x), from, to, channels);
        // A source place below 50 is off by some 32 units of 1, as much as its last place is coarse, on either axis;
        // neighbors differ by at most 2.
        let allowed = 2.0 * 2.0 * 64.0 * UNIT;
        let map = tensor(&x, &[from.0 * from.1, channels]);
        check_both(&[&map], &expected, allowed, |x| resize_bilinear(&x[0], from, to));
    });
}

#[test]
fn empty_maps_are_not_resized() {
    for (from, to) in [((0, 3), (2, 2)), ((2, 3), (0, 2)), ((2, 3), (2, 0)), ((3, 3), (2, 2))] {
        assert!(resize_bilinear(&tensor(&[0.0; 12], &[6, 2]), from, to).is_err());
        assert!(resize_bilinear(&tensor(&[], &[0, 2]), from, to).is_err());
    }
}

#[test]
fn deformable_attention_equals_plain_loops() {
    let sizes = (
        1..unless_miri(300, 3),
        (1_usize..4, 1..unless_miri(40, 9)),
        (1_usize..4, 1_usize..5),
        (1..unless_miri(12, 4), 1..unless_miri(12, 4)),
        // How far the samples are spread: inside, over the borders, mostly outside, far away.
        proptest::sample::select(vec![0.5_f32, 4.0, 30.0, 1e9]),
        0..1000_u64,
    );
    check(sizes, |(queries, (heads, dims), (n_levels, points), (height, width), spread, seed)| {
        let levels: Vec<(usize, usize)> =
            (0..n_levels).map(|level| (height + level, (width + 5 * level) % 13 + 1)).collect();
        let n_pixels = levels.iter().map(|(height, width)| height * width).sum::<usize>();
        let (channels, n_samples) = (heads * dims, n_levels * points);
        let values = random(seed, n_pixels * channels);
        let offsets: Vec<f32> =
            random(seed + 1, queries * heads * n_samples * 2).iter().map(|x| x * spread).collect();
        let logits: Vec<f32> =
            random(seed + 2, queries * heads * n_samples).iter().map(|x| 4.0 * x).collect();
        let references: Vec<[f32; 2]> =
            random(seed + 3, 2 * queries).chunks(2).map(|x| [0.5 + 0.5 * x[0], 0.5 + 0.5 * x[1]]).collect();
        let mut expected = Vec::new();
        for (query, reference) in references.iter().enumerate() {
            for head in 0..heads {
                let place = (query * heads + head) * n_samples;
                let mut weights = wide(&logits[place..place + n_samples]);
                softmax(&mut weights);
                let mut sums = vec![0.0; dims];
                let mut start = 0;
                for (level, &(height, width)) in levels.iter().enumerate() {
                    for point in level * points..(level + 1) * points {
                        let at = |axis: usize, size: usize| {
                            f64::from(reference[axis]) * size as f64
                                + f64::from(offsets[2 * (place + point) + axis])
                                - 0.5
                        };
                        let (x, y) = (at(0, width), at(1, height));
                        // Every pixel by its distance to the sample: what is a pixel or more away has no share.
                        for (row, column) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                            let share = (1.0 - (x - column as f64).abs()).max(0.0)
                                * (1.0 - (y - row as f64).abs()).max(0.0);
                            for (channel, sum) in sums.iter_mut().enumerate().filter(|_| share > 0.0) {
                                let pixel = start + row * width + column;
                                *sum += share
                                    * weights[point]
                                    * f64::from(values[pixel * channels + head * dims + channel]);
                            }
                        }
                    }
                    start += height * width;
                }
                expected.extend(sums);
            }
        }
        // A place up to 64 is off by 64 units of 1 at most, on two axes, times differences of up to 2 between pixels;
        // the weights sum to one.
        let allowed = (2.0 * 2.0 * 64.0 + 16.0) * UNIT;
        let inputs = [
            &tensor(&values, &[n_pixels, channels]),
            &tensor(&offsets, &[queries, heads * n_samples * 2]),
            &tensor(&logits, &[queries, heads * n_samples]),
        ];
        let sampling = Sampling { levels: &levels, heads, points, references: &references };
        check_both(&inputs, &expected, allowed, |x| sampling.attend(&x[0], &x[1], &x[2]));
    });
}

#[test]
fn deformable_attention_of_no_queries_or_lost_places_is_no_panic() {
    on_every_instruction_set(|| {
        let values = tensor(&[1.0; 12], &[6, 2]);
        let sampling = Sampling { levels: &[(2, 3)], heads: 1, points: 2, references: &[] };
        let none = |columns: usize| tensor(&[], &[0, columns]);
        assert_eq!(sampling.attend(&values, &none(4), &none(2)).unwrap().dims(), [0, 2]);
        let sampling = Sampling { references: &[[0.5, 0.5]], ..sampling };
        let offsets = tensor(&[f32::NAN, 0.0, f32::INFINITY, f32::NEG_INFINITY], &[1, 4]);
        let found = sampling.attend(&values, &offsets, &tensor(&[0.0; 2], &[1, 2])).unwrap();
        assert_eq!(super::numbers_of(&found), [0.0, 0.0]);
        assert!(sampling.attend(&tensor(&[1.0; 10], &[5, 2]), &offsets, &none(2)).is_err());
    });
}
