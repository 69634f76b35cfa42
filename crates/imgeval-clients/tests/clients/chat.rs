//! Chat completions: images, and words for rewriting prompts.

use std::sync::Arc;

use imgeval_clients::{
    Catalogue, ChatClient, ChatRewriter, ModelEntry, ProviderKind, ProviderSettings, open_generator,
};
use imgeval_core::{
    Decoding, FailureKind, Generator, ImageFormat, InputImage, JudgeQuestion, Outcome, QuestionPart,
    Rewriter, Turn, Usage, Usd,
};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{self, failure, request},
};

const CATALOGUE: &str = "
[[model]]
provider = 'openai-chat'
id = 'some-model'
source = 'https://v'
as_of = '2026-11-01'
[model.price]
text_input = 1
text_output = 10
";

fn settings(server: &FaultServer) -> ProviderSettings {
    ProviderSettings { kind: ProviderKind::OpenaiChat, ..support::settings(server) }
}

fn priced() -> Option<ModelEntry> {
    Catalogue::with_overrides(CATALOGUE, "test")
        .unwrap()
        .find(ProviderKind::OpenaiChat, "some-model")
        .cloned()
}

fn open(server: &FaultServer) -> Arc<dyn Generator> {
    open_generator(settings(server), "some-model", priced()).unwrap()
}

fn message(message: Value, usage: Value) -> Action {
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage});
    Action::Reply(Reply::json(200, &body))
}

#[tokio::test]
async fn an_image_is_found_wherever_it_stands() {
    let files = FaultServer::start([Action::Reply(Reply::new(200, "image/png", "hi"))]).await;
    let url = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let far = json!({"type": "image_url", "image_url": {"url": format!("{}/x.png", files.url())}});
    for found in [
        json!({"content": "", "images": [url]}),
        json!({"content": null, "images": [far]}),
        json!({"content": [{"type": "text", "text": "Here:"}, url]}),
        json!({"content": "Here: ![cat](data:image/png;base64,aGk=)"}),
        json!({"content": [{"type": "text", "text": "![cat](data:image/png;base64,aGk=)"}]}),
        json!({"content": format!("![cat]({}/x.png)", files.url())}),
    ] {
        let server = FaultServer::start([message(found.clone(), json!({}))]).await;
        let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        assert_eq!(answer.outcome.done().map(Vec::as_slice), Some(b"hi".as_slice()), "{found}: {answer:?}");
    }
    assert!(files.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn a_conversation_sends_the_models_images_back_as_its_own() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let server = FaultServer::start([message(json!({"images": [image]}), json!({}))]).await;
    let picture = InputImage::new(ImageFormat::Png, *b"hi");
    let mut asked = request("now blue");
    asked.system = Some("be brief".to_owned());
    asked.seed = Some(3);
    asked.history = vec![Turn {
        prompt: "a cat".to_owned(),
        images: vec![picture.clone()],
        answer: picture,
        state: None,
    }];
    open(&server).generate(&asked, &imgeval_core::Always).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.path, "/v1/chat/completions");
    let expected = json!({
        "model": "some-model",
        "modalities": ["image", "text"],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a cat"}, image]},
            {"role": "assistant", "content": "", "images": [image]},
            {"role": "user", "content": "now blue"},
        ],
        "seed": 3,
        "stream": false,
    });
    assert_eq!(sent.json(), expected);
}

#[tokio::test]
async fn what_the_provider_says_it_bills_is_the_cost() {
    let image = json!({"images": [{"image_url": {"url": "data:image/png;base64,aGk="}}]});
    let details = json!({"image_tokens": 1290});
    let counted =
        json!({"prompt_tokens": 10, "completion_tokens": 1300, "completion_tokens_details": details});
    let mut billed = counted.clone();
    billed["cost"] = json!(0.0387);
    let server = FaultServer::start([message(image.clone(), billed), message(image, counted)]).await;
    let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    let cost = answer.cost.unwrap();
    assert_eq!(cost.amount, Usd::from_dollars(0.0387).unwrap());
    assert_eq!(cost.basis, "as billed by the provider");
    let usage =
        Usage { text_input: Some(10), text_output: Some(10), image_output: Some(1290), ..Usage::default() };
    assert_eq!(answer.usage, usage);
    let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(answer.cost, None, "the catalogue has no price for its image tokens");
}

#[tokio::test]
async fn whatever_comes_instead_of_an_image_has_a_kind() {
    let metadata = json!({"reasons": ["violence"], "flagged_input": "..."});
    let flagged = json!({"error": {"code": 403, "message": "flagged", "metadata": metadata}});
    let filtered = json!({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]});
    let native = json!({"choices": [{
        "message": {"content": ""}, "finish_reason": "stop", "native_finish_reason": "IMAGE_SAFETY",
    }]});
    let broken = json!({"choices": [{"message": {"content": "oops"}, "finish_reason": "error"}]});
    let refusal = json!({"content": null, "refusal": "I can't."});
    for (action, kind, words) in [
        (message(refusal, json!({})), FailureKind::Refused, "I can't."),
        (message(json!({"content": "It is a cat."}), json!({})), FailureKind::Refused, "It is a cat."),
        (message(json!({"content": ""}), json!({})), FailureKind::EmptyReply, "no image arrived (stop)"),
        (Action::Reply(Reply::json(200, &filtered)), FailureKind::Moderated, "content filter"),
        (Action::Reply(Reply::json(403, &flagged)), FailureKind::Moderated, "violence"),
        (Action::Reply(Reply::json(200, &native)), FailureKind::Moderated, "IMAGE_SAFETY"),
        (
            Action::Reply(Reply::json(200, &broken)),
            FailureKind::Transport,
            "ended with an error (error): oops",
        ),
        (Action::Reply(Reply::json(200, &json!({}))), FailureKind::EmptyReply, "no image arrived"),
    ] {
        let server = FaultServer::start([action]).await;
        let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        let (found, detail) = failure(&answer);
        assert!(found == kind && detail.contains(words), "{found:?} {detail}");
    }
}

#[tokio::test]
async fn an_image_that_came_counts_however_the_answer_ended() {
    for reason in ["error", "content_filter", "length"] {
        let image = json!({"image_url": {"url": "data:image/png;base64,aGk="}});
        let reply = json!({"choices": [{"message": {"images": [image]}, "finish_reason": reason}]});
        let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
        let answer = open(&server).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Done(b"hi".to_vec()), "{reason}");
    }
}

fn rewriter(server: &FaultServer, temperature: Option<f64>) -> ChatRewriter {
    let client = ChatClient::new(&settings(server), "some-model", priced()).unwrap();
    ChatRewriter::new(client, "Make it longer.", temperature)
}

#[tokio::test]
async fn a_prompt_is_rewritten_by_the_instructions() {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 20});
    let server = FaultServer::start([message(json!({"content": "\n a grey cat \n"}), usage)]).await;
    let rewrite = rewriter(&server, None).rewrite("a cat", &imgeval_core::Always).await.unwrap();
    assert_eq!(rewrite.outcome, Outcome::Done("a grey cat".to_owned()));
    // 100 x $1 + 20 x $10, a million each.
    assert_eq!(rewrite.cost.unwrap().amount, Usd::from_dollars(0.0003).unwrap());
    rewriter(&server, Some(0.0)).rewrite("a cat", &imgeval_core::Always).await.unwrap();
    let messages =
        json!([{"role": "system", "content": "Make it longer."}, {"role": "user", "content": "a cat"}]);
    let sent: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
    assert_eq!(sent[0], json!({"model": "some-model", "messages": messages, "stream": false}));
    assert_eq!(
        sent[1],
        json!({"model": "some-model", "messages": messages, "stream": false, "temperature": 0.0})
    );
}

#[tokio::test]
async fn an_answer_that_is_no_rewritten_prompt_has_a_kind() {
    let cut = json!({"choices": [{"message": {"content": "a grey"}, "finish_reason": "length"}]});
    for (action, kind) in [
        (message(json!({"content": "  "}), json!({})), FailureKind::EmptyReply),
        (message(json!({"content": null, "refusal": "no"}), json!({})), FailureKind::Refused),
        (Action::Reply(Reply::json(200, &cut)), FailureKind::EmptyReply),
        (Action::Reply(support::error(400, "content_filter", "no")), FailureKind::Moderated),
    ] {
        let server = FaultServer::start([action]).await;
        let rewrite = rewriter(&server, None).rewrite("a cat", &imgeval_core::Always).await.unwrap();
        let Outcome::Failed(failure) = rewrite.outcome else { panic!("{rewrite:?}") };
        assert_eq!(failure.kind, kind);
    }
    let server = FaultServer::start([Action::Reply(support::error(401, "invalid_api_key", "no"))]).await;
    assert!(rewriter(&server, None).rewrite("a cat", &imgeval_core::Always).await.is_err());
}

#[tokio::test]
async fn a_rewriters_name_changes_with_everything_that_can_change_its_answer() {
    let server = FaultServer::start([]).await;
    let client = || ChatClient::new(&settings(&server), "some-model", priced()).unwrap();
    let name = |rewriter: ChatRewriter| rewriter.meta().model.clone();
    let names = [
        name(ChatRewriter::new(client(), "a", None)),
        name(ChatRewriter::new(client(), "b", None)),
        name(ChatRewriter::new(client(), "a", Some(0.0))),
    ];
    assert!(names[0] != names[1] && names[0] != names[2]);
    assert!(names.iter().all(|name| name.starts_with("some-model")));
    // 3 + 3 characters are 2 tokens, and 2000 out.
    let estimate = ChatRewriter::new(client(), "abc", None).estimate("def").unwrap();
    assert_eq!(estimate.amount, Usd::from_dollars(0.020_002).unwrap());
}

#[tokio::test]
async fn a_question_can_show_images() {
    let server = FaultServer::start([message(json!({"content": "yes"}), json!({}))]).await;
    let client = ChatClient::new(&settings(&server), "some-model", None).unwrap();
    let image = QuestionPart::Image(InputImage::new(ImageFormat::Jpeg, *b"hi"));
    let parts = vec![QuestionPart::Text("Is it a cat?".to_owned()), image];
    let question = JudgeQuestion { system: None, parts, decoding: Decoding::default() };
    let answer = client.ask(&question, &imgeval_core::Always).await.unwrap();
    assert_eq!((answer.outcome, answer.cost), (Outcome::Done("yes".to_owned()), None));
    let url = &server.requests()[0].json()["messages"][0]["content"][1]["image_url"]["url"];
    assert_eq!(url, "data:image/jpeg;base64,aGk=");
}
