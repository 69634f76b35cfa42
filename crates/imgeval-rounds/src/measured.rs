//! What was measured of sessions.

use std::collections::BTreeMap;

use imgeval_metrics::survival::RoundStatus;
use serde::{Deserialize, Serialize};

/// Why a round has no image.
pub(crate) type Absence = (RoundStatus, String);

/// A round as it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRound {
    /// From 1.
    pub round: u32,
    /// `ok`, `failed`, `refused` or `missing`.
    pub status: String,
    /// Why it is not ok.
    pub reasons: Vec<String>,
    /// `ok`, `coarse`, `failed` or `none`; empty without an image.
    pub registration: String,
    pub registration_previous: String,
    /// Position of its frame in that of the source and of the previous image, if the registration is `ok`: left edge,
    /// top edge, width and height as fractions of the other frame.
    pub frame: Option<[f64; 4]>,
    pub frame_previous: Option<[f64; 4]>,
    /// Which round the numbers of `vs_previous` compare with; 0 is the source.
    pub previous: u32,
    /// Width and height in pixels; zeros without an image.
    pub size: [u32; 2],
    /// Numbers by the names of docs/rounds.md, as far as they exist.
    pub vs_source: BTreeMap<String, f64>,
    pub vs_previous: BTreeMap<String, f64>,
    /// Why numbers against the source do not exist, by their names.
    pub not_measured: BTreeMap<String, String>,
    /// Around the largest region that this round edited: left, top, right and bottom in shares of its frame.
    pub region: Option<[f64; 4]>,
    /// Earlier rounds with the correlation of their edits in this one.
    pub earlier_edits: Vec<(u32, Option<f64>)>,
    /// Objects of the source that no instruction so far names, where a detector looked.
    pub objects: Vec<MeasuredObject>,
}

impl MeasuredRound {
    /// A round without an image.
    pub(crate) fn absent(round: u32, (status, reason): &Absence) -> Self {
        Self { round, status: status.name().to_owned(), reasons: vec![reason.clone()], ..Self::default() }
    }
}

/// An object of the source in a round.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredObject {
    /// The category that the detector gives it.
    pub name: String,
    /// The detector's confidence in the source, in [0, 1].
    pub score: f64,
    /// Left, top, right and bottom in shares of the source.
    pub region: [f64; 4],
    /// How alike it looks to DINO in both images, from -1 to 1; `None` if that is not measured.
    pub dino: Option<f64>,
    /// 1 minus the mean absolute difference of its pixels, in [0, 1]; `None` if that is not measured.
    pub l1: Option<f64>,
    /// Why something is not measured; empty if everything is.
    pub problem: String,
}

/// All rounds of a session, those without an image as well.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeasuredSession {
    pub rounds: Vec<MeasuredRound>,
    /// Why nothing at all could be measured; empty if something could.
    pub problem: String,
}

impl MeasuredSession {
    /// How each round ended.
    #[must_use]
    pub fn statuses(&self) -> Vec<RoundStatus> {
        let status = |round: &MeasuredRound| match round.status.as_str() {
            "ok" => RoundStatus::Ok,
            "failed" => RoundStatus::Failed,
            "refused" => RoundStatus::Refused,
            _ => RoundStatus::Missing,
        };
        self.rounds.iter().map(status).collect()
    }
}
