//! The server that training code asks for rewards.
//!
//! Images are measured one after the other in the order in which their requests came, as a detector uses all processors by itself; images
//! of different requests take turns, so that a small batch does not wait for a large one. What waits is bounded in number and in bytes, and
//! who is beyond it is told to come back later. No status from 500 on is sent for a fault that would come again, since flow_grpo's clients
//! repeat those for hours.

mod body;
mod counts;
mod jobs;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{StreamExt as _, stream};
use imgeval_serving::{Limits, serve_connections};
use imgeval_suites::geneval::Semantics;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use self::{
    body::{Bodies, ReadBody},
    counts::{Counts, Outcome},
    jobs::Jobs,
};
use crate::{
    cache::Cache,
    question::{Measured, Question, Rewarder},
    wires::{self, Answers, Batch, Context, Refusal, Reply, WIRES, Wire},
};

/// When to come back if too many requests wait.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");
const SEMANTICS: HeaderName = HeaderName::from_static("x-imgeval-semantics");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const WARNING: HeaderName = HeaderName::from_static("x-imgeval-warning");
/// Longer names of requests are replaced by our own.
const MAX_ID_BYTES: usize = 128;

/// verl-omni opens a connection for each sample of a batch. A judged batch may take its time.
const LIMITS: Limits = Limits {
    connections: 1024,
    refusals: 64,
    headers: Duration::from_secs(60),
    request: Duration::from_secs(24 * 3600),
    writing: Duration::from_secs(60),
};

/// What clients must send as `Authorization: Bearer TOKEN`.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// Takes as long whatever differs.
    fn is(&self, sent: &[u8]) -> bool {
        let own = self.0.as_bytes();
        own.len() == sent.len()
            && own.iter().zip(sent).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

/// Where a line about a request goes.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// How to serve.
#[derive(Clone)]
pub struct ServerOptions {
    pub token: Option<Token>,
    /// Of one request.
    pub max_body_bytes: usize,
    /// Requests that wait or are measured, before others are told to come back later.
    pub max_requests: usize,
    /// Images that are measured at the same time, at least 1.
    pub n_parallel: usize,
    /// Rewards that are kept for images that come again.
    pub max_cached: usize,
    /// Whose GenEval rewards all wires give; `None` for those of each wire.
    pub semantics: Option<Semantics>,
    pub log: Log,
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("{address} can be reached from other machines, and no token protects it")]
    NeedsToken { address: SocketAddr },
    #[error("could not listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// Takes the address. Only this machine may reach a server without a token.
///
/// # Errors
/// If others could, or the address is not free.
pub async fn listen(address: SocketAddr, has_token: bool) -> Result<TcpListener, ServerError> {
    if !address.ip().is_loopback() && !has_token {
        return Err(ServerError::NeedsToken { address });
    }
    TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })
}

/// Answers requests until `end` comes, and then those that have begun.
pub async fn serve(
    listener: TcpListener,
    rewarder: Arc<dyn Rewarder>,
    options: ServerOptions,
    end: impl Future<Output = ()> + Send,
) {
    let server = Arc::new(Server {
        main_score: if rewarder.gives_geneval() { None } else { rewarder.scores().into_iter().next() },
        scores: rewarder.scores(),
        rewarder,
        bodies: Bodies::new(options.max_body_bytes),
        places: Arc::new(Semaphore::new(options.max_requests)),
        turns: Arc::new(Semaphore::new(options.n_parallel)),
        cache: Cache::new(options.max_cached),
        counts: Counts::default(),
        jobs: Jobs::default(),
        options,
    });
    let mut router = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/rewards", get(rewards))
        .route(wires::PULL_PATH, post(pull));
    for (place, wire) in WIRES.into_iter().enumerate() {
        let handler = move |State(server): State<Arc<Server>>, request| server.handle(place, wire, request);
        router = router.route(wire.path, post(handler));
    }
    serve_connections(listener, router.with_state(server), LIMITS, end).await;
}

struct Server {
    rewarder: Arc<dyn Rewarder>,
    /// Names of rewards beside GenEval's.
    scores: Vec<String>,
    /// The reward where a wire names none; GenEval's if this is `None`.
    main_score: Option<String>,
    options: ServerOptions,
    bodies: Bodies,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    cache: Cache,
    counts: Counts,
    jobs: Jobs,
}

/// A reply, with what the owner of the server should know.
struct Answered {
    reply: Reply,
    warning: Option<String>,
}

impl Server {
    async fn handle(self: Arc<Self>, place: usize, wire: Wire, request: Request) -> Response {
        let id = request_id(request.headers());
        let semantics = self.semantics_of(wire, request.headers());
        let answered = match &semantics {
            Ok(semantics) => Arc::clone(&self).answer(wire, *semantics, request).await,
            Err(refusal) => Err(refusal.clone()),
        };
        let outcome = match &answered {
            Ok(_) => Outcome::Answered,
            Err(Refusal { status: 503, .. }) => Outcome::Busy,
            Err(_) => Outcome::Refused,
        };
        self.counts.count(place, outcome);
        let (reply, warning) = match answered {
            Ok(Answered { reply, warning }) => (reply, warning),
            Err(refusal) => {
                self.log(&id, wire, &format!("refused with {}: {}", refusal.status, refusal.sentence));
                ((wire.refuse)(&refusal), None)
            }
        };
        if let Some(warning) = &warning {
            self.log(&id, wire, warning);
        }
        let mut response = response_of(reply);
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        if let Ok(semantics) = semantics {
            headers.insert(SEMANTICS, HeaderValue::from_static(semantics.name()));
        }
        if let Some(warning) = warning.and_then(|warning| HeaderValue::try_from(warning).ok()) {
            headers.insert(WARNING, warning);
        }
        response
    }

    async fn answer(
        self: Arc<Self>,
        wire: Wire,
        semantics: Semantics,
        request: Request,
    ) -> Result<Answered, Refusal> {
        self.check_token(request.headers())?;
        let content_type =
            header_text(request.headers(), header::CONTENT_TYPE).unwrap_or_default().to_owned();
        let body = self.bodies.read(request).await?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = Arc::new(place.map_err(|_| busy("too many requests wait"))?);
        let batch = self.read(wire, semantics, content_type, body).await?;
        match wire.answers {
            Answers::AtOnce => self.finish(batch, place).await,
            Answers::Later => {
                let (uuid, job) = self.jobs.begin();
                let server = Arc::clone(&self);
                tokio::spawn(async move {
                    let answered = server.finish(batch, place).await;
                    let reply = answered.map(|answered| answered.reply);
                    job.end(reply.unwrap_or_else(|refusal| (wire.refuse)(&refusal)));
                });
                Ok(Answered { reply: Reply::json(200, &json!({"uuid": uuid})), warning: None })
            }
        }
    }

    async fn read(
        self: &Arc<Self>,
        wire: Wire,
        semantics: Semantics,
        content_type: String,
        body: ReadBody,
    ) -> Result<Batch, Refusal> {
        let server = Arc::clone(self);
        let work = spawn_blocking(move || {
            let context = Context {
                semantics,
                content_type: &content_type,
                gives_geneval: server.rewarder.gives_geneval(),
                scores: &server.scores,
                main_score: server.main_score.as_deref(),
                judges_edits: server.rewarder.judges_edits(),
            };
            (wire.read)(body.bytes(), &context)
        });
        work.await.unwrap_or_else(|_| Err(own_fault("reading this request")))
    }

    async fn finish(
        self: &Arc<Self>,
        batch: Batch,
        place: Arc<OwnedSemaphorePermit>,
    ) -> Result<Answered, Refusal> {
        let Batch { questions, write, warning } = batch;
        let measured = stream::iter(questions)
            .map(|question| self.measure(question, Arc::clone(&place)))
            .buffered(self.options.n_parallel)
            .collect::<Vec<_>>()
            .await;
        let measured: Vec<Result<Measured, String>> = measured.into_iter().collect::<Result<_, Refusal>>()?;
        Ok(Answered { reply: write(&measured)?, warning })
    }

    /// Measures an image when its turn comes. A client that goes away frees neither its place nor its turn before this image is done, since
    /// nothing stops a detector.
    async fn measure(
        self: &Arc<Self>,
        question: Result<Question, String>,
        place: Arc<OwnedSemaphorePermit>,
    ) -> Result<Result<Measured, String>, Refusal> {
        let question = match question {
            Ok(question) => question,
            Err(problem) => return Ok(Err(problem)),
        };
        let stopping = |_| Refusal { status: 503, sentence: "the server is stopping".to_owned() };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(stopping)?;
        let server = Arc::clone(self);
        let work = spawn_blocking(move || {
            let _held = (place, turn);
            let key = Cache::key_of(&question);
            if let Some(measured) = server.cache.find(&key) {
                server.counts.cached();
                return Ok(measured);
            }
            let began = Instant::now();
            let measured = server.rewarder.measure(&question);
            server.counts.measured(began.elapsed());
            if let Ok(measured) = &measured {
                server.cache.keep(key, measured.clone());
            }
            measured
        });
        work.await.map_err(|_| own_fault("measuring one of the images"))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.options.token else { return Ok(()) };
        let sent =
            headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        match sent.is_some_and(|sent| token.is(sent)) {
            true => Ok(()),
            false => Err(Refusal { status: 401, sentence: "the token is missing or wrong".to_owned() }),
        }
    }

    /// A request may choose for itself.
    fn semantics_of(&self, wire: Wire, headers: &HeaderMap) -> Result<Semantics, Refusal> {
        let Some(asked) = header_text(headers, SEMANTICS) else {
            return Ok(self.options.semantics.unwrap_or(wire.semantics));
        };
        let names = Semantics::ALL.map(Semantics::name).join(", ");
        Semantics::from_name(asked)
            .ok_or_else(|| Refusal::bad_request(format!("the header {SEMANTICS} must be one of {names}")))
    }

    fn reward_names(&self) -> Vec<&str> {
        wires::reward_names(self.rewarder.gives_geneval(), &self.scores)
    }

    fn log(&self, id: &HeaderValue, wire: Wire, what: &str) {
        let id = id.to_str().unwrap_or_default();
        // Texts of clients are part of it.
        let line = what.replace(char::is_control, " ");
        (self.options.log)(&format!("request {id} ({}): {line}", wire.name));
    }
}

fn busy(what: &str) -> Refusal {
    Refusal { status: 503, sentence: format!("{what}; come back later") }
}

/// A panic, which has been printed already.
fn own_fault(doing: &str) -> Refusal {
    Refusal {
        status: 503,
        sentence: format!("imgeval failed at {doing}, which is a fault of its own; see its output"),
    }
}

fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The client's name of the request, or one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_short = |id: &&HeaderValue| id.len() <= MAX_ID_BYTES && id.to_str().is_ok();
    let own = || HeaderValue::try_from(format!("{:016x}", fastrand::u64(..)));
    match headers.get(REQUEST_ID).filter(is_short) {
        Some(id) => id.clone(),
        None => own().unwrap_or_else(|_| HeaderValue::from_static("unnamed")),
    }
}

fn response_of(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response =
        (status, [(header::CONTENT_TYPE, reply.content_type)], Body::from(reply.body)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

/// Needs no token: it says what works here, and nothing about requests.
async fn health(State(server): State<Arc<Server>>) -> Json<Value> {
    let semantics = WIRES.map(|wire| {
        let semantics = server.options.semantics.unwrap_or(wire.semantics);
        (wire.name.to_owned(), semantics.name().into())
    });
    let rewards = server.reward_names();
    let rewards = rewards.into_iter().map(|name| (name.to_owned(), json!([format!("{name}:ready")])));
    let mut facts = serde_json::Map::from_iter([
        ("status".to_owned(), "ok".into()),
        ("version".to_owned(), env!("CARGO_PKG_VERSION").into()),
        ("semantics".to_owned(), Value::Object(semantics.into_iter().collect())),
        ("rewards".to_owned(), Value::Object(rewards.collect())),
    ]);
    facts.extend(server.rewarder.facts().into_iter().map(|(name, value)| (name, value.into())));
    Json(Value::Object(facts))
}

/// What UniRL's client asks for.
async fn rewards(State(server): State<Arc<Server>>) -> Json<Value> {
    Json(json!({"rewards": server.reward_names()}))
}

/// Prometheus' text format.
async fn metrics(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = server.check_token(&headers) {
        return (StatusCode::UNAUTHORIZED, refusal.sentence).into_response();
    }
    let n_waiting = server.options.max_requests.saturating_sub(server.places.available_permits());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], server.counts.text(n_waiting)).into_response()
}

/// Scores of a request that was enqueued before.
async fn pull(State(server): State<Arc<Server>>, request: Request) -> Response {
    if let Err(refusal) = server.check_token(request.headers()) {
        return response_of(Reply::json(refusal.status, &json!({"message": refusal.sentence})));
    }
    let body = match server.bodies.read(request).await {
        Ok(body) => body,
        Err(refusal) => {
            return response_of(Reply::json(refusal.status, &json!({"message": refusal.sentence})));
        }
    };
    let (mut uuid, mut kind) = (String::new(), String::new());
    for (name, value) in form_urlencoded::parse(body.bytes()) {
        match &*name {
            "uuid" => uuid = value.into_owned(),
            "type" => kind = value.into_owned(),
            _ => {}
        }
    }
    response_of(match server.jobs.find(&uuid) {
        Some(job) => wires::pull(&uuid, &kind, Ok(job.reply())),
        None => wires::pull(&uuid, &kind, Err(())),
    })
}

#[cfg(test)]
mod tests;
