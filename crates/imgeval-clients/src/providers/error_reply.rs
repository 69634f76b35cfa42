//! Error replies in the shape that OpenAI and all who copy it use: `{"error": {"message", "type", "code", "param"}}`.
//! Facts from <https://platform.openai.com/docs/guides/error-codes> and the published OpenAPI document.

use imgeval_core::{Failure, FailureKind, GeneratorDown};
use serde_json::Value;

use crate::{
    ProviderKind,
    transport::{Reply, Verdict, words},
};

/// Codes and types of a content filter's "no".
const MODERATION: &[&str] = &[
    "moderation_blocked",
    "content_policy_violation",
    "content_filter",
    // Azure's.
    "contentFilter",
    "ResponsibleAIPolicyViolation",
];

const BAD_KEY: &[&str] = &["invalid_api_key", "invalid_authentication", "account_deactivated"];

const NO_MONEY: &[&str] =
    &["insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_credits"];

const UNKNOWN_MODEL: &[&str] = &["model_not_found", "invalid_model", "unknown_model"];

/// The fields of an error, empty where they are missing.
struct ErrorFields {
    message: String,
    names: [String; 2],
    param: String,
}

impl ErrorFields {
    fn read(reply: &Reply) -> Self {
        let error = &reply.json["error"];
        let text = |field: &Value| match field {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let message = [&error["message"], error, &reply.json["message"], &reply.json["detail"]]
            .into_iter()
            .find_map(Value::as_str)
            .map_or_else(|| reply.text.clone(), str::to_owned);
        Self {
            message: words(&message),
            names: [text(&error["code"]), text(&error["type"])],
            param: text(&error["param"]),
        }
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        self.names.iter().any(|name| names.contains(&name.as_str()))
    }
}

/// Whether the reply holds an error though its status says success.
pub(crate) fn has_error(reply: &Reply) -> bool {
    is_error(&reply.json["error"])
}

/// Whether an `error` reports anything. Some servers send an empty one along with every answer.
pub(crate) fn is_error(error: &Value) -> bool {
    let says = |field: &Value| match field {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    };
    match error {
        Value::Object(fields) => {
            ["code", "message", "type", "status"].iter().any(|name| fields.get(*name).is_some_and(says))
        }
        other => says(other),
    }
}

/// What an error reply means. Only for replies that are errors.
pub(crate) fn judge_error(kind: ProviderKind, model: &str, reply: &Reply) -> Verdict {
    let fields = ErrorFields::read(reply);
    let status = reply.status;
    let said = if fields.message.is_empty() {
        format!("answered {status} without a word")
    } else {
        format!("answered {status}: {}", fields.message)
    };
    let down = |message: &str, hint: String| {
        Verdict::Down(GeneratorDown { message: format!("{message}; it {said}"), hint })
    };
    let variables = kind.key_variables().join(" or ");
    // OpenRouter reports its filters' findings beside status 403.
    let is_flagged = !reply.json["error"]["metadata"]["flagged_input"].is_null();
    if fields.is_one_of(MODERATION) || is_flagged {
        let detail = if fields.message.is_empty() { said } else { fields.message };
        return Verdict::Failed(Failure { kind: FailureKind::Moderated, detail });
    }
    if fields.is_one_of(NO_MONEY) || status == 402 {
        let hint = format!(
            "pay in at the provider, raise the account's limit or set {variables} to another account's key"
        );
        return down("the account has no money or quota left", hint);
    }
    if status == 401 || fields.is_one_of(BAD_KEY) {
        return down("the key is missing or not accepted", format!("set {variables} to a valid key"));
    }
    let names_model = fields.param == "model" && matches!(status, 400 | 404 | 422);
    if fields.is_one_of(UNKNOWN_MODEL) || names_model {
        let hint = format!("check the model's name `{model}` and whether the key in {variables} may use it");
        return down("the model is not known or not open to this key", hint);
    }
    if status == 403 {
        let hint =
            format!("let the account behind {variables} use the model `{model}`, or choose another model");
        return down("the key may not do this", hint);
    }
    if matches!(status, 404 | 405) {
        let hint = "check the base URL, which usually ends in /v1, and whether the server has this interface";
        return down("nothing answers at this address", hint.to_owned());
    }
    match status {
        429 => Verdict::RateLimited(said),
        408 | 409 | 425 | 500.. => Verdict::ServerFailed(said),
        // Some who copy the interface report errors with status 200.
        ..400 => Verdict::ServerFailed(format!("the reply holds an error: {}", fields.message)),
        _ => Verdict::Failed(Failure { kind: FailureKind::RejectedRequest, detail: said }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(status: u16, error: Value) -> Verdict {
        let reply = Reply { status, json: json!({ "error": error }), text: String::new() };
        judge_error(ProviderKind::OpenaiImages, "some-model", &reply)
    }

    fn failure(verdict: Verdict) -> FailureKind {
        let Verdict::Failed(failure) = verdict else { panic!("{verdict:?}") };
        failure.kind
    }

    #[test]
    fn a_filter_a_wrong_request_and_a_dead_account_are_told_apart() {
        let blocked = json!({"code": "moderation_blocked", "message": "no"});
        assert_eq!(failure(judge(400, blocked)), FailureKind::Moderated);
        let policy = json!({"code": "content_policy_violation", "message": "no"});
        assert_eq!(failure(judge(400, policy)), FailureKind::Moderated);
        let flagged = json!({"code": 403, "message": "no", "metadata": {"flagged_input": "..."}});
        assert_eq!(failure(judge(403, flagged)), FailureKind::Moderated);
        let size = json!({"code": "invalid_value", "param": "size", "message": "no such size"});
        assert_eq!(failure(judge(400, size)), FailureKind::RejectedRequest);
        for (status, error, hint) in [
            (401, json!({"message": "Incorrect API key"}), "OPENAI_API_KEY"),
            (429, json!({"code": "insufficient_quota"}), "OPENAI_API_KEY"),
            (400, json!({"code": "billing_hard_limit_reached"}), "OPENAI_API_KEY"),
            (404, json!({"code": "model_not_found"}), "some-model"),
            (400, json!({"code": "invalid_value", "param": "model"}), "some-model"),
            (403, json!({"message": "verify your organization"}), "some-model"),
            (404, json!({"message": "not found"}), "base URL"),
        ] {
            let Verdict::Down(down) = judge(status, error.clone()) else { panic!("{status} {error}") };
            assert!(down.hint.contains(hint), "{} / {}", down.message, down.hint);
        }
    }

    #[test]
    fn an_empty_error_is_none() {
        for error in [
            json!(null),
            json!({}),
            json!(""),
            json!(" "),
            json!(false),
            json!(0),
            json!([]),
            json!({"message": "", "type": "", "param": "", "code": null}),
            json!({"code": 0, "message": ""}),
            json!({"param": "size"}),
        ] {
            assert!(!is_error(&error), "{error}");
        }
        for error in [
            json!("no"),
            json!({"message": "no"}),
            json!({"code": "no"}),
            json!({"code": 429}),
            json!({"type": "server_error", "message": null}),
            json!({"status": "UNAVAILABLE"}),
            json!([{}]),
            json!(true),
        ] {
            assert!(is_error(&error), "{error}");
        }
    }

    #[test]
    fn rates_and_failing_servers_are_asked_again() {
        assert!(matches!(judge(429, json!({"code": "rate_limit_exceeded"})), Verdict::RateLimited(_)));
        for status in [408, 500, 502, 503, 529, 200] {
            assert!(matches!(judge(status, json!("oops")), Verdict::ServerFailed(_)), "{status}");
        }
    }
}
