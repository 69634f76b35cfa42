//! The official tables: every value times 100, rounded to two decimals.

use std::collections::BTreeMap;

use super::{CONSISTENCY_NAMES, ModeRates, TaskType, rates::mean};

/// The values of a turn by name, not rounded and not times 100; `None` where a list is empty, which the official table prints as `nan`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RateTable {
    pub values: BTreeMap<String, Option<f64>>,
}

impl RateTable {
    /// What the official table prints: times 100 and with two decimals. Scores that are no shares are multiplied as well.
    #[must_use]
    pub fn printed(&self, name: &str) -> Option<f64> {
        let value = (*self.values.get(name)?)?;
        // The shortest way to round as Python does, by the exact value.
        format!("{:.2}", value * 100.0).parse().ok()
    }

    fn put(&mut self, name: &str, value: Option<f64>) {
        self.values.insert(name.to_owned(), value);
    }
}

/// The table of a turn in [`super::Mode::Multipass`].
///
/// `image_rate` is [`ModeRates::instruction_following`], `overall_task_rate` the mean over the instructions of the turn whose type is known; all
/// others are means of their lists.
#[must_use]
pub fn multipass_table(rates: &ModeRates, turn: usize) -> RateTable {
    let mut table = RateTable::default();
    let Some(lists) = turn.checked_sub(1).and_then(|place| rates.task_rate.get(place)) else { return table };
    table.put("image_rate", rates.instruction_following(turn));
    let known = TaskType::ALL.iter().filter_map(|task_type| lists.get(task_type.name()));
    table.put("overall_task_rate", mean(known.flatten().copied()));
    for name in TaskType::ALL.iter().map(|task_type| task_type.name()).chain(CONSISTENCY_NAMES) {
        table.put(name, None);
    }
    for (name, values) in lists {
        table.put(name, mean(values.iter().copied()));
    }
    table
}

/// The table of a turn in [`super::Mode::Singlepass`].
///
/// `marginal_mean` is the mean over the last instructions, `overall_task_rate` and the rates by type go over all instructions up to the turn; unknown types
/// are left out. Every session counts once.
#[must_use]
pub fn singlepass_table(rates: &ModeRates, turn: usize) -> RateTable {
    let mut table = RateTable::default();
    let value = |followed: bool| f64::from(u8::from(followed));
    table.put("image_rate", rates.instruction_following(turn));
    let last = rates.files(turn).filter_map(|file| file.scores.followed.last());
    table.put("marginal_mean", mean(last.map(|followed| value(*followed))));
    let known: Vec<(TaskType, f64)> = rates
        .files(turn)
        .flat_map(|file| file.planned.edits.iter().zip(&file.scores.followed))
        .filter_map(|(edit, followed)| Some((TaskType::from_name(&edit.task_type)?, value(*followed))))
        .collect();
    table.put("overall_task_rate", mean(known.iter().map(|(_, followed)| *followed)));
    for task_type in TaskType::ALL {
        let of_type = known.iter().filter(|(other, _)| *other == task_type);
        table.put(task_type.name(), mean(of_type.map(|(_, followed)| *followed)));
    }
    for (place, name) in CONSISTENCY_NAMES.into_iter().enumerate() {
        let values = rates.files(turn).filter(|file| file.planned.consistency.is_some());
        table.put(name, mean(values.filter_map(|file| file.scores.consistency?.values()[place])));
    }
    let mut quality: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, value) in rates.files(turn).flat_map(|file| &file.scores.quality) {
        quality.entry(name).or_default().extend(value);
    }
    for (name, values) in quality {
        table.put(name, mean(values.into_iter()));
    }
    table
}
