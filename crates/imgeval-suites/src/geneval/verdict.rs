//! The verdict on one image: a pure function of metadata and detected objects.
//!
//! Follows `evaluate_images.py` of djghosh13/geneval (functions `evaluate_image`, `evaluate`, `compute_iou` and
//! `relative_position`), in the widths of its floats: scores, boxes and positions are 32-bit, areas and
//! overlaps 64-bit. Two freedoms that the reference leaves open are settled here: of equal scores the later
//! detection comes first (NumPy's reversed ordering of few elements), and several relations are joined in the
//! order left, right, above, below (the reference joins a Python set).

use std::{collections::BTreeMap, fmt};

use imgeval_core::{BoundingBox, Category, Color, Score};

use super::{Include, Metadata, Relation, Tag};

/// The options of the official evaluator, with its defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerdictOptions {
    /// Objects must score strictly more than this.
    pub threshold: f64,
    /// The same for the tag `counting`.
    pub counting_threshold: f64,
    /// Maximum number of objects kept per class, best first.
    pub max_objects: usize,
    /// Objects that overlap a better one of their class by this much (IoU) are dropped; 1 turns this off.
    pub max_overlap: f64,
    /// Minimum distance between centers for a spatial relation, as a fraction of the objects' summed size.
    pub position_threshold: f64,
}

impl Default for VerdictOptions {
    fn default() -> Self {
        Self {
            threshold: 0.3,
            counting_threshold: 0.9,
            max_objects: 16,
            max_overlap: 1.0,
            position_threshold: 0.1,
        }
    }
}

/// What is known about the color of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenColor {
    /// Nobody looked.
    Unknown,
    /// Somebody looked, and it is none of the ten.
    NoneOfTheTen,
    Named(Color),
}

/// A detected object as the verdict needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectedObject {
    pub category: Category,
    pub score: f32,
    pub bounding_box: BoundingBox,
    pub color: SeenColor,
}

/// The objects that count, best first within each class.
pub type KeptObjects = BTreeMap<Category, Vec<DetectedObject>>;

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub reasons: Vec<Reason>,
    pub kept: KeptObjects,
}

impl Verdict {
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.reasons.is_empty()
    }

    /// The reasons in the official wording, one a line.
    #[must_use]
    pub fn reason_text(&self) -> String {
        let lines: Vec<_> = self.reasons.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[must_use]
    pub fn score(&self) -> Score {
        Score {
            is_correct: self.is_correct(),
            reasons: self.reasons.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One thing that is wrong with an image. Displayed in the official wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    TooFew { category: Category, wanted: u32, found: usize },
    WrongColor { category: Category, wanted: u32, color: Color, seen: Vec<Color> },
    NoTarget { category: Category, relation: Relation },
    WrongRelation { category: Category, relation: Relation, found: Vec<Relation> },
    TooMany { category: Category, limit: u32, found: usize },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { category, wanted, found } => {
                write!(formatter, "expected {category}>={wanted}, found {found}")
            }
            Self::WrongColor { category, wanted, color, seen } => {
                let count = |color: Color| seen.iter().filter(|other| **other == color).count();
                let present = Color::all().filter(|color| count(*color) > 0);
                let list: Vec<_> = present.map(|color| format!("{} {color}", count(color))).collect();
                let (n, list) = (count(*color), list.join(", "));
                write!(formatter, "expected {color} {category}>={wanted}, found {n} {color}; and {list}")
            }
            Self::NoTarget { category, relation } => {
                write!(formatter, "no target for {category} to be {}", relation.name())
            }
            Self::WrongRelation { category, relation, found } => {
                let found: Vec<_> = found.iter().map(|relation| relation.name()).collect();
                let (wanted, found) = (relation.name(), found.join(" and "));
                write!(formatter, "expected {category} {wanted} target, found {found} target")
            }
            Self::TooMany { category, limit, found } => {
                write!(formatter, "expected {category}<{limit}, found {found}")
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerdictError {
    #[error("the metadata require the color of `{category}`, but a detection has none")]
    NoColor { category: Category },
}

/// Computes the verdict on one image.
///
/// # Errors
/// If the metadata require a color and the color of a deciding object has not been determined.
pub fn compute_verdict(
    metadata: &Metadata,
    objects: &[DetectedObject],
    options: &VerdictOptions,
) -> Result<Verdict, VerdictError> {
    let kept = keep_objects(objects, metadata.tag, options);
    let found = |category: Category| kept.get(&category).map_or(&[][..], Vec::as_slice);
    let mut reasons = Vec::new();
    // The objects that satisfied each clause so far; `None` where a clause failed.
    let mut matched_groups: Vec<Option<&[DetectedObject]>> = Vec::new();
    for clause in &metadata.include {
        let wanted = clause.count as usize;
        let taken = &found(clause.category)[..wanted.min(found(clause.category).len())];
        let reason = check_include(clause, taken, &matched_groups, options)?;
        matched_groups.push(reason.is_none().then_some(taken));
        reasons.extend(reason);
    }
    for clause in &metadata.exclude {
        let (category, limit, found) = (clause.category, clause.count, found(clause.category).len());
        if found >= limit as usize {
            reasons.push(Reason::TooMany { category, limit, found });
        }
    }
    Ok(Verdict { reasons, kept })
}

/// Threshold, limit and suppression, class by class.
#[must_use]
pub fn keep_objects(objects: &[DetectedObject], tag: Tag, options: &VerdictOptions) -> KeptObjects {
    let threshold = match tag {
        Tag::Counting => options.counting_threshold,
        Tag::SingleObject | Tag::TwoObject | Tag::Colors | Tag::Position | Tag::ColorAttr => {
            options.threshold
        }
    } as f32;
    let mut by_category = KeptObjects::new();
    for object in objects.iter().rev().filter(|object| object.score > threshold) {
        by_category.entry(object.category).or_default().push(*object);
    }
    for group in by_category.values_mut() {
        group.sort_by(|a, b| b.score.total_cmp(&a.score));
        group.truncate(options.max_objects);
        if options.max_overlap < 1.0 {
            *group = suppress_overlaps(group, options.max_overlap);
        }
    }
    by_category.retain(|_, group| !group.is_empty());
    by_category
}

fn suppress_overlaps(best_first: &[DetectedObject], max_overlap: f64) -> Vec<DetectedObject> {
    let mut kept: Vec<DetectedObject> = Vec::new();
    for object in best_first {
        let is_clear =
            |better: &DetectedObject| compute_overlap(better.bounding_box, object.bounding_box) < max_overlap;
        if kept.iter().all(is_clear) {
            kept.push(*object);
        }
    }
    kept
}

/// Intersection over union; a box from x1 to x2 is x2 - x1 + 1 pixels wide.
fn compute_overlap(a: BoundingBox, b: BoundingBox) -> f64 {
    let area = |corners: BoundingBox| {
        let width = f64::from(corners.x2 - corners.x1) + 1.0;
        let height = f64::from(corners.y2 - corners.y1) + 1.0;
        width.max(0.0) * height.max(0.0)
    };
    let intersection =
        area(BoundingBox { x1: a.x1.max(b.x1), y1: a.y1.max(b.y1), x2: a.x2.min(b.x2), y2: a.y2.min(b.y2) });
    let union = area(a) + area(b) - intersection;
    if union == 0.0 { 0.0 } else { intersection / union }
}

fn check_include(
    clause: &Include,
    taken: &[DetectedObject],
    matched_groups: &[Option<&[DetectedObject]>],
    options: &VerdictOptions,
) -> Result<Option<Reason>, VerdictError> {
    let category = clause.category;
    if taken.len() < clause.count as usize {
        return Ok(Some(Reason::TooFew { category, wanted: clause.count, found: taken.len() }));
    }
    if let Some(color) = clause.color {
        let seen = seen_colors(category, taken)?;
        let n_right = seen.iter().filter(|other| **other == color).count();
        if n_right < clause.count as usize {
            return Ok(Some(Reason::WrongColor { category, wanted: clause.count, color, seen }));
        }
    }
    let Some(position) = clause.position else {
        return Ok(None);
    };
    let relation = position.relation;
    let Some(targets) = matched_groups.get(position.target).copied().flatten() else {
        return Ok(Some(Reason::NoTarget { category, relation }));
    };
    let pairs = taken.iter().flat_map(|object| targets.iter().map(move |target| (object, target)));
    let mut relations = pairs.map(|(object, target)| {
        find_relations(object.bounding_box, target.bounding_box, options.position_threshold as f32)
    });
    let wrong = relations.find(|found| !found.contains(&relation));
    Ok(wrong.map(|found| Reason::WrongRelation { category, relation, found }))
}

fn seen_colors(category: Category, objects: &[DetectedObject]) -> Result<Vec<Color>, VerdictError> {
    let mut seen = Vec::with_capacity(objects.len());
    for object in objects {
        match object.color {
            SeenColor::Unknown => return Err(VerdictError::NoColor { category }),
            SeenColor::NoneOfTheTen => {}
            SeenColor::Named(color) => seen.push(color),
        }
    }
    Ok(seen)
}

/// Where `a` lies relative to `b`; empty if too close, at most one per axis. Image rows grow downwards.
pub(super) fn find_relations(a: BoundingBox, b: BoundingBox, position_threshold: f32) -> Vec<Relation> {
    let axes = [[(a.x1, a.x2), (b.x1, b.x2)], [(a.y1, a.y2), (b.y1, b.y2)]];
    let centre = |(low, high): (f32, f32)| (low + high) / 2.0;
    let size = |(low, high): (f32, f32)| (high - low).abs();
    let offset = axes.map(|[a, b]| centre(a) - centre(b));
    let slack = axes.map(|[a, b]| position_threshold * (size(a) + size(b)));
    let revise = |axis: usize| {
        let offset: f32 = offset[axis];
        let distance = (offset.abs() - slack[axis]).max(0.0);
        if offset == 0.0 { 0.0 } else { distance * offset.signum() }
    };
    let revised = [revise(0), revise(1)];
    if revised.iter().all(|distance| distance.abs() < 1e-3) {
        return Vec::new();
    }
    let length = (offset[0] * offset[0] + offset[1] * offset[1]).sqrt();
    let (dx, dy) = (revised[0] / length, revised[1] / length);
    let candidates = [
        (Relation::LeftOf, dx < -0.5),
        (Relation::RightOf, dx > 0.5),
        (Relation::Above, dy < -0.5),
        (Relation::Below, dy > 0.5),
    ];
    candidates.into_iter().filter(|(_, holds)| *holds).map(|(relation, _)| relation).collect()
}
