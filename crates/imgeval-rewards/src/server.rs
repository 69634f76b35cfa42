//! The server that training code asks for rewards.
//!
//! One request is judged at a time, as a detector uses all processors by itself; a bounded number waits, and more are told to come back
//! later. An error is one sentence with the status 400, which clients show; a status from 500 on would make flow_grpo's clients ask again for
//! hours.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use imgeval_core::sentence_of;
use imgeval_suites::geneval::Reward;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{error::Elapsed, timeout},
};

use crate::flow_grpo::{self, Asked};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// When to come back if too many requests wait.
const RETRY_AFTER_SECONDS: &str = "5";

/// What judges images. It may take its time: it is never called on a thread of the network.
pub trait Rewarder: Send + Sync {
    /// What it is, for `/health`: names and numbers, no secrets.
    fn facts(&self) -> Vec<(String, String)>;

    /// The reward of one image.
    ///
    /// # Errors
    /// One sentence that says what is wrong with the image or the case.
    fn reward(&self, asked: &Asked) -> Result<Reward, String>;
}

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// What clients must send as `Authorization: Bearer TOKEN`.
    pub token: Option<String>,
    pub max_body_bytes: usize,
    /// Requests that wait or are judged, before others are told to come back later.
    pub max_requests: usize,
    /// The name of the semantics, sent with every answer.
    pub semantics: &'static str,
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
    #[error("the server stopped")]
    Serve(#[source] io::Error),
}

/// Takes the address. Only this machine may reach a server without a token.
///
/// # Errors
/// If others could, or the address is not free.
pub async fn listen(address: SocketAddr, options: &ServerOptions) -> Result<TcpListener, ServerError> {
    if !address.ip().is_loopback() && options.token.is_none() {
        return Err(ServerError::NeedsToken { address });
    }
    TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })
}

/// Answers requests until `end` comes, and then those that have begun.
///
/// # Errors
/// If the network fails.
pub async fn serve(
    listener: TcpListener,
    rewarder: Arc<dyn Rewarder>,
    options: ServerOptions,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    let server = Arc::new(Server {
        rewarder,
        places: Arc::new(Semaphore::new(options.max_requests)),
        turn: Arc::new(Semaphore::new(1)),
        counts: Counts::default(),
        options,
    });
    let router = Router::new()
        .route("/", post(answer_flow_grpo))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(server);
    axum::serve(listener, router).with_graceful_shutdown(end).await.map_err(ServerError::Serve)
}

struct Server {
    rewarder: Arc<dyn Rewarder>,
    options: ServerOptions,
    places: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
    images: AtomicU64,
}

/// A sentence for the client.
struct Refusal(StatusCode, String);

impl Server {
    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.options.token else { return Ok(()) };
        let sent =
            headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        match sent.is_some_and(|sent| is_equal(sent, token.as_bytes())) {
            true => Ok(()),
            false => Err(Refusal(StatusCode::UNAUTHORIZED, "the token is missing or wrong".to_owned())),
        }
    }

    async fn body_of(&self, request: Request) -> Result<Bytes, Refusal> {
        let limit = self.options.max_body_bytes;
        let too_large =
            || Refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"));
        let length =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > limit) {
            return Err(too_large());
        }
        match timeout(BODY_TIMEOUT, to_bytes(request.into_body(), limit)).await {
            Ok(Ok(body)) => Ok(body),
            // Without a length, only reading shows that there is too much.
            Ok(Err(_)) if length.is_none() => Err(too_large()),
            Ok(Err(_)) => Err(Refusal(StatusCode::BAD_REQUEST, "the body broke off".to_owned())),
            Err(Elapsed { .. }) => {
                Err(Refusal(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive".to_owned()))
            }
        }
    }

    /// Judges the images of a request, one request after the other. A client that goes away frees neither its place nor its turn before
    /// its work has ended, since nothing stops a detector.
    async fn judge(self: &Arc<Self>, body: Bytes, place: OwnedSemaphorePermit) -> Result<Vec<u8>, Refusal> {
        let stopped = |_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping".to_owned());
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(stopped)?;
        let server = Arc::clone(self);
        let work = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            let request = flow_grpo::read_request(&body).map_err(|error| sentence_of(&error))?;
            let judge = |(place, asked): (usize, &Asked)| {
                let reward =
                    server.rewarder.reward(asked).map_err(|problem| format!("images[{place}]: {problem}"));
                server.counts.images.fetch_add(1, Ordering::Relaxed);
                reward
            };
            let rewards = request.samples.iter().enumerate().map(judge).collect::<Result<Vec<_>, _>>()?;
            Ok::<_, String>(flow_grpo::write_answer(&request, &rewards))
        });
        match work.await {
            Ok(answer) => answer.map_err(|problem| Refusal(StatusCode::BAD_REQUEST, problem)),
            Err(_) => Err(Refusal(StatusCode::BAD_REQUEST, "this request cannot be judged".to_owned())),
        }
    }
}

async fn answer_flow_grpo(State(server): State<Arc<Server>>, request: Request) -> Response {
    let answer = match server.check_token(request.headers()) {
        Err(refusal) => Err(refusal),
        Ok(()) => match Arc::clone(&server.places).try_acquire_owned() {
            Err(_) => {
                server.counts.busy.fetch_add(1, Ordering::Relaxed);
                return busy(&server);
            }
            Ok(place) => match server.body_of(request).await {
                Ok(body) => server.judge(body, place).await,
                Err(refusal) => Err(refusal),
            },
        },
    };
    let count = if answer.is_ok() { &server.counts.answered } else { &server.counts.refused };
    count.fetch_add(1, Ordering::Relaxed);
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, Body::from(body)),
        Err(Refusal(status, sentence)) => (status, Body::from(sentence)),
    };
    // The original says that everything is HTML, and clients do not look.
    let kind =
        if status == StatusCode::OK { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
    (status, [(header::CONTENT_TYPE.as_str(), kind), ("x-imgeval-semantics", server.options.semantics)], body)
        .into_response()
}

fn busy(server: &Server) -> Response {
    let headers = [
        (header::RETRY_AFTER.as_str(), RETRY_AFTER_SECONDS),
        ("x-imgeval-semantics", server.options.semantics),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, "too many requests wait; come back later").into_response()
}

/// Needs no token: it says what works here, and nothing about requests.
async fn health(State(server): State<Arc<Server>>) -> Response {
    let mut facts = serde_json::Map::new();
    facts.insert("status".to_owned(), "ok".into());
    facts.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    facts.insert("semantics".to_owned(), server.options.semantics.into());
    facts.extend(server.rewarder.facts().into_iter().map(|(name, value)| (name, value.into())));
    let text = serde_json::Value::Object(facts).to_string();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Prometheus' text format.
async fn metrics(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    if let Err(Refusal(status, sentence)) = server.check_token(&headers) {
        return (status, sentence).into_response();
    }
    let Counts { answered, refused, busy, images } = &server.counts;
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let free = server.places.available_permits();
    let text = format!(
        "# TYPE imgeval_requests_total counter\n\
         imgeval_requests_total{{outcome=\"answered\"}} {}\n\
         imgeval_requests_total{{outcome=\"refused\"}} {}\n\
         imgeval_requests_total{{outcome=\"busy\"}} {}\n\
         # TYPE imgeval_images_total counter\n\
         imgeval_images_total {}\n\
         # TYPE imgeval_requests_waiting gauge\n\
         imgeval_requests_waiting {}\n",
        of(answered),
        of(refused),
        of(busy),
        of(images),
        server.options.max_requests - free.min(server.options.max_requests),
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Takes as long whatever differs.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
