//! Models in repositories of the hub.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::{PullError, PullEvent},
    hub::CacheFolder,
    member::{Hashing, Located, Look, Places, check_first, copy, rename},
    record::Record,
    sets::HubRepository,
    store::StoreError,
};
use crate::http::{Client, Download, DownloadError, FileFacts, without_user};

/// Where `add` puts a folder; it wins over the hub's cache.
pub(super) fn added_folder(repository: &HubRepository, places: &Places) -> PathBuf {
    places.models_dir.join(repository.repository.replace('/', "--"))
}

pub(super) fn locate_hub(
    repository: &HubRepository,
    places: &Places,
    hashing: Hashing,
) -> Result<Located, StoreError> {
    let cache = places.hub.folder(repository);
    let candidates = [Some(added_folder(repository, places)), cache.current(repository.revision)];
    // An unfinished folder is as good as none; `pull` completes it.
    let complete = candidates.into_iter().flatten().find_map(|folder| {
        let weights = weights_in(repository, &folder)?;
        repository.others.iter().all(|file| folder.join(file).is_file()).then_some((folder, weights))
    });
    let Some((path, weights)) = complete else {
        return Err(StoreError::Missing { id: repository.id, path: cache.path().to_owned() });
    };
    let record = Record::of(&places.models_dir);
    let sha256 = record.sha256(&weights, hashing)?;
    if let Some(etag) = etag_of(&weights)
        && etag != sha256
    {
        return Err(StoreError::WrongChecksum {
            id: repository.id,
            path: weights,
            expected: etag,
            found: sha256,
        });
    }
    let name = weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    check_first(&record, repository.id, &name, &weights, &sha256)?;
    Ok(Located { path, weights, sha256 })
}

fn weights_in(repository: &HubRepository, folder: &Path) -> Option<PathBuf> {
    repository.weights.iter().map(|file| folder.join(file)).find(|path| path.is_file())
}

/// The SHA-256 that the hub has for a large file: the name of the blob that it links to.
fn etag_of(path: &Path) -> Option<String> {
    let blob = fs::read_link(path).ok()?;
    let name = blob.file_name()?.to_str()?;
    is_sha256(name).then(|| name.to_owned())
}

fn is_sha256(etag: &str) -> bool {
    etag.len() == 64 && etag.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn fetch_hub(
    repository: &HubRepository,
    places: &Places,
    client: &Client,
    events: &dyn Fn(PullEvent),
) -> Result<(), PullError> {
    let pull = HubPull { repository, places, client, events };
    let (weights, facts) = pull.first_weights()?;
    // Everything from one commit, also if the branch moves meanwhile.
    let commit = facts.commit.clone();
    for file in repository.others {
        let facts = pull.facts(&pull.pinned(&commit, file))?;
        pull.fetch_file(file, &facts, &commit)?;
    }
    pull.fetch_file(weights, &facts, &commit)?;
    let cache = places.hub.folder(repository);
    let refs = cache.path().join("refs");
    cache
        .set_current(repository.revision, &commit)
        .map_err(|source| StoreError::Write { path: refs, source })?;
    Ok(())
}

/// One repository that is being pulled.
struct HubPull<'a> {
    repository: &'a HubRepository,
    places: &'a Places,
    client: &'a Client,
    events: &'a dyn Fn(PullEvent),
}

impl HubPull<'_> {
    fn pinned(&self, commit: &str, file: &str) -> String {
        format!("{}/{}/resolve/{commit}/{file}", self.places.hub.endpoint, self.repository.repository)
    }

    fn facts(&self, url: &str) -> Result<FileFacts, DownloadError> {
        let tell = |event| (self.events)(PullEvent::Download(event));
        self.client.facts(url, self.places.hub.token.as_ref(), &tell)
    }

    /// The first of the possible weight files that the repository has.
    fn first_weights(&self) -> Result<(&'static str, FileFacts), PullError> {
        let hub = &self.places.hub;
        let mut missing = None;
        for file in self.repository.weights {
            match self.facts(&hub.url(self.repository, file)) {
                Ok(facts) => return Ok((file, facts)),
                Err(error @ DownloadError::NotFound { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error.into()),
            }
        }
        let url = without_user(&format!("{}/{}", hub.endpoint, self.repository.repository));
        Err(missing.unwrap_or(DownloadError::NotFound { url }).into())
    }

    fn fetch_file(&self, file: &str, facts: &FileFacts, commit: &str) -> Result<(), PullError> {
        let Self { repository, places, client, events } = *self;
        let cache = places.hub.folder(repository);
        let record = Record::of(&places.models_dir);
        let blob = cache.blob(&facts.etag);
        let is_whole = || -> Result<bool, StoreError> {
            Ok(!is_sha256(&facts.etag) || record.sha256(&blob, Hashing::Always)? == facts.etag)
        };
        if !(blob.is_file() && is_whole()?) {
            let partial = cache.blob(&format!("{}.incomplete", facts.etag));
            let download = Download {
                url: &without_user(&self.pinned(commit, file)),
                content_url: &facts.content_url,
                token: places.hub.token.as_ref().filter(|_| facts.is_same_server),
                file,
                partial: &partial,
                bytes: facts.bytes,
                max_bytes: None,
            };
            let downloaded = client.fetch(&download, &|event| events(PullEvent::Download(event)))?;
            if is_sha256(&facts.etag) && downloaded.sha256 != facts.etag {
                fs::remove_file(&partial).ok();
                let (expected, found) = (facts.etag.clone(), downloaded.sha256);
                let id = repository.id;
                return Err(StoreError::WrongChecksum { id, path: blob, expected, found }.into());
            }
            rename(&partial, &blob)?;
            record.keep_new(&blob, &downloaded.sha256);
        }
        let path = link(&cache, commit, file, &facts.etag)?;
        if repository.weights.contains(&file) {
            let sha256 = record.sha256(&path, Hashing::Recorded)?;
            record.replace_first(&format!("{}/{file}", repository.id), &sha256);
        }
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        events(PullEvent::Installed { path, bytes });
        Ok(())
    }
}

fn link(cache: &CacheFolder, commit: &str, file: &str, etag: &str) -> Result<PathBuf, StoreError> {
    cache
        .link(commit, file, etag)
        .map_err(|source| StoreError::Write { path: cache.snapshot(commit).join(file), source })
}

pub(super) fn add_folder(
    repository: &HubRepository,
    folder: &Path,
    places: &Places,
    look: &Look<'_>,
) -> Result<PathBuf, StoreError> {
    let lacks =
        |file: &'static str| StoreError::Incomplete { id: repository.id, path: folder.to_owned(), file };
    let weights = weights_in(repository, folder).ok_or_else(|| lacks(repository.weights[0]))?;
    if let Some(file) = repository.others.iter().find(|file| !folder.join(file).is_file()) {
        return Err(lacks(file));
    }
    look(&weights).map_err(StoreError::Unusable)?;
    let target = added_folder(repository, places);
    for file in repository.others {
        copy(&folder.join(file), &target.join(file))?;
    }
    // Last, because with it the folder counts as complete; and no other weights may win over it.
    for file in repository.weights {
        fs::remove_file(target.join(file)).ok();
    }
    let name = weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let copied = target.join(&name);
    copy(&weights, &copied)?;
    let record = Record::of(&places.models_dir);
    let sha256 = record.sha256(&copied, Hashing::Always)?;
    record.replace_first(&format!("{}/{name}", repository.id), &sha256);
    Ok(target)
}
