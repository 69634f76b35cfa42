//! How a suite describes where its data come from.

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

impl Source<'_> {
    /// Repository and commit, for people.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{} at {}", self.repository, self.commit)
    }
}
