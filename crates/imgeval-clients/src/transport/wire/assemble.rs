//! Puts the events of a stream together into the reply that would have come without streaming.
//!
//! Facts from OpenAI's published OpenAPI document (`CreateChatCompletionStreamResponse`, `ImageGenStreamEvent`,
//! `ResponseStreamEvent`) and <https://ai.google.dev/api/generate-content> (`streamGenerateContent`, which gives a JSON list or events).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::WireError;

type Fields = Map<String, Value>;

/// Fields of a chat completion's delta that go on where the last one ended; others replace it.
const CONTINUED: [&str; 7] =
    ["content", "refusal", "reasoning", "reasoning_content", "text", "thinking", "transcript"];

/// In both spellings that Google's interface has.
const GEMINI: [&str; 5] =
    ["candidates", "promptFeedback", "prompt_feedback", "usageMetadata", "usage_metadata"];

/// Where replies of other interfaces have their images.
const WHOLE: [&str; 14] = [
    "data",
    "images",
    "image",
    "output",
    "result",
    "results",
    "response",
    "artifacts",
    "predictions",
    "generatedImages",
    "generated_images",
    "image_base64",
    "b64_json",
    "url",
];

const BROKEN_OFF: &str = "the stream was cut off before the answer was complete";

/// Whether a list is the events of a stream rather than a reply.
pub(super) fn is_list_of_events(items: &[Value]) -> bool {
    let is_event = |item: &Value| {
        let is_of_kind = item["choices"].is_array() || is_gemini(item) || is_typed(item);
        is_of_kind || (item.is_object() && !item["error"].is_null())
    };
    !items.is_empty() && items.iter().all(is_event)
}

/// The reply that the events are. `has_end` says whether the stream said that it is complete; a conversation of which neither
/// that nor an end of the answer came has broken off, which is an error: half of the words could say something else.
///
/// # Errors
/// If the events are of no known kind.
pub(super) fn assemble(mut events: Vec<Value>, has_end: bool) -> Result<Value, WireError> {
    let has_broken_off = !has_end && breaks_off(&events);
    // Google's Code Assist wraps each event.
    for event in events.iter_mut().filter(|event| is_gemini(&event["response"])) {
        *event = event["response"].take();
    }
    let error = events.iter_mut().rev().find_map(take_error);
    let mut reply = if events.iter().any(|event| type_of(event).starts_with("response.")) {
        responses(events)
    } else if events.iter().any(is_image_event) {
        images(events)
    } else if events.iter().any(|event| event["choices"].is_array()) {
        chat(events)
    } else if events.iter().any(is_gemini) {
        gemini(events)
    } else {
        let is_whole = |event: &Value| WHOLE.iter().any(|name| !event[*name].is_null());
        match events.iter().rposition(is_whole) {
            Some(index) => events.swap_remove(index),
            None if error.is_some() => json!({}),
            // One event is the whole reply, whatever it is.
            None if events.len() == 1 => events.swap_remove(0),
            None => return Err(WireError::UnknownStream),
        }
    };
    let error =
        error.or_else(|| has_broken_off.then(|| json!({"message": BROKEN_OFF, "type": "server_error"})));
    if let (Some(error), Some(fields)) = (error, reply.as_object_mut()) {
        fields.insert("error".to_owned(), error);
    }
    Ok(reply)
}

/// Whether pieces of a chat completion came and none of them says that it was the last.
fn breaks_off(events: &[Value]) -> bool {
    let choices = || events.iter().filter_map(|event| event["choices"].as_array()).flatten();
    let is_end = |choice: &Value| !choice["finish_reason"].is_null() || !choice["message"].is_null();
    choices().any(|choice| choice["delta"].is_object()) && !choices().any(is_end)
}

fn type_of(event: &Value) -> &str {
    event["type"].as_str().unwrap_or_default()
}

fn is_typed(event: &Value) -> bool {
    is_image_event(event) || type_of(event).starts_with("response.") || type_of(event) == "error"
}

fn is_image_event(event: &Value) -> bool {
    let name = type_of(event);
    name.starts_with("image_generation.") || name.starts_with("image_edit.")
}

fn is_gemini(event: &Value) -> bool {
    GEMINI.iter().any(|name| !event[*name].is_null())
}

/// The error that an event holds or is. It is taken out, so that no later event covers it.
fn take_error(event: &mut Value) -> Option<Value> {
    if type_of(event) == "error" && event["error"].is_null() {
        return Some(event.take());
    }
    let error = event.as_object_mut()?.get_mut("error")?.take();
    (!says_nothing(&error)).then_some(error)
}

/// Null, an empty text, or fields of which all say nothing.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.values().all(says_nothing),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn objects(events: Vec<Value>) -> impl Iterator<Item = Fields> {
    events.into_iter().filter_map(|event| match event {
        Value::Object(fields) => Some(fields),
        _ => None,
    })
}

/// The fields of a list's objects, each with the index that it names, or else its place.
fn indexed(list: Value) -> Vec<(u64, Fields)> {
    let Value::Array(items) = list else { return Vec::new() };
    let places = (0..).zip(objects(items));
    places.map(|(place, item)| (item.get("index").and_then(Value::as_u64).unwrap_or(place), item)).collect()
}

/// A choice or candidate as far as it is known.
#[derive(Default)]
struct Whole {
    fields: Fields,
    /// Fields that are objects and come in pieces.
    pieces: BTreeMap<&'static str, Fields>,
}

impl Whole {
    fn piece(&mut self, name: &'static str) -> &mut Fields {
        self.pieces.entry(name).or_default()
    }

    fn into_value(mut self) -> Value {
        for (name, piece) in self.pieces {
            self.fields.insert(name.to_owned(), Value::Object(piece));
        }
        Value::Object(self.fields)
    }
}

fn in_order(wholes: BTreeMap<u64, Whole>) -> Value {
    wholes.into_values().map(Whole::into_value).collect()
}

/// Sets a field unless the new value says nothing.
fn set(fields: &mut Fields, name: String, value: Value) {
    if !value.is_null() {
        fields.insert(name, value);
    }
}

fn chat(events: Vec<Value>) -> Value {
    let (mut reply, mut choices) = (Fields::new(), BTreeMap::<u64, Whole>::new());
    for event in objects(events) {
        for (name, value) in event {
            if name != "choices" {
                set(&mut reply, name, value);
                continue;
            }
            for (index, choice) in indexed(value) {
                let whole = choices.entry(index).or_default();
                for (name, value) in choice {
                    match (name.as_str(), value) {
                        ("delta", Value::Object(delta)) => add_delta(whole.piece("message"), delta),
                        // Some send the whole message once more at the end.
                        ("message", Value::Object(message)) => {
                            let known = whole.piece("message");
                            message.into_iter().for_each(|(name, value)| set(known, name, value));
                        }
                        ("logprobs", Value::Object(logprobs)) => add_delta(whole.piece("logprobs"), logprobs),
                        (_, value) => set(&mut whole.fields, name, value),
                    }
                }
            }
        }
    }
    reply.insert("choices".to_owned(), in_order(choices));
    Value::Object(reply)
}

fn add_delta(message: &mut Fields, delta: Fields) {
    for (name, value) in delta {
        let is_continued = CONTINUED.contains(&name.as_str());
        match (message.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more)) if is_continued => text.push_str(&more),
            (Some(Value::Array(items)), Value::Array(more)) => add_parts(items, more),
            (Some(Value::Array(items)), Value::String(more)) if is_continued => {
                add_parts(items, vec![json!({"type": "text", "text": more})]);
            }
            (Some(text @ Value::String(_)), Value::Array(more)) if is_continued => {
                let mut items = vec![json!({"type": "text", "text": text.take()})];
                add_parts(&mut items, more);
                *text = Value::Array(items);
            }
            (_, value) => {
                message.insert(name, value);
            }
        }
    }
}

/// Appends parts; a text part continues the text part before it.
fn add_parts(parts: &mut Vec<Value>, more: Vec<Value>) {
    for mut part in more {
        let is_text = |part: &Value| part["type"] == "text" && part["text"].is_string();
        if let Some(last) = parts.last_mut()
            && is_text(last)
            && is_text(&part)
            && let (Value::String(text), Value::String(added)) = (&mut last["text"], part["text"].take())
        {
            text.push_str(&added);
        } else {
            parts.push(part);
        }
    }
}

fn gemini(events: Vec<Value>) -> Value {
    let (mut reply, mut candidates) = (Fields::new(), BTreeMap::<u64, Whole>::new());
    for event in objects(events) {
        for (name, value) in event {
            if name != "candidates" {
                set(&mut reply, name, value);
                continue;
            }
            for (index, mut candidate) in indexed(value) {
                let whole = candidates.entry(index).or_default();
                let contents = match candidate.remove("content") {
                    Some(Value::Array(contents)) => contents,
                    content => content.into_iter().collect(),
                };
                for mut content in objects(contents) {
                    let known = whole.piece("content");
                    if let (Some(Value::Array(parts)), Some(Value::Array(more))) =
                        (known.get_mut("parts"), content.get_mut("parts"))
                    {
                        parts.append(more);
                        content.remove("parts");
                    }
                    content.into_iter().for_each(|(name, value)| set(known, name, value));
                }
                candidate.into_iter().for_each(|(name, value)| set(&mut whole.fields, name, value));
            }
        }
    }
    if !candidates.is_empty() {
        reply.insert("candidates".to_owned(), in_order(candidates));
    }
    Value::Object(reply)
}

/// Images that are complete, as `images/generations` gives them. Previews are kept apart: they are no answer.
fn images(events: Vec<Value>) -> Value {
    let (mut reply, mut data, mut previews) = (Fields::new(), Vec::new(), Vec::new());
    for mut event in objects(events) {
        let name = event.remove("type").unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        if let Some(usage) = event.remove("usage") {
            set(&mut reply, "usage".to_owned(), usage);
        }
        let has_image = ["b64_json", "url"].iter().any(|name| event.get(*name).is_some_and(Value::is_string));
        if has_image && name.ends_with(".partial_image") {
            previews.push(Value::Object(event));
        } else if has_image {
            data.push(Value::Object(event));
        } else {
            event.into_iter().for_each(|(name, value)| set(&mut reply, name, value));
        }
    }
    if data.is_empty() && !previews.is_empty() {
        reply.insert("partial_images".to_owned(), Value::Array(previews));
    }
    reply.insert("data".to_owned(), Value::Array(data));
    Value::Object(reply)
}

/// The response as the last event tells it, with those items of its output that only events of their own told.
fn responses(events: Vec<Value>) -> Value {
    let (mut reply, mut items) = (json!({}), BTreeMap::<u64, Fields>::new());
    for mut event in objects(events) {
        let is_item = event.get("type").and_then(Value::as_str) == Some("response.output_item.done");
        if let Some(response @ Value::Object(_)) = event.remove("response") {
            reply = response;
        } else if let Some(Value::Object(item)) = event.remove("item").filter(|_| is_item) {
            let next = items.len() as u64;
            items.insert(event.get("output_index").and_then(Value::as_u64).unwrap_or(next), item);
        }
    }
    let n_results = |output: &Value| {
        let items = output.as_array().map(Vec::as_slice).unwrap_or_default();
        (
            items.iter().filter(|item| !item["result"].as_str().unwrap_or_default().is_empty()).count(),
            items.len(),
        )
    };
    let told = items.into_values().map(Value::Object).collect();
    if n_results(&told) > n_results(&reply["output"]) {
        reply["output"] = told;
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(events: Value, expected: Value) {
        let Value::Array(events) = events else { panic!("events are a list") };
        assert_eq!(assemble(events, true), Ok(expected));
    }

    #[test]
    fn the_deltas_of_a_chat_become_its_message() {
        let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
        check(
            json!([
                {"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Sco"}}]},
                {"choices": [{"index": 1, "delta": {"content": "other"}}, {"index": 0, "delta": {"content": "re: 1"}}]},
                {"choices": [{"index": 0, "delta": {"content": null, "images": [image]}, "finish_reason": null}]},
                {"choices": [{"index": 0, "delta": {"images": [image]}, "finish_reason": "stop"}], "usage": null},
                {"choices": [], "usage": {"cost": 0.5}},
            ]),
            json!({"id": "x", "usage": {"cost": 0.5}, "choices": [
                {"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "Score: 1", "images": [image, image]}},
                {"index": 1, "message": {"content": "other"}},
            ]}),
        );
        let text = |text: &str| json!({"type": "text", "text": text});
        check(
            json!([
                {"choices": [{"delta": {"content": "a "}}]},
                {"choices": [{"delta": {"content": [text("b"), image]}}]},
                {"choices": [{"delta": {"content": "c"}}]},
                {"choices": [{"delta": {"content": [text("d")]}, "finish_reason": "stop"}]},
            ]),
            json!({"choices": [{
                "finish_reason": "stop",
                "message": {"content": [text("a b"), image, text("cd")]},
            }]}),
        );
    }

    #[test]
    fn a_whole_message_at_the_end_stands_for_its_deltas() {
        check(
            json!([
                {"choices": [{"delta": {"content": "Score"}}]},
                {"choices": [{"message": {"content": "Score: 1"}, "finish_reason": "stop"}]},
            ]),
            json!({"choices": [{"finish_reason": "stop", "message": {"content": "Score: 1"}}]}),
        );
    }

    #[test]
    fn chunks_that_are_wrapped_or_list_their_contents_lose_nothing() {
        let (one, two) = (json!({"parts": [{"text": "a"}]}), json!({"parts": [{"text": "b"}]}));
        let expected = json!({"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "finishReason": "STOP"}]});
        check(json!([{"candidates": [{"content": [one, two], "finishReason": "STOP"}]}]), expected.clone());
        let chunk = |candidate: Value| json!({"response": {"candidates": [candidate]}, "traceId": "x"});
        check(
            json!([chunk(json!({"content": one})), chunk(json!({"content": two, "finishReason": "STOP"}))]),
            expected,
        );
    }

    #[test]
    fn the_chunks_of_gemini_become_one_answer_in_either_spelling() {
        check(
            json!([
                {"candidates": [{"content": {"role": "model", "parts": [{"text": "Here"}]}, "index": 0}]},
                {"candidates": [{"content": {"parts": [{"inlineData": {"data": "aGk="}}]}}]},
                {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3}},
            ]),
            json!({"usageMetadata": {"promptTokenCount": 3}, "candidates": [{
                "index": 0, "finishReason": "STOP",
                "content": {"role": "model", "parts": [{"text": "Here"}, {"inlineData": {"data": "aGk="}}]},
            }]}),
        );
        let blocked = json!({"prompt_feedback": {"block_reason": "SAFETY"}});
        check(
            json!([blocked, {"usage_metadata": {}}]),
            json!({"prompt_feedback": {"block_reason": "SAFETY"}, "usage_metadata": {}}),
        );
    }

    #[test]
    fn a_preview_is_no_image_of_the_images_interface() {
        let preview =
            json!({"type": "image_generation.partial_image", "b64_json": "cHJl", "partial_image_index": 0});
        check(
            json!([preview, {"type": "image_generation.completed", "b64_json": "aGk=", "usage": {"input_tokens": 3}}]),
            json!({"usage": {"input_tokens": 3}, "data": [{"b64_json": "aGk="}]}),
        );
        check(
            json!([
                {"type": "image_generation.partial_succeeded", "image_index": 0, "url": "https://a.example/1"},
                {"type": "image_generation.completed", "usage": {"output_tokens": 9}},
            ]),
            json!({"usage": {"output_tokens": 9}, "data": [{"image_index": 0, "url": "https://a.example/1"}]}),
        );
        let only_preview = json!({"b64_json": "cHJl", "partial_image_index": 0});
        check(json!([preview]), json!({"partial_images": [only_preview], "data": []}));
    }

    #[test]
    fn a_response_has_the_items_that_its_events_told() {
        let call = json!({"type": "image_generation_call", "result": "aGk="});
        let done = json!({"type": "response.output_item.done", "output_index": 1, "item": call});
        let words =
            json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "message"}});
        let ended =
            |output: Value| json!({"type": "response.completed", "response": {"id": "r", "output": output}});
        check(json!([ended(json!([call]))]), json!({"id": "r", "output": [call]}));
        let expected = json!({"id": "r", "output": [{"type": "message"}, call]});
        check(json!([done, words, ended(json!([]))]), expected.clone());
        let emptied = json!([{"type": "message"}, {"type": "image_generation_call", "result": null}]);
        check(json!([done, words, ended(emptied)]), expected);
    }

    #[test]
    fn an_error_in_a_stream_is_the_replys() {
        let error = json!({"code": "moderation_blocked", "message": "no"});
        check(
            json!([{"choices": [{"delta": {"content": "a"}}]}, {"error": error, "choices": []}]),
            json!({"choices": [{"message": {"content": "a"}}], "error": error}),
        );
        check(json!([{"error": error}, {"type": "ping"}]), json!({"error": error}));
        for nothing in [json!({}), json!(""), json!({"message": "", "code": null})] {
            check(
                json!([{"error": nothing, "outputs": {"9": []}}]),
                json!({"error": null, "outputs": {"9": []}}),
            );
        }
        let typed = json!({"type": "error", "code": "rate_limit_exceeded", "message": "later"});
        check(
            json!([{"type": "response.created", "response": {"id": "r"}}, typed]),
            json!({"id": "r", "error": typed}),
        );
    }

    #[test]
    fn of_other_events_the_last_whole_reply_counts() {
        check(
            json!([{"progress": 0.5}, {"images": [{"url": "https://a.example/1"}]}, {"progress": 1}]),
            json!({"images": [{"url": "https://a.example/1"}]}),
        );
        assert_eq!(assemble(vec![json!({"progress": 0.5}), json!(1)], true), Err(WireError::UnknownStream));
    }
}
