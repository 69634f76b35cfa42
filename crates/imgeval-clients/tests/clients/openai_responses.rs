//! OpenAI's responses interface with the image generation tool.

use std::sync::Arc;

use imgeval_clients::{Catalogue, ProviderKind, ProviderSettings, open_generator};
use imgeval_core::{
    FailureKind, Generator, ImageFormat, ImageParameters, InputImage, SizeRequest, Turn, Usd,
};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{self, failure, request},
};

const CATALOGUE: &str = "
[[model]]
provider = 'openai-responses'
id = 'some-model'
source = 'https://v'
as_of = '2026-11-01'
[model.price]
text_input = 1
cached_text_input = 0.5
text_output = 10
image_input = 8
image_output = 30
";

fn open(server: &FaultServer) -> Arc<dyn Generator> {
    let settings = ProviderSettings { kind: ProviderKind::OpenaiResponses, ..support::settings(server) };
    let catalogue = Catalogue::with_overrides(CATALOGUE, "test").unwrap();
    let entry = catalogue.find(ProviderKind::OpenaiResponses, "some-model").cloned();
    open_generator(settings, "some-model", entry).unwrap()
}

fn with(output: Value, more: Value) -> Action {
    let mut body = json!({"id": "resp_1", "status": "completed", "error": null, "output": output});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    Action::Reply(Reply::json(200, &body))
}

fn image() -> Action {
    let call = json!({
        "type": "image_generation_call", "id": "ig_1", "status": "completed",
        "result": "aGk=", "revised_prompt": "a grey cat",
    });
    let usage = json!({
        "usage": {"input_tokens": 2000, "output_tokens": 100, "input_tokens_details": {"cached_tokens": 1000}},
        "tool_usage": {"image_gen": {"input_tokens": 500, "output_tokens": 1000}},
    });
    with(json!([{"type": "reasoning"}, call]), usage)
}

#[tokio::test]
async fn a_request_makes_the_model_call_the_tool() {
    let server = FaultServer::start([image()]).await;
    let mut asked = request("a cat");
    asked.system = Some("be brief".to_owned());
    asked.images = vec![InputImage::new(ImageFormat::WebP, *b"hi")];
    asked.mask = Some(InputImage::new(ImageFormat::Png, *b"ho"));
    asked.parameters = ImageParameters {
        size: SizeRequest::parse("1024x1536"),
        quality: Some("low".to_owned()),
        background: Some("transparent".to_owned()),
        output_format: Some(ImageFormat::Jpeg),
    };
    let answer = open(&server).generate(&asked, &imgeval_core::Always).await.unwrap();
    assert_eq!(answer.outcome.done().unwrap(), b"hi");
    assert_eq!(
        (answer.revised_prompt.as_deref(), answer.state.as_deref()),
        (Some("a grey cat"), Some("resp_1"))
    );
    let sent = &server.requests()[0];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/responses"));
    let expected = json!({
        "model": "some-model",
        "input": [{"role": "user", "content": [
            {"type": "input_text", "text": "a cat"},
            {"type": "input_image", "image_url": "data:image/webp;base64,aGk=", "detail": "auto"},
        ]}],
        "tools": [{
            "type": "image_generation", "size": "1024x1536", "quality": "low", "background": "transparent",
            "output_format": "jpeg", "input_image_mask": {"image_url": "data:image/png;base64,aG8="},
        }],
        "tool_choice": {"type": "image_generation"},
        "instructions": "be brief",
        "stream": false,
    });
    assert_eq!(sent.json(), expected);
}

#[tokio::test]
async fn a_further_round_goes_on_from_the_last_response_and_sends_nothing_again() {
    let server = FaultServer::start([image()]).await;
    let turn = |state: Option<&str>| Turn {
        prompt: "a cat".to_owned(),
        images: vec![],
        answer: InputImage::new(ImageFormat::Png, *b"hi"),
        state: state.map(str::to_owned),
    };
    let mut asked = request("now blue");
    asked.history = vec![turn(Some("resp_0")), turn(Some("resp_1"))];
    open(&server).generate(&asked, &imgeval_core::Always).await.unwrap();
    asked.history = vec![turn(None)];
    open(&server).generate(&asked, &imgeval_core::Always).await.unwrap();
    let sent: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
    let message = |text: &str| json!({"role": "user", "content": [{"type": "input_text", "text": text}]});
    assert_eq!(sent[0]["previous_response_id"], "resp_1");
    assert_eq!(sent[0]["input"], json!([message("now blue")]));
    let image = json!({"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"});
    let image = json!({"role": "user", "content": [image]});
    assert_eq!(sent[1]["input"], json!([message("a cat"), image, message("now blue")]));
    assert_eq!(sent[1].get("previous_response_id"), None);
}

#[tokio::test]
async fn a_conversation_that_the_server_has_forgotten_is_told_again_once() {
    let forgotten = Action::Reply(support::error(404, "previous_response_not_found", "no such response"));
    let mut asked = request("now blue");
    asked.history = vec![Turn {
        prompt: "a cat".to_owned(),
        images: vec![],
        answer: InputImage::new(ImageFormat::Png, *b"hi"),
        state: Some("resp_0".to_owned()),
    }];
    let server = FaultServer::start([forgotten.clone(), image()]).await;
    let answer = open(&server).generate(&asked, &imgeval_core::Always).await.unwrap();
    assert_eq!((answer.outcome.done().is_some(), answer.tries, answer.lost_tries), (true, 2, 0));
    let sent: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
    assert_eq!(sent[0]["previous_response_id"], "resp_0");
    assert_eq!(sent[1].get("previous_response_id"), None);
    assert_eq!(sent[1]["input"].as_array().unwrap().len(), 3, "{}", sent[1]);

    let server = FaultServer::start([forgotten]).await;
    let answer = open(&server).generate(&asked, &imgeval_core::Always).await.unwrap();
    assert_eq!(failure(&answer), (FailureKind::RejectedRequest, "no such response"));
    assert_eq!((server.requests().len(), answer.tries), (2, 2));
}

#[tokio::test]
async fn the_models_and_the_tools_tokens_are_paid() {
    let server = FaultServer::start([image()]).await;
    let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    // 1000 x $1 + 1000 x $0.50 + 100 x $10 + 500 x $8 + 1000 x $30, a million each.
    assert_eq!(answer.cost.unwrap().amount, Usd::from_dollars(0.0365).unwrap());
}

#[tokio::test]
async fn an_image_whose_tokens_were_not_told_has_an_unknown_cost() {
    let call = json!([{"type": "image_generation_call", "result": "aGk="}]);
    let usage = json!({"usage": {"input_tokens": 2000, "output_tokens": 100}});
    let server = FaultServer::start([with(call, usage)]).await;
    let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert!(answer.outcome.done().is_some() && answer.cost.is_none());
}

#[tokio::test]
async fn whatever_comes_instead_of_an_image_has_a_kind() {
    let said = |part: Value| json!([{"type": "message", "content": [part]}]);
    let refusal = said(json!({"type": "refusal", "refusal": "I can't."}));
    let text = said(json!({"type": "output_text", "text": "No."}));
    let filter = json!({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}});
    let no_result = json!([{"type": "image_generation_call", "result": null, "status": "failed"}]);
    let failed = |code: &str| json!({"status": "failed", "error": {"code": code, "message": "words"}});
    let blocked = support::error(400, "moderation_blocked", "Your request was rejected.");
    let forgotten = support::error(404, "previous_response_not_found", "no such response");
    for (action, kind, words) in [
        (with(refusal, json!({})), FailureKind::Refused, "I can't."),
        (with(text, json!({})), FailureKind::Refused, "No."),
        (with(json!([]), filter), FailureKind::Moderated, "content filter"),
        (with(json!([]), json!({})), FailureKind::EmptyReply, "(completed)"),
        (with(no_result, json!({})), FailureKind::EmptyReply, "neither image nor text"),
        (with(json!([]), failed("image_content_policy_violation")), FailureKind::Moderated, "words"),
        (with(json!([]), failed("invalid_image_format")), FailureKind::RejectedRequest, "words"),
        (Action::Reply(blocked), FailureKind::Moderated, "rejected"),
        (Action::Reply(forgotten), FailureKind::RejectedRequest, "no such response"),
    ] {
        let server = FaultServer::start([action]).await;
        let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        let (found, detail) = failure(&answer);
        assert!(found == kind && detail.contains(words), "{found:?} {detail}");
        assert_eq!((server.requests().len(), answer.state.clone()), (1, None));
    }
}

#[tokio::test]
async fn a_response_that_failed_at_the_server_is_asked_for_again() {
    let error = json!({"status": "failed", "error": {"code": "server_error", "message": "oops"}});
    let server = FaultServer::start([with(json!([]), error), image()]).await;
    let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!((answer.outcome.done().is_some(), answer.tries), (true, 2));
}
