//! The mean of a metric in its own unit, such as PSNR in decibels, over the cases of a part or of all.

use imgeval_metrics::{BootstrapSettings, PairedStratum, paired_difference};

use super::{Combine, ScoreLine, SummaryBuilder, line::Tally};

/// The mean of a metric in its own unit, over cases.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricLine {
    pub name: String,
    /// `None` if there is no value. Infinite if one is (PSNR of equal images).
    pub value: Option<f64>,
    /// 95 %, resampling cases; `None` where there are too few, or no variation.
    pub interval: Option<(f64, f64)>,
    /// Cases with a value.
    pub n: usize,
    /// Images without one, absent ones included where it is known which there should be.
    pub n_missing: usize,
}

impl SummaryBuilder {
    /// For values of any unit: the parts that occur and the totals with a column. A case counts once, with the mean of its
    /// images; total lines are over all cases, each counting the same.
    #[must_use]
    pub fn summarise_metric(&self, settings: BootstrapSettings) -> Vec<MetricLine> {
        let images_per_case = self.images_per_case();
        let make = |name: &str, key: u64, tallies: &[Tally]| {
            let n_missing = ScoreLine::of(tallies, images_per_case).n_missing;
            let means: Vec<f64> = tallies.iter().filter_map(Tally::mean).collect();
            let value = (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64);
            let n = means.len();
            let strata = [PairedStratum { key, weight: 1.0, differences: means }];
            let is_finite = value.is_some_and(f64::is_finite);
            let estimate = is_finite.then(|| paired_difference(&strata, settings)).flatten();
            let interval = estimate.and_then(|estimate| estimate.interval);
            MetricLine { name: name.to_owned(), value, interval, n, n_missing }
        };
        let of_parts = self.parts_that_occur();
        let parts = of_parts.iter().map(|(part, tallies)| {
            let rule = &self.scheme.parts[*part];
            make(&rule.name, rule.key, tallies)
        });
        let totals = self.scheme.totals.iter().filter(|total| total.has_column).map(|total| {
            let (key, tallies): (u64, Vec<Tally>) = match &total.combine {
                Combine::EveryImage { key, parts } => {
                    let of = self.cases.iter().filter(|((part, _), _)| parts.contains(part));
                    (*key, of.map(|(_, tally)| *tally).collect())
                }
                Combine::MeanOfParts | Combine::WeightedParts => {
                    (super::GROUP_KEYS, self.cases.values().copied().collect())
                }
            };
            make(&total.name, key, &tallies)
        });
        parts.chain(totals).collect()
    }
}
