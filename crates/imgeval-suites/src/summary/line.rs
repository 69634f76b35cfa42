//! The score of a group of cases with its coverage and bounds: what has no score is missing, never zero.

use std::collections::BTreeMap;

use imgeval_core::{Estimate, Interval};
use imgeval_metrics::{
    BootstrapSettings, Cluster, IncompleteCluster, IncompletePart, Stratum, bound_missing,
};

/// The score of a group of cases, or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreLine {
    /// `None` if there is no score, or if it is withheld because a part of it has none.
    pub estimate: Option<Estimate>,
    pub n_scored: usize,
    /// Images with the full score of 1.
    pub n_correct: usize,
    /// Cases: prompts, or edits.
    pub n_prompts: usize,
    pub n_prompts_scored: usize,
    /// Cases of which at least one image has the full score.
    pub n_prompts_any_correct: usize,
    /// Images that should be there and have no score or do not exist.
    pub n_missing: usize,
    /// The score if all missing ones were 0, and if all were 1.
    pub bounds: (f64, f64),
    /// From the lower end of the 95 % interval if all missing ones were 0 to the upper end if all were 1: holds the true
    /// score whatever they would have shown. `None` if nothing is missing.
    pub with_missing: Option<Interval>,
}

/// The images of one case.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) sum: f64,
    /// Of the squares of the scores.
    pub(super) squares: f64,
    pub(super) n_scored: usize,
    pub(super) n_correct: usize,
    /// Images that are there but have no score.
    pub(super) n_failed: usize,
}

impl Tally {
    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.squares += value * value;
        self.n_scored += 1;
        self.n_correct += usize::from(value >= 1.0);
    }

    /// Images that should be there and have no score.
    pub(super) fn n_missing(&self, images_per_case: Option<usize>) -> usize {
        self.n_failed.max(images_per_case.unwrap_or(0).saturating_sub(self.n_scored))
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.n_scored > 0).then(|| self.sum / self.n_scored as f64)
    }

    pub(super) fn cluster(&self) -> Cluster {
        Cluster { sum: self.sum, n: self.n_scored }
    }
}

impl ScoreLine {
    /// Without an estimate yet. `images_per_case`: how many images every case should have; `None` if that is not known.
    pub(super) fn of(tallies: &[Tally], images_per_case: Option<usize>) -> Self {
        let sum: f64 = tallies.iter().map(|tally| tally.sum).sum();
        let n_scored: usize = tallies.iter().map(|tally| tally.n_scored).sum();
        let n_missing: usize = tallies.iter().map(|tally| tally.n_missing(images_per_case)).sum();
        let n_possible = (n_scored + n_missing) as f64;
        let bounds = match n_scored + n_missing {
            0 => (0.0, 1.0),
            _ => (sum / n_possible, (sum + n_missing as f64) / n_possible),
        };
        Self {
            estimate: None,
            n_scored,
            n_correct: tallies.iter().map(|tally| tally.n_correct).sum(),
            n_prompts: tallies.len(),
            n_prompts_scored: tallies.iter().filter(|tally| tally.n_scored > 0).count(),
            n_prompts_any_correct: tallies.iter().filter(|tally| tally.n_correct > 0).count(),
            n_missing,
            bounds,
            with_missing: None,
        }
    }

    /// The counts of several lines together.
    pub(super) fn total_of(lines: &[&Self], estimate: Option<Estimate>, bounds: (f64, f64)) -> Self {
        let sum = |count: fn(&Self) -> usize| lines.iter().map(|line| count(line)).sum();
        Self {
            estimate,
            n_scored: sum(|line| line.n_scored),
            n_correct: sum(|line| line.n_correct),
            n_prompts: sum(|line| line.n_prompts),
            n_prompts_scored: sum(|line| line.n_prompts_scored),
            n_prompts_any_correct: sum(|line| line.n_prompts_any_correct),
            n_missing: sum(|line| line.n_missing),
            bounds,
            with_missing: None,
        }
    }

    /// For a line that stands alone: its interval with what is missing.
    pub(super) fn set_with_missing(
        &mut self,
        key: u64,
        tallies: &[Tally],
        images_per_case: Option<usize>,
        settings: BootstrapSettings,
    ) {
        if self.n_missing > 0 {
            let part = incomplete(key, 1.0, tallies, images_per_case);
            self.with_missing = bound_missing(&[part], settings).map(|worst| worst.overall.interval);
        }
    }
}

/// The cases of one part with what they lack.
pub(super) fn incomplete(
    key: u64,
    weight: f64,
    tallies: &[Tally],
    images_per_case: Option<usize>,
) -> IncompletePart {
    let prompt = |tally: &Tally| IncompleteCluster {
        seen: tally.cluster(),
        n_missing: tally.n_missing(images_per_case),
    };
    let prompts = tallies.iter().map(prompt).filter(|prompt| prompt.seen.n + prompt.n_missing > 0);
    IncompletePart { key, weight, prompts: prompts.collect() }
}

/// The commonest number of images among cases that have any; of equally common ones the largest.
pub(super) fn images_per_case<'a>(tallies: impl Iterator<Item = &'a Tally>) -> usize {
    let mut frequency: BTreeMap<usize, usize> = BTreeMap::new();
    for n in tallies.map(|tally| tally.n_scored + tally.n_failed).filter(|n| *n > 0) {
        *frequency.entry(n).or_default() += 1;
    }
    frequency.into_iter().max_by_key(|(n, count)| (*count, *n)).map_or(1, |(n, _)| n)
}

/// `None` if no case has a score.
pub(super) fn stratum(key: u64, tallies: &[Tally]) -> Option<Stratum> {
    let scored = tallies.iter().filter(|tally| tally.n_scored > 0);
    Stratum::new(key, scored.map(Tally::cluster).collect())
}

/// Gives the estimates, in order, to the lines that have a stratum.
pub(super) fn set_estimates<'a>(
    lines: impl Iterator<Item = &'a mut ScoreLine>,
    strata: &[Option<Stratum>],
    estimates: Vec<Estimate>,
) {
    let mut estimates = estimates.into_iter();
    for (line, stratum) in lines.zip(strata) {
        line.estimate = stratum.as_ref().and_then(|_| estimates.next());
    }
}
