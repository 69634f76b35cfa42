//! Google's Gemini interface, `models/MODEL:generateContent`: images in and out as parts of a conversation.
//! Facts from <https://ai.google.dev/api/generate-content> and <https://ai.google.dev/gemini-api/docs/image-generation>.
//!
//! `quality` is the interface's image size (`1K`, `2K`, `4K`). A further round sends the whole conversation again, the model's
//! parts with the signatures of its thoughts, which newer models insist on; they travel in the answer's state.

use std::time::Duration;

use imgeval_core::{
    Capabilities, Failure, FailureKind, ImageRequest, InputImage, SizeRequest, Turn, answer_of,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    Found, HttpProvider, ProviderAnswer,
    chat_reply::unwrapped,
    find_image,
    gemini_reply::{field, finish, inline, parts, spoken, usage},
    outcomes::{Holds, judge, requested_wait, why_ended},
};
use crate::{
    ProviderKind,
    transport::{ApiRequest, Body, Reply, ReplyReader, Told, Verdict, words},
};

pub(crate) struct Gemini {
    model: String,
}

impl Gemini {
    pub(crate) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }

    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    pub(crate) fn path(&self) -> String {
        let folder = if self.model.contains('/') { "" } else { "models/" };
        format!("/{folder}{}:generateContent", self.model)
    }
}

impl ReplyReader for Gemini {
    fn judge(&self, reply: &Reply) -> Verdict {
        judge(ProviderKind::Gemini, &self.model, reply, || Holds::of_image(&reply.json))
    }

    fn told(&self, json: &Value) -> Told {
        Told { usage: usage(field(unwrapped(json), "usageMetadata"), false), billed: None }
    }

    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        requested_wait(&reply.json)
    }
}

impl HttpProvider for Gemini {
    fn version(&self) -> u32 {
        1
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            aspect_ratio: true,
            quality: true,
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
        let mut contents = Vec::new();
        for turn in &request.history {
            contents.push(user_content(&turn.prompt, &turn.images));
            contents.push(json!({"role": "model", "parts": model_parts(turn)}));
        }
        contents.push(user_content(&request.prompt, &request.images));
        let mut configuration = Map::new();
        configuration.insert("responseModalities".to_owned(), json!(["TEXT", "IMAGE"]));
        let mut image_configuration = Map::new();
        if let Some(SizeRequest::Aspect { width, height }) = request.parameters.size {
            image_configuration.insert("aspectRatio".to_owned(), format!("{width}:{height}").into());
        }
        if let Some(quality) = &request.parameters.quality {
            image_configuration.insert("imageSize".to_owned(), quality.clone().into());
        }
        if !image_configuration.is_empty() {
            configuration.insert("imageConfig".to_owned(), image_configuration.into());
        }
        if let Some(seed) = request.seed {
            let seed = i32::try_from(seed).map_err(|_| Failure {
                kind: FailureKind::RejectedRequest,
                detail: format!("this interface accepts seeds up to {}, not {seed}", i32::MAX),
            })?;
            configuration.insert("seed".to_owned(), seed.into());
        }
        let mut body = json!({"contents": contents, "generationConfig": configuration});
        if let Some(system) = &request.system {
            body["systemInstruction"] = json!({"parts": [{"text": system}]});
        }
        Ok(ApiRequest { method: Method::POST, path: self.path(), body: Body::Json(body) })
    }

    fn read<'a>(&self, reply: &'a Value) -> ProviderAnswer<'a> {
        let found = find_image(reply);
        let reply = unwrapped(reply);
        ProviderAnswer {
            image: found.map(|found| found.source).ok_or_else(|| why_no_image(reply, &spoken(reply))),
            usage: usage(field(reply, "usageMetadata"), found.is_some()),
            billed: None,
            revised_prompt: None,
            state: found.map(|found| state(reply, &found)),
        }
    }
}

fn user_content(prompt: &str, images: &[InputImage]) -> Value {
    let mut parts = vec![json!({"text": prompt})];
    parts.extend(images.iter().map(|image| json!({"inlineData": inline(image)})));
    json!({"role": "user", "parts": parts})
}

/// The parts of an answer with their signatures; the image itself is kept elsewhere and stands here as `"image": true`.
fn state(reply: &Value, found: &Found<'_>) -> String {
    let mut kept_parts = Vec::new();
    for part in parts(reply, found.slot) {
        let mut kept = Map::new();
        if std::ptr::eq(part, found.item) {
            kept.insert("image".to_owned(), true.into());
        } else if let Some(text) = part["text"].as_str().filter(|_| part["thought"] != true) {
            kept.insert("text".to_owned(), text.into());
        } else {
            continue;
        }
        if let Some(signature) = field(part, "thoughtSignature").as_str() {
            kept.insert("thoughtSignature".to_owned(), signature.into());
        }
        kept_parts.push(Value::Object(kept));
    }
    json!({ "parts": kept_parts }).to_string()
}

/// The model's part of an earlier round. Without a usable state, as of a round that another provider answered, the image alone.
fn model_parts(turn: &Turn) -> Vec<Value> {
    let state: Option<Value> = turn.state.as_ref().and_then(|state| serde_json::from_str(state).ok());
    let kept = state.as_ref().and_then(|state| state["parts"].as_array()).filter(|parts| !parts.is_empty());
    let Some(kept) = kept else { return vec![json!({"inlineData": inline(&turn.answer)})] };
    let part = |kept: &Value| {
        let mut part = if kept["image"] == true {
            json!({"inlineData": inline(&turn.answer)})
        } else {
            json!({"text": kept["text"].as_str().unwrap_or_default()})
        };
        if let Some(signature) = kept["thoughtSignature"].as_str() {
            part["thoughtSignature"] = signature.into();
        }
        part
    };
    kept.iter().map(part).collect()
}

fn why_no_image(reply: &Value, spoken: &[&Value]) -> Failure {
    if let Some(failure) = why_ended(reply) {
        return failure;
    }
    let text: Vec<&str> = spoken.iter().filter_map(|part| part["text"].as_str()).collect();
    let text = words(&answer_of(&text.join(" ")));
    if text.is_empty() {
        let detail = format!("neither image nor text arrived ({})", words(&finish(reply)));
        Failure { kind: FailureKind::EmptyReply, detail }
    } else {
        Failure { kind: FailureKind::Refused, detail: text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_instead_of_an_image_has_a_kind() {
        let kind = |reply: Value| Gemini::new("m").read(&reply).image.unwrap_err().kind;
        let candidate = |reason: &str, parts: Value| json!({"candidates": [{"content": {"parts": parts}, "finishReason": reason}]});
        let blocked = json!({"promptFeedback": {"blockReason": "OTHER"}});
        assert_eq!(kind(blocked), FailureKind::Moderated);
        let filtered = candidate("IMAGE_SAFETY", json!([{"text": "no"}]));
        assert_eq!(kind(filtered), FailureKind::Moderated);
        assert_eq!(kind(candidate("STOP", json!([{"text": "I cannot"}]))), FailureKind::Refused);
        let draft = json!([{"thought": true, "inlineData": {"data": "aGk="}}]);
        assert_eq!(kind(candidate("NO_IMAGE", draft)), FailureKind::EmptyReply);
        for nothing in
            [json!({}), json!([]), json!({"candidates": [{}]}), json!("x"), json!({"candidates": {}})]
        {
            assert_eq!(kind(nothing), FailureKind::EmptyReply);
        }
    }
}
