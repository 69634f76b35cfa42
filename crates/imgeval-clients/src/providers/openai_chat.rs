//! Chat completions that answer with images, as OpenRouter and others who copy OpenAI's interface serve them.
//! Facts from <https://openrouter.ai/docs/guides/overview/multimodal/image-generation>.
//!
//! Where images stand differs from server to server; `images_in_reply` finds them. In a further round the model's earlier images are sent back the way they came, in the assistant's `images`.

use std::time::Duration;

use imgeval_core::{Capabilities, Failure, ImageRequest, InputImage, answer_of};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    HttpProvider, ProviderAnswer, chat_reply,
    data_url::data_url,
    find_image,
    outcomes::{Holds, requested_wait},
};
use crate::transport::{ApiRequest, Body, Reply, ReplyReader, Told, Verdict};

pub(crate) struct OpenaiChat {
    model: String,
}

impl OpenaiChat {
    pub(crate) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }
}

impl ReplyReader for OpenaiChat {
    fn judge(&self, reply: &Reply) -> Verdict {
        chat_reply::judge(&self.model, reply, || Holds::of_image(&reply.json))
    }

    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        requested_wait(&reply.json)
    }

    fn told(&self, json: &Value) -> Told {
        chat_reply::told(json)
    }
}

impl HttpProvider for OpenaiChat {
    fn version(&self) -> u32 {
        1
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            seed: true,
            system: true,
            edit: true,
            several_images: true,
            rounds: true,
            conversation: true,
            ..Capabilities::default()
        }
    }

    fn request(&self, request: &ImageRequest) -> Result<ApiRequest, Failure> {
        let mut messages = Vec::new();
        messages.extend(request.system.as_ref().map(|system| json!({"role": "system", "content": system})));
        for turn in &request.history {
            messages.push(user_message(&turn.prompt, &turn.images));
            messages.push(json!({"role": "assistant", "content": "", "images": [image_part(&turn.answer)]}));
        }
        messages.push(user_message(&request.prompt, &request.images));
        let mut body = json!({"model": self.model, "modalities": ["image", "text"], "messages": messages, "stream": false});
        if let Some(seed) = request.seed {
            body["seed"] = seed.into();
        }
        Ok(ApiRequest { method: Method::POST, path: "/chat/completions".to_owned(), body: Body::Json(body) })
    }

    fn read<'a>(&self, reply: &'a Value) -> ProviderAnswer<'a> {
        let said = || chat_reply::words_of(chat_reply::unwrapped(reply));
        ProviderAnswer {
            image: find_image(reply)
                .map(|found| found.source)
                .ok_or_else(|| chat_reply::failure(reply, &answer_of(&said()), "image")),
            usage: chat_reply::usage(&reply["usage"]),
            billed: chat_reply::billed(&reply["usage"]),
            revised_prompt: None,
            state: None,
        }
    }
}

/// A message of text, with images if there are any: some servers take only plain text for the other ones.
fn user_message(text: &str, images: &[InputImage]) -> Value {
    if images.is_empty() {
        return json!({"role": "user", "content": text});
    }
    let mut content = vec![json!({"type": "text", "text": text})];
    content.extend(images.iter().map(image_part));
    json!({"role": "user", "content": content})
}

pub(crate) fn image_part(image: &InputImage) -> Value {
    json!({"type": "image_url", "image_url": {"url": data_url(image)}})
}
