//! OpenAI's images interface: `images/generations`, and `images/edits` for everything that starts from an image.
//! Facts from the published OpenAPI document (`CreateImageRequest`, `CreateImageEditRequest`, `ImagesResponse`).
//!
//! That no stream is wanted is not said: OpenAI takes `stream` for some of its models only, and those who copy the interface may not
//! know it at all.

use std::time::Duration;

use imgeval_core::{Capabilities, Failure, FailureKind, ImageFormat, ImageParameters, ImageRequest, Usage};
use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    HttpProvider, ProviderAnswer,
    chat_reply::billed,
    find_image,
    http_generator::check_mask,
    outcomes::{Holds, judge, requested_wait, why_ended},
};
use crate::{
    ProviderKind,
    transport::{ApiRequest, Body, Part, Reply, ReplyReader, Told, Verdict, words},
};

pub(crate) struct OpenaiImages {
    model: String,
    /// Whether base64 must be asked for.
    response_format: bool,
}

impl OpenaiImages {
    pub(crate) fn new(model: &str, response_format: bool) -> Self {
        Self { model: model.to_owned(), response_format }
    }

    /// The fields that both interfaces have; nothing that was not asked for.
    fn fields(&self, request: &ImageRequest) -> Vec<(&'static str, String)> {
        let ImageParameters { size, quality, background, output_format } = &request.parameters;
        let optional = [
            ("size", size.map(|size| size.to_string())),
            ("quality", quality.clone()),
            ("background", background.clone()),
            ("output_format", output_format.map(|format| format_word(format).to_owned())),
            ("response_format", self.response_format.then(|| "b64_json".to_owned())),
        ];
        let mut fields = vec![("model", self.model.clone()), ("prompt", request.prompt.clone())];
        fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        fields
    }
}

pub(super) fn format_word(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::Png
        | ImageFormat::WebP
        | ImageFormat::Gif
        | ImageFormat::Bmp
        | ImageFormat::Tiff
        | ImageFormat::Pnm => format.extension(),
    }
}

impl ReplyReader for OpenaiImages {
    fn judge(&self, reply: &Reply) -> Verdict {
        judge(ProviderKind::OpenaiImages, &self.model, reply, || Holds::of_image(&reply.json))
    }

    fn requested_wait(&self, reply: &Reply) -> Option<Duration> {
        requested_wait(&reply.json)
    }

    fn told(&self, json: &Value) -> Told {
        Told { usage: usage(&json["usage"]), billed: billed(&json["usage"]) }
    }
}

impl HttpProvider for OpenaiImages {
    fn version(&self) -> u32 {
        1
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            size_in_pixels: true,
            quality: true,
            background: true,
            output_format: true,
            edit: true,
            several_images: true,
            mask: true,
            rounds: true,
            ..Capabilities::default()
        }
    }

    fn request(&self, request: &ImageRequest) -> Result<ApiRequest, Failure> {
        check_mask(request)?;
        let images = request.images_to_edit();
        let fields = self.fields(request);
        if images.is_empty() {
            let mut body: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            body.insert("n".to_owned(), 1.into());
            return Ok(ApiRequest {
                method: Method::POST,
                path: "/images/generations".to_owned(),
                body: Body::Json(body.into()),
            });
        }
        let mut parts: Vec<Part> = fields.into_iter().map(|(name, value)| Part::text(name, value)).collect();
        parts.push(Part::text("n", "1"));
        let name = if images.len() == 1 { "image" } else { "image[]" };
        for (index, image) in images.into_iter().enumerate() {
            parts.push(Part::image(name, &format!("image-{}", index + 1), image));
        }
        if let Some(mask) = &request.mask {
            parts.push(Part::image("mask", "mask", mask));
        }
        Ok(ApiRequest {
            method: Method::POST,
            path: "/images/edits".to_owned(),
            body: Body::Multipart(parts),
        })
    }

    fn read<'a>(&self, reply: &'a Value) -> ProviderAnswer<'a> {
        let found = find_image(reply);
        let image = found
            .map(|found| found.source)
            .ok_or_else(|| why_ended(reply).unwrap_or_else(|| no_image(reply)));
        let revised_prompt = found.and_then(|found| found.item["revised_prompt"].as_str());
        ProviderAnswer {
            image,
            usage: usage(&reply["usage"]),
            billed: billed(&reply["usage"]),
            revised_prompt: revised_prompt.filter(|prompt| !prompt.is_empty()).map(str::to_owned),
            state: None,
        }
    }
}

fn no_image(reply: &Value) -> Failure {
    let start: String = reply.to_string().chars().take(200).collect();
    Failure {
        kind: FailureKind::EmptyReply,
        detail: format!("the reply contains no image: {}", words(&start)),
    }
}

/// Tokens as `ImagesResponse.usage` counts them. All output is image tokens unless the details say otherwise.
fn usage(usage: &Value) -> Usage {
    let count = |value: &Value| value.as_u64();
    let (input, output) = (&usage["input_tokens_details"], &usage["output_tokens_details"]);
    Usage {
        text_input: count(&input["text_tokens"]).or_else(|| count(&usage["input_tokens"])),
        image_input: count(&input["image_tokens"]),
        cached_input: count(&input["cached_tokens"]),
        text_output: count(&output["text_tokens"]),
        // Every image has tokens, so a count of zero is unknown.
        image_output: count(&output["image_tokens"])
            .or_else(|| count(&usage["output_tokens"]))
            .filter(|count| *count > 0),
    }
    .or_untold()
}

#[cfg(test)]
mod tests {
    use imgeval_core::{CaseId, SampleId};
    use serde_json::json;

    use super::*;

    #[test]
    fn base64_is_asked_for_as_openais_own_client_does() {
        // Made by scripts/reference/openai_client_requests.py.
        let reference = include_str!("../../tests/fixtures/openai_client_requests.json");
        let reference: Value = serde_json::from_str(reference).unwrap();
        let expected = &reference["requests"]["generation as base64"]["json"];
        let request =
            ImageRequest::of_prompt(SampleId::new(CaseId::new("0"), 0), expected["prompt"].as_str().unwrap());
        let Body::Json(sent) = OpenaiImages::new("some-model", true).request(&request).unwrap().body else {
            panic!("generations are asked for in JSON");
        };
        assert_eq!(sent, *expected);
    }

    #[test]
    fn a_bill_in_the_reply_counts_with_and_without_an_image() {
        let provider = OpenaiImages::new("some-model", false);
        let image = json!({"data": [{"b64_json": "AAAA"}], "usage": {"cost": 0.039}});
        assert_eq!(provider.read(&image).billed.unwrap().amount.nanos(), 39_000_000);
        let failed = json!({"error": {"code": 500, "message": "no"}, "usage": {"cost": 0.039}});
        assert_eq!(provider.told(&failed).billed.unwrap().amount.nanos(), 39_000_000);
        assert!(provider.told(&json!({"usage": {"input_tokens": 3}})).billed.is_none());
    }

    #[test]
    fn tokens_are_counted_by_kind() {
        let counted = usage(&json!({
            "input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}
        }));
        let expected = Usage {
            text_input: Some(10),
            image_input: Some(40),
            image_output: Some(4160),
            ..Usage::default()
        };
        assert_eq!(counted, expected);
        assert_eq!(usage(&Value::Null), Usage::default());
        let no_image = usage(&json!({"input_tokens": 50, "output_tokens": 0}));
        assert_eq!(no_image.image_output, None, "an image has tokens");
    }

    #[test]
    fn a_reply_without_an_image_is_an_empty_reply() {
        let provider = OpenaiImages::new("m", false);
        for reply in [json!({"data": []}), json!({}), json!("ok"), json!({"data": [{"b64_json": ""}]})] {
            let failure = provider.read(&reply).image.unwrap_err();
            assert_eq!(failure.kind, FailureKind::EmptyReply, "{reply}");
        }
    }
}
