//! What a score is worth as a probability of fake.

use super::{Defined, ScoredImage, Undefined, check_both};
use crate::classification::{CONFIDENCE_BINS, expected_calibration_error};

/// The images whose scores lie in one tenth of [0, 1]; a tenth holds its lower end, the last both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// The lower end of the bin; its width is 0.1.
    pub low: f64,
    pub n: usize,
    /// The mean score and the share of fakes among them; `None` of an empty bin.
    pub mean_score: Option<f64>,
    pub share_of_fakes: Option<f64>,
}

/// How far scores are from the shares of fakes among the images that have them.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Ten of them, rising.
    pub bins: Vec<ReliabilityBin>,
    /// The distance of mean score and share of fakes over the bins, weighted by their images, in [0, 1]; 0 is perfect.
    pub expected_error: f64,
}

fn check_probabilities(images: &[ScoredImage]) -> Defined<()> {
    let n_fake = images.iter().filter(|image| image.is_fake).count();
    check_both(images.len() - n_fake, n_fake)?;
    match images.iter().all(|image| (0.0..=1.0).contains(&image.score)) {
        true => Ok(()),
        false => Err(Undefined::NotProbabilities),
    }
}

/// The reliability diagram and its expected error. It depends on the shares of the classes among the images.
///
/// # Errors
/// If a class has no image, or a score lies outside [0, 1].
pub fn calibration(images: &[ScoredImage]) -> Defined<Calibration> {
    check_probabilities(images)?;
    let mut sums = [(0_usize, 0.0, 0_usize); CONFIDENCE_BINS];
    for image in images {
        let bin = ((image.score * CONFIDENCE_BINS as f64) as usize).min(CONFIDENCE_BINS - 1);
        sums[bin].0 += 1;
        sums[bin].1 += image.score;
        sums[bin].2 += usize::from(image.is_fake);
    }
    let bin = |(place, (n, sum, n_fake)): (usize, (usize, f64, usize))| ReliabilityBin {
        low: place as f64 / CONFIDENCE_BINS as f64,
        n,
        mean_score: (n > 0).then(|| sum / n as f64),
        share_of_fakes: (n > 0).then(|| n_fake as f64 / n as f64),
    };
    let scores: Vec<f64> = images.iter().map(|image| image.score).collect();
    let is_fake: Vec<bool> = images.iter().map(|image| image.is_fake).collect();
    Ok(Calibration {
        bins: sums.into_iter().enumerate().map(bin).collect(),
        expected_error: expected_calibration_error(&scores, &is_fake).ok_or(Undefined::NotProbabilities)?,
    })
}

/// The mean squared distance of score and truth (Brier 1950), in [0, 1].
///
/// # Errors
/// If a class has no image, or a score lies outside [0, 1].
pub fn brier_score_of_fake(images: &[ScoredImage]) -> Defined<f64> {
    check_probabilities(images)?;
    let squares = images.iter().map(|image| (image.score - f64::from(u8::from(image.is_fake))).powi(2));
    Ok(squares.sum::<f64>() / images.len() as f64)
}

/// The mean over both classes of the bits that the score costs, `-log2` of the probability of the truth: the cost of log likelihood
/// ratios (Brümmer and du Preez 2006) with the score's log odds taken for the ratio. 1 says nothing, 0 is perfect, above 1 misleads.
///
/// # Errors
/// If a class has no image, a score lies outside [0, 1], or an image has probability 0 of what it is, whose cost is infinite.
pub fn balanced_cllr(images: &[ScoredImage]) -> Defined<f64> {
    check_probabilities(images)?;
    let cost_of = |is_fake: bool| {
        let costs = images.iter().filter(|image| image.is_fake == is_fake).map(|image| {
            let truth = if is_fake { image.score } else { 1.0 - image.score };
            -truth.log2()
        });
        let (sum, n) = costs.fold((0.0, 0.0), |(sum, n), cost| (sum + cost, n + 1.0));
        sum / n
    };
    let cost = f64::midpoint(cost_of(false), cost_of(true));
    if cost.is_finite() { Ok(cost) } else { Err(Undefined::CertainAndWrong) }
}
