//! Whether a step's task and the files that it reads are still the same.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest as _, Sha256};

use crate::{
    Images, Step, Task,
    plan::{is_pattern, split_place},
};

/// Deeper folders are taken for unchanged.
const MAX_DEPTH: usize = 6;

/// A digest of the task, and of names, sizes and times of all files below the places that it reads. Contents are not read: a study looks at
/// thousands of images.
pub(crate) fn print_of(step: &Step) -> String {
    let mut digest = Sha256::new();
    // Every member of a task takes part, also those that are added later.
    digest.update(format!("{:?}", step.task));
    for place in places_read(&step.task) {
        digest.update([0]);
        add_place(&mut digest, &place, 0);
    }
    imgeval_core::to_hex(&digest.finalize())
}

fn places_read(task: &Task) -> Vec<PathBuf> {
    let named = |places: &[crate::NamedPlace]| -> Vec<PathBuf> {
        places.iter().map(|place| PathBuf::from(&place.place)).collect()
    };
    let plain = |texts: &[String]| -> Vec<PathBuf> {
        texts.iter().map(|text| PathBuf::from(split_place(text).1)).collect()
    };
    match task {
        Task::Suite { images: Images::Existing(place), .. } => vec![place.into()],
        Task::Suite { images: Images::Generated { .. }, .. } => Vec::new(),
        Task::Weaknesses { runs, reference } => {
            runs.iter().cloned().chain(reference.iter().map(PathBuf::from)).collect()
        }
        Task::Artefacts { places, reference, .. } => {
            named(places).into_iter().chain(reference.iter().map(PathBuf::from)).collect()
        }
        Task::TrainProbe { classes, targets, .. } => [named(classes), named(targets)].concat(),
        Task::ApplyProbe { probe, places, .. } => [vec![probe.clone()], named(places)].concat(),
        Task::Rounds { places, .. } => named(places),
        Task::Forensics { fakes, reals, .. } => [named(fakes), plain(reals)].concat(),
        Task::Report { runs, diagnoses, .. } => [runs.clone(), diagnoses.clone()].concat(),
    }
}

/// Adds what lies at a place. Of a pattern it is everything below the folder in which it starts.
fn add_place(digest: &mut Sha256, path: &Path, depth: usize) {
    let start: PathBuf = path.iter().take_while(|part| !is_pattern(&part.to_string_lossy())).collect();
    let path = if start.as_os_str().is_empty() { Path::new(".") } else { &start };
    let Ok(facts) = path.symlink_metadata() else {
        digest.update(b"absent");
        return;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    digest.update(name.as_bytes());
    digest.update([0]);
    if !facts.is_dir() || depth >= MAX_DEPTH {
        let changed =
            facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        digest.update(facts.len().to_le_bytes());
        digest.update(changed.as_nanos().to_le_bytes());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    let mut below: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !path.file_name().is_some_and(|name| comes_and_goes(&name.to_string_lossy())))
        .collect();
    below.sort();
    for path in below {
        add_place(digest, &path, depth + 1);
    }
}

/// Locks, unfinished files, and what a database keeps beside itself while it is open.
fn comes_and_goes(name: &str) -> bool {
    name.starts_with('.') || name.ends_with("-wal") || name.ends_with("-shm")
}
