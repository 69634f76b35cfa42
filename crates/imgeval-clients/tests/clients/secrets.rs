//! A key is sent in its header and seen nowhere else, however a server echoes it.

use std::{
    fmt::{self, Write as _},
    sync::Mutex,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use imgeval_clients::{Secret, open_generator, open_judge};
use imgeval_core::Decoding;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tracing::{Event, Metadata, Subscriber, field::Field, field::Visit, span};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    judges::question,
    support::{KEY, error, image, open, request, settings},
};

static EVENTS: Mutex<String> = Mutex::new(String::new());

/// Writes every event and span, of every crate and level, into [`EVENTS`].
struct Capture;

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Writer(&mut EVENTS.lock().unwrap()));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Writer(&mut EVENTS.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut events = EVENTS.lock().unwrap();
        write!(events, "\n{}", event.metadata().target()).unwrap();
        event.record(&mut Writer(&mut events));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A piece of the key that stands in none of its neighbors, and what it looks like in base64.
const PIECES: [&str; 2] = ["canary", "Y2FuYXJ5"];

fn assert_clean(shown: &str) {
    let aligned = [STANDARD.encode("anary/012"), STANDARD.encode("nary/0123")];
    for piece in PIECES.into_iter().chain(aligned.iter().map(String::as_str)) {
        assert!(!shown.contains(piece), "{piece} in {shown}");
    }
}

#[tokio::test]
async fn an_echoed_key_shows_nowhere() {
    tracing::subscriber::set_global_default(Capture).unwrap();
    let percent = utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string();
    let encoded = STANDARD.encode(format!("user:{KEY}:more"));
    let said = format!("bad key {KEY} {encoded} {percent}");
    let echo =
        json!({"data": [{"b64_json": "aGk=", "revised_prompt": said, KEY: said}], "echo": [encoded, KEY]});
    let replies = [
        error(400, "x", &said),
        error(400, "moderation_blocked", &said),
        error(401, "invalid_api_key", &said),
        error(429, KEY, &said),
        error(500, KEY, &said),
        Reply::new(500, "text/plain", said.clone()),
        Reply::new(200, "text/html", format!("<html>{said}")),
        Reply::json(200, &echo),
        Reply::json(200, &json!({"data": [], "echo": said})),
        Reply::json(200, &json!({"data": [{"url": format!("http://127.0.0.1:1/{KEY}")}]})),
        Reply::json(200, &json!({"data": [{"url": format!("ftp://{KEY}/{KEY}")}]})),
        Reply::new(302, "text/html", said.clone()).header("location", "http://SK-CANARY.example/"),
    ];
    for reply in replies {
        let reply = reply.header("x-echo", KEY).header("retry-after-ms", "1");
        let server = FaultServer::start([Action::Reply(reply)]).await;
        let mut settings = settings(&server);
        settings.headers.push(("x-second".to_owned(), Secret::new(format!("Bearer second-{KEY}"))));
        // The host of the last reply.
        settings.headers.push(("x-third".to_owned(), Secret::new("SK-CANARY.example")));
        assert_clean(&format!("{settings:?}"));
        let judge = open_judge(settings.clone(), "some-model", None).unwrap();
        let shown = match judge.judge(&question(Decoding::default()), &imgeval_core::Always).await {
            Ok(answer) => format!("{answer:?}"),
            Err(down) => format!("{down} {down:?}"),
        };
        assert_clean(&shown);
        let generator = open(settings);
        let shown = match generator.generate(&request("a cat"), &imgeval_core::Always).await {
            Ok(answer) => format!("{answer:?} {}", answer.raw),
            Err(down) => format!("{down} {down:?} {}", down.hint),
        };
        assert_clean(&shown);
        assert_clean(&format!("{:?}", generator.meta()));
        for sent in [server.requests().first(), server.requests().last()] {
            assert_eq!(sent.unwrap().header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        }
    }
    let events = EVENTS.lock().unwrap();
    for path in ["imgeval_clients", "/images/generations", "/chat/completions"] {
        assert!(events.contains(path), "nothing captured of {path}");
    }
    assert_clean(&events);
}

#[tokio::test]
async fn a_key_in_words_that_look_like_an_image_shows_nowhere() {
    let key = "sk-canary-0123456789";
    let said = format!("{}{key}", "A".repeat(5000));
    for reply in [
        Reply::json(200, &json!({"data": [{"b64_json": "aGk=", "revised_prompt": said}]})),
        Reply::json(400, &json!({"error": {"message": format!("{}{key}{said}", "A".repeat(390))}})),
    ] {
        let server = FaultServer::start([Action::Reply(reply)]).await;
        let mut settings = settings(&server);
        settings.key = Some(Secret::new(key));
        let answer = open(settings).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        let shown = format!("{answer:?}");
        assert!(!shown.contains("sk-canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_proxy_gets_its_password_and_nobody_else() {
    let proxy = FaultServer::start([image()]).await;
    let address = proxy.url().replace("http://", "http://me:canary%40123@").replace("/v1", "");
    let mut settings = settings(&proxy);
    settings.base_url = "http://images.example/v1".to_owned();
    settings.allow_plain_http = true;
    settings.proxy = Some(Secret::new(address));
    assert_clean(&format!("{settings:?}"));
    let answer = open(settings.clone()).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert!(answer.outcome.done().is_some(), "{answer:?}");
    let sent = &proxy.requests()[0];
    assert_eq!(sent.path, "http://images.example/v1/images/generations");
    let credentials = format!("Basic {}", STANDARD.encode("me:canary@123"));
    assert_eq!(sent.header("proxy-authorization"), Some(credentials.as_str()));
    settings.proxy = Some(Secret::new("http://me:canary@[nowhere"));
    let Err(error) = open_generator(settings, "some-model", None) else { panic!("the proxy's URL is wrong") };
    assert_clean(&format!("{error} {error:?} {}", error.hint()));
}
