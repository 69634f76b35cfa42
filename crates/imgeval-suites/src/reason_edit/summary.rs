//! From values to the table: per folder, understanding (folders 1 to 5, every image counting the same), reasoning, all.
//!
//! The same for the judge's score and for the edit metrics; only the score has a scale, and with it bounds and Wilson's
//! interval where resampling is blind.

use std::collections::BTreeMap;

use imgeval_metrics::{BootstrapSettings, PairedStratum, estimate_strata, paired_difference};

use super::Folder;
use crate::judged::{ScoreLine, Tally, images_per_case, set_estimates, stratum};

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 2;

/// Lines of one kind of value.
#[derive(Debug, Clone, PartialEq)]
pub struct EditSummary<L> {
    /// Those that occur, in their order.
    pub folders: Vec<(Folder, L)>,
    pub understanding: L,
    pub reasoning: L,
    pub all: L,
}

/// The mean of a metric in its own unit, over cases.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricLine {
    /// `None` if there is no value. Infinite if one is (PSNR of equal images).
    pub value: Option<f64>,
    /// 95 %, resampling cases; `None` where there are too few, or no variation.
    pub interval: Option<(f64, f64)>,
    /// Cases with a value.
    pub n: usize,
    /// Images without one, absent ones included where it is known which there should be.
    pub n_missing: usize,
}

/// Collects values case by case.
#[derive(Debug, Clone, Default)]
pub struct SummaryBuilder {
    cases: BTreeMap<(Folder, String), Tally>,
    has_plan: bool,
}

impl SummaryBuilder {
    /// Makes a case known, so that it is missed if no image of it comes.
    pub fn expect_case(&mut self, folder: Folder, id: &str) {
        self.has_plan = true;
        self.cases.entry((folder, id.to_owned())).or_default();
    }

    /// Adds the value of one image.
    pub fn add_value(&mut self, folder: Folder, id: &str, value: f64) {
        self.cases.entry((folder, id.to_owned())).or_default().add(value);
    }

    /// An image that is there but has no value.
    pub fn add_failed(&mut self, folder: Folder, id: &str) {
        self.cases.entry((folder, id.to_owned())).or_default().n_failed += 1;
    }

    fn images_per_case(&self) -> Option<usize> {
        self.has_plan.then(|| images_per_case(self.cases.values()))
    }

    fn tallies(&self, is_wanted: impl Fn(Folder) -> bool) -> Vec<Tally> {
        self.cases.iter().filter(|((folder, _), _)| is_wanted(*folder)).map(|(_, tally)| *tally).collect()
    }

    /// The folders that occur, then understanding, reasoning and all, each with the key of its random stream.
    fn lines<L>(&self, mut make: impl FnMut(u64, Vec<Tally>) -> L) -> EditSummary<L> {
        let is_there = |folder: &Folder| self.cases.keys().any(|(of, _)| of == folder);
        let folders = Folder::ALL.into_iter().filter(is_there);
        let folders =
            folders.map(|folder| (folder, make(folder as u64, self.tallies(|of| of == folder)))).collect();
        EditSummary {
            folders,
            understanding: make(10, self.tallies(Folder::is_understanding)),
            // The same stream as that of its folder, so that the two lines say the same.
            reasoning: make(Folder::Reasoning as u64, self.tallies(|folder| !folder.is_understanding())),
            all: make(11, self.tallies(|_| true)),
        }
    }

    /// For values in [0, 1], such as the judge's score.
    #[must_use]
    pub fn summarise_scores(&self, settings: BootstrapSettings) -> EditSummary<ScoreLine> {
        let images_per_case = self.images_per_case();
        self.lines(|key, tallies| {
            let mut line = ScoreLine::of(&tallies, images_per_case);
            let strata = [stratum(key, &tallies)];
            let present: Vec<_> = strata.iter().flatten().cloned().collect();
            let estimates = estimate_strata(&present, settings).strata;
            set_estimates(std::iter::once(&mut line), &strata, estimates);
            line.set_with_missing(key, &tallies, images_per_case, settings);
            line
        })
    }

    /// For values of any unit. A case counts once, with the mean of its images; the official layout has one.
    #[must_use]
    pub fn summarise_metric(&self, settings: BootstrapSettings) -> EditSummary<MetricLine> {
        let images_per_case = self.images_per_case();
        self.lines(|key, tallies| {
            let n_missing = ScoreLine::of(&tallies, images_per_case).n_missing;
            let means: Vec<f64> = tallies.iter().filter_map(Tally::mean).collect();
            let value = (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64);
            let n = means.len();
            let strata = [PairedStratum { key, weight: 1.0, differences: means }];
            let is_finite = value.is_some_and(f64::is_finite);
            let estimate = is_finite.then(|| paired_difference(&strata, settings)).flatten();
            MetricLine { value, interval: estimate.and_then(|estimate| estimate.interval), n, n_missing }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick() -> BootstrapSettings {
        BootstrapSettings { seed: 0, replicates: 500 }
    }

    #[test]
    fn understanding_counts_every_image_the_same() {
        let mut builder = SummaryBuilder::default();
        for index in 0..30 {
            builder.add_value(Folder::LeftRight, &format!("a{index}"), 0.8);
        }
        for index in 0..10 {
            builder.add_value(Folder::Color, &format!("b{index}"), 0.4);
        }
        builder.add_value(Folder::Reasoning, "c", 0.1);
        let summary = builder.summarise_scores(quick());
        let value = |line: &ScoreLine| line.estimate.unwrap().value;
        assert!((value(&summary.understanding) - 0.7).abs() < 1e-12);
        assert!((value(&summary.reasoning) - 0.1).abs() < 1e-12);
        assert!((value(&summary.all) - 28.1 / 41.0).abs() < 1e-12);
        let folders: Vec<_> = summary.folders.iter().map(|(folder, _)| *folder).collect();
        assert_eq!(folders, [Folder::LeftRight, Folder::Color, Folder::Reasoning]);
        assert_eq!(summary.folders[2].1, summary.reasoning);
        let metric = builder.summarise_metric(quick());
        assert!((metric.understanding.value.unwrap() - 0.7).abs() < 1e-12);
        let (low, high) = metric.understanding.interval.unwrap();
        assert!(0.6 < low && low < 0.7 && 0.7 < high && high < 0.8);
        assert_eq!((metric.reasoning.interval, metric.reasoning.n), (None, 1));
    }

    #[test]
    fn missing_edits_are_not_zero_and_equal_images_make_psnr_infinite() {
        let mut builder = SummaryBuilder::default();
        builder.expect_case(Folder::Mirror, "a");
        builder.expect_case(Folder::Mirror, "b");
        builder.add_value(Folder::Mirror, "a", f64::INFINITY);
        let metric = builder.summarise_metric(quick());
        assert_eq!(metric.all.value, Some(f64::INFINITY));
        assert_eq!((metric.all.interval, metric.all.n_missing, metric.reasoning.value), (None, 1, None));
        let mut builder = SummaryBuilder::default();
        builder.expect_case(Folder::Mirror, "a");
        builder.add_value(Folder::Mirror, "b", 0.5);
        let summary = builder.summarise_scores(quick());
        assert_eq!(summary.all.bounds, (0.25, 0.75));
        assert_eq!((summary.reasoning.estimate, summary.reasoning.bounds), (None, (0.0, 1.0)));
    }
}
