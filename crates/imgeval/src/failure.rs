//! From an error to one sentence, advice and an exit code.

use imgeval_clients::ClientError;
pub(crate) use imgeval_core::sentence_of;
use imgeval_core::visible;
use imgeval_dataset::DatasetError;
use imgeval_fetch::suites::FetchError;
use imgeval_files::{OutputError, TextError};
use imgeval_generation::CasesError;
use imgeval_observe::{JudgingError, MeasureError, ObserverError, UnusableProtocol, pictures::PicturesError};
use imgeval_pages::PagesError;
use imgeval_rounds::RoundsError;
use imgeval_scoring::ScoringError;
use imgeval_settings::{PromptError, SettingsError};
use imgeval_store::StoreError;
use imgeval_study::StudyError;
use imgeval_suites::files::SuiteError;

use crate::{
    advice::{
        cases_advice,
        datasets::dataset_advice,
        fetch_advice,
        judging::{judging_advice, protocol_advice},
        observer_advice, output_advice, pages_advice, prompt_advice, rounds_advice, scoring_advice,
        settings_advice, store_advice, study_advice, suite_advice, text_advice,
    },
    exit_code::Exit,
};

/// An error that knows its exit code and perhaps what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CommandError {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl CommandError {
    /// The command or its input cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Usage }
    }

    /// There is nothing to work on.
    pub(crate) fn nothing(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::NothingFound }
    }

    /// Something failed that the user can repair by following `hint`.
    pub(crate) fn mendable(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), exit: Exit::Unexpected }
    }

    /// The run was made for something else.
    pub(crate) fn mismatch(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Mismatch }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ObserverError> for CommandError {
    fn from(error: ObserverError) -> Self {
        let (hint, exit) = observer_advice(&error);
        Self { message: sentence_of(&error), hint, exit }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        let (hint, exit) = settings_advice(&error);
        Self { message: sentence_of(&error), hint, exit }
    }
}

/// A client that cannot be made, with its advice.
pub(crate) fn client_error(error: &ClientError) -> CommandError {
    CommandError::usage(sentence_of(error)).with_hint(error.hint())
}

/// An error as shown, and the exit code.
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) exit: Exit,
}

/// `error: <what>: <cause>`, and a line of advice where there is some.
pub(crate) fn render_error(error: &anyhow::Error) -> Rendered {
    let (hint, exit) = advice(error);
    let mut text = format!("error: {}", visible(&sentence_of(error.as_ref())));
    if let Some(hint) = hint {
        text.push_str("\n  hint: ");
        text.push_str(&visible(&hint));
    }
    Rendered { text, exit }
}

/// What the user can do about an error, and the exit code.
pub(crate) fn advice(error: &anyhow::Error) -> (Option<String>, Exit) {
    if let Some(error) = error.downcast_ref::<CommandError>() {
        return (error.hint.clone(), error.exit);
    }
    if let Some(error) = error.downcast_ref::<CasesError>() {
        return cases_advice(error);
    }
    if let Some(error) = error.downcast_ref::<OutputError>() {
        return output_advice(error);
    }
    if let Some(error) = error.downcast_ref::<ObserverError>() {
        return observer_advice(error);
    }
    if let Some(error) = error.downcast_ref::<MeasureError>() {
        return match error {
            MeasureError::Run(error) => scoring_advice(error),
            MeasureError::Store(error) => store_advice(error),
            MeasureError::Meter(error) => observer_advice(error),
        };
    }
    if let Some(PicturesError::Run(error)) = error.downcast_ref::<PicturesError>() {
        return scoring_advice(error);
    }
    if let Some(PicturesError::Output(error)) = error.downcast_ref::<PicturesError>() {
        return output_advice(error);
    }
    if let Some(error) = error.downcast_ref::<JudgingError>() {
        return judging_advice(error);
    }
    if let Some(error) = error.downcast_ref::<UnusableProtocol>() {
        return protocol_advice(error);
    }
    if let Some(error) = error.downcast_ref::<SettingsError>() {
        return settings_advice(error);
    }
    if let Some(error) = error.downcast_ref::<PromptError>() {
        return prompt_advice(error);
    }
    if let Some(error) = error.downcast_ref::<TextError>() {
        return text_advice(error);
    }
    if let Some(error) = error.downcast_ref::<ScoringError>() {
        return scoring_advice(error);
    }
    if let Some(error) = error.downcast_ref::<SuiteError>() {
        return suite_advice(error);
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return store_advice(error);
    }
    if let Some(error) = error.downcast_ref::<FetchError>() {
        return fetch_advice(error);
    }
    if let Some(error) = error.downcast_ref::<RoundsError>() {
        return rounds_advice(error);
    }
    if let Some(error) = error.downcast_ref::<PagesError>() {
        return pages_advice(error);
    }
    if let Some(error) = error.downcast_ref::<DatasetError>() {
        return dataset_advice(error);
    }
    if let Some(error) = error.downcast_ref::<StudyError>() {
        return study_advice(error);
    }
    (None, Exit::Unexpected)
}
