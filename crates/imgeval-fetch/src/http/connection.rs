//! The HTTP client: one request at a time, with redirects followed by our own rules.

use std::{error::Error, io, time::Duration};

use reqwest::{
    Method, Response, Url,
    header::{self, HeaderMap, HeaderValue},
    redirect,
};

use super::{
    address::origin,
    error::{DownloadError, Failure},
    facts::text,
    token::Token,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that is silent for this long has gone.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 10;

pub(super) struct Connection {
    http: reqwest::Client,
}

/// A request; `url` is shown in errors, `asked` is where it goes.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) asked: &'a str,
    pub(super) token: Option<&'a Token>,
    /// The first byte that is wanted.
    pub(super) start: u64,
}

impl Connection {
    pub(super) fn new() -> Result<Self, DownloadError> {
        // reqwest takes the process's provider and panics without one. If another is set already, that one is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
        // The user's own certificates count, and proxies are taken from the environment.
        let http = reqwest::Client::builder()
            .user_agent(concat!("imgeval/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // Tries are counted by the caller.
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .build();
        let http = http.map_err(|error| DownloadError::Setup { reason: innermost(error) })?;
        Ok(Self { http })
    }

    /// Sends one request and follows no redirect.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let failed = |error| transport_failure(request.url, error);
        let headers = request.headers()?;
        // Set, not added: a token replaces the user and password of the address.
        let builder = self.http.request(request.method.clone(), request.asked).headers(headers);
        builder.send().await.map_err(failed)
    }

    /// Sends a request and follows redirects, with the token only as long as they stay on the server.
    pub(super) async fn send_and_follow(&self, request: Request<'_>) -> Result<Response, Failure> {
        let mut asked = request.asked.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let token = request.token.filter(|_| origin(&asked) == origin(request.asked));
            let hop = Request { asked: &asked, token, method: request.method.clone(), ..request };
            let response = self.send(&hop).await?;
            let location = text(response.headers(), "location");
            let Some(location) = location.filter(|_| response.status().is_redirection()) else {
                return Ok(response);
            };
            asked = redirected(request.url, &asked, &location)?;
        }
        Err(refused(request.url, "too many redirects").into())
    }
}

impl Request<'_> {
    fn headers(&self) -> Result<HeaderMap, DownloadError> {
        let mut headers = HeaderMap::new();
        // The content itself is counted and hashed, not a packed form of it, which would have no length either.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if self.start > 0 {
            let range = HeaderValue::try_from(format!("bytes={}-", self.start));
            headers.insert(header::RANGE, range.map_err(|_| refused(self.url, "invalid range"))?);
        }
        if let Some(token) = self.token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.secret()));
            let mut value = value.map_err(|_| refused(self.url, "the token contains invalid characters"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// Where a redirect leads. A server that was asked securely must not lead to one that is not.
pub(super) fn redirected(url: &str, asked: &str, location: &str) -> Result<String, DownloadError> {
    let target = Url::parse(asked).and_then(|asked| Ok((asked.join(location)?, asked)));
    let (target, asked) = target.map_err(|_| refused(url, "redirect without an address"))?;
    if asked.scheme() == "https" && target.scheme() != "https" {
        return Err(refused(url, "redirect away from https"));
    }
    Ok(target.into())
}

fn refused(url: &str, reason: &str) -> DownloadError {
    DownloadError::Request { url: url.to_owned(), reason: reason.to_owned() }
}

fn transport_failure(url: &str, error: reqwest::Error) -> Failure {
    if error.is_builder() {
        return refused(url, "not a complete http address").into();
    }
    let is_final = is_about_trust(&error);
    let reason = innermost(error);
    match is_final {
        true => DownloadError::Request { url: url.to_owned(), reason }.into(),
        false => Failure::Passing { reason, has_progress: false },
    }
}

/// Whether TLS refused the server, which it will do again.
fn is_about_trust(error: &(dyn Error + 'static)) -> bool {
    // The source of an input or output error is not the error that it holds, but that one's source.
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || held.is_some_and(|held| is_about_trust(held))
        || error.source().is_some_and(is_about_trust)
}

/// The innermost cause, which is the most specific; outer ones only say that sending failed, or contain the address.
pub(super) fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_never_lead_away_from_https() {
        let check = |asked: &str, location: &str, expected: Option<&str>| {
            assert_eq!(redirected("shown", asked, location).ok().as_deref(), expected, "{location}");
        };
        check("https://a/x/y", "z?q", Some("https://a/x/z?q"));
        check("https://a/x", "https://b/y", Some("https://b/y"));
        check("https://a/x", "//b/y", Some("https://b/y"));
        check("https://a/x", "http://a/x", None);
        check("https://a/x", "file:///etc/passwd", None);
        check("http://a/x", "http://b/y", Some("http://b/y"));
        check("http://a/x", "https://b/y", Some("https://b/y"));
        check("http://a/x", "http://", None);
        // User and password stay with the server that they are for.
        check("http://user:pass@a/x", "/y", Some("http://user:pass@a/y"));
        check("http://user:pass@a/x", "http://b/y", Some("http://b/y"));
    }
}
