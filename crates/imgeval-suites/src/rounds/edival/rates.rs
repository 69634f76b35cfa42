//! The lists that the official script collects over all sessions.

use std::collections::BTreeMap;

use super::{Mode, Plan, PlannedTurn, TaskType};

/// What a turn came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnScores {
    /// Whether each of the turn's instructions was followed, in the order of [`PlannedTurn::edits`].
    pub followed: Vec<bool>,
    /// Quality measures of the result by name, in any units. Those that are `None` enter no list.
    pub quality: Vec<(String, Option<f64>)>,
    /// Counts only where the plan asks for it.
    pub consistency: Option<Consistency>,
}

/// How much of the source was kept, 0 to 1; `None` where there was nothing to compare.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Consistency {
    /// The mean over unchanged objects. By the official code 0 where objects were named and none was found.
    pub object_feature: Option<f64>,
    pub object_l1: Option<f64>,
    pub background_feature: Option<f64>,
    pub background_l1: Option<f64>,
}

/// The names of the four in the official tables.
pub const CONSISTENCY_NAMES: [&str; 4] = [
    "object_dinov3_consistency",
    "object_l1_consistency",
    "background_l1_consistency",
    "background_dinov3_consistency",
];

impl Consistency {
    /// In the order of [`CONSISTENCY_NAMES`].
    #[must_use]
    pub fn values(self) -> [Option<f64>; 4] {
        [self.object_feature, self.object_l1, self.background_l1, self.background_feature]
    }
}

/// A turn of the plan with its scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoredTurn {
    pub(super) planned: PlannedTurn,
    pub(super) scores: TurnScores,
}

/// Everything that was collected in one mode.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeRates {
    pub mode: Mode,
    /// By session, the scores of the turns that were scored, in order: a turn that was skipped leaves no gap. In [`Mode::Singlepass`] the
    /// score of the last instruction.
    pub image_rate: BTreeMap<i64, Vec<bool>>,
    /// By turn, the first item being turn 1, and by type of instruction or name of a measure: one value per session, twice for sessions that
    /// are there twice.
    pub task_rate: Vec<BTreeMap<String, Vec<f64>>>,
    /// The scores of all known types of instructions over all turns.
    pub overall: Vec<f64>,
    /// By session and turn, each once.
    pub(super) turns: BTreeMap<i64, BTreeMap<usize, ScoredTurn>>,
}

/// Collects the scores of a plan's turns. Turns for which `score` has none are left out, as are scores beyond the planned instructions.
#[must_use]
pub fn collect_rates(
    mode: Mode,
    plan: &Plan,
    n_turns: usize,
    score: impl Fn(i64, usize) -> Option<TurnScores>,
) -> ModeRates {
    let mut rates = ModeRates {
        mode,
        image_rate: BTreeMap::new(),
        task_rate: vec![BTreeMap::new(); n_turns],
        overall: Vec::new(),
        turns: BTreeMap::new(),
    };
    for session in &plan.sessions {
        // A session that is there twice begins anew.
        rates.image_rate.insert(session.index, Vec::new());
        for planned in &session.turns {
            let scores = score(session.index, planned.turn)
                .filter(|scores| scores.followed.len() == planned.edits.len());
            let Some(scores) = scores else { continue };
            rates.add(session.index, planned, &scores);
            let scored = ScoredTurn { planned: planned.clone(), scores };
            rates.turns.entry(session.index).or_default().insert(planned.turn, scored);
        }
    }
    rates
}

impl ModeRates {
    fn add(&mut self, index: i64, planned: &PlannedTurn, scores: &TurnScores) {
        let (Some(edit), Some(followed)) = (planned.edits.last(), scores.followed.last()) else { return };
        self.image_rate.entry(index).or_default().push(*followed);
        let value = f64::from(u8::from(*followed));
        if TaskType::from_name(&edit.task_type).is_some() {
            self.overall.push(value);
        }
        let Some(lists) = planned.turn.checked_sub(1).and_then(|place| self.task_rate.get_mut(place)) else {
            return;
        };
        let mut push = |name: &str, value: f64| lists.entry(name.to_owned()).or_default().push(value);
        push(&edit.task_type, value);
        for (name, value) in &scores.quality {
            if let Some(value) = value {
                push(name, *value);
            }
        }
        if let (Some(_), Some(consistency)) = (&planned.consistency, scores.consistency) {
            for (name, value) in CONSISTENCY_NAMES.into_iter().zip(consistency.values()) {
                if let Some(value) = value {
                    push(name, value);
                }
            }
        }
    }

    /// The mean of one of the lists of [`Self::task_rate`]; `None` if it is empty.
    #[must_use]
    pub fn task_mean(&self, turn: usize, name: &str) -> Option<f64> {
        mean(self.task_rate.get(turn.checked_sub(1)?)?.get(name)?.iter().copied())
    }

    /// The share of sessions in which everything up to a turn was followed, as the official tables count it; `None` without sessions.
    ///
    /// In [`Mode::Multipass`] the first `turn` scores that a session has must be good, and a session without any counts as success. In
    /// [`Mode::Singlepass`] the sessions are those whose result of this very turn was scored.
    #[must_use]
    pub fn instruction_following(&self, turn: usize) -> Option<f64> {
        let share = |followed: &[bool]| f64::from(u8::from(followed.iter().all(|followed| *followed)));
        match self.mode {
            Mode::Multipass => {
                mean(self.image_rate.values().map(|scores| share(&scores[..turn.min(scores.len())])))
            }
            Mode::Singlepass => mean(self.files(turn).map(|file| share(&file.scores.followed))),
        }
    }

    /// What was scored of a turn, each session once.
    pub(super) fn files(&self, turn: usize) -> impl Iterator<Item = &ScoredTurn> {
        self.turns.values().filter_map(move |turns| turns.get(&turn))
    }
}

/// The sum in order over the number; `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_usize, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / n as f64)
}
