//! Judges over chat completions: what is sent, and what each answer means.

use std::{sync::Arc, time::Duration};

use imgeval_clients::{Catalogue, ModelEntry, ProviderKind, ProviderSettings, open_judge};
use imgeval_core::{
    Always, Decoding, FailureKind, ImageFormat, InputImage, Judge, JudgeQuestion, Outcome, QuestionPart,
    ReplySchema, TextAnswer, Usage, Usd,
};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{self, KEY},
};

const CATALOGUE: &str = "
[[model]]
provider = 'openai-chat'
id = 'some-model'
source = 'https://v'
as_of = '2026-11-01'
input_image_tokens = 1000
[model.price]
text_input = 1
text_output = 10

[[model]]
provider = 'openai-chat'
id = 'thinker'
max_completion_tokens = true
source = 'https://v'
as_of = '2026-11-01'
[model.price]
text_input = 1
text_output = 10
";

fn entry(id: &str) -> Option<ModelEntry> {
    Catalogue::with_overrides(CATALOGUE, "test").unwrap().find(ProviderKind::OpenaiChat, id).cloned()
}

fn settings(server: &FaultServer) -> ProviderSettings {
    ProviderSettings { kind: ProviderKind::OpenaiChat, ..support::settings(server) }
}

fn open(server: &FaultServer) -> Arc<dyn Judge> {
    open_judge(settings(server), "some-model", entry("some-model")).unwrap()
}

fn text(text: &str) -> QuestionPart {
    QuestionPart::Text(text.to_owned())
}

fn image(format: ImageFormat, bytes: &[u8]) -> QuestionPart {
    QuestionPart::Image(InputImage::new(format, bytes.to_vec()))
}

pub(crate) fn question(decoding: Decoding) -> JudgeQuestion {
    let parts = vec![
        text("Before \"it\":"),
        image(ImageFormat::Png, &[0, 255, 16]),
        text("after {it} <b>"),
        image(ImageFormat::WebP, b"hi"),
    ];
    JudgeQuestion { system: Some("You judge.\n".to_owned()), parts, decoding }
}

fn choice(message: Value, finish_reason: &str) -> Value {
    json!({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]})
}

fn says(words: &str) -> Action {
    Action::Reply(Reply::json(200, &choice(json!({"role": "assistant", "content": words}), "stop")))
}

async fn ask(script: impl IntoIterator<Item = Action>) -> (TextAnswer, FaultServer) {
    let server = FaultServer::start(script).await;
    let answer = open(&server).judge(&question(Decoding::default()), &Always).await.unwrap();
    (answer, server)
}

pub(crate) fn failure(answer: &TextAnswer) -> (FailureKind, &str) {
    let Outcome::Failed(failure) = &answer.outcome else { panic!("words came: {answer:?}") };
    (failure.kind, &failure.detail)
}

#[tokio::test]
async fn parts_are_sent_in_order_and_images_byte_for_byte_with_their_own_type() {
    let (answer, server) = ask([says("\n Score: 1 \n")]).await;
    assert_eq!(answer.outcome, Outcome::Done("Score: 1".to_owned()));
    let sent = &server.requests()[0];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/chat/completions"));
    let picture = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let words = |words: &str| json!({"type": "text", "text": words});
    let content = json!([
        words("Before \"it\":"),
        picture("data:image/png;base64,AP8Q"),
        words("after {it} <b>"),
        picture("data:image/webp;base64,aGk="),
    ]);
    let messages =
        json!([{"role": "system", "content": "You judge.\n"}, {"role": "user", "content": content}]);
    assert_eq!(sent.json(), json!({"model": "some-model", "messages": messages, "stream": false}));
}

#[tokio::test]
async fn a_question_of_words_alone_is_plain_text() {
    let server = FaultServer::start([says("yes")]).await;
    let question = JudgeQuestion { system: None, parts: vec![text("Is it?")], decoding: Decoding::default() };
    open(&server).judge(&question, &Always).await.unwrap();
    let messages = json!([{"role": "user", "content": "Is it?"}]);
    assert_eq!(server.requests()[0].json()["messages"], messages);
}

/// A talk of two questions.
pub(crate) fn talk() -> JudgeQuestion {
    let parts = vec![
        image(ImageFormat::Png, &[0, 255, 16]),
        text("What is it?"),
        QuestionPart::Assistant("A boat.".to_owned()),
        text("How good?"),
    ];
    JudgeQuestion { system: None, parts, decoding: Decoding::default() }
}

#[tokio::test]
async fn earlier_replies_are_messages_of_their_own() {
    let server = FaultServer::start([says("yes")]).await;
    open(&server).judge(&talk(), &Always).await.unwrap();
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AP8Q"}});
    let messages = json!([
        {"role": "user", "content": [picture, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": "A boat."},
        {"role": "user", "content": "How good?"},
    ]);
    assert_eq!(server.requests()[0].json()["messages"], messages);
}

fn everything() -> Decoding {
    let shape = r#"{"type": "object", "required": ["score"]}"#.to_owned();
    Decoding {
        temperature: Some(0.0),
        max_tokens: Some(500),
        seed: Some(7),
        schema: Some(ReplySchema { name: "scores".to_owned(), schema: shape }),
        log_probabilities: true,
        extra: vec![("chat_template_kwargs".to_owned(), r#"{"enable_thinking": false}"#.to_owned())],
    }
}

#[tokio::test]
async fn decoding_is_sent_as_the_interface_words_it() {
    let server = FaultServer::start([says("{}")]).await;
    open(&server).judge(&question(everything()), &Always).await.unwrap();
    let thinker = open_judge(settings(&server), "thinker", entry("thinker")).unwrap();
    thinker.judge(&question(everything()), &Always).await.unwrap();
    let mut sent: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
    for body in &mut sent {
        body.as_object_mut().unwrap().remove("messages");
    }
    let schema = json!({"type": "object", "required": ["score"]});
    let mut expected = json!({
        "model": "some-model",
        "stream": false,
        "temperature": 0.0,
        "max_tokens": 500,
        "seed": 7,
        "response_format":
            {"type": "json_schema", "json_schema": {"name": "scores", "schema": schema, "strict": true}},
        "logprobs": true,
        "top_logprobs": 5,
        "chat_template_kwargs": {"enable_thinking": false},
    });
    assert_eq!(sent[0], expected);
    expected["model"] = json!("thinker");
    expected.as_object_mut().unwrap().remove("max_tokens");
    expected["max_completion_tokens"] = json!(500);
    assert_eq!(sent[1], expected);
}

#[tokio::test]
async fn what_cannot_be_worded_is_refused_before_anything_is_sent() {
    let server = FaultServer::start([]).await;
    let field =
        |name: &str| Decoding { extra: vec![(name.to_owned(), "1".to_owned())], ..Decoding::default() };
    let shape = ReplySchema { name: "scores".to_owned(), schema: "[".to_owned() };
    for (decoding, words) in [
        (field("model"), "`model` is reserved"),
        (field("messages"), "`messages` is reserved"),
        (field("stream"), "`stream` is reserved"),
        (field("n"), "`n` is reserved"),
        (Decoding { seed: Some(1), ..field("seed") }, "`seed` is reserved"),
        (Decoding { seed: Some(u64::MAX), ..Decoding::default() }, "accepts seeds up to"),
        (Decoding { temperature: Some(f64::NAN), ..Decoding::default() }, "temperature NaN"),
        (Decoding { schema: Some(shape), ..Decoding::default() }, "`scores` is not valid JSON"),
    ] {
        let answer = open(&server).judge(&question(decoding), &Always).await.unwrap();
        let (kind, detail) = failure(&answer);
        assert!(kind == FailureKind::RejectedRequest && detail.contains(words), "{kind:?} {detail}");
        assert_eq!((answer.tries, answer.raw.as_str()), (0, ""));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn thoughts_and_log_probabilities_stay_in_the_raw_reply() {
    let mut reply =
        choice(json!({"content": "Score: 0", "reasoning_content": "It looks like a 1 at first."}), "stop");
    reply["choices"][0]["logprobs"] = json!({"content": [{"token": "0", "logprob": -0.25}]});
    let (answer, _server) = ask([Action::Reply(Reply::json(200, &reply))]).await;
    assert_eq!(answer.outcome, Outcome::Done("Score: 0".to_owned()));
    let raw: Value = serde_json::from_str(&answer.raw).unwrap();
    assert_eq!(raw, reply, "what is kept is the whole reply");
}

#[tokio::test]
async fn an_answer_that_broke_off_at_the_length_limit_is_an_answer() {
    let cut = choice(json!({"content": "Consistency: 2\nReal"}), "length");
    let (answer, _server) = ask([Action::Reply(Reply::json(200, &cut))]).await;
    assert_eq!(answer.outcome, Outcome::Done("Consistency: 2\nReal".to_owned()));
    assert!(answer.raw.contains("\"finish_reason\":\"length\""));
}

#[tokio::test]
async fn whatever_comes_instead_of_words_has_a_kind_and_its_raw_reply() {
    let refusal = choice(json!({"content": "Score: 1", "refusal": "I can't."}), "stop");
    let filtered = choice(json!({"content": "Score: 1"}), "content_filter");
    let thoughts = choice(json!({"content": "", "reasoning_content": "Score: 1"}), "length");
    let policy = support::error(400, "content_policy_violation", "no such pictures");
    let mut native = choice(json!({"content": "Score: 1"}), "stop");
    native["choices"][0]["native_finish_reason"] = json!("SAFETY");
    let azure = json!({"error": {
        "code": "BadRequest",
        "message": "filtered by the content management policy",
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }});
    let blind = support::error(400, "invalid_request_error", "this model takes no images");
    for (reply, kind, words) in [
        (Reply::json(200, &refusal), FailureKind::Refused, "I can't."),
        (Reply::json(200, &filtered), FailureKind::Moderated, "content filter"),
        (Reply::json(200, &thoughts), FailureKind::EmptyReply, "no words arrived (length)"),
        (Reply::json(200, &json!({})), FailureKind::EmptyReply, "no words arrived"),
        (Reply::json(200, &json!({"choices": []})), FailureKind::EmptyReply, "no words arrived"),
        (Reply::json(200, &native), FailureKind::Moderated, "the answer was blocked: SAFETY"),
        (Reply::json(400, &azure), FailureKind::Moderated, "management policy"),
        (Reply::json(200, &choice(Value::Null, "stop")), FailureKind::EmptyReply, "no words arrived (stop)"),
        (policy, FailureKind::Moderated, "no such pictures"),
        (blind, FailureKind::RejectedRequest, "this model takes no images"),
    ] {
        let (answer, server) = ask([Action::Reply(reply)]).await;
        let (found, detail) = failure(&answer);
        assert!(found == kind && detail.contains(words), "{found:?} {detail}");
        assert!(!answer.raw.is_empty() && server.requests().len() == 1);
    }
}

#[tokio::test]
async fn a_page_instead_of_json_is_asked_again_once_and_kept() {
    let page = Action::Reply(Reply::new(200, "text/html", "<html>Score: 1</html>"));
    let (answer, server) = ask([page]).await;
    let (kind, detail) = failure(&answer);
    assert!(kind == FailureKind::Transport && detail.contains("text/html, not JSON"), "{detail}");
    assert_eq!((answer.tries, answer.lost_tries, server.requests().len()), (2, 2, 2));
    assert_eq!(answer.raw, "<html>Score: 1</html>");
}

#[tokio::test]
async fn too_many_requests_and_failing_servers_are_asked_again() {
    let limited = support::error(429, "rate_limit_exceeded", "slow down").header("retry-after", "0.01");
    let failing = support::error(503, "x", "busy");
    let (answer, server) = ask([Action::Reply(limited), Action::Reply(failing), says("Score: 1")]).await;
    assert_eq!(answer.outcome, Outcome::Done("Score: 1".to_owned()));
    assert_eq!((answer.tries, answer.lost_tries, server.requests().len()), (3, 0, 3));
}

#[tokio::test]
async fn a_refused_key_ends_everything() {
    let server = FaultServer::start([Action::Reply(support::error(401, "invalid_api_key", "bad key"))]).await;
    let judge = open(&server);
    let down = judge.judge(&question(Decoding::default()), &Always).await.unwrap_err();
    assert!(down.message.contains("the key is missing or was rejected"), "{down}");
    assert!(judge.judge(&question(Decoding::default()), &Always).await.is_err());
    assert_eq!(server.requests().len(), 1, "it is not asked with that key again");
}

#[tokio::test]
async fn a_model_that_does_not_see_ends_everything() {
    let flat =
        |said: &str| json!({"object": "error", "message": said, "type": "BadRequestError", "code": 400});
    let llama = "image input is not supported - hint: you may need to provide the mmproj";
    let vllm = "x/y is not a multimodal model";
    let router = "No endpoints found that support image input";
    for (reply, said) in [
        (support::error(500, "server_error", llama), llama),
        (Reply::json(400, &flat(vllm)), vllm),
        (Reply::json(404, &json!({"error": {"message": router, "code": 404}})), router),
        (Reply::json(200, &json!({"error": {"message": router, "code": 404}})), router),
    ] {
        let server = FaultServer::start([Action::Reply(reply)]).await;
        let down = open(&server).judge(&question(Decoding::default()), &Always).await.unwrap_err();
        assert!(down.message.contains("does not accept images") && down.message.contains(said), "{down}");
        assert!(down.hint.contains("choose a model that accepts images"), "{}", down.hint);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_ended_with_an_error_is_asked_again_and_half_of_it_is_no_score() {
    let half = choice(json!({"content": "Score: 0"}), "error");
    let overloaded = json!({"error": {"code": 502, "message": "Provider returned error"}});
    let limited = json!({"error": {"code": 429, "message": "slow", "retry_after": 0.01}});
    let bad = [half.clone(), overloaded, limited].map(|reply| Action::Reply(Reply::json(200, &reply)));
    let (answer, _server) = ask(bad.into_iter().chain([says("Score: 1")])).await;
    assert_eq!((answer.outcome, answer.tries), (Outcome::Done("Score: 1".to_owned()), 4));
    let (answer, server) = ask([Action::Reply(Reply::json(200, &half))]).await;
    let (kind, detail) = failure(&answer);
    assert!(kind == FailureKind::Transport && detail.contains("ended with an error (error)"), "{detail}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn words_are_found_in_every_form_of_content_and_thoughts_in_none() {
    for (content, words) in [
        (
            json!([{"type": "reasoning", "text": "Score: 0?"}, {"type": "text", "text": "Score: 1"}]),
            "Score: 1",
        ),
        (
            json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Score: 0?"}]}, {"text": "Score: 1"}]),
            "Score: 1",
        ),
        (json!([{"text": "Score: 0?", "thought": true}, "Score: 1"]), "Score: 1"),
        (json!([{"type": "output_text", "text": "Score: 1"}]), "Score: 1"),
        (json!({"type": "text", "text": "Score: 1"}), "Score: 1"),
        (json!({"score": [8, 9]}), "{\"score\":[8,9]}"),
    ] {
        let reply = choice(json!({"content": content}), "stop");
        let (answer, _server) = ask([Action::Reply(Reply::json(200, &reply))]).await;
        assert_eq!(answer.outcome, Outcome::Done(words.to_owned()), "{content}");
    }
    for message in [
        json!({"content": null, "reasoning_content": "Score: 1"}),
        json!({"content": [{"type": "reasoning", "text": "Score: 1"}]}),
        json!({"content": {"type": "thinking", "text": "Score: 1"}}),
        json!({"content": {}}),
    ] {
        let (answer, _server) = ask([Action::Reply(Reply::json(200, &choice(message, "stop")))]).await;
        assert_eq!(failure(&answer).0, FailureKind::EmptyReply);
    }
}

#[tokio::test]
async fn a_judge_that_says_nothing_is_timed_out() {
    let server = FaultServer::start([Action::Stall]).await;
    let settings = ProviderSettings { timeout: Duration::from_millis(60), ..settings(&server) };
    let judge = open_judge(settings, "some-model", None).unwrap();
    let answer = judge.judge(&question(Decoding::default()), &Always).await.unwrap();
    assert_eq!(failure(&answer).0, FailureKind::TimedOut);
    assert_eq!((answer.tries, answer.lost_tries), (2, 2));
}

#[tokio::test]
async fn an_endless_answer_is_no_answer_and_little_of_it_is_kept() {
    let endless = "Score: 1 and so on. ".repeat(500_000);
    let (answer, _server) = ask([says(&endless)]).await;
    let (kind, detail) = failure(&answer);
    assert_eq!(kind, FailureKind::Unparsed);
    assert_eq!(detail, "the answer has 9999999 bytes, more than the limit of 256 KiB");
    assert!(answer.raw.len() <= 256 << 10 && answer.raw.contains("Score: 1"), "{}", answer.raw.len());
}

#[tokio::test]
async fn a_key_in_an_answer_shows_nowhere() {
    // Base64 to the end, as an image would be.
    let hidden = format!("{}sk-canary", "A".repeat(5000));
    let said = format!("your key is {KEY} {hidden}");
    for reply in [
        Reply::json(200, &choice(json!({"content": said}), "stop")),
        Reply::json(200, &choice(json!({"content": hidden}), "stop")),
        Reply::json(200, &choice(json!({"content": null, "refusal": said}), "stop")),
        Reply::json(400, &json!({"error": {"message": said}})),
        Reply::new(200, "text/html", said.clone()),
    ] {
        let server = FaultServer::start([Action::Reply(reply)]).await;
        let mut settings = settings(&server);
        settings.other_secrets.push(imgeval_clients::Secret::new("sk-canary"));
        let judge = open_judge(settings, "some-model", None).unwrap();
        let answer = judge.judge(&question(Decoding::default()), &Always).await.unwrap();
        let shown = format!("{answer:?}");
        assert!(!shown.contains("canary") && shown.contains("****"), "{shown}");
        let key = format!("Bearer {KEY}");
        assert_eq!(server.requests()[0].header("authorization"), Some(key.as_str()));
    }
}

#[tokio::test]
async fn counted_tokens_and_the_catalogue_say_what_it_cost() {
    let mut reply = choice(json!({"content": "Score: 1"}), "stop");
    reply["usage"] = json!({"prompt_tokens": 1100, "completion_tokens": 20});
    let (answer, server) = ask([Action::Reply(Reply::json(200, &reply))]).await;
    assert_eq!(answer.usage, Usage { text_input: Some(1100), text_output: Some(20), ..Usage::default() });
    // 1100 x $1 + 20 x $10, a million each.
    assert_eq!(answer.cost.unwrap().amount, Usd::from_dollars(0.0013).unwrap());
    let unknown = open_judge(settings(&server), "some-model", None).unwrap();
    let answer = unknown.judge(&question(Decoding::default()), &Always).await.unwrap();
    assert_eq!(answer.cost, None);
}

#[tokio::test]
async fn an_estimate_counts_words_images_and_the_longest_answer() {
    let server = FaultServer::start([]).await;
    let limited = Decoding { max_tokens: Some(500), ..Decoding::default() };
    let estimate = open(&server).estimate(&question(limited.clone())).unwrap();
    // 11, 12 and 14 characters are 4, 4 and 5 tokens, two images 2000; 500 out.
    assert_eq!(estimate.amount, Usd::from_dollars(0.002_013 + 0.005).unwrap());
    assert_eq!(
        estimate.basis,
        "estimate at catalog prices of 2026-11-01: 2013 input tokens, 500 output tokens"
    );
    let open_ended = open(&server).estimate(&question(Decoding::default())).unwrap();
    assert_eq!(open_ended.amount, Usd::from_dollars(0.002_013 + 0.02).unwrap());
    let unknown = open_judge(settings(&server), "thinker", entry("thinker")).unwrap();
    assert_eq!(unknown.estimate(&question(limited)), None, "what its images count for is not known");
}

#[tokio::test]
async fn where_images_are_made_judges_are_asked_over_chat_completions() {
    let server = FaultServer::start([says("Score: 1")]).await;
    let judge = open_judge(support::settings(&server), "some-model", None).unwrap();
    assert_eq!(judge.meta(), open(&server).meta(), "it is the same judge by either name");
    judge.judge(&question(Decoding::default()), &Always).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.path, "/v1/chat/completions");
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
}
