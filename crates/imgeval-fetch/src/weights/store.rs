//! The folder of weight files.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use imgeval_core::to_hex;
use imgeval_files::{OwnFolder, open_regular};
use sha2::{Digest, Sha256};

use super::sets::KnownWeights;

/// Why the folder gave or took no file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("weights `{id}` are not at `{}`", path.display())]
    Missing { id: &'static str, path: PathBuf },
    #[error("`{}` has SHA-256 {found}, weights `{id}` have {expected}", path.display())]
    WrongChecksum { id: &'static str, path: PathBuf, expected: String, found: String },
    #[error("could not read `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not part of the set `{set}`", path.display())]
    NotAMember { set: &'static str, path: PathBuf },
    #[error("the weights `{set}` have terms that you have not accepted: {terms}")]
    TermsNotAccepted { set: &'static str, terms: &'static str },
    #[error("`{}` has the git hash {found}, weights `{id}` have {expected}", path.display())]
    WrongGitHash { id: &'static str, path: PathBuf, expected: &'static str, found: String },
    #[error("folder `{}` lacks `{file}`, which weights `{id}` need", path.display())]
    Incomplete { id: &'static str, path: PathBuf, file: &'static str },
    /// What the caller's own look at the weights found.
    #[error(transparent)]
    Unusable(Box<dyn std::error::Error + Send + Sync>),
}

/// The verified file of a set.
///
/// # Errors
/// If it is missing, cannot be read or has another checksum.
pub fn locate(set: &KnownWeights, models_dir: &Path) -> Result<PathBuf, StoreError> {
    let path = models_dir.join(set.file_name);
    if !path.is_file() {
        return Err(StoreError::Missing { id: set.id, path });
    }
    verify(set, &path)?;
    Ok(path)
}

/// Takes a copy of a local file into the folder, after verifying it.
///
/// # Errors
/// If `file` is not the set's file, or reading or writing fails.
pub fn add(set: &KnownWeights, file: &Path, models_dir: &Path) -> Result<PathBuf, StoreError> {
    verify(set, file)?;
    let mut source = open(file)?;
    install(set, &mut source, file, models_dir)
}

/// Copies `source` into the folder under a temporary name, verifies what was written and renames it. `origin` names
/// the source in errors.
pub(super) fn install(
    set: &KnownWeights,
    source: &mut dyn Read,
    origin: &Path,
    models_dir: &Path,
) -> Result<PathBuf, StoreError> {
    let path = models_dir.join(set.file_name);
    let write_error = |source| StoreError::Write { path: path.clone(), source };
    let folder = OwnFolder::make(models_dir).map_err(write_error)?;
    folder.sweep();
    let mut temporary = folder.new_file(set.file_name).map_err(write_error)?;
    // One byte more than expected is enough to know that the source is too long.
    let found =
        copy_and_hash(&mut source.take(set.bytes + 1), &mut temporary).map_err(|error| match error {
            CopyError::Read(source) => StoreError::Read { path: origin.to_owned(), source },
            CopyError::Write(source) => write_error(source),
        })?;
    check(set, origin, found)?;
    temporary.publish().map_err(write_error)?;
    Ok(path)
}

fn open(path: &Path) -> Result<File, StoreError> {
    open_regular(path).map_err(|source| StoreError::Read { path: path.to_owned(), source })
}

fn verify(set: &KnownWeights, path: &Path) -> Result<(), StoreError> {
    let found = match copy_and_hash(&mut open(path)?, &mut io::sink()) {
        Ok(found) => found,
        Err(CopyError::Read(source) | CopyError::Write(source)) => {
            return Err(StoreError::Read { path: path.to_owned(), source });
        }
    };
    check(set, path, found)
}

fn check(set: &KnownWeights, path: &Path, found: String) -> Result<(), StoreError> {
    if found == set.sha256 {
        return Ok(());
    }
    Err(StoreError::WrongChecksum {
        id: set.id,
        path: path.to_owned(),
        expected: set.sha256.to_owned(),
        found,
    })
}

enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// SHA-256 of what was copied, in lower-case hexadecimal.
fn copy_and_hash(source: &mut dyn Read, target: &mut dyn Write) -> Result<String, CopyError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        hasher.update(&buffer[..count]);
        target.write_all(&buffer[..count]).map_err(CopyError::Write)?;
    }
    Ok(to_hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::weights::PREVIEW;

    /// A set whose file is `abc` (FIPS 180-2, appendix B.1).
    const SMALL: KnownWeights = KnownWeights {
        file_name: "small.weights",
        bytes: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ..PREVIEW
    };

    fn file(folder: &Path, content: &[u8]) -> PathBuf {
        let path = folder.join("given");
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn an_added_file_is_located() {
        let folder = tempfile::tempdir().unwrap();
        let models_dir = folder.path().join("models");
        assert!(matches!(locate(&SMALL, &models_dir), Err(StoreError::Missing { .. })));
        let added = add(&SMALL, &file(folder.path(), b"abc"), &models_dir).unwrap();
        assert_eq!(locate(&SMALL, &models_dir).unwrap(), added);
        assert_eq!(fs::read(added).unwrap(), b"abc");
        assert_eq!(fs::read_dir(&models_dir).unwrap().count(), 1, "temporary files stay behind");
    }

    #[test]
    fn another_file_is_refused_with_both_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let given = file(folder.path(), b"abd");
        let error = add(&SMALL, &given, folder.path()).unwrap_err();
        let found = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";
        let message =
            format!("`{}` has SHA-256 {found}, weights `preview` have {}", given.display(), SMALL.sha256);
        assert_eq!(error.to_string(), message);
        assert!(!folder.path().join(SMALL.file_name).exists());
    }

    #[test]
    fn a_file_damaged_later_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let added = add(&SMALL, &file(folder.path(), b"abc"), folder.path()).unwrap();
        fs::write(added, b"ab").unwrap();
        assert!(matches!(locate(&SMALL, folder.path()), Err(StoreError::WrongChecksum { .. })));
    }

    #[test]
    fn endless_sources_are_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let error = install(&SMALL, &mut io::repeat(0), Path::new("endless"), folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::WrongChecksum { .. }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
