//! One try: the request goes out, and all of the reply, or the reason why there is none, comes back.

use std::{error::Error, time::Duration};

use reqwest::{StatusCode, header::HeaderMap};
use tokio::time::timeout;

/// A body may be silent for so long before it counts as stalled.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// What is read of one reply; images are far smaller.
const MAX_BODY_BYTES: usize = 128 << 20;

/// A reply that arrived; of one that reports an error, perhaps not all.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn content_type(&self) -> &str {
        let value = self.headers.get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.split(';').next()).unwrap_or("no content type").trim()
    }
}

/// Why no reply arrived; the texts are not redacted yet.
pub(super) enum Broken {
    /// The server has not got the request.
    NotSent(String),
    /// The connection broke, or the reply could not be taken.
    Lost(String),
    /// Nothing came, or not all of it, in time.
    TimedOut(String),
}

pub(super) async fn attempt(request: reqwest::RequestBuilder, limit: Duration) -> Result<Received, Broken> {
    let received = timeout(limit, receive(request, limit.min(MAX_SILENCE))).await;
    received.unwrap_or_else(|_| Err(Broken::TimedOut(format!("no complete answer within {}", shown(limit)))))
}

async fn receive(request: reqwest::RequestBuilder, silence: Duration) -> Result<Received, Broken> {
    let mut response = request.send().await.map_err(broken)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    loop {
        let failed = match timeout(silence, response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= MAX_BODY_BYTES => {
                body.extend_from_slice(&chunk);
                continue;
            }
            Ok(Ok(Some(_))) => Broken::Lost(format!("the reply is larger than {} MiB", MAX_BODY_BYTES >> 20)),
            Ok(Ok(None)) => return Ok(Received { status, headers, body }),
            Ok(Err(error)) => {
                Broken::Lost(format!("the reply broke off after {} bytes: {}", body.len(), chain(error)))
            }
            Err(_) => Broken::TimedOut(format!(
                "the reply stalled for {} after {} bytes",
                shown(silence),
                body.len()
            )),
        };
        // Of an error the status says enough.
        return if status.is_success() { Err(failed) } else { Ok(Received { status, headers, body }) };
    }
}

fn broken(error: reqwest::Error) -> Broken {
    if error.is_connect() || error.is_builder() {
        Broken::NotSent(format!("no connection: {}", chain(error)))
    } else {
        Broken::Lost(format!("the connection broke before an answer: {}", chain(error)))
    }
}

/// The innermost cause, which says it best; outer ones only say that sending failed.
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
