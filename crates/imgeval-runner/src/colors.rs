//! Which colors are needed, and what remains to be done for an image. Pure functions.

use std::collections::BTreeMap;

use imgeval_core::{Category, ColorScope, Detection};
use imgeval_store::SeenImage;

/// Which detections of a category get a color: as many and as weak ones as a verdict may look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamingLimits {
    /// Only detections that score more than this.
    pub above: f32,
    /// Number of best objects of each category.
    pub per_category: usize,
}

impl Default for NamingLimits {
    /// The official evaluator's.
    fn default() -> Self {
        Self { above: 0.3, per_category: 16 }
    }
}

/// Places of the detections whose color is needed, in order: all of them for a cheap namer, for a dear one those of
/// the categories asked for within the limits. Of equal scores the later detection comes first, as in the verdict.
#[must_use]
pub fn detections_to_name(
    detections: &[Detection],
    scope: ColorScope,
    is_asked: impl Fn(Category) -> bool,
    limits: NamingLimits,
) -> Vec<usize> {
    if scope == ColorScope::EveryDetection {
        return (0..detections.len()).collect();
    }
    let mut by_category: BTreeMap<Category, Vec<usize>> = BTreeMap::new();
    for (place, detection) in detections.iter().enumerate().rev() {
        if detection.score > limits.above && is_asked(detection.category) {
            by_category.entry(detection.category).or_default().push(place);
        }
    }
    let mut places = Vec::new();
    for mut group in by_category.into_values() {
        group.sort_by(|a, b| detections[*b].score.total_cmp(&detections[*a].score));
        group.truncate(limits.per_category);
        places.extend(group);
    }
    places.sort_unstable();
    places
}

/// What is left to do for one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageWork {
    Nothing,
    /// Detect, then name the colors that are needed.
    Detect,
    /// Name the colors of these stored detections, without detecting; perhaps of none, which is then noted.
    Name {
        places: Vec<usize>,
    },
}

/// Whether colors that are there are good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorsThere {
    Keep,
    NameAgain,
}

/// What is left to do, given what the store holds; `needed` says which detections need a color.
#[must_use]
pub fn plan_image(
    seen: Option<&SeenImage>,
    needed: impl FnOnce(&[Detection]) -> Vec<usize>,
    colors_there: ColorsThere,
) -> ImageWork {
    let Some(seen) = seen else {
        return ImageWork::Detect;
    };
    let mut places = needed(&seen.detections);
    let is_named = |place: &usize| seen.detections[*place].colors.is_some();
    match colors_there {
        ColorsThere::Keep => places.retain(|place| !is_named(place)),
        ColorsThere::NameAgain => {
            places.extend((0..seen.detections.len()).filter(is_named));
            places.sort_unstable();
            places.dedup();
        }
    }
    if places.is_empty() && seen.has_colors { ImageWork::Nothing } else { ImageWork::Name { places } }
}

#[cfg(test)]
mod tests {
    use imgeval_core::{BoundingBox, ColorRule, ColorScores};

    use super::*;

    const ASKED: ColorScope = ColorScope::AskedFor;

    fn category(index: usize) -> Category {
        Category::from_index(index).unwrap()
    }

    fn detections(scores: &[(usize, f32)]) -> Vec<Detection> {
        let detection = |(index, score): &(usize, f32)| Detection {
            category: category(*index),
            score: *score,
            bounding_box: BoundingBox::from_array([0.0; 4]),
            mask: None,
            colors: None,
        };
        scores.iter().map(detection).collect()
    }

    fn check(scores: &[(usize, f32)], limits: NamingLimits, expected: &[usize]) {
        let is_asked = |found: Category| found != category(9);
        assert_eq!(detections_to_name(&detections(scores), ASKED, is_asked, limits), expected);
    }

    #[test]
    fn only_what_a_verdict_may_look_at_is_named() {
        let limits = NamingLimits { above: 0.3, per_category: 2 };
        check(&[(1, 0.9), (9, 0.9), (1, 0.3), (1, 0.300_001)], limits, &[0, 3]);
        check(&[(1, 0.5), (1, 0.6), (1, 0.7), (2, 0.4)], limits, &[1, 2, 3]);
        check(&[(1, 0.5), (1, 0.5), (1, 0.5)], limits, &[1, 2]);
        let all =
            detections_to_name(&detections(&[(9, 0.0); 3]), ColorScope::EveryDetection, |_| false, limits);
        assert_eq!(all, [0, 1, 2]);
    }

    fn plan(seen: &SeenImage, colors_there: ColorsThere) -> ImageWork {
        let needed = |detections: &[Detection]| {
            detections_to_name(detections, ASKED, |found| found == category(1), NamingLimits::default())
        };
        plan_image(Some(seen), needed, colors_there)
    }

    #[test]
    fn what_is_there_is_not_done_again_unless_asked() {
        let none = plan_image(None, |_| vec![], ColorsThere::Keep);
        assert_eq!(none, ImageWork::Detect);
        let mut seen =
            SeenImage { detections: detections(&[(1, 0.9), (2, 0.9), (1, 0.8)]), has_colors: false };
        assert_eq!(plan(&seen, ColorsThere::Keep), ImageWork::Name { places: vec![0, 2] });
        let scores = ColorScores { values: [0.0; 10], rule: ColorRule::Argmax };
        seen.detections[0].colors = Some(scores);
        seen.detections[1].colors = Some(scores);
        seen.has_colors = true;
        assert_eq!(plan(&seen, ColorsThere::Keep), ImageWork::Name { places: vec![2] });
        assert_eq!(plan(&seen, ColorsThere::NameAgain), ImageWork::Name { places: vec![0, 1, 2] });
        seen.detections[2].colors = Some(scores);
        assert_eq!(plan(&seen, ColorsThere::Keep), ImageWork::Nothing);
        // Nothing to name, and not noted yet.
        let mut bare = SeenImage { detections: detections(&[(2, 0.9)]), has_colors: false };
        assert_eq!(plan(&bare, ColorsThere::Keep), ImageWork::Name { places: vec![] });
        bare.has_colors = true;
        assert_eq!(plan(&bare, ColorsThere::NameAgain), ImageWork::Nothing);
    }
}
