//! From scores to the table: per prompt, sub-category, category and overall, with intervals, coverage and bounds.
//!
//! A category's score is the mean over its images, the overall score the categories' means by the official weights. What
//! has no score is not zero: the bounds say what the score would be if every missing one were 0, or 1. An overall
//! score is given only when every category has one, because the weights then mean what they say.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::Estimate;
use imgeval_metrics::{
    BootstrapSettings, IncompletePart, PairedDifference, PairedStratum, Stratum, bound_missing,
    estimate_strata, estimate_weighted_strata, paired_difference,
};

use super::{Category, Edition, WiseCase};
use crate::judged::{ScoreLine, Tally, images_per_case, incomplete, set_estimates, stratum};

/// Names the interval rules and the denominator policy; raised when they change.
pub const SUMMARY_VERSION: u32 = 2;

/// Collects scores prompt by prompt.
#[derive(Debug, Clone)]
pub struct SummaryBuilder {
    edition: Edition,
    /// Sub-category and scores by id.
    prompts: BTreeMap<u32, (String, Tally)>,
    /// Whether it is known which prompts there should be; without a plan only failed images are missing.
    has_plan: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub edition: Edition,
    /// Mean score and number of scored images of each prompt that has any, by id.
    pub prompts: BTreeMap<u32, (f64, usize)>,
    /// Those that occur, in the official order.
    pub categories: Vec<(Category, ScoreLine)>,
    /// Those that occur, in the order of their first prompts.
    pub subcategories: Vec<(Category, String, ScoreLine)>,
    pub overall: ScoreLine,
    /// Categories without a score, for which the overall score is withheld.
    pub without_score: Vec<Category>,
    /// As in GenEval's summary: the commonest number. `None` without a plan.
    pub images_per_prompt: Option<usize>,
}

impl SummaryBuilder {
    #[must_use]
    pub fn new(edition: Edition) -> Self {
        Self { edition, prompts: BTreeMap::new(), has_plan: false }
    }

    /// Makes a prompt known, so that it is missed if no image of it comes.
    pub fn expect_case(&mut self, case: &WiseCase) {
        self.has_plan = true;
        self.tally(case.prompt_id, &case.subcategory);
    }

    /// Adds one image's score, in [0, 1]. Ids outside 1 to 1000 belong to no category and are not counted.
    pub fn add_score(&mut self, prompt_id: u32, subcategory: &str, value: f64) {
        self.tally(prompt_id, subcategory).add(value);
    }

    /// An image that is there but has no score.
    pub fn add_failed(&mut self, prompt_id: u32, subcategory: &str) {
        self.tally(prompt_id, subcategory).n_failed += 1;
    }

    fn tally(&mut self, prompt_id: u32, subcategory: &str) -> &mut Tally {
        let (_, tally) =
            self.prompts.entry(prompt_id).or_insert_with(|| (subcategory.to_owned(), Tally::default()));
        tally
    }

    #[must_use]
    pub fn summarise(&self, settings: BootstrapSettings) -> Summary {
        let images_per_prompt =
            self.has_plan.then(|| images_per_case(self.prompts.values().map(|(_, tally)| tally)));
        let mut by_category: BTreeMap<Category, Vec<Tally>> = BTreeMap::new();
        let mut by_subcategory: BTreeMap<(Category, &str), (u32, Vec<Tally>)> = BTreeMap::new();
        for (id, (subcategory, tally)) in &self.prompts {
            let Some(category) = Category::of(self.edition, *id) else { continue };
            by_category.entry(category).or_default().push(*tally);
            let entry = by_subcategory.entry((category, subcategory.as_str())).or_insert((*id, Vec::new()));
            entry.1.push(*tally);
        }
        let mut categories: Vec<(Category, ScoreLine)> = by_category
            .iter()
            .map(|(category, tallies)| (*category, ScoreLine::of(tallies, images_per_prompt)))
            .collect();
        let strata: Vec<Option<Stratum>> =
            by_category.iter().map(|(category, tallies)| stratum(*category as u64, tallies)).collect();
        let present: Vec<Stratum> = strata.iter().flatten().cloned().collect();
        let is_scored: BTreeSet<Category> = by_category
            .keys()
            .zip(&strata)
            .filter(|(_, stratum)| stratum.is_some())
            .map(|(category, _)| *category)
            .collect();
        let without_score: Vec<Category> =
            Category::ALL.into_iter().filter(|category| !is_scored.contains(category)).collect();
        let weights: Vec<f64> = is_scored.iter().map(|category| category.weight(self.edition)).collect();
        let estimates = estimate_weighted_strata(&present, &weights, settings)
            .unwrap_or_else(|| estimate_strata(&present, settings));
        set_estimates(categories.iter_mut().map(|(_, line)| line), &strata, estimates.strata);
        let mut overall =
            self.overall_line(&categories, estimates.overall.filter(|_| without_score.is_empty()));
        if overall.n_missing > 0 {
            let part = |(category, tallies): (&Category, &Vec<Tally>)| {
                incomplete(*category as u64, category.weight(self.edition), tallies, images_per_prompt)
            };
            let parts: Vec<IncompletePart> = by_category.iter().map(part).collect();
            if let Some(worst) = bound_missing(&parts, settings) {
                // A category that does not occur at all may have any score; the bounds say so, an interval cannot.
                overall.with_missing = (parts.len() == Category::ALL.len()).then_some(worst.overall.interval);
                for ((_, line), worst) in categories.iter_mut().zip(&worst.parts) {
                    line.with_missing = (line.n_missing > 0).then_some(worst.interval);
                }
            }
        }
        Summary {
            edition: self.edition,
            prompts: self.prompt_means(),
            subcategories: subcategory_lines(by_subcategory, images_per_prompt, settings),
            categories,
            overall,
            without_score,
            images_per_prompt,
        }
    }

    fn prompt_means(&self) -> BTreeMap<u32, (f64, usize)> {
        let mean = |(id, (_, tally)): (&u32, &(String, Tally))| Some((*id, (tally.mean()?, tally.n_scored)));
        self.prompts.iter().filter_map(mean).collect()
    }

    /// A category that does not occur at all may have any score.
    fn overall_line(&self, lines: &[(Category, ScoreLine)], estimate: Option<Estimate>) -> ScoreLine {
        let sum = |count: fn(&ScoreLine) -> usize| lines.iter().map(|(_, line)| count(line)).sum();
        let bound = |bound: fn(&ScoreLine) -> f64, absent: f64| {
            let of = |category: Category| {
                let line = lines.iter().find(|(of, _)| *of == category);
                category.weight(self.edition) * line.map_or(absent, |(_, line)| bound(line))
            };
            Category::ALL.into_iter().map(of).sum()
        };
        ScoreLine {
            estimate,
            n_scored: sum(|line| line.n_scored),
            n_prompts: sum(|line| line.n_prompts),
            n_prompts_scored: sum(|line| line.n_prompts_scored),
            n_missing: sum(|line| line.n_missing),
            bounds: (bound(|line| line.bounds.0, 0.0), bound(|line| line.bounds.1, 1.0)),
            with_missing: None,
        }
    }
}

fn subcategory_lines(
    groups: BTreeMap<(Category, &str), (u32, Vec<Tally>)>,
    images_per_prompt: Option<usize>,
    settings: BootstrapSettings,
) -> Vec<(Category, String, ScoreLine)> {
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, (first, _))| *first);
    // Keys of random streams that no category has.
    let strata: Vec<_> =
        groups.iter().map(|(_, (first, tallies))| stratum(1_000 + u64::from(*first), tallies)).collect();
    let present: Vec<Stratum> = strata.iter().flatten().cloned().collect();
    let mut lines: Vec<_> = groups
        .iter()
        .map(|((category, name), (_, tallies))| {
            (*category, (*name).to_owned(), ScoreLine::of(tallies, images_per_prompt))
        })
        .collect();
    let estimates = estimate_strata(&present, settings).strata;
    set_estimates(lines.iter_mut().map(|(_, _, line)| line), &strata, estimates);
    for ((_, _, line), (_, (first, tallies))) in lines.iter_mut().zip(&groups) {
        line.set_with_missing(1_000 + u64::from(*first), tallies, images_per_prompt, settings);
    }
    lines
}

/// How much better images of rewritten prompts score: what is lost by having to know.
#[derive(Debug, Clone, PartialEq)]
pub struct RewriteGap {
    /// Rewritten minus original, over the prompts that both have; categories without such prompts are left out.
    pub categories: Vec<(Category, PairedDifference)>,
    /// By the official weights; `None` unless every category has a difference.
    pub overall: Option<PairedDifference>,
    /// Prompts that only one of the two has.
    pub n_unpaired: usize,
}

/// Compares prompt by prompt; the interval resamples prompts within their category. `None` if the two summaries are not
/// of one edition.
#[must_use]
pub fn compute_rewrite_gap(
    original: &Summary,
    rewritten: &Summary,
    settings: BootstrapSettings,
) -> Option<RewriteGap> {
    if original.edition != rewritten.edition {
        return None;
    }
    let mut differences: BTreeMap<Category, Vec<f64>> = BTreeMap::new();
    let mut n_paired = 0;
    for (id, (before, _)) in &original.prompts {
        let Some((after, _)) = rewritten.prompts.get(id) else { continue };
        let Some(category) = Category::of(original.edition, *id) else { continue };
        differences.entry(category).or_default().push(after - before);
        n_paired += 1;
    }
    let strata: Vec<(Category, PairedStratum)> = differences
        .into_iter()
        .map(|(category, differences)| {
            let weight = category.weight(original.edition);
            (category, PairedStratum { key: category as u64, weight, differences })
        })
        .collect();
    let alone = |(category, stratum): &(Category, PairedStratum)| {
        let stratum = PairedStratum { weight: 1.0, ..stratum.clone() };
        paired_difference(&[stratum], settings).map(|difference| (*category, difference))
    };
    let categories = strata.iter().filter_map(alone).collect();
    let has_all = strata.len() == Category::ALL.len();
    let strata: Vec<PairedStratum> = strata.into_iter().map(|(_, stratum)| stratum).collect();
    Some(RewriteGap {
        categories,
        overall: paired_difference(&strata, settings).filter(|_| has_all),
        n_unpaired: original.prompts.len() + rewritten.prompts.len() - 2 * n_paired,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick() -> BootstrapSettings {
        BootstrapSettings { seed: 0, replicates: 200 }
    }

    /// Scores of all prompts: `value` by id.
    fn builder(value: impl Fn(u32) -> f64) -> SummaryBuilder {
        let mut builder = SummaryBuilder::new(Edition::Legacy);
        for id in 1..=1_000 {
            builder.add_score(id, if id % 2 == 0 { "even" } else { "odd" }, value(id));
        }
        builder
    }

    #[test]
    fn categories_count_by_their_official_weights() {
        let summary = builder(|id| if id <= 400 { 1.0 } else { f64::from(id % 2) }).summarise(quick());
        let overall = summary.overall.estimate.unwrap();
        let time = f64::from((401..=567).filter(|id| id % 2 == 1).count() as u32) / 167.0;
        let space = f64::from((568..=700).filter(|id| id % 2 == 1).count() as u32) / 133.0;
        assert!((overall.value - (0.4 + 0.167 * time + 0.133 * space + 0.15)).abs() < 1e-9, "{overall:?}");
        assert_eq!(summary.subcategories.len(), 12);
        assert_eq!((overall.n, summary.overall.n_missing), (1_000, 0));
        assert_eq!(summary.overall.bounds.0, summary.overall.bounds.1);
    }

    #[test]
    fn without_a_category_there_is_no_overall_score() {
        let mut builder = SummaryBuilder::new(Edition::Verified);
        builder.add_score(1, "a", 1.0);
        builder.add_failed(500, "b");
        let summary = builder.summarise(quick());
        assert_eq!(summary.overall.estimate, None);
        assert_eq!(summary.without_score, &Category::ALL[1..]);
        assert_eq!(summary.categories[0].1.estimate.unwrap().value, 1.0);
        assert_eq!(summary.categories[1].1.bounds, (0.0, 1.0));
        let (low, high) = summary.overall.bounds;
        assert!((low - 0.4).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn missing_prompts_are_not_zero() {
        let mut builder = builder(|_| 0.5);
        builder.prompts.retain(|id, _| *id > 10);
        let case = |prompt_id| WiseCase {
            prompt_id,
            prompt: "p".to_owned(),
            explanation: "e".to_owned(),
            category: Category::Culture,
            subcategory: "even".to_owned(),
        };
        (1..=10).for_each(|id| builder.expect_case(&case(id)));
        let summary = builder.summarise(quick());
        let (_, culture) = &summary.categories[0];
        assert_eq!((culture.n_prompts, culture.n_prompts_scored, culture.n_missing), (400, 390, 10));
        assert!((culture.estimate.unwrap().value - 0.5).abs() < 1e-12);
        assert!(
            (culture.bounds.0 - 195.0 / 400.0).abs() < 1e-12
                && (culture.bounds.1 - 205.0 / 400.0).abs() < 1e-12
        );
    }

    #[test]
    fn the_gap_is_taken_over_prompts_that_both_have() {
        let original = builder(|id| f64::from(id % 3) / 4.0);
        let mut rewritten = builder(|id| f64::from(id % 3) / 4.0 + f64::from(id % 2) / 2.0);
        rewritten.prompts.remove(&1);
        let gap = compute_rewrite_gap(&original.summarise(quick()), &rewritten.summarise(quick()), quick())
            .unwrap();
        assert_eq!((gap.n_unpaired, gap.categories.len()), (1, 6));
        let overall = gap.overall.unwrap();
        assert!((overall.value - 0.25).abs() < 0.005);
        let (low, high) = overall.interval.unwrap();
        assert!(low < overall.value && overall.value < high && high - low < 0.05);
        let verified = SummaryBuilder::new(Edition::Verified).summarise(quick());
        assert_eq!(compute_rewrite_gap(&original.summarise(quick()), &verified, quick()), None);
    }
}
