//! Requests, settings and replies that the tests share.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use imgeval_clients::{ProviderKind, ProviderSettings, Secret, open_generator};
use imgeval_core::{
    Answer, CaseId, FailureKind, Generator, ImageParameters, ImageRequest, Outcome, ProviderDown, SampleId,
};
use serde_json::json;

use crate::fault_server::{Action, FaultServer, Reply};

/// The key of all tests; it must never be seen anywhere but in a request's header.
pub(crate) const KEY: &str = "sk-canary/0123+\"4567\\89";

/// The bytes of the image that [`image_reply`] holds.
pub(crate) const IMAGE: &[u8] = b"the image";

pub(crate) fn settings(server: &FaultServer) -> ProviderSettings {
    ProviderSettings {
        base_url: server.url(),
        key: Some(Secret::new(KEY)),
        timeout: Duration::from_secs(20),
        retries: 3,
        retry_delay: Duration::from_millis(1),
        rate_limit_patience: Duration::from_millis(500),
        ..ProviderSettings::new(ProviderKind::OpenaiImages)
    }
}

pub(crate) fn open(settings: ProviderSettings) -> Arc<dyn Generator> {
    open_generator(settings, "some-model", None).unwrap()
}

pub(crate) fn request(prompt: &str) -> ImageRequest {
    ImageRequest {
        id: SampleId::new(CaseId::new("00000"), 0),
        prompt: prompt.to_owned(),
        system: None,
        images: vec![],
        mask: None,
        history: vec![],
        parameters: ImageParameters::default(),
        seed: None,
    }
}

pub(crate) fn image_reply() -> Reply {
    Reply::json(200, &json!({"created": 1, "data": [{"b64_json": STANDARD.encode(IMAGE)}]}))
}

pub(crate) fn image() -> Action {
    Action::Reply(image_reply())
}

/// An error as OpenAI words it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message, "type": "x", "param": null}}))
}

/// Runs one call against the script with short waits and 3 retries.
pub(crate) async fn ask(
    script: impl IntoIterator<Item = Action>,
) -> (Result<Answer, ProviderDown>, FaultServer) {
    let server = FaultServer::start(script).await;
    let answer = open(settings(&server)).generate(&request("a cat"), &imgeval_core::Always).await;
    (answer, server)
}

pub(crate) fn failure(answer: &Answer) -> (FailureKind, &str) {
    match &answer.outcome {
        Outcome::Failed(failure) => (failure.kind, &failure.detail),
        Outcome::Done(_) => panic!("an image came"),
    }
}
