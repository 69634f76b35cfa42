//! Scores that the paper names and no published code defines, in all readings, and a count that leaves nothing out.

use super::{Mode, ModeRates, rates::mean};

/// How the content consistency CC comes from its parts. The leaderboard does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// Half the mean over object features and half the mean over background features.
    OfMeans,
    /// Per result the mean of the sides that exist, then the mean over results.
    PerItem,
    /// Features and L1 of objects and background, a quarter each, as another benchmark's code has it.
    WithL1,
}

impl Reading {
    pub const ALL: [Self; 3] = [Self::OfMeans, Self::PerItem, Self::WithL1];

    /// To be printed with every value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OfMeans => "of_means",
            Self::PerItem => "per_item",
            Self::WithL1 => "dino_and_l1",
        }
    }
}

/// EdiVal's scores of a turn, 0 to 1. A leaderboard's score is `overall` of turn 3, times 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Derived {
    pub reading: Reading,
    /// IF: the official share of sessions without a failure.
    pub instruction_following: f64,
    /// CC.
    pub consistency: f64,
    /// O: the square root of IF times CC.
    pub overall: f64,
    /// Results with at least one feature, each counted as often as the official lists count it.
    pub n_items: usize,
}

/// Derives the scores of a turn; `None` where a part that the reading needs was never measured.
#[must_use]
pub fn derive_scores(rates: &ModeRates, turn: usize, reading: Reading) -> Option<Derived> {
    let instruction_following = rates.instruction_following(turn)?;
    let mean_of = |name: &str| rates.task_mean(turn, name);
    let features =
        || Some((mean_of("object_dinov3_consistency")? + mean_of("background_dinov3_consistency")?) / 2.0);
    let items: Vec<f64> = rates
        .files(turn)
        .filter(|file| file.planned.consistency.is_some())
        .filter_map(|file| {
            let consistency = file.scores.consistency?;
            mean([consistency.object_feature, consistency.background_feature].into_iter().flatten())
        })
        .collect();
    let consistency = match reading {
        Reading::OfMeans => features()?,
        Reading::PerItem => mean(items.iter().copied())?,
        Reading::WithL1 => {
            let l1 = (mean_of("object_l1_consistency")? + mean_of("background_l1_consistency")?) / 2.0;
            (features()? + l1) / 2.0
        }
    };
    let overall = (instruction_following * consistency).sqrt();
    Some(Derived { reading, instruction_following, consistency, overall, n_items: items.len() })
}

/// Our own count of a turn over all sessions of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Honest {
    pub n_sessions: usize,
    pub n_ok: usize,
    /// Some needed turn has failed.
    pub n_failed: usize,
    /// Some needed turn was not scored, and none has failed.
    pub n_unknown: usize,
}

impl Honest {
    #[must_use]
    pub fn rate_missing_as_failed(self) -> Option<f64> {
        (self.n_sessions > 0).then(|| self.n_ok as f64 / self.n_sessions as f64)
    }

    #[must_use]
    pub fn rate_of_known(self) -> Option<f64> {
        let n_known = self.n_ok + self.n_failed;
        (n_known > 0).then(|| self.n_ok as f64 / n_known as f64)
    }
}

/// Counts sessions by the number of the turn and not by the place in a list. In [`Mode::Multipass`] all turns up to `turn` are needed, in
/// [`Mode::Singlepass`] the result of the turn itself.
#[must_use]
pub fn count_honestly(rates: &ModeRates, indices: &[i64], turn: usize) -> Honest {
    let mut honest = Honest { n_sessions: indices.len(), n_ok: 0, n_failed: 0, n_unknown: 0 };
    let needed = match rates.mode {
        Mode::Multipass => 1..=turn,
        Mode::Singlepass => turn..=turn,
    };
    for index in indices {
        let followed = |turn: usize| Some(&rates.turns.get(index)?.get(&turn)?.scores.followed);
        let scored: Vec<_> = needed.clone().map(followed).collect();
        let is_failed = scored.iter().flatten().any(|followed| followed.contains(&false));
        let has_gap = scored.iter().any(Option::is_none);
        match (is_failed, has_gap) {
            (true, _) => honest.n_failed += 1,
            (false, true) => honest.n_unknown += 1,
            (false, false) => honest.n_ok += 1,
        }
    }
    honest
}
