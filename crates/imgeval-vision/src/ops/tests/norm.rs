use super::{UNIT, check, check_both, parameters, random, tensor, unless_miri};
use crate::ops::{activation::Activation, layers::Layers, simd::testing::on_every_instruction_set};

const EPSILON: f64 = 1e-5;

fn mean_and_scale(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = numbers.clone().count() as f64;
    let mean = numbers.clone().sum::<f64>() / count;
    let variance = numbers.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    (mean, 1.0 / (variance + EPSILON).sqrt())
}

/// Random around `mean`.
fn around(mean: f32, seed: u64, count: usize) -> Vec<f32> {
    random(seed, count).iter().map(|x| mean + x).collect()
}

#[test]
fn layer_norms_equal_plain_loops() {
    let sizes = (1..unless_miri(200, 4), 1..unless_miri(140, 40), 0..4_usize, 0..1000_u64);
    check(sizes, |(rows, channels, kind, seed)| {
        let mean = [0.0, 3.0, -50.0, 1000.0][kind];
        let (mut parameters, numbers) =
            parameters(seed, &[("x.weight", &[channels]), ("x.bias", &[channels])]);
        let norm = Layers::new(&mut parameters).layer_norm("x", channels);
        let x = around(mean, seed + 1, rows * channels);
        let mut expected = Vec::new();
        let mut largest_scale = 0.0_f64;
        for row in x.chunks_exact(channels) {
            let (mean, scale) = mean_and_scale(row.iter().map(|&x| f64::from(x)));
            largest_scale = largest_scale.max(scale);
            for ((&x, weight), bias) in row.iter().zip(&numbers["x.weight"]).zip(&numbers["x.bias"]) {
                expected.push((f64::from(x) - mean) * scale * weight + bias);
            }
        }
        // The mean is off by some units of its size (sums of at most ten vectors, then of sixteen lanes), which the
        // scale enlarges; a few units more of results up to 2 times the scale.
        let allowed = (f64::from(mean.abs()) * 12.0 + 16.0) * UNIT * largest_scale.max(1.0);
        check_both(&[&tensor(&x, &[rows, channels])], &expected, allowed, |x| norm.forward(&x[0]));
    });
}

#[test]
fn group_norms_equal_plain_loops() {
    let sizes = (
        1..unless_miri(300, 5),
        1..unless_miri(9, 5),
        1_usize..5,
        0..3_usize,
        proptest::bool::ANY,
        0..1000_u64,
    );
    check(sizes, |(rows, per_group, groups, kind, is_relu, seed)| {
        let mean = [0.0, 3.0, -30.0][kind];
        let channels = groups * per_group;
        let activation = if is_relu { Activation::Relu } else { Activation::None };
        let (mut parameters, numbers) =
            parameters(seed, &[("x.weight", &[channels]), ("x.bias", &[channels])]);
        let norm = Layers::new(&mut parameters).group_norm("x", channels, groups);
        let x = around(mean, seed + 1, rows * channels);
        let at = |row: usize, channel: usize| f64::from(x[row * channels + channel]);
        let statistics: Vec<(f64, f64)> = (0..groups)
            .map(|group| {
                let places = (0..rows).flat_map(|row| (0..per_group).map(move |place| (row, place)));
                mean_and_scale(places.map(|(row, place)| at(row, group * per_group + place)))
            })
            .collect();
        let places = (0..rows).flat_map(|row| (0..channels).map(move |channel| (row, channel)));
        let expected: Vec<f64> = places
            .map(|(row, channel)| {
                let (mean, scale) = statistics[channel / per_group];
                let y = (at(row, channel) - mean) * scale * numbers["x.weight"][channel]
                    + numbers["x.bias"][channel];
                if is_relu { y.max(0.0) } else { y }
            })
            .collect();
        // Scale and shift are rounded once each and cancel where the mean is large.
        let scale = statistics.iter().fold(1.0_f64, |largest, (_, scale)| largest.max(*scale));
        let mean = f64::from(mean.abs());
        let allowed = (4.0 * mean + 16.0) * scale * UNIT;
        check_both(&[&tensor(&x, &[rows, channels])], &expected, allowed, |x| {
            norm.forward(&x[0], activation)
        });
    });
}

#[test]
fn norms_take_no_rows_and_refuse_other_channels() {
    on_every_instruction_set(|| {
        let (mut parameters, _) = parameters(1, &[("x.weight", &[6]), ("x.bias", &[6])]);
        let mut layers = Layers::new(&mut parameters);
        let (layer_norm, group_norm) = (layers.layer_norm("x", 6), layers.group_norm("x", 6, 4));
        assert_eq!(layer_norm.forward(&tensor(&[], &[0, 6])).unwrap().dims(), [0, 6]);
        assert!(layer_norm.forward(&tensor(&[0.0; 12], &[4, 3])).is_err());
        assert!(group_norm.forward(&tensor(&[0.0; 12], &[2, 6]), Activation::None).is_err());
        let group_norm = layers.group_norm("x", 6, 3);
        assert_eq!(group_norm.forward(&tensor(&[], &[0, 6]), Activation::Relu).unwrap().dims(), [0, 6]);
        assert!(group_norm.forward(&tensor(&[0.0; 12], &[2, 6]), Activation::Gelu).is_err());
    });
}
