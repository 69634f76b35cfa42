//! The scoring plan: which images are compared, with which instructions, and what is skipped.

use super::{Mode, Table, Unreadable, folder};
use crate::rounds::Version;

/// All that is scored of a model in one mode, in the order of the official script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub sessions: Vec<PlannedSession>,
    pub skipped: Vec<Skipped>,
}

/// A session; it may be there twice, see [`folder::session_indices`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSession {
    pub index: i64,
    pub turns: Vec<PlannedTurn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTurn {
    /// Counted from 1.
    pub turn: usize,
    /// With which version the turn's result is compared for its instructions. For consistency it always is the source.
    pub from: Version,
    /// The last instruction, or all up to the turn in [`Mode::Singlepass`].
    pub edits: Vec<PlannedEdit>,
    /// The objects to compare; `None` once the background has changed.
    pub consistency: Option<PlannedConsistency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEdit {
    /// May be unknown, and is then never followed.
    pub task_type: String,
    pub formatted: String,
    pub natural: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedConsistency {
    pub unchanged_objects: Vec<String>,
    pub all_objects: Vec<String>,
}

/// A turn that the official script leaves out of all lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub index: i64,
    pub turn: usize,
    pub reason: SkipReason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// The image that the turn is compared with is not there under the name that is looked for.
    NoImage,
    /// The table has no row.
    NoRow,
    Unreadable(Unreadable),
}

/// Plans the scoring of the images in a mode's folder.
#[must_use]
pub fn plan_mode(mode: Mode, names: &[String], table: &Table, n_turns: usize) -> Plan {
    let mut plan = Plan::default();
    for index in folder::session_indices(names, n_turns) {
        let has_base = folder::find_base(names, index).is_some();
        let mut turns = Vec::new();
        for turn in 1..=n_turns {
            let from = match mode {
                Mode::Multipass if turn > 1 => Version::Round(turn - 1),
                Mode::Multipass | Mode::Singlepass => Version::Source,
            };
            let planned = if from == Version::Source && !has_base {
                Err(SkipReason::NoImage)
            } else {
                plan_turn(mode, index, turn, from, table)
            };
            match planned {
                Ok(planned) => turns.push(planned),
                Err(reason) => plan.skipped.push(Skipped { index, turn, reason }),
            }
        }
        plan.sessions.push(PlannedSession { index, turns });
    }
    plan
}

fn plan_turn(
    mode: Mode,
    index: i64,
    turn: usize,
    from: Version,
    table: &Table,
) -> Result<PlannedTurn, SkipReason> {
    let row = table.row(index, turn).ok_or(SkipReason::NoRow)?;
    let lists = row.lists.as_ref().map_err(|reason| SkipReason::Unreadable(*reason))?;
    let edit = |formatted: &String, natural: &String, task_type: &String| PlannedEdit {
        task_type: task_type.clone(),
        formatted: formatted.clone(),
        natural: natural.clone(),
    };
    let edits = match mode {
        Mode::Multipass => {
            let last = lists.formatted.last().zip(lists.instructions.last()).zip(lists.task_types.last());
            last.map(|((formatted, natural), task_type)| edit(formatted, natural, task_type))
                .into_iter()
                .collect()
        }
        Mode::Singlepass => {
            let all = lists.formatted.iter().zip(&lists.instructions).zip(&lists.task_types).take(turn);
            all.map(|((formatted, natural), task_type)| edit(formatted, natural, task_type)).collect()
        }
    };
    let consistency = row.bg_consistency.then(|| PlannedConsistency {
        unchanged_objects: lists.unchanged_objects.clone(),
        all_objects: lists.all_objects.clone(),
    });
    Ok(PlannedTurn { turn, from, edits, consistency })
}
