//! The cache of the Hugging Face hub, in the layout that its own tools use, so that they and we find each other's files:
//!
//! ```text
//! <cache>/models--<owner>--<name>/refs/<revision>               the commit that a branch pointed to
//!                                 snapshots/<commit>/<file>     a link to ../../blobs/<etag>
//!                                 blobs/<etag>                  the content; the etag of large files is their SHA-256
//!                                 blobs/<etag>.incomplete       a download that is not finished
//! ```
//!
//! Source: "Understand caching" in the documentation of `huggingface_hub`.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use imgeval_files::OwnFolder;

use super::sets::HubRepository;
use crate::http::{Token, is_plain, without_user};

/// Where the public hub answers.
const PUBLIC_ENDPOINT: &str = "https://huggingface.co";

/// The hub as this user has set it up.
#[derive(Clone, PartialEq, Eq)]
pub struct Hub {
    /// The folder with the `models--*` folders.
    pub cache: PathBuf,
    /// Address without a slash at the end; may hold a user and a password, which no output shows.
    pub endpoint: String,
    pub token: Option<Token>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Hub");
        shown.field("cache", &self.cache).field("endpoint", &without_user(&self.endpoint));
        shown.field("token", &self.token).finish()
    }
}

impl Hub {
    /// The hub's own settings: `HF_HUB_CACHE`, else `HF_HOME`, else `XDG_CACHE_HOME`, else `HOME` say where the cache is,
    /// `HF_ENDPOINT` which server answers, `HF_TOKEN` who asks. `variable` gives a variable that is set and not empty.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let below = |name: &str, rest: &str| variable(name).map(|base| PathBuf::from(base).join(rest));
        let cache = below("HF_HUB_CACHE", "")
            .or_else(|| below("HF_HOME", "hub"))
            .or_else(|| below("XDG_CACHE_HOME", "huggingface/hub"))
            .or_else(|| below("HOME", ".cache/huggingface/hub"))
            .unwrap_or_else(|| PathBuf::from("huggingface-hub"));
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| PUBLIC_ENDPOINT.to_owned());
        Self {
            cache,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: variable("HF_TOKEN").map(|secret| Token::new(&secret)),
        }
    }

    /// The folder of a repository, `owner/name`, that some tool has downloaded: what its branch `main` pointed to then.
    #[must_use]
    pub fn cached(&self, repository: &str) -> Option<PathBuf> {
        let (owner, name) = repository.split_once('/')?;
        if !(is_repository_part(owner) && is_repository_part(name)) {
            return None;
        }
        CacheFolder { path: self.cache.join(format!("models--{owner}--{name}")) }.current("main")
    }

    pub(super) fn url(&self, repository: &HubRepository, file: &str) -> String {
        format!("{}/{}/resolve/{}/{file}", self.endpoint, repository.repository, repository.revision)
    }

    pub(super) fn folder(&self, repository: &HubRepository) -> CacheFolder {
        let name = format!("models--{}", repository.repository.replace('/', "--"));
        CacheFolder { path: self.cache.join(name) }
    }
}

/// A reference holds the hash of a commit.
const MAX_REF_BYTES: u64 = 4096;

/// The cache of one repository.
#[derive(Debug)]
pub(super) struct CacheFolder {
    path: PathBuf,
}

impl CacheFolder {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.path.join("blobs").join(etag)
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.path.join("snapshots").join(commit)
    }

    /// The snapshot that the revision points to, or the revision itself if it is a commit.
    pub(super) fn current(&self, revision: &str) -> Option<PathBuf> {
        let commit = imgeval_files::read_text(&self.path.join("refs").join(revision), MAX_REF_BYTES)
            .map_or_else(|_| revision.to_owned(), |text| text.trim().to_owned());
        is_plain(&commit).then(|| self.snapshot(&commit)).filter(|snapshot| snapshot.is_dir())
    }

    /// Points the revision to the commit.
    pub(super) fn set_current(&self, revision: &str, commit: &str) -> io::Result<()> {
        // A branch may have slashes in its name; ours have none.
        OwnFolder::make(&self.path.join("refs"))?.write_whole(revision, commit.as_bytes())
    }

    /// Puts a blob into a snapshot.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> io::Result<PathBuf> {
        let snapshot = self.snapshot(commit);
        fs::create_dir_all(&snapshot)?;
        let path = snapshot.join(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(Path::new("../../blobs").join(etag), &path)?;
        // Links need a privilege on Windows; the hub's tools put the file itself there, too.
        #[cfg(not(unix))]
        fs::rename(self.blob(etag), &path)?;
        Ok(path)
    }
}

/// Whether a text from outside may be the owner or the name of a repository: plain, but for dots inside.
fn is_repository_part(name: &str) -> bool {
    name.len() <= 128 && name.split('.').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_variables_are_honoured_in_its_order() {
        let check = |variables: &[(&str, &str)], cache: &str, endpoint: &str| {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let hub = Hub::from_variables(variable);
            assert_eq!((hub.cache.as_path(), hub.endpoint.as_str()), (Path::new(cache), endpoint));
        };
        let all = [("HF_HUB_CACHE", "/a"), ("HF_HOME", "/b"), ("XDG_CACHE_HOME", "/c"), ("HOME", "/d")];
        check(&all, "/a", PUBLIC_ENDPOINT);
        check(&all[1..], "/b/hub", PUBLIC_ENDPOINT);
        check(&all[2..], "/c/huggingface/hub", PUBLIC_ENDPOINT);
        check(&all[3..], "/d/.cache/huggingface/hub", PUBLIC_ENDPOINT);
        check(&[("HF_ENDPOINT", "http://mirror/x/")], "huggingface-hub", "http://mirror/x");
    }

    #[test]
    fn tokens_are_never_shown() {
        let hub = Hub::from_variables(|name| (name == "HF_TOKEN").then(|| " secret\n".to_owned()));
        assert_eq!(hub.token.as_ref().unwrap().secret(), "secret");
        assert!(!format!("{hub:?}").contains("secret"));
        let hub = Hub { endpoint: "http://user:secret@host".to_owned(), ..hub };
        assert!(!format!("{hub:?}").contains("secret"));
    }

    #[test]
    fn repositories_with_dots_are_found_and_none_leads_out_of_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub { cache: folder.path().to_owned(), endpoint: String::new(), token: None };
        let snapshot = folder.path().join("models--laion--CLIP-ViT-L.14/snapshots/main");
        fs::create_dir_all(&snapshot).unwrap();
        assert_eq!(hub.cached("laion/CLIP-ViT-L.14"), Some(snapshot));
        for name in ["a", "a/", "a/b/c", "a/..", "a/.b", "a/b.", "a/b..c", "../b", "a/b\\c"] {
            assert_eq!(hub.cached(name), None, "{name}");
        }
        assert!(["a", "a.b", "v1.5.2", "_a-b"].into_iter().all(is_repository_part));
        assert!(!["", ".", "..", ".a", "a.", "a..b", "a/b"].into_iter().any(is_repository_part));
    }
}
