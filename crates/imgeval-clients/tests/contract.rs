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

use imgeval_clients::{ChatClient, ChatRewriter, ProviderKind, ProviderSettings, Secret, open_generator};
use imgeval_core::{
    Answer, CaseId, FailureKind, ImageFormat, ImageParameters, ImageRequest, InputImage, Outcome, Rewriter,
    SampleId, SizeRequest, Turn,
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
    ImageRequest {
        id: SampleId::new(CaseId::new("00000"), 0),
        prompt: "a café, \"quoted\"\nand a second line".to_owned(),
        system: None,
        images: vec![],
        mask: None,
        history: vec![],
        parameters: ImageParameters::default(),
        seed: None,
    }
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
