//! Asking about a file and fetching it, tried again as long as that may help.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use reqwest::{Method, Response};
use tokio::runtime::{Builder, Runtime};

use super::{
    address::{origin, without_user},
    connection::{Connection, Request, innermost, redirected},
    error::{DownloadError, DownloadEvent, Failure},
    facts::{FileFacts, content_range, text},
    partial::{Downloaded, Partial},
    token::Token,
};

/// Tries without any progress before a download is given up.
const MAX_TRIES: u32 = 5;
/// Redirects inside the hub before it says where a file is.
const MAX_MOVES: usize = 5;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// What to download, and where to.
pub(crate) struct Download<'a> {
    /// Shown in errors, so without a password.
    pub(crate) url: &'a str,
    /// Asked for the content; may be another server.
    pub(crate) content_url: &'a str,
    pub(crate) token: Option<&'a Token>,
    /// For people.
    pub(crate) file: &'a str,
    /// The unfinished file.
    pub(crate) partial: &'a Path,
    /// How long the file is, where that is known.
    pub(crate) bytes: Option<u64>,
    /// A longer file is refused.
    pub(crate) max_bytes: Option<u64>,
}

pub(crate) struct Client {
    connection: Connection,
    /// Drives one request at a time; callers see no asynchronous code.
    runtime: Runtime,
    pause: Duration,
}

impl Client {
    /// A client that waits for `pause` before it tries again, and twice as long each further time.
    pub(crate) fn new(pause: Duration) -> Result<Self, DownloadError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| DownloadError::Setup { reason: error.to_string() })?;
        Ok(Self { connection: Connection::new()?, runtime, pause })
    }

    /// Asks the hub about a file.
    pub(crate) fn facts(
        &self,
        url: &str,
        token: Option<&Token>,
        events: &dyn Fn(DownloadEvent),
    ) -> Result<FileFacts, DownloadError> {
        let shown = without_user(url);
        self.keep_trying(&shown, &shown, events, || {
            self.runtime.block_on(self.facts_once(url, &shown, token))
        })
    }

    /// Fetches a file, from where an earlier download stopped.
    pub(crate) fn fetch(
        &self,
        download: &Download,
        events: &dyn Fn(DownloadEvent),
    ) -> Result<Downloaded, DownloadError> {
        let mut partial = Partial::open(download.partial)?;
        self.keep_trying(download.url, download.file, events, || {
            self.runtime.block_on(self.fetch_once(download, &mut partial, events))
        })?;
        partial.finish()
    }

    fn keep_trying<T>(
        &self,
        url: &str,
        file: &str,
        events: &dyn Fn(DownloadEvent),
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
            events(DownloadEvent::Retrying { file: file.to_owned(), reason });
            thread::sleep(self.pause * 2_u32.pow(tries - 1));
        }
    }

    async fn facts_once(&self, url: &str, shown: &str, token: Option<&Token>) -> Result<FileFacts, Failure> {
        let mut asked = url.to_owned();
        for _ in 0..MAX_MOVES {
            let request = Request { method: Method::HEAD, url: shown, asked: &asked, token, start: 0 };
            let response = self.connection.send(&request).await?;
            let headers = response.headers();
            if response.status().is_redirection() {
                let location = text(headers, "location");
                let bad =
                    || DownloadError::BadAnswer { url: shown.to_owned(), what: "saying where the file is" };
                let location = location.ok_or_else(bad)?;
                // Moves inside the hub are relative; an absolute address is the content's own.
                let is_move = location.starts_with('/') && !location.starts_with("//");
                let target = redirected(shown, &asked, &location)?;
                if is_move {
                    asked = target;
                    continue;
                }
                let is_same_server = origin(&target) == origin(url);
                return Ok(FileFacts::read(shown, headers, target, is_same_server)?);
            }
            check_status(shown, response.status().as_u16(), token.is_some())?;
            return Ok(FileFacts::read(shown, headers, asked.clone(), true)?);
        }
        Err(Failure::Final(DownloadError::BadAnswer { url: shown.to_owned(), what: "coming to an end" }))
    }

    async fn fetch_once(
        &self,
        download: &Download<'_>,
        partial: &mut Partial,
        events: &dyn Fn(DownloadEvent),
    ) -> Result<(), Failure> {
        if download.bytes.is_some_and(|bytes| partial.bytes() > bytes) {
            partial.restart()?;
        }
        if partial.bytes() > 0 && download.bytes == Some(partial.bytes()) {
            return Ok(());
        }
        let Download { url, content_url, token, .. } = *download;
        let request = Request { method: Method::GET, url, asked: content_url, token, start: partial.bytes() };
        let response = self.connection.send_and_follow(request).await?;
        let status = response.status().as_u16();
        if status == 416 {
            return range_refused(&response, partial);
        }
        check_status(url, status, download.token.is_some())?;
        let length = text(response.headers(), "content-length").and_then(|text| text.parse::<u64>().ok());
        if status == 206 {
            let starts =
                content_range(response.headers()).is_some_and(|(start, _)| start == Some(partial.bytes()));
            if !starts {
                return Err(
                    DownloadError::BadAnswer { url: url.to_owned(), what: "the range asked for" }.into()
                );
            }
        } else {
            partial.restart()?;
        }
        let total = length.map(|length| partial.bytes().saturating_add(length));
        if let (Some(expected), Some(found)) = (download.bytes, total)
            && expected != found
        {
            return Err(DownloadError::Length { url: url.to_owned(), expected, found }.into());
        }
        let total = total.or(download.bytes);
        check_length(download, total.unwrap_or(0))?;
        partial.check_space(total)?;
        events(DownloadEvent::Fetching {
            file: download.file.to_owned(),
            from: url.to_owned(),
            bytes: total,
            resumed_at: partial.bytes(),
        });
        receive(response, total, download, partial, events).await
    }
}

async fn receive(
    mut response: Response,
    total: Option<u64>,
    download: &Download<'_>,
    partial: &mut Partial,
    events: &dyn Fn(DownloadEvent),
) -> Result<(), Failure> {
    let began_at = partial.bytes();
    let mut told = Instant::now();
    let reason = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let bytes = partial.bytes() + chunk.len() as u64;
                if total.is_some_and(|total| bytes > total) {
                    partial.restart()?;
                    let reason = "more data than announced".to_owned();
                    return Err(Failure::Passing { reason, has_progress: false });
                }
                check_length(download, bytes)?;
                partial.append(&chunk)?;
            }
            // Without an announced length only the checksum can tell whether that is all.
            Ok(None) if total.is_none_or(|total| partial.bytes() == total) => return Ok(()),
            Ok(None) => break "the connection was closed early".to_owned(),
            Err(error) => break innermost(error),
        }
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            let (file, bytes) = (download.file.to_owned(), partial.bytes());
            events(DownloadEvent::Progress { file, bytes, total });
        }
    };
    if total == Some(partial.bytes()) {
        return Ok(());
    }
    Err(Failure::Passing { reason, has_progress: partial.bytes() > began_at })
}

/// The server has nothing from here on: because all is here, or because the file there is another.
fn range_refused(response: &Response, partial: &mut Partial) -> Result<(), Failure> {
    if let Some((_, Some(total))) = content_range(response.headers())
        && total == partial.bytes()
    {
        return Ok(());
    }
    partial.restart()?;
    Err(Failure::Passing { reason: "the remote file has changed".to_owned(), has_progress: false })
}

fn check_length(download: &Download, bytes: u64) -> Result<(), DownloadError> {
    match download.max_bytes {
        Some(limit) if bytes > limit => Err(DownloadError::TooLong { url: download.url.to_owned(), limit }),
        _ => Ok(()),
    }
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
