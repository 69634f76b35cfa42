//! All images of a question: examined, grouped, profiled, brought under one plan and divided.

use std::collections::BTreeMap;

use imgeval_core::{Failure, FailureKind};
use imgeval_vision::DecodeLimits;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    error::DiagnoseError,
    events::Event,
    examine::{Examined, examine},
    groups::number_groups,
    harmonise::{Plan, PlanRequest, choose_plan},
    images::UsableImage,
    items::ImageItem,
    profile::{Fact, Profile, compute_profile},
    split::{Part, Shares, split_by_group},
};

/// Files that are examined at once.
const BATCH: usize = 32;

/// An image that cannot be used; it is counted, never dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    pub name: String,
    pub path: std::path::PathBuf,
    pub reason: UnusedReason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnusedReason {
    /// The file gives no picture.
    File(Failure),
    /// Smaller than the square that the probe looks at.
    TooSmall { width: u32, height: u32, side: u32 },
}

impl UnusedReason {
    /// Stable name, as counted and printed.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(failure) => failure.kind.code(),
            Self::TooSmall { .. } => "too-small",
        }
    }

    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::File(failure) => failure.detail.clone(),
            Self::TooSmall { width, height, side } => {
                format!(
                    "{width}x{height} pixels are smaller than the square of {side} that the probe looks at"
                )
            }
        }
    }
}

/// So many images could not be used for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusedCount {
    pub reason: String,
    pub count: usize,
}

#[must_use]
pub fn count_unused(unused: &[Unused]) -> Vec<UnusedCount> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in unused {
        *counts.entry(one.reason.code()).or_default() += 1;
    }
    counts.into_iter().map(|(reason, count)| UnusedCount { reason: reason.to_owned(), count }).collect()
}

/// Files in order, each with what became of it.
pub(crate) fn examine_all(
    stage: &str,
    items: &[&ImageItem],
    limits: &DecodeLimits,
    events: &mut dyn FnMut(Event),
) -> Vec<Result<Examined, Failure>> {
    if !items.is_empty() {
        events(Event::Stage { name: stage.to_owned(), images: items.len() });
    }
    let mut results = Vec::with_capacity(items.len());
    for batch in items.chunks(BATCH) {
        let mut examined: Vec<_> = batch.par_iter().map(|item| examine(&item.path, limits)).collect();
        // A thread that scales one image may be given the next one while the first still holds its memory.
        for (item, result) in batch.iter().zip(&mut examined) {
            if matches!(result, Err(failure) if failure.kind == FailureKind::NotEnoughMemory) {
                *result = examine(&item.path, limits);
            }
        }
        results.extend(examined);
        events(Event::Advanced { images: batch.len() });
    }
    results
}

/// Usable images with group numbers of their own, and the rest; `plan` tells which are too small.
pub(crate) fn usable_images(
    items: &[&ImageItem],
    examined: Vec<Result<Examined, Failure>>,
    plan: Option<&Plan>,
) -> (Vec<(usize, UsableImage)>, Vec<Unused>) {
    let mut usable = Vec::new();
    let mut unused = Vec::new();
    for (index, (item, result)) in items.iter().zip(examined).enumerate() {
        let reason = match result {
            Ok(examined) => match plan.filter(|plan| examined.short_side() < plan.side) {
                None => {
                    usable.push((index, item, examined));
                    continue;
                }
                Some(plan) => {
                    UnusedReason::TooSmall { width: examined.width, height: examined.height, side: plan.side }
                }
            },
            Err(failure) => UnusedReason::File(failure),
        };
        unused.push(Unused { name: item.name.clone(), path: item.path.clone(), reason });
    }
    let known: Vec<Option<&str>> = usable.iter().map(|(_, item, _)| item.group.as_deref()).collect();
    let hashes: Vec<u64> = usable.iter().map(|(_, _, examined)| examined.difference_hash).collect();
    let groups = number_groups(&known, &hashes);
    let images = usable.into_iter().zip(groups).map(|((index, item, examined), group)| {
        let (path, name) = (item.path.clone(), item.name.clone());
        (index, UsableImage { path, name, examined, group })
    });
    (images.collect(), unused)
}

/// Images of one generator of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub class: usize,
    pub generator: String,
    pub items: Vec<ImageItem>,
}

/// What is trained on.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) images: Vec<UsableImage>,
    /// Of each image.
    pub(crate) classes: Vec<usize>,
    /// Of each image, the place of its source.
    pub(crate) sources: Vec<usize>,
    pub(crate) parts: Vec<Part>,
    pub(crate) n_known_groups: usize,
    pub(crate) unused: Vec<Unused>,
    pub(crate) profile: Profile,
    pub(crate) plan: Plan,
    pub(crate) plan_notes: Vec<String>,
}

pub(crate) struct DatasetRequest<'a> {
    pub(crate) class_names: &'a [String],
    pub(crate) sources: &'a [Source],
    /// What the probe will be asked about, so that the plan fits it too.
    pub(crate) target: &'a [ImageItem],
    pub(crate) plan: PlanRequest,
    pub(crate) shares: Shares,
    pub(crate) seed: u64,
    pub(crate) limits: DecodeLimits,
}

impl Dataset {
    pub(crate) fn gather(
        request: &DatasetRequest<'_>,
        events: &mut dyn FnMut(Event),
    ) -> Result<Self, DiagnoseError> {
        let n_classes = request.class_names.len();
        if n_classes < 2 {
            return Err(DiagnoseError::TooFewClasses { found: n_classes });
        }
        let places: Vec<(usize, &ImageItem)> = request
            .sources
            .iter()
            .enumerate()
            .flat_map(|(place, source)| source.items.iter().map(move |item| (place, item)))
            .collect();
        let items: Vec<&ImageItem> = places.iter().map(|(_, item)| *item).collect();
        let examined = examine_all("examining", &items, &request.limits, events);
        let targets: Vec<&ImageItem> = request.target.iter().collect();
        let targets = examine_all("examining the target", &targets, &request.limits, events);

        // Groups and profile are of all readable images; which of them are too small is known only with the plan.
        let (readable, _) = usable_images(&items, examined.clone(), None);
        let class_of = |index: usize| request.sources[places[index].0].class;
        check_classes(readable.iter().map(|(index, _)| class_of(*index)), request.class_names)?;
        let known: Vec<&Examined> = readable.iter().map(|(_, image)| &image.examined).collect();
        let classes: Vec<usize> = readable.iter().map(|(index, _)| class_of(*index)).collect();
        let groups: Vec<usize> = readable.iter().map(|(_, image)| image.group).collect();
        let profile = compute_profile(&known, &classes, &groups, request.class_names, request.seed)
            .ok_or(DiagnoseError::NothingToEvaluate)?;
        let all: Vec<&Examined> = known.into_iter().chain(targets.iter().flatten()).collect();
        let sizes_separate = profile.separates(Fact::Size);
        let choice = choose_plan(&all, sizes_separate, request.plan);

        let (usable, unused) = usable_images(&items, examined, Some(&choice.plan));
        let classes: Vec<usize> = usable.iter().map(|(index, _)| class_of(*index)).collect();
        check_classes(classes.iter().copied(), request.class_names)?;
        let groups: Vec<usize> = usable.iter().map(|(_, image)| image.group).collect();
        let parts = split_by_group(&classes, &groups, request.class_names, request.seed, request.shares)?;
        let sources = usable.iter().map(|(index, _)| places[*index].0).collect();
        let n_known_groups = usable.iter().filter(|(index, _)| items[*index].group.is_some()).count();
        let images = usable.into_iter().map(|(_, image)| image).collect();
        let (plan, plan_notes) = (choice.plan, choice.notes);
        Ok(Self { images, classes, sources, parts, n_known_groups, unused, profile, plan, plan_notes })
    }

    /// Places of the images of a part that a condition keeps.
    pub(crate) fn of_part(&self, part: Part, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.images.len()).filter(|index| self.parts[*index] == part && keep(*index)).collect()
    }

    pub(crate) fn chosen(&self, indices: &[usize]) -> Vec<&UsableImage> {
        indices.iter().map(|index| &self.images[*index]).collect()
    }
}

fn check_classes(classes: impl Iterator<Item = usize>, class_names: &[String]) -> Result<(), DiagnoseError> {
    let mut is_there = vec![false; class_names.len()];
    classes.for_each(|class| is_there[class] = true);
    match is_there.iter().position(|there| !there) {
        Some(class) => Err(DiagnoseError::EmptyClass { class: class_names[class].clone() }),
        None => Ok(()),
    }
}
