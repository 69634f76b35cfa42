//! Taking a suite's pinned files from its repository, or from what the user downloaded.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use imgeval_core::ContentHash;
use imgeval_files::OwnFolder;
use imgeval_suites::files::{FetchRecord, RECORD_VERSION, other_scripts};

use super::{
    bundle::{Bundle, MAX_FILE_BYTES, read_file, write_whole},
    error::FetchError,
    folder::SuiteFolder,
    source::RemoteFile,
};
use crate::http::{Client, Download, DownloadError, DownloadEvent, without_user};

/// What to do with scripts that are not the pinned ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherScripts {
    Refuse,
    /// What is made of them says so.
    Take,
}

/// How a suite is fetched.
#[derive(Debug, Clone, Copy)]
pub struct Fetching<'a> {
    /// A folder or zip archive; `None` asks the network.
    pub from: Option<&'a Path>,
    /// Never talk to the network.
    pub is_offline: bool,
    pub other_scripts: OtherScripts,
    /// Whether what was fetched before is replaced.
    pub replaces: bool,
    /// Before a broken download is tried again; doubled from try to try.
    pub retry_pause: Duration,
}

/// Checks a script of another version, and returns why it cannot be used.
pub type CheckScript<'c, 'a, E> = dyn Fn(&RemoteFile<'a>, &[u8]) -> Result<(), E> + 'c;

/// What came of fetching; `E` is why a script of another version could not be used.
#[derive(Debug)]
pub struct Fetched<'a, E> {
    pub n_files: usize,
    /// Missing files; whatever needs them is unavailable.
    pub missing: Vec<&'a str>,
    /// Scripts that are not the pinned ones, with their checksums.
    pub other_scripts: Vec<(RemoteFile<'a>, String)>,
    /// Why scripts were not taken.
    pub unusable: Vec<E>,
}

impl<'a> SuiteFolder<'a> {
    /// Installs the suite's files. A script of another version is installed only if requested and accepted by
    /// `check_script`.
    ///
    /// # Errors
    /// If a file is not the pinned one and was not requested anyway, another version is installed and must not be
    /// replaced, or no file is usable. In these cases the installed files stay unchanged.
    pub fn fetch<E>(
        &self,
        fetching: &Fetching<'_>,
        check_script: &CheckScript<'_, 'a, E>,
        events: &dyn Fn(DownloadEvent),
    ) -> Result<Fetched<'a, E>, FetchError> {
        if fetching.from.is_none() && fetching.is_offline {
            return Err(FetchError::Offline);
        }
        fs::create_dir_all(self.path())
            .map_err(|source| FetchError::Write { path: self.path().to_owned(), source })?;
        let mut given = match fetching.from {
            Some(path) => Given::of(Bundle::open(path)?),
            None => self.download(fetching.retry_pause, events)?,
        };
        let fetched = self.take(&mut given, fetching, check_script);
        // Whole or refused, downloads are of no further use.
        given.forget();
        fetched
    }

    /// Downloads the archive, and the files that have an address of their own.
    fn download(&self, retry_pause: Duration, events: &dyn Fn(DownloadEvent)) -> Result<Given, FetchError> {
        let client = Client::new(retry_pause)?;
        let source = self.source();
        let get = |url: &str, name: &str, max_bytes: u64| {
            let partial = self.path().join(name);
            let shown = without_user(url);
            let download = Download {
                url: &shown,
                content_url: url,
                token: None,
                file: &shown,
                partial: &partial,
                bytes: None,
                max_bytes: Some(max_bytes),
            };
            match client.fetch(&download, events) {
                Ok(_) => Ok(partial),
                Err(error) => {
                    if matches!(error, DownloadError::TooLong { .. }) {
                        fs::remove_file(&partial).ok();
                    }
                    Err(FetchError::from(error))
                }
            }
        };
        let mut given = Given::default();
        if let Some(archive) = &source.archive {
            let partial = get(archive.url, "archive.partial", archive.max_bytes)?;
            let bundle = Bundle::open(&partial).inspect_err(|_| {
                // It would be refused for ever.
                fs::remove_file(&partial).ok();
            });
            given = Given::of(bundle?);
            given.downloads.push(partial);
        }
        for file in &source.files {
            if let Some(url) = file.url {
                let max_bytes = file.max_bytes.min(MAX_FILE_BYTES);
                given.downloads.push(get(url, &partial_name(file), max_bytes)?);
            }
        }
        Ok(Given { is_of_network: true, ..given })
    }

    fn take<E>(
        &self,
        given: &mut Given,
        fetching: &Fetching<'_>,
        check_script: &CheckScript<'_, 'a, E>,
    ) -> Result<Fetched<'a, E>, FetchError> {
        let source = self.source();
        let commit = given.commit();
        if given.is_of_network
            && source.archive.is_some()
            && !commit.as_ref().is_some_and(|commit| commit.starts_with(source.commit))
        {
            return Err(FetchError::OtherCommit { commit: source.commit.to_owned() });
        }
        let before = if fetching.replaces { None } else { FetchRecord::read(self.path())? };
        let mut record = before.clone().unwrap_or_default();
        record.format_version = RECORD_VERSION;
        if let Some(commit) = commit {
            record.commit = commit;
        }
        let mut fetched =
            Fetched { n_files: 0, missing: Vec::new(), other_scripts: Vec::new(), unusable: Vec::new() };
        let mut contents = Vec::new();
        for file in &source.files {
            let Some(bytes) = given.read(file, self.path())? else {
                if !record.files.contains_key(file.path) {
                    fetched.missing.push(file.path);
                }
                continue;
            };
            let found = ContentHash::of(&bytes).to_string();
            let mut path = self.place_of(file)?;
            let is_other = found != file.sha256;
            if is_other {
                if !file.is_script || fetching.other_scripts == OtherScripts::Refuse {
                    return Err(self.changed(file, file.path, &found, file.sha256));
                }
                if let Err(error) = check_script(file, &bytes) {
                    fetched.unusable.push(error);
                    continue;
                }
                path = other_scripts(self.path()).join(&found);
            }
            let known = before.as_ref().and_then(|before| before.files.get(file.path));
            if let Some(known) = known.filter(|known| **known != found) {
                let (path, before) = (file.path.to_owned(), known.clone());
                return Err(FetchError::NotTheOneBefore { path, found, before });
            }
            record.other_scripts.remove(file.path);
            if is_other {
                record.other_scripts.insert(file.path.to_owned());
                fetched.other_scripts.push((*file, found.clone()));
            }
            record.files.insert(file.path.to_owned(), found);
            contents.push((path, bytes));
        }
        if contents.is_empty() {
            return Err(FetchError::NoFile { title: source.title.to_owned() });
        }
        // Pinned files have the same bytes always, others a name of their own: until the record is replaced, the old one
        // holds.
        for (path, bytes) in &contents {
            write_whole(path, bytes)?;
        }
        let text = toml::to_string(&record).map_err(|source| FetchError::Record { source })?;
        write_whole(&self.path().join(FetchRecord::FILE), text.as_bytes())?;
        self.sweep_other_scripts(&record);
        fetched.n_files = contents.len();
        Ok(fetched)
    }

    /// Removes scripts that the record does not name any longer.
    fn sweep_other_scripts(&self, record: &FetchRecord) {
        let named: BTreeSet<&String> =
            record.other_scripts.iter().filter_map(|path| record.files.get(path)).collect();
        let Ok(folder) = OwnFolder::open(&other_scripts(self.path())) else { return };
        for name in folder.names().unwrap_or_default() {
            let name = name.to_string_lossy().into_owned();
            if ContentHash::parse(&name).is_some() && !named.contains(&name) {
                // One that stays is only in the way.
                folder.remove(&name).ok();
            }
        }
    }
}

/// What files are taken from.
#[derive(Default)]
struct Given {
    bundle: Option<Bundle>,
    /// What the bundle holds.
    names: Vec<String>,
    is_of_network: bool,
    /// Downloads that are removed when all is taken.
    downloads: Vec<PathBuf>,
}

impl Given {
    fn of(bundle: Bundle) -> Self {
        Self { names: bundle.names(), bundle: Some(bundle), ..Self::default() }
    }

    /// The commit that an archive names in its comment.
    fn commit(&self) -> Option<String> {
        let comment = self.bundle.as_ref()?.comment();
        let is_commit = comment.len() == 40 && comment.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit.then_some(comment)
    }

    /// The bytes of a file; `None` if it is not there.
    fn read(&mut self, file: &RemoteFile<'_>, folder: &Path) -> Result<Option<Vec<u8>>, FetchError> {
        if self.is_of_network && file.url.is_some() {
            return read_file(&folder.join(partial_name(file)), file.max_bytes).map(Some);
        }
        self.bundle.as_mut().map_or(Ok(None), |bundle| find_file(bundle, &self.names, file))
    }

    fn forget(self) {
        for partial in self.downloads {
            fs::remove_file(partial).ok();
        }
    }
}

/// The name of an unfinished file with an address of its own.
fn partial_name(file: &RemoteFile<'_>) -> String {
    format!("{}.partial", file.sha256)
}

/// The file where the repository has it, below any folder; else by its checksum wherever it lies; else by its name
/// alone, if only one has it. `None` if none has.
fn find_file(
    bundle: &mut Bundle,
    names: &[String],
    file: &RemoteFile<'_>,
) -> Result<Option<Vec<u8>>, FetchError> {
    let at_place = |name: &&String| {
        name.strip_suffix(file.path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    if let Some(name) = names.iter().filter(at_place).min_by_key(|name| name.len()) {
        return bundle.read(name, file.max_bytes).map(Some);
    }
    let file_name = file.path.rsplit('/').next().unwrap_or(file.path);
    let same_name: Vec<&String> =
        names.iter().filter(|name| name.rsplit('/').next() == Some(file_name)).collect();
    for name in &same_name {
        let bytes = bundle.read(name, file.max_bytes)?;
        if same_name.len() == 1 || file.sha256 == ContentHash::of(&bytes).as_str() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
