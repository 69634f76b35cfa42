//! OpenCV's other ways of `resize` for 8-bit images: `INTER_NEAREST`, `INTER_LANCZOS4` and `INTER_AREA`
//! (`modules/imgproc/src/resize.cpp`), equal in every byte.
//!
//! `INTER_CUBIC` is left out: our model of its rounding differs from OpenCV's in some pixels.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use imgeval_core::Pixels;
use rayon::prelude::*;

use crate::{
    opencv::{Tap, WEIGHT_ONE, mixed},
    picture,
};

const CHANNELS: usize = 3;
const LANCZOS_TAPS: usize = 8;
/// Twice the bits of a weight, and half of their unit.
const PRODUCT_BITS: u32 = 22;

/// The reciprocal twice, as OpenCV takes it; the last bit matters.
fn scale_of(source: u32, target: u32) -> f64 {
    1.0 / (f64::from(target) / f64::from(source))
}

/// `INTER_NEAREST`: the pixel left above of each scaled corner. A side of zero counts as one.
#[must_use]
pub fn resize_nearest(pixels: &Pixels, width: u32, height: u32) -> Pixels {
    let (width, height) = (width.max(1), height.max(1));
    let places = |source: u32, target: u32| -> Vec<usize> {
        let scale = scale_of(source, target);
        (0..target).map(|index| ((f64::from(index) * scale) as usize).min(source as usize - 1)).collect()
    };
    let (columns, rows) = (places(pixels.width(), width), places(pixels.height(), height));
    let stride = CHANNELS * pixels.width() as usize;
    let line = |row: &usize| {
        let line = &pixels.rgb()[row * stride..][..stride];
        columns.iter().flat_map(move |column| &line[CHANNELS * column..][..CHANNELS])
    };
    picture(width, height, rows.iter().flat_map(line).copied().collect())
}

/// `INTER_LANCZOS4`: eight neighbors each way, not antialiased. A side of zero counts as one.
#[must_use]
pub fn resize_lanczos4(pixels: &Pixels, width: u32, height: u32) -> Pixels {
    let (width, height) = (width.max(1), height.max(1));
    if (width, height) == (pixels.width(), pixels.height()) {
        return pixels.clone();
    }
    let (columns, rows) = (lanczos_taps(pixels.width(), width), lanczos_taps(pixels.height(), height));
    let stride = CHANNELS * pixels.width() as usize;
    let lines: Vec<i32> = pixels
        .rgb()
        .par_chunks_exact(stride)
        .flat_map_iter(|line| {
            let sums = columns.iter().flat_map(|(places, weights)| {
                [0, 1, 2].map(|channel| -> i32 {
                    let taps = places.iter().zip(weights);
                    taps.map(|(place, weight)| i32::from(line[CHANNELS * place + channel]) * weight).sum()
                })
            });
            sums.collect::<Vec<_>>()
        })
        .collect();
    let stride = CHANNELS * width as usize;
    let mut rgb = vec![0; stride * height as usize];
    rgb.par_chunks_exact_mut(stride).zip(&rows).for_each_init(
        || vec![0_i64; stride],
        |sums, (target, (places, weights))| {
            sums.fill(1 << (PRODUCT_BITS - 1));
            for (place, weight) in places.iter().zip(weights) {
                for (sum, value) in sums.iter_mut().zip(&lines[place * stride..][..stride]) {
                    *sum += i64::from(*value) * i64::from(*weight);
                }
            }
            for (value, sum) in target.iter_mut().zip(sums.iter()) {
                *value = (sum >> PRODUCT_BITS).clamp(0, 255) as u8;
            }
        },
    );
    picture(width, height, rgb)
}

type LanczosTap = ([usize; LANCZOS_TAPS], [i32; LANCZOS_TAPS]);

fn lanczos_taps(source: u32, target: u32) -> Vec<LanczosTap> {
    let scale = scale_of(source, target);
    let tap = |index: u32| {
        let position = ((f64::from(index) + 0.5) * scale - 0.5) as f32;
        let start = position.floor();
        let first = start as i64 - (LANCZOS_TAPS as i64 / 2 - 1);
        let last = i64::from(source) - 1;
        let places = std::array::from_fn(|tap| (first + tap as i64).clamp(0, last) as usize);
        let weights = lanczos_weights(position - start);
        (places, weights.map(|weight| (weight * WEIGHT_ONE).round_ties_even() as i32))
    };
    (0..target).map(tap).collect()
}

/// The sine of each shifted argument from that of the first, as OpenCV has it.
fn lanczos_weights(fraction: f32) -> [f32; LANCZOS_TAPS] {
    const D: f64 = FRAC_1_SQRT_2;
    const TURNS: [[f64; 2]; LANCZOS_TAPS] =
        [[1.0, 0.0], [-D, -D], [0.0, 1.0], [D, -D], [-1.0, 0.0], [D, D], [0.0, -1.0], [-D, D]];
    let offset = f64::from(fraction) + 3.0;
    let (sine, cosine) = (-offset * PI * 0.25).sin_cos();
    let mut weights = [0.0_f32; LANCZOS_TAPS];
    let mut sum = 0.0_f32;
    for (place, [by_sine, by_cosine]) in TURNS.into_iter().enumerate() {
        let distance = -(offset - place as f64);
        weights[place] = if (distance as f32).abs() >= 1e-6 {
            let angle = distance * PI * 0.25;
            ((by_sine * sine + by_cosine * cosine) / (angle * angle)) as f32
        } else {
            1e30
        };
        sum += weights[place];
    }
    let inverse = 1.0 / sum;
    weights.map(|weight| weight * inverse)
}

/// `INTER_AREA`: the mean over the area that a target pixel covers; where a side grows, the nearest two pixels mixed only at their
/// border. A side of zero counts as one.
#[must_use]
pub fn resize_area(pixels: &Pixels, width: u32, height: u32) -> Pixels {
    let (width, height) = (width.max(1), height.max(1));
    let (source_width, source_height) = (pixels.width(), pixels.height());
    if (width, height) == (source_width, source_height) {
        return pixels.clone();
    }
    if width > source_width || height > source_height {
        let columns = border_taps(source_width, width, true);
        return mixed(pixels, (width, height), &columns, &border_taps(source_height, height, false));
    }
    let whole = |source: u32, target: u32| source.is_multiple_of(target).then(|| source / target);
    if let (Some(across), Some(down)) = (whole(source_width, width), whole(source_height, height)) {
        return whole_blocks(pixels, (width, height), (across as usize, down as usize));
    }
    let (columns, rows) = (areas(source_width, width), areas(source_height, height));
    let stride = CHANNELS * source_width as usize;
    let line = |row: usize| -> Vec<f32> {
        let line = &pixels.rgb()[row * stride..][..stride];
        let means = columns.iter().flat_map(|area| {
            [0, 1, 2].map(|channel| {
                area.iter().fold(0.0, |sum, (place, weight)| {
                    sum + f32::from(line[CHANNELS * place + channel]) * weight
                })
            })
        });
        means.collect()
    };
    let mut rgb = vec![0; CHANNELS * width as usize * height as usize];
    rgb.par_chunks_exact_mut(CHANNELS * width as usize).zip(&rows).for_each(|(target, area)| {
        let mut sums = vec![0.0_f32; target.len()];
        for (row, weight) in area {
            for (sum, value) in sums.iter_mut().zip(line(*row)) {
                *sum += value * weight;
            }
        }
        for (value, sum) in target.iter_mut().zip(sums) {
            *value = sum.round_ties_even().clamp(0.0, 255.0) as u8;
        }
    });
    picture(width, height, rgb)
}

/// Means of whole blocks of pixels.
fn whole_blocks(pixels: &Pixels, (width, height): (u32, u32), (across, down): (usize, usize)) -> Pixels {
    let stride = CHANNELS * pixels.width() as usize;
    let scale = 1.0 / (across * down) as f32;
    let mut rgb = Vec::with_capacity(CHANNELS * width as usize * height as usize);
    for y in 0..height as usize {
        for (x, channel) in (0..width as usize).flat_map(|x| [(x, 0), (x, 1), (x, 2)]) {
            let rows = (y * down..(y + 1) * down).map(|row| row * stride);
            let places = rows.flat_map(|row| {
                (x * across..(x + 1) * across).map(move |column| row + CHANNELS * column + channel)
            });
            let sum: u32 = places.map(|place| u32::from(pixels.rgb()[place])).sum();
            rgb.push(match (across, down) {
                (2, 2) => ((sum + 2) >> 2) as u8,
                _ => (sum as f32 * scale).round_ties_even().clamp(0.0, 255.0) as u8,
            });
        }
    }
    picture(width, height, rgb)
}

/// For each target position the source positions that it covers, with their shares.
fn areas(source: u32, target: u32) -> Vec<Vec<(usize, f32)>> {
    let scale = scale_of(source, target);
    let source = f64::from(source);
    let area = |index: u32| {
        let start = f64::from(index) * scale;
        let end = start + scale;
        let cell = scale.min(source - start);
        let last = end.floor().min(source - 1.0);
        let first = start.ceil().min(last);
        let mut shares = Vec::new();
        if first - start > 1e-3 {
            shares.push((first as usize - 1, ((first - start) / cell) as f32));
        }
        shares.extend((first as usize..last as usize).map(|place| (place, (1.0 / cell) as f32)));
        if end - last > 1e-3 {
            shares.push((last as usize, ((end - last).min(1.0).min(cell) / cell) as f32));
        }
        shares
    };
    (0..target).map(area).collect()
}

/// Two neighbors for each target position of a side, mixed where the target pixel lies over their border.
fn border_taps(source: u32, target: u32, is_column: bool) -> Vec<Tap> {
    let scale = scale_of(source, target);
    let inverse = f64::from(target) / f64::from(source);
    let last = source as usize - 1;
    let tap = |index: u32| {
        let first = (f64::from(index) * scale).floor() as usize;
        let fraction = ((f64::from(index) + 1.0) - (first as f64 + 1.0) * inverse) as f32;
        let fraction = if fraction <= 0.0 { 0.0 } else { fraction - fraction.floor() };
        match is_column && first >= last {
            true => Tap::new(last, last, 0.0),
            false => Tap::new(first.min(last), (first + 1).min(last), fraction),
        }
    };
    (0..target).map(tap).collect()
}
