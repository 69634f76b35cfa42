//! Two runs of one suite against each other, or official against fresh prompts.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::{Protocol, visible};
use imgeval_metrics::{
    BootstrapSettings, Comparison, Difference, IndependentPart, PairedCluster, PairedPart,
    compare_independent, compare_runs, holm,
};
use imgeval_report::model::{ComparisonKind, ComparisonView, DifferenceLine};

use crate::{OpenedRun, Part, ScoredView, ScoringError, view::interval_view};

/// One run by one observer.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub run: &'a OpenedRun,
    pub observer: usize,
}

impl<'a> Side<'a> {
    /// The run by the observer of this id.
    pub fn by(run: &'a OpenedRun, observer: &str) -> Option<Self> {
        let observer = run.view.observers.iter().position(|view| view.id == observer)?;
        Some(Self { run, observer })
    }

    pub fn scored(self) -> &'a ScoredView {
        &self.run.scored[self.observer]
    }

    /// The run, and who looked if several did.
    pub fn name(self) -> String {
        let view = &self.run.view;
        match view.observers.len() {
            1 => view.name.clone(),
            _ => format!("{}, by {}", view.name, view.observers[self.observer].title),
        }
    }
}

/// The facts in which two protocols differ: name, value of a, value of b; `-` where one has none.
pub fn differing_facts(a: &Protocol, b: &Protocol) -> Vec<(String, String, String)> {
    let facts = |protocol: &Protocol| -> BTreeMap<String, String> {
        protocol.facts().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (a, b) = (facts(a), facts(b));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let value =
        |facts: &BTreeMap<String, String>, name: &str| facts.get(name).cloned().unwrap_or("-".to_owned());
    let pairs = names.into_iter().map(|name| (name.clone(), value(&a, name), value(&b, name)));
    pairs.filter(|(_, a, b)| a != b).collect()
}

/// Refuses a field that no protocol of these runs has.
///
/// # Errors
/// Names the fields that there are.
pub fn check_allowed(allow: &[String], runs: &[&OpenedRun]) -> Result<(), ScoringError> {
    let protocols = runs.iter().flat_map(|run| &run.scored).map(|scored| &scored.protocol);
    let fields: BTreeSet<&str> =
        protocols.flat_map(|protocol| protocol.facts().map(|(name, _)| name)).collect();
    match allow.iter().find(|name| !fields.contains(name.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(ScoringError::UnknownField {
            name: unknown.clone(),
            known: fields.into_iter().map(str::to_owned).collect(),
        }),
    }
}

/// Case by case, on the cases that both have a score of; without pairs if the suites' prompts are not the same.
pub fn compare_sides(a: Side<'_>, b: Side<'_>, settings: BootstrapSettings) -> ComparisonView {
    let differing = differing_facts(&a.scored().protocol, &b.scored().protocol);
    let has_other_prompts = differing.iter().any(|(name, ..)| name == "suite" || name.starts_with("suite."));
    let mut comparison =
        if has_other_prompts { compare_unpaired(a, b, settings) } else { compare_paired(a, b, settings) };
    comparison.notes.extend(allowed_note(&differing));
    comparison
}

/// What was allowed to differ, in words.
fn allowed_note(differing: &[(String, String, String)]) -> Option<String> {
    let differ =
        |(name, a, b): &(String, String, String)| format!("{name} ({} and {})", visible(a), visible(b));
    let text: Vec<String> = differing.iter().map(differ).collect();
    (!text.is_empty()).then(|| format!("The protocols differ, as allowed, in {}", text.join(", ")))
}

fn compare_paired(a: Side<'_>, b: Side<'_>, settings: BootstrapSettings) -> ComparisonView {
    let (mut parts, mut names, mut n_unshared) = (Vec::new(), Vec::new(), 0);
    let pairs: Vec<(&Part, Vec<PairedCluster>)> = shared_parts(a, b)
        .map(|(of_a, of_b)| {
            let shared = of_a.prompts.iter().filter_map(|(case, cluster)| {
                Some(PairedCluster { a: *cluster, b: *of_b.prompts.get(case)? })
            });
            let shared: Vec<PairedCluster> = shared.collect();
            n_unshared += of_a.prompts.len() + of_b.prompts.len() - 2 * shared.len();
            (of_a, shared)
        })
        .collect();
    let n_pairs: usize = pairs.iter().map(|(_, pairs)| pairs.len()).sum();
    let (weights, is_whole) = weights_of(pairs.iter().map(|(part, pairs)| (*part, pairs.len())), n_pairs);
    for ((part, pairs), weight) in pairs.into_iter().zip(weights) {
        if !pairs.is_empty() {
            names.push(part.name.as_str());
            parts.push(PairedPart { key: part.key, weight, pairs });
        }
    }
    let mut notes = Vec::new();
    if n_unshared > 0 {
        notes.push(format!("{n_unshared} prompts have a score in only one of the two; they are skipped"));
    }
    let comparison = compare_runs(&parts, settings);
    let lines = lines_of(&names, comparison, is_whole);
    ComparisonView {
        suite: a.run.view.suite.clone(),
        kind: ComparisonKind::Runs,
        a: a.name(),
        b: b.name(),
        title: format!("{} and {}, prompt by prompt", a.name(), b.name()),
        is_paired: true,
        conclusion: conclude(&lines, &a.name(), &b.name()),
        lines,
        notes,
    }
}

/// Official minus fresh prompts of one model: prompts that are not the same, so that none is paired.
pub fn compare_with_fresh(
    official: Side<'_>,
    fresh: Side<'_>,
    settings: BootstrapSettings,
) -> ComparisonView {
    let lines = unpaired_lines(official, fresh, settings);
    let conclusion = match lines.last().and_then(|line| Some((line.difference?, line.interval.clone()?))) {
        None => "The gap is undefined: one of the two has no score.".to_owned(),
        Some((gap, interval)) if interval.low > 0.0 => format!(
            "The official prompts score {gap:.3} higher ({:.3} to {:.3}) than fresh ones of the same kind: the model may have been trained on prompts like the official ones.",
            interval.low, interval.high
        ),
        Some((gap, interval)) if interval.high < 0.0 => format!(
            "The official prompts score {:.3} lower ({:.3} to {:.3}) than fresh ones: no sign of contamination.",
            -gap, -interval.high, -interval.low
        ),
        Some((_, interval)) => {
            format!("No significant gap (95 % CI {:+.3} to {:+.3}).", interval.low, interval.high)
        }
    };
    ComparisonView {
        suite: official.run.view.suite.clone(),
        kind: ComparisonKind::FreshPrompts,
        a: official.name(),
        b: fresh.name(),
        title: format!("official prompts ({}) and fresh ones ({})", official.name(), fresh.name()),
        is_paired: false,
        lines,
        notes: Vec::new(),
        conclusion,
    }
}

/// Runs whose prompts are not the same, so that none is paired.
fn compare_unpaired(a: Side<'_>, b: Side<'_>, settings: BootstrapSettings) -> ComparisonView {
    let lines = unpaired_lines(a, b, settings);
    ComparisonView {
        suite: a.run.view.suite.clone(),
        kind: ComparisonKind::Runs,
        a: a.name(),
        b: b.name(),
        title: format!("{} and {}, each on its own prompts", a.name(), b.name()),
        is_paired: false,
        conclusion: conclude(&lines, &a.name(), &b.name()),
        lines,
        notes: vec![
            "The prompts differ, and differences between prompts blur the difference between the runs"
                .to_owned(),
        ],
    }
}

fn unpaired_lines(a: Side<'_>, b: Side<'_>, settings: BootstrapSettings) -> Vec<DifferenceLine> {
    let shared: Vec<(&Part, &Part)> = shared_parts(a, b).collect();
    let n_prompts = |part: &Part| part.prompts.len();
    let (weights, is_whole) = weights_of(
        shared.iter().map(|(a, b)| (*a, if n_prompts(b) > 0 { n_prompts(a) } else { 0 })),
        shared.iter().map(|(a, _)| n_prompts(a)).sum(),
    );
    let (mut parts, mut names) = (Vec::new(), Vec::new());
    for ((a, b), weight) in shared.into_iter().zip(weights) {
        if n_prompts(a) > 0 && n_prompts(b) > 0 {
            names.push(a.name.as_str());
            let clusters = |part: &Part| part.prompts.values().copied().collect();
            parts.push(IndependentPart { key: a.key, weight, a: clusters(a), b: clusters(b) });
        }
    }
    lines_of(&names, compare_independent(&parts, settings), is_whole)
}

/// Parts that both know, in the order of a.
fn shared_parts<'a>(a: Side<'a>, b: Side<'a>) -> impl Iterator<Item = (&'a Part, &'a Part)> {
    let of_b = &b.scored().parts;
    a.scored()
        .parts
        .iter()
        .filter_map(|part| Some((part, of_b.iter().find(|other| other.name == part.name)?)))
}

/// The share of each part in the overall difference, and whether it stands for the suite's overall score: where parts have
/// unequal weights, none may lack.
fn weights_of<'a>(parts: impl Iterator<Item = (&'a Part, usize)>, n_prompts: usize) -> (Vec<f64>, bool) {
    let parts: Vec<(&Part, usize)> = parts.collect();
    let given: Vec<f64> = parts.iter().filter(|(_, n)| *n > 0).filter_map(|(part, _)| part.weight).collect();
    let total: f64 = given.iter().sum();
    let is_equal = given.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-12);
    let has_all = parts.iter().all(|(_, n)| *n > 0);
    let weight = |(part, n): &(&Part, usize)| match part.weight {
        Some(weight) => weight / total,
        None => *n as f64 / n_prompts.max(1) as f64,
    };
    (parts.iter().map(weight).collect(), is_equal || has_all)
}

fn lines_of(names: &[&str], comparison: Option<Comparison>, is_whole: bool) -> Vec<DifferenceLine> {
    let Some(comparison) = comparison else { return vec![empty_line("overall")] };
    let p_values: Vec<f64> = comparison.parts.iter().filter_map(|part| part.p_value).collect();
    let mut adjusted = holm(&p_values).into_iter();
    let mut lines: Vec<DifferenceLine> = Vec::new();
    for (name, part) in names.iter().zip(&comparison.parts) {
        let p_adjusted = part.p_value.and_then(|_| adjusted.next());
        lines.push(line_of(name, part, p_adjusted));
    }
    lines.push(match is_whole {
        true => line_of("overall", &comparison.overall, None),
        false => empty_line("overall"),
    });
    lines
}

fn line_of(name: &str, difference: &Difference, p_adjusted: Option<f64>) -> DifferenceLine {
    DifferenceLine {
        part: name.to_owned(),
        difference: Some(difference.value),
        interval: Some(interval_view(difference.interval)),
        n_prompts: difference.n_prompts,
        won_tied_lost: difference.won_tied_lost,
        p_value: difference.p_value,
        p_adjusted,
        test: difference.test.name().to_owned(),
        detectable: difference.detectable,
        prompts_needed: difference.prompts_needed,
    }
}

fn empty_line(name: &str) -> DifferenceLine {
    DifferenceLine {
        part: name.to_owned(),
        difference: None,
        interval: None,
        n_prompts: 0,
        won_tied_lost: None,
        p_value: None,
        p_adjusted: None,
        test: String::new(),
        detectable: None,
        prompts_needed: None,
    }
}

/// Whether the interval of a difference excludes zero.
pub(crate) fn is_clear(line: &DifferenceLine) -> bool {
    line.interval.as_ref().is_some_and(|interval| interval.low > 0.0 || interval.high < 0.0)
}

/// The overall line in words.
fn conclude(lines: &[DifferenceLine], a: &str, b: &str) -> String {
    let overall = lines.last();
    let Some((line, difference, interval)) =
        overall.and_then(|line| Some((line, line.difference?, line.interval.clone()?)))
    else {
        return format!("{a} and {b} cannot be compared: they share too few prompts.");
    };
    let mut text = if interval.low > 0.0 {
        format!(
            "Overall, {a} scores {difference:.3} higher than {b} ({:.3} to {:.3}).",
            interval.low, interval.high
        )
    } else if interval.high < 0.0 {
        format!(
            "Overall, {a} scores {:.3} lower than {b} ({:.3} to {:.3}).",
            -difference, -interval.high, -interval.low
        )
    } else {
        format!("No significant overall difference (95 % CI {:+.3} to {:+.3}).", interval.low, interval.high)
    };
    if !is_clear(line) && line.detectable.is_some_and(|detectable| difference.abs() > detectable) {
        text.push_str(" With so few prompts their variance is poorly known, so a difference of this size may be chance.");
    } else if !is_clear(line) {
        if let Some(detectable) = line.detectable {
            text.push_str(&format!(" Minimum detectable difference with 80 % power: {detectable:.3}."));
        }
        if let Some(needed) = line.prompts_needed {
            text.push_str(&format!(
                " Detecting the observed {:.3} would take about {needed} prompts.",
                difference.abs()
            ));
        }
    }
    let clear: Vec<&str> = lines[..lines.len() - 1]
        .iter()
        .filter(|line| line.p_adjusted.is_some_and(|p| p < 0.05))
        .map(|line| line.part.as_str())
        .collect();
    if !clear.is_empty() {
        text.push_str(&format!(
            " After correction for multiple comparisons, they differ in: {}.",
            clear.join(", ")
        ));
    }
    text
}
