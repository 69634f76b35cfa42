//! What to do about cases that cannot be used and output that cannot be written, and how the process ends.

use imgeval_files::OutputError;
use imgeval_generation::CasesError;

use super::{store_advice, suite_advice, text_advice};
use crate::exit_code::Exit;

pub(crate) fn cases_advice(error: &CasesError) -> (Option<String>, Exit) {
    let hint = |text: &str| Some(text.to_owned());
    match error {
        CasesError::Suite(error) => suite_advice(error),
        CasesError::Unreadable(error) => text_advice(error),
        CasesError::Store(error) => store_advice(error),
        CasesError::Line { .. } | CasesError::UnknownId { .. } | CasesError::MaskInRound { .. } => {
            (None, Exit::Usage)
        }
        CasesError::Checks { .. } => (hint("`imgeval init cases` writes an example"), Exit::Usage),
        CasesError::NoCase { .. } => (None, Exit::NothingFound),
        CasesError::Read { .. } => (None, Exit::Unexpected),
        CasesError::Changed { .. } => (hint("run the command again"), Exit::Unexpected),
        CasesError::UnknownTag { known, .. } => {
            (Some(format!("available: {}", known.join(", "))), Exit::Usage)
        }
        CasesError::NoneInShard { .. } => (hint("use fewer parts"), Exit::NothingFound),
        CasesError::NoneLeft => {
            (hint("--ids, --tags and --limit together select no case"), Exit::NothingFound)
        }
    }
}

pub(crate) fn output_advice(error: &OutputError) -> (Option<String>, Exit) {
    match error {
        OutputError::IsFolder { .. } => (None, Exit::Usage),
        _ => (None, Exit::Unexpected),
    }
}
