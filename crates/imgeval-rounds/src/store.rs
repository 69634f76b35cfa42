//! What was measured before.

use std::path::Path;

use imgeval_core::{ContentHash, json::from_json_slice};
use imgeval_files::OwnFolder;
use imgeval_metrics::{
    drift::{RoundTrace, SessionRound},
    locality::Bits,
    registration::Alignment,
};
use serde::{Deserialize, Serialize};

use crate::{MeasuredRound, RoundsError};

/// The name of a folder of measured rounds below a page's.
pub const MEASURES: &str = "measures";

const MAX_BYTES: u64 = 16 << 20;

/// Keeps each measured round in a file of its own as soon as it is measured, named after everything that the numbers of its session depend
/// on, so that a round is measured once however often the work is stopped and begun anew.
#[derive(Debug, Default)]
pub struct MeasureStore {
    folder: Option<OwnFolder>,
}

/// A measured round, with what later rounds need of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoundRecord {
    pub(crate) measured: MeasuredRound,
    edited: Option<Runs>,
}

/// A mask, row by row, as lengths of runs; the first one is of what is not set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Runs {
    width: usize,
    lengths: Vec<usize>,
}

impl MeasureStore {
    /// Below this folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn at(path: &Path) -> Result<Self, RoundsError> {
        let folder = OwnFolder::make(path);
        let folder = folder.map_err(|source| RoundsError::Keep { path: path.to_owned(), source })?;
        folder.sweep();
        Ok(Self { folder: Some(folder) })
    }

    /// The round, from 1, of the session with this key. A file that cannot be understood counts as none.
    pub(crate) fn read(&self, key: &ContentHash, round: u32) -> Option<RoundRecord> {
        let bytes = self.folder.as_ref()?.read(name_of(key, round), MAX_BYTES).ok()?;
        let record: RoundRecord = from_json_slice(&bytes).ok()?;
        (record.measured.round == round).then_some(record)
    }

    pub(crate) fn keep(&self, key: &ContentHash, record: &RoundRecord) -> Result<(), RoundsError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |source| RoundsError::Keep { path: folder.path().to_owned(), source };
        let json = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        folder.write_unsynced(name_of(key, record.measured.round), &json).map_err(failed)
    }
}

fn name_of(key: &ContentHash, round: u32) -> String {
    format!("{}-{round}.json", key.as_str())
}

impl RoundRecord {
    /// A round without an image.
    pub(crate) fn without_image(measured: MeasuredRound) -> Self {
        Self { measured, edited: None }
    }

    pub(crate) fn of(measured: MeasuredRound, round: &SessionRound) -> Self {
        let edited = round.vs_previous.region.as_ref().ok().map(|found| Runs::of(&found.region));
        Self { measured, edited }
    }

    /// What later rounds need of it; `None` without an image.
    pub(crate) fn trace(&self) -> Option<RoundTrace> {
        let MeasuredRound { round, frame, frame_previous, ref registration, .. } = self.measured;
        let alignment =
            |[left, top, width, height]: [f64; 4]| Alignment { a: [width, height], b: [left, top] };
        (!registration.is_empty()).then(|| RoundTrace {
            round,
            in_source: frame.map(alignment),
            in_previous: frame_previous.map(alignment),
            edited: self.edited.as_ref().and_then(Runs::mask),
        })
    }
}

impl Runs {
    fn of(mask: &Bits) -> Self {
        let (mut lengths, mut is_set) = (vec![0], false);
        for value in mask.values() {
            if *value != is_set {
                is_set = *value;
                lengths.push(0);
            }
            if let Some(last) = lengths.last_mut() {
                *last += 1;
            }
        }
        Self { width: mask.width(), lengths }
    }

    /// `None` if it is damaged.
    fn mask(&self) -> Option<Bits> {
        const MOST_PIXELS: usize = 1 << 24;
        let total = self.lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length))?;
        if total > MOST_PIXELS {
            return None;
        }
        let mut values = Vec::with_capacity(total);
        for (place, length) in self.lengths.iter().enumerate() {
            values.resize(values.len() + length, place % 2 == 1);
        }
        Bits::new(self.width, values)
    }
}
