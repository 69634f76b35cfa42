//! Closed-form intervals for proportions.

/// Two-sided 95 % quantile of the standard normal distribution.
pub(crate) const Z_95: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % score interval for a proportion `rate` over `n` independent trials, as (low, high).
///
/// Source: Wilson 1927, as recommended for small n by Brown, Cai and DasGupta 2001. `n` of zero gives (0, 1).
#[must_use]
pub fn wilson_interval(rate: f64, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let n = n as f64;
    let z_squared = Z_95 * Z_95;
    let centre = rate + z_squared / (2.0 * n);
    let spread = Z_95 * (rate * (1.0 - rate) / n + z_squared / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z_squared / n;
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference: scripts/reference/intervals.py (statsmodels 0.15.0, `proportion_confint(method="wilson")`).
    #[test]
    fn wilson_matches_statsmodels() {
        let cases = [
            (0, 1, 0.0, 0.793_450_685_622_762_7),
            (1, 1, 0.206_549_314_377_237_4, 1.0),
            (8, 10, 0.490_162_471_536_641_83, 0.943_317_848_545_624_7),
            (80, 80, 0.954_181_870_464_472_8, 1.0),
            (3, 100, 0.010_254_524_024_038_91, 0.084_519_364_290_527_63),
        ];
        for (successes, n, low, high) in cases {
            let actual = wilson_interval(f64::from(successes) / n as f64, n);
            assert!((actual.0 - low).abs() < 1e-12, "{successes}/{n}: {actual:?}");
            assert!((actual.1 - high).abs() < 1e-12, "{successes}/{n}: {actual:?}");
        }
    }
}
