//! Our requests against a server that checks them with OpenAI's published OpenAPI document. `scripts/contract` starts
//! the server and says in `IMGEVAL_CONTRACT_URL` where it listens; without that, nothing is tested here.
//!
//! The server answers with examples that are no images, so an answer of any kind will do: it is given only to requests
//! that the document allows. Edits of several images are left out because the document lacks their field, `image[]`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helper functions of tests may do what tests do"
)]

use std::{env, time::Duration};

use imgeval_clients::{
    Catalogue, ChatClient, ChatRewriter, ModelEntry, ProviderKind, ProviderSettings, Secret, open_generator,
    open_judge,
};
use imgeval_core::{
    Always, Answer, CaseId, Decoding, FailureKind, ImageFormat, ImageParameters, ImageRequest, InputImage,
    JudgeQuestion, Outcome, QuestionPart, ReplySchema, Rewriter, SampleId, SizeRequest, TextAnswer, Turn,
};

/// `None`, and a word about it, where no server was started.
fn settings(kind: ProviderKind) -> Option<ProviderSettings> {
    let Ok(base_url) = env::var("IMGEVAL_CONTRACT_URL") else {
        println!("skipped: IMGEVAL_CONTRACT_URL is not set; scripts/contract sets it");
        return None;
    };
    Some(ProviderSettings {
        base_url,
        key: Some(Secret::new("any-key")),
        timeout: Duration::from_secs(60),
        retries: 0,
        ..ProviderSettings::new(kind)
    })
}

fn request() -> ImageRequest {
    ImageRequest::of_prompt(SampleId::new(CaseId::new("00000"), 0), "a café, \"quoted\"\nand a second line")
}

fn parameters(output_format: ImageFormat) -> ImageParameters {
    ImageParameters {
        size: Some(SizeRequest::Pixels { width: 1024, height: 1536 }),
        quality: Some("low".to_owned()),
        background: Some("transparent".to_owned()),
        output_format: Some(output_format),
    }
}

fn picture(format: ImageFormat) -> InputImage {
    InputImage::new(format, b"bytes of a picture".to_vec())
}

fn further_round() -> ImageRequest {
    let answer = picture(ImageFormat::Png);
    let turn = Turn { prompt: "a cat".to_owned(), images: vec![], answer, state: None };
    ImageRequest { history: vec![turn], ..request() }
}

async fn ask(settings: &ProviderSettings, request: &ImageRequest) -> Answer {
    open_generator(settings.clone(), "some-model", None)
        .unwrap()
        .generate(request, &imgeval_core::Always)
        .await
        .unwrap()
}

async fn check(settings: &ProviderSettings, requests: &[(&str, ImageRequest)]) {
    for (name, request) in requests {
        let answer = ask(settings, request).await;
        if let Outcome::Failed(failure) = &answer.outcome {
            assert!(FailureKind::ANSWERS.contains(&failure.kind), "{name}: {failure:?}: {}", answer.raw);
        }
        println!("accepted: {}: {name}", settings.kind);
    }
}

#[tokio::test]
async fn allowed_are_generations_and_edits() {
    let Some(settings) = settings(ProviderKind::OpenaiImages) else { return };
    let mut requests = vec![("minimal generation", request())];
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let everything = ImageRequest { parameters: parameters(format), ..request() };
        requests.push(("generation with every parameter", everything.clone()));
        let edit = ImageRequest {
            images: vec![picture(format)],
            mask: Some(picture(ImageFormat::Png)),
            ..everything
        };
        requests.push(("edit with mask and every parameter", edit));
    }
    let minimal_edit = ImageRequest { images: vec![picture(ImageFormat::Png)], ..request() };
    requests.extend([("minimal edit", minimal_edit), ("further round", further_round())]);
    check(&settings, &requests).await;
}

#[tokio::test]
async fn allowed_are_chat_completions_with_images() {
    let Some(settings) = settings(ProviderKind::OpenaiChat) else { return };
    let images = vec![picture(ImageFormat::Png), picture(ImageFormat::WebP)];
    let everything =
        ImageRequest { system: Some("be brief".to_owned()), images, seed: Some(7), ..further_round() };
    let requests = [
        ("minimal generation", request()),
        ("further round", further_round()),
        ("further round with system prompt, images and seed", everything),
    ];
    check(&settings, &requests).await;
}

#[tokio::test]
async fn allowed_are_prompts_to_rewrite() {
    let Some(settings) = settings(ProviderKind::OpenaiChat) else { return };
    for temperature in [None, Some(0.5)] {
        let client = ChatClient::new(&settings, "some-model", None).unwrap();
        let rewrite = ChatRewriter::new(client, "add details", temperature)
            .rewrite("a \"café\"", &imgeval_core::Always)
            .await
            .unwrap();
        if let Outcome::Failed(failure) = &rewrite.outcome {
            assert!(FailureKind::ANSWERS.contains(&failure.kind), "{failure:?}: {}", rewrite.raw);
        }
        println!("accepted: a prompt to rewrite, temperature {temperature:?}");
    }
}

fn question(decoding: Decoding) -> JudgeQuestion {
    let text = |text: &str| QuestionPart::Text(text.to_owned());
    let parts = vec![
        text("Before:"),
        QuestionPart::Image(picture(ImageFormat::Jpeg)),
        text("after \"it\":"),
        QuestionPart::Image(picture(ImageFormat::WebP)),
    ];
    JudgeQuestion { system: Some("You judge.".to_owned()), parts, decoding }
}

fn shape(name: &str) -> Option<ReplySchema> {
    let schema = r#"{"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"],
        "additionalProperties": false}"#;
    Some(ReplySchema { name: name.to_owned(), schema: schema.to_owned() })
}

async fn judge(settings: &ProviderSettings, entry: Option<ModelEntry>, decoding: Decoding) -> TextAnswer {
    let judge = open_judge(settings.clone(), "some-model", entry).unwrap();
    judge.judge(&question(decoding), &Always).await.unwrap()
}

#[tokio::test]
async fn allowed_are_questions_to_judges() {
    let Some(settings) = settings(ProviderKind::OpenaiChat) else { return };
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let everything = Decoding {
        temperature: Some(0.0),
        max_tokens: Some(500),
        seed: Some(7),
        schema: shape("scores"),
        log_probabilities: true,
        extra: vec![field("top_p", "0.5"), field("reasoning_effort", "\"low\"")],
    };
    let newer = "[[model]]\nprovider = 'openai-chat'\nid = 'some-model'\nmax_completion_tokens = true\n\
                 source = 'https://v'\nas_of = '2026-11-01'\n";
    let catalogue = Catalogue::with_overrides(newer, "test").unwrap();
    let entry = catalogue.find(ProviderKind::OpenaiChat, "some-model").cloned();
    for (name, entry, decoding) in [
        ("a question with images", None, Decoding::default()),
        ("a question with every decoding", None, everything.clone()),
        ("a question to a model that thinks", entry, everything),
    ] {
        let answer = judge(&settings, entry, decoding).await;
        if let Outcome::Failed(failure) = &answer.outcome {
            assert!(FailureKind::ANSWERS.contains(&failure.kind), "{name}: {failure:?}: {}", answer.raw);
        }
        println!("accepted: {name}");
    }
}

#[tokio::test]
async fn refused_are_decodings_that_the_document_lacks() {
    let Some(settings) = settings(ProviderKind::OpenaiChat) else { return };
    let extra = |name: &str, value: &str| Decoding {
        extra: vec![(name.to_owned(), value.to_owned())],
        ..Decoding::default()
    };
    for (decoding, place) in [
        (Decoding { temperature: Some(3.0), ..Decoding::default() }, r#"["body","temperature"]"#),
        (extra("reasoning_effort", "\"enormous\""), r#"["body","reasoning_effort"]"#),
        (extra("logprobs", "\"yes\""), r#"["body","logprobs"]"#),
        (extra("top_logprobs", "21"), r#"["body","top_logprobs"]"#),
        (extra("response_format", "{\"type\": \"essay\"}"), r#"["body","response_format"#),
    ] {
        let answer = judge(&settings, None, decoding).await;
        let Outcome::Failed(failure) = &answer.outcome else { panic!("accepted: {}", answer.raw) };
        assert_eq!(failure.kind, FailureKind::RejectedRequest, "{failure:?}");
        assert!(answer.raw.contains(place), "{place}: {}", answer.raw);
        println!("refused: {place}");
    }
}

#[tokio::test]
async fn refused_is_a_quality_that_the_document_lacks() {
    let Some(settings) = settings(ProviderKind::OpenaiImages) else { return };
    let mut images = request();
    images.parameters.quality = Some("best".to_owned());
    let edit = ImageRequest { images: vec![picture(ImageFormat::Png)], ..images.clone() };
    for request in [images, edit] {
        let answer = ask(&settings, &request).await;
        let Outcome::Failed(failure) = &answer.outcome else { panic!("accepted: {}", answer.raw) };
        assert_eq!(failure.kind, FailureKind::RejectedRequest, "{failure:?}");
        assert!(answer.raw.contains(r#"["body","quality"]"#), "{}", answer.raw);
    }
}
