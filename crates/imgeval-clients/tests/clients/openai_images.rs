//! Requests as OpenAI's own client sends them, and replies in all their forms.

use std::collections::BTreeMap;

use imgeval_clients::{Catalogue, ProviderKind, open_generator};
use imgeval_core::{
    ContentHash, FailureKind, ImageFormat, ImageParameters, ImageRequest, InputImage, SizeRequest, Turn,
    Usage,
};
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply, Request},
    support::{IMAGE, failure, image, open, request, settings},
};

/// Made by scripts/reference/openai_client_requests.py.
const REFERENCE: &str = include_str!("../fixtures/openai_client_requests.json");

fn input(format: ImageFormat, name: &str) -> InputImage {
    InputImage::new(format, format!("bytes of a {name}").into_bytes())
}

fn reference_request(name: &str) -> ImageRequest {
    let mut request = request("a café, \"quoted\"\nand a second line");
    if name.contains("everything") {
        request.parameters = ImageParameters {
            size: Some(SizeRequest::Pixels { width: 1024, height: 1536 }),
            quality: Some("low".to_owned()),
            background: Some("transparent".to_owned()),
            output_format: Some(ImageFormat::Jpeg),
        };
    }
    let (png, webp) = (input(ImageFormat::Png, "png"), input(ImageFormat::WebP, "webp"));
    match name {
        "edit of one image" => request.images = vec![png],
        "edit of several images" => request.images = vec![png, webp, input(ImageFormat::Jpeg, "jpeg")],
        "edit with mask and everything" => {
            request.images = vec![webp];
            request.mask = Some(input(ImageFormat::Png, "mask"));
        }
        _ => assert!(name.starts_with("generation"), "{name}"),
    }
    request
}

/// In the reference's form, in an order that only keeps that of fields of one name.
fn parts(request: &Request) -> Vec<Value> {
    let content_type = request.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    // The images of these tests are text.
    let body = String::from_utf8(request.body.clone()).unwrap();
    let body = body.strip_suffix(&format!("--{boundary}--\r\n")).unwrap();
    let mut parts = Vec::new();
    for part in body.split(&format!("--{boundary}\r\n")).skip(1) {
        let (head, content) = part.strip_suffix("\r\n").unwrap().split_once("\r\n\r\n").unwrap();
        let headers: BTreeMap<String, &str> = head
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let disposition = headers["content-disposition"];
        let parameter = |name: &str| {
            let (_, rest) = disposition.split_once(&format!("; {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        parts.push(match parameter("filename") {
            None => json!({"name": parameter("name"), "value": content}),
            Some(file_name) => json!({
                "name": parameter("name"),
                "extension": format!(".{}", file_name.split_once('.').unwrap().1),
                "mime": headers["content-type"],
                "sha256": ContentHash::of(content.as_bytes()).as_str(),
            }),
        });
    }
    sorted(parts)
}

fn sorted(mut parts: Vec<Value>) -> Vec<Value> {
    parts.sort_by_key(|part| part["name"].to_string());
    parts
}

#[tokio::test]
async fn requests_have_the_fields_that_openais_own_client_sends() {
    let reference: Value = serde_json::from_str(REFERENCE).unwrap();
    let requests = reference["requests"].as_object().unwrap();
    assert_eq!(requests.len(), 6);
    // That a model must be asked for base64 stands in the catalog; see the unit tests.
    for (name, expected) in requests.iter().filter(|(name, _)| *name != "generation as base64") {
        let server = FaultServer::start([image()]).await;
        let answer =
            open(settings(&server)).generate(&reference_request(name), &imgeval_core::Always).await.unwrap();
        assert!(answer.outcome.done().is_some(), "{name}: {answer:?}");
        let sent = &server.requests()[0];
        assert_eq!(
            (sent.method.as_str(), Some(sent.path.as_str())),
            ("POST", expected["path"].as_str()),
            "{name}"
        );
        match expected["parts"].as_array() {
            None => assert_eq!(sent.json(), expected["json"], "{name}"),
            Some(expected) => assert_eq!(parts(sent), sorted(expected.clone()), "{name}"),
        }
    }
}

#[tokio::test]
async fn a_further_round_edits_the_last_answer() {
    let server = FaultServer::start([image()]).await;
    let mut second = request("make it blue");
    second.history = vec![Turn {
        prompt: "a cat".to_owned(),
        images: vec![],
        answer: input(ImageFormat::Png, "cat"),
        state: None,
    }];
    let answer = open(settings(&server)).generate(&second, &imgeval_core::Always).await.unwrap();
    assert!(answer.outcome.done().is_some());
    let sent = &server.requests()[0];
    assert_eq!(sent.path, "/v1/images/edits");
    let images: Vec<Value> = parts(sent).into_iter().filter(|part| part["name"] == "image").collect();
    assert_eq!(images[0]["sha256"], ContentHash::of(b"bytes of a cat").as_str());
}

#[tokio::test]
async fn a_multipart_request_is_whole_when_it_is_sent_again() {
    let server = FaultServer::start([Action::Reply(Reply::new(500, "text/plain", "oops")), image()]).await;
    let answer = open(settings(&server))
        .generate(&reference_request("edit of several images"), &imgeval_core::Always)
        .await
        .unwrap();
    assert!(answer.outcome.done().is_some());
    let sent = server.requests();
    assert_eq!(parts(&sent[0]), parts(&sent[1]));
}

#[tokio::test]
async fn usage_and_revised_prompt_are_read() {
    let reply = json!({
        "data": [{"b64_json": "aGk=", "revised_prompt": "a grey cat"}],
        "usage": {"input_tokens": 9, "output_tokens": 272, "input_tokens_details": {"text_tokens": 9, "image_tokens": 0}},
    });
    let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
    let answer = open(settings(&server)).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(answer.revised_prompt.as_deref(), Some("a grey cat"));
    let usage =
        Usage { text_input: Some(9), image_input: Some(0), image_output: Some(272), ..Usage::default() };
    assert_eq!(answer.usage, usage);
}

#[tokio::test]
async fn an_image_behind_a_url_is_fetched_without_the_key_however_flaky() {
    let fails = Action::Reply(Reply::new(503, "text/plain", "later"));
    let half = Action::Half(Reply::new(200, "image/png", IMAGE), 3);
    let moved = Action::Reply(Reply::new(302, "text/plain", "").header("location", "/v1/elsewhere"));
    let found = Action::Reply(Reply::new(200, "image/png", IMAGE));
    let files = FaultServer::start([fails, half, Action::Reset, moved, found]).await;
    let reply = json!({"data": [{"url": format!("{}/image.png?signature=x", files.url())}]});
    let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
    let answer = open(settings(&server)).generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(answer.outcome.done().map(Vec::as_slice), Some(IMAGE), "{answer:?}");
    assert_eq!((server.requests().len(), answer.lost_tries), (1, 0), "the image is not made twice");
    assert_eq!(files.requests().len(), 5);
    for request in files.requests() {
        assert_eq!((request.header("authorization"), request.header("referer")), (None, None));
    }
}

#[tokio::test]
async fn a_download_that_cannot_be_had_is_told_and_lost_only_if_its_cost_is_not_known() {
    let around = Reply::new(302, "text/plain", "").header("location", "/v1/again");
    let gone = Reply::new(404, "text/plain", "gone");
    let later = Reply::new(503, "text/plain", "later");
    let catalogue = "
[[model]]
provider = 'openai-images'
id = 'some-model'
source = 'https://v'
as_of = '2026-11-01'
price.image = [{ usd = 0.04 }]
";
    let catalogue = Catalogue::with_overrides(catalogue, "test").unwrap();
    let entry = catalogue.find(ProviderKind::OpenaiImages, "some-model").cloned();
    for (reply, words, requests) in [
        (gone, "answered 404 Not Found; ", 1),
        (later, "answered 503 Service Unavailable (tried 10 times); ", 10),
        (around, "too many redirects", 4),
    ] {
        let files = FaultServer::start([Action::Reply(reply)]).await;
        let reply = json!({"data": [{"url": format!("{}/image.png", files.url())}]});
        let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
        for (entry, lost_tries) in [(None, 1), (entry.clone(), 0)] {
            let generator = open_generator(settings(&server), "some-model", entry).unwrap();
            let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
            let (kind, detail) = failure(&answer);
            assert_eq!((kind, answer.tries), (FailureKind::Transport, 1), "{detail}");
            assert_eq!((answer.lost_tries, answer.cost.is_none()), (lost_tries, lost_tries == 1));
            assert!(detail.contains(words) && detail.ends_with("contains its address"), "{detail}");
            assert!(answer.raw.contains("/image.png"), "{}", answer.raw);
        }
        assert_eq!((server.requests().len(), files.requests().len()), (2, 2 * requests));
    }
}

#[tokio::test]
async fn what_the_interface_would_ignore_is_refused_before_anything_is_sent() {
    let server = FaultServer::start([image()]).await;
    let generator = open(settings(&server));
    type Change = fn(&mut ImageRequest);
    let changes: [(Change, &str); 4] = [
        (|request| request.system = Some("s".to_owned()), "system prompt"),
        (|request| request.seed = Some(1), "seed"),
        (|request| request.parameters.size = SizeRequest::parse("16:9"), "aspect ratio"),
        (|request| request.mask = Some(input(ImageFormat::Png, "mask")), "mask"),
    ];
    for (change, words) in changes {
        let mut request = request("a cat");
        change(&mut request);
        let answer = generator.generate(&request, &imgeval_core::Always).await.unwrap();
        let (kind, detail) = failure(&answer);
        assert_eq!((kind, answer.tries), (FailureKind::RejectedRequest, 0));
        assert!(detail.contains(words), "{detail}");
    }
    assert_eq!(server.requests().len(), 0);
}
