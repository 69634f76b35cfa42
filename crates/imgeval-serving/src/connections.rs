//! The loop that accepts connections, and the limits of each.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

/// What a server allows its clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open at the same time; more are answered 503.
    pub connections: usize,
    /// Connections being told 503 at the same time; more are closed without a word.
    pub refusals: usize,
    /// From the end of an answer, or the opening of the connection, to the end of the next request's headers.
    pub headers: Duration,
    /// From the end of the headers to the beginning of the answer: no honest request takes as long.
    pub request: Duration,
    /// For the client to take some of the answer.
    pub writing: Duration,
}

/// How long to wait when the system gives no connection, for want of file handles mostly.
const PAUSE: Duration = Duration::from_millis(200);

const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\nretry-after: 1\r\n\
    connection: close\r\n\r\nthe server has too many connections; try again soon";

/// Serves until `end` comes, then answers the requests that have begun and returns.
pub async fn serve_connections(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    end: impl Future<Output = ()> + Send,
) {
    // Around the router, which adds the allowed methods after its own layers.
    let app =
        Router::new().fallback_service(app).layer(middleware::from_fn_with_state(limits.request, answer));
    let places = Arc::new(Semaphore::new(limits.connections));
    let refusals = Arc::new(Semaphore::new(limits.refusals));
    let (ending, is_ending) = watch::channel(false);
    let mut end = pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let (app, is_ending) = (app.clone(), is_ending.clone());
            tokio::spawn(async move {
                serve_connection(stream, app, limits, is_ending).await;
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
            tokio::spawn(async move {
                // A client that does not listen is not waited for.
                let _ = timeout(limits.headers, refuse(stream)).await;
                drop(place);
            });
        }
    }
    drop(listener);
    ending.send_replace(true);
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    drop(places.acquire_many(all).await);
}

/// A connection that breaks off or takes too long concerns its client alone.
async fn serve_connection(
    stream: TcpStream,
    app: Router,
    limits: Limits,
    mut is_ending: watch::Receiver<bool>,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.writing));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // It panics where the clock is out of range.
        .auto_date_header(false)
        .header_read_timeout(limits.headers)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(app));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        _ = is_ending.wait_for(|is_ending| *is_ending) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Read to the end what the client has to say: what is closed unread, the system resets, and the answer is lost with it.
async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(BUSY).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

/// Answers OPTIONS by what the address allows, and every request in time.
async fn answer(State(time): State<Duration>, request: Request, next: Next) -> Response {
    let is_question = request.method() == Method::OPTIONS;
    let is_about_all = is_question && request.uri().path() == "*";
    let Ok(mut response) = timeout(time, next.run(request)).await else {
        return (StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response();
    };
    if let Some(allowed) = response.headers_mut().get_mut(header::ALLOW) {
        // The router names what it routes; OPTIONS is answered here.
        let mut methods = allowed.as_bytes().to_vec();
        methods.extend_from_slice(b",OPTIONS");
        if let Ok(methods) = HeaderValue::from_bytes(&methods) {
            *allowed = methods;
        }
        if is_question && response.status() == StatusCode::METHOD_NOT_ALLOWED {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
    } else if is_about_all {
        return (StatusCode::NO_CONTENT, [(header::ALLOW, "GET,HEAD,POST,OPTIONS")]).into_response();
    }
    response
}

#[cfg(test)]
mod tests;
