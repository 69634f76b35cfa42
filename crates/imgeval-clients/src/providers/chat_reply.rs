//! What chat completions answer, whoever serves them. Facts from the published OpenAPI document (`CreateChatCompletionResponse`)
//! and, for images, moderation and cost, <https://openrouter.ai/docs>.

use imgeval_core::{Cost, Failure, FailureKind, Usage, Usd};
use serde_json::Value;

use super::{
    gemini_reply::spoken,
    outcomes::{self, Holds, why_ended},
};
use crate::{
    ProviderKind,
    transport::{Reply, Told, Verdict, words},
};

/// What a reply means; `holds` says whether what was asked for came, however it ended.
pub(crate) fn judge(model: &str, reply: &Reply, holds: impl Fn() -> Holds) -> Verdict {
    outcomes::judge(ProviderKind::OpenaiChat, model, reply, holds)
}

/// The answer in a reply that has it in a wrapping, as `response` (Google's Code Assist), `output` (Alibaba Cloud) or `result`;
/// other replies as they are.
pub(crate) fn unwrapped(reply: &Value) -> &Value {
    let is_answer = |value: &Value| value["choices"].is_array() || value["candidates"].is_array();
    if is_answer(reply) {
        return reply;
    }
    let inner = ["response", "output", "result", "data"].into_iter().map(|name| &reply[name]);
    inner.into_iter().find(|inner| is_answer(inner)).unwrap_or(reply)
}

/// The words that a reply of any interface answers with; without images and thoughts.
pub(crate) fn words_of(reply: &Value) -> String {
    let choice = &reply["choices"][0];
    if choice.is_object() {
        let text = text(&choice["message"]);
        // Text completions have no message.
        let bare = || choice["text"].as_str().unwrap_or_default().trim().to_owned();
        return if text.is_empty() { bare() } else { text };
    }
    if reply["candidates"].is_array() {
        let spoken = spoken(reply);
        let texts: Vec<&str> = spoken.iter().filter_map(|part| part["text"].as_str()).collect();
        // Parts of one text, each continuing the one before it.
        return texts.concat().trim().to_owned();
    }
    if let Some(items) = reply["output"].as_array() {
        let texts: Vec<String> = items.iter().filter(|item| !is_thought(item)).map(text).collect();
        return texts.join("\n").trim().to_owned();
    }
    // Ollama has a message by itself, Anthropic's interface is one; Workers AI and older interfaces of Alibaba Cloud have a text.
    let message = text(if reply["role"] == "assistant" { reply } else { &reply["message"] });
    let bare = [&reply["response"], &reply["result"]["response"], &reply["output"]["text"]];
    let bare = || bare.into_iter().find_map(Value::as_str).unwrap_or_default().trim().to_owned();
    if message.is_empty() { bare() } else { message }
}

/// The text of a message, its parts joined; without images and thoughts. An object in place of text is an answer in JSON.
/// What a text says of its own thoughts stays: its readers take that out ([`imgeval_core::answer_of`]), each as its protocol wants.
pub(crate) fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(part_text).collect();
            texts.join("\n").trim().to_owned()
        }
        part @ Value::Object(fields) if fields.contains_key("type") || fields.contains_key("text") => {
            part_text(part).unwrap_or_default().trim().to_owned()
        }
        answer @ Value::Object(fields) if !fields.is_empty() => answer.to_string(),
        _ => String::new(),
    }
}

/// The text of one part, unless it is a thought. Some servers list plain texts.
fn part_text(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part["text"].as_str()).filter(|_| !is_thought(part))
}

/// Whether a part of a message holds what the model thought: by its type (`reasoning`, `thinking`, `redacted_thinking`,
/// `reasoning.text`, `summary_text` and their like) or its mark.
fn is_thought(part: &Value) -> bool {
    let kind = part["type"].as_str().unwrap_or_default().to_ascii_lowercase();
    let is_named =
        ["reason", "think", "thought", "analysis", "summary"].iter().any(|word| kind.contains(word));
    is_named || part["thought"] == true || part["channel"].as_str().is_some_and(|channel| channel != "final")
}

/// The words of a refusal, in a field of its own or as a part of the message.
pub(crate) fn refusal(message: &Value) -> Option<String> {
    let parts = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let in_parts = parts.iter().filter_map(|part| part["refusal"].as_str());
    let mut refusals = message["refusal"].as_str().into_iter().chain(in_parts).map(words);
    refusals.find(|refusal| !refusal.is_empty())
}

/// Whether the words broke off at the length limit.
pub(crate) fn is_cut(reply: &Value) -> bool {
    let choice = &unwrapped(reply)["choices"][0];
    matches!(choice["finish_reason"].as_str(), Some("length" | "max_tokens" | "model_length" | "MAX_TOKENS"))
}

/// Why what was asked for did not come; `said` are the words that came instead.
pub(crate) fn failure(reply: &Value, said: &str, wanted: &str) -> Failure {
    let choice = &unwrapped(reply)["choices"][0];
    if let Some(detail) = refusal(&choice["message"]) {
        return Failure { kind: FailureKind::Refused, detail };
    }
    match why_ended(reply) {
        // The model's own words say more than the reason.
        Some(failure) if failure.kind == FailureKind::Refused && !said.is_empty() => {}
        Some(failure) => return failure,
        None => {}
    }
    if said.is_empty() {
        let reason = choice["finish_reason"].as_str().unwrap_or("no reason given");
        let detail = format!("no {wanted} arrived ({})", words(reason));
        return Failure { kind: FailureKind::EmptyReply, detail };
    }
    Failure { kind: FailureKind::Refused, detail: words(said) }
}

/// What the reply counts and bills, also where it is an error.
pub(crate) fn told(reply: &Value) -> Told {
    Told { usage: usage(&reply["usage"]), billed: billed(&reply["usage"]) }
}

pub(crate) fn usage(usage: &Value) -> Usage {
    let details = &usage["completion_tokens_details"];
    let image_output = details["image_tokens"].as_u64().filter(|count| *count > 0);
    let output = usage["completion_tokens"].as_u64();
    Usage {
        text_input: usage["prompt_tokens"].as_u64(),
        image_input: None,
        cached_input: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
        text_output: output.map(|output| output.saturating_sub(image_output.unwrap_or(0))),
        image_output,
    }
    .or_untold()
}

/// No call costs more: a bill above it is as good as none.
const MAX_BILL: Usd = Usd::from_nanos(10_000 * 1_000_000_000);

/// What a router says that it bills; with the user's own key upstream, what that is billed besides.
pub(crate) fn billed(usage: &Value) -> Option<Cost> {
    // Some write numbers as strings.
    let dollars = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let fee = Usd::from_dollars(dollars(&usage["cost"])?)?;
    let upstream = if usage["is_byok"] == true {
        Usd::from_dollars(dollars(&usage["cost_details"]["upstream_inference_cost"])?)?
    } else {
        Usd::ZERO
    };
    let amount = Some(fee + upstream).filter(|amount| *amount <= MAX_BILL)?;
    Some(Cost { amount, basis: "as billed by the provider".to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_routers_bill_includes_what_the_users_own_key_pays() {
        let amount = |usage: Value| billed(&usage).map(|cost| cost.amount.nanos());
        assert_eq!(amount(json!({"cost": 0.04})), Some(40_000_000));
        assert_eq!(amount(json!({"cost": "0.04"})), Some(40_000_000));
        assert_eq!(amount(json!({"cost": "free"})), None);
        let own_key =
            json!({"cost": 0.002, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.04}});
        assert_eq!(amount(own_key), Some(42_000_000));
        assert_eq!(amount(json!({"cost": 0.002, "is_byok": true})), None);
        assert_eq!(amount(json!({"prompt_tokens": 3})), None);
        assert_eq!(amount(json!({"cost": -1})), None);
        assert_eq!(amount(json!({"cost": 10_001})), None);
    }

    #[test]
    fn thoughts_beside_the_text_and_parts_of_thoughts_are_no_text() {
        let check = |message: Value, expected: &str| assert_eq!(text(&message), expected, "{message}");
        check(json!({"content": null, "reasoning_content": "Score: 1", "reasoning": "Score: 1"}), "");
        check(
            json!({"content": "", "reasoning_details": [{"type": "reasoning.text", "text": "Score: 1"}]}),
            "",
        );
        check(json!({"content": " Score: 1\n", "reasoning_content": "Score: 0"}), "Score: 1");
        let answer = json!({"type": "text", "text": "Score: 1"});
        for thought in [
            json!({"type": "reasoning", "text": "Score: 0"}),
            json!({"type": "thinking", "thinking": [{"type": "text", "text": "Score: 0"}], "text": "Score: 0"}),
            json!({"type": "Reasoning.Summary", "text": "Score: 0"}),
            json!({"type": "redacted_thinking", "data": "x", "text": "Score: 0"}),
            json!({"type": "text", "text": "Score: 0", "thought": true}),
            json!({"type": "text", "text": "Score: 0", "channel": "analysis"}),
        ] {
            check(json!({"content": [thought, answer]}), "Score: 1");
            check(json!({"content": [answer, thought]}), "Score: 1");
            check(json!({"content": [thought]}), "");
        }
        check(json!({"content": [{"type": "output_text", "text": "a"}, "b"]}), "a\nb");
    }

    #[test]
    fn words_are_found_in_replies_of_every_interface() {
        for reply in [
            json!({"choices": [{"message": {"content": "Score: 1"}}]}),
            json!({"choices": [{"text": "Score: 1", "finish_reason": "stop"}]}),
            json!({"message": {"role": "assistant", "content": "Score: 1"}, "done": true}),
            json!({"output": {"choices": [{"message": {"content": [{"text": "Score: 1"}]}}]}}),
            json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "Score: 0"}, {"type": "text", "text": "Score: 1"}]}),
            json!({"output": {"text": "Score: 1", "finish_reason": "stop"}}),
            json!({"output": [{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Score: 0"}]},
                              {"type": "message", "content": [{"type": "output_text", "text": "Score: 1"}]}]}),
            json!({"result": {"response": "Score: 1"}, "success": true}),
            json!({"response": {"candidates": [{"content": {"parts": [{"text": "Score: 0", "thought": true}, {"text": "Score: 1"}]}}]}}),
        ] {
            assert_eq!(words_of(unwrapped(&reply)), "Score: 1", "{reply}");
        }
        for reply in [
            json!({}),
            json!([]),
            json!(null),
            json!({"output": "x"}),
            json!({"choices": [{}], "response": "x"}),
        ] {
            assert_eq!(words_of(unwrapped(&reply)), "", "{reply}");
        }
    }

    #[test]
    fn an_error_inside_a_choice_is_judged_by_its_own_code() {
        let verdict = |error: Value| {
            let json = json!({"choices": [{"error": error, "message": {"content": ""}}]});
            judge("m", &Reply { status: 200, json, text: String::new() }, || Holds::Nothing)
        };
        assert!(matches!(verdict(json!({"code": 429, "message": "slow"})), Verdict::RateLimited(_)));
        assert!(matches!(verdict(json!({"code": 502, "message": "oops"})), Verdict::ServerFailed(_)));
        let flagged = json!({"code": 403, "message": "flagged", "metadata": {"reasons": ["violence"]}});
        let Verdict::Failed(failure) = verdict(flagged) else { panic!() };
        assert_eq!(
            (failure.kind, failure.detail.as_str()),
            (FailureKind::Moderated, "the prompt was flagged: violence")
        );
    }
}
