//! A number with its uncertainty.

use imgeval_core::Estimate;

/// A value with its 95 % interval, clustered by group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub n_groups: usize,
    pub n_images: usize,
}

impl From<Estimate> for Measured {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            low: estimate.interval.low,
            high: estimate.interval.high,
            n_groups: estimate.n_clusters,
            n_images: estimate.n,
        }
    }
}

impl Measured {
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// `0.953 (0.91 to 0.99)`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:.3} ({:.3} to {:.3})", self.value, self.low, self.high)
    }
}
