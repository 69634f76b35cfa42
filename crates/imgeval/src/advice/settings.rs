//! What to do about settings, keys and texts that cannot be used, and how the process ends.

use std::path::Path;

use imgeval_clients::UnusableModel;
use imgeval_files::{TextError, Unsuitable};
use imgeval_settings::{PromptError, RemoteSetting, SettingsError};

use crate::exit_code::Exit;

/// Also for `<(...)` of a shell, which is a pipe: nothing tells whether anybody will ever write to it.
pub(crate) const NO_PIPES: &str =
    "pipes, such as `<(...)` and /dev/stdin, cannot be read; write the text to a file and pass that file";

/// What to do about a text that cannot be read.
pub(crate) fn text_advice(error: &TextError) -> (Option<String>, Exit) {
    match error {
        TextError::Unsuitable { found: Unsuitable::Pipe, .. } => (Some(NO_PIPES.to_owned()), Exit::Usage),
        TextError::Unsuitable { .. } | TextError::Encoding { .. } => (None, Exit::Usage),
        TextError::Io { .. } => (None, Exit::Unexpected),
    }
}

/// What to do about settings that cannot be used.
pub(crate) fn settings_advice(error: &SettingsError) -> (Option<String>, Exit) {
    let hint = match error {
        SettingsError::Text(error) => return text_advice(error),
        SettingsError::NotFound { .. } | SettingsError::Write { .. } | SettingsError::WriteDown(_) => {
            return (None, Exit::Unexpected);
        }
        SettingsError::Untrusted { path, .. } => Some(way_on(path)),
        SettingsError::Local { setting, .. } => Some(format!("leave out {}", flag_of(*setting))),
        SettingsError::UnusableModel(error) => {
            let way_on = match error {
                UnusableModel::Unknown { .. } => {
                    "to use a new model, pass --any-model or add it to your catalog"
                }
                UnusableModel::Retired { .. } => "pass --any-model to try it anyway",
            };
            Some(format!("{}; {way_on}", error.hint()))
        }
        SettingsError::ImpossibleRequest(error) => {
            Some(format!("{}; pass --any-model to try it anyway", error.possible))
        }
        SettingsError::NoKey { kind, leads_elsewhere: false, .. } => {
            let variables = kind.key_variables().join(" or ");
            Some(format!(
                "set {variables}, or pass a file that contains the key (--key-file, --judge-key-file)"
            ))
        }
        SettingsError::SecretInAddress => {
            Some("pass a judge's key in a file: --judge-key-file FILE".to_owned())
        }
        error => error.hint(),
    };
    (hint, Exit::Usage)
}

/// What to do about prompts that cannot be made fit as asked.
pub(crate) fn prompt_advice(error: &PromptError) -> (Option<String>, Exit) {
    let hint = match error {
        PromptError::Settings(error) => return settings_advice(error),
        PromptError::Text(error) => return text_advice(error),
        PromptError::WithoutInstructions => Some("--rewriter-instructions FILE".to_owned()),
        PromptError::UnusedInstructions => {
            Some("--rewriter-instructions needs --rewriter chat:PROVIDER:MODEL".to_owned())
        }
        error => error.hint(),
    };
    (hint, Exit::Usage)
}

/// How a file that is not trusted can be used.
fn way_on(path: &Path) -> String {
    let path = path.display();
    format!(
        "read the file; `imgeval trust {path}` trusts its current content, `--settings {path}` uses it once"
    )
}

fn flag_of(setting: RemoteSetting) -> &'static str {
    match setting {
        RemoteSetting::BaseUrl => "--base-url",
        RemoteSetting::KeyFile => "--key-file",
        RemoteSetting::RequestsPerMinute => "--rpm",
        RemoteSetting::TokensPerMinute => "--tpm",
    }
}
