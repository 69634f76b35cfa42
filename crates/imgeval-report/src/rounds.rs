//! What became of sessions of edits, round by round and model by model.

use serde::Serialize;

/// Sessions by one or several models.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RoundsView {
    /// In the order in which they were given.
    pub models: Vec<RoundsModel>,
    /// Each pair of models that share sessions.
    pub comparisons: Vec<RoundsComparison>,
    pub sessions: Vec<SessionView>,
    /// The thresholds that every verdict here depends on, in words.
    pub limits: Vec<String>,
    /// What a reader should know before reading on.
    pub notes: Vec<String>,
}

/// All sessions of one model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RoundsModel {
    pub name: String,
    pub n_sessions: usize,
    pub rounds: Vec<RoundLine>,
    /// SR@k, the share of sessions in which rounds 1 to k all hold.
    pub success: Vec<SuccessLine>,
    /// The same by a judge, of the rounds that it said something about; empty if none was asked.
    pub judged: Vec<SuccessLine>,
    /// How far two first rounds of one session differ: the noise of the model; empty without such a control.
    pub noise: Vec<MeanLine>,
    /// The estimate of Kaplan and Meier, refusals and missing rounds as failures.
    pub survival: Vec<SurvivalStep>,
    /// The same, sessions censored where a round was refused or is missing.
    pub survival_censored: Vec<SurvivalStep>,
    /// The round by which half of the sessions have failed, with its interval; `None` is later than any round seen.
    pub median: Option<u32>,
    pub median_interval: (Option<u32>, Option<u32>),
    /// Slopes per round, by measure.
    pub slopes: Vec<SlopeLine>,
}

/// One round of all sessions of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RoundLine {
    pub round: u32,
    /// How many sessions ended this round so: `ok`, `failed`, `refused`, `missing`.
    pub ok: usize,
    pub failed: usize,
    pub refused: usize,
    pub missing: usize,
    /// Images that register with their source.
    pub registered: usize,
    /// Means over sessions, against the source, by name.
    pub means: Vec<MeanLine>,
    /// What this round added, against the round before: the parts of the drift.
    pub parts: Vec<MeanLine>,
}

/// A mean over sessions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeanLine {
    pub name: String,
    pub unit: String,
    pub value: Option<f64>,
    /// 95 %, over sessions; `None` where there are too few.
    pub interval: Option<(f64, f64)>,
    pub n: usize,
    /// Values up to this are within measurement error; 0 if there is no floor.
    pub floor: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuccessLine {
    pub round: u32,
    pub sessions: usize,
    pub count: usize,
    pub rate: f64,
    /// Wilson's 95 % interval.
    pub interval: (f64, f64),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurvivalStep {
    pub round: u32,
    pub at_risk: usize,
    pub events: usize,
    pub censored: usize,
    pub survival: f64,
    /// 95 %, on the scale of log(-log S).
    pub band: (f64, f64),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlopeLine {
    pub name: String,
    pub unit: String,
    /// The mean of the sessions' slopes, per round; `None` if no session has two rounds with a value.
    pub value: Option<f64>,
    pub interval: Option<(f64, f64)>,
    pub n: usize,
}

/// Two models over the same sessions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundsComparison {
    pub a: String,
    pub b: String,
    pub n_sessions: usize,
    pub success: Vec<SuccessDifference>,
    /// By judges; empty if not both were judged.
    pub judged: Vec<SuccessDifference>,
    pub slopes: Vec<SlopeDifference>,
    /// In words.
    pub conclusion: String,
}

/// SR@k of b minus that of a.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuccessDifference {
    pub round: u32,
    pub sessions: usize,
    pub rates: [f64; 2],
    pub a_only: usize,
    pub b_only: usize,
    pub difference: f64,
    pub interval: Option<(f64, f64)>,
    /// McNemar's exact test, and Holm's correction over all rounds.
    pub p: f64,
    pub p_adjusted: f64,
}

/// The slope of b minus that of a.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlopeDifference {
    pub name: String,
    pub unit: String,
    pub sessions: usize,
    pub difference: f64,
    pub interval: Option<(f64, f64)>,
    /// Models exchanged within sessions; and Holm's correction over all measures.
    pub p: Option<f64>,
    pub p_adjusted: Option<f64>,
}

/// One session by all models that have it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SessionView {
    pub id: String,
    pub instructions: Vec<String>,
    /// Seen from the page; empty if it is not shown.
    pub source: String,
    pub models: Vec<SessionModelView>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SessionModelView {
    /// Index into [`RoundsView::models`].
    pub model: usize,
    /// Index into the sessions that were measured.
    #[serde(skip)]
    pub place: usize,
    pub rounds: Vec<SessionRoundView>,
    /// What follows from the numbers, in sentences.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SessionRoundView {
    /// Counted from 1.
    pub round: u32,
    /// `ok`, `failed`, `refused` or `missing`.
    pub status: String,
    /// Why it is not ok.
    pub reasons: Vec<String>,
    /// Against the source and against the round before: `ok`, `coarse`, `failed`; empty without an image.
    pub registration: String,
    pub registration_previous: String,
    /// Numbers by name, with their units, against the source.
    pub numbers: Vec<(String, f64)>,
    /// Against the round before.
    pub numbers_previous: Vec<(String, f64)>,
    /// Left, top, right and bottom of what this round edited, in shares of its frame.
    pub region: Option<[f64; 4]>,
    /// Earlier rounds, with the correlation of their edits in this one.
    pub earlier_edits: Vec<(u32, f64)>,
    /// Objects of the source that no instruction so far names, in the order of their confidence.
    pub objects: Vec<ObjectView>,
    /// Why objects and background, or some of their numbers, are not measured, by the names of the numbers.
    pub unmeasured_objects: Vec<(String, String)>,
    /// Files seen from the page; empty where there are none: the image, the image in the frame of the round before, and what changed
    /// against the source outside all edits.
    pub image: String,
    pub aligned: String,
    pub change: String,
}

/// An object of the source in a round.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ObjectView {
    /// The category that the detector gives it.
    pub name: String,
    /// The detector's confidence, in [0, 1].
    pub score: f64,
    /// Left, top, right and bottom in shares of the source.
    pub region: [f64; 4],
    /// How alike it looks in both images to DINO, from -1 to 1.
    pub dino: Option<f64>,
    /// 1 minus the mean absolute difference of its pixels, in [0, 1].
    pub l1: Option<f64>,
    /// Why something is not measured; empty if everything is.
    pub problem: String,
}
