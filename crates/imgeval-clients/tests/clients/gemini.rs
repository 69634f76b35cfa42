//! Google's interface: the shape of requests, conversations, blocks and quotas.

use std::sync::Arc;

use imgeval_clients::{Catalogue, ModelEntry, ProviderKind, ProviderSettings, open_generator};
use imgeval_core::{FailureKind, Generator, ImageFormat, InputImage, SizeRequest, Turn, Usage, Usd};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{self, KEY, failure, request},
};

const CATALOGUE: &str = "
[[model]]
provider = 'gemini'
id = 'some-model'
source = 'https://v'
as_of = '2026-11-01'
[model.price]
text_input = 1
image_input = 2
text_output = 10
image_output = 100
";

fn open(server: &FaultServer, entry: Option<ModelEntry>) -> Arc<dyn Generator> {
    let settings = ProviderSettings { kind: ProviderKind::Gemini, ..support::settings(server) };
    open_generator(settings, "some-model", entry).unwrap()
}

fn priced() -> Option<ModelEntry> {
    Catalogue::with_overrides(CATALOGUE, "test").unwrap().find(ProviderKind::Gemini, "some-model").cloned()
}

fn reply(parts: Value) -> Action {
    let reply = json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 1010, "candidatesTokenCount": 1130, "thoughtsTokenCount": 90,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "IMAGE", "tokenCount": 1000}],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
        },
    });
    Action::Reply(Reply::json(200, &reply))
}

fn picture(bytes: &[u8]) -> InputImage {
    InputImage::new(ImageFormat::Png, bytes)
}

#[tokio::test]
async fn a_request_has_the_documented_shape() {
    let parts = json!([{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]);
    let server = FaultServer::start([reply(parts)]).await;
    let mut asked = request("a cat");
    asked.system = Some("be brief".to_owned());
    asked.images = vec![picture(b"hi"), InputImage::new(ImageFormat::Jpeg, *b"ho")];
    asked.parameters.size = SizeRequest::parse("16:9");
    asked.parameters.quality = Some("2K".to_owned());
    asked.seed = Some(5);
    let answer = open(&server, None).generate(&asked, &imgeval_core::Always).await.unwrap();
    assert_eq!(answer.outcome.done().unwrap(), b"hi");
    let sent = &server.requests()[0];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/models/some-model:generateContent"));
    assert_eq!((sent.header("x-goog-api-key"), sent.header("authorization")), (Some(KEY), None));
    let expected = json!({
        "contents": [{"role": "user", "parts": [
            {"text": "a cat"},
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            {"inlineData": {"mimeType": "image/jpeg", "data": "aG8="}},
        ]}],
        "generationConfig": {
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            "seed": 5,
        },
        "systemInstruction": {"parts": [{"text": "be brief"}]},
    });
    assert_eq!(sent.json(), expected);
}

#[tokio::test]
async fn a_further_round_sends_the_conversation_with_the_signatures_of_thoughts() {
    let parts = json!([
        {"thought": true, "text": "hmm", "thoughtSignature": "t0"},
        {"thought": true, "inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}},
        {"text": "Here it is.", "thoughtSignature": "t1"},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "t2"},
    ]);
    let server = FaultServer::start([reply(parts)]).await;
    let generator = open(&server, None);
    let first = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(first.outcome.done().unwrap(), b"hi", "a draft is not the answer");
    let state = first.state.unwrap();
    assert!(!state.contains("aGk="), "the image is kept elsewhere");
    let mut second = request("now blue");
    let turn = |state| Turn {
        prompt: "a cat".to_owned(),
        images: vec![picture(b"ho")],
        answer: picture(b"hi"),
        state,
    };
    second.history = vec![turn(Some(state)), turn(None), turn(Some("resp_of_another_provider".to_owned()))];
    generator.generate(&second, &imgeval_core::Always).await.unwrap();
    let contents = server.requests()[1].json()["contents"].clone();
    let user = json!({"role": "user", "parts": [
        {"text": "a cat"},
        {"inlineData": {"mimeType": "image/png", "data": "aG8="}},
    ]});
    let image = json!({"mimeType": "image/png", "data": "aGk="});
    let signed = json!({"role": "model", "parts": [
        {"text": "Here it is.", "thoughtSignature": "t1"},
        {"inlineData": image, "thoughtSignature": "t2"},
    ]});
    let bare = json!({"role": "model", "parts": [{"inlineData": image}]});
    let last = json!({"role": "user", "parts": [{"text": "now blue"}]});
    assert_eq!(contents, json!([user, signed, user, bare, user, bare, last]));
}

#[tokio::test]
async fn tokens_are_counted_and_paid() {
    let server = FaultServer::start([reply(json!([{"inlineData": {"data": "aGk="}}]))]).await;
    let answer = open(&server, priced()).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    let usage = Usage {
        text_input: Some(10),
        image_input: Some(1000),
        cached_input: None,
        text_output: Some(100),
        image_output: Some(1120),
    };
    assert_eq!(answer.usage, usage);
    // 10 x $1 + 1000 x $2 + 100 x $10 + 1120 x $100, a million each.
    assert_eq!(answer.cost.unwrap().amount, Usd::from_dollars(0.115_01).unwrap());
}

#[tokio::test]
async fn blocks_and_refusals_are_results() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}});
    let unsafe_image =
        json!({"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "Try another prompt."}]});
    let words = json!({
        "candidates": [{"content": {"parts": [{"text": "I can only describe it."}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 6},
    });
    let nothing = json!({"candidates": [{"finishReason": "NO_IMAGE"}]});
    let script =
        [&blocked, &unsafe_image, &words, &nothing].map(|body| Action::Reply(Reply::json(200, body)));
    let server = FaultServer::start(script).await;
    let generator = open(&server, priced());
    for (kind, detail, dollars) in [
        (FailureKind::Moderated, "the prompt was blocked: PROHIBITED_CONTENT", None),
        (FailureKind::Moderated, "the answer was blocked: IMAGE_SAFETY: Try another prompt.", None),
        (FailureKind::Refused, "I can only describe it.", Usd::from_dollars(0.000_07)),
        (FailureKind::EmptyReply, "neither image nor text arrived (NO_IMAGE)", None),
    ] {
        let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        assert_eq!(failure(&answer), (kind, detail));
        assert_eq!((answer.cost.map(|cost| cost.amount), answer.state), (dollars, None), "{detail}");
    }
}

fn error(status: u16, name: &str, details: Value) -> Action {
    let body = json!({"error": {"code": status, "message": "words", "status": name, "details": details}});
    Action::Reply(Reply::json(status, &body))
}

#[tokio::test]
async fn a_wrong_key_an_unknown_model_and_a_used_up_quota_are_the_end() {
    let quota = |id: &str, value: &str| json!([{"@type": "x/google.rpc.QuotaFailure", "violations": [{"quotaId": id, "quotaValue": value}]}]);
    let daily = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "100");
    let not_free = quota("GenerateRequestsPerMinutePerProject-FreeTier", "0");
    for (action, message, hint) in [
        (error(400, "INVALID_ARGUMENT", json!([{"reason": "API_KEY_INVALID"}])), "the key", "GEMINI_API_KEY"),
        (error(403, "PERMISSION_DENIED", json!([])), "lacks permission", "some-model"),
        (error(404, "NOT_FOUND", json!([])), "the model does not exist", "some-model"),
        (error(400, "FAILED_PRECONDITION", json!([])), "the account cannot be used", "GEMINI_API_KEY"),
        (error(429, "RESOURCE_EXHAUSTED", daily), "the daily quota is used up", "tomorrow"),
        (error(429, "RESOURCE_EXHAUSTED", not_free), "no quota for this model", "billing"),
    ] {
        let server = FaultServer::start([action]).await;
        let down = open(&server, None).generate(&request("a cat"), &imgeval_core::Always).await.unwrap_err();
        assert!(
            down.message.contains(message) && down.hint.contains(hint),
            "{} / {}",
            down.message,
            down.hint
        );
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_request_is_rejected_and_a_full_minute_waited_for() {
    let server = FaultServer::start([error(400, "INVALID_ARGUMENT", json!([]))]).await;
    let answer = open(&server, None).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(failure(&answer), (FailureKind::RejectedRequest, "answered 400: words"));

    let retry = json!([{"@type": "x/google.rpc.RetryInfo", "retryDelay": "0.02s"}]);
    let image = reply(json!([{"inlineData": {"data": "aGk="}}]));
    let server = FaultServer::start([error(429, "RESOURCE_EXHAUSTED", retry), image]).await;
    let answer = open(&server, None).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!((answer.outcome.done().is_some(), answer.tries, answer.lost_tries), (true, 2, 0));

    // A wait that is too long ends the call, which shows that it was read.
    let hours = json!([{"@type": "x/google.rpc.RetryInfo", "retryDelay": "7200s"}]);
    let server = FaultServer::start([error(429, "RESOURCE_EXHAUSTED", hours)]).await;
    let answer = open(&server, None).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    let (kind, detail) = failure(&answer);
    assert!(kind == FailureKind::Transport && detail.contains("asks to wait 7200 s"), "{detail}");
}

#[tokio::test]
async fn a_seed_that_the_interface_cannot_take_is_refused() {
    let server = FaultServer::start([reply(json!([]))]).await;
    let mut asked = request("a cat");
    asked.seed = Some(1 << 40);
    let answer = open(&server, None).generate(&asked, &imgeval_core::Always).await.unwrap();
    assert_eq!(failure(&answer).0, FailureKind::RejectedRequest);
    assert_eq!(server.requests().len(), 0);
}
