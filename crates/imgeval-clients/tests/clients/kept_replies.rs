//! Replies in full, for keeping, and what those that cannot be used cost.

use std::sync::Mutex;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use imgeval_clients::{ProviderKind, ProviderSettings, open_generator, read_reply, reread_image};
use imgeval_core::{Answer, FailureKind, ImageParameters, Outcome, Permit, ReadImage, Usd, WholeReply};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{KEY, ask, failure, image, request, settings},
};

fn reply(body: &Value) -> Action {
    Action::Reply(Reply::json(200, body))
}

fn text(reply: &Option<WholeReply>) -> String {
    reply.clone().unwrap().into_text()
}

/// A PNG's first bytes and enough behind them to be taken for an image.
fn long_base64() -> String {
    base64_of(7)
}

fn base64_of(step: u32) -> String {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((0..9000_u32).map(|place| (place * step % 251) as u8));
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_reply_without_a_known_image_is_there_to_the_last_letter() {
    let image = long_base64();
    let bodies =
        [json!({"artwork": {"pixels": image}}), json!({"data": [{"b64_json": format!("{image}?")}]})];
    for body in bodies {
        let (answer, _server) = ask([reply(&body)]).await;
        let answer = answer.unwrap();
        failure(&answer);
        assert_eq!(text(&answer.whole), body.to_string());
        assert!(answer.raw.len() < 20_000 && answer.unused.is_none());
    }
}

#[tokio::test]
async fn an_image_that_is_read_comes_with_its_reply_which_tells_whether_there_are_more() {
    let one = long_base64();
    let other = base64_of(11);
    for (data, has_more) in
        [(json!([{"b64_json": one}]), false), (json!([{"b64_json": one}, {"b64_json": other}]), true)]
    {
        let (answer, _server) = ask([reply(&json!({ "data": data }))]).await;
        let answer = answer.unwrap();
        assert!(answer.outcome.done().is_some() && answer.raw.contains("cut out"));
        assert_eq!(answer.whole.unwrap().has_more, has_more);
    }
}

#[tokio::test]
async fn a_reply_that_cannot_be_parsed_is_kept_though_the_next_one_can() {
    let page = Action::Reply(Reply::new(200, "text/html", "<html> paid for"));
    let (answer, _server) = ask([page.clone(), page.clone()]).await;
    let answer = answer.unwrap();
    assert_eq!(
        (failure(&answer).0, text(&answer.whole)),
        (FailureKind::Transport, "<html> paid for".to_owned())
    );

    let (answer, _server) = ask([page, image()]).await;
    let answer = answer.unwrap();
    assert!(answer.outcome.done().is_some());
    assert_eq!(text(&answer.unused), "<html> paid for");

    // A server error before the image is not kept.
    let (answer, _server) = ask([Action::Reply(Reply::new(500, "text/plain", "oops")), image()]).await;
    assert_eq!(answer.unwrap().unused, None);
}

#[tokio::test]
async fn of_two_replies_the_one_that_reported_success_is_kept_beside_a_later_error() {
    let page = Action::Reply(Reply::new(200, "text/html", "<html> paid for"));
    let refusal = Action::Reply(Reply::json(400, &json!({"error": {"message": "no such size"}})));
    let (answer, _server) = ask([page, refusal]).await;
    let answer = answer.unwrap();
    assert_eq!(failure(&answer).0, FailureKind::RejectedRequest);
    assert_eq!(text(&answer.unused), "<html> paid for");
    assert!(text(&answer.whole).contains("no such size"));
}

#[tokio::test]
async fn the_key_is_in_no_kept_reply() {
    let body = json!({"echo": KEY, "filler": format!("{}{KEY}", "A".repeat(6000))});
    let page = Action::Reply(Reply::new(200, "text/html", format!("<html> {KEY}")));
    for action in [reply(&body), page] {
        let (answer, _server) = ask([action]).await;
        let kept = text(&answer.unwrap().whole);
        assert!(kept.contains("****") && !kept.contains("canary") && !kept.contains("4567"), "{kept}");
    }
}

#[tokio::test]
async fn a_key_in_escapes_or_in_the_pieces_of_a_stream_is_in_no_kept_reply() {
    let escaped: String = KEY.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let echo = format!("{{\"data\": [], \"echo\": \"{escaped}\"}}");
    let pieces = KEY.as_bytes().chunks(3).map(|piece| str::from_utf8(piece).unwrap());
    let events: String = pieces
        .map(|piece| json!({"choices": [{"index": 0, "delta": {"content": piece}}]}))
        .chain([json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})])
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    for (body, content_type) in [(echo, "application/json"), (events, "text/event-stream")] {
        let (answer, _server) = ask([Action::Reply(Reply::new(200, content_type, body))]).await;
        let kept = text(&answer.unwrap().whole);
        let read = read_reply(kept.as_bytes()).unwrap().json.to_string();
        assert!(read.contains("****") && !read.contains("canary") && !kept.contains(&escaped), "{kept}");
    }
}

/// Permits a number of sendings; notes what was told to be wasted before each.
#[derive(Default)]
struct Purse {
    permitted: usize,
    wasted: Mutex<Vec<Usd>>,
    noted: Mutex<Usd>,
}

#[async_trait]
impl Permit for Purse {
    async fn may_send(&self, _lost_tries: u32) -> bool {
        let noted = *self.noted.lock().unwrap();
        let mut wasted = self.wasted.lock().unwrap();
        wasted.push(noted);
        wasted.len() <= self.permitted
    }

    fn note_wasted(&self, amount: Usd) {
        *self.noted.lock().unwrap() = amount;
    }

    async fn revoked(&self) {
        std::future::pending().await
    }
}

async fn ask_chat(script: Vec<Action>, permitted: usize) -> (Answer, Vec<i64>) {
    let server = FaultServer::start(script).await;
    let settings = ProviderSettings { kind: ProviderKind::OpenaiChat, ..settings(&server) };
    let generator = open_generator(settings, "some-model", None).unwrap();
    let purse = Purse { permitted, ..Purse::default() };
    let answer = generator.generate(&request("a cat"), &purse).await.unwrap();
    let wasted = purse.wasted.lock().unwrap().iter().map(|amount| amount.nanos() / 1_000_000).collect();
    (answer, wasted)
}

#[tokio::test]
async fn what_a_router_bills_for_an_error_is_told_before_it_is_asked_again() {
    let failed = |cost: f64| {
        reply(&json!({
            "error": {"code": 502, "message": "the upstream broke down"},
            "usage": {"prompt_tokens": 4, "completion_tokens": 6, "cost": cost},
        }))
    };
    let picture = reply(&json!({
        "choices": [{"message": {"images": [{"image_url": {"url": "data:image/png;base64,aGk="}}]}}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 6, "cost": 0.04},
    }));
    let (answer, wasted) = ask_chat(vec![failed(0.03), failed(0.02), picture], 9).await;
    assert_eq!(wasted, [0, 30, 50]);
    assert!(answer.outcome.done().is_some());
    let dollars = |cost: &Option<imgeval_core::Cost>| cost.as_ref().map(|cost| cost.amount.dollars());
    assert_eq!((dollars(&answer.cost), dollars(&answer.wasted)), (Some(0.04), Some(0.05)));
    assert_eq!(answer.usage.text_output, Some(18));

    let (answer, wasted) = ask_chat(vec![failed(0.03)], 2).await;
    assert_eq!(wasted, [0, 30, 60]);
    assert_eq!(
        (failure(&answer).0, dollars(&answer.cost), dollars(&answer.wasted)),
        (FailureKind::Transport, None, Some(0.06))
    );
    assert!(text(&answer.whole).contains("\"cost\":0.03"));
}

#[tokio::test]
async fn a_kept_reply_is_read_anew_as_it_was_read_when_it_came() {
    let body = json!({"data": [{"b64_json": long_base64(), "revised_prompt": "a tabby"}]});
    let (answer, _server) = ask([reply(&body)]).await;
    let answer = answer.unwrap();
    let parameters = ImageParameters::default();
    let kind = ProviderKind::OpenaiImages;
    let reading = reread_image(kind, "some-model", None, &parameters, 200, &text(&answer.whole)).unwrap();
    let Outcome::Done(ReadImage::Bytes(bytes)) = reading.outcome else { panic!("{reading:?}") };
    assert_eq!((Some(&bytes), reading.raw), (answer.outcome.done(), answer.raw));
    assert_eq!((reading.revised_prompt, reading.usage), (answer.revised_prompt, answer.usage));
}
