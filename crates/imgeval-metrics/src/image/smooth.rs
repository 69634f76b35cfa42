//! A Gaussian in 64 bits with the operations of SciPy in their order, so that equal neighbors stay equal exactly where they are there.

use super::Gray;

/// The levels smoothed by a Gaussian that ends `cut` standard deviations from its middle, edges repeated; row by row.
pub(super) fn smooth(gray: &Gray, sigma: f64, cut: f64) -> Vec<f64> {
    let (width, height) = (gray.width(), gray.height());
    let weights = half_kernel(sigma, cut);
    let radius = weights.len() - 1;
    let mut padded = vec![0.0; width + 2 * radius];
    let mut smoothed = vec![0.0; width * height];
    for (y, line) in smoothed.chunks_exact_mut(width).enumerate() {
        let beside = |step: usize| {
            (gray.row_of_levels(y.saturating_sub(step)), gray.row_of_levels((y + step).min(height - 1)))
        };
        fold(&mut padded[radius..radius + width], &weights, beside);
        let (first, last) = (padded[radius], padded[radius + width - 1]);
        padded[..radius].fill(first);
        padded[radius + width..].fill(last);
        let shifted = |place: usize| &padded[place..place + width];
        fold(line, &weights, |step| (shifted(radius - step), shifted(radius + step)));
    }
    smoothed
}

/// The weights of the middle and of each step from it.
fn half_kernel(sigma: f64, cut: f64) -> Vec<f64> {
    let radius = (cut * sigma + 0.5) as usize;
    let weights: Vec<f64> =
        (0..=radius).map(|step| (-0.5 / (sigma * sigma) * (step * step) as f64).exp()).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Numbers that are summed in registers.
const LANES: usize = 8;

/// The middle, then pairs from the outermost to the innermost. `beside` gives the numbers a step before and behind.
fn fold<'a>(line: &mut [f64], weights: &[f64], beside: impl Fn(usize) -> (&'a [f64], &'a [f64])) {
    let pairs: Vec<(f64, &[f64], &[f64])> = weights
        .iter()
        .enumerate()
        .skip(1)
        .rev()
        .map(|(step, weight)| {
            let (before, behind) = beside(step);
            (*weight, &before[..line.len()], &behind[..line.len()])
        })
        .collect();
    let middle = beside(0).0;
    let n_whole = line.len() / LANES * LANES;
    for from in (0..n_whole).step_by(LANES) {
        let mut sums = [0.0; LANES];
        for (sum, value) in sums.iter_mut().zip(&middle[from..from + LANES]) {
            *sum = value * weights[0];
        }
        for (weight, before, behind) in &pairs {
            let values = before[from..from + LANES].iter().zip(&behind[from..from + LANES]);
            for (sum, (before, behind)) in sums.iter_mut().zip(values) {
                *sum += (before + behind) * weight;
            }
        }
        line[from..from + LANES].copy_from_slice(&sums);
    }
    for place in n_whole..line.len() {
        let first = middle[place] * weights[0];
        line[place] = pairs
            .iter()
            .fold(first, |sum, (weight, before, behind)| sum + (before[place] + behind[place]) * weight);
    }
}
