//! What the binary resolves for one provider before a client is made.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use url::{Host, Url};

use crate::{ClientError, ProviderKind, Redactor, Secret};

/// How much one provider and model may be asked at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Requests in flight at the same time.
    pub concurrent: NonZeroUsize,
}

impl Default for Limits {
    fn default() -> Self {
        let concurrent = const { NonZeroUsize::new(4).unwrap() };
        Self { requests_per_minute: None, tokens_per_minute: None, concurrent }
    }
}

/// How to reach one provider. Its secrets are never printed.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    pub kind: ProviderKind,
    /// Scheme, host and path; a trailing slash changes nothing.
    pub base_url: String,
    pub key: Option<Secret>,
    pub organization: Option<String>,
    pub project: Option<String>,
    /// Sent along with every request.
    pub headers: Vec<(String, Secret)>,
    /// URL of the proxy, with a password if it wants one; without it, that of the environment is taken.
    pub proxy: Option<Secret>,
    /// What a local program could say of other providers' keys; only held back, never sent.
    pub other_secrets: Vec<Secret>,
    pub limits: Limits,
    /// For one try, from connecting to the last byte.
    pub timeout: Duration,
    /// How often a request is sent again at most; that a server has too many requests does not count.
    pub retries: u32,
    /// Whether the key may go unencrypted to another machine.
    pub allow_plain_http: bool,
    /// The wait before a second try is drawn from zero to this; it doubles with every further try.
    #[doc(hidden)]
    pub retry_delay: Duration,
    /// How long one call waits in all for a server that has too many requests; such tries do not count as retries.
    #[doc(hidden)]
    pub rate_limit_patience: Duration,
}

impl ProviderSettings {
    /// The defaults: the provider's own address, no key, four requests at a time (of local commands one), five minutes, five retries.
    #[must_use]
    pub fn new(kind: ProviderKind) -> Self {
        let mut limits = Limits::default();
        if matches!(kind, ProviderKind::Command | ProviderKind::CommandLines) {
            // A second copy of a model rarely fits beside the first.
            limits.concurrent = NonZeroUsize::MIN;
        }
        Self {
            kind,
            base_url: kind.default_base_url().to_owned(),
            key: None,
            organization: None,
            project: None,
            headers: Vec::new(),
            proxy: None,
            other_secrets: Vec::new(),
            limits,
            timeout: Duration::from_secs(300),
            retries: 5,
            allow_plain_http: false,
            retry_delay: Duration::from_secs(1),
            rate_limit_patience: Duration::from_secs(15 * 60),
        }
    }

    /// Removes the secrets of these settings from text.
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        let headers = self.headers.iter().map(|(_, value)| value);
        Redactor::new(self.key.iter().chain(headers).chain(&self.proxy).chain(&self.other_secrets))
    }

    /// The base URL, checked, without trailing slash.
    pub(crate) fn endpoint(&self) -> Result<Url, ClientError> {
        let redactor = self.redactor();
        let refuse = |shown: &str, reason| ClientError::BaseUrl { url: redactor.redact(shown), reason };
        let Ok(mut url) = Url::parse(self.base_url.trim()) else {
            // What does not parse may hold a password anywhere.
            return Err(refuse("...", "it cannot be parsed"));
        };
        let has_user = !url.username().is_empty() || url.password().is_some();
        let shown = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
        if has_user {
            return Err(refuse(
                &shown,
                "it contains a user name or password, which belongs in the key or a header",
            ));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(&shown, "only http and https are supported"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(&shown, "it has a query or fragment"));
        }
        let has_secret = self.key.is_some() || !self.headers.is_empty();
        if url.scheme() == "http" && has_secret && !self.allow_plain_http && !is_loopback(&url) {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(ClientError::PlainHttp { kind: self.kind, host });
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(url)
    }
}

/// Whether the URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base_url: &str) -> Result<String, String> {
        let mut settings = ProviderSettings::new(ProviderKind::OpenaiImages);
        settings.base_url = base_url.to_owned();
        settings.key = Some(Secret::new("sk-canary-1234"));
        settings.endpoint().map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_trailing_slash_changes_nothing() {
        assert_eq!(endpoint("https://a.example/v1/"), endpoint("https://a.example/v1"));
        assert_eq!(endpoint("https://a.example/v1").unwrap(), "https://a.example/v1");
    }

    #[test]
    fn base_urls_hold_no_password_and_speak_http() {
        for url in
            ["https://me:sk-canary-1234@a.example", "ftp://a.example/v1", "a.example/v1", "https://a/?key=x"]
        {
            let error = endpoint(url).unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_key_goes_unencrypted_to_this_machine_only() {
        for url in ["http://localhost:8000/v1", "http://127.0.0.1/v1", "http://[::1]:9/v1"] {
            assert!(endpoint(url).is_ok(), "{url}");
        }
        assert!(endpoint("http://10.0.0.5:8000/v1").unwrap_err().contains("unencrypted"));
        assert!(endpoint("http://localhost.example/v1").is_err());
        let mut settings = ProviderSettings::new(ProviderKind::OpenaiImages);
        settings.base_url = "http://10.0.0.5:8000/v1".to_owned();
        assert!(settings.endpoint().is_ok(), "without a key there is nothing to steal");
        settings.key = Some(Secret::new("sk-canary-1234"));
        settings.allow_plain_http = true;
        assert!(settings.endpoint().is_ok());
    }
}
