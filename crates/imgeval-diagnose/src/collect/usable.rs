//! Images that can be used, and those that cannot: counted, never dropped.

use std::{collections::BTreeMap, path::PathBuf};

use imgeval_core::{Failure, FailureKind};
use imgeval_vision::DecodeLimits;
use rayon::prelude::*;

use super::{
    examine::{Examined, examine},
    groups::number_groups,
    items::ImageItem,
};
use crate::Event;

/// Files that are examined at once.
const BATCH: usize = 32;

/// An image that could be read, with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct UsableImage {
    pub path: PathBuf,
    pub name: String,
    pub examined: Examined,
    /// Numbers mean nothing but being equal: images of one group are never divided between parts.
    pub group: usize,
}

/// An image that cannot be used; it is counted, never dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    pub name: String,
    pub path: PathBuf,
    pub reason: UnusedReason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnusedReason {
    /// The file gives no image.
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
                format!("{width}x{height} pixels are smaller than the square of {side} that the probe needs")
            }
        }
    }
}

/// So many images could not be used for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Usable images with group numbers of their own, and the rest. Those with a side shorter than `min_side` are too small.
pub(crate) fn usable_images(
    items: &[&ImageItem],
    examined: Vec<Result<Examined, Failure>>,
    min_side: Option<u32>,
) -> (Vec<(usize, UsableImage)>, Vec<Unused>) {
    let mut usable = Vec::new();
    let mut unused = Vec::new();
    for (index, (item, result)) in items.iter().zip(examined).enumerate() {
        let reason = match result {
            Ok(examined) => match min_side.filter(|side| examined.short_side() < *side) {
                None => {
                    usable.push((index, item, examined));
                    continue;
                }
                Some(side) => UnusedReason::TooSmall { width: examined.width, height: examined.height, side },
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
