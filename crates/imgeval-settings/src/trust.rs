//! Which settings files of working folders their user has trusted: by path and content, in a file of the user's configuration
//! folder. A file that has changed since is not trusted any more.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_core::ContentHash;
use imgeval_files::{MAX_SETTINGS_BYTES, read_hand_written, write_whole};
use serde::{Deserialize, Serialize};

use crate::{SettingsError, environment};

const FORMAT_VERSION: u32 = 1;

/// What the user has trusted.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    format_version: u32,
    #[serde(default, rename = "file")]
    files: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: PathBuf,
    sha256: String,
}

/// A trusted file as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustState {
    Trusted,
    /// Its content is another one by now.
    Changed,
    /// It cannot be read.
    Gone,
}

impl TrustState {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Changed => "changed since it was trusted",
            Self::Gone => "cannot be read",
        }
    }
}

/// The list of trusted settings files.
#[derive(Debug)]
pub struct TrustList {
    place: PathBuf,
    files: Vec<Entry>,
}

impl TrustList {
    /// Reads the user's list; one that does not exist is empty.
    ///
    /// # Errors
    /// If there is no place for it, or it is not as this program writes it.
    pub fn load() -> Result<Self, SettingsError> {
        let folder = environment::configuration_dir().ok_or(SettingsError::NoTrustFolder)?;
        Self::load_from(folder.join("trusted.toml"))
    }

    fn load_from(place: PathBuf) -> Result<Self, SettingsError> {
        if !place.exists() {
            return Ok(Self { place, files: Vec::new() });
        }
        let text = read_hand_written(&place, MAX_SETTINGS_BYTES, "the list of trusted settings")?;
        let damaged = |detail: String| SettingsError::TrustList { path: place.clone(), detail };
        let list: ListFile = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        if list.format_version != FORMAT_VERSION {
            return Err(damaged(format!("its format is {}, not {FORMAT_VERSION}", list.format_version)));
        }
        Ok(Self { place, files: list.files })
    }

    /// Whether the file at this path is trusted with this text.
    #[must_use]
    pub fn trusts(&self, path: &Path, text: &str) -> bool {
        let Ok(path) = fs::canonicalize(path) else { return false };
        self.files.contains(&Entry { path, sha256: hash_of(text) })
    }

    /// Trusts the file at this path with this text, and with no other.
    ///
    /// # Errors
    /// If the list cannot be written.
    pub fn trust(&mut self, path: &Path, text: &str) -> Result<(), SettingsError> {
        let path = fs::canonicalize(path).map_err(|source| not_found(path, source))?;
        if path.to_str().is_none() {
            return Err(SettingsError::PathNotUtf8 { path });
        }
        self.files.retain(|entry| entry.path != path);
        self.files.push(Entry { path, sha256: hash_of(text) });
        self.save()
    }

    /// Takes the trust in a file back, also in one that is gone; `false` if it was not trusted.
    ///
    /// # Errors
    /// If the list cannot be written.
    pub fn revoke(&mut self, path: &Path) -> Result<bool, SettingsError> {
        // Of a file that is gone, the folder may still be there.
        let in_folder = || {
            let path = std::path::absolute(path)?;
            match (path.parent().map(fs::canonicalize), path.file_name()) {
                (Some(Ok(folder)), Some(name)) => Ok(folder.join(name)),
                _ => Ok(path),
            }
        };
        let found: io::Result<PathBuf> = fs::canonicalize(path).or_else(|_| in_folder());
        let path = found.map_err(|source| not_found(path, source))?;
        let n_before = self.files.len();
        self.files.retain(|entry| entry.path != path);
        let is_known = self.files.len() < n_before;
        if is_known {
            self.save()?;
        }
        Ok(is_known)
    }

    /// All trusted files, with their checksums, as they are now.
    pub fn entries(&self) -> impl Iterator<Item = (&Path, &str, TrustState)> {
        self.files.iter().map(|entry| {
            let state = match read_hand_written(&entry.path, MAX_SETTINGS_BYTES, "the settings") {
                Ok(text) if hash_of(&text) == entry.sha256 => TrustState::Trusted,
                Ok(_) => TrustState::Changed,
                Err(_) => TrustState::Gone,
            };
            (entry.path.as_path(), entry.sha256.as_str(), state)
        })
    }

    fn save(&self) -> Result<(), SettingsError> {
        let list = ListFile { format_version: FORMAT_VERSION, files: self.files.clone() };
        let text = toml::to_string(&list)?;
        // A link that the user put there is followed.
        let place = fs::canonicalize(&self.place).unwrap_or_else(|_| self.place.clone());
        write_whole(&place, text.as_bytes())
            .map_err(|source| SettingsError::Write { path: self.place.clone(), source })
    }
}

fn not_found(path: &Path, source: io::Error) -> SettingsError {
    SettingsError::NotFound { path: path.to_owned(), source }
}

/// The SHA-256 of a file's text.
#[must_use]
pub fn hash_of(text: &str) -> String {
    ContentHash::of(text.as_bytes()).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_trusted_by_path_and_content_until_it_changes_or_trust_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("configuration/trusted.toml");
        let load = || TrustList::load_from(place.clone()).unwrap();
        let [file, other] = ["a.toml", "b.toml"].map(|name| folder.path().join(name));
        for path in [&file, &other] {
            fs::write(path, "text").unwrap();
        }
        assert!(!load().trusts(&file, "text"));
        load().trust(&file, "text").unwrap();
        assert!(load().trusts(&file, "text"));
        assert!(!load().trusts(&file, "other text") && !load().trusts(&other, "text"));
        let state = || load().entries().map(|(_, _, state)| state).next();
        assert_eq!(state(), Some(TrustState::Trusted));
        fs::write(&file, "other text").unwrap();
        assert_eq!(state(), Some(TrustState::Changed));
        load().trust(&file, "other text").unwrap();
        assert!(load().trusts(&file, "other text") && !load().trusts(&file, "text"));
        assert!(!load().revoke(&other).unwrap() && load().revoke(&file).unwrap());
        assert!(!load().trusts(&file, "other text") && !load().revoke(&file).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_as_trusted_as_the_file_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["a.toml", "link.toml"].map(|name| folder.path().join(name));
        fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut list = TrustList::load_from(folder.path().join("trusted.toml")).unwrap();
        list.trust(&link, "text").unwrap();
        assert!(list.trusts(&file, "text"));
    }

    #[test]
    fn a_list_that_is_not_understood_trusts_nothing_silently() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("trusted.toml");
        for (text, words) in
            [("files = 1", "unknown field"), ("format_version = 2", "its format is 2, not 1")]
        {
            fs::write(&place, text).unwrap();
            let error = TrustList::load_from(place.clone()).unwrap_err().to_string();
            assert!(error.contains("is not a list of trusted settings") && error.contains(words), "{error}");
        }
    }
}
