//! Google's Gemini interface, `models/MODEL:generateContent`: images in and out as parts of a conversation.
//! Facts from <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/gemini-api/docs/image-generation> and, for
//! errors, <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>.
//!
//! `quality` is the interface's image size (`1K`, `2K`, `4K`). A further round sends the whole conversation again, the model's
//! parts with the signatures of its thoughts, which newer models insist on; they travel in the answer's state.

use std::time::Duration;

use imgeval_core::{
    Capabilities, Failure, FailureKind, GeneratorDown, ImageRequest, InputImage, SizeRequest, Turn, Usage,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{HttpProvider, ImageSource, ProviderAnswer, data_url::base64};
use crate::{
    ProviderKind,
    transport::{ApiRequest, Body, Reply, ReplyReader, Verdict, mime, words},
};

/// Reasons for which a prompt or an answer is stopped by a filter. `LANGUAGE`, `OTHER`, `NO_IMAGE` and the like are none.
const FILTERS: &[&str] = &[
    "SAFETY",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "IMAGE_PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "RECITATION",
    "IMAGE_RECITATION",
    "JAILBREAK",
    "MODEL_ARMOR",
];

pub(crate) struct Gemini {
    model: String,
}

impl Gemini {
    pub(crate) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }

    fn path(&self) -> String {
        let folder = if self.model.contains('/') { "" } else { "models/" };
        format!("/{folder}{}:generateContent", self.model)
    }
}

impl ReplyReader for Gemini {
    fn judge(&self, reply: &Reply) -> Verdict {
        let error = error_of(&reply.json);
        if (200..300).contains(&reply.status) && error.is_null() {
            return Verdict::Answer;
        }
        judge_error(&self.model, reply, error)
    }

    /// `RetryInfo.retryDelay`, such as `37s` or `1.5s`.
    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        let details = error_of(&reply.json)["details"].as_array()?;
        let delay = details.iter().find_map(|detail| detail["retryDelay"].as_str())?;
        Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
    }
}

/// Some replies are a list of one.
fn error_of(reply: &Value) -> &Value {
    if reply.is_array() { &reply[0]["error"] } else { &reply["error"] }
}

fn judge_error(model: &str, reply: &Reply, error: &Value) -> Verdict {
    let status = reply.status;
    let message = words(error["message"].as_str().unwrap_or(&reply.text));
    let said = format!("answered {status}: {message}");
    let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    let reasons: Vec<&str> = details.iter().filter_map(|detail| detail["reason"].as_str()).collect();
    let quotas: Vec<&Value> =
        details.iter().filter_map(|detail| detail["violations"].as_array()).flatten().collect();
    let variables = ProviderKind::Gemini.key_variables().join(" or ");
    let down = |message: &str, hint: String| {
        Verdict::Down(GeneratorDown { message: format!("{message}; it {said}"), hint })
    };
    let is_bad_key = reasons.iter().any(|reason| reason.starts_with("API_KEY_"));
    if is_bad_key || status == 401 {
        return down("the key is missing or not accepted", format!("set {variables} to a valid key"));
    }
    if status == 403 {
        let hint = format!("let the project behind {variables} use this interface and the model `{model}`");
        return down("the key may not do this", hint);
    }
    if status == 404 {
        let hint =
            format!("check the model's name `{model}` and the base URL, which usually ends in /v1beta");
        return down("the model is not known here", hint);
    }
    // The country is not served, or the account has to be set up for billing first.
    if status == 400 && error["status"] == "FAILED_PRECONDITION" {
        return down("the account cannot be used", format!("set {variables} to the key of another project"));
    }
    if status == 429 {
        let is_of_a_day = |quota: &&Value| quota["quotaId"].as_str().is_some_and(|id| id.contains("PerDay"));
        let is_nothing = |quota: &&Value| quota["quotaValue"].as_str() == Some("0");
        if quotas.iter().any(is_nothing) {
            let hint = "set up billing for the project of the key: this model is not free".to_owned();
            return down("the account has no quota for this model", hint);
        }
        if quotas.iter().any(is_of_a_day) {
            let hint =
                "start again tomorrow (the day ends at midnight Pacific time), or raise the project's quota";
            return down("the day's quota is used up", hint.to_owned());
        }
        if message.contains("depleted") {
            return down("the account has no money left", "pay in at the provider".to_owned());
        }
        return Verdict::RateLimited(said);
    }
    match status {
        408 | 499.. => Verdict::ServerFailed(said),
        ..400 => Verdict::ServerFailed(format!("the reply holds an error: {message}")),
        _ => Verdict::Failed(Failure { kind: FailureKind::RejectedRequest, detail: said }),
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
                detail: format!("this interface takes seeds up to {}, not {seed}", i32::MAX),
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
        let candidate = &reply["candidates"][0];
        let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        // Drafts that the model made while thinking are not its answer.
        let spoken: Vec<&Value> = parts.iter().filter(|part| part["thought"] != true).collect();
        // Of several images the last: it is what a further round speaks of.
        let image = spoken.iter().rposition(|part| inline_data(part)["data"].is_string());
        let source = image.and_then(|index| inline_data(spoken[index])["data"].as_str());
        ProviderAnswer {
            image: match source {
                Some(data) => Ok(ImageSource::Base64(data)),
                None => Err(why_no_image(reply, &spoken)),
            },
            usage: usage(&reply["usageMetadata"], image.is_some()),
            billed: None,
            revised_prompt: None,
            state: image.map(|image| state(&spoken, image)),
        }
    }
}

/// Both spellings are in use.
fn inline_data(part: &Value) -> &Value {
    if part["inlineData"].is_object() { &part["inlineData"] } else { &part["inline_data"] }
}

fn inline(image: &InputImage) -> Value {
    json!({"mimeType": mime(image.format), "data": base64(image)})
}

fn user_content(prompt: &str, images: &[InputImage]) -> Value {
    let mut parts = vec![json!({"text": prompt})];
    parts.extend(images.iter().map(|image| json!({"inlineData": inline(image)})));
    json!({"role": "user", "parts": parts})
}

/// The parts of an answer with their signatures; the image itself is kept elsewhere and stands here as `"image": true`.
fn state(spoken: &[&Value], image: usize) -> String {
    let mut parts = Vec::new();
    for (index, part) in spoken.iter().enumerate() {
        let mut kept = Map::new();
        if index == image {
            kept.insert("image".to_owned(), true.into());
        } else if let Some(text) = part["text"].as_str() {
            kept.insert("text".to_owned(), text.into());
        } else {
            continue;
        }
        if let Some(signature) = part["thoughtSignature"].as_str() {
            kept.insert("thoughtSignature".to_owned(), signature.into());
        }
        parts.push(Value::Object(kept));
    }
    json!({ "parts": parts }).to_string()
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
    let fail = |kind, detail| Failure { kind, detail };
    if let Some(reason) = reply["promptFeedback"]["blockReason"].as_str() {
        return fail(FailureKind::Moderated, format!("the prompt was blocked: {}", words(reason)));
    }
    let candidate = &reply["candidates"][0];
    let reason = candidate["finishReason"].as_str().unwrap_or("no reason given");
    let message =
        candidate["finishMessage"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
    let reason_said = words(&format!("{reason}{message}"));
    if FILTERS.contains(&reason) {
        return fail(FailureKind::Moderated, format!("the answer was blocked: {reason_said}"));
    }
    let text: Vec<&str> = spoken.iter().filter_map(|part| part["text"].as_str()).collect();
    let text = words(&text.join(" "));
    if text.is_empty() {
        fail(FailureKind::EmptyReply, format!("neither image nor words came ({reason_said})"))
    } else {
        fail(FailureKind::Refused, text)
    }
}

/// Tokens as `usageMetadata` counts them. If an image came and the details by modality list none, it is what they do not list as text.
fn usage(metadata: &Value, has_image: bool) -> Usage {
    let count = |name: &str| metadata[name].as_u64();
    let listed = |name: &str, modality: &str| {
        let details = metadata[name].as_array()?;
        let meant = details.iter().filter(|detail| detail["modality"] == modality);
        Some(meant.filter_map(|detail| detail["tokenCount"].as_u64()).fold(0, u64::saturating_add))
    };
    let prompt = count("promptTokenCount");
    let image_input = listed("promptTokensDetails", "IMAGE");
    let output = count("candidatesTokenCount");
    let images = listed("candidatesTokensDetails", "IMAGE");
    let image_output = if has_image && images.unwrap_or(0) == 0 {
        let words = listed("candidatesTokensDetails", "TEXT").unwrap_or(0);
        output.map(|output| output.saturating_sub(words)).filter(|rest| *rest > 0)
    } else {
        images
    };
    let thoughts = count("thoughtsTokenCount");
    let words = output.map(|output| output.saturating_sub(image_output.unwrap_or(0)));
    Usage {
        text_input: prompt.map(|prompt| prompt.saturating_sub(image_input.unwrap_or(0))),
        image_input,
        cached_input: count("cachedContentTokenCount"),
        text_output: match (words, thoughts) {
            (None, None) => None,
            (words, thoughts) => Some(words.unwrap_or(0).saturating_add(thoughts.unwrap_or(0))),
        },
        image_output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_by_modality() {
        let metadata = json!({
            "promptTokenCount": 570, "candidatesTokenCount": 1130, "thoughtsTokenCount": 40,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "IMAGE", "tokenCount": 560}],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
        });
        let expected = Usage {
            text_input: Some(10),
            image_input: Some(560),
            cached_input: None,
            text_output: Some(50),
            image_output: Some(1120),
        };
        assert_eq!(usage(&metadata, true), expected);
        let plain = usage(&json!({"promptTokenCount": 9, "candidatesTokenCount": 1290}), true);
        assert_eq!((plain.text_output, plain.image_output), (Some(0), Some(1290)));
        assert_eq!(usage(&Value::Null, true), Usage::default());
        let of_text = |count: u64| {
            let details = json!([{"modality": "TEXT", "tokenCount": count}]);
            let usage =
                usage(&json!({"candidatesTokenCount": 1310, "candidatesTokensDetails": details}), true);
            (usage.text_output, usage.image_output)
        };
        assert_eq!(of_text(20), (Some(20), Some(1290)), "an image that is not listed is not paid as text");
        assert_eq!(of_text(1310), (Some(1310), None), "an image came, so it is not known to have no tokens");
    }

    #[test]
    fn whatever_comes_instead_of_an_image_has_a_kind() {
        let kind = |reply: Value| Gemini::new("m").read(&reply).image.unwrap_err().kind;
        let candidate = |reason: &str, parts: Value| json!({"candidates": [{"content": {"parts": parts}, "finishReason": reason}]});
        let blocked = json!({"promptFeedback": {"blockReason": "OTHER"}});
        assert_eq!(kind(blocked), FailureKind::Moderated);
        for reason in FILTERS {
            assert_eq!(kind(candidate(reason, json!([{"text": "no"}]))), FailureKind::Moderated, "{reason}");
        }
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
