//! The page and its few requests, on this machine only.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use imgeval_store::{Images, StoreError};
use imgeval_suites::judged::Attachment;
use serde::Deserialize;
use serde_json::json;

use super::session::{LabelError, Session};
use crate::{
    PagesError,
    local_server::{header_text, is_from_own_page, listen, serve_connections, set_headers},
};

const PAGE: &str = include_str!("page/index.html");
const SCRIPT: &str = include_str!("page/label.js");
const STYLE: &str = include_str!("page/label.css");

/// Nothing is loaded from elsewhere, nothing is run that does not lie beside the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A label is a few numbers.
const MAX_BODY_BYTES: usize = 16 << 10;

#[derive(Debug, Clone, Copy)]
pub struct LabelOptions<'a> {
    /// 0 takes any that is free.
    pub port: u16,
    /// Whose page the address opens; without a name the page asks for it.
    pub rater: Option<&'a str>,
}

/// What whoever started the label page should know.
#[derive(Debug, Clone, Copy)]
pub enum LabelEvent<'a> {
    /// The page can be opened at this address, with this query behind its `/`.
    Listening { address: SocketAddr, query: &'a str, n_images: usize },
    /// A page asked for an image that is gone or damaged.
    ImageUnreadable(&'a StoreError),
    /// The run could not be read or written, and a page was told no more than that.
    RunUnusable(&'a LabelError),
}

type Tell = Box<dyn Fn(LabelEvent<'_>) + Send + Sync>;

type Shared = Arc<Served>;

struct Served {
    session: Mutex<Session>,
    tell: Tell,
}

/// Serves until the process ends.
///
/// # Errors
/// If the port cannot be had.
pub async fn run_label_page(
    session: Session,
    options: LabelOptions<'_>,
    tell: impl Fn(LabelEvent<'_>) + Send + Sync + 'static,
) -> Result<(), PagesError> {
    let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await?;
    let address = listener.local_addr().map_err(PagesError::UnknownPort)?;
    let query = options.rater.map(|rater| format!("?rater={}", encode(rater))).unwrap_or_default();
    tell(LabelEvent::Listening { address, query: &query, n_images: session.len() });
    let shared: Shared = Arc::new(Served { session: Mutex::new(session), tell: Box::new(tell) });
    let app = Router::new()
        .route("/", get(|| file("text/html; charset=utf-8", PAGE)))
        .route("/label.js", get(|| file("text/javascript; charset=utf-8", SCRIPT)))
        .route("/label.css", get(|| file("text/css; charset=utf-8", STYLE)))
        .route("/api/state", get(state))
        .route("/api/item/{place}", get(item))
        .route("/api/label", post(label))
        .route("/api/undo", post(undo))
        .route("/image/{key}/{which}", get(image))
        .with_state(shared)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(guard));
    serve_connections(listener, app).await;
    Ok(())
}

/// Other pages in the same browser may neither look nor label: a request must name this machine, one that a page makes
/// must come from ours, and one that changes something must be JSON, which no other page can send unasked.
async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = header_text(headers, header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = ["127.0.0.1", "localhost"].contains(&name);
    let is_own = match headers.contains_key(header::ORIGIN) {
        true => header_text(headers, header::ORIGIN) == Some(&format!("http://{host}")),
        false => true,
    };
    // Browsers send it with images too, which have no origin; a link to the page itself may stand anywhere.
    let is_invited = is_from_own_page(headers) || request.uri().path() == "/";
    let is_json =
        header_text(headers, header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    let only_reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if !(is_local && is_own && is_invited && (only_reads || is_json)) {
        return (StatusCode::FORBIDDEN, "only for the label page on this machine").into_response();
    }
    let mut response = next.run(request).await;
    set_headers(response.headers_mut(), HeaderValue::from_static(POLICY));
    response
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
    run: String,
    rater: String,
    key: String,
    values: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct UndoBody {
    run: String,
    rater: String,
    key: String,
}

async fn state(State(served): State<Shared>, Query(who): Query<Who>) -> Response {
    blocking(served, move |served| {
        let mut session = lock(&served.session);
        let labelled = session.labelled(&who.rater)?;
        let score = |(name, most, question)| json!({"name": name, "most": most, "question": question});
        let scale: Vec<_> = session.scale().map(score).collect();
        let state = json!({
            "run": session.run_id(),
            "version": session.version(),
            "total": session.len(),
            "labelled": labelled,
            "scale": scale,
        });
        Ok(Json(state).into_response())
    })
    .await
}

async fn item(State(served): State<Shared>, Path(place): Path<usize>, Query(who): Query<Who>) -> Response {
    blocking(served, move |served| {
        let mut session = lock(&served.session);
        let shown = session.show(&who.rater, place)?;
        let told = ["explanation", "questions"].map(|name| shown.case.fact(name));
        let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
        let item = json!({
            "key": shown.key,
            "prompt": shown.case.prompt(),
            "explanation": told.join("\n"),
            "has_source": shown.case.source().is_some(),
            "values": shown.label,
        });
        Ok(Json(item).into_response())
    })
    .await
}

async fn label(State(served): State<Shared>, Json(body): Json<LabelBody>) -> Response {
    blocking(served, move |served| {
        lock(&served.session).label(&body.run, &body.rater, &body.key, body.values)?;
        Ok(Json(json!({"saved": body.key})).into_response())
    })
    .await
}

async fn undo(State(served): State<Shared>, Json(body): Json<UndoBody>) -> Response {
    blocking(served, move |served| {
        lock(&served.session).take_back(&body.run, &body.rater, &body.key)?;
        Ok(Json(json!({"taken_back": body.key})).into_response())
    })
    .await
}

async fn image(
    State(served): State<Shared>,
    Path((key, which)): Path<(String, String)>,
    Query(who): Query<Who>,
) -> Response {
    let attachment = match which.as_str() {
        "answer" => Attachment::Answer,
        "source" => Attachment::Source,
        _ => return (StatusCode::NOT_FOUND, "there is no such image").into_response(),
    };
    blocking(served, move |served| {
        let mut session = lock(&served.session);
        let image = session.image(&who.rater, &key, attachment)?;
        let directory = session.directory().to_owned();
        // Others need not wait for the disk.
        drop(session);
        let bytes = match Images::at(&directory).read(&image) {
            Ok(bytes) => bytes,
            Err(error) => {
                (served.tell)(LabelEvent::ImageUnreadable(&error));
                return Ok((StatusCode::NOT_FOUND, "the image is gone or damaged").into_response());
            }
        };
        let kind = image.format.media_type();
        // The address names run, sample and bytes, so that what is kept can never be another image's.
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=3600")];
        Ok((headers, bytes).into_response())
    })
    .await
}

/// Runs on a thread that may wait for the disk; what was done is done even if the browser has gone. What went wrong with
/// the run is told on the terminal alone: its name is nothing for raters.
async fn blocking(
    served: Shared,
    work: impl FnOnce(&Served) -> Result<Response, LabelError> + Send + 'static,
) -> Response {
    let working = Arc::clone(&served);
    let worked = tokio::task::spawn_blocking(move || work(&working)).await;
    match worked {
        Ok(Ok(response)) => response,
        Ok(Err(error @ LabelError::Refused(_))) => {
            (StatusCode::BAD_REQUEST, error.to_string()).into_response()
        }
        Ok(Err(error @ LabelError::OtherRun)) => (StatusCode::CONFLICT, error.to_string()).into_response(),
        Ok(Err(error @ LabelError::Store(_))) => {
            (served.tell)(LabelEvent::RunUnusable(&error));
            let message = "the run cannot be read or written; the terminal of `imgeval label` says why";
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the server broke down").into_response(),
    }
}

/// A panic in one request leaves nothing half done: the database holds whole transactions.
fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name for a query.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
