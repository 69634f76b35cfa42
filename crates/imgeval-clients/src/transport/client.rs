//! The call: gate, tries, and what came of them.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use imgeval_core::{
    Cost, EndpointMeta, Failure, FailureKind, Outcome, Permit, ProviderDown, Usd, WholeReply,
};
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect,
};
use serde_json::Value;
use tracing::debug;
use url::Url;

use super::{
    attempt::{Broken, MAX_BODY_BYTES, Received, attempt, chain},
    breaker::Breaker,
    budget::Budget,
    gate::{Gate, Stop, unless_stopped},
    kept::{Kept, Told, linger},
    raw::{raw_text, redact_and_tell, words},
    request::ApiRequest,
    retry::{MAX_LOST_RETRIES, MAX_REQUESTED_WAIT, backoff, requested_wait},
    wire::{WireError, WireReply, is_packed, read_reply, unpack},
};
use crate::{ClientError, ProviderKind, ProviderSettings, Redactor, settings::is_loopback};

/// One call: the request, the reader of its reply, and the check before each attempt.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a ApiRequest,
    pub(crate) reader: &'a dyn ReplyReader,
    pub(crate) permit: &'a dyn Permit,
    /// Computes the cost of an unusable reply from the usage that it reported.
    pub(crate) price: &'a (dyn Fn(&Told) -> Option<Cost> + Sync),
    /// For the limit of tokens a minute; roughly right is enough.
    pub(crate) tokens: u64,
    /// What was sent for the same answer before.
    pub(crate) earlier: Tries,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    /// How often the request was sent, or was meant to be.
    pub(crate) sent: u32,
    /// How many of these may have been billed without their answer arriving.
    pub(crate) lost: u32,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The reply's JSON with secrets redacted, or the reason why there is none.
    pub(crate) outcome: Outcome<Value>,
    pub(crate) kept: Kept,
    pub(crate) tries: Tries,
    /// Besides, no further call can succeed either.
    pub(crate) down: Option<ProviderDown>,
    /// It failed because the server has forgotten the conversation.
    pub(crate) is_forgotten: bool,
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
    /// As before, because the server has forgotten the conversation; a request that retells it can succeed.
    Forgotten(Failure),
    /// The provider's last word on every request.
    Down(ProviderDown),
    /// Too many requests; asking later helps.
    RateLimited(String),
    /// The server failed; asking again may help.
    ServerFailed(String),
}

/// Knows a provider's replies.
pub(crate) trait ReplyReader: Send + Sync {
    fn judge(&self, reply: &Reply) -> Verdict;

    /// What the reply counts and bills, also where it is an error.
    fn told(&self, _json: &Value) -> Told {
        Told::default()
    }

    /// The wait that the reply's body asks for, where its headers ask for none.
    fn requested_wait(&self, _reply: &Reply) -> Option<Duration> {
        None
    }

    /// Whether long base64 in an answer is an image, which is neither redacted nor kept with the raw reply.
    fn may_hold_images(&self) -> bool {
        true
    }
}

/// The way to one model of one provider; clones share limits, pauses and circuit breaker.
#[derive(Clone)]
pub(crate) struct Transport(pub(super) Arc<Inner>);

pub(super) struct Inner {
    kind: ProviderKind,
    pub(super) base: Url,
    client: reqwest::Client,
    /// Opens a connection for every request: a try after a lost one must not meet another connection that the server has
    /// closed without notice.
    fresh: reqwest::Client,
    /// Knows no credentials.
    pub(super) downloads: reqwest::Client,
    pub(super) redactor: Redactor,
    gate: Gate,
    breaker: Breaker,
    pub(super) budget: Budget,
    pub(super) timeout: Duration,
    retries: u32,
    pub(super) retry_delay: Duration,
    rate_limit_patience: Duration,
    /// Whether the server has ever been there.
    is_reached: AtomicBool,
}

/// As good as no limit, and still a time that clocks can tell.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A try that brought no answer.
struct Again {
    kind: FailureKind,
    detail: String,
    /// Whether the work may have been done.
    lost: bool,
    /// What the server asked for.
    wait: Option<Duration>,
    /// Whether there were too many requests: no failure, but all calls shall wait.
    limited: bool,
}

enum Ended {
    Answer(Value),
    Failed(Failure),
    Forgotten(Failure),
    Down(ProviderDown),
    Again(Again),
}

impl Transport {
    pub(crate) fn new(settings: &ProviderSettings) -> Result<Self, ClientError> {
        let base = settings.endpoint()?;
        let redactor = settings.redactor();
        let api_client = |idle: Idle| {
            client(settings, &base, (default_headers(settings)?, idle), redirect::Policy::none(), &redactor)
        };
        let (client, fresh) = (api_client(Idle::Kept)?, api_client(Idle::Closed)?);
        let downloads = client_for_downloads(settings, &base, &redactor)?;
        Ok(Self(Arc::new(Inner {
            kind: settings.kind,
            base,
            client,
            fresh,
            downloads,
            redactor,
            gate: Gate::new(&settings.limits),
            breaker: Breaker::default(),
            budget: Budget::default(),
            timeout: settings.timeout.min(MAX_TIMEOUT),
            retries: settings.retries,
            retry_delay: settings.retry_delay,
            rate_limit_patience: settings.rate_limit_patience,
            is_reached: AtomicBool::new(false),
        })))
    }

    /// Who a model behind this transport is; the base URL goes without trailing slash or secrets.
    pub(crate) fn meta(&self, model: &str, version: u32) -> EndpointMeta {
        EndpointMeta {
            provider: self.0.kind.name().to_owned(),
            endpoint: self.0.base.as_str().trim_end_matches('/').to_owned(),
            model: model.to_owned(),
            version,
        }
    }

    pub(crate) fn redact(&self, text: &str) -> String {
        self.0.redactor.redact(text)
    }

    /// Returns a reply's share of the memory for replies before something else is requested that needs its own.
    pub(crate) fn linger(&self, whole: WholeReply) -> WholeReply {
        linger(whole, &self.0.budget)
    }

    /// Sends the request, again where that can help, as long as it is permitted.
    ///
    /// # Errors
    /// If no further call can succeed either, and no try was lost.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Exchange, ProviderDown> {
        let Inner { breaker, gate, retries, retry_delay, rate_limit_patience, .. } = &*self.0;
        let Call { request, reader, permit, price, tokens, earlier } = call;
        let (mut kept, mut tries) = (Kept::default(), earlier);
        // Of this call alone; those that were told to come later are no failures.
        let (mut n_failed, mut n_limited, mut waited_for_limit) = (0, 0, Duration::ZERO);
        let mut last = None;
        loop {
            let turn = unless_stopped(gate, permit, gate.enter(tokens)).await;
            let slot = match turn {
                Ok(slot) => slot,
                Err(Stop::Revoked) => return Ok(self.ended_early(last, kept, tries)),
                Err(Stop::Closed(down)) => return self.ended_down(down, kept, tries),
            };
            if last.is_none()
                && let Err(down) = breaker.check(&self.name())
            {
                return self.ended_down(down, kept, tries);
            }
            permit.note_wasted(kept.wasted.as_ref().map_or(Usd::ZERO, |cost| cost.amount));
            if !permit.may_send(tries.lost).await {
                return Ok(self.ended_early(last, kept, tries));
            }
            tries.sent += 1;
            kept.set_aside(&self.0.budget);
            let client = if tries.lost > earlier.lost { &self.0.fresh } else { &self.0.client };
            let ended = self.try_once(client, request, reader, price, tries.sent, &mut kept).await;
            let again = match ended {
                Ended::Answer(reply) => {
                    breaker.answered();
                    let outcome = Outcome::Done(reply);
                    return Ok(Exchange { outcome, kept, tries, down: None, is_forgotten: false });
                }
                Ended::Failed(failure) => {
                    breaker.note(&failure);
                    return Ok(self.failed(failure, kept, tries));
                }
                Ended::Forgotten(failure) => {
                    breaker.answered();
                    return Ok(Exchange { is_forgotten: true, ..self.failed(failure, kept, tries) });
                }
                Ended::Down(ProviderDown { message, hint }) => {
                    breaker.answered();
                    let redact = |text: &str| self.0.redactor.redact(text);
                    let down = ProviderDown { message: redact(&message), hint: redact(&hint) };
                    gate.close(down.clone());
                    return self.ended_down(down, kept, tries);
                }
                Ended::Again(again) => again,
            };
            tries.lost += u32::from(again.lost);
            let too_long = again.wait.filter(|wait| *wait > MAX_REQUESTED_WAIT);
            let (limited, lost) = (again.limited, again.lost);
            let (wait, may_try) = if limited {
                n_limited += 1;
                // Where the server names a time, the addition only keeps calls that were told the same from coming back together.
                let growth = if again.wait.is_some() { 1 } else { n_limited };
                let wait = again.wait.unwrap_or_default().saturating_add(backoff(*retry_delay, growth));
                waited_for_limit = wait.saturating_add(waited_for_limit);
                (wait, waited_for_limit <= *rate_limit_patience)
            } else {
                n_failed += 1;
                let wait = again.wait.unwrap_or_default().saturating_add(backoff(*retry_delay, n_failed));
                (wait, n_failed <= *retries && (!lost || tries.lost <= MAX_LOST_RETRIES))
            };
            if limited && too_long.is_none() {
                gate.pause_until(tokio::time::Instant::now() + wait);
            }
            let failure = again.into_failure(tries.sent - earlier.sent, too_long);
            let is_last = !may_try || too_long.is_some();
            if is_last && !limited {
                breaker.note(&failure);
            }
            // Not before, lest the next one enters before the pause begins or the failure is known.
            drop(slot);
            if is_last {
                return Ok(self.failed(failure, kept, tries));
            }
            last = Some(failure);
            let wait_ms = wait.as_millis() as u64;
            let (path, tries_sent) = (&request.path, tries.sent);
            debug!(target: "imgeval_clients", path, tries = tries_sent, wait_ms, "waiting to try again");
            match unless_stopped(gate, permit, tokio::time::sleep(wait)).await {
                Ok(()) => {}
                Err(Stop::Revoked) => return Ok(self.ended_early(last, kept, tries)),
                Err(Stop::Closed(down)) => return self.ended_down(down, kept, tries),
            }
        }
    }

    fn failed(&self, failure: Failure, kept: Kept, tries: Tries) -> Exchange {
        let Failure { kind, detail } = failure;
        let outcome = Outcome::Failed(Failure { kind, detail: self.0.redactor.redact(&detail) });
        Exchange { outcome, kept, tries, down: None, is_forgotten: false }
    }

    /// Of a call that may not be sent (again): its last failure, if it had any.
    fn ended_early(&self, last: Option<Failure>, kept: Kept, tries: Tries) -> Exchange {
        self.failed(last.unwrap_or_else(Failure::not_sent), kept, tries)
    }

    /// No error where tries were lost, so that what they may have cost is recorded.
    fn ended_down(&self, down: ProviderDown, kept: Kept, tries: Tries) -> Result<Exchange, ProviderDown> {
        if tries.lost == 0 && kept.wasted.is_none() {
            return Err(down);
        }
        let failure = Failure { kind: FailureKind::Transport, detail: down.message.clone() };
        Ok(Exchange { down: Some(down), ..self.failed(failure, kept, tries) })
    }

    /// Such as `openai-images at api.openai.com`.
    fn name(&self) -> String {
        format!("{} at {}", self.0.kind, self.0.base.host_str().unwrap_or_default())
    }

    async fn try_once(
        &self,
        client: &reqwest::Client,
        request: &ApiRequest,
        reader: &dyn ReplyReader,
        price: &(dyn Fn(&Told) -> Option<Cost> + Sync),
        try_number: u32,
        kept: &mut Kept,
    ) -> Ended {
        let Inner { base, redactor, timeout, budget, .. } = &*self.0;
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), request.path));
        let builder = client.request(request.method.clone(), url);
        let builder = match request.body.attach(builder) {
            Ok(builder) => builder,
            Err(error) => {
                let detail = format!("could not build the request: {}", chain(error));
                return Ended::Failed(Failure { kind: FailureKind::RejectedRequest, detail });
            }
        };
        let started = Instant::now();
        let received = attempt(builder, *timeout, budget).await;
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
        let again =
            |kind, detail, lost| Ended::Again(Again { kind, detail, lost, wait: None, limited: false });
        if !matches!(received, Err(Broken::NoServer(_) | Broken::NotSent(_))) {
            self.0.is_reached.store(true, Ordering::Relaxed);
        }
        let mut received = match received {
            Ok(received) => received,
            // Before the first answer the address is wrong, or the server does not run; after it, it is a pause.
            Err(Broken::NoServer(detail)) if !self.0.is_reached.load(Ordering::Relaxed) => {
                let hint = "check the address (--base-url, or base_url in imgeval.toml), the network and whether the server is running, then run the same command again";
                let message = format!("{}: {detail}", self.name());
                return Ended::Down(ProviderDown { message, hint: hint.to_owned() });
            }
            Err(Broken::NoServer(detail)) => return again(FailureKind::Transport, detail, false),
            Err(Broken::NotSent(detail)) => return again(FailureKind::Transport, detail, false),
            Err(Broken::Lost(detail) | Broken::Misdirected(detail)) => {
                return again(FailureKind::Transport, detail, true);
            }
            Err(Broken::TimedOut(detail)) => return again(FailureKind::TimedOut, detail, true),
        };
        if received.status.is_redirection() {
            kept.raw = raw_text(String::from_utf8_lossy(&received.body).into_owned(), redactor);
            let detail = self.redirected(&received);
            kept.add_reply(received.status.as_u16(), text_of(received.body), redactor, received.held);
            return Ended::Failed(Failure { kind: FailureKind::Transport, detail });
        }
        let status = received.status;
        let wait = requested_wait(&received.headers, SystemTime::now());
        if is_packed(&received.body)
            && let Some(held) = &mut received.held
        {
            budget.grow(held, MAX_BODY_BYTES).await;
        }
        let mut has_secrets = false;
        let json = match read_reply(&received.body) {
            Ok(WireReply { mut json, notes }) => {
                for note in notes {
                    debug!(target: "imgeval_clients", path = request.path, try_number, "{note}");
                }
                // No image comes with an error, so that all that an error says is redacted.
                let may_hold_images = status.is_success() && reader.may_hold_images();
                (kept.raw, has_secrets) = redact_and_tell(&mut json, redactor, may_hold_images);
                json
            }
            Err(error) => {
                let readable =
                    unpack(&received.body).map_or(Cow::Borrowed(&*received.body), |(body, _)| body);
                kept.raw = raw_text(String::from_utf8_lossy(&readable).into_owned(), redactor);
                if received.status.is_success() {
                    let start: String = words(&kept.raw).chars().take(120).collect();
                    let content_type = received.content_type();
                    let detail = match error {
                        WireError::NotJson { .. } | WireError::Empty => {
                            format!("answered with {content_type}, not JSON: {start}")
                        }
                        error => {
                            format!("answered with {content_type}, which could not be read: {error}: {start}")
                        }
                    };
                    drop(readable);
                    kept.add_reply(status.as_u16(), text_of(received.body), redactor, received.held);
                    return again(FailureKind::Transport, detail, true);
                }
                Value::Null
            }
        };
        let Received { held, body, .. } = received;
        // A secret that is written with escapes, or comes in the pieces of a stream, is in no text that could be searched.
        let text = if has_secrets { json.to_string() } else { text_of(body) };
        kept.add_reply(status.as_u16(), text, redactor, held);
        let reply = Reply { status: status.as_u16(), json, text: words(&kept.raw) };
        let told = reader.told(&reply.json);
        let ended = self.settle(reader, status, wait, reply);
        if !matches!(ended, Ended::Answer(_)) {
            let cost = price(&told);
            kept.add_wasted(told, cost);
        }
        ended
    }

    fn settle(
        &self,
        reader: &dyn ReplyReader,
        status: StatusCode,
        wait: Option<Duration>,
        reply: Reply,
    ) -> Ended {
        let wait = wait.or_else(|| reader.requested_wait(&reply));
        let kind = FailureKind::Transport;
        match reader.judge(&reply) {
            Verdict::Answer => Ended::Answer(reply.json),
            Verdict::Failed(failure) => Ended::Failed(failure),
            Verdict::Forgotten(failure) => Ended::Forgotten(failure),
            Verdict::Down(ProviderDown { message, hint }) => {
                Ended::Down(ProviderDown { message: format!("{}: {message}", self.name()), hint })
            }
            Verdict::RateLimited(detail) => {
                Ended::Again(Again { kind, detail, lost: false, wait, limited: true })
            }
            // A gateway gave up on a server that may still be at work; 524 is Cloudflare's.
            Verdict::ServerFailed(detail)
                if status == StatusCode::GATEWAY_TIMEOUT || status.as_u16() == 524 =>
            {
                let kind = FailureKind::TimedOut;
                Ended::Again(Again { kind, detail, lost: true, wait, limited: false })
            }
            Verdict::ServerFailed(detail) => {
                Ended::Again(Again { kind, detail, lost: false, wait, limited: false })
            }
        }
    }

    fn redirected(&self, received: &Received) -> String {
        let location = received.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        // Redacted first, because parsing turns hosts into lower case.
        let target = location.and_then(|location| self.0.base.join(&self.0.redactor.redact(location)).ok());
        let host = target.as_ref().and_then(Url::host_str).unwrap_or("an unknown host");
        format!(
            "the server redirects ({}) to {host}, which would receive the key; set the base URL to the right address",
            received.status.as_u16()
        )
    }
}

/// Without compression, and without a copy where it is UTF-8, as nearly all is.
fn text_of(body: Vec<u8>) -> String {
    let unpacked = match unpack(&body) {
        Ok((Cow::Owned(unpacked), _)) => Some(unpacked),
        Ok((Cow::Borrowed(_), _)) | Err(_) => None,
    };
    let body = unpacked.unwrap_or(body);
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl Again {
    fn into_failure(self, tries: u32, too_long: Option<Duration>) -> Failure {
        let mut detail = self.detail;
        if let Some(wait) = too_long {
            detail = format!("{detail}; the server asks to wait {} s, which is too long", wait.as_secs());
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
    client(settings, base, (HeaderMap::new(), Idle::Kept), policy, redactor)
}

/// What becomes of a connection without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idle {
    Kept,
    Closed,
}

fn client(
    settings: &ProviderSettings,
    base: &Url,
    (headers, idle): (HeaderMap, Idle),
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
    if idle == Idle::Closed {
        builder = builder.pool_max_idle_per_host(0);
    }
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
