//! The record of checksums, `<models_dir>/checksums.json`.
//!
//! It is a help, not a need: where it cannot be read or written, files are hashed every time and the first checksum of
//! unpinned files binds nothing. Two processes that write at the same time may lose one of the two entries, which are
//! then made again.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use imgeval_core::{json::from_json_slice, to_hex};
use imgeval_files::{OwnFolder, open_regular};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{member::Hashing, store::StoreError};

const FILE_NAME: &str = "checksums.json";
const VERSION: u32 = 1;
/// Larger records are not ours.
const MAX_BYTES: u64 = 1 << 24;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    /// By absolute path.
    files: BTreeMap<String, Entry>,
    /// First SHA-256 of the weights of a member, by `set/member/file`.
    first: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    bytes: u64,
    modified_ns: u64,
    sha256: String,
}

/// The record of one models folder.
#[derive(Debug)]
pub(super) struct Record {
    folder: PathBuf,
}

impl Record {
    pub(super) fn of(models_dir: &Path) -> Self {
        Self { folder: models_dir.to_owned() }
    }

    /// The SHA-256 of a file.
    pub(super) fn sha256(&self, path: &Path, hashing: Hashing) -> Result<String, StoreError> {
        let unreadable = |source| StoreError::Read { path: path.to_owned(), source };
        let real = fs::canonicalize(path).map_err(unreadable)?;
        let before = state_of(&real).map_err(unreadable)?;
        let key = real.to_string_lossy().into_owned();
        if hashing == Hashing::Recorded
            && let Some(entry) = self.read().files.get(&key)
            && (entry.bytes, entry.modified_ns) == before
        {
            return Ok(entry.sha256.clone());
        }
        let sha256 = hash(&real).map_err(unreadable)?;
        self.keep(&real, before, &sha256);
        Ok(sha256)
    }

    /// Keeps what a download has computed already.
    pub(super) fn keep_new(&self, path: &Path, sha256: &str) {
        if let Ok(real) = fs::canonicalize(path)
            && let Ok(state) = state_of(&real)
        {
            self.keep(&real, state, sha256);
        }
    }

    fn keep(&self, real: &Path, (bytes, modified_ns): (u64, u64), sha256: &str) {
        let entry = Entry { bytes, modified_ns, sha256: sha256.to_owned() };
        let key = real.to_string_lossy().into_owned();
        self.change(|content| content.files.insert(key.clone(), entry.clone()) != Some(entry));
    }

    /// The SHA-256 that was first seen under `key`; keeps this one if there was none.
    pub(super) fn first(&self, key: &str, sha256: &str) -> String {
        if let Some(first) = self.read().first.get(key) {
            return first.clone();
        }
        self.replace_first(key, sha256);
        sha256.to_owned()
    }

    /// Starts a new history for a file that the user added or fetched again.
    pub(super) fn replace_first(&self, key: &str, sha256: &str) {
        self.change(|content| {
            content.first.insert(key.to_owned(), sha256.to_owned()).as_deref() != Some(sha256)
        });
    }

    fn read(&self) -> Content {
        let text = imgeval_files::read_regular(&self.folder.join(FILE_NAME), MAX_BYTES).ok();
        let content = text.and_then(|text| from_json_slice::<Content>(&text).ok());
        content.filter(|content| content.version == VERSION).unwrap_or_default()
    }

    /// `change` says whether there is something to write.
    fn change(&self, change: impl FnOnce(&mut Content) -> bool) {
        let mut content = self.read();
        content.version = VERSION;
        if change(&mut content) {
            // See above: a record that cannot be written costs time only.
            self.write(&content).ok();
        }
    }

    fn write(&self, content: &Content) -> io::Result<()> {
        OwnFolder::make(&self.folder)?.write_unsynced(FILE_NAME, &serde_json::to_vec_pretty(content)?)
    }
}

/// Size and time of change.
fn state_of(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    let since = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((metadata.len(), since.as_nanos() as u64))
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = open_regular(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(to_hex(&hasher.finalize())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 that identifies weights that lie in these files: of the one file, or of several (shards, in the order of
/// their names) that of their checksums, each in hexadecimal and ended by a line feed. Taken from the record in
/// `models_dir` where size and time of change are the same.
///
/// # Errors
/// If a file is not there or cannot be read.
pub fn sha256_of(files: &[PathBuf], models_dir: &Path) -> Result<String, StoreError> {
    let record = Record::of(models_dir);
    if let [file] = files {
        return record.sha256(file, Hashing::Recorded);
    }
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(record.sha256(file, Hashing::Recorded)?);
        hasher.update("\n");
    }
    Ok(to_hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        time::{Duration, SystemTime},
    };

    use super::*;

    /// FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn unchanged_files_are_hashed_once_and_changed_ones_again() {
        let folder = tempfile::tempdir().unwrap();
        let models_dir = folder.path().join("models");
        let path = folder.path().join("x.pth");
        fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of(std::slice::from_ref(&path), &models_dir).unwrap(), ABC);
        // Whether the record is used shows in a file that was changed behind its back.
        let then = SystemTime::now() - Duration::from_secs(60);
        let change = |content: &str| {
            fs::write(&path, content).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
        };
        change("abc");
        assert_eq!(sha256_of(std::slice::from_ref(&path), &models_dir).unwrap(), ABC);
        change("abd");
        assert_eq!(sha256_of(std::slice::from_ref(&path), &models_dir).unwrap(), ABC);
        let record = Record::of(&models_dir);
        assert_ne!(record.sha256(&path, Hashing::Always).unwrap(), ABC);
        assert_ne!(sha256_of(std::slice::from_ref(&path), &models_dir).unwrap(), ABC);
        change("abcd");
        assert!(sha256_of(std::slice::from_ref(&path), &models_dir).unwrap().starts_with("88d4266f"));
    }

    #[test]
    fn shards_are_known_by_their_checksums_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(matches!(sha256_of(&[path("1")], folder.path()), Err(StoreError::Read { .. })));
        fs::write(path("1"), "abc").unwrap();
        fs::write(path("2"), "abc").unwrap();
        assert_eq!(sha256_of(&[path("1")], folder.path()).unwrap(), ABC);
        let both = to_hex(&Sha256::digest(format!("{ABC}\n{ABC}\n")));
        assert_eq!(sha256_of(&[path("1"), path("2")], folder.path()).unwrap(), both);
    }

    #[test]
    fn a_record_that_cannot_be_used_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pth");
        fs::write(&path, "abc").unwrap();
        for text in ["", "{}", r#"{"version": 9, "files": {}, "first": {}}"#] {
            fs::write(folder.path().join(FILE_NAME), text).unwrap();
            assert_eq!(sha256_of(std::slice::from_ref(&path), folder.path()).unwrap(), ABC);
        }
        assert_eq!(sha256_of(std::slice::from_ref(&path), &path.join("no folder")).unwrap(), ABC);
    }
}
