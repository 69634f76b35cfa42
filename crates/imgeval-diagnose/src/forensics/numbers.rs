//! Numbers as reports hold them.

use imgeval_core::Estimate;
use imgeval_metrics::detection::{BestCut, Calibration, Confusion, Defined, Detection, RocPoint};
use serde::{Deserialize, Serialize};

/// A number with its 95 % interval where it has one, or why it is not defined.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Number {
    /// `None` if it is not defined.
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Prompts and sources behind it.
    pub n_clusters: Option<usize>,
    pub n_images: Option<usize>,
    /// Why there is no value.
    pub undefined: Option<String>,
}

impl Number {
    pub(super) fn undefined(reason: impl ToString) -> Self {
        Self { undefined: Some(reason.to_string()), ..Self::default() }
    }

    /// `0.953 (0.910 to 0.990)`, `0.953`, or `undefined`.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.value, self.low, self.high) {
            (Some(value), Some(low), Some(high)) => format!("{value:.3} ({low:.3} to {high:.3})"),
            (Some(value), ..) => format!("{value:.3}"),
            (None, ..) => "undefined".to_owned(),
        }
    }

    /// `0.953`, or `undefined`.
    #[must_use]
    pub fn short_text(&self) -> String {
        self.value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.3}"))
    }
}

impl From<Estimate> for Number {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: Some(estimate.value),
            low: Some(estimate.interval.low),
            high: Some(estimate.interval.high),
            n_clusters: Some(estimate.n_clusters),
            n_images: Some(estimate.n),
            undefined: None,
        }
    }
}

impl From<Defined<Estimate>> for Number {
    fn from(found: Defined<Estimate>) -> Self {
        found.map_or_else(Self::undefined, Self::from)
    }
}

impl From<Defined<f64>> for Number {
    fn from(found: Defined<f64>) -> Self {
        found.map_or_else(Self::undefined, |value| Self { value: Some(value), ..Self::default() })
    }
}

/// Counts of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionRecord {
    pub reals_called_real: usize,
    pub reals_called_fake: usize,
    pub fakes_called_real: usize,
    pub fakes_called_fake: usize,
}

/// An accuracy at a threshold that was chosen on the same images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutRecord {
    pub accuracy: Number,
    /// `None` where the best is to call nothing fake, or nothing is defined.
    pub threshold: Option<f64>,
}

/// The images whose scores lie in one tenth of [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinRecord {
    pub low: f64,
    pub n: usize,
    pub mean_score: Option<f64>,
    pub share_of_fakes: Option<f64>,
}

/// All numbers of a detector under a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub n_real: usize,
    pub n_fake: usize,
    pub threshold: f64,
    /// `None` for scores without a threshold.
    pub confusion: Option<ConfusionRecord>,
    pub fakes_called_fake: Number,
    pub reals_called_fake: Number,
    pub accuracy: Number,
    pub real_accuracy: Number,
    pub fake_accuracy: Number,
    pub balanced_accuracy: Number,
    pub precision: Number,
    pub recall: Number,
    pub f1: Number,
    pub mcc: Number,
    pub average_precision: Number,
    pub auc: Number,
    pub eer_nearest: Number,
    pub eer_interpolated: Number,
    pub tpr_at_1_percent_fpr: Number,
    pub tpr_at_5_percent_fpr: Number,
    pub best_accuracy: CutRecord,
    pub best_balanced_accuracy: CutRecord,
    pub univfd_threshold: CutRecord,
    pub balanced_cllr: Number,
    pub brier: Number,
    pub calibration_error: Number,
    /// Empty unless defined.
    pub reliability: Vec<BinRecord>,
    /// Points of false and true positive rate, from (0, 0) to (1, 1); empty unless defined.
    pub roc: Vec<[f64; 2]>,
}

impl Metrics {
    pub(super) fn of(found: &Detection) -> Self {
        let share = |estimate: Option<Estimate>, class: &str| {
            estimate.map_or_else(|| Number::undefined(format!("there is no {class} image")), Number::from)
        };
        Self {
            n_real: found.n_real,
            n_fake: found.n_fake,
            threshold: found.threshold,
            confusion: Some(found.confusion.into()),
            fakes_called_fake: share(found.called_fake.of_fakes, "fake"),
            reals_called_fake: share(found.called_fake.of_reals, "real"),
            accuracy: found.accuracy.into(),
            real_accuracy: found.real_accuracy.into(),
            fake_accuracy: found.fake_accuracy.into(),
            balanced_accuracy: found.balanced_accuracy.into(),
            precision: found.precision.into(),
            recall: found.fake_accuracy.into(),
            f1: found.f1.into(),
            mcc: found.mcc.into(),
            average_precision: found.average_precision.into(),
            auc: found.auc.into(),
            eer_nearest: found.eer_nearest.into(),
            eer_interpolated: found.eer_interpolated.into(),
            tpr_at_1_percent_fpr: found.tpr_at_1_percent.into(),
            tpr_at_5_percent_fpr: found.tpr_at_5_percent.into(),
            best_accuracy: found.best_accuracy.into(),
            best_balanced_accuracy: found.best_balanced_accuracy.into(),
            univfd_threshold: found.univfd_threshold.into(),
            balanced_cllr: found.balanced_cllr.into(),
            brier: found.brier.into(),
            calibration_error: found
                .calibration
                .as_ref()
                .map(|found| found.expected_error)
                .map_err(|reason| *reason)
                .into(),
            reliability: found.calibration.as_ref().map_or_else(|_| Vec::new(), bins),
            roc: found.roc.as_ref().map_or_else(|_| Vec::new(), |roc| points(roc)),
        }
    }
}

impl Metrics {
    /// Keeps only threshold-free numbers, for scores that have neither a threshold nor a meaning as probabilities.
    pub(super) fn forget_threshold(&mut self) {
        let numbers = [
            &mut self.fakes_called_fake,
            &mut self.reals_called_fake,
            &mut self.accuracy,
            &mut self.real_accuracy,
            &mut self.fake_accuracy,
            &mut self.balanced_accuracy,
            &mut self.precision,
            &mut self.recall,
            &mut self.f1,
            &mut self.mcc,
            &mut self.balanced_cllr,
            &mut self.brier,
            &mut self.calibration_error,
        ];
        for number in numbers {
            *number = Number::undefined("a mean of ranks has no threshold");
        }
        self.confusion = None;
        self.reliability.clear();
    }
}

impl From<Confusion> for ConfusionRecord {
    fn from(counts: Confusion) -> Self {
        Self {
            reals_called_real: counts.true_negatives,
            reals_called_fake: counts.false_positives,
            fakes_called_real: counts.false_negatives,
            fakes_called_fake: counts.true_positives,
        }
    }
}

impl From<Defined<BestCut>> for CutRecord {
    fn from(found: Defined<BestCut>) -> Self {
        let threshold = found.ok().map(|cut| cut.threshold).filter(|threshold| threshold.is_finite());
        Self { accuracy: found.map(|cut| cut.accuracy).into(), threshold }
    }
}

fn bins(calibration: &Calibration) -> Vec<BinRecord> {
    let bins = calibration.bins.iter();
    bins.map(|bin| BinRecord {
        low: bin.low,
        n: bin.n,
        mean_score: bin.mean_score,
        share_of_fakes: bin.share_of_fakes,
    })
    .collect()
}

fn points(roc: &[RocPoint]) -> Vec<[f64; 2]> {
    roc.iter().map(|point| [point.fpr, point.tpr]).collect()
}
