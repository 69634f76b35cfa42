//! Requests of the index, and of the pages that it leads to.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::{net::TcpListener, sync::Mutex as AsyncMutex};

use super::{
    FolderOfRuns,
    index::{Order, render_index},
    shelf::{Entry, ID_LENGTH, Shelf},
};
use crate::{
    PagesError, ViewerEvent, ViewerOptions,
    local_server::{header_text, is_from_own_page, listen, serve_connections, set_headers},
    viewer::server::{Served, Tell, is_own_host, lock, router},
};

const NOT_INVITED: &str = "only for the index itself; open it as localhost or by the number of its address";
const STYLE: &str = include_str!("index.css");
/// The index has a style of its own place, and a form that leads to its own place.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
/// So many pages are kept ready; one that was opened earlier is read anew when it is asked for.
const MOST_OPEN: usize = 8;
/// More runs than this are not shown on one page.
const MOST_CHOSEN: usize = 64;

type Shared = Arc<Indexed>;

struct Indexed {
    shelf: Box<dyn Shelf>,
    /// What the index calls the folder.
    title: String,
    options: ViewerOptions,
    tell: Tell,
    /// By the ids of their runs, the newest last.
    open: Mutex<VecDeque<(String, Arc<Served>)>>,
    /// Pages are opened one after the other, so that two requests do not open the same one.
    opening: AsyncMutex<()>,
}

/// Serves an index of the folder's runs and their pages until the process ends.
///
/// # Errors
/// If the port cannot be had.
pub async fn run_folder_viewer(
    folder: FolderOfRuns,
    title: String,
    options: ViewerOptions,
    tell: impl Fn(ViewerEvent<'_>) + Send + Sync + 'static,
) -> Result<(), PagesError> {
    let listener = listen(SocketAddr::new(options.host, options.port)).await?;
    let address = listener.local_addr().map_err(PagesError::UnknownPort)?;
    let indexed = Indexed::new(Box::new(folder), title, options, Arc::new(tell));
    (indexed.tell)(ViewerEvent::Listening { address });
    serve_on(listener, indexed).await;
    Ok(())
}

async fn serve_on(listener: TcpListener, indexed: Indexed) {
    let indexed = Arc::new(indexed);
    let app = Router::new()
        .route("/", get(index))
        .route("/index.css", get(style))
        .route("/compare", get(compare))
        .layer(middleware::from_fn_with_state(Arc::clone(&indexed), guard))
        // Pages guard themselves.
        .route("/view/{key}/", get(view))
        .route("/view/{key}/{*rest}", get(view))
        .with_state(indexed);
    serve_connections(listener, app).await;
}

impl Indexed {
    fn new(shelf: Box<dyn Shelf>, title: String, options: ViewerOptions, tell: Tell) -> Self {
        let (open, opening) = (Mutex::new(VecDeque::new()), AsyncMutex::new(()));
        Self { shelf, title, options, tell, open, opening }
    }

    fn known_view(&self, key: &str) -> Option<Arc<Served>> {
        let mut open = lock(&self.open);
        let place = open.iter().position(|(known, _)| known == key)?;
        let entry = open.remove(place)?;
        let served = Arc::clone(&entry.1);
        open.push_back(entry);
        Some(served)
    }

    /// Reads the runs that the key names; `None` if there is no such run.
    fn open_view(&self, key: &str) -> Option<Result<Arc<Served>, PagesError>> {
        let entries = self.shelf.entries();
        let directories: Option<Vec<PathBuf>> = key
            .split('-')
            .map(|id| entries.iter().find(|entry| entry.id == id).map(|entry| entry.directory.clone()))
            .collect();
        let directories = directories.filter(|found| found.len() <= MOST_CHOSEN)?;
        let opened = self.shelf.open(&directories);
        let served = opened.and_then(|runs| Served::open(runs, self.options, Arc::clone(&self.tell)));
        Some(served.map(|served| {
            let served = Arc::new(served);
            let mut open = lock(&self.open);
            open.push_back((key.to_owned(), Arc::clone(&served)));
            while open.len() > MOST_OPEN {
                open.pop_front();
            }
            served
        }))
    }
}

/// As the guard of the pages, with the policy of the index.
async fn guard(State(indexed): State<Shared>, request: Request, next: Next) -> Response {
    let host = header_text(request.headers(), header::HOST).unwrap_or_default();
    let is_ours = is_own_host(host, indexed.options.host.is_loopback());
    let is_invited = is_from_own_page(request.headers()) || request.uri().path() == "/";
    let mut response = if is_ours && is_invited {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, NOT_INVITED).into_response()
    };
    set_headers(response.headers_mut(), POLICY);
    response
}

async fn index(State(indexed): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let order = Order::parse(&query.unwrap_or_default());
    let reading = tokio::task::spawn_blocking(move || {
        let entries: Vec<Arc<Entry>> = indexed.shelf.entries();
        render_index(&indexed.title, &entries, order)
    });
    match reading.await {
        Ok(page) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the server broke down").into_response(),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Leads to the page of the chosen runs; back to the index if none was chosen.
async fn compare(RawQuery(query): RawQuery) -> Redirect {
    let query = query.unwrap_or_default();
    let ids = query.split('&').filter_map(|pair| pair.strip_prefix("run="));
    let ids: Vec<&str> = ids.filter(|id| is_id(id)).take(MOST_CHOSEN).collect();
    if ids.is_empty() { Redirect::to("./") } else { Redirect::to(&format!("view/{}/", ids.join("-"))) }
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Hands a request to the page of the runs that it names, as if that page were the whole server.
async fn view(State(indexed): State<Shared>, Path(parts): Path<Vec<String>>, request: Request) -> Response {
    let key = parts.into_iter().next().unwrap_or_default();
    // Whoever may not see a page must not have it read either.
    let host = header_text(request.headers(), header::HOST).unwrap_or_default();
    let is_ours = is_own_host(host, indexed.options.host.is_loopback());
    if !is_ours || !is_from_own_page(request.headers()) {
        return plain(StatusCode::FORBIDDEN, NOT_INVITED);
    }
    let served = match find_view(&indexed, &key).await {
        Ok(served) => served,
        Err(response) => return response,
    };
    let path = request.uri().path().strip_prefix(&format!("/view/{key}")).unwrap_or("/");
    let Ok(uri) = path.parse::<Uri>() else { return nothing_there() };
    let mut request = request;
    *request.uri_mut() = uri;
    // The page's own routes would otherwise be given the parts of this route's path beside theirs.
    request.extensions_mut().clear();
    TowerToHyperService::new(router(served)).call(request).await.unwrap_or_else(|never| match never {})
}

async fn find_view(indexed: &Shared, key: &str) -> Result<Arc<Served>, Response> {
    if let Some(served) = indexed.known_view(key) {
        return Ok(served);
    }
    if !key.split('-').all(is_id) {
        return Err(nothing_there());
    }
    let _one_at_a_time = indexed.opening.lock().await;
    if let Some(served) = indexed.known_view(key) {
        return Ok(served);
    }
    let (reader, key) = (Arc::clone(indexed), key.to_owned());
    match tokio::task::spawn_blocking(move || reader.open_view(&key)).await {
        Ok(Some(Ok(served))) => Ok(served),
        Ok(Some(Err(error))) => {
            (indexed.tell)(ViewerEvent::RunsUnreadable(&error));
            let message = "These runs cannot be shown; the terminal of `imgeval serve` says why.";
            Err(plain(StatusCode::INTERNAL_SERVER_ERROR, message))
        }
        Ok(None) => Err(nothing_there()),
        Err(_) => Err(plain(StatusCode::INTERNAL_SERVER_ERROR, "the server broke down")),
    }
}

fn nothing_there() -> Response {
    plain(StatusCode::NOT_FOUND, "the folder holds no such run")
}

fn plain(status: StatusCode, message: &'static str) -> Response {
    let mut response = (status, message).into_response();
    set_headers(response.headers_mut(), POLICY);
    response
}

#[cfg(test)]
mod tests;
