use std::sync::OnceLock;

use super::{
    UNIT, check, check_both, gemm::plain_product, parameters, random, softmax, tensor, unless_miri, wide,
};
use crate::ops::{layers::Layers, window::WindowAttention};

/// Swin's steps one after another: pad, roll, cut into windows, attend, put back, roll back, cut the padding off.
struct Plain<'a> {
    height: usize,
    width: usize,
    window: usize,
    shift: usize,
    heads: usize,
    channels: usize,
    qkv: &'a [f64],
    qkv_bias: &'a [f64],
    table: &'a [f64],
}

impl Plain<'_> {
    /// Of `x` [height x width, channels], before the projection; for the padded map.
    fn mixed(&self, x: &[f64]) -> Vec<f64> {
        let Self { height, width, window, shift, heads, channels, .. } = *self;
        let (full_height, full_width) = (height.next_multiple_of(window), width.next_multiple_of(window));
        let dims = channels / heads;
        let mut result = vec![0.0; height * width * channels];
        // Regions of the rolled map, as Swin numbers them to keep those apart that were not neighbors.
        let region = |place: usize, full: usize| {
            usize::from(place + window >= full) + usize::from(shift > 0 && place + shift >= full)
        };
        for (first_y, first_x) in (0..full_height)
            .step_by(window)
            .flat_map(|y| (0..full_width).step_by(window).map(move |x| (y, x)))
        {
            let places: Vec<(usize, usize)> = (0..window * window)
                .map(|token| (first_y + token / window, first_x + token % window))
                .collect();
            let rolled = |&(y, x): &(usize, usize)| ((y + shift) % full_height, (x + shift) % full_width);
            let tokens: Vec<f64> = places
                .iter()
                .map(rolled)
                .flat_map(|(y, column)| {
                    (0..channels).map(move |channel| {
                        let is_inside = y < height && column < width;
                        if is_inside { x[(y * width + column) * channels + channel] } else { 0.0 }
                    })
                })
                .collect();
            let mut qkv = plain_product(&tokens, self.qkv, places.len(), channels, 3 * channels);
            qkv.iter_mut().enumerate().for_each(|(place, x)| *x += self.qkv_bias[place % (3 * channels)]);
            for head in 0..heads {
                let at = |token: usize, which: usize, c: usize| {
                    qkv[token * 3 * channels + which * channels + head * dims + c]
                };
                for (query, query_place) in places.iter().enumerate() {
                    let (y, column) = rolled(query_place);
                    if y >= height || column >= width {
                        continue;
                    }
                    let mut weights: Vec<f64> = places
                        .iter()
                        .enumerate()
                        .map(|(key, place)| {
                            let dot: f64 = (0..dims).map(|c| at(query, 0, c) * at(key, 1, c)).sum();
                            let (dy, dx) =
                                (query_place.0 + window - 1 - place.0, query_place.1 + window - 1 - place.1);
                            let bias = self.table[(dy * (2 * window - 1) + dx) * heads + head];
                            let regions = |place: &(usize, usize)| {
                                (region(place.0, full_height), region(place.1, full_width))
                            };
                            let is_apart = shift > 0 && regions(query_place) != regions(place);
                            dot / (dims as f64).sqrt() + bias - if is_apart { 100.0 } else { 0.0 }
                        })
                        .collect();
                    softmax(&mut weights);
                    for c in 0..dims {
                        result[(y * width + column) * channels + head * dims + c] =
                            (0..places.len()).map(|key| weights[key] * at(key, 2, c)).sum();
                    }
                }
            }
        }
        result
    }
}

#[test]
fn window_attention_equals_swins_steps() {
    let sizes = (
        // Smaller than a window, whole windows, and windows that stick out.
        (1..unless_miri(20, 4), 1..unless_miri(20, 4)),
        1..unless_miri(6, 4),
        proptest::bool::ANY,
        (1_usize..4, 1..unless_miri(24, 4)),
        0..1000_u64,
    );
    check(sizes, |((height, width), window, is_shifted, (heads, dims), seed)| {
        let (shift, channels) = (if is_shifted { window / 2 } else { 0 }, heads * dims);
        let n_offsets = (2 * window - 1) * (2 * window - 1);
        let shapes: [(&str, &[usize]); 5] = [
            ("qkv.weight", &[3 * channels, channels]),
            ("qkv.bias", &[3 * channels]),
            ("proj.weight", &[channels, channels]),
            ("proj.bias", &[channels]),
            ("table", &[n_offsets, heads]),
        ];
        let (mut parameters, numbers) = parameters(seed, &shapes);
        let layers = &mut Layers::new(&mut parameters);
        let attention = WindowAttention {
            qkv: layers.linear("qkv", channels, 3 * channels),
            projection: layers.linear("proj", channels, channels),
            bias_table: layers.tensor("table", &[n_offsets, heads]),
            window,
            shift,
            heads,
            added: OnceLock::new(),
        };
        let x = random(seed + 1, height * width * channels);
        let residual = random(seed + 2, height * width * channels);
        let plain = Plain {
            height,
            width,
            window,
            shift,
            heads,
            channels,
            qkv: &numbers["qkv.weight"],
            qkv_bias: &numbers["qkv.bias"],
            table: &numbers["table"],
        };
        let mixed = plain.mixed(&wide(&x));
        let mut expected = plain_product(&mixed, &numbers["proj.weight"], height * width, channels, channels);
        for (place, y) in expected.iter_mut().enumerate() {
            *y += numbers["proj.bias"][place % channels] + f64::from(residual[place]);
        }
        // Queries and keys are sums over the channels of up to sqrt(channels); so are the values, which the weights
        // average. The scores multiply the former two and their errors (channels units each), the projection adds
        // channels of the latter.
        let size = (channels as f64).sqrt();
        let weight_error = size * channels as f64 + 100.0;
        let allowed = (weight_error * size + channels as f64) * size * UNIT;
        let shape = [height * width, channels];
        check_both(&[&tensor(&x, &shape), &tensor(&residual, &shape)], &expected, allowed, |x| {
            attention.forward(&x[0], &x[1], height, width)
        });
    });
}
