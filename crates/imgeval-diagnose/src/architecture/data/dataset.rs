//! All images of a question: examined, grouped, profiled, brought under one plan and divided.

use imgeval_vision::DecodeLimits;

use super::{
    profile::{Fact, Profile, compute_profile},
    split::{Part, Shares, split_by_group},
};
use crate::{
    Event,
    alike::{Plan, PlanRequest, choose_plan},
    architecture::error::DiagnoseError,
    collect::{Examined, ImageItem, Unused, UsableImage, examine_all, usable_images},
};

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
    /// The class of each image.
    pub(crate) classes: Vec<usize>,
    /// The place of each image's source.
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

        let (usable, unused) = usable_images(&items, examined, Some(choice.plan.side));
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
