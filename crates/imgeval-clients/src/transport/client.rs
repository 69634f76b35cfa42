//! The call: gate, tries, and what came of them.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use imgeval_core::{Failure, FailureKind, GeneratorDown, Outcome};
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect,
};
use serde_json::Value;
use tracing::debug;
use url::Url;

use super::{
    attempt::{Broken, Received, attempt, chain},
    breaker::Breaker,
    gate::Gate,
    raw::{raw_json, raw_text, redact_strings, words},
    request::ApiRequest,
    retry::{MAX_LOST_RETRIES, MAX_REQUESTED_WAIT, backoff, requested_wait},
};
use crate::{ClientError, ProviderKind, ProviderSettings, Redactor, settings::is_loopback};

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The reply's JSON with secrets redacted, or why there is none.
    pub(crate) outcome: Outcome<Value>,
    /// The last reply's text, fit for keeping.
    pub(crate) raw: String,
    /// How often the request was sent, or was meant to be.
    pub(crate) tries: u32,
    pub(crate) lost_tries: u32,
}

/// A reply for a provider to judge.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Null if the reply is no JSON, which only happens with errors.
    pub(crate) json: Value,
    /// What came, in a few words.
    pub(crate) text: String,
}

/// What a reply means for the call.
#[derive(Debug)]
pub(crate) enum Verdict {
    Answer,
    /// The provider's last word on this request.
    Failed(Failure),
    /// The provider's last word on every request.
    Down(GeneratorDown),
    /// Too many requests; asking later helps.
    RateLimited(String),
    /// The server failed; asking again may help.
    ServerFailed(String),
}

/// Knows a provider's replies.
pub(crate) trait ReplyReader: Send + Sync {
    fn judge(&self, reply: &Reply) -> Verdict;

    /// The wait that the reply's body asks for, where its headers ask for none.
    fn requested_wait(&self, _reply: &Reply) -> Option<Duration> {
        None
    }
}

/// The way to one model of one provider; clones share limits, pauses and circuit breaker.
#[derive(Clone)]
pub(crate) struct Transport(pub(super) Arc<Inner>);

pub(super) struct Inner {
    kind: ProviderKind,
    pub(super) base: Url,
    client: reqwest::Client,
    /// Knows no credentials.
    pub(super) downloads: reqwest::Client,
    pub(super) redactor: Redactor,
    gate: Gate,
    breaker: Breaker,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) retry_delay: Duration,
}

/// A try that brought no answer.
struct Again {
    kind: FailureKind,
    detail: String,
    /// Whether the work may have been done.
    lost: bool,
    /// What the server asked for.
    wait: Option<Duration>,
    /// Whether all calls shall wait.
    pause: bool,
}

enum Ended {
    Answer(Value),
    Failed(Failure),
    Down(GeneratorDown),
    Again(Again),
}

impl Transport {
    pub(crate) fn new(settings: &ProviderSettings) -> Result<Self, ClientError> {
        let base = settings.endpoint()?;
        let redactor = settings.redactor();
        let client =
            client(settings, &base, default_headers(settings)?, redirect::Policy::none(), &redactor)?;
        let downloads = client_for_downloads(settings, &base, &redactor)?;
        Ok(Self(Arc::new(Inner {
            kind: settings.kind,
            base,
            client,
            downloads,
            redactor,
            gate: Gate::new(&settings.limits),
            breaker: Breaker::default(),
            timeout: settings.timeout,
            retries: settings.retries,
            retry_delay: settings.retry_delay,
        })))
    }

    /// The base URL, without trailing slash or secrets.
    pub(crate) fn endpoint(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    /// Sends the request, again where that can help.
    pub(crate) async fn call(
        &self,
        request: &ApiRequest,
        reader: &dyn ReplyReader,
    ) -> Result<Exchange, GeneratorDown> {
        let Inner { breaker, gate, redactor, retries, retry_delay, .. } = &*self.0;
        breaker.check(&self.name())?;
        let (mut raw, mut tries, mut lost_tries) = (String::new(), 0, 0);
        loop {
            let permit = gate.enter(request.estimated_tokens).await;
            tries += 1;
            let ended = self.try_once(request, reader, tries, &mut raw).await;
            drop(permit);
            let outcome = match ended {
                Ended::Answer(reply) => Outcome::Done(reply),
                Ended::Failed(failure) => Outcome::Failed(failure),
                Ended::Down(down) => {
                    breaker.answered();
                    let GeneratorDown { message, hint } = down;
                    return Err(GeneratorDown {
                        message: redactor.redact(&message),
                        hint: redactor.redact(&hint),
                    });
                }
                Ended::Again(again) => {
                    lost_tries += u32::from(again.lost);
                    let too_long = again.wait.filter(|wait| *wait > MAX_REQUESTED_WAIT);
                    // The addition keeps calls that were told the same time from coming back together.
                    let wait = again.wait.unwrap_or_default().saturating_add(backoff(*retry_delay, tries));
                    if again.pause && too_long.is_none() {
                        gate.pause_until(tokio::time::Instant::now() + wait);
                    }
                    let may_try = tries <= *retries && (!again.lost || lost_tries <= MAX_LOST_RETRIES);
                    if may_try && too_long.is_none() {
                        let wait_ms = wait.as_millis() as u64;
                        debug!(target: "imgeval_clients", path = request.path, tries, wait_ms, "waiting to try again");
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    Outcome::Failed(again.into_failure(tries, too_long))
                }
            };
            let outcome = match outcome {
                Outcome::Failed(Failure { kind, detail }) => {
                    Outcome::Failed(Failure { kind, detail: redactor.redact(&detail) })
                }
                done @ Outcome::Done(_) => done,
            };
            match &outcome {
                Outcome::Failed(Failure { kind: FailureKind::Transport | FailureKind::TimedOut, detail }) => {
                    breaker.failed(detail);
                }
                Outcome::Failed(_) | Outcome::Done(_) => breaker.answered(),
            }
            return Ok(Exchange { outcome, raw, tries, lost_tries });
        }
    }

    /// Such as `openai-images at api.openai.com`.
    fn name(&self) -> String {
        format!("{} at {}", self.0.kind, self.0.base.host_str().unwrap_or_default())
    }

    async fn try_once(
        &self,
        request: &ApiRequest,
        reader: &dyn ReplyReader,
        try_number: u32,
        raw: &mut String,
    ) -> Ended {
        let Inner { base, client, redactor, timeout, .. } = &*self.0;
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), request.path));
        let builder = client.request(request.method.clone(), url);
        let builder = match request.body.attach(builder) {
            Ok(builder) => builder,
            Err(error) => {
                let detail = format!("the request cannot be built: {}", chain(error));
                return Ended::Failed(Failure { kind: FailureKind::RejectedRequest, detail });
            }
        };
        let started = Instant::now();
        let received = attempt(builder, *timeout).await;
        let status = received.as_ref().ok().map(|received| received.status.as_u16());
        debug!(
            target: "imgeval_clients",
            method = request.method.as_str(),
            path = request.path,
            status,
            duration_ms = started.elapsed().as_millis() as u64,
            try_number,
            "sent"
        );
        let again = |kind, detail, lost| Ended::Again(Again { kind, detail, lost, wait: None, pause: false });
        let received = match received {
            Ok(received) => received,
            Err(Broken::NotSent(detail)) => return again(FailureKind::Transport, detail, false),
            Err(Broken::Lost(detail)) => return again(FailureKind::Transport, detail, true),
            Err(Broken::TimedOut(detail)) => return again(FailureKind::TimedOut, detail, true),
        };
        if received.status.is_redirection() {
            *raw = raw_text(String::from_utf8_lossy(&received.body).into_owned(), redactor);
            return Ended::Failed(Failure {
                kind: FailureKind::Transport,
                detail: self.redirected(&received),
            });
        }
        let json = serde_json::from_slice::<Value>(&received.body);
        let text = match &json {
            Ok(_) => String::new(),
            Err(_) => String::from_utf8_lossy(&received.body).into_owned(),
        };
        let json = json.map(|mut json| {
            redact_strings(&mut json, redactor);
            json
        });
        *raw = match &json {
            Ok(json) => raw_json(json, redactor),
            Err(_) => raw_text(text, redactor),
        };
        let json = match json {
            Ok(json) => json,
            Err(_) if !received.status.is_success() => Value::Null,
            Err(_) => {
                let start: String = words(raw).chars().take(120).collect();
                let content_type = received.content_type();
                let detail = format!("answered with {content_type}, not JSON: {start}");
                return again(FailureKind::Transport, detail, true);
            }
        };
        self.settle(reader, &received, json, raw)
    }

    fn settle(&self, reader: &dyn ReplyReader, received: &Received, json: Value, raw: &str) -> Ended {
        let status = received.status;
        let reply = Reply { status: status.as_u16(), json, text: words(raw) };
        let wait = requested_wait(&received.headers, SystemTime::now());
        let wait = wait.or_else(|| reader.requested_wait(&reply));
        let kind = FailureKind::Transport;
        match reader.judge(&reply) {
            Verdict::Answer => Ended::Answer(reply.json),
            Verdict::Failed(failure) => Ended::Failed(failure),
            Verdict::Down(GeneratorDown { message, hint }) => {
                Ended::Down(GeneratorDown { message: format!("{}: {message}", self.name()), hint })
            }
            Verdict::RateLimited(detail) => {
                Ended::Again(Again { kind, detail, lost: false, wait, pause: true })
            }
            // A gateway gave up on a server that may still be at work; 524 is Cloudflare's.
            Verdict::ServerFailed(detail)
                if status == StatusCode::GATEWAY_TIMEOUT || status.as_u16() == 524 =>
            {
                let kind = FailureKind::TimedOut;
                Ended::Again(Again { kind, detail, lost: true, wait, pause: false })
            }
            Verdict::ServerFailed(detail) => {
                Ended::Again(Again { kind, detail, lost: false, wait, pause: false })
            }
        }
    }

    fn redirected(&self, received: &Received) -> String {
        let location = received.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        // Redacted first, because parsing turns hosts into lower case.
        let target = location.and_then(|location| self.0.base.join(&self.0.redactor.redact(location)).ok());
        let host = target.as_ref().and_then(Url::host_str).unwrap_or("an unknown host");
        format!(
            "the server redirects ({}) to {host}, which would get the key; set the base URL to the right address",
            received.status.as_u16()
        )
    }
}

impl Again {
    fn into_failure(self, tries: u32, too_long: Option<Duration>) -> Failure {
        let mut detail = self.detail;
        if let Some(wait) = too_long {
            detail = format!("{detail}; the server wants a wait of {} s, which is too long", wait.as_secs());
        }
        if tries > 1 {
            detail = format!("{detail} (tried {tries} times)");
        }
        Failure { kind: self.kind, detail }
    }
}

fn default_headers(settings: &ProviderSettings) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str, what: String| {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (name, mut value) = parsed.ok_or(ClientError::Header { what })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    };
    if let Some(key) = &settings.key {
        let (name, prefix) = settings.kind.key_header();
        add(name, &format!("{prefix}{}", key.expose()), "key".to_owned())?;
    }
    if let Some(organization) = &settings.organization {
        add("openai-organization", organization, "organization".to_owned())?;
    }
    if let Some(project) = &settings.project {
        add("openai-project", project, "project".to_owned())?;
    }
    for (name, value) in &settings.headers {
        add(name, value.expose(), format!("header `{}`", imgeval_core::visible(name)))?;
    }
    Ok(headers)
}

fn client_for_downloads(
    settings: &ProviderSettings,
    base: &Url,
    redactor: &Redactor,
) -> Result<reqwest::Client, ClientError> {
    let https_only = base.scheme() == "https";
    let policy = redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > super::download::MAX_REDIRECTS {
            attempt.error("too many redirects")
        } else if https_only && attempt.url().scheme() != "https" {
            attempt.error("redirected away from https")
        } else {
            attempt.follow()
        }
    });
    client(settings, base, HeaderMap::new(), policy, redactor)
}

fn client(
    settings: &ProviderSettings,
    base: &Url,
    headers: HeaderMap,
    policy: redirect::Policy,
    redactor: &Redactor,
) -> Result<reqwest::Client, ClientError> {
    // reqwest takes the process's provider and panics without one. If another is set already, that one is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    // Connecting ends before the whole try does, so that what was never sent is known as such.
    let connect_timeout = Duration::from_secs(15).min(settings.timeout.mul_f64(0.9));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("imgeval/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(policy)
        // Retries are ours, so that they are counted.
        .retry(reqwest::retry::never())
        .referer(false)
        // Shorter than servers keep a silent connection open (uvicorn: 5 s): a request that crosses with the closing
        // would count as lost.
        .pool_idle_timeout(Duration::from_secs(4))
        .connect_timeout(connect_timeout);
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose())
            .map_err(|error| ClientError::Proxy { reason: redactor.redact(&chain(error)) })?;
        builder = builder.proxy(proxy);
    } else if is_loopback(base) {
        // The environment's proxy is another machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| ClientError::Setup { reason: redactor.redact(&chain(error)) })
}
