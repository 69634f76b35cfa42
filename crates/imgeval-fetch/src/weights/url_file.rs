//! Weight files with an address of their own.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use imgeval_core::to_hex;
use imgeval_files::open_regular;
use sha1::{Digest as _, Sha1};

use super::{
    error::{PullError, PullEvent},
    member::{Hashing, Located, Places, check_first, copy, rename},
    record::Record,
    sets::UrlFile,
    store::StoreError,
};
use crate::http::{Client, Download};

pub(super) fn locate_url(file: &UrlFile, places: &Places, hashing: Hashing) -> Result<Located, StoreError> {
    let path = places.models_dir.join(file.file_name);
    if !path.is_file() {
        return Err(StoreError::Missing { id: file.id, path });
    }
    let record = Record::of(&places.models_dir);
    let sha256 = record.sha256(&path, hashing)?;
    check_start(file, &path, &sha256)?;
    check_first(&record, file.id, file.file_name, &path, &sha256)?;
    Ok(Located { weights: path.clone(), path, sha256 })
}

fn check_start(file: &UrlFile, path: &Path, sha256: &str) -> Result<(), StoreError> {
    if sha256.starts_with(file.sha256_start) {
        return Ok(());
    }
    let expected = format!("one that starts with {}", file.sha256_start);
    Err(StoreError::WrongChecksum { id: file.id, path: path.to_owned(), expected, found: sha256.to_owned() })
}

/// Git's hash of a file's content: SHA-1 of `blob`, its length and the bytes. `shown` is named in errors.
fn check_git_blob(file: &UrlFile, path: &Path, shown: &Path) -> Result<(), StoreError> {
    if file.git_blob.is_empty() {
        return Ok(());
    }
    let unreadable = |source| StoreError::Read { path: shown.to_owned(), source };
    let mut source = open_regular(path).map_err(unreadable)?;
    let length = source.metadata().map_err(unreadable)?.len();
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {length}\0").as_bytes());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    let found = to_hex(&hasher.finalize());
    if found == file.git_blob {
        return Ok(());
    }
    Err(StoreError::WrongGitHash { id: file.id, path: shown.to_owned(), expected: file.git_blob, found })
}

pub(super) fn fetch_url(
    file: &UrlFile,
    places: &Places,
    client: &Client,
    events: &dyn Fn(PullEvent),
) -> Result<(), PullError> {
    if !file.is_public {
        return Err(PullError::ByHand { id: file.id, from: file.url });
    }
    let partial = places.models_dir.join(format!(".incoming-{}", file.file_name));
    let download = Download {
        url: file.url,
        content_url: file.url,
        token: None,
        file: file.file_name,
        partial: &partial,
        bytes: None,
        max_bytes: None,
    };
    let downloaded = client.fetch(&download, &|event| events(PullEvent::Download(event)))?;
    let path = places.models_dir.join(file.file_name);
    let checked =
        check_start(file, &path, &downloaded.sha256).and_then(|()| check_git_blob(file, &partial, &path));
    if let Err(error) = checked {
        // Nothing of it can be used by the next try.
        fs::remove_file(&partial).ok();
        return Err(error.into());
    }
    rename(&partial, &path)?;
    let record = Record::of(&places.models_dir);
    record.keep_new(&path, &downloaded.sha256);
    record.replace_first(&format!("{}/{}", file.id, file.file_name), &downloaded.sha256);
    events(PullEvent::Installed { path, bytes: downloaded.bytes });
    Ok(())
}

pub(super) fn add_file(file: &UrlFile, path: &Path, places: &Places) -> Result<PathBuf, StoreError> {
    let record = Record::of(&places.models_dir);
    let sha256 = record.sha256(path, Hashing::Always)?;
    check_start(file, path, &sha256)?;
    check_git_blob(file, path, path)?;
    let target = places.models_dir.join(file.file_name);
    copy(path, &target)?;
    // What was written counts, not what was read before.
    let written = record.sha256(&target, Hashing::Always)?;
    check_start(file, &target, &written)?;
    record.replace_first(&format!("{}/{}", file.id, file.file_name), &written);
    Ok(target)
}
