//! Downloads over HTTP: resumed where they broke off, tried again when the failure may pass, checked in length. The only
//! module here that talks to servers itself.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use imgeval_files::{Lock, OwnFolder};
use sha2::{Digest, Sha256};
use ureq::{
    Agent, Body,
    http::{HeaderMap, Response, header},
    tls::{RootCerts, TlsConfig},
};

use super::{error::PullEvent, hub::Token, store::to_hex};

/// Tries without any progress before a download is given up.
const MAX_TRIES: u32 = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that is silent for this long has gone.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 5;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// Why a file could not be downloaded. Addresses are those that were asked first: what they redirect to may carry
/// signatures.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("`{url}` is not there (404)")]
    NotFound { url: String },
    #[error("`{url}` is not for everyone ({status}), and no token was given")]
    TokenNeeded { url: String, status: u16 },
    #[error("`{url}` is not for the owner of this token ({status})")]
    Denied { url: String, status: u16 },
    #[error("`{url}` answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("could not download `{url}` after {tries} tries: {reason}")]
    GaveUp { url: String, tries: u32, reason: String },
    #[error("`{url}` cannot be asked for: {reason}")]
    Request { url: String, reason: String },
    #[error("`{url}` answered without {what}")]
    BadAnswer { url: String, what: &'static str },
    #[error("`{url}` has {found} bytes instead of {expected}")]
    Length { url: String, expected: u64, found: u64 },
    #[error("no space for `{}`: {needed} bytes are needed, {free} are free", path.display())]
    NoSpace { path: PathBuf, needed: u64, free: u64 },
    #[error("the disk is full, so `{}` could not be finished", path.display())]
    DiskFull { path: PathBuf },
    #[error("another process is downloading `{}`", path.display())]
    Busy { path: PathBuf },
    #[error("could not write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl DownloadError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::BadAnswer { .. } | Self::Length { .. } | Self::Request { .. } => {
                "check the endpoint (HF_ENDPOINT), or add a copy with `imgeval models add`"
            }
            Self::TokenNeeded { .. } => "set HF_TOKEN to a token that may read it",
            Self::Denied { .. } => "check HF_TOKEN, and whether its owner has accepted the model's terms",
            Self::Status { .. } | Self::GaveUp { .. } => {
                "check the network and proxy settings and try again; the download goes on where it stopped, or add a \
                 copy with `imgeval models add`"
            }
            Self::NoSpace { .. } | Self::DiskFull { .. } => {
                "make room, or choose another folder with --models-dir or HF_HOME"
            }
            Self::Busy { .. } => "wait until it is done",
            Self::Write { .. } => "check the folder's permissions",
        }
    }
}

/// What is downloaded, and where to.
pub(super) struct Download<'a> {
    /// Shown in errors, so without a password.
    pub(super) url: &'a str,
    /// Asked for the content; may be another server.
    pub(super) content_url: &'a str,
    pub(super) token: Option<&'a Token>,
    /// For people.
    pub(super) file: &'a str,
    /// The unfinished file.
    pub(super) partial: &'a Path,
    pub(super) bytes: Option<u64>,
}

/// A download that is complete on disk, synced.
pub(super) struct Downloaded {
    pub(super) bytes: u64,
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
    /// Keeps other processes off the unfinished file until it has its name.
    _lock: File,
}

/// What the hub tells of a file before it is fetched.
pub(super) struct FileFacts {
    pub(super) etag: String,
    pub(super) commit: String,
    pub(super) bytes: Option<u64>,
    /// Where the content is.
    pub(super) content_url: String,
    /// Whether that is the hub itself, which may see the token.
    pub(super) is_same_server: bool,
}

/// How one try ended without success.
enum Failure {
    Final(DownloadError),
    /// It may work later.
    Passing {
        reason: String,
        has_progress: bool,
    },
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::Final(error)
    }
}

pub(super) struct Client {
    agent: Agent,
    pause: Duration,
}

impl Client {
    pub(super) fn new(pause: Duration) -> Self {
        // The user's own certificates count, and proxies are taken from the environment.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("imgeval/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT))
            .build();
        Self { agent: config.new_agent(), pause }
    }

    /// Asks the hub about a file.
    pub(super) fn facts(
        &self,
        url: &str,
        token: Option<&Token>,
        events: &dyn Fn(PullEvent),
    ) -> Result<FileFacts, DownloadError> {
        let shown = without_user(url);
        self.keep_trying(&shown, &shown, events, || self.facts_once(url, &shown, token))
    }

    /// Fetches a file, from where an earlier download stopped.
    pub(super) fn fetch(
        &self,
        download: &Download,
        events: &dyn Fn(PullEvent),
    ) -> Result<Downloaded, DownloadError> {
        let mut partial = Partial::open(download.partial)?;
        self.keep_trying(download.url, download.file, events, || {
            self.fetch_once(download, &mut partial, events)
        })?;
        let write_error = |source| write_error(download.partial, source);
        partial.file.sync_all().map_err(write_error)?;
        let sha256 = to_hex(&partial.hasher.finalize());
        Ok(Downloaded { bytes: partial.bytes, sha256, _lock: partial.file })
    }

    fn keep_trying<T>(
        &self,
        url: &str,
        file: &str,
        events: &dyn Fn(PullEvent),
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, DownloadError> {
        let mut tries = 0;
        loop {
            let reason = match attempt() {
                Ok(result) => return Ok(result),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { reason, has_progress }) => {
                    tries = if has_progress { 1 } else { tries + 1 };
                    reason
                }
            };
            if tries >= MAX_TRIES {
                return Err(DownloadError::GaveUp { url: url.to_owned(), tries, reason });
            }
            events(PullEvent::Retrying { file: file.to_owned(), reason });
            thread::sleep(self.pause * 2_u32.pow(tries - 1));
        }
    }

    fn facts_once(&self, url: &str, shown: &str, token: Option<&Token>) -> Result<FileFacts, Failure> {
        let mut asked = url.to_owned();
        for _ in 0..MAX_REDIRECTS {
            // Packed answers would have no length.
            let mut request = self.agent.head(&asked).header(header::ACCEPT_ENCODING, "identity");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret()));
            }
            let response = request.config().max_redirects(0).build().call();
            let response = response.map_err(|error| transport_failure(shown, &error))?;
            let headers = response.headers();
            let location = text(headers, "location");
            if response.status().is_redirection() {
                let bad =
                    || DownloadError::BadAnswer { url: shown.to_owned(), what: "saying where the file is" };
                let location = location.ok_or_else(bad)?;
                // Moves inside the hub are relative; an absolute address is the content's own.
                if location.starts_with('/') && !location.starts_with("//") {
                    asked = format!("{}{location}", origin(&asked));
                    continue;
                }
                let is_same_server = origin(&location) == origin(url);
                return Ok(file_facts(shown, headers, location, is_same_server)?);
            }
            check_status(shown, response.status().as_u16(), token.is_some())?;
            return Ok(file_facts(shown, headers, asked, true)?);
        }
        Err(Failure::Final(DownloadError::BadAnswer { url: shown.to_owned(), what: "coming to an end" }))
    }

    fn fetch_once(
        &self,
        download: &Download,
        partial: &mut Partial,
        events: &dyn Fn(PullEvent),
    ) -> Result<(), Failure> {
        if download.bytes.is_some_and(|bytes| partial.bytes > bytes) {
            partial.restart()?;
        }
        if partial.bytes > 0 && download.bytes == Some(partial.bytes) {
            return Ok(());
        }
        let url = download.url;
        let mut request = self.agent.get(download.content_url);
        // The content itself is counted and hashed, not a packed form of it.
        request = request.header(header::ACCEPT_ENCODING, "identity");
        if partial.bytes > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", partial.bytes));
        }
        if let Some(token) = download.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        let response = request.call().map_err(|error| transport_failure(url, &error))?;
        let status = response.status().as_u16();
        if status == 416 {
            return range_refused(&response, partial);
        }
        check_status(url, status, download.token.is_some())?;
        let length = text(response.headers(), "content-length").and_then(|text| text.parse::<u64>().ok());
        if status == 206 {
            let starts =
                content_range(response.headers()).is_some_and(|(start, _)| start == Some(partial.bytes));
            if !starts {
                return Err(
                    DownloadError::BadAnswer { url: url.to_owned(), what: "the range asked for" }.into()
                );
            }
        } else {
            partial.restart()?;
        }
        let total = length.map(|length| partial.bytes.saturating_add(length));
        if let (Some(expected), Some(found)) = (download.bytes, total)
            && expected != found
        {
            return Err(DownloadError::Length { url: url.to_owned(), expected, found }.into());
        }
        let total = total.or(download.bytes);
        partial.check_space(total)?;
        events(PullEvent::Fetching {
            file: download.file.to_owned(),
            from: url.to_owned(),
            bytes: total,
            resumed_at: partial.bytes,
        });
        receive(response, total, download.file, partial, events)
    }
}

/// Fetches a file that is no weight, such as the archive of a suite, from where an earlier download stopped; its SHA-256 in
/// lower-case hexadecimal.
///
/// # Errors
/// If the file cannot be had or kept; the message names its address.
pub fn fetch_file(
    url: &str,
    to: &Path,
    retry_pause: Duration,
    events: &dyn Fn(PullEvent),
) -> Result<String, DownloadError> {
    let shown = without_user(url);
    let download =
        Download { url: &shown, content_url: url, token: None, file: &shown, partial: to, bytes: None };
    Ok(Client::new(retry_pause).fetch(&download, events)?.sha256)
}

fn receive(
    response: Response<Body>,
    total: Option<u64>,
    file: &str,
    partial: &mut Partial,
    events: &dyn Fn(PullEvent),
) -> Result<(), Failure> {
    let began_at = partial.bytes;
    let mut reader = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 18];
    let mut told = Instant::now();
    let reason = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break "the connection was closed early".to_owned(),
            Ok(count) => {
                if total.is_some_and(|total| partial.bytes + count as u64 > total) {
                    partial.restart()?;
                    let reason = "more came than was announced".to_owned();
                    return Err(Failure::Passing { reason, has_progress: false });
                }
                partial.append(&buffer[..count])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break error.to_string(),
        }
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            events(PullEvent::Progress { file: file.to_owned(), bytes: partial.bytes, total });
        }
    };
    // Without an announced length only the checksum can tell.
    if total.is_none_or(|total| partial.bytes == total) {
        return Ok(());
    }
    Err(Failure::Passing { reason, has_progress: partial.bytes > began_at })
}

/// The server has nothing from here on: because all is here, or because the file there is another.
fn range_refused(response: &Response<Body>, partial: &mut Partial) -> Result<(), Failure> {
    if let Some((_, Some(total))) = content_range(response.headers())
        && total == partial.bytes
    {
        return Ok(());
    }
    partial.restart()?;
    Err(Failure::Passing { reason: "the file there has changed".to_owned(), has_progress: false })
}

/// First byte and total length of `bytes 5-9/10` or `bytes */10`.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let range = text(headers, "content-range")?;
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-').and_then(|(start, _)| start.parse().ok()), total.parse().ok()))
}

fn file_facts(
    url: &str,
    headers: &HeaderMap,
    content_url: String,
    is_same_server: bool,
) -> Result<FileFacts, DownloadError> {
    let bad = |what| DownloadError::BadAnswer { url: url.to_owned(), what };
    let etag = text(headers, "x-linked-etag").or_else(|| text(headers, "etag"));
    let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
    let commit = text(headers, "x-repo-commit");
    // The length of a redirection is its own.
    let own_length = || text(headers, "content-length").filter(|_| !headers.contains_key("location"));
    let bytes = text(headers, "x-linked-size").or_else(own_length);
    Ok(FileFacts {
        etag: etag.filter(|etag| super::hub::is_plain(etag)).ok_or_else(|| bad("a usable ETag"))?,
        commit: commit
            .filter(|commit| super::hub::is_plain(commit))
            .ok_or_else(|| bad("a commit (X-Repo-Commit)"))?,
        bytes: bytes.and_then(|bytes| bytes.parse().ok()),
        content_url,
        is_same_server,
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |position| position + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length);
    &url[..end]
}

/// The address without user and password, to be shown.
pub(super) fn without_user(url: &str) -> String {
    let origin = origin(url);
    let host = origin.find("://").map_or(0, |position| position + 3);
    let user = origin[host..].rfind('@').map_or(0, |position| position + 1);
    format!("{}{}", &url[..host], &url[host + user..])
}

fn check_status(url: &str, status: u16, has_token: bool) -> Result<(), Failure> {
    let url = url.to_owned();
    Err(Failure::Final(match status {
        200..=299 => return Ok(()),
        401 | 403 if has_token => DownloadError::Denied { url, status },
        401 | 403 => DownloadError::TokenNeeded { url, status },
        404 | 410 => DownloadError::NotFound { url },
        408 | 429 | 500..=599 => {
            return Err(Failure::Passing {
                reason: format!("the server answered with status {status}"),
                has_progress: false,
            });
        }
        _ => DownloadError::Status { url, status },
    }))
}

fn transport_failure(url: &str, error: &ureq::Error) -> Failure {
    let reason = match error {
        // ureq's own words repeat the address.
        ureq::Error::BadUri(_) => "it is no complete http address".to_owned(),
        _ => error.to_string(),
    };
    match error {
        ureq::Error::Http(_)
        | ureq::Error::BadUri(_)
        | ureq::Error::RedirectFailed
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::TooManyRedirects
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_) => Failure::Final(DownloadError::Request { url: url.to_owned(), reason }),
        _ => Failure::Passing { reason, has_progress: false },
    }
}

fn write_error(path: &Path, source: io::Error) -> DownloadError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DownloadError::DiskFull { path },
        _ => DownloadError::Write { path, source },
    }
}

/// An unfinished file, locked while it grows, with the hash of what is there.
struct Partial {
    path: PathBuf,
    file: File,
    bytes: u64,
    hasher: Sha256,
}

impl Partial {
    fn open(path: &Path) -> Result<Self, DownloadError> {
        let failed = |source| write_error(path, source);
        let (folder, name) = OwnFolder::of_file(path).map_err(failed)?;
        let Lock::Taken(mut file) = folder.lock(name).map_err(failed)? else {
            return Err(DownloadError::Busy { path: path.to_owned() });
        };
        let mut hasher = Sha256::new();
        let mut bytes = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    bytes += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Self { path: path.to_owned(), file, bytes, hasher })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(|source| write_error(&self.path, source))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn restart(&mut self) -> Result<(), DownloadError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|source| write_error(&self.path, source))?;
        self.hasher = Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    /// Better before than after a gigabyte.
    fn check_space(&self, total: Option<u64>) -> Result<(), DownloadError> {
        let needed = total.unwrap_or(0).saturating_sub(self.bytes);
        match free_space(&self.path) {
            Some(free) if free < needed => {
                Err(DownloadError::NoSpace { path: self.path.clone(), needed, free })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn free_space(path: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(path).ok()?;
    facts.f_bavail.checked_mul(facts.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_user_and_password() {
        let check = |url: &str, shown: &str| assert_eq!(without_user(url), shown);
        check("http://user:secret@host:80/a@b", "http://host:80/a@b");
        check("https://user:se@cret@host", "https://host");
        check("https://host/x?y=a@b", "https://host/x?y=a@b");
        check("user:secret@host/x", "host/x");
        check("", "");
    }

    #[cfg(unix)]
    #[test]
    fn a_partial_file_is_one_process_s_and_never_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("x"), folder.path().join("y"));
        let partial = Partial::open(&path).ok().unwrap();
        assert!(matches!(Partial::open(&path), Err(DownloadError::Busy { .. })));
        drop(partial);
        std::fs::write(&other, "precious").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let mut partial = Partial::open(&path).ok().unwrap();
        partial.append(b"x").ok().unwrap();
        partial.restart().ok().unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
    }
}
