//! Requests of the page.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use imgeval_core::ImageFormat;
use imgeval_report::{
    model::ImageView,
    page::{
        LIVE_POLICY_EXTRA, Mode, PictureError, THUMBNAIL_SIDE, content_security_policy, make_thumbnail,
        read_original, render_live_page,
    },
};
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};

use super::{
    revision::{LiveRuns, Revision},
    thumbs::Thumbs,
};
use crate::{
    PagesError, RunsOnDisk,
    local_server::{header_text, is_from_own_page, listen, serve_connections, set_headers},
    report::opaque_pixels,
};

/// Revisions that pages may still show.
const MOST_REVISIONS: usize = 3;
/// Reading the runs takes no more than one part in so many of the time.
const SHARE_OF_TIME: u32 = 4;
/// Where files are named by their content.
const FOREVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

#[derive(Debug, Clone, Copy)]
pub struct ViewerOptions {
    pub host: IpAddr,
    /// 0 takes any that is free.
    pub port: u16,
    /// Look for news at most this often.
    pub every: Duration,
}

/// What whoever started the viewer should know.
#[derive(Debug, Clone, Copy)]
pub enum ViewerEvent<'a> {
    /// The page can be opened at this address.
    Listening { address: SocketAddr },
    /// The page shows what was read before; told once until they can be read again.
    RunsUnreadable(&'a PagesError),
    /// A page asked for data that could not be read back.
    DataUnreadable(&'a PagesError),
}

pub(super) type Tell = Arc<dyn Fn(ViewerEvent<'_>) + Send + Sync>;

type Shared = Arc<Served>;

/// Runs with everything that their page asks for.
pub(super) struct Served {
    runs: Box<dyn LiveRuns>,
    every: Duration,
    policy: HeaderValue,
    /// Whether only this machine can reach us.
    is_loopback: bool,
    news: Mutex<News>,
    thumbs: Mutex<Thumbs>,
    /// Large pictures are decoded one a processor.
    decoding: Semaphore,
    tell: Tell,
}

/// What was read last.
struct News {
    /// The newest last; never empty.
    revisions: VecDeque<Arc<Revision>>,
    stamp: String,
    looked: Instant,
    /// How long reading took.
    cost: Duration,
    is_looking: bool,
    problem: Option<String>,
}

/// Serves until the process ends.
///
/// # Errors
/// If the runs cannot be read at the start, or the port cannot be had.
pub async fn run_viewer(
    runs: RunsOnDisk,
    options: ViewerOptions,
    tell: impl Fn(ViewerEvent<'_>) + Send + Sync + 'static,
) -> Result<(), PagesError> {
    let served = tokio::task::spawn_blocking(move || Served::open(Box::new(runs), options, Arc::new(tell)))
        .await
        .map_err(PagesError::Broke)??;
    let listener = listen(SocketAddr::new(options.host, options.port)).await?;
    let address = listener.local_addr().map_err(PagesError::UnknownPort)?;
    (served.tell)(ViewerEvent::Listening { address });
    serve_on(listener, Arc::new(served)).await;
    Ok(())
}

async fn serve_on(listener: TcpListener, served: Shared) {
    serve_connections(listener, router(served)).await;
}

/// The page and what it asks for. The page names everything relative to its own address, which ends in a slash.
pub(super) fn router(served: Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/live.json", get(live))
        .route("/data/{revision}/{name}", get(data))
        .route("/figure/{hash}", get(figure))
        .route("/image/{run}/{hash}", get(image))
        .route("/thumb/{run}/{hash}", get(thumb))
        .layer(middleware::from_fn_with_state(Arc::clone(&served), guard))
        .with_state(served)
}

impl Served {
    pub(super) fn open(
        runs: Box<dyn LiveRuns>,
        options: ViewerOptions,
        tell: Tell,
    ) -> Result<Self, PagesError> {
        let policy = format!("{}{LIVE_POLICY_EXTRA}", content_security_policy(Mode::Live));
        let policy = HeaderValue::try_from(policy).map_err(PagesError::Policy)?;
        let began = Instant::now();
        let stamp = runs.stamp();
        let first = Arc::new(Revision::read(runs.as_ref())?);
        let news = News {
            revisions: VecDeque::from([first]),
            stamp,
            looked: Instant::now(),
            cost: began.elapsed(),
            is_looking: false,
            problem: None,
        };
        let n_processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            runs,
            every: options.every,
            policy,
            is_loopback: options.host.is_loopback(),
            news: Mutex::new(news),
            thumbs: Mutex::new(Thumbs::default()),
            decoding: Semaphore::new(n_processors),
            tell,
        })
    }

    fn newest(&self) -> Option<Arc<Revision>> {
        lock(&self.news).revisions.back().map(Arc::clone)
    }

    /// What `find` finds in a revision, the newest first.
    fn find<T>(&self, find: impl Fn(&Revision) -> Option<T>) -> Option<T> {
        lock(&self.news).revisions.iter().rev().find_map(|revision| find(revision))
    }

    /// Whether it is time to look for news; who gets `true` has to look.
    fn claim_look(&self) -> bool {
        let mut news = lock(&self.news);
        let pause = self.every.max(news.cost * SHARE_OF_TIME);
        let is_time = !news.is_looking && news.looked.elapsed() >= pause;
        news.is_looking |= is_time;
        is_time
    }

    /// Reads the runs anew if they may have changed. What was read stays if they cannot be read now.
    fn look(&self) {
        let began = Instant::now();
        let stamp = self.runs.stamp();
        let is_known = {
            let news = lock(&self.news);
            news.stamp == stamp && news.problem.is_none()
        };
        // Reading takes a while, and others want to know what is known.
        let read = (!is_known).then(|| Revision::read(self.runs.as_ref()));
        let mut news = lock(&self.news);
        match read {
            None => {}
            Some(Ok(revision)) => {
                (news.stamp, news.problem) = (stamp, None);
                news.cost = began.elapsed();
                if news.revisions.back().is_none_or(|newest| newest.id != revision.id) {
                    news.revisions.push_back(Arc::new(revision));
                }
                while news.revisions.len() > MOST_REVISIONS {
                    news.revisions.pop_front();
                }
            }
            Some(Err(error)) => {
                let message = "The runs cannot be read at the moment; you see what was read last. The terminal of \
                               `imgeval serve` says why.";
                // Told once, and again when it has been well in between.
                if news.problem.replace(message.to_owned()).is_none() {
                    (self.tell)(ViewerEvent::RunsUnreadable(&error));
                }
            }
        }
        (news.looked, news.is_looking) = (Instant::now(), false);
    }
}

/// Other sites must not read along: a request names this machine by its number or as localhost (a name of theirs could be made to
/// point here), and one that a page makes is made by ours.
async fn guard(State(served): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = header_text(headers, header::HOST).unwrap_or_default();
    let is_ours = is_own_host(host, served.is_loopback);
    let is_invited = is_from_own_page(headers) || request.uri().path() == "/";
    let mut response = if is_ours && is_invited {
        next.run(request).await
    } else {
        let message = "only for the viewer's own page; open it as localhost or by the number of its address";
        (StatusCode::FORBIDDEN, message).into_response()
    };
    set_headers(response.headers_mut(), served.policy.clone());
    response
}

pub(super) fn is_own_host(host: &str, is_loopback: bool) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name == "localhost" {
        return true;
    }
    let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    number.parse::<IpAddr>().is_ok_and(|address| !is_loopback || address.is_loopback())
}

async fn page(State(served): State<Shared>) -> Response {
    let title = served.newest().map(|newest| newest.title.clone()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], render_live_page(&title)).into_response()
}

async fn live(State(served): State<Shared>) -> Response {
    if served.claim_look() {
        let served = Arc::clone(&served);
        // Nobody waits for it: the next question gets its answer.
        tokio::task::spawn_blocking(move || served.look());
    }
    let news = lock(&served.news);
    let Some(newest) = news.revisions.back() else { return missing() };
    Json(json!({
        "revision": newest.id,
        "every": served.every.as_secs().max(1),
        "problem": news.problem,
        "runs": newest.runs,
    }))
    .into_response()
}

async fn data(State(served): State<Shared>, Path((revision, name)): Path<(String, String)>) -> Response {
    blocking(served, move |served| {
        let found = lock(&served.news).revisions.iter().find(|known| known.id == revision).map(Arc::clone);
        match found.and_then(|revision| revision.data(&name)) {
            Some(Ok(text)) => named_by_content("application/json", text),
            Some(Err(error)) => {
                (served.tell)(ViewerEvent::DataUnreadable(&error));
                missing()
            }
            None => missing(),
        }
    })
    .await
}

async fn figure(State(served): State<Shared>, Path(hash): Path<String>) -> Response {
    match served.find(|revision| revision.figure(&hash).map(str::to_owned)) {
        Some(svg) => named_by_content("image/svg+xml", svg),
        None => missing(),
    }
}

async fn image(State(served): State<Shared>, Path((run, hash)): Path<(usize, String)>) -> Response {
    blocking(served, move |served| match served.original(run, &hash) {
        Some((image, Ok(bytes))) => named_by_content(content_type(&image), bytes),
        Some((_, Err(error))) => unshown(&error),
        None => missing(),
    })
    .await
}

async fn thumb(State(served): State<Shared>, Path((run, hash)): Path<(usize, String)>) -> Response {
    let Ok(_permit) = served.decoding.acquire().await else { return missing() };
    blocking(Arc::clone(&served), move |served| {
        if served.find(|revision| revision.picture(run, &hash).map(|_| ())).is_none() {
            return missing();
        }
        if let Some(thumb) = lock(&served.thumbs).get(&hash) {
            return named_by_content("image/jpeg", thumb);
        }
        let Some((_, original)) = served.original(run, &hash) else { return missing() };
        match original.and_then(|bytes| make_thumbnail(&bytes, THUMBNAIL_SIDE, opaque_pixels(&bytes))) {
            Ok(thumb) => {
                lock(&served.thumbs).keep(&hash, &thumb);
                named_by_content("image/jpeg", thumb)
            }
            Err(error) => unshown(&error),
        }
    })
    .await
}

impl Served {
    /// A picture that a revision names, with its bytes.
    fn original(&self, run: usize, hash: &str) -> Option<(ImageView, Result<Vec<u8>, PictureError>)> {
        let image = self.find(|revision| revision.picture(run, hash).cloned())?;
        let path = self.runs.path(run, &image);
        let bytes = path.ok_or(PictureError::Missing).and_then(|path| read_original(&path, &image));
        Some((image, bytes))
    }
}

fn content_type(image: &ImageView) -> &'static str {
    ImageFormat::from_extension(&image.extension).map_or("application/octet-stream", ImageFormat::media_type)
}

fn named_by_content(kind: &'static str, body: impl IntoResponse) -> Response {
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOREVER)], body).into_response()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "the runs hold nothing of this name").into_response()
}

fn unshown(error: &PictureError) -> Response {
    (StatusCode::NOT_FOUND, format!("the picture {error}")).into_response()
}

/// Runs on a thread that may wait for the disk.
async fn blocking(served: Shared, work: impl FnOnce(&Served) -> Response + Send + 'static) -> Response {
    let worked = tokio::task::spawn_blocking(move || work(&served)).await;
    worked.unwrap_or_else(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the server broke down").into_response())
}

/// Everything behind these locks is whole at any time.
pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
