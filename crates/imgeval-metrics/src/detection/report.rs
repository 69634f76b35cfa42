//! All numbers of one detector under one condition.

use std::collections::BTreeMap;

use imgeval_core::Estimate;

use super::{
    BestCut, Calibration, Confusion, Cuts, Defined, DetectionError, RocPoint, ScoredImage, Undefined,
    balanced_cllr, brier_score_of_fake, calibration, check_both, check_scores, precision, univfd_threshold,
};
use crate::{
    BootstrapSettings, Cluster, Stratum,
    classification::{Prediction, evaluate},
    estimate_strata,
};

/// Number of images at which a false positive rate of 1 % is one image.
pub const MIN_REALS_AT_1_PERCENT: usize = 100;
/// Number of images at which a false positive rate of 5 % is one image.
pub const MIN_REALS_AT_5_PERCENT: usize = 20;

/// The share of images of one class that are called fake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareOfFake {
    /// `None` without images of the class.
    pub of_reals: Option<Estimate>,
    /// `None` without images of the class.
    pub of_fakes: Option<Estimate>,
}

/// How well a detector does. In each estimate `n_clusters` is the number of prompts and sources, and `n` that of images.
///
/// Of one class only nothing is defined but [`Self::called_fake`] and the accuracy of that class.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    pub n_real: usize,
    pub n_fake: usize,
    /// Images that score above this are called fake.
    pub threshold: f64,
    pub confusion: Confusion,
    pub called_fake: ShareOfFake,
    pub accuracy: Defined<Estimate>,
    /// Share of reals that are called real.
    pub real_accuracy: Defined<Estimate>,
    /// Share of fakes that are called fake, which is the recall too.
    pub fake_accuracy: Defined<Estimate>,
    pub balanced_accuracy: Defined<Estimate>,
    pub precision: Defined<f64>,
    pub f1: Defined<f64>,
    pub mcc: Defined<f64>,
    pub average_precision: Defined<Estimate>,
    pub auc: Defined<Estimate>,
    pub eer_nearest: Defined<f64>,
    pub eer_interpolated: Defined<f64>,
    /// Largest share of fakes found at a threshold that calls at most 1 % of the reals fake.
    pub tpr_at_1_percent: Defined<f64>,
    /// The same for 5 %.
    pub tpr_at_5_percent: Defined<f64>,
    pub best_accuracy: Defined<BestCut>,
    pub best_balanced_accuracy: Defined<BestCut>,
    pub univfd_threshold: Defined<BestCut>,
    pub balanced_cllr: Defined<f64>,
    pub brier: Defined<f64>,
    pub calibration: Defined<Calibration>,
    pub roc: Defined<Vec<RocPoint>>,
}

/// Everything about the images' scores. Intervals resample clusters (see [`crate::classification`]) and depend on the images and
/// `settings` alone.
///
/// # Errors
/// If there is no image, or a score is not finite.
pub fn measure_detection(
    images: &[ScoredImage],
    threshold: f64,
    settings: BootstrapSettings,
) -> Result<Detection, DetectionError> {
    check_scores(images)?;
    let confusion = Confusion::at(images, threshold);
    let (n_real, n_fake) = (confusion.n_real(), confusion.n_fake());
    let cuts = Cuts::of(images)?;
    let both = check_both(n_real, n_fake);
    let evaluation =
        both.and_then(|()| evaluate(&predictions(images, threshold), 2, settings).ok_or(Undefined::NoReals));
    let average_precision = both.and_then(|()| cuts.average_precision());
    let tpr = |limit, needed| match both {
        Ok(()) if n_real < needed => Err(Undefined::FewReals { found: n_real, needed }),
        Ok(()) => cuts.tpr_at_fpr(limit),
        Err(reason) => Err(reason),
    };
    Ok(Detection {
        n_real,
        n_fake,
        threshold,
        confusion,
        called_fake: ShareOfFake {
            of_reals: share(images, false, |image| image.score > threshold, settings),
            of_fakes: share(images, true, |image| image.score > threshold, settings),
        },
        accuracy: evaluation.map(|found| found.accuracy),
        real_accuracy: share(images, false, |image| image.score <= threshold, settings)
            .ok_or(Undefined::NoReals),
        fake_accuracy: share(images, true, |image| image.score > threshold, settings)
            .ok_or(Undefined::NoFakes),
        balanced_accuracy: evaluation.map(|found| found.balanced_accuracy),
        precision: both.and_then(|()| confusion.precision()),
        f1: both.and_then(|()| confusion.f1()),
        mcc: both.and_then(|()| confusion.mcc()),
        average_precision: average_precision
            .map(|value| precision::estimate_average_precision(images, value, settings)),
        auc: evaluation.map(|found| found.auc),
        eer_nearest: cuts.eer_nearest(),
        eer_interpolated: cuts.eer_interpolated(),
        tpr_at_1_percent: tpr(0.01, MIN_REALS_AT_1_PERCENT),
        tpr_at_5_percent: tpr(0.05, MIN_REALS_AT_5_PERCENT),
        best_accuracy: cuts.best_accuracy(),
        best_balanced_accuracy: cuts.best_balanced_accuracy(),
        univfd_threshold: univfd_threshold(images),
        balanced_cllr: balanced_cllr(images),
        brier: brier_score_of_fake(images),
        calibration: calibration(images),
        roc: cuts.roc(),
    })
}

/// The threshold stands for real and the score for fake, so that the larger one is the detector's answer and the ranking is the score's.
fn predictions(images: &[ScoredImage], threshold: f64) -> Vec<Prediction> {
    let prediction = |image: &ScoredImage| Prediction {
        group: image.cluster,
        label: usize::from(image.is_fake),
        probabilities: vec![threshold, image.score],
    };
    images.iter().map(prediction).collect()
}

/// The share of the class's images for which something holds; `None` without images of the class.
fn share(
    images: &[ScoredImage],
    is_fake: bool,
    holds: impl Fn(&ScoredImage) -> bool,
    settings: BootstrapSettings,
) -> Option<Estimate> {
    let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
    for image in images.iter().filter(|image| image.is_fake == is_fake) {
        let cluster = clusters.entry(image.cluster).or_insert(Cluster { sum: 0.0, n: 0 });
        cluster.sum += f64::from(u8::from(holds(image)));
        cluster.n += 1;
    }
    let stratum = Stratum::new(u64::from(is_fake), clusters.into_values().collect())?;
    estimate_strata(&[stratum], settings).strata.first().copied()
}
