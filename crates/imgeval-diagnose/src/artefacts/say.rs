//! Sentences that say no more than the comparison allows.

use std::fmt;

use super::{
    compare::{Comparison, Row},
    files::{FileFact, FileShares},
    number::{Kind, Number},
    resampled::{MIN_GROUPS, Summary},
};
use crate::architecture::ValueShare;

/// The largest peaks that images without any pattern were seen to have, in dB, for the periods 2, 4 and 8 (docs/methods.md, checkerboard).
const CLEAN: [(Number, usize, f64); 3] =
    [(Number::Checkerboard2, 2, 6.9), (Number::Checkerboard4, 4, 8.5), (Number::Checkerboard8, 8, 10.1)];
/// Peaks of a period this close to those of half the period, whose frequencies they include, are the same peaks, in dB.
const SAME_PEAK: f64 = 0.5;

/// What can be said of a place. `Display` is a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Numbers stand alone.
    NoReference,
    /// The files differ from the reference's in facts of one consequence.
    Files { facts: Vec<FileShares> },
    /// Too few images for intervals.
    TooFewGroups { name: String, n_groups: usize },
    /// Clearly apart from the reference.
    Apart { number: Number, text: String, files: Vec<FileFact> },
    /// Both measures of sharpness lie above the reference's.
    Sharper { ratio: f64, files: Vec<FileFact> },
    /// No difference is shown, which does not mean that there is none.
    NotShown { numbers: Vec<Number> },
    /// Of all intervals together.
    Chance { n_compared: usize },
    /// What the checkerboard says by itself.
    Pattern { period: usize, verdict: PatternVerdict, limit: f64 },
}

/// Whether images have a pattern of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternVerdict {
    /// Above what clean images read.
    Present,
    /// As clean images read, and far below what a pattern of one gray level reads.
    AsClean,
    /// Neither can be excluded.
    CannotBeTold,
    /// The peak belongs to a shorter period.
    OfShorter,
}

impl Finding {
    /// Stable, for JSON.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoReference => "no-reference",
            Self::Files { .. } => "files-differ",
            Self::TooFewGroups { .. } => "too-few-images",
            Self::Apart { .. } => "apart",
            Self::Sharper { .. } => "sharper",
            Self::NotShown { .. } => "not-shown",
            Self::Chance { .. } => "chance",
            Self::Pattern { .. } => "pattern",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReference => formatter.write_str(
                "Without a reference, no number shows whether anything is unusual: none of them has an absolute zero.",
            ),
            Self::Files { facts } => {
                let one = |shares: &FileShares| {
                    let reference = shares_text(shares.reference.as_deref().unwrap_or_default());
                    format!("{} ({}; reference {reference})", shares.fact.name(), shares_text(&shares.place))
                };
                let names: Vec<String> = facts.iter().map(one).collect();
                let consequence = facts.first().map_or("", |shares| shares.fact.consequence());
                write!(
                    formatter,
                    "The files differ from the reference in {}: {consequence}.",
                    names.join(", ")
                )
            }
            Self::TooFewGroups { name, n_groups } => write!(
                formatter,
                "{name} has {n_groups} independent {}; medians and fingerprints need at least {MIN_GROUPS} for a 95 % confidence interval, so none is reported.",
                if *n_groups == 1 { "image" } else { "images" }
            ),
            Self::Apart { text, files, .. } => write!(formatter, "{text}{}.", not_alone(files)),
            Self::Sharper { ratio, files } => write!(
                formatter,
                "lap_var is {ratio:.1} times the reference's and hf_share is higher too: this indicates over-sharpening or finer content{}.",
                not_alone(files)
            ),
            Self::NotShown { numbers } => {
                let names: Vec<&str> = numbers.iter().map(|number| number.name()).collect();
                write!(formatter, "No significant difference from the reference in: {}.", names.join("; "))
            }
            Self::Chance { n_compared } => write!(
                formatter,
                "Of {n_compared} comparisons with 95 % intervals, about {:.1} would be significant by chance alone.",
                0.05 * *n_compared as f64
            ),
            Self::Pattern { period, verdict, limit } => match verdict {
                PatternVerdict::Present => write!(
                    formatter,
                    "A pattern of period {period} is present: the peak is above the {limit} dB that clean images reach{}.",
                    if *period == 8 { "; a decoder or a JPEG grid leaves it" } else { "" }
                ),
                PatternVerdict::AsClean => write!(
                    formatter,
                    "Period {period} is at the level of clean images (up to {limit} dB); a pattern of one gray level would exceed 20 dB."
                ),
                PatternVerdict::CannotBeTold => write!(
                    formatter,
                    "A weak pattern of period {period} cannot be ruled out: clean images reach up to {limit} dB{}.",
                    if *period == 8 { ", and so does a pattern of one gray level" } else { "" }
                ),
                PatternVerdict::OfShorter => write!(
                    formatter,
                    "A pattern of period {period} can be neither shown nor ruled out: its frequencies include those of period {}, whose peak is as high.",
                    period / 2
                ),
            },
        }
    }
}

/// What else may have caused it.
fn not_alone(files: &[FileFact]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = files.iter().map(|fact| fact.name()).collect();
    format!("; the files differ in {}, which may explain this", names.join(", "))
}

pub(super) fn findings(comparison: &Comparison<'_>) -> Vec<Finding> {
    let mut findings = file_findings(&comparison.files);
    for place in [Some(comparison.place), comparison.reference].into_iter().flatten() {
        if place.n_groups < MIN_GROUPS {
            findings.push(Finding::TooFewGroups { name: place.name.clone(), n_groups: place.n_groups });
        }
    }
    match comparison.reference {
        None => findings.push(Finding::NoReference),
        Some(_) => findings.extend(differences(comparison)),
    }
    findings.extend(patterns(comparison));
    findings
}

/// One for all facts that touch the same numbers.
fn file_findings(files: &[FileShares]) -> Vec<Finding> {
    let mut together: Vec<Vec<FileShares>> = Vec::new();
    for shares in files.iter().filter(|shares| shares.differs) {
        let consequence = shares.fact.consequence();
        match together.iter_mut().find(|facts| facts[0].fact.consequence() == consequence) {
            Some(facts) => facts.push(shares.clone()),
            None => together.push(vec![shares.clone()]),
        }
    }
    together.into_iter().map(|facts| Finding::Files { facts }).collect()
}

/// The commonest values with their shares.
fn shares_text(shares: &[ValueShare]) -> String {
    let one = |share: &ValueShare| format!("{} {:.0} %", share.value, 100.0 * share.share);
    shares.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// K is never judged.
fn differences(comparison: &Comparison<'_>) -> Vec<Finding> {
    let judged = || comparison.rows.iter().filter(|row| row.number != Number::CastRatio);
    let with_interval =
        || judged().filter(|row| row.difference.is_some_and(|difference| difference.interval.is_some()));
    let is_clear = |row: &&Row| row.difference.is_some_and(|difference| difference.is_clear());
    let mut findings: Vec<Finding> = with_interval()
        .filter(is_clear)
        .filter_map(|row| {
            let text = apart(comparison, row)?;
            Some(Finding::Apart { number: row.number, text, files: row.files.clone() })
        })
        .collect();
    findings.extend(sharper(comparison));
    let numbers: Vec<Number> = with_interval().filter(|row| !is_clear(row)).map(|row| row.number).collect();
    if !numbers.is_empty() {
        findings.push(Finding::NotShown { numbers });
    }
    let n_compared = with_interval().count();
    if n_compared > 0 {
        findings.push(Finding::Chance { n_compared });
    }
    findings
}

fn apart(comparison: &Comparison<'_>, row: &Row) -> Option<String> {
    let difference = row.difference?;
    let (low, high) = difference.interval?;
    let scale = if row.number.is_fraction() { 100.0 } else { 1.0 };
    let unit = match row.number {
        Number::SpectrumLow | Number::SpectrumMiddle | Number::SpectrumHigh => " dB",
        Number::Checkerboard2 | Number::Checkerboard4 | Number::Checkerboard8 => " dB",
        _ if row.number.kind() == Kind::Share => " points",
        _ if row.number.is_fraction() => " points",
        _ => "",
    };
    let (value, low, high) = (scale * difference.value, scale * low, scale * high);
    let direction = if value > 0.0 { "higher" } else { "lower" };
    let (from, to) = if value > 0.0 { (low, high) } else { (-high, -low) };
    let tests = comparison.color_shifts.iter().find(|shift| shift.number == row.number);
    let tests = tests.map_or(String::new(), |one| {
        format!(
            "; Hodges-Lehmann shift {:+.2}, Mann-Whitney p {}",
            one.shift.hodges_lehmann,
            p_text(one.shift.mannwhitney_p)
        )
    });
    Some(format!(
        "{}: {}{unit} {direction} than the reference (95 % CI {} to {}{tests})",
        capitalized(row.number.name()),
        number_text(value.abs()),
        number_text(from),
        number_text(to)
    ))
}

fn sharper(comparison: &Comparison<'_>) -> Option<Finding> {
    let rows = [comparison.row(Number::LapVar)?, comparison.row(Number::HfShare)?];
    let is_higher =
        |row: &&Row| row.difference.is_some_and(|difference| difference.is_clear() && difference.value > 0.0);
    let ratio = rows[0].place?.value / rows[0].reference?.value;
    let is_sharper = rows.iter().all(is_higher) && ratio.is_finite();
    is_sharper.then(|| Finding::Sharper { ratio, files: rows[0].files.clone() })
}

fn patterns(comparison: &Comparison<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut shorter: Option<(f64, bool)> = None;
    for (number, period, limit) in CLEAN {
        let Some(summary) = comparison.row(number).and_then(|row| row.place) else { continue };
        let is_of_shorter =
            shorter.is_some_and(|(value, is_present)| is_present && summary.value - value < SAME_PEAK);
        let verdict = if is_of_shorter { PatternVerdict::OfShorter } else { pattern(summary, period, limit) };
        shorter = Some((summary.value, is_of_shorter || verdict == PatternVerdict::Present));
        findings.push(Finding::Pattern { period, verdict, limit });
    }
    findings
}

fn pattern(summary: Summary, period: usize, limit: f64) -> PatternVerdict {
    match summary.interval {
        Some((low, _)) if low > limit => PatternVerdict::Present,
        // At a period of 8, clean images and a pattern of one gray level read alike.
        Some((_, high)) if high <= limit && period < 8 => PatternVerdict::AsClean,
        _ => PatternVerdict::CannotBeTold,
    }
}

/// With as many decimals as its size needs.
fn number_text(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn p_text(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}
