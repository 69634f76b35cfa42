//! How a suite describes where its data come from.

use imgeval_suites::files::{FetchedSource, SourceFile};

use super::MAX_FILE_BYTES;

/// No archive of a suite's repository is longer.
const MAX_ARCHIVE_BYTES: u64 = 1 << 30;

/// Where the data of a suite come from, and which bytes are the right ones.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// The name that users fetch it by.
    pub id: &'a str,
    /// For people.
    pub title: &'a str,
    /// As the source states it.
    pub licence: &'a str,
    /// `owner/name` of its repository.
    pub repository: &'a str,
    /// The commit that the files are pinned at, perhaps abbreviated.
    pub commit: &'a str,
    /// All files of the repository at that commit; without it, files need an address of their own.
    pub archive: Option<Archive<'a>>,
    pub files: Vec<RemoteFile<'a>>,
}

/// A zip archive of a repository. Code hosts state the commit in its comment.
#[derive(Debug, Clone, Copy)]
pub struct Archive<'a> {
    pub url: &'a str,
    /// A longer archive is refused.
    pub max_bytes: u64,
}

/// One file of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFile<'a> {
    /// Its path in the repository, with `/` between folders; it is kept below the suite's folder under this path.
    pub path: &'a str,
    /// Its own address; without it, the file is in the archive.
    pub url: Option<&'a str>,
    /// Lower-case hexadecimal.
    pub sha256: &'a str,
    /// A longer file is refused.
    pub max_bytes: u64,
    /// Whether it is a script, of which the user may ask for another version.
    pub is_script: bool,
}

impl Source<'static> {
    /// As the suite describes it.
    #[must_use]
    pub fn of(source: &'static FetchedSource) -> Self {
        let file = |file: &SourceFile| RemoteFile {
            path: file.path,
            url: file.url,
            sha256: file.sha256,
            max_bytes: MAX_FILE_BYTES,
            is_script: file.is_script,
        };
        Source {
            id: source.name,
            title: source.title,
            licence: source.licence,
            repository: source.repository,
            commit: source.commit,
            archive: source.archive.map(|url| Archive { url, max_bytes: MAX_ARCHIVE_BYTES }),
            files: source.files.iter().map(file).collect(),
        }
    }
}

impl Source<'_> {
    /// Repository and commit, for people.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{} at {}", self.repository, self.commit)
    }
}
