//! `imgeval.toml` as it is written.

use std::{
    collections::BTreeMap,
    fs,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
};

use imgeval_files::{MAX_SETTINGS_BYTES, read_hand_written};
use serde::Deserialize;

use super::FILE_NAME;
use crate::SettingsError;

/// `imgeval.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    /// Models with prices and limits; relative to the settings file.
    pub(super) catalogue: Option<PathBuf>,
    /// Estimated cost in US dollars above which a run without a limit needs confirmation.
    pub(super) ask_above_usd: Option<f64>,
    #[serde(default)]
    pub(super) providers: BTreeMap<String, ProviderSection>,
}

/// `[providers.NAME]`: of a built-in provider, or with `kind` of one of the user's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderSection {
    pub(super) kind: Option<String>,
    pub(super) base_url: Option<String>,
    /// The environment variable that holds the key.
    pub(super) key_env: Option<String>,
    /// A file that holds the key.
    pub(super) key_file: Option<PathBuf>,
    pub(super) organization: Option<String>,
    pub(super) project: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Headers whose values come from environment variables.
    #[serde(default)]
    pub(super) headers_env: BTreeMap<String, String>,
    pub(super) proxy: Option<String>,
    /// The environment variable that holds the proxy's URL, if that has a password.
    pub(super) proxy_env: Option<String>,
    pub(super) requests_per_minute: Option<NonZeroU32>,
    pub(super) tokens_per_minute: Option<NonZeroU32>,
    pub(super) concurrency: Option<NonZeroUsize>,
    pub(super) timeout_s: Option<f64>,
    pub(super) retries: Option<u32>,
    #[serde(default)]
    pub(super) allow_plain_http: bool,
}

impl ProviderSection {
    /// Whether requests go to another address than the built-in provider's own, as far as the settings say.
    pub(super) fn leads_elsewhere(&self) -> bool {
        self.kind.is_some() || self.base_url.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Users,
    WorkingFolders,
}

/// The user's settings and those of the working folder, as far as there are any. Where both are one file, it is the user's.
pub(super) fn find_files(user_folder: Option<&Path>) -> Vec<(PathBuf, Whose)> {
    let users = user_folder.map(|folder| folder.join(FILE_NAME)).filter(|path| path.exists());
    let here = PathBuf::from(FILE_NAME);
    let is_users = users.as_ref().is_some_and(
        |users| matches!((fs::canonicalize(users), fs::canonicalize(&here)), (Ok(a), Ok(b)) if a == b),
    );
    let here = Some(here).filter(|path| path.exists() && !is_users);
    let users = users.map(|path| (path, Whose::Users));
    users.into_iter().chain(here.map(|path| (path, Whose::WorkingFolders))).collect()
}

/// The settings and the text that they were read from.
pub(super) fn read_settings(path: &Path) -> Result<(SettingsFile, String), SettingsError> {
    let text = read_hand_written(path, MAX_SETTINGS_BYTES, "the settings")?;
    let parsed = toml::from_str(&text).map_err(|error: toml::de::Error| {
        let before = error.span().map_or("", |span| &text[..span.start]);
        let line = 1 + before.matches('\n').count();
        SettingsError::Syntax { path: path.to_owned(), line, problem: without_value(error.message()) }
    });
    Ok((parsed?, text))
}

/// What is wrong with a value, without the value: `invalid type: string "...", expected u32` shows it.
fn without_value(message: &str) -> String {
    let shows_value = ["invalid type: ", "invalid value: "].iter().any(|start| message.starts_with(start));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if shows_value => format!("unexpected value, expected {expected}"),
        _ if shows_value => "unexpected value".to_owned(),
        _ => message.to_owned(),
    }
}
