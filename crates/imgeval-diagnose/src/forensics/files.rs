//! What differs between the files of the classes.

use std::collections::BTreeSet;

use super::{
    conditions::number_clusters,
    input::{Class, StudyImage},
    numbers::Number,
    report::{FactRecord, FilesRecord},
};
use crate::{
    alike::{PlanChoice, PlanRequest, choose_plan},
    architecture::{Fact, Profile, ValueShare, compute_profile, shares_of},
    collect::Examined,
};

/// The plan of [`super::Treatment::Matched`]: one size and codec for the images of both classes, with sentences about what it cannot do.
/// What `request` leaves open follows from the files: all are scaled where sizes alone tell the classes apart, and compressed once more
/// unless all are lossless.
#[must_use]
pub fn matched_plan(images: &[StudyImage], request: PlanRequest, seed: u64) -> PlanChoice {
    let examined: Vec<&Examined> = images.iter().map(|image| &image.examined).collect();
    let profile = profile_of(images, &examined, &number_clusters(images), seed);
    choose_plan(&examined, profile.is_some_and(|profile| profile.separates(Fact::Size)), request)
}

fn profile_of(
    images: &[StudyImage],
    examined: &[&Examined],
    clusters: &[usize],
    seed: u64,
) -> Option<Profile> {
    let classes: Vec<usize> = images.iter().map(|image| image.class as usize).collect();
    let names = [Class::Real, Class::Fake].map(|class| class.name().to_owned());
    compute_profile(examined, &classes, clusters, &names, seed)
}

/// The table of facts. Of one class only, no fact has an accuracy.
pub(super) fn compare_files(images: &[StudyImage], clusters: &[usize], seed: u64) -> FilesRecord {
    let examined: Vec<&Examined> = images.iter().map(|image| &image.examined).collect();
    let classes: Vec<usize> = images.iter().map(|image| image.class as usize).collect();
    let facts = match profile_of(images, &examined, clusters, seed) {
        Some(profile) => profile
            .facts
            .into_iter()
            .map(|fact| FactRecord {
                name: fact.fact.name().to_owned(),
                of_reals: pairs(&fact.values[0]),
                of_fakes: pairs(&fact.values[1]),
                accuracy: Number {
                    value: Some(fact.balanced_accuracy.value),
                    low: Some(fact.balanced_accuracy.low),
                    high: Some(fact.balanced_accuracy.high),
                    n_clusters: Some(fact.balanced_accuracy.n_groups),
                    n_images: Some(fact.balanced_accuracy.n_images),
                    undefined: None,
                },
                separates: fact.separates,
            })
            .collect(),
        None => Fact::ALL.into_iter().map(|fact| one_class(fact, &examined, &classes)).collect(),
    };
    FilesRecord { facts, single_formats: single_formats(images) }
}

fn one_class(fact: Fact, examined: &[&Examined], classes: &[usize]) -> FactRecord {
    let values: Vec<String> = examined.iter().map(|image| fact.value(image, &[])).collect();
    FactRecord {
        name: fact.name().to_owned(),
        of_reals: pairs(&shares_of(&values, classes, Class::Real as usize)),
        of_fakes: pairs(&shares_of(&values, classes, Class::Fake as usize)),
        accuracy: Number::undefined("there is one class only"),
        separates: false,
    }
}

fn pairs(shares: &[ValueShare]) -> Vec<(String, f64)> {
    shares.iter().map(|one| (one.value.clone(), one.share)).collect()
}

/// Classes with several files that all have one format.
fn single_formats(images: &[StudyImage]) -> Vec<(Class, String)> {
    let format_of = |class: Class| {
        let of_class = images.iter().filter(|image| image.class == class);
        let formats: BTreeSet<String> =
            of_class.map(|image| Fact::Format.value(&image.examined, &[])).collect();
        let only = formats.first().filter(|_| formats.len() == 1).cloned();
        only.map(|format| (class, format))
    };
    [Class::Real, Class::Fake].into_iter().filter_map(format_of).collect()
}
