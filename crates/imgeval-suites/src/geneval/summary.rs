//! From verdicts to the score table: per tag and overall, with intervals, coverage and bounds.
//!
//! Per tag: the mean of `correct` over images; overall: the mean of the tags' means (`summary_scores.py` of
//! djghosh13/geneval). Intervals resample prompts. What is missing is not counted as wrong; instead the bounds say what
//! the score would be if every missing image were wrong, or right.

use std::collections::BTreeMap;

use imgeval_core::{Estimate, Interval};
use imgeval_metrics::{
    BootstrapSettings, Cluster, IncompleteCluster, IncompletePart, Stratum, bound_missing, estimate_strata,
};

use super::Tag;

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 2;

#[derive(Debug, Clone, Copy, Default)]
struct PromptTally {
    n_scored: usize,
    n_correct: usize,
    /// Images that are there but could not be scored.
    n_failed: usize,
}

impl PromptTally {
    /// Images that should be there and were not scored.
    fn n_missing(&self, images_per_prompt: Option<usize>) -> usize {
        self.n_failed.max(images_per_prompt.unwrap_or(0).saturating_sub(self.n_scored))
    }
}

/// Collects verdicts prompt by prompt; holds a few bytes for each prompt, none for each image.
#[derive(Debug, Clone, Default)]
pub struct SummaryBuilder {
    prompts: BTreeMap<(Tag, String), PromptTally>,
    /// Whether it is known which prompts there should be; without a plan only failed images are missing.
    has_plan: bool,
}

/// The score of one tag, or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreLine {
    /// `None` if no image of it was scored.
    pub estimate: Option<Estimate>,
    pub n_correct: usize,
    pub n_scored: usize,
    pub n_prompts: usize,
    pub n_prompts_scored: usize,
    pub n_prompts_any_correct: usize,
    /// Images that should be there and could not be scored or do not exist.
    pub n_missing: usize,
    /// The score if all missing images were wrong, and if all were right.
    pub bounds: (f64, f64),
    /// From the lower end of the 95 % interval if all missing ones were wrong to the upper end if all were right: holds the
    /// true score whatever they would have shown. `None` if nothing is missing.
    pub with_missing: Option<Interval>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Tags that occur, in the official order.
    pub tags: Vec<(Tag, ScoreLine)>,
    /// Its estimate is the mean over the tags that have one, as the official script computes it.
    pub overall: ScoreLine,
    /// How many images each prompt is taken to have: the commonest number. `None` without a plan.
    pub images_per_prompt: Option<usize>,
}

impl SummaryBuilder {
    /// Makes a prompt known, so that it is missed if no image of it comes.
    pub fn expect_prompt(&mut self, tag: Tag, prompt: &str) {
        self.has_plan = true;
        self.prompts.entry((tag, prompt.to_owned())).or_default();
    }

    pub fn add_verdict(&mut self, tag: Tag, prompt: &str, is_correct: bool) {
        let tally = self.prompts.entry((tag, prompt.to_owned())).or_default();
        tally.n_scored += 1;
        tally.n_correct += usize::from(is_correct);
    }

    /// An image that is there but could not be scored.
    pub fn add_failed(&mut self, tag: Tag, prompt: &str) {
        self.prompts.entry((tag, prompt.to_owned())).or_default().n_failed += 1;
    }

    /// Every prompt that is known, with its numbers of correct and of scored images.
    pub fn prompts(&self) -> impl Iterator<Item = (Tag, &str, usize, usize)> {
        self.prompts.iter().map(|((tag, id), tally)| (*tag, id.as_str(), tally.n_correct, tally.n_scored))
    }

    #[must_use]
    pub fn summarise(&self, settings: BootstrapSettings) -> Summary {
        let images_per_prompt = self.has_plan.then(|| self.images_per_prompt());
        let mut lines: Vec<(Tag, ScoreLine)> = Vec::new();
        let (mut strata, mut incomplete) = (Vec::new(), Vec::new());
        for tag in Tag::ALL {
            let prompts: Vec<PromptTally> =
                self.prompts.iter().filter(|((of, _), _)| *of == tag).map(|(_, tally)| *tally).collect();
            if prompts.is_empty() {
                continue;
            }
            let clusters = prompts.iter().filter(|tally| tally.n_scored > 0);
            let clusters = clusters.map(|tally| Cluster { sum: tally.n_correct as f64, n: tally.n_scored });
            let stratum = Stratum::new(tag as u64, clusters.collect());
            lines.push((tag, tally_line(&prompts, images_per_prompt)));
            let prompts = prompts.iter().map(|tally| IncompleteCluster {
                seen: Cluster { sum: tally.n_correct as f64, n: tally.n_scored },
                n_missing: tally.n_missing(images_per_prompt),
            });
            incomplete.push(IncompletePart { key: tag as u64, weight: 1.0, prompts: prompts.collect() });
            strata.push(stratum);
        }
        let present: Vec<Stratum> = strata.iter().flatten().cloned().collect();
        let estimates = estimate_strata(&present, settings);
        let mut of_present = estimates.strata.into_iter();
        for ((_, line), stratum) in lines.iter_mut().zip(&strata) {
            line.estimate = stratum.as_ref().and_then(|_| of_present.next());
        }
        let mut overall = overall_line(&lines, estimates.overall);
        if overall.n_missing > 0 {
            let share = 1.0 / incomplete.len() as f64;
            incomplete.iter_mut().for_each(|part| part.weight = share);
            if let Some(worst) = bound_missing(&incomplete, settings) {
                overall.with_missing = Some(worst.overall.interval);
                for ((_, line), worst) in lines.iter_mut().zip(&worst.parts) {
                    line.with_missing = (line.n_missing > 0).then_some(worst.interval);
                }
            }
        }
        Summary { tags: lines, overall, images_per_prompt }
    }

    /// The commonest number of images among prompts that have any; of equally common ones the largest.
    fn images_per_prompt(&self) -> usize {
        let mut frequency: BTreeMap<usize, usize> = BTreeMap::new();
        let numbers = self.prompts.values().map(|tally| tally.n_scored + tally.n_failed);
        for n in numbers.filter(|n| *n > 0) {
            *frequency.entry(n).or_default() += 1;
        }
        frequency.into_iter().max_by_key(|(n, count)| (*count, *n)).map_or(1, |(n, _)| n)
    }
}

fn tally_line(prompts: &[PromptTally], images_per_prompt: Option<usize>) -> ScoreLine {
    let n_correct = prompts.iter().map(|tally| tally.n_correct).sum();
    let n_scored = prompts.iter().map(|tally| tally.n_scored).sum();
    let n_missing = prompts.iter().map(|tally| tally.n_missing(images_per_prompt)).sum();
    // Never zero: a prompt that is known without a scored image misses at least one.
    let n_possible = (n_scored + n_missing) as f64;
    ScoreLine {
        estimate: None,
        n_correct,
        n_scored,
        n_prompts: prompts.len(),
        n_prompts_scored: prompts.iter().filter(|tally| tally.n_scored > 0).count(),
        n_prompts_any_correct: prompts.iter().filter(|tally| tally.n_correct > 0).count(),
        n_missing,
        bounds: (n_correct as f64 / n_possible, (n_correct + n_missing) as f64 / n_possible),
        with_missing: None,
    }
}

fn overall_line(lines: &[(Tag, ScoreLine)], estimate: Option<Estimate>) -> ScoreLine {
    let sum = |count: fn(&ScoreLine) -> usize| lines.iter().map(|(_, line)| count(line)).sum();
    let mean = |bound: fn(&ScoreLine) -> f64| {
        lines.iter().map(|(_, line)| bound(line)).sum::<f64>() / lines.len().max(1) as f64
    };
    ScoreLine {
        estimate,
        n_correct: sum(|line| line.n_correct),
        n_scored: sum(|line| line.n_scored),
        n_prompts: sum(|line| line.n_prompts),
        n_prompts_scored: sum(|line| line.n_prompts_scored),
        n_prompts_any_correct: sum(|line| line.n_prompts_any_correct),
        n_missing: sum(|line| line.n_missing),
        bounds: (mean(|line| line.bounds.0), mean(|line| line.bounds.1)),
        with_missing: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_weigh_the_same_and_missing_is_not_wrong() {
        let mut builder = SummaryBuilder::default();
        for prompt in ["a", "b", "c"] {
            builder.expect_prompt(Tag::SingleObject, prompt);
        }
        builder.add_verdict(Tag::SingleObject, "a", true);
        builder.add_verdict(Tag::SingleObject, "a", false);
        builder.add_verdict(Tag::SingleObject, "b", true);
        builder.add_failed(Tag::SingleObject, "b");
        builder.add_verdict(Tag::Counting, "d", false);
        builder.add_verdict(Tag::Counting, "d", false);
        let summary = builder.summarise(BootstrapSettings::default());
        assert_eq!(summary.images_per_prompt, Some(2));
        let (_, single) = &summary.tags[0];
        assert!((single.estimate.unwrap().value - 2.0 / 3.0).abs() < 1e-12);
        // One image of b failed, both of c are missing.
        assert_eq!((single.n_prompts, single.n_prompts_scored, single.n_missing), (3, 2, 3));
        assert!((single.bounds.0 - 2.0 / 6.0).abs() < 1e-12 && (single.bounds.1 - 5.0 / 6.0).abs() < 1e-12);
        assert!((summary.overall.estimate.unwrap().value - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(summary.overall.n_prompts_any_correct, 2);
        let all = single.with_missing.unwrap();
        assert!(all.low < single.bounds.0 && all.high > single.bounds.1, "{all:?}");
        assert_eq!(summary.tags[1].1.with_missing, None, "nothing of it is missing");
        let overall = summary.overall.with_missing.unwrap();
        assert!(
            overall.low < summary.overall.bounds.0 && overall.high > summary.overall.bounds.1,
            "{overall:?}"
        );
    }

    #[test]
    fn a_tag_without_images_has_no_score_and_full_bounds() {
        let mut builder = SummaryBuilder::default();
        builder.expect_prompt(Tag::Position, "a");
        let summary = builder.summarise(BootstrapSettings::default());
        assert_eq!(summary.tags[0].1.estimate, None);
        assert_eq!(summary.overall.bounds, (0.0, 1.0));
    }
}
