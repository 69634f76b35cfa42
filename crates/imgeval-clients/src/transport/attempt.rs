//! One attempt: sends the request and returns the complete reply, or the reason why there is none.

use std::{error::Error, io, time::Duration};

use reqwest::{StatusCode, header::HeaderMap};
use tokio::time::{Instant, timeout, timeout_at};

use super::budget::{Budget, Held};

/// A body may be silent for so long before it counts as stalled.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// Limit on the size of one reply; images are far smaller.
pub(super) const MAX_BODY_BYTES: usize = 128 << 20;

/// A reply that arrived; of one that reports an error, perhaps not all.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The body's share of the memory for replies.
    pub(super) held: Option<Held>,
}

impl Received {
    pub(super) fn content_type(&self) -> &str {
        let value = self.headers.get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.split(';').next()).unwrap_or("no content type").trim()
    }
}

/// Why no reply arrived; the texts are not redacted yet.
pub(super) enum Broken {
    /// Nothing listens at the address, or its name is unknown.
    NoServer(String),
    /// The server has not got the request.
    NotSent(String),
    /// The connection broke, or the reply could not be taken.
    Lost(String),
    /// Nothing came, or not all of it, in time.
    TimedOut(String),
    /// Redirected in a circle, too often, or to where it must not go: asking again gives the same.
    Misdirected(String),
}

pub(super) async fn attempt(
    request: reqwest::RequestBuilder,
    limit: Duration,
    budget: &Budget,
) -> Result<Received, Broken> {
    let late = || Broken::TimedOut(format!("no complete answer within {}", shown(limit)));
    let deadline = Instant::now() + limit;
    let response = timeout_at(deadline, request.send()).await.map_err(|_| late())?.map_err(broken)?;
    let length = response.content_length();
    if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) && response.status().is_success() {
        return Err(too_large());
    }
    let waiting_since = Instant::now();
    let held = budget.take(length).await;
    // It is not the server's fault that others were in the way.
    let deadline = deadline + waiting_since.elapsed();
    let silence = limit.min(MAX_SILENCE);
    timeout_at(deadline, receive(response, silence, held, budget)).await.unwrap_or_else(|_| Err(late()))
}

async fn receive(
    mut response: reqwest::Response,
    silence: Duration,
    mut held: Held,
    budget: &Budget,
) -> Result<Received, Broken> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body =
        Vec::with_capacity(response.content_length().map_or(0, |length| length as usize).min(MAX_BODY_BYTES));
    loop {
        let failed = match timeout(silence, response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= MAX_BODY_BYTES => {
                budget.grow(&mut held, body.len() + chunk.len()).await;
                body.extend_from_slice(&chunk);
                continue;
            }
            Ok(Ok(Some(_))) => too_large(),
            Ok(Ok(None)) => {
                held.shrink(body.len());
                return Ok(Received { status, headers, body, held: Some(held) });
            }
            Ok(Err(error)) => {
                Broken::Lost(format!("the reply was cut off after {} bytes: {}", body.len(), chain(error)))
            }
            Err(_) => Broken::TimedOut(format!(
                "the reply stalled for {} after {} bytes",
                shown(silence),
                body.len()
            )),
        };
        // Of an error the status says enough.
        return if status.is_success() {
            Err(failed)
        } else {
            Ok(Received { status, headers, body, held: None })
        };
    }
}

fn too_large() -> Broken {
    Broken::Lost(format!("the reply is larger than {} MiB", MAX_BODY_BYTES >> 20))
}

fn broken(error: reqwest::Error) -> Broken {
    if error.is_redirect() {
        Broken::Misdirected(chain(error))
    } else if error.is_connect() && leads_nowhere(&error) {
        Broken::NoServer(format!("no connection: {}", chain(error)))
    } else if error.is_connect() || error.is_builder() {
        Broken::NotSent(format!("no connection: {}", chain(error)))
    } else {
        Broken::Lost(format!("the connection was lost before an answer: {}", chain(error)))
    }
}

/// Whether the connection was refused or the name could not be resolved. The latter has no type of its own.
fn leads_nowhere(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        let refused = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if refused == Some(io::ErrorKind::ConnectionRefused) || error.to_string().starts_with("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause, which is the most specific; outer ones only say that sending failed.
pub(super) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn shown(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", duration.as_secs())
    }
}
