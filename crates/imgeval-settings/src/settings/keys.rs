//! Where keys and other secrets come from: files and environment variables, never the settings themselves.

use std::{env::VarError, path::Path};

use imgeval_clients::{KeyProblem, ProviderKind, Secret};
use imgeval_files::{MAX_SETTINGS_BYTES, read_hand_written};

use super::file::ProviderSection;
use crate::{SettingsError, environment};

/// The key: the named `file`, then the settings' variable or file, then the provider's usual variables.
pub(super) fn find_key(
    kind: ProviderKind,
    section: &ProviderSection,
    file: Option<&Path>,
) -> Result<Option<Secret>, SettingsError> {
    match (file, &section.key_env, &section.key_file) {
        (Some(file), ..) => read_key_file(file).map(Some),
        (None, None, Some(file)) => read_key_file(file).map(Some),
        (None, Some(variable), _) => match key_in(variable)? {
            Some(key) => Ok(Some(key)),
            None => secret_in(variable, "the key").map(Some),
        },
        // A key of the usual variable is for the usual host, or for one that the user names on the command line. A
        // settings file, which may have come with somebody's project, must name the key that it sends elsewhere.
        (None, None, None) if section.leads_elsewhere() => Ok(None),
        (None, None, None) => usual_key(kind),
    }
}

/// The key in the first of the provider's usual variables that is set.
pub(super) fn usual_key(kind: ProviderKind) -> Result<Option<Secret>, SettingsError> {
    kind.key_variables().iter().find_map(|name| key_in(name).transpose()).transpose()
}

fn read_key_file(path: &Path) -> Result<Secret, SettingsError> {
    let text = read_hand_written(path, MAX_SETTINGS_BYTES, "the key file")?;
    Secret::parse_key(&text).map_err(|problem| SettingsError::KeyFile { path: path.to_owned(), problem })
}

/// The key in an environment variable; a blank one is none.
fn key_in(variable: &str) -> Result<Option<Secret>, SettingsError> {
    let parsed = match std::env::var(variable) {
        Ok(text) => Secret::parse_key(&text),
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(_)) => Err(KeyProblem::NotAscii),
    };
    match parsed {
        Ok(key) => Ok(Some(key)),
        Err(KeyProblem::Blank) => Ok(None),
        Err(problem) => Err(SettingsError::KeyVariable { variable: variable.to_owned(), problem }),
    }
}

pub(super) fn secret_in(variable: &str, what: &str) -> Result<Secret, SettingsError> {
    let value = environment::variable(variable).map(Secret::new);
    value.ok_or_else(|| SettingsError::Variable { variable: variable.to_owned(), what: what.to_owned() })
}
