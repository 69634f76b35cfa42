//! Where detectors agree, and where they differ most.

use imgeval_metrics::compute_agreement;

use super::{
    fuse::ranks,
    input::{DetectorScores, StudyImage},
    numbers::Number,
    report::{DisputedImage, PairRecord},
};

/// Each pair of detectors over the images that both have scored.
pub(super) fn compare_pairs(
    detectors: &[&DetectorScores],
    scores: &[Vec<Option<f64>>],
    condition: &str,
) -> Vec<PairRecord> {
    let pairs = (0..detectors.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    pairs
        .map(|(first, second)| {
            let shared: Vec<(f64, f64)> =
                scores[first].iter().zip(&scores[second]).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
            let called = |score: f64, place: usize| f64::from(u8::from(score > detectors[place].threshold));
            let verdicts: Vec<(f64, f64)> =
                shared.iter().map(|(a, b)| (called(*a, first), called(*b, second))).collect();
            let (of_verdicts, of_scores) =
                (compute_agreement(&verdicts, 1.0), compute_agreement(&shared, 1.0));
            PairRecord {
                first: detectors[first].id.clone(),
                second: detectors[second].id.clone(),
                condition: condition.to_owned(),
                n_images: shared.len(),
                same_verdict: number(of_verdicts.exact, "no image has a score from both"),
                kappa: number(of_verdicts.kappa, "a detector gives all images the same verdict"),
                spearman: number(of_scores.spearman, "a detector gives all images the same score"),
            }
        })
        .collect()
}

fn number(found: Option<f64>, reason: &str) -> Number {
    found
        .map_or_else(|| Number::undefined(reason), |value| Number { value: Some(value), ..Number::default() })
}

/// The images whose ranks differ most between detectors, of those that two detectors or more have scored.
pub(super) fn most_disputed(
    images: &[StudyImage],
    detectors: &[&DetectorScores],
    scores: &[Vec<Option<f64>>],
    n: usize,
) -> Vec<DisputedImage> {
    let all_ranks: Vec<Vec<Option<f64>>> = scores.iter().map(|scores| ranks(scores)).collect();
    let mut disputed: Vec<DisputedImage> = images
        .iter()
        .enumerate()
        .filter_map(|(place, image)| {
            let of_image: Vec<(String, f64, f64)> = (0..detectors.len())
                .filter_map(|detector| {
                    let id = detectors[detector].id.clone();
                    Some((id, scores[detector][place]?, all_ranks[detector][place]?))
                })
                .collect();
            let ranks = || of_image.iter().map(|(_, _, rank)| *rank);
            let spread = ranks().reduce(f64::max)? - ranks().reduce(f64::min)?;
            (of_image.len() > 1).then(|| DisputedImage {
                image: image.name.clone(),
                class: image.class,
                set: image.set.clone(),
                spread,
                scores: of_image,
            })
        })
        .collect();
    disputed.sort_by(|left, right| {
        right.spread.total_cmp(&left.spread).then_with(|| left.image.cmp(&right.image))
    });
    disputed.truncate(n);
    disputed
}
