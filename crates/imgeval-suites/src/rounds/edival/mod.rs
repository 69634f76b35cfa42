//! EdiVal-Bench: 572 images with 3 turns each, scored by an object detector and a language model.
//!
//! A model's outputs lie in `multipass` (each turn edits the one before) or `singlepass` (each turn is asked for everything so far).
//! [`plan_mode`] says which images are compared with which instructions, [`follow_instruction`] scores one instruction by boxes and replies that the
//! caller provides, and [`collect_rates`] gives the official tables. What no published code defines (the consistency CC and the overall score O) is in
//! [`derive_scores`], in all three readings.

mod boxes;
mod derived;
mod folder;
mod instruction;
mod plan;
mod pools;
mod rates;
mod report;
mod rules;
mod table;
mod tables;
mod task_type;
#[cfg(test)]
mod tests;

pub use boxes::DetectedBox;
pub use derived::{Derived, Honest, Reading, count_honestly, derive_scores};
pub use folder::{
    Mode, base_name, find_base, list_outputs, model_name, session_indices, singlepass_prompt, turn_name,
};
pub use instruction::{Edit, Placement, natural_form, parse_edit};
pub use plan::{
    Plan, PlannedConsistency, PlannedEdit, PlannedSession, PlannedTurn, SkipReason, Skipped, plan_mode,
};
pub use pools::{ObjectPool, PoolState, PoolWords};
pub use rates::{CONSISTENCY_NAMES, Consistency, ModeRates, TurnScores, collect_rates};
pub use report::{
    ItemScores, ModeReport, N_TURNS, OutputNames, TurnReport, names_in_folder, parse_items, read_items,
    read_names, report_on_files,
};
pub use rules::{BoxFinder, Frame, ModelReplies, NoAnswer, Question, follow_instruction};
pub use table::{RowLists, Table, TableRow, Unreadable, parse_table, read_table};
pub use tables::{RateTable, multipass_table, singlepass_table};
pub use task_type::TaskType;
