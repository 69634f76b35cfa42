//! OpenAI's responses interface, `responses`: a model that is made to call the image generation tool.
//! Facts from the published OpenAPI document (`CreateResponse`, `ImageGenTool`, `ImageGenToolCall`, `ResponseUsage`).
//!
//! A further round names the response that it goes on from; the server keeps the conversation. Rounds without such an id, as of
//! another provider, are sent again, their images as the user's; so are those that the server has forgotten.
//!
//! In the catalog the text prices of an entry are the model's, and its image prices those of the image model that the tool calls.

use std::time::Duration;

use imgeval_core::{
    Capabilities, Failure, FailureKind, ImageParameters, ImageRequest, InputImage, Usage, answer_of,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    HttpProvider, ProviderAnswer,
    chat_reply::billed,
    data_url::data_url,
    find_image,
    http_generator::check_mask,
    openai_images::format_word,
    outcomes::{Holds, judge, requested_wait, why_ended},
};
use crate::{
    ProviderKind,
    transport::{ApiRequest, Body, Reply, ReplyReader, Told, Verdict, words},
};

pub(crate) struct OpenaiResponses {
    model: String,
}

impl OpenaiResponses {
    pub(crate) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }
}

impl ReplyReader for OpenaiResponses {
    fn judge(&self, reply: &Reply) -> Verdict {
        judge(ProviderKind::OpenaiResponses, &self.model, reply, || Holds::of_image(&reply.json))
    }

    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        requested_wait(&reply.json)
    }

    fn told(&self, json: &Value) -> Told {
        Told { usage: usage(json), billed: billed(&json["usage"]) }
    }
}

impl HttpProvider for OpenaiResponses {
    fn version(&self) -> u32 {
        1
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            size_in_pixels: true,
            quality: true,
            background: true,
            output_format: true,
            system: true,
            edit: true,
            several_images: true,
            mask: true,
            rounds: true,
            conversation: true,
            ..Capabilities::default()
        }
    }

    fn request(&self, request: &ImageRequest) -> Result<ApiRequest, Failure> {
        check_mask(request)?;
        let previous = request.history.last().and_then(|turn| turn.state.as_ref());
        let mut input = Vec::new();
        if previous.is_none() {
            for turn in &request.history {
                input.push(user_message(Some(&turn.prompt), &turn.images));
                input.push(user_message(None, std::slice::from_ref(&turn.answer)));
            }
        }
        input.push(user_message(Some(&request.prompt), &request.images));
        let mut body = json!({
            "model": self.model,
            "input": input,
            "tools": [tool(&request.parameters, request.mask.as_ref())],
            "tool_choice": {"type": "image_generation"},
            "stream": false,
        });
        if let Some(system) = &request.system {
            body["instructions"] = system.clone().into();
        }
        if let Some(previous) = previous {
            body["previous_response_id"] = previous.clone().into();
        }
        Ok(ApiRequest { method: Method::POST, path: "/responses".to_owned(), body: Body::Json(body) })
    }

    fn read<'a>(&self, reply: &'a Value) -> ProviderAnswer<'a> {
        let output = reply["output"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = find_image(reply);
        let revised_prompt = found.and_then(|found| found.item["revised_prompt"].as_str());
        ProviderAnswer {
            image: found.map(|found| found.source).ok_or_else(|| why_no_image(reply, output)),
            usage: usage(reply),
            billed: billed(&reply["usage"]),
            revised_prompt: revised_prompt.filter(|prompt| !prompt.is_empty()).map(str::to_owned),
            state: found.and_then(|_| reply["id"].as_str()).map(str::to_owned),
        }
    }
}

fn user_message(prompt: Option<&str>, images: &[InputImage]) -> Value {
    let text = prompt.map(|prompt| json!({"type": "input_text", "text": prompt}));
    let mut content = Vec::from_iter(text);
    content.extend(
        images
            .iter()
            .map(|image| json!({"type": "input_image", "image_url": data_url(image), "detail": "auto"})),
    );
    json!({"role": "user", "content": content})
}

fn tool(parameters: &ImageParameters, mask: Option<&InputImage>) -> Value {
    let ImageParameters { size, quality, background, output_format } = parameters;
    let mut tool = json!({"type": "image_generation"});
    let optional = [
        ("size", size.map(|size| size.to_string())),
        ("quality", quality.clone()),
        ("background", background.clone()),
        ("output_format", output_format.map(|format| format_word(format).to_owned())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            tool[name] = value.into();
        }
    }
    if let Some(mask) = mask {
        tool["input_image_mask"] = json!({"image_url": data_url(mask)});
    }
    tool
}

fn why_no_image(reply: &Value, output: &[Value]) -> Failure {
    if let Some(failure) = why_ended(reply) {
        return failure;
    }
    let incomplete = reply["incomplete_details"]["reason"].as_str();
    let spoken = output.iter().filter(|item| item["type"] != "reasoning");
    let contents = spoken.filter_map(|item| item["content"].as_array()).flatten();
    let said: Vec<&str> =
        contents.filter_map(|part| part["refusal"].as_str().or_else(|| part["text"].as_str())).collect();
    let said = words(&answer_of(&said.join(" ")));
    if said.is_empty() {
        let reason = incomplete.or_else(|| reply["status"].as_str()).unwrap_or("no reason given");
        let detail = format!("neither image nor text arrived ({})", words(reason));
        return Failure { kind: FailureKind::EmptyReply, detail };
    }
    Failure { kind: FailureKind::Refused, detail: said }
}

/// Text tokens are the model's, image tokens what the tool's image model took and gave.
fn usage(reply: &Value) -> Usage {
    let (model, tool) = (&reply["usage"], &reply["tool_usage"]["image_gen"]);
    Usage {
        text_input: model["input_tokens"].as_u64(),
        image_input: tool["input_tokens"].as_u64(),
        cached_input: model["input_tokens_details"]["cached_tokens"].as_u64(),
        text_output: model["output_tokens"].as_u64(),
        // Without a call of the tool all of its counts are zero.
        image_output: tool["output_tokens"].as_u64().filter(|count| *count > 0),
    }
    .or_untold()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_and_its_tool_are_counted_apart() {
        let reply = json!({
            "usage": {"input_tokens": 2000, "output_tokens": 60, "input_tokens_details": {"cached_tokens": 1024}},
            "tool_usage": {"image_gen": {"input_tokens": 15, "output_tokens": 272}, "web_search": {"num_requests": 0}},
        });
        let expected = Usage {
            text_input: Some(2000),
            image_input: Some(15),
            cached_input: Some(1024),
            text_output: Some(60),
            image_output: Some(272),
        };
        assert_eq!(usage(&reply), expected);
        assert_eq!(usage(&json!({"tool_usage": {"image_gen": {"output_tokens": 0}}})).image_output, None);
    }
}
