//! Judges over Google's interface.

use std::sync::Arc;

use imgeval_clients::{ProviderKind, ProviderSettings, open_judge};
use imgeval_core::{Always, Decoding, FailureKind, Judge, Outcome, ReplySchema, Usage};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    judges::{failure, question, talk},
    support::{self, KEY},
};

fn open(server: &FaultServer) -> Arc<dyn Judge> {
    let settings = ProviderSettings { kind: ProviderKind::Gemini, ..support::settings(server) };
    open_judge(settings, "some-model", None).unwrap()
}

fn candidate(parts: Value, reason: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}]})
}

#[tokio::test]
async fn earlier_replies_are_the_models() {
    let answer = candidate(json!([{"text": "Score: 1"}]), "STOP");
    let server = FaultServer::start([Action::Reply(Reply::json(200, &answer))]).await;
    open(&server).judge(&talk(), &Always).await.unwrap();
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AP8Q"}});
    let contents = json!([
        {"role": "user", "parts": [picture, {"text": "What is it?"}]},
        {"role": "model", "parts": [{"text": "A boat."}]},
        {"role": "user", "parts": [{"text": "How good?"}]},
    ]);
    assert_eq!(server.requests()[0].json()["contents"], contents);
}

#[tokio::test]
async fn parts_are_sent_in_order_with_all_of_the_decoding() {
    let server = FaultServer::start([Action::Reply(Reply::json(
        200,
        &candidate(json!([{"text": "Score: 1"}]), "STOP"),
    ))])
    .await;
    let decoding = Decoding {
        temperature: Some(0.5),
        max_tokens: Some(500),
        seed: Some(7),
        schema: Some(ReplySchema { name: "s".to_owned(), schema: "{\"type\": \"object\"}".to_owned() }),
        log_probabilities: true,
        extra: vec![("thinkingConfig".to_owned(), "{\"thinkingBudget\": 0}".to_owned())],
    };
    open(&server).judge(&question(decoding), &Always).await.unwrap();
    open(&server).judge(&question(Decoding::default()), &Always).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.path, "/v1/models/some-model:generateContent");
    assert_eq!(sent.header("x-goog-api-key"), Some(KEY));
    let picture = |mime: &str, data: &str| json!({"inlineData": {"mimeType": mime, "data": data}});
    let parts = json!([
        {"text": "Before \"it\":"},
        picture("image/png", "AP8Q"),
        {"text": "after {it} <b>"},
        picture("image/webp", "aGk="),
    ]);
    let mut expected = json!({
        "systemInstruction": {"parts": [{"text": "You judge.\n"}]},
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 500,
            "seed": 7,
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "responseLogprobs": true,
            "logprobs": 5,
            "thinkingConfig": {"thinkingBudget": 0},
        },
    });
    assert_eq!(sent.json(), expected);
    expected.as_object_mut().unwrap().remove("generationConfig");
    assert_eq!(server.requests()[1].json(), expected);
}

#[tokio::test]
async fn words_are_joined_without_the_models_thoughts() {
    let parts = json!([{"text": "maybe 0", "thought": true}, {"text": " Sco"}, {"text": "re: 1\n"}]);
    let mut reply = candidate(parts, "MAX_TOKENS");
    reply["usageMetadata"] = json!({"promptTokenCount": 300, "candidatesTokenCount": 4, "thoughtsTokenCount": 6,
        "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 258}]});
    let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
    let answer = open(&server).judge(&question(Decoding::default()), &Always).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Done("Score: 1".to_owned()));
    let usage =
        Usage { text_input: Some(42), image_input: Some(258), text_output: Some(10), ..Usage::default() };
    assert_eq!(answer.usage, usage);
    assert!(answer.raw.contains("maybe 0"), "thoughts stay in the raw reply");
}

#[tokio::test]
async fn whatever_comes_instead_of_words_has_a_kind() {
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let unspecified = json!({"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}});
    let snake = json!({"prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}});
    for (reply, kind, words) in [
        (blocked, FailureKind::Moderated, "the prompt was blocked: SAFETY"),
        (
            candidate(json!([{"text": "Score: 1"}]), "SAFETY"),
            FailureKind::Moderated,
            "the answer was blocked: SAFETY",
        ),
        (unspecified, FailureKind::EmptyReply, "no text arrived"),
        (snake, FailureKind::Moderated, "the prompt was blocked: PROHIBITED_CONTENT"),
        (candidate(json!([]), "MAX_TOKENS"), FailureKind::EmptyReply, "no text arrived (MAX_TOKENS)"),
        (json!({}), FailureKind::EmptyReply, "no text arrived (no reason given)"),
        (json!([]), FailureKind::EmptyReply, "no text arrived"),
    ] {
        let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
        let answer = open(&server).judge(&question(Decoding::default()), &Always).await.unwrap();
        let (found, detail) = failure(&answer);
        assert!(found == kind && detail.contains(words), "{found:?} {detail}");
    }
}

#[tokio::test]
async fn what_cannot_be_worded_is_refused_before_anything_is_sent() {
    let server = FaultServer::start([]).await;
    let field = |name: &str| vec![(name.to_owned(), "1".to_owned())];
    for (decoding, words) in [
        (Decoding { seed: Some(1 << 40), ..Decoding::default() }, "accepts seeds up to 2147483647"),
        (Decoding { extra: field("candidateCount"), ..Decoding::default() }, "`candidateCount` is reserved"),
        (Decoding { seed: Some(1), extra: field("seed"), ..Decoding::default() }, "`seed` is reserved"),
    ] {
        let answer = open(&server).judge(&question(decoding), &Always).await.unwrap();
        let (kind, detail) = failure(&answer);
        assert!(kind == FailureKind::RejectedRequest && detail.contains(words), "{detail}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_wait_that_the_reply_asks_for_is_kept_and_a_bad_key_ends_everything() {
    let details = json!([{"@type": "RetryInfo", "retryDelay": "0.01s"}]);
    let limited = json!({"error": {"code": 429, "message": "slow", "details": details}});
    let bad_key =
        json!({"error": {"code": 400, "message": "bad", "details": [{"reason": "API_KEY_INVALID"}]}});
    let words = candidate(json!([{"text": "Score: 0"}]), "STOP");
    let script = [
        Action::Reply(Reply::json(429, &limited)),
        Action::Reply(Reply::json(200, &words)),
        Action::Reply(Reply::json(400, &bad_key)),
    ];
    let server = FaultServer::start(script).await;
    let judge = open(&server);
    let answer = judge.judge(&question(Decoding::default()), &Always).await.unwrap();
    assert_eq!((answer.outcome, answer.tries), (Outcome::Done("Score: 0".to_owned()), 2));
    let down = judge.judge(&question(Decoding::default()), &Always).await.unwrap_err();
    assert!(down.hint.contains("GEMINI_API_KEY"), "{}", down.hint);
}
