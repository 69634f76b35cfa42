//! What a reply says about itself, in any of the known places.

use serde_json::Value;

use crate::{providers::chat_reply::unwrapped, transport::Reply};

/// Deeper than any proxy wraps.
const MAX_DEPTH: usize = 6;

/// So many entries of a list are looked at.
const MAX_ENTRIES: usize = 8;

/// So much of a message is looked at, in characters.
const MAX_MESSAGE: usize = 16 << 10;

/// Names of the fields in which errors carry codes.
const CODES: &[&str] = &[
    "code",
    "type",
    "status",
    "reason",
    "name",
    "error_code",
    "errorCode",
    "error_type",
    "errorType",
    "status_code",
    "statusCode",
    "Code",
];

/// Names of the fields in which errors carry an HTTP status, beside names.
const STATUSES: &[&str] = &["code", "status", "status_code", "statusCode", "http_status", "http_code"];

/// Parts of a reply in which the report of a job stands.
const JOBS: &[&str] = &["output", "result", "data", "response"];

/// How a job says that it failed, be it because of a filter.
const FAILURES: &[&str] = &[
    "error",
    "failed",
    "failure",
    "fail",
    "Request Moderated",
    "Content Moderated",
    "canceled",
    "cancelled",
];

/// What stands in a field of an error where there was none.
const NO_ERROR: &[&str] = &["0", "200", "none", "null", "ok", "success", "succeeded", "no error"];

const MESSAGES: &[&str] = &[
    "message",
    "msg",
    "error_message",
    "error_msg",
    "errorMessage",
    "status_msg",
    "error_description",
    "title",
    "Message",
];

/// Fields that hold the error, or parts of it.
const WITHIN: &[&str] = &[
    "error",
    "Error",
    "errors",
    "detail",
    "details",
    "violations",
    "base_resp",
    "ResponseMetadata",
    "message",
    "msg",
];

/// Fields that hold another server's error.
const WRAPPED: &[&str] = &[
    "innererror",
    "inner_error",
    "innerError",
    "metadata",
    "raw",
    "cause",
    "upstream_error",
    "provider_error",
];

const FILTER_RESULTS: &[&str] =
    &["content_filter_result", "content_filter_results", "prompt_filter_results", "contentFilterResults"];

/// What was gathered; texts as they came.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The reply's status, or the one that its body names where the reply reports success.
    pub(super) status: u16,
    pub(super) codes: Vec<String>,
    /// Codes of errors that this one wraps or quotes.
    pub(super) wrapped_codes: Vec<String>,
    pub(super) fields: Vec<String>,
    pub(super) messages: Vec<String>,
    /// What filters say that they found.
    pub(super) flags: Vec<String>,
    pub(super) finishes: Vec<String>,
    pub(super) blocks: Vec<String>,
}

impl Facts {
    pub(super) fn of_error(reply: &Reply) -> Self {
        let mut facts = Self::default();
        let (outer, root) = (outer(&reply.json), root(&reply.json));
        let (choice, items) = (&root["choices"][0], items(root));
        let within = [&choice["error"], &choice["message"]["error"]].into_iter();
        for error in within.chain(items.iter().map(|item| &item["error"])) {
            facts.read(error, false, 0);
        }
        facts.read(outer, false, 0);
        facts.read(root, false, 0);
        facts.read(failed_job(outer), false, 0);
        if reply.json.is_null() {
            facts.read_text(&reply.text);
        }
        facts.status = match facts.codes.iter().find_map(|code| http_error(code)) {
            Some(status) if reply.status < 400 => status,
            _ => reply.status,
        };
        facts
    }

    pub(super) fn of_answer(json: &Value) -> Self {
        let mut facts = Self { status: 200, ..Self::default() };
        let root = root(json);
        let candidate = &root["candidates"][0];
        let item = items(root).first().unwrap_or(&Value::Null);
        let artifact = ["artifacts", "predictions", "generatedImages", "generated_images"]
            .into_iter()
            .map(|name| &root[name][0])
            .find(|item| item.is_object())
            .unwrap_or(&Value::Null);
        for place in [&root["choices"][0], candidate, item, artifact, root] {
            for name in
                ["finish_reason", "finishReason", "native_finish_reason", "nativeFinishReason", "stop_reason"]
            {
                facts.finishes.extend(text(&place[name]));
            }
            for name in ["finishMessage", "finish_message"] {
                facts.messages.extend(text(&place[name]));
            }
            for name in ["raiFilteredReason", "rai_filtered_reason"] {
                facts.flags.extend(text(&place[name]));
            }
            for name in ["nsfw_content_detected", "has_nsfw_concepts", "nsfw"] {
                let value = &place[name];
                if *value == true || value[0] == true {
                    facts.flags.push(name.to_owned());
                }
            }
            facts.read_filters(place);
            facts.read_ratings(place);
        }
        for name in ["incomplete_details", "incompleteDetails"] {
            facts.finishes.extend(text(&root[name]["reason"]));
        }
        for name in ["promptFeedback", "prompt_feedback"] {
            let feedback = &root[name];
            for name in ["blockReason", "block_reason"] {
                facts.blocks.extend(text(&feedback[name]));
            }
            for name in ["blockReasonMessage", "block_reason_message"] {
                facts.messages.extend(text(&feedback[name]));
            }
            facts.read_ratings(feedback);
        }
        for texts in [&mut facts.finishes, &mut facts.blocks, &mut facts.messages] {
            remove_repeated(texts);
        }
        facts
    }

    /// The error's words in one line; empty if it has none.
    pub(super) fn words(&self) -> String {
        crate::transport::words(&self.messages.join("; "))
    }

    fn read(&mut self, value: &Value, is_wrapped: bool, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::String(message) => self.read_message(message),
            Value::Number(code) => self.add_code(code.to_string(), is_wrapped),
            Value::Array(entries) => {
                for entry in entries.iter().take(MAX_ENTRIES) {
                    self.read(entry, is_wrapped, depth + 1);
                }
            }
            Value::Object(_) => self.read_object(value, is_wrapped, depth),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn read_object(&mut self, error: &Value, is_wrapped: bool, depth: usize) {
        for name in CODES.iter().chain(STATUSES) {
            if let Some(code) = text(&error[*name]) {
                self.add_code(code, is_wrapped);
            }
        }
        for name in ["param", "field"] {
            self.fields.extend(text(&error[name]));
        }
        self.read_quota(error);
        self.read_filters(error);
        // What lies deeper is the error itself, with better words than what is around it.
        for name in WITHIN.iter().filter(|name| !error[**name].is_string()) {
            self.read(&error[*name], is_wrapped, depth + 1);
        }
        let place = place(&error["loc"]);
        for name in MESSAGES {
            if let Some(message) = error[*name].as_str() {
                self.read_message(&format!("{place}{message}"));
            }
        }
        for name in WITHIN.iter().filter(|name| !MESSAGES.contains(name)) {
            if let Some(message) = error[*name].as_str() {
                self.read_message(message);
            }
        }
        for name in WRAPPED {
            self.read(&error[*name], true, depth + 1);
        }
        let metadata = &error["metadata"];
        let reasons = metadata["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.flags.extend(reasons.iter().filter_map(text));
        if self.flags.is_empty() && !metadata["flagged_input"].is_null() {
            self.flags.push(String::new());
        }
    }

    fn read_quota(&mut self, error: &Value) {
        if error["quotaId"].as_str().is_some_and(|id| id.contains("PerDay")) {
            self.codes.push("quotaId=PerDay".to_owned());
        }
        if text(&error["quotaValue"]).as_deref() == Some("0") {
            self.codes.push("quotaValue=0".to_owned());
        }
    }

    /// `{"hate": {"filtered": true, "severity": "high"}, ...}`, or a list of such.
    fn read_filters(&mut self, place: &Value) {
        for name in FILTER_RESULTS {
            let results = &place[*name];
            let results = if results[0].is_object() { &results[0] } else { results };
            let results = if results["content_filter_results"].is_object() {
                &results["content_filter_results"]
            } else {
                results
            };
            for (name, result) in results.as_object().into_iter().flatten() {
                if result["filtered"] == true {
                    self.flags.push(name.clone());
                }
            }
        }
    }

    fn read_ratings(&mut self, place: &Value) {
        for name in ["safetyRatings", "safety_ratings"] {
            for rating in place[name].as_array().into_iter().flatten().take(2 * MAX_ENTRIES) {
                if rating["blocked"] == true {
                    self.flags.extend(text(&rating["category"]));
                }
            }
        }
    }

    fn read_message(&mut self, message: &str) {
        let message: String = message.chars().take(MAX_MESSAGE).collect();
        if message.trim().is_empty() || self.messages.contains(&message) {
            return;
        }
        self.wrapped_codes.extend(quoted_codes(&message));
        self.messages.push(message);
    }

    /// A reply that is no JSON: XML as object stores word it, or any text.
    fn read_text(&mut self, text: &str) {
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once('<')?.0.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let code = element("Code");
        match (code, element("Message")) {
            (None, None) => self.read_message(text),
            (code, message) => {
                let words = [code.clone(), message].into_iter().flatten().collect::<Vec<_>>().join(": ");
                self.codes.extend(code);
                self.read_message(&words);
            }
        }
    }

    fn add_code(&mut self, code: String, is_wrapped: bool) {
        let codes = if is_wrapped { &mut self.wrapped_codes } else { &mut self.codes };
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
}

/// Whether a reply contains an error although its status reports success. An error with neither code nor message does
/// not count.
pub(super) fn has_error(json: &Value) -> bool {
    let root = root(json);
    let choice = &root["choices"][0];
    let items = items(root);
    [&outer(json)["error"], &root["error"], &choice["error"], &choice["message"]["error"]]
        .into_iter()
        .any(says_something)
        || (!items.is_empty() && items.iter().all(|item| says_something(&item["error"])))
}

/// Whether a reply without an error of its own looks like one, if it holds nothing else: words at the top, or a sign of failure.
pub(super) fn looks_like_error(json: &Value) -> bool {
    let root = root(json);
    if !failed_job(root).is_null() {
        return true;
    }
    if holds_something(root) || !root.is_object() {
        return false;
    }
    let words = ["detail", "message", "msg", "error_msg", "errors"];
    root["success"] == false
        || root["ok"] == false
        || ["object", "type", "status", "task_status"].into_iter().any(|name| says_failed(&root[name]))
        || words.into_iter().any(|name| says_something(&root[name]))
        || text(&root["error"]["type"]).is_some()
        || root["base_resp"]["status_code"].as_i64().is_some_and(|code| code != 0)
}

fn says_failed(status: &Value) -> bool {
    status.as_str().is_some_and(|word| FAILURES.iter().any(|failure| word.eq_ignore_ascii_case(failure)))
}

/// The report of a job that failed, where a reply is that: a status that says so, or a code with words.
fn failed_job(root: &Value) -> &Value {
    let has_failed = |job: &&Value| {
        job.is_object()
            && !holds_something(job)
            && (["task_status", "status", "taskStatus"].into_iter().any(|name| says_failed(&job[name]))
                || (says_something(&job["code"]) && says_something(&job["message"])))
    };
    JOBS.iter().map(|name| &root[*name]).find(has_failed).unwrap_or(&Value::Null)
}

/// Some replies are a list of one.
fn outer(json: &Value) -> &Value {
    if json.is_array() { &json[0] } else { json }
}

/// Some have the answer in a wrapping.
fn root(json: &Value) -> &Value {
    unwrapped(outer(json))
}

fn items(root: &Value) -> &[Value] {
    let items = root["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    &items[..items.len().min(MAX_ENTRIES)]
}

/// Whether the reply is an answer, be it a poor one.
fn holds_something(root: &Value) -> bool {
    let names = [
        "choices",
        "candidates",
        "data",
        "output",
        "images",
        "image",
        "predictions",
        "artifacts",
        "result",
        "b64_json",
        "url",
        "promptFeedback",
        "prompt_feedback",
    ];
    names.into_iter().any(|name| match &root[name] {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    })
}

fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(code) => code.as_i64() != Some(0),
        Value::String(text) => {
            let text = text.trim();
            !text.is_empty() && !NO_ERROR.iter().any(|no_error| text.eq_ignore_ascii_case(no_error))
        }
        Value::Array(entries) => entries.iter().any(says_something),
        // A code that says success goes before the words beside it.
        Value::Object(_) if is_success_code(&error["code"]) => false,
        Value::Object(_) => CODES
            .iter()
            .filter(|name| !matches!(**name, "type" | "name"))
            .chain(MESSAGES)
            .chain(WITHIN)
            .chain(WRAPPED)
            .any(|name| says_something(&error[*name]) && !is_success_code(&error[*name])),
    }
}

fn is_success_code(code: &Value) -> bool {
    matches!(text(code).as_deref(), Some("0" | "200"))
}

/// `body.size: `, of a list that names the field that is wrong.
fn place(location: &Value) -> String {
    let parts: Vec<String> = location.as_array().into_iter().flatten().filter_map(text).collect();
    if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(".")) }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn http_error(code: &str) -> Option<u16> {
    code.parse().ok().filter(|status| (400..600).contains(status))
}

/// Codes that stand inside a message, as of an upstream's reply that a proxy quotes: as JSON (escaped or not), as Python
/// prints it, or as a class of LiteLLM's.
fn quoted_codes(message: &str) -> Vec<String> {
    let message = message.replace('\\', "");
    let mut codes = Vec::new();
    for name in CODES {
        for quote in ['"', '\''] {
            let key = format!("{quote}{name}{quote}");
            for (start, _) in message.match_indices(&key) {
                codes.extend(quoted_value(&message[start + key.len()..]));
            }
        }
    }
    for (start, name) in message.match_indices("litellm.") {
        let class = message[start + name.len()..].chars().take_while(char::is_ascii_alphanumeric).collect();
        codes.push(class);
    }
    codes
}

fn quoted_value(rest: &str) -> Option<String> {
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (value, _) = rest[1..].split_once(quote)?;
    Some(value.to_owned()).filter(|value| !value.is_empty() && value.len() <= 80)
}

fn remove_repeated(texts: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}
