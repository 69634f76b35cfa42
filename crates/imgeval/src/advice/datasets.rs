//! What to do about data sets that cannot be written or read.

use imgeval_dataset::DatasetError;

use super::{scoring_advice, store_advice};
use crate::{exit_code::Exit, failure::CommandError};

/// What to do, and how the process ends.
pub(crate) fn dataset_advice(error: &DatasetError) -> (Option<String>, Exit) {
    let hint = |text: &str| Some(text.to_owned());
    match error {
        DatasetError::Store(error) => store_advice(error),
        DatasetError::Scoring(error) => scoring_advice(error),
        DatasetError::Foreign { .. } => (hint("name a new or empty folder"), Exit::Usage),
        DatasetError::NotADataset { .. } => {
            (hint("name the folder that `imgeval export RUN --dataset DIR` wrote"), Exit::Usage)
        }
        DatasetError::Unfinished { .. } => {
            (hint("run `imgeval export RUN --dataset DIR` again, which completes it"), Exit::Usage)
        }
        DatasetError::WithoutImages { .. } => (hint("export it without --no-images"), Exit::Usage),
        DatasetError::Layout { .. } => (hint("use the version of imgeval that wrote it"), Exit::Usage),
        DatasetError::Table(_) | DatasetError::Damaged { .. } | DatasetError::Row { .. } => {
            (hint("the data set was changed or damaged; export it again"), Exit::Unexpected)
        }
        DatasetError::Read { .. } | DatasetError::Write { .. } | DatasetError::WriteTable { .. } => {
            (None, Exit::Unexpected)
        }
    }
}

/// The suite's data here are not those that the data set's run was made with.
pub(crate) fn other_cases(suite: &str) -> CommandError {
    CommandError::mismatch(format!("the data set is of another version of the suite {suite}"))
        .with_hint("fetch the version of the suite that the card of the data set names")
}

/// Cases of one's own lie in the run and are not exported.
pub(crate) fn no_own_cases() -> CommandError {
    CommandError::usage("the data set is of a run of your own cases, which cannot be imported again")
        .with_hint("copy the run directory instead")
}
