//! What Google's interface answers, and the pieces of its messages. Facts from <https://ai.google.dev/api/generate-content>.

use imgeval_core::{InputImage, Usage};
use serde_json::{Value, json};

use super::data_url::base64;
use crate::transport::mime;

/// A field by its name in JSON, or by the one in snake case that Google's client libraries and proxies write.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    if !value[name].is_null() {
        return &value[name];
    }
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    &value[snake.as_str()]
}

pub(crate) fn inline(image: &InputImage) -> Value {
    json!({"mimeType": mime(image.format), "data": base64(image)})
}

/// The parts of the answer. Drafts that the model made while thinking are not its answer.
pub(crate) fn spoken(reply: &Value) -> Vec<&Value> {
    parts(reply, 0).iter().filter(|part| part["thought"] != true).collect()
}

/// All parts of a candidate, thoughts among them.
pub(super) fn parts(reply: &Value, candidate: usize) -> &[Value] {
    reply["candidates"][candidate]["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Why the answer ended, in the interface's words.
pub(crate) fn finish(reply: &Value) -> String {
    let candidate = &reply["candidates"][0];
    let reason = field(candidate, "finishReason").as_str().unwrap_or("no reason given");
    let message = field(candidate, "finishMessage").as_str().map(|message| format!(": {message}"));
    format!("{reason}{}", message.unwrap_or_default())
}

/// Whether the answer broke off at the length limit.
pub(crate) fn is_cut(reply: &Value) -> bool {
    field(&reply["candidates"][0], "finishReason") == "MAX_TOKENS"
}

/// Tokens as `usageMetadata` counts them. If an image came and the details by modality list none, it is what they do not list as text.
pub(crate) fn usage(metadata: &Value, has_image: bool) -> Usage {
    let count = |name: &str| field(metadata, name).as_u64();
    let listed = |name: &str, modality: &str| {
        let details = field(metadata, name).as_array()?;
        let meant = details.iter().filter(|detail| detail["modality"] == modality);
        Some(meant.filter_map(|detail| field(detail, "tokenCount").as_u64()).fold(0, u64::saturating_add))
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
    .or_untold()
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
}
