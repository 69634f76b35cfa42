//! Fetches images that a reply only names. They are paid for, so a flaky download is tried again.

use std::time::Duration;

use imgeval_core::{Failure, FailureKind, Permit, visible};
use reqwest::StatusCode;
use tokio::time::sleep;
use tracing::debug;
use url::Url;

use super::{
    attempt::{Broken, attempt},
    client::{Inner, Transport},
};

pub(super) const MAX_REDIRECTS: usize = 3;

/// However few retries a call has, because asking for a file again costs nothing: with the waits between them, some five minutes.
const MAX_TRIES: u32 = 10;

const MAX_WAIT: Duration = Duration::from_secs(60);

impl Transport {
    /// The bytes behind the address, asked for without any credentials; what was paid for is fetched without asking for permission,
    /// but when that is revoked, it is not waited any longer.
    pub(crate) async fn download(&self, address: &str, permit: &dyn Permit) -> Result<Vec<u8>, Failure> {
        let Inner { base, downloads, redactor, timeout, retry_delay, budget, .. } = &*self.0;
        let failed = |detail: String| Failure {
            kind: FailureKind::Transport,
            detail: redactor.redact(&format!(
                "could not download the image: {detail}; the reply stored in the run contains its address"
            )),
        };
        let url = resolve(base, address).map_err(|reason| failed(reason.to_owned()))?;
        let allowed = url.scheme() == "https" || (url.scheme() == "http" && base.scheme() == "http");
        if !allowed {
            return Err(failed(format!("its address is {}, not https", visible(url.scheme()))));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut tries = 0;
        loop {
            tries += 1;
            let received = attempt(downloads.get(url.clone()), *timeout, budget).await;
            let status = received.as_ref().ok().map(|received| received.status);
            let status_code = status.map(|status| status.as_u16());
            debug!(target: "imgeval_clients", status = status_code, try_number = tries, "downloaded an image");
            let detail = match received {
                Ok(received) if received.status.is_success() && !received.body.is_empty() => {
                    return Ok(received.body);
                }
                Ok(received) if received.status.is_success() => format!("{host} sent an empty file"),
                Ok(received) => format!("{host} answered {}", received.status),
                Err(Broken::Misdirected(detail)) => return Err(failed(format!("{host}: {detail}"))),
                Err(
                    Broken::NoServer(detail)
                    | Broken::NotSent(detail)
                    | Broken::Lost(detail)
                    | Broken::TimedOut(detail),
                ) => {
                    format!("{host}: {detail}")
                }
            };
            if status.is_some_and(is_final) {
                return Err(failed(detail));
            }
            let wait = retry_delay.saturating_mul(2_u32.saturating_pow(tries - 1)).min(MAX_WAIT);
            let is_stopped = tries < MAX_TRIES
                && tokio::select! {
                    () = permit.revoked() => true,
                    // Spread by a quarter, so that many do not come back together.
                    () = sleep(wait.mul_f64(0.875 + fastrand::f64() / 4.0)) => false,
                };
            if is_stopped || tries == MAX_TRIES {
                return Err(failed(format!("{detail} (tried {tries} times)")));
            }
        }
    }
}

/// The address as it is, or, where it is relative, below the base URL. Only an absolute address leads to another host.
fn resolve(base: &Url, address: &str) -> Result<Url, &'static str> {
    let unparsed = "its address is invalid";
    match Url::parse(address) {
        Ok(url) => Ok(url),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let mut folder = base.clone();
            folder.set_path(&format!("{}/", base.path().trim_end_matches('/')));
            let url = folder.join(address).map_err(|_| unparsed)?;
            if url.origin() == base.origin() {
                Ok(url)
            } else {
                Err("its relative address points to another host")
            }
        }
        Err(_) => Err(unparsed),
    }
}

/// Whether asking again gives the same.
fn is_final(status: StatusCode) -> bool {
    let is_passing =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    status.is_client_error() && !is_passing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_address_stays_at_the_base_urls_host() {
        let resolved = |address: &str| {
            let base = Url::parse("https://api.example:8443/v1").unwrap();
            resolve(&base, address).map(String::from)
        };
        for (address, expected) in [
            ("/files/a.png", "https://api.example:8443/files/a.png"),
            ("files/a.png?x=1", "https://api.example:8443/v1/files/a.png?x=1"),
            ("./a.png", "https://api.example:8443/v1/a.png"),
            ("../a.png", "https://api.example:8443/a.png"),
            ("https://cdn.example/a.png", "https://cdn.example/a.png"),
        ] {
            assert_eq!(resolved(address).unwrap(), expected);
        }
        for address in ["//cdn.example/a.png", "\\\\cdn.example/a.png", "/\\cdn.example/a.png"] {
            assert_eq!(resolved(address), Err("its relative address points to another host"), "{address}");
        }
        assert!(resolved("https://").is_err());
    }
}
