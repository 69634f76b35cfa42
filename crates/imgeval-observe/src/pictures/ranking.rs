//! Which images of a group show its weakness most.

use imgeval_core::SampleId;
use imgeval_metrics::text::{Fragment, WordSpaces, measure_text};
use imgeval_scoring::{MeasuredImage, Run};
use imgeval_suites::{
    checks::{measures::Measures, read_lines},
    suite::SuiteCase,
};

use crate::measures::needed;

/// What a figure of a group is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Concern {
    /// The answer differs from a source that was to stay as it is.
    Change,
    /// It differs from it outside a region.
    Leak,
    /// Its blur is another.
    Blur,
    Text,
    Color,
}

impl Concern {
    /// By what the case checks; without such a check, its color.
    pub(super) fn of(run: &Run, sample: &SampleId) -> Self {
        let checks = run.checks().get(&sample.case);
        let has = |name: &str| checks.is_some_and(|checks| checks.find(name).is_some());
        let has_mask = run.cases().get(&sample.case).is_some_and(|case: &SuiteCase| {
            case.mask().is_some() || case.rounds.first().is_some_and(|round| round.mask.is_some())
        });
        if has("text") {
            Self::Text
        } else if has("unchanged") {
            if has_mask || needed(run, sample).region.is_some() { Self::Leak } else { Self::Change }
        } else if has("sharpness") {
            Self::Blur
        } else {
            Self::Color
        }
    }

    /// Ends "the N answers of M ...".
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Change => "that differ most from their source",
            Self::Leak => "that changed most outside their region",
            Self::Blur => "whose blur differs most from the request",
            Self::Text => "with the most wrong characters",
            Self::Color => "with the strongest color cast",
        }
    }

    /// Larger is worse; `None` where it was not or cannot be measured.
    pub(super) fn severity(self, run: &Run, sample: &SampleId, found: MeasuredImage<'_>) -> Option<f64> {
        match self {
            Self::Change if !found.is_registered() => found.number("survival").map(|share| REDRAWN - share),
            Self::Change => {
                let cut_off = found.number("cut_off").unwrap_or(0.0);
                Some(found.number("content_de")? + found.number("tone_de")? + 100.0 * cut_off)
            }
            Self::Leak => Some(found.number("outside.content_de")? + found.number("outside.tone_de")?),
            Self::Blur => {
                let check = run.checks().get(&sample.case)?.find("sharpness")?;
                let value = check.check.value_of_measures(&found).ok()?;
                Some(1.0 - value + found.number("blur_ratio").map_or(0.0, |ratio| ratio.ln().abs().min(0.9)))
            }
            Self::Text => wrong_characters(run, sample, found),
            Self::Color => found.number("cast_distance"),
        }
    }
}

/// Above every image that registers.
const REDRAWN: f64 = 1e6;

/// Those to change or to remove, over those asked for.
fn wrong_characters(run: &Run, sample: &SampleId, found: MeasuredImage<'_>) -> Option<f64> {
    let targets = needed(run, sample).lines;
    // What the reader does not know is not the generator's error.
    found.number(imgeval_suites::checks::measures::COVERAGE).filter(|share| *share >= 1.0)?;
    let lines = read_lines(found.word(imgeval_suites::checks::measures::LINES)?).ok()?;
    let fragments: Vec<Fragment> =
        lines.into_iter().map(|line| Fragment { corners: line.corners, text: line.text }).collect();
    let measured = measure_text(targets, &fragments, WordSpaces::of_texts(targets)).ok()?;
    let asked = targets.iter().map(|line| line.chars().count()).sum::<usize>().max(1);
    Some(measured.cer + measured.extra_chars as f64 / asked as f64)
}
