//! Advice for a missing judge, or if nothing can be judged.

use imgeval_observe::{JudgingError, UnusableProtocol};
use imgeval_suites::suite::SuiteRef;

use super::{scoring_advice, store_advice, suite_advice, text_advice};
use crate::{exit_code::Exit, failure::CommandError};

/// What to do about a run or anchors that a judge cannot be asked about, and how the process ends.
pub(crate) fn judging_advice(error: &JudgingError) -> (Option<String>, Exit) {
    match error {
        JudgingError::Run(error) => scoring_advice(error),
        JudgingError::Store(error) => store_advice(error),
        JudgingError::OtherAnchors { .. } => (None, Exit::Mismatch),
        JudgingError::UnjudgedAnchors { .. } => {
            let hint =
                "judge them first: `imgeval observe ANCHORS --judge ...`, with the same judge and protocol";
            (Some(hint.to_owned()), Exit::NothingFound)
        }
    }
}

/// What to do about a protocol that cannot be used, and how the process ends.
pub(crate) fn protocol_advice(error: &UnusableProtocol) -> (Option<String>, Exit) {
    match error {
        UnusableProtocol::Suite(error) => suite_advice(error),
        UnusableProtocol::Unreadable(error) => text_advice(error),
        UnusableProtocol::NotOne { .. } => {
            let hint = "start from the output of `imgeval protocol show reason-edit`";
            (Some(hint.to_owned()), Exit::Usage)
        }
        UnusableProtocol::OtherSuite { .. } => (None, Exit::Usage),
        UnusableProtocol::NoJudge { .. } => (Some("leave out --judge".to_owned()), Exit::Usage),
    }
}

/// For a run of cases without checks, which nothing can score.
pub(crate) fn no_rules() -> CommandError {
    let message =
        "a run of your own cases has no scoring rules, so neither a detector nor a judge can score it";
    let hint = "`imgeval report` shows its images; to score them, add checks to the cases (`imgeval init cases` writes an example) and generate them into a new run";
    CommandError::usage(message).with_hint(hint)
}

/// For a judge of own cases whose checks ask none.
pub(crate) fn no_questions() -> CommandError {
    let message = "the checks of these cases need no judge; a detector decides them";
    CommandError::usage(message).with_hint("leave out --judge")
}

/// For judges who are named for a suite that they do not score.
pub(crate) fn no_judge(suite: SuiteRef) -> CommandError {
    if !suite.is_detected() {
        return no_rules();
    }
    let message = format!("{} is scored by a detector, not by a judge", suite.id());
    CommandError::usage(message).with_hint("leave out --judge")
}

/// For a suite that judges score, if none is named.
pub(crate) fn needs_judge(suite: SuiteRef) -> CommandError {
    let message = format!("the suite {} is scored by a judge", suite.id());
    let hint = "choose one: --judge openai:MODEL, or --judge http://127.0.0.1:8000/v1#MODEL";
    CommandError::usage(message).with_hint(hint)
}

pub(crate) fn nobody_judged() -> CommandError {
    CommandError::nothing("no judge has judged this run yet")
        .with_hint("run `imgeval observe RUN --judge ...`")
}
