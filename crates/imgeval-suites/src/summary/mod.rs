//! From the scores of cases to a suite's table: per part, per group within a part and over all, with intervals, coverage
//! and bounds. One way for all suites; what differs is their [`Scheme`].
//!
//! Intervals resample cases. What is missing is not counted as wrong; instead the bounds say what the score would be if
//! every missing image had 0, or 1.

mod gap;
mod line;
mod metric;
mod scheme;

use std::{cmp::Ordering, collections::BTreeMap};

use imgeval_metrics::{
    BootstrapSettings, Cluster, IncompletePart, Stratum, bound_missing, estimate_strata,
    estimate_weighted_strata,
};

pub use gap::{Gap, compute_gap};
pub use line::ScoreLine;
use line::{Tally, images_per_case, incomplete, set_estimates, stratum};
pub use metric::MetricLine;
pub use scheme::{Combine, PartRule, Scheme, TotalRule};

/// Keys of the random streams of groups begin here; parts have smaller ones.
const GROUP_KEYS: u64 = 1_000;

/// A case's name in the order in which cases are summed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CaseName(String);

impl Ord for CaseName {
    fn cmp(&self, other: &Self) -> Ordering {
        scheme::compare_ids(&self.0, &other.0)
    }
}

impl PartialOrd for CaseName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Collects scores case by case; holds a few bytes for each case, none for each image.
#[derive(Debug, Clone)]
pub struct SummaryBuilder {
    scheme: Scheme,
    /// By part and case.
    cases: BTreeMap<(usize, CaseName), Tally>,
    /// The group of a case within its part, where the suite has groups.
    groups: BTreeMap<CaseName, String>,
    /// Whether it is known which cases there should be; without a plan only failed images are missing.
    has_plan: bool,
}

/// The scores of a run by one evaluator.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub scheme: Scheme,
    /// The parts that occur, by their places in the scheme.
    pub parts: Vec<(usize, ScoreLine)>,
    /// Groups within parts, in the order of their first cases.
    pub groups: Vec<(usize, String, ScoreLine)>,
    /// One for each total of the scheme.
    pub totals: Vec<ScoreLine>,
    /// Parts without a score, for which the overall score is withheld.
    pub without_score: Vec<usize>,
    /// How many images each case is taken to have: the commonest number. `None` without a plan.
    pub images_per_case: Option<usize>,
    /// Part, mean score and number of scored images of each case that has any.
    cases: BTreeMap<CaseName, (usize, f64, usize)>,
}

/// A case with the scores of its images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredCase<'a> {
    /// Place of its part in the scheme.
    pub part: usize,
    pub id: &'a str,
    /// Sum and number of the scores.
    pub cluster: Cluster,
    /// Sum of their squares.
    pub squares: f64,
}

/// A line of the table with its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamedLine<'a> {
    pub name: &'a str,
    pub line: &'a ScoreLine,
}

impl Summary {
    /// The lines of the table: parts, then totals, the overall score last.
    pub fn lines(&self) -> impl Iterator<Item = NamedLine<'_>> {
        let parts = self.parts.iter().map(|(part, line)| (self.scheme.parts[*part].name.as_str(), line));
        let totals = self.scheme.totals.iter().map(|total| total.name.as_str()).zip(&self.totals);
        parts.chain(totals).map(|(name, line)| NamedLine { name, line })
    }

    /// The line of a part, by its place in the scheme; `None` if the part does not occur.
    #[must_use]
    pub fn part(&self, place: usize) -> Option<&ScoreLine> {
        self.parts.iter().find(|(part, _)| *part == place).map(|(_, line)| line)
    }

    /// The overall score.
    #[must_use]
    pub fn overall(&self) -> &ScoreLine {
        // A scheme has a total at least.
        &self.totals[self.totals.len() - 1]
    }

    /// The names of the parts for which the overall score is withheld.
    pub fn names_without_score(&self) -> impl Iterator<Item = &str> {
        self.without_score.iter().map(|part| self.scheme.parts[*part].name.as_str())
    }
}

impl SummaryBuilder {
    #[must_use]
    pub fn new(scheme: Scheme) -> Self {
        Self { scheme, cases: BTreeMap::new(), groups: BTreeMap::new(), has_plan: false }
    }

    /// Makes a case known, so that it is missed if no image of it comes.
    pub fn expect_case(&mut self, part: usize, id: &str, group: Option<&str>) {
        self.has_plan = true;
        self.add_case(part, id, group);
    }

    /// Makes a case known without expecting an image of it.
    pub fn add_case(&mut self, part: usize, id: &str, group: Option<&str>) {
        self.tally(part, id);
        if let Some(group) = group {
            self.groups.entry(CaseName(id.to_owned())).or_insert_with(|| group.to_owned());
        }
    }

    /// Adds the score of one image, in [0, 1].
    pub fn add_score(&mut self, part: usize, id: &str, value: f64) {
        self.tally(part, id).add(value);
    }

    /// An image that is there but has no score, or should be there and is not.
    pub fn add_failed(&mut self, part: usize, id: &str) {
        self.tally(part, id).n_failed += 1;
    }

    fn tally(&mut self, part: usize, id: &str) -> &mut Tally {
        self.cases.entry((part, CaseName(id.to_owned()))).or_default()
    }

    /// Every case that has a score, part by part.
    pub fn scored_cases(&self) -> impl Iterator<Item = ScoredCase<'_>> {
        self.cases.iter().filter(|(_, tally)| tally.n_scored > 0).map(|((part, id), tally)| ScoredCase {
            part: *part,
            id: &id.0,
            cluster: tally.cluster(),
            squares: tally.squares,
        })
    }

    /// The parts of which cases are known.
    fn parts_that_occur(&self) -> Vec<(usize, Vec<Tally>)> {
        let mut parts: Vec<(usize, Vec<Tally>)> = Vec::new();
        for ((part, _), tally) in &self.cases {
            match parts.last_mut().filter(|(last, _)| last == part) {
                Some((_, tallies)) => tallies.push(*tally),
                None => parts.push((*part, vec![*tally])),
            }
        }
        parts
    }

    fn images_per_case(&self) -> Option<usize> {
        self.has_plan.then(|| images_per_case(self.cases.values()))
    }

    #[must_use]
    pub fn summarise(&self, settings: BootstrapSettings) -> Summary {
        let images_per_case = self.images_per_case();
        let of_parts = self.parts_that_occur();
        let mut parts: Vec<(usize, ScoreLine)> =
            of_parts.iter().map(|(part, tallies)| (*part, ScoreLine::of(tallies, images_per_case))).collect();
        let mut totals = Vec::new();
        let mut without_score = Vec::new();
        let is_joint = |total: &TotalRule| !matches!(total.combine, Combine::EveryImage { .. });
        if !self.scheme.totals.iter().any(is_joint) {
            for ((part, line), (_, tallies)) in parts.iter_mut().zip(&of_parts) {
                let key = self.scheme.parts[*part].key;
                *line = line_alone(key, tallies, images_per_case, settings);
            }
        }
        for total in &self.scheme.totals {
            totals.push(match &total.combine {
                Combine::EveryImage { key, parts } => {
                    let tallies: Vec<Tally> = self
                        .cases
                        .iter()
                        .filter(|((part, _), _)| parts.contains(part))
                        .map(|(_, tally)| *tally)
                        .collect();
                    line_alone(*key, &tallies, images_per_case, settings)
                }
                Combine::MeanOfParts => self.mean_of_parts(&mut parts, &of_parts, images_per_case, settings),
                Combine::WeightedParts => {
                    without_score = self.parts_without_score();
                    let is_whole = without_score.is_empty();
                    self.weighted_parts(&mut parts, &of_parts, is_whole, images_per_case, settings)
                }
            });
        }
        Summary {
            scheme: self.scheme.clone(),
            parts,
            groups: self.group_lines(images_per_case, settings),
            totals,
            without_score,
            images_per_case,
            cases: self.case_means(),
        }
    }

    fn case_means(&self) -> BTreeMap<CaseName, (usize, f64, usize)> {
        self.cases
            .iter()
            .filter_map(|((part, id), tally)| Some((id.clone(), (*part, tally.mean()?, tally.n_scored))))
            .collect()
    }

    fn parts_without_score(&self) -> Vec<usize> {
        let has_score =
            |part: &usize| self.cases.iter().any(|((of, _), tally)| of == part && tally.n_scored > 0);
        (0..self.scheme.parts.len()).filter(|part| !has_score(part)).collect()
    }

    fn strata(&self, of_parts: &[(usize, Vec<Tally>)]) -> Vec<Option<Stratum>> {
        of_parts.iter().map(|(part, tallies)| stratum(self.scheme.parts[*part].key, tallies)).collect()
    }

    fn mean_of_parts(
        &self,
        parts: &mut [(usize, ScoreLine)],
        of_parts: &[(usize, Vec<Tally>)],
        images_per_case: Option<usize>,
        settings: BootstrapSettings,
    ) -> ScoreLine {
        let strata = self.strata(of_parts);
        let present: Vec<Stratum> = strata.iter().flatten().cloned().collect();
        let estimates = estimate_strata(&present, settings);
        set_estimates(parts.iter_mut().map(|(_, line)| line), &strata, estimates.strata);
        let lines: Vec<&ScoreLine> = parts.iter().map(|(_, line)| line).collect();
        let mean = |bound: fn(&ScoreLine) -> f64| {
            lines.iter().map(|line| bound(line)).sum::<f64>() / lines.len().max(1) as f64
        };
        let bounds = (mean(|line| line.bounds.0), mean(|line| line.bounds.1));
        let mut overall = ScoreLine::total_of(&lines, estimates.overall, bounds);
        if overall.n_missing > 0 {
            let share = 1.0 / of_parts.len() as f64;
            let worst = of_parts.iter().map(|(part, tallies)| {
                incomplete(self.scheme.parts[*part].key, share, tallies, images_per_case)
            });
            set_worst(&mut overall, parts, &worst.collect::<Vec<_>>(), true, settings);
        }
        overall
    }

    fn weighted_parts(
        &self,
        parts: &mut [(usize, ScoreLine)],
        of_parts: &[(usize, Vec<Tally>)],
        is_whole: bool,
        images_per_case: Option<usize>,
        settings: BootstrapSettings,
    ) -> ScoreLine {
        let strata = self.strata(of_parts);
        let present: Vec<Stratum> = strata.iter().flatten().cloned().collect();
        let weight = |part: usize| self.scheme.parts[part].weight.unwrap_or(1.0);
        let weights: Vec<f64> = of_parts
            .iter()
            .zip(&strata)
            .filter(|(_, stratum)| stratum.is_some())
            .map(|((part, _), _)| weight(*part))
            .collect();
        let estimates = estimate_weighted_strata(&present, &weights, settings)
            .unwrap_or_else(|| estimate_strata(&present, settings));
        set_estimates(parts.iter_mut().map(|(_, line)| line), &strata, estimates.strata);
        // A part that does not occur at all may have any score.
        let bound = |bound: fn(&ScoreLine) -> f64, absent: f64| {
            let of = |part: usize| {
                let line = parts.iter().find(|(of, _)| *of == part);
                weight(part) * line.map_or(absent, |(_, line)| bound(line))
            };
            (0..self.scheme.parts.len()).map(of).sum()
        };
        let bounds = (bound(|line| line.bounds.0, 0.0), bound(|line| line.bounds.1, 1.0));
        let lines: Vec<&ScoreLine> = parts.iter().map(|(_, line)| line).collect();
        let mut overall = ScoreLine::total_of(&lines, estimates.overall.filter(|_| is_whole), bounds);
        if overall.n_missing > 0 {
            let worst: Vec<IncompletePart> = of_parts
                .iter()
                .map(|(part, tallies)| {
                    incomplete(self.scheme.parts[*part].key, weight(*part), tallies, images_per_case)
                })
                .collect();
            // The bounds speak of parts that do not occur; an interval cannot.
            let has_all = worst.len() == self.scheme.parts.len();
            set_worst(&mut overall, parts, &worst, has_all, settings);
        }
        overall
    }

    fn group_lines(
        &self,
        images_per_case: Option<usize>,
        settings: BootstrapSettings,
    ) -> Vec<(usize, String, ScoreLine)> {
        let mut groups: BTreeMap<(usize, &str), (&CaseName, Vec<Tally>)> = BTreeMap::new();
        for ((part, id), tally) in &self.cases {
            if let Some(group) = self.groups.get(id) {
                groups.entry((*part, group)).or_insert((id, Vec::new())).1.push(*tally);
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, (first, _))| *first);
        let key = |place: usize, first: &CaseName| {
            GROUP_KEYS + first.0.parse::<u64>().unwrap_or(place as u64).min(u64::from(u32::MAX))
        };
        let mut lines = Vec::new();
        for (place, ((part, name), (first, tallies))) in groups.into_iter().enumerate() {
            let line = line_alone(key(place, first), &tallies, images_per_case, settings);
            lines.push((part, name.to_owned(), line));
        }
        lines
    }
}

/// A line that stands alone.
fn line_alone(
    key: u64,
    tallies: &[Tally],
    images_per_case: Option<usize>,
    settings: BootstrapSettings,
) -> ScoreLine {
    let mut line = ScoreLine::of(tallies, images_per_case);
    let strata = [stratum(key, tallies)];
    let present: Vec<Stratum> = strata.iter().flatten().cloned().collect();
    let estimates = estimate_strata(&present, settings).strata;
    set_estimates(std::iter::once(&mut line), &strata, estimates);
    line.set_with_missing(key, tallies, images_per_case, settings);
    line
}

/// The intervals with what is missing, of parts and overall.
fn set_worst(
    overall: &mut ScoreLine,
    parts: &mut [(usize, ScoreLine)],
    incomplete: &[IncompletePart],
    has_overall: bool,
    settings: BootstrapSettings,
) {
    let Some(worst) = bound_missing(incomplete, settings) else { return };
    overall.with_missing = has_overall.then_some(worst.overall.interval);
    for ((_, line), worst) in parts.iter_mut().zip(&worst.parts) {
        line.with_missing = (line.n_missing > 0).then_some(worst.interval);
    }
}

#[cfg(test)]
mod tests;
