//! Fetches images that a reply only names. They are paid for, so a flaky download is tried again.

use imgeval_core::{Failure, FailureKind, visible};
use tokio::time::sleep;
use tracing::debug;
use url::Url;

use super::{
    attempt::{Broken, attempt},
    client::{Inner, Transport},
    retry::backoff,
};

pub(super) const MAX_REDIRECTS: usize = 3;

/// However few retries a call has: asking for a file again costs nothing.
const MIN_RETRIES: u32 = 4;

impl Transport {
    /// The bytes behind the address, asked for without any credentials.
    pub(crate) async fn download(&self, address: &str) -> Result<Vec<u8>, Failure> {
        let Inner { base, downloads, redactor, timeout, retries, retry_delay, .. } = &*self.0;
        let failed = |detail: String| Failure {
            kind: FailureKind::Transport,
            detail: redactor.redact(&format!("the image could not be downloaded: {detail}")),
        };
        let url = Url::parse(address).map_err(|_| failed("its address cannot be parsed".to_owned()))?;
        let allowed = url.scheme() == "https" || (url.scheme() == "http" && base.scheme() == "http");
        if !allowed {
            return Err(failed(format!("its address is {}, not https", visible(url.scheme()))));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut tries = 0;
        loop {
            tries += 1;
            let received = attempt(downloads.get(url.clone()), *timeout).await;
            let status = received.as_ref().ok().map(|received| received.status.as_u16());
            debug!(target: "imgeval_clients", status, try_number = tries, "downloaded an image");
            let detail = match received {
                Ok(received) if received.status.is_success() && !received.body.is_empty() => {
                    return Ok(received.body);
                }
                Ok(received) if received.status.is_success() => format!("{host} sent an empty file"),
                Ok(received) => format!("{host} answered {}", received.status),
                Err(Broken::NotSent(detail) | Broken::Lost(detail) | Broken::TimedOut(detail)) => {
                    format!("{host}: {detail}")
                }
            };
            if tries > (*retries).max(MIN_RETRIES) {
                return Err(failed(format!("{detail} (tried {tries} times)")));
            }
            sleep(backoff(*retry_delay, tries)).await;
        }
    }
}
