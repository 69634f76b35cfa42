//! From what a detector saw to objects that GenEval's rules judge. An object whose colors nobody named has no color that
//! is known, which is something else than none of the ten.

use imgeval_core::{Color, ColorRule, ColorScores, Detection, Evidence};
use imgeval_suites::geneval::{DetectedObject, Metadata, SeenColor, Tag, Verdict, VerdictOptions};

#[must_use]
pub fn objects_of(detections: &[Detection]) -> Vec<DetectedObject> {
    let object = |detection: &Detection| DetectedObject {
        category: detection.category,
        score: detection.score,
        bounding_box: detection.bounding_box,
        color: match detection.colors {
            None => SeenColor::Unknown,
            Some(scores) => scores.best().map_or(SeenColor::NoneOfTheTen, SeenColor::Named),
        },
    };
    detections.iter().map(object).collect()
}

/// Whether the verdict counted this detection: confident enough and of the first ones.
pub(crate) fn is_counted(verdict: &Verdict, detection: &Detection) -> bool {
    let kept = verdict.kept.get(&detection.category).map_or(&[][..], Vec::as_slice);
    kept.iter().any(|object| object.score == detection.score && object.bounding_box == detection.bounding_box)
}

/// Colors with their scores, the best first.
pub(crate) fn ranked_colors(scores: &ColorScores) -> Vec<(String, f32)> {
    let mut colors: Vec<(String, f32)> =
        Color::all().zip(scores.values).map(|(color, score)| (color.name().to_owned(), score)).collect();
    colors.sort_by(|a, b| b.1.total_cmp(&a.1));
    colors
}

/// How close the deciding confidence is to its threshold, or the best color to the second best: 1 at the threshold, 0
/// at the largest distance. `None` if the detector found nothing that the prompt names.
pub(crate) fn compute_uncertainty(
    metadata: &Metadata,
    evidence: &Evidence,
    options: &VerdictOptions,
) -> Option<f64> {
    let threshold = match metadata.tag {
        Tag::Counting => options.counting_threshold,
        _ => options.threshold,
    };
    let is_named = |detection: &&Detection| {
        metadata.include.iter().any(|clause| clause.category == detection.category)
            || metadata.exclude.iter().any(|clause| clause.category == detection.category)
    };
    let asks_for_color = metadata.include.iter().any(|clause| clause.color.is_some());
    let margin = |detection: &Detection| {
        let distance = (f64::from(detection.score) - threshold).abs() / threshold.max(1.0 - threshold);
        let is_confident = f64::from(detection.score) > threshold;
        match detection.colors.filter(|_| asks_for_color && is_confident) {
            Some(scores) => distance.min(color_margin(&scores)),
            None => distance,
        }
    };
    let margins = evidence.detections.iter().filter(is_named).map(margin);
    margins.min_by(f64::total_cmp).map(|margin| 1.0 - margin.clamp(0.0, 1.0))
}

/// How far the best color is ahead of the second, in [0, 1]: as shares, CLIP's scores through the softmax.
fn color_margin(scores: &ColorScores) -> f64 {
    let ranked = ranked_colors(scores);
    let [(_, best), (_, second), ..] = ranked.as_slice() else { return 1.0 };
    let (best, second) = (f64::from(*best), f64::from(*second));
    match scores.rule {
        ColorRule::Argmax => {
            let total: f64 = ranked.iter().map(|(_, score)| (f64::from(*score) - best).exp()).sum();
            (1.0 - (second - best).exp()) / total
        }
        ColorRule::PositiveOnly if best <= 0.0 => 1.0,
        ColorRule::PositiveOnly => (best - second.max(0.0)) / best,
    }
}
