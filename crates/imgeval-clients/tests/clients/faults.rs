//! Each fault ends as the right outcome after the right number of requests.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use imgeval_core::{Answer, FailureKind};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{IMAGE, ask, error, failure, image, image_reply, open, request, settings},
};

/// What a script shall end in.
struct Expected {
    failure: Option<FailureKind>,
    /// Stands in the failure's detail.
    words: &'static str,
    requests: usize,
    lost_tries: u32,
}

async fn check(script: Vec<Action>, expected: Expected) -> Answer {
    let (answer, server) = ask(script).await;
    let answer = answer.unwrap();
    assert_eq!(server.requests().len(), expected.requests, "{answer:?}");
    assert_eq!(
        (answer.tries as usize, answer.lost_tries),
        (expected.requests, expected.lost_tries),
        "{answer:?}"
    );
    match expected.failure {
        None => assert_eq!(answer.outcome.done().map(Vec::as_slice), Some(IMAGE), "{answer:?}"),
        Some(kind) => {
            let (found, detail) = failure(&answer);
            assert_eq!(found, kind, "{detail}");
            assert!(detail.contains(expected.words), "{detail}");
        }
    }
    answer
}

fn image_after(requests: usize, lost_tries: u32) -> Expected {
    Expected { failure: None, words: "", requests, lost_tries }
}

fn fails(failure: FailureKind, words: &'static str, requests: usize, lost_tries: u32) -> Expected {
    Expected { failure: Some(failure), words, requests, lost_tries }
}

#[tokio::test]
async fn an_image_comes_with_one_request() {
    check(vec![image()], image_after(1, 0)).await;
}

#[tokio::test]
async fn too_many_requests_are_sent_again_with_and_without_a_wait_asked_for() {
    let limited = error(429, "rate_limit_exceeded", "slow down");
    let script = vec![
        Action::Reply(limited.clone()),
        Action::Reply(limited.clone().header("retry-after", "0.01")),
        Action::Reply(limited.clone().header("retry-after-ms", "10")),
        image(),
    ];
    check(script, image_after(4, 0)).await;
}

#[tokio::test]
async fn too_many_requests_are_no_failures_but_are_not_waited_for_for_ever() {
    let limited = error(429, "rate_limit_exceeded", "slow down").header("retry-after-ms", "10");
    let server = FaultServer::start([Action::Reply(limited)]).await;
    let mut settings = settings(&server);
    settings.retries = 0;
    settings.rate_limit_patience = Duration::from_millis(35);
    let generator = open(settings);
    // More often than failed calls would stop everything.
    for _ in 0..10 {
        let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        assert_eq!(
            failure(&answer),
            (FailureKind::Transport, "answered 429: slow down (tried 4 times)"),
            "three waits of 10 to 11 ms are within 35 ms, a fourth is not"
        );
        assert_eq!((answer.tries, answer.lost_tries), (4, 0));
    }
}

#[tokio::test]
async fn a_server_with_a_rate_limit_serves_all_calls_in_the_end() {
    let server = FaultServer::start([Action::OneIn(Duration::from_millis(20), image_reply())]).await;
    let mut settings = settings(&server);
    settings.retries = 0;
    settings.rate_limit_patience = Duration::from_secs(900);
    settings.limits.concurrent = NonZeroUsize::new(20).unwrap();
    let generator = open(settings);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let generator = generator.clone();
            tokio::spawn(async move { generator.generate(&request("a cat"), &imgeval_core::Always).await })
        })
        .collect();
    let mut n_sent = 0;
    for call in calls {
        let answer = call.await.unwrap().unwrap();
        assert!(answer.outcome.done().is_some() && answer.lost_tries == 0, "{answer:?}");
        n_sent += answer.tries as usize;
    }
    assert!(n_sent == server.requests().len() && n_sent > 20, "{n_sent}");
}

#[tokio::test]
async fn a_call_that_is_told_to_wait_makes_the_others_wait() {
    let limited = error(429, "rate_limit_exceeded", "slow down").header("retry-after-ms", "200");
    let server = FaultServer::start([Action::Reply(limited), image()]).await;
    let mut settings = settings(&server);
    settings.rate_limit_patience = Duration::ZERO;
    let generator = open(settings);
    let start = Instant::now();
    let first = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert!(first.outcome.done().is_none());
    let second = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert!(second.outcome.done().is_some());
    assert!(start.elapsed() >= Duration::from_millis(200), "an answer this soon was asked for too soon");
}

#[tokio::test]
async fn a_wait_that_is_too_long_ends_the_call_and_is_told() {
    for (wait, words) in [("3600", "wait 3600 s"), ("1e300", "too long")] {
        let limited = error(429, "rate_limit_exceeded", "slow down").header("retry-after", wait);
        check(vec![Action::Reply(limited)], fails(FailureKind::Transport, words, 1, 0)).await;
    }
}

#[tokio::test]
async fn a_failing_server_is_asked_again() {
    for status in [408, 500, 502, 503, 529] {
        let failed = Action::Reply(Reply::new(status, "text/plain", "oops"));
        check(vec![failed.clone(), failed.clone(), image()], image_after(3, 0)).await;
        check(vec![failed], fails(FailureKind::Transport, "oops", 4, 0)).await;
    }
}

#[tokio::test]
async fn a_gateway_that_gave_up_may_have_cost_money() {
    let gave_up = Action::Reply(Reply::new(504, "text/html", "<html>gateway"));
    check(vec![gave_up], fails(FailureKind::TimedOut, "504", 2, 2)).await;
}

#[tokio::test]
async fn a_reset_connection_is_asked_again_once() {
    check(vec![Action::Reset, image()], image_after(2, 1)).await;
    check(vec![Action::Reset], fails(FailureKind::Transport, "connection", 2, 2)).await;
}

#[tokio::test]
async fn half_a_body_is_asked_again_once() {
    let half = Action::Half(image_reply(), 20);
    check(vec![half.clone(), image()], image_after(2, 1)).await;
    check(vec![half], fails(FailureKind::Transport, "after 20 bytes", 2, 2)).await;
    let reset = Action::ResetAfter(image_reply(), 20);
    check(vec![reset], fails(FailureKind::Transport, "", 2, 2)).await;
}

#[tokio::test]
async fn a_body_without_end_is_not_taken_in() {
    let too_large = fails(FailureKind::Transport, "larger than 128 MiB", 2, 2);
    check(vec![Action::Flood], too_large).await;
}

#[tokio::test]
async fn what_is_not_json_is_asked_again_once_and_shown() {
    let page = Action::Reply(Reply::new(200, "text/html; charset=utf-8", "<html>\n\u{1b}[1mlog in"));
    check(vec![page.clone(), image()], image_after(2, 1)).await;
    let expected =
        fails(FailureKind::Transport, "answered with text/html, not JSON: <html> \\u{1b}[1mlog in", 2, 2);
    let answer = check(vec![page], expected).await;
    assert!(answer.raw.contains("<html>"), "{}", answer.raw);
    let picture = Action::Reply(Reply::new(200, "image/png", b"\x89PNG\r\n".to_vec()));
    check(vec![picture], fails(FailureKind::Transport, "answered with image/png", 2, 2)).await;
}

#[tokio::test]
async fn json_under_another_content_type_is_taken() {
    let reply = r#"{"data": [{"b64_json": "dGhlIGltYWdl"}]}"#;
    check(vec![Action::Reply(Reply::new(200, "text/plain", reply))], image_after(1, 0)).await;
}

#[tokio::test]
async fn silence_ends_as_timed_out() {
    for (stalled, words) in
        [(Action::Stall, "no complete answer"), (Action::StallAfter(image_reply(), 20), "after 20 bytes")]
    {
        let server = FaultServer::start([stalled]).await;
        let mut settings = settings(&server);
        settings.timeout = Duration::from_millis(300);
        let answer = open(settings).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        let (kind, detail) = failure(&answer);
        assert_eq!(kind, FailureKind::TimedOut, "{detail}");
        assert!(detail.contains(words) || detail.contains("no complete answer"), "{detail}");
        assert_eq!((server.requests().len(), answer.lost_tries), (2, 2));
    }
}

#[tokio::test]
async fn without_retries_nothing_is_sent_twice() {
    for action in [Action::Reset, Action::Reply(Reply::new(500, "text/plain", "oops"))] {
        let server = FaultServer::start([action]).await;
        let mut settings = settings(&server);
        settings.retries = 0;
        let answer = open(settings).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        assert_eq!((server.requests().len(), answer.tries), (1, 1));
    }
}

/// Keeps connections open after an answer and closes each without a word when the next request arrives on it.
async fn serve_once_a_connection(mut stream: TcpStream) {
    const REPLY: &str = r#"{"data": [{"b64_json": "dGhlIGltYWdl"}]}"#;
    let mut bytes = Vec::new();
    // The body is a JSON object.
    while !bytes.ends_with(b"}") {
        if stream.read_buf(&mut bytes).await.is_ok_and(|length| length == 0) {
            return;
        }
    }
    // Both of two calls at the same time are under way, so that both connections are kept.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        REPLY.len()
    );
    stream.write_all(format!("{head}{REPLY}").as_bytes()).await.unwrap();
    stream.read_buf(&mut bytes).await.ok();
}

#[tokio::test]
async fn a_request_lost_on_a_stale_connection_is_sent_again_on_a_new_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_once_a_connection(stream));
        }
    });
    let mut settings = settings(&FaultServer::start([image()]).await);
    settings.base_url = format!("http://{address}");
    let generator = open(settings);
    let asked = [request("a"), request("b"), request("c")];
    let ask = |index: usize| generator.generate(&asked[index], &imgeval_core::Always);
    let (first, second) = tokio::join!(ask(0), ask(1));
    let third = ask(2).await;
    for (answer, lost) in [(first, 0), (second, 0), (third, 1)] {
        let answer = answer.unwrap();
        assert_eq!(answer.outcome.done().map(Vec::as_slice), Some(IMAGE), "{answer:?}");
        assert_eq!(answer.lost_tries, lost, "what was lost may have been billed");
    }
}

#[tokio::test]
async fn a_server_that_was_never_there_ends_everything_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    // No resolver looks for a name with a label this long.
    let unknown = format!("{}.example", "a".repeat(64));
    for (host, why) in [(address.to_string(), "refused"), (unknown, "lookup")] {
        let mut settings = settings(&FaultServer::start([image()]).await);
        settings.base_url = format!("http://{host}");
        settings.allow_plain_http = true;
        let down = open(settings).generate(&request("a cat"), &imgeval_core::Always).await.unwrap_err();
        assert!(down.message.contains("no connection") && down.message.contains(why), "{down}");
        assert!(down.hint.contains("--base-url"), "{}", down.hint);
    }
}

#[tokio::test]
async fn a_server_that_has_gone_has_lost_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        let mut bytes = Vec::new();
        while stream.read_buf(&mut bytes).await.unwrap() > 0 && !bytes.ends_with(b"}") {}
        stream.write_all(b"HTTP/1.1 400 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    let mut settings = settings(&FaultServer::start([image()]).await);
    settings.base_url = format!("http://{address}");
    let generator = open(settings);
    let first = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(failure(&first).0, FailureKind::RejectedRequest);
    let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    let (kind, detail) = failure(&answer);
    assert_eq!((kind, answer.tries, answer.lost_tries), (FailureKind::Transport, 4, 0), "{detail}");
    assert!(detail.contains("no connection"), "{detail}");
}

#[tokio::test]
async fn base64_garbage_is_not_an_image_and_nothing_is_an_empty_reply() {
    let garbage = Reply::json(200, &json!({"data": [{"b64_json": "<not base64>"}]}));
    check(vec![Action::Reply(garbage)], fails(FailureKind::NotAnImage, "not base64", 1, 0)).await;
    let empty = Reply::json(200, &json!({"data": []}));
    check(vec![Action::Reply(empty)], fails(FailureKind::EmptyReply, "no image", 1, 0)).await;
}

#[tokio::test]
async fn a_filter_and_a_wrong_request_are_the_last_word() {
    let blocked = error(400, "moderation_blocked", "rejected by the safety system");
    check(vec![Action::Reply(blocked)], fails(FailureKind::Moderated, "safety system", 1, 0)).await;
    let wrong = error(400, "invalid_value", "no such size");
    check(vec![Action::Reply(wrong)], fails(FailureKind::RejectedRequest, "no such size", 1, 0)).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_stays() {
    let other = FaultServer::start([image()]).await;
    for status in [301, 302, 303, 307, 308] {
        let moved =
            Reply::new(status, "text/html", "moved").header("location", &format!("{}/x", other.url()));
        check(vec![Action::Reply(moved)], fails(FailureKind::Transport, "redirects", 1, 0)).await;
    }
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_bad_key_and_an_empty_account_stop_everything_at_once() {
    for (status, code, message) in [
        (401, "invalid_api_key", "the key is missing or was rejected"),
        (429, "insufficient_quota", "no credit or quota"),
        (403, "forbidden", "the key lacks permission"),
        (404, "model_not_found", "the model does not exist"),
    ] {
        let (answer, server) = ask([Action::Reply(error(status, code, "said the server"))]).await;
        let down = answer.unwrap_err();
        assert!(down.message.contains(message) && down.message.contains("said the server"), "{down}");
        assert!(down.message.starts_with("openai-images at 127.0.0.1: "), "{down}");
        assert!(down.hint.contains("OPENAI_API_KEY"), "{}", down.hint);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn after_eight_failed_calls_in_a_row_no_further_one_is_sent() {
    let mut script = vec![Action::Reply(Reply::new(500, "text/plain", "oops")); 7];
    script.push(image());
    script.push(Action::Reply(Reply::new(500, "text/plain", "out of order")));
    let server = FaultServer::start(script).await;
    let mut settings = settings(&server);
    settings.retries = 0;
    let generator = open(settings);
    for call in 0..16 {
        let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        assert_eq!(
            answer.outcome.done().is_some(),
            call == 7,
            "the eighth call succeeds and resets the count"
        );
    }
    let down = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap_err();
    assert!(down.message.contains("failed 8 calls in a row; last: answered 500: out of order"), "{down}");
    assert_eq!(server.requests().len(), 16);
}

#[tokio::test]
async fn calls_that_wait_are_not_sent_after_eight_failed_ones() {
    let server = FaultServer::start([Action::Reply(Reply::new(500, "text/plain", "oops"))]).await;
    let mut settings = settings(&server);
    settings.retries = 0;
    settings.limits.concurrent = NonZeroUsize::MIN;
    let generator = open(settings);
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let generator = generator.clone();
            tokio::spawn(async move { generator.generate(&request("a cat"), &imgeval_core::Always).await })
        })
        .collect();
    let mut n_down = 0;
    for call in calls {
        n_down += usize::from(call.await.unwrap().is_err());
    }
    assert_eq!((n_down, server.requests().len()), (4, 8));
}

#[tokio::test]
async fn no_more_requests_than_allowed_are_open_at_a_time() {
    let server = FaultServer::start([image()]).await;
    let mut settings = settings(&server);
    settings.limits.concurrent = NonZeroUsize::new(2).unwrap();
    let generator = open(settings);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let generator = generator.clone();
            tokio::spawn(async move { generator.generate(&request("a cat"), &imgeval_core::Always).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().unwrap().outcome.done().is_some());
    }
    assert!(server.most_open() <= 2, "{}", server.most_open());
}
