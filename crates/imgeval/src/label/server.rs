//! The page and its few requests, on this machine only.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};
use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use imgeval_store::RunWriter;
use imgeval_suites::judged::Attachment;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::session::{LabelError, Session};
use crate::{failure::sentence_of, printer::Printer};

const PAGE: &str = include_str!("page/index.html");
const SCRIPT: &str = include_str!("page/label.js");
const STYLE: &str = include_str!("page/label.css");

/// Nothing is loaded from elsewhere, nothing is run that does not lie beside the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Shared = Arc<Mutex<Session>>;

/// Serves until the process ends.
///
/// # Errors
/// If the port cannot be had.
pub(crate) async fn serve(session: Session, port: u16, rater: Option<&str>, printer: Printer) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("could not listen on {address}; choose another port with --port"))?;
    let address = listener.local_addr().context("could not learn the port")?;
    let query = rater.map(|rater| format!("/?rater={}", encode(rater))).unwrap_or_default();
    printer.insist(format_args!("label: http://{address}{query} (Ctrl-C ends; every label is kept at once)"));
    let shared: Shared = Arc::new(Mutex::new(session));
    let app = Router::new()
        .route("/", get(|| file("text/html; charset=utf-8", PAGE)))
        .route("/label.js", get(|| file("text/javascript; charset=utf-8", SCRIPT)))
        .route("/label.css", get(|| file("text/css; charset=utf-8", STYLE)))
        .route("/api/state", get(state))
        .route("/api/item/{place}", get(item))
        .route("/api/label", post(label))
        .route("/api/undo", post(undo))
        .route("/image/{place}/{which}", get(image))
        .with_state(shared)
        .layer(middleware::from_fn(guard));
    axum::serve(listener, app).await.context("the server broke down")
}

/// Other pages in the same browser may neither read nor label: a request must name this machine, and one that changes
/// something must come from this page.
async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = ["127.0.0.1", "localhost"].contains(&name);
    let origin = text(headers, header::ORIGIN);
    let is_own = origin.is_empty() || origin == format!("http://{host}");
    let is_json = text(headers, header::CONTENT_TYPE).starts_with("application/json");
    let may_change = request.method() == "GET" || is_json;
    if !(is_local && is_own && may_change) {
        return (StatusCode::FORBIDDEN, "only for the label page on this machine").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    response
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

#[derive(Debug, Deserialize)]
struct Who {
    rater: String,
}

#[derive(Debug, Deserialize)]
struct LabelBody {
    rater: String,
    place: usize,
    values: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct UndoBody {
    rater: String,
    place: usize,
}

async fn state(State(shared): State<Shared>, Query(who): Query<Who>) -> Response {
    blocking(shared, move |session| {
        let labelled = session.labelled(&who.rater)?;
        let scale: Vec<_> =
            session.scale().iter().map(|(name, most)| json!({"name": name, "most": most})).collect();
        Ok(Json(json!({"total": session.len(), "labelled": labelled, "scale": scale})).into_response())
    })
    .await
}

async fn item(State(shared): State<Shared>, Path(place): Path<usize>, Query(who): Query<Who>) -> Response {
    blocking(shared, move |session| {
        let shown = session.show(&who.rater, place)?;
        let case = shown.case;
        let item = json!({
            "prompt": case.prompt,
            "explanation": case.explanation,
            "has_source": case.source.is_some(),
            "values": shown.label,
        });
        Ok(Json(item).into_response())
    })
    .await
}

async fn label(State(shared): State<Shared>, Json(body): Json<LabelBody>) -> Response {
    blocking(shared, move |session| {
        session.label(&body.rater, body.place, body.values)?;
        Ok(Json(json!({"saved": body.place})).into_response())
    })
    .await
}

async fn undo(State(shared): State<Shared>, Json(body): Json<UndoBody>) -> Response {
    blocking(shared, move |session| {
        session.take_back(&body.rater, body.place)?;
        Ok(Json(json!({"taken_back": body.place})).into_response())
    })
    .await
}

async fn image(
    State(shared): State<Shared>,
    Path((place, which)): Path<(usize, String)>,
    Query(who): Query<Who>,
) -> Response {
    let attachment = match which.as_str() {
        "answer" => Attachment::Answer,
        "source" => Attachment::Source,
        _ => return (StatusCode::NOT_FOUND, "there is no such image").into_response(),
    };
    blocking(shared, move |session| {
        let image = session.image(&who.rater, place, attachment)?;
        let bytes = RunWriter::read_image(session.directory(), &image.hash, image.format)?;
        let kind = match image.format.extension() {
            "jpg" => "image/jpeg",
            "webp" => "image/webp",
            _ => "image/png",
        };
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=3600")];
        Ok((headers, bytes).into_response())
    })
    .await
}

/// Runs on a thread that may wait for the disk; what was done is done even if the browser has gone.
async fn blocking(
    shared: Shared,
    work: impl FnOnce(&mut Session) -> Result<Response, LabelError> + Send + 'static,
) -> Response {
    let worked = tokio::task::spawn_blocking(move || work(&mut lock(&shared))).await;
    match worked {
        Ok(Ok(response)) => response,
        Ok(Err(LabelError::Refused(reason))) => (StatusCode::BAD_REQUEST, reason).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, sentence_of(&error)).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the server broke down").into_response(),
    }
}

/// A panic in one request leaves nothing half done: the database holds whole transactions.
fn lock(shared: &Shared) -> MutexGuard<'_, Session> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name for a query.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
