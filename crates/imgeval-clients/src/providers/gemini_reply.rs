//! What Google's interface answers, and the pieces of its messages. Facts from <https://ai.google.dev/api/generate-content>
//! and, for errors, <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>.

use imgeval_core::{Failure, FailureKind, GeneratorDown, InputImage, Usage};
use serde_json::{Value, json};

use super::data_url::base64;
use crate::{
    ProviderKind,
    transport::{Reply, Verdict, mime, words},
};

/// Reasons for which a prompt or an answer is stopped by a filter. `LANGUAGE`, `OTHER`, `NO_IMAGE` and the like are none.
pub(super) const FILTERS: &[&str] = &[
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

/// Some replies are a list of one.
pub(super) fn error_of(reply: &Value) -> &Value {
    if reply.is_array() { &reply[0]["error"] } else { &reply["error"] }
}

pub(super) fn judge_error(model: &str, reply: &Reply, error: &Value) -> Verdict {
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
    let message =
        field(candidate, "finishMessage").as_str().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{reason}{message}")
}

/// If a filter stopped the prompt or the answer.
pub(crate) fn blocked(reply: &Value) -> Option<Failure> {
    let moderated = |detail| Some(Failure { kind: FailureKind::Moderated, detail });
    if let Some(reason) = field(field(reply, "promptFeedback"), "blockReason").as_str() {
        return moderated(format!("the prompt was blocked: {}", words(reason)));
    }
    if field(&reply["candidates"][0], "finishReason").as_str().is_some_and(|reason| FILTERS.contains(&reason))
    {
        return moderated(format!("the answer was blocked: {}", words(&finish(reply))));
    }
    None
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
