use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream as Client},
};

use axum::routing::{get, post};
use tokio::runtime::Runtime;

use super::*;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);
const GENEROUS: Limits = Limits { connections: 8, refusals: 8, headers: LONG, request: LONG, writing: LONG };

fn start(limits: Limits) -> (SocketAddr, Runtime) {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/slow", get(|| async { sleep(LONG).await }))
        .route("/large", get(|| async { vec![0_u8; 64 << 20] }))
        .route("/text", post(|text: String| async move { text }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve_connections(listener, app, limits, std::future::pending()));
    (address, runtime)
}

fn open(address: SocketAddr, request: &str) -> Client {
    let mut client = Client::connect(address).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    client
}

/// Everything the server says until it closes.
fn hear(mut client: Client) -> String {
    let mut heard = Vec::new();
    // A reset after the answer is a close too.
    let _ = client.read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).to_lowercase()
}

fn ask(address: SocketAddr, line: &str) -> String {
    hear(open(address, &format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")))
}

fn allowed(answer: &str) -> Vec<String> {
    let allow = answer.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap();
    allow.split(',').map(|method| method.trim().to_owned()).collect()
}

#[test]
fn head_and_options_say_what_get_would_and_what_is_allowed() {
    let (address, _runtime) = start(GENEROUS);
    let (get, head) = (ask(address, "GET /"), ask(address, "HEAD /"));
    assert!(get.starts_with("http/1.1 200") && get.ends_with("hello"), "{get}");
    assert!(head.starts_with("http/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("content-length: 5"), "{head}");
    for (line, status, methods) in [
        ("OPTIONS /", "204", vec!["get", "head", "options"]),
        ("OPTIONS /text", "204", vec!["post", "options"]),
        ("OPTIONS *", "204", vec!["get", "head", "post", "options"]),
        ("DELETE /", "405", vec!["get", "head", "options"]),
        ("BREW /text", "405", vec!["post", "options"]),
    ] {
        let answer = ask(address, line);
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{line}: {answer}");
        assert_eq!(allowed(&answer), methods, "{line}");
    }
    assert!(ask(address, "OPTIONS /nothing").starts_with("http/1.1 404"));
}

#[test]
fn headers_that_do_not_end_and_idle_connections_are_closed() {
    let (address, _runtime) = start(Limits { headers: SHORT, ..GENEROUS });
    for request in ["", "GET", "GET / HTTP/1.1\r\nhost: localhost\r\nx-a: "] {
        let heard = hear(open(address, request));
        assert!(!heard.starts_with("http/1.1 200"), "{heard}");
    }
    let idle = hear(open(address, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    assert!(idle.starts_with("http/1.1 200"), "{idle}");
}

#[test]
fn a_request_that_takes_too_long_is_ended() {
    let (address, _runtime) = start(Limits { request: SHORT, ..GENEROUS });
    assert!(ask(address, "GET /slow").starts_with("http/1.1 408"));
    let unfinished = "POST /text HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf";
    assert!(hear(open(address, unfinished)).starts_with("http/1.1 408"));
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_makes_room_for_others() {
    let (address, _runtime) = start(Limits { connections: 1, writing: SHORT, ..GENEROUS });
    let _deaf = open(address, "GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n");
    while !ask(address, "GET /").starts_with("http/1.1 200") {}
}

#[test]
fn too_many_connections_are_told_so_and_may_come_back() {
    let (address, _runtime) = start(Limits { connections: 2, ..GENEROUS });
    let held: Vec<Client> =
        (0..2).map(|_| open(address, "GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n")).collect();
    let refused = ask(address, "GET /");
    assert!(refused.starts_with("http/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    drop(held);
    while !ask(address, "GET /").starts_with("http/1.1 200") {}
}

#[test]
fn a_request_that_has_begun_is_answered_before_the_end() {
    let app = Router::new().route(
        "/",
        get(|| async {
            sleep(SHORT).await;
            "done"
        }),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = runtime.spawn(serve_connections(listener, app, GENEROUS, async move { drop(ended.await) }));
    // One that is idle, and one that waits for its answer.
    let idle = open(address, "");
    let waiting = open(address, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    runtime.block_on(async { sleep(SHORT / 2).await });
    end.send(()).unwrap();
    assert!(hear(waiting).ends_with("done"));
    assert_eq!(hear(idle), "");
    runtime.block_on(server).unwrap();
}
