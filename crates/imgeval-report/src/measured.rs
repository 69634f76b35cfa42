//! Pixel metrics of a run's edits.

/// What one meter measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredView {
    /// Its facts, versions and weights included.
    pub meter: String,
    pub metrics: Vec<MetricView>,
}

/// The means of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricView {
    pub name: String,
    /// Empty for a plain number.
    pub unit: String,
    /// By part, then totals.
    pub lines: Vec<MetricLineView>,
}

/// The mean of a metric in its own unit, over cases.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricLineView {
    pub name: String,
    /// `None` if there is no value. Infinite if one is (PSNR of equal images).
    pub value: Option<f64>,
    /// 95 %; `None` where there are too few cases, or no variation.
    pub interval: Option<(f64, f64)>,
    /// Cases with a value.
    pub n: usize,
    pub n_missing: usize,
}
