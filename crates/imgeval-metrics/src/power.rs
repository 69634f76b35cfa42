//! How small a difference two runs can tell, and how many prompts a difference needs.
//!
//! All of it is the normal approximation for a two-sided test at 5 % with 80 % power (Cohen 1988); the chance of finding the
//! opposite sign is neglected.

use crate::Cluster;

/// Two-sided 5 % and 80 % power: the standard normal quantiles of 0.975 and 0.8, added.
const ERRORS_TO_DETECT: f64 = 1.959_963_984_540_054 + 0.841_621_233_572_914_3;

/// The smallest true difference that is found with 80 % power by a two-sided test at 5 %; `None` where the standard error
/// is zero, because then the data tell nothing about it.
pub(crate) fn detectable_difference(standard_error: f64) -> Option<f64> {
    (standard_error > 0.0).then_some(ERRORS_TO_DETECT * standard_error)
}

/// Prompts with which `difference` would be found as [`detectable_difference`] says, in the same mix over parts;
/// `n_prompts` gave the standard error. `None` where there is no difference or no error to go by.
pub(crate) fn prompts_for_difference(difference: f64, standard_error: f64, n_prompts: usize) -> Option<u64> {
    if difference.abs() < 1e-12 || standard_error <= 0.0 {
        return None;
    }
    let needed = n_prompts as f64 * (ERRORS_TO_DETECT * standard_error / difference).powi(2);
    Some((needed.ceil() as u64).max(1))
}

/// What makes scores of one model vary, as variances in the square of the score's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PromptSpread {
    /// Of the prompts' true means: some prompts are harder than others.
    pub between: f64,
    /// Of single images about their prompt's mean.
    pub within: f64,
}

impl PromptSpread {
    /// As a run shows it, by the analysis of variance (Searle, Casella and McCulloch 1992, 3.6); `squares` is the sum of the
    /// squared scores, which for scores of 0 and 1 is their sum. `None` with fewer than two prompts, and where no prompt has
    /// more than one image, because then the two cannot be told apart: see [`Self::unseparated`].
    #[must_use]
    pub fn observed(clusters: &[Cluster], squares: f64) -> Option<Self> {
        let count = clusters.len() as f64;
        let n: usize = clusters.iter().map(|cluster| cluster.n).sum();
        if clusters.len() < 2 || n <= clusters.len() || clusters.iter().any(|cluster| cluster.n == 0) {
            return None;
        }
        let n = n as f64;
        let mean = Cluster::mean_of(clusters);
        let of_prompts = clusters.iter().map(|cluster| cluster.sum.powi(2) / cluster.n as f64).sum::<f64>();
        let within = (squares - of_prompts).max(0.0) / (n - count);
        let mean_square_between = (of_prompts - n * mean * mean) / (count - 1.0);
        let typical_n =
            (n - clusters.iter().map(|cluster| (cluster.n as f64).powi(2)).sum::<f64>() / n) / (count - 1.0);
        Some(Self { between: ((mean_square_between - within) / typical_n).max(0.0), within })
    }

    /// All of a variance taken as that of images about their prompts: the cautious assumption for a single image a prompt,
    /// because then pairing gains nothing.
    #[must_use]
    pub fn unseparated(variance: f64) -> Self {
        Self { between: 0.0, within: variance }
    }

    /// Of answers that are right with probability `rate`; `correlation` is that of two images of one prompt, 0 where all
    /// prompts are equally hard, 1 where a prompt always or never succeeds.
    #[must_use]
    pub fn assumed(rate: f64, correlation: f64) -> Self {
        let variance = rate * (1.0 - rate);
        Self { between: correlation * variance, within: (1.0 - correlation) * variance }
    }
}

/// A comparison of two runs on the same prompts that is yet to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparisonPlan {
    pub n_prompts: usize,
    pub images_per_prompt: usize,
    /// Of each of the two runs.
    pub spread: PromptSpread,
    /// Of a prompt's true means in the two runs, in [-1, 1]: 0 is cautious, and right for different prompts; 1 means that what
    /// is hard for one model is as hard for the other.
    pub correlation: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedComparison {
    /// The smallest true difference that is found with 80 % power at 5 %, two-sided. `None` without prompts, images or
    /// spread.
    pub detectable: Option<f64>,
    /// Prompts that the difference asked about needs, with as many images each.
    pub prompts_needed: Option<u64>,
}

/// Answers for a plan what [`crate::compare_runs`] answers for two runs; `difference` is the one that is to be found.
#[must_use]
pub fn plan_comparison(plan: ComparisonPlan, difference: f64) -> PlannedComparison {
    if plan.n_prompts == 0 || plan.images_per_prompt == 0 {
        return PlannedComparison { detectable: None, prompts_needed: None };
    }
    let PromptSpread { between, within } = plan.spread;
    let of_prompt = 2.0 * (1.0 - plan.correlation) * between + 2.0 * within / plan.images_per_prompt as f64;
    let standard_error = (of_prompt / plan.n_prompts as f64).sqrt();
    PlannedComparison {
        detectable: detectable_difference(standard_error),
        prompts_needed: prompts_for_difference(difference, standard_error, plan.n_prompts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: two prompts of four images, 3 and 1 right. Within: (4 - (9 + 1) / 4) / 6 = 0.25; between prompts: mean square
    /// 0.5, so that (0.5 - 0.25) / 4 = 0.0625 is theirs.
    #[test]
    fn the_spread_of_a_run_is_split_by_the_analysis_of_variance() {
        let clusters = [Cluster { sum: 3.0, n: 4 }, Cluster { sum: 1.0, n: 4 }];
        let spread = PromptSpread::observed(&clusters, 4.0).unwrap();
        assert!(
            (spread.within - 0.25).abs() < 1e-12 && (spread.between - 0.0625).abs() < 1e-12,
            "{spread:?}"
        );
        assert_eq!(PromptSpread::observed(&clusters[..1], 3.0), None);
        assert_eq!(PromptSpread::observed(&[Cluster { sum: 1.0, n: 1 }; 5], 5.0), None);
    }

    #[test]
    fn more_images_help_only_where_images_of_a_prompt_differ() {
        let plan = |images_per_prompt, correlation, spread| {
            let plan = ComparisonPlan { n_prompts: 100, images_per_prompt, spread, correlation };
            plan_comparison(plan, 0.1).detectable
        };
        let half = PromptSpread::assumed(0.5, 0.0);
        assert!((plan(4, 0.0, half).unwrap() * 2.0 - plan(1, 0.0, half).unwrap()).abs() < 1e-12);
        let all_or_nothing = PromptSpread::assumed(0.5, 1.0);
        assert_eq!(plan(4, 0.0, all_or_nothing), plan(1, 0.0, all_or_nothing));
        assert_eq!(plan(4, 1.0, all_or_nothing), None, "runs that fail on the same prompts tell nothing");
    }

    #[test]
    fn a_plan_for_the_prompts_that_are_needed_detects_the_difference() {
        let plan = ComparisonPlan {
            n_prompts: 50,
            images_per_prompt: 4,
            spread: PromptSpread::assumed(0.7, 0.4),
            correlation: 0.5,
        };
        let n_prompts = plan_comparison(plan, 0.03).prompts_needed.unwrap() as usize;
        let detectable =
            |n_prompts| plan_comparison(ComparisonPlan { n_prompts, ..plan }, 0.03).detectable.unwrap();
        assert!(detectable(n_prompts) <= 0.03 && detectable(n_prompts - 1) > 0.03);
        assert_eq!(plan_comparison(plan, 0.0).prompts_needed, None);
        assert_eq!(plan_comparison(ComparisonPlan { images_per_prompt: 0, ..plan }, 0.03).detectable, None);
    }
}
