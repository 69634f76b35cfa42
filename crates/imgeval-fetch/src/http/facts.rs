//! What a server's headers say of a file.

use reqwest::header::HeaderMap;

use super::{error::DownloadError, token::is_plain};

/// What the hub says of a file before it is fetched.
pub(crate) struct FileFacts {
    pub(crate) etag: String,
    pub(crate) commit: String,
    pub(crate) bytes: Option<u64>,
    /// Where the content is.
    pub(crate) content_url: String,
    /// Whether that is the hub itself, which may see the token.
    pub(crate) is_same_server: bool,
}

impl FileFacts {
    pub(super) fn read(
        url: &str,
        headers: &HeaderMap,
        content_url: String,
        is_same_server: bool,
    ) -> Result<Self, DownloadError> {
        let bad = |what| DownloadError::BadAnswer { url: url.to_owned(), what };
        let etag = text(headers, "x-linked-etag").or_else(|| text(headers, "etag"));
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
        let commit = text(headers, "x-repo-commit");
        // The length of a redirection is its own.
        let own_length = || text(headers, "content-length").filter(|_| !headers.contains_key("location"));
        let bytes = text(headers, "x-linked-size").or_else(own_length);
        Ok(Self {
            etag: etag.filter(|etag| is_plain(etag)).ok_or_else(|| bad("a usable ETag"))?,
            commit: commit
                .filter(|commit| is_plain(commit))
                .ok_or_else(|| bad("a commit (X-Repo-Commit)"))?,
            bytes: bytes.and_then(|bytes| bytes.parse().ok()),
            content_url,
            is_same_server,
        })
    }
}

/// First byte and total length of `bytes 5-9/10` or `bytes */10`.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let range = text(headers, "content-range")?;
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-').and_then(|(start, _)| start.parse().ok()), total.parse().ok()))
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
