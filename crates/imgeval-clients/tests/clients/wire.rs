//! Replies with whatever servers and proxies put around and into them.

use std::io::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use imgeval_clients::{ProviderKind, ProviderSettings, ReplyImage, open_generator, read_image, read_reply};
use imgeval_core::{Outcome, Turn};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    fault_server::{Action, FaultServer, Reply},
    support::{self, request},
};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers/replies.md"));

const ADDRESS: &str = "https://cdn.example/cat.png";

fn picture() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((0_u8..=255).map(|byte| byte.wrapping_mul(59)));
    bytes
}

/// The lines of the table, each with whether its image is base64.
fn documented() -> Vec<(String, bool)> {
    let (_, block) = DOCUMENT.split_once("```json\n").unwrap();
    let (block, _) = block.split_once("\n```\n").unwrap();
    let fill = |line: &str| {
        let text = line.replace("BASE64", &STANDARD.encode(picture())).replace("ADDRESS", ADDRESS);
        (text, line.contains("BASE64"))
    };
    block.lines().map(fill).collect()
}

fn image_of(body: &[u8]) -> Option<ReplyImage> {
    read_image(&read_reply(body).unwrap().json).map(Result::unwrap)
}

#[test]
fn every_documented_shape_is_found() {
    let shapes = documented();
    assert!(shapes.len() > 50);
    for (reply, is_base64) in shapes {
        serde_json::from_str::<Value>(&reply).unwrap();
        let expected =
            if is_base64 { ReplyImage::Bytes(picture()) } else { ReplyImage::Address(ADDRESS.to_owned()) };
        assert_eq!(image_of(reply.as_bytes()), Some(expected), "{reply}");
    }
}

const IN_FRONT: [&str; 7] = [
    "",
    "\u{feff}",
    "\n  \r\n\t",
    ": OPENROUTER PROCESSING\n\n",
    ":\r\n\r\n:\r\n",
    "\0\0",
    "\u{feff}\n: ping\n\n\u{feff}",
];

const BEHIND: [&str; 6] =
    ["", "\n\n", "\ndata: [DONE]\n\n", "data: [DONE]", "\r\n: ping\r\n\r\n[DONE]\r\n", "\0\n"];

/// Fields that strict JSON lacks, besides one that says nothing.
const INSIDE: [&[u8]; 9] = [
    b"",
    b"\"note\": \"a party \\ud83d\"",
    b"\"note\": \"\\ude00\\ud83d\\u0041\"",
    b"\"note\": \"caf\xe9 \xff\xfe\"",
    b"\"note\": [NaN, -Infinity, Infinity, 1e999]",
    b"\"note\": \"two\nlines\tand \\d\"",
    b"\"error\": {\"message\": \"\", \"type\": \"\", \"param\": \"\", \"code\": null}",
    b"\"error\": {}",
    b"\"error\": \"\"",
];

/// What a gateway makes of the body.
#[derive(Debug, Clone, Copy)]
enum Packing {
    None,
    Gzip,
    GzipTwice,
    Zlib,
    OneEvent,
}

fn disturbed(reply: &str, front: &str, inside: &[u8], behind: &str, packing: Packing) -> Vec<u8> {
    let mut body = Vec::new();
    let is_event = matches!(packing, Packing::OneEvent);
    // An event is one line.
    let inside = if is_event && inside.contains(&b'\n') { b"" } else { inside };
    body.extend(front.as_bytes());
    body.extend(if is_event { b"data: ".as_slice() } else { b"" });
    match reply.strip_prefix('{') {
        Some(rest) if !inside.is_empty() => {
            body.extend([b"{".as_slice(), inside, b", ", rest.as_bytes()].concat());
        }
        _ => body.extend(reply.as_bytes()),
    }
    body.extend(if is_event { b"\n\n".as_slice() } else { b"" });
    body.extend(behind.as_bytes());
    let gzip = |body: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    match packing {
        Packing::None | Packing::OneEvent => body,
        Packing::Gzip => gzip(&body),
        Packing::GzipTwice => gzip(&gzip(&body)),
        Packing::Zlib => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&body).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// The events that a chat completion would have been as a stream, its text and images cut at `cuts`.
fn as_chat_stream(content: &str, images: &[Value], cuts: &[usize]) -> String {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (content.len() + 1)).collect();
    places.extend([0, content.len()]);
    places.sort_unstable();
    let mut events: Vec<Value> = places
        .windows(2)
        .map(|ends| json!({"choices": [{"index": 0, "delta": {"content": content[ends[0]..ends[1]]}}]}))
        .collect();
    events.extend(images.iter().map(|image| json!({"choices": [{"delta": {"images": [image]}}]})));
    events.push(json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"cost": 0.039}}));
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

proptest! {
    #[test]
    fn a_disturbed_reply_gives_the_same_image(
        shape in prop::sample::select(documented()),
        front in prop::collection::vec(prop::sample::select(&IN_FRONT), 0..4),
        inside in prop::sample::select(&INSIDE),
        behind in prop::sample::select(&BEHIND),
        packing in prop::sample::select(&[
            Packing::None, Packing::Gzip, Packing::GzipTwice, Packing::Zlib, Packing::OneEvent,
        ]),
    ) {
        let body = disturbed(&shape.0, &front.concat(), inside, behind, packing);
        let plain = image_of(shape.0.as_bytes());
        prop_assert!(plain.is_some());
        prop_assert_eq!(image_of(&body), plain, "{}", body.escape_ascii());
    }

    #[test]
    fn a_stream_gives_the_image_and_the_words_of_the_reply(
        words in "[ -~]{0,40}",
        has_image in any::<bool>(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        end in prop::sample::select(&["\n", "\r\n", "\r"]),
        front in prop::sample::select(&IN_FRONT),
        behind in prop::sample::select(&BEHIND),
    ) {
        let url = format!("data:image/png;base64,{}", STANDARD.encode(picture()));
        let content = if has_image { words.clone() } else { format!("{words} ![x]({url})") };
        let images = Vec::from_iter(has_image.then(|| json!({"image_url": {"url": url}})));
        let stream = as_chat_stream(&content, &images, &cuts).replace('\n', end);
        let read = read_reply(format!("{front}{stream}{behind}").as_bytes()).unwrap().json;
        let choice = &read["choices"][0];
        prop_assert_eq!(&choice["message"]["content"], &content);
        prop_assert_eq!((&choice["finish_reason"], &read["usage"]["cost"]), (&json!("stop"), &json!(0.039)));
        prop_assert_eq!(read_image(&read), Some(Ok(ReplyImage::Bytes(picture()))));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}:,\"\\\\0-9a-zNI \\n!()data/.]{0,80}") {
        for body in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(reply) = read_reply(body) {
                read_image(&reply.json);
            }
        }
    }
}

async fn ask(kind: ProviderKind, reply: Reply) -> imgeval_core::Answer {
    let server = FaultServer::start([Action::Reply(reply)]).await;
    let settings = ProviderSettings { kind, ..support::settings(&server) };
    let generator = open_generator(settings, "some-model", None).unwrap();
    generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap()
}

#[tokio::test]
async fn every_provider_reads_disturbed_replies() {
    let image = STANDARD.encode(picture());
    for (kind, reply) in [
        (ProviderKind::OpenaiImages, json!({"data": [{"b64_json": image}]})),
        (ProviderKind::OpenaiChat, json!({"choices": [{"message": {"image": {"b64_json": image}}}]})),
        (
            ProviderKind::OpenaiResponses,
            json!({"output": [{"type": "image_generation_call", "result": image}]}),
        ),
        (
            ProviderKind::Gemini,
            json!({"candidates": [{"content": {"parts": [{"inline_data": {"data": image}}]}}]}),
        ),
    ] {
        for (inside, packing) in [
            (INSIDE[1], Packing::Gzip),
            (INSIDE[3], Packing::None),
            (INSIDE[6], Packing::OneEvent),
            (INSIDE[7], Packing::None),
        ] {
            let body = disturbed(&reply.to_string(), IN_FRONT[3], inside, BEHIND[2], packing);
            let answer = ask(kind, Reply::new(200, "application/json", body)).await;
            assert_eq!(answer.outcome, Outcome::Done(picture()), "{kind}");
            assert_eq!((answer.tries, answer.lost_tries), (1, 0));
        }
    }
}

#[tokio::test]
async fn a_relative_address_is_fetched_from_the_base_urls_host() {
    let reply = Reply::json(200, &json!({"data": [{"url": "/files/a.png"}]}));
    let file = Reply::new(200, "image/png", picture());
    let server = FaultServer::start([Action::Reply(reply), Action::Reply(file)]).await;
    let answer = support::open(support::settings(&server))
        .generate(&request("a cat"), &imgeval_core::Always)
        .await
        .unwrap();
    assert_eq!(answer.outcome, Outcome::Done(picture()));
    let sent = server.requests();
    assert_eq!((sent[1].path.as_str(), sent[1].header("authorization")), ("/files/a.png", None));
}

#[tokio::test]
async fn gemini_in_snake_case_keeps_signatures_usage_and_blocks() {
    let image = STANDARD.encode(picture());
    let parts = json!([
        {"text": "Here.", "thought_signature": "t1"},
        {"inline_data": {"mime_type": "image/png", "data": image}, "thought_signature": "t2"},
    ]);
    let usage = json!({
        "prompt_token_count": 8, "candidates_token_count": 1290, "thoughts_token_count": 5,
        "candidates_tokens_details": [{"modality": "IMAGE", "token_count": 1290}],
    });
    let candidate = json!({"content": {"role": "model", "parts": parts}, "finish_reason": "STOP"});
    let first = Reply::json(200, &json!({"candidates": [candidate], "usage_metadata": usage}));
    let blocked = Reply::json(200, &json!({"prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}}));
    let stopped = json!({"candidates": [{"finish_reason": "IMAGE_SAFETY", "finish_message": "Try again."}]});
    let script = [first, blocked, Reply::json(200, &stopped)].map(Action::Reply);
    let server = FaultServer::start(script).await;
    let settings = ProviderSettings { kind: ProviderKind::Gemini, ..support::settings(&server) };
    let generator = open_generator(settings, "some-model", None).unwrap();
    let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Done(picture()));
    let counted = answer.usage;
    assert_eq!(
        (counted.text_input, counted.text_output, counted.image_output),
        (Some(8), Some(5), Some(1290))
    );
    let mut second = request("now blue");
    let picture = imgeval_core::InputImage::new(imgeval_core::ImageFormat::Png, picture());
    second.history =
        vec![Turn { prompt: "a cat".to_owned(), images: vec![], answer: picture, state: answer.state }];
    let answer = generator.generate(&second, &imgeval_core::Always).await.unwrap();
    assert!(support::failure(&answer).1.contains("PROHIBITED_CONTENT"), "{answer:?}");
    let model = &server.requests()[1].json()["contents"][1];
    let signatures: Vec<&Value> =
        model["parts"].as_array().unwrap().iter().map(|part| &part["thoughtSignature"]).collect();
    assert_eq!(signatures, ["t1", "t2"]);
    let answer = generator.generate(&request("a cat"), &imgeval_core::Always).await.unwrap();
    assert!(support::failure(&answer).1.contains("IMAGE_SAFETY: Try again."), "{answer:?}");
}
