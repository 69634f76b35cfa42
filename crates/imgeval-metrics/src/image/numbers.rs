//! Sums, quantiles and medians of many numbers.

const LANES: usize = 8;

/// Sums in 64 bits, in an order that does not depend on the machine.
pub(super) fn sum_of(values: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(f64::from(*value));
        }
    }
    let rest: f64 = rest.iter().map(|value| term(f64::from(*value))).sum();
    lanes.iter().sum::<f64>() + rest
}

pub(super) fn mean_of(values: &[f32]) -> f64 {
    sum_of(values, |value| value) / values.len() as f64
}

/// The population variance.
pub(super) fn variance_of(values: &[f32]) -> f64 {
    let mean = mean_of(values);
    sum_of(values, |value| (value - mean) * (value - mean)) / values.len() as f64
}

/// The quantile between order statistics as NumPy interpolates it. The numbers must not be negative; at least one.
pub(super) fn quantile_of(values: &[f32], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let below = place as usize;
    let (low, high) = neighbors(values, below);
    f64::from(low) + (place - below as f64) * (f64::from(high) - f64::from(low))
}

/// Of numbers that are not negative; at least one.
pub(super) fn median_of(values: &[f32]) -> f64 {
    quantile_of(values, 0.5)
}

/// The `rank`-th smallest number from 0 and the next one. Bits of floats that are not negative are in the order of the floats: the
/// leading ones sort all numbers into bins, of which only the one or two that hold the ranks are looked into.
fn neighbors(values: &[f32], rank: usize) -> (f32, f32) {
    let bin = |value: f32| (value.to_bits() >> 16) as usize;
    let mut counts = vec![0_u32; 1 << 15];
    for value in values {
        counts[bin(*value)] += 1;
    }
    let mut before = 0;
    let mut first = 0;
    while before + counts[first] as usize <= rank {
        before += counts[first] as usize;
        first += 1;
    }
    let mut last = first;
    let mut through = before + counts[first] as usize;
    while through <= rank + 1 && through < values.len() {
        last += 1;
        through += counts[last] as usize;
    }
    let mut candidates: Vec<f32> =
        values.iter().copied().filter(|value| (first..=last).contains(&bin(*value))).collect();
    let (_, low, above) = candidates.select_nth_unstable_by(rank - before, f32::total_cmp);
    let low = *low;
    (low, above.iter().copied().min_by(f32::total_cmp).unwrap_or(low))
}

/// Of few numbers; at least one.
pub(super) fn median_of_few(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// The median of each place and its neighbors, `width` in all; beyond the ends the last number is repeated.
pub(super) fn running_median(values: &[f64], width: usize) -> Vec<f64> {
    windows(values, width).map(|window| median_of_few(window.collect())).collect()
}

/// The mean of each place and its neighbors, `width` in all and, where that is even, one more on the left; beyond the ends the last
/// number is repeated.
pub(super) fn running_mean(values: &[f64], width: usize) -> Vec<f64> {
    windows(values, width).map(|window| window.sum::<f64>() / width as f64).collect()
}

fn windows(values: &[f64], width: usize) -> impl Iterator<Item = impl Iterator<Item = f64>> {
    let last = values.len() - 1;
    (0..values.len()).map(move |place| {
        (0..width).map(move |step| values[(place + step).saturating_sub(width / 2).min(last)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_order_statistics() {
        let values = [4.0, 0.0, 1.0, 3.0, 100.0];
        assert_eq!(median_of(&values), 3.0);
        assert!((quantile_of(&values, 0.95) - 80.8).abs() < 1e-12);
        assert_eq!((quantile_of(&values, 0.0), quantile_of(&values, 1.0)), (0.0, 100.0));
        assert_eq!((median_of(&[7.0]), median_of(&[1.0, 2.0]), median_of(&[5.0; 6])), (7.0, 1.5, 5.0));
    }

    #[test]
    fn running_values_repeat_the_ends() {
        let values = [1.0, 2.0, 6.0, 4.0];
        assert_eq!(running_median(&values, 3), [1.0, 2.0, 4.0, 4.0]);
        assert_eq!(running_mean(&values, 2), [1.0, 1.5, 4.0, 5.0]);
    }
}
