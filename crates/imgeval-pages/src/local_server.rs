//! What the servers of this machine share: taking a port, connections, and headers that keep a page to itself.

use std::{future::pending, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};
use imgeval_serving::Limits;
use tokio::net::TcpListener;

use crate::PagesError;

/// A browser opens six connections to a server.
const LIMITS: Limits = Limits {
    connections: 128,
    refusals: 16,
    headers: Duration::from_secs(15),
    request: Duration::from_secs(120),
    writing: Duration::from_secs(30),
};

/// Serves until the process ends.
pub(crate) async fn serve_connections(listener: TcpListener, app: Router) {
    imgeval_serving::serve_connections(listener, app, LIMITS, pending()).await;
}

/// # Errors
/// If the port cannot be had.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, PagesError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => PagesError::PortInUse { port: address.port() },
        _ => PagesError::Listen { address, source },
    })
}

/// A header that is text.
pub(crate) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the browser says that our own page asks, or that the reader typed the address; other programs say nothing.
pub(crate) fn is_from_own_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    site.is_none_or(|site| site == b"same-origin" || site == b"none")
}

/// Nothing is guessed about the content, told to other sites, or kept unless the answer says so itself.
pub(crate) fn set_headers(headers: &mut HeaderMap, policy: HeaderValue) {
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
