//! Where replies have their images, and which of them is the answer.

use std::{cmp::Reverse, collections::HashSet};

use imgeval_core::{Failure, answer_of};
use serde_json::Value;

use super::{
    address::{ImageSource, decode_image, is_known_base64},
    item::class_of,
    text::{Form, InText, find_in_text},
};

/// How much of an answer an image is; a later one is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// What should be base64 and is none.
    Garbage,
    Thought,
    Preview,
    Answer,
}

/// How sure it is that something is the image; a later one is surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// The reply itself looks like an image of some interface.
    Reply,
    Text(Form),
    /// It stands where images do.
    Image,
}

/// Where something stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The part or slot.
    pub(super) item: &'a Value,
    pub(super) class: Class,
    /// The number of the choice or candidate.
    pub(super) slot: usize,
    pub(super) certainty: Certainty,
}

/// The image that is the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found<'a> {
    pub(crate) source: ImageSource<'a>,
    /// The part, or the slot of a list, that contains the image.
    pub(crate) item: &'a Value,
    /// The number of its choice or candidate.
    pub(crate) slot: usize,
    /// How many other images the reply has, not counting drafts and previews.
    pub(crate) n_others: usize,
    /// It is in a place for images and is neither a draft nor a preview, so it is complete, whatever follows it.
    pub(crate) is_sure: bool,
}

/// Lists and objects of images in replies that are no conversation.
const CONTAINERS: [&str; 21] = [
    "data",
    "images",
    "image",
    "artifacts",
    "predictions",
    "generatedImages",
    "generated_images",
    "results",
    "result",
    "output",
    "image_urls",
    "imageUrls",
    "resultUrls",
    "result_urls",
    "images_base64",
    "base64_images",
    "b64_images",
    "outputs",
    "generations",
    "sample",
    "response",
];

/// Fields of a message that hold images.
const OF_MESSAGE: [&str; 6] =
    ["attachments", "image", "image_url", "image_urls", "generated_images", "images"];

/// Fields of a message that hold its parts.
const PARTS: [&str; 5] = ["content", "parts", "multi_mod_content", "content_parts", "contentParts"];

/// How an answer says that it ended by itself, in any case of letters.
const NORMAL_ENDS: [&str; 5] = ["stop", "finish_reason_stop", "end_turn", "completed", "eos"];

/// Replies inside replies are followed no deeper.
const MAX_DEPTH: usize = 3;

/// What a reply answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyImage {
    /// The image's bytes, which may be no image yet.
    Bytes(Vec<u8>),
    /// Where the image lies, perhaps relative to the base URL.
    Address(String),
}

/// The image in a reply of any interface, as [`read_reply`](crate::read_reply) returns it; `None` if there is none.
///
/// # Errors
/// If base64 was expected but is invalid.
pub fn read_image(reply: &Value) -> Option<Result<ReplyImage, Failure>> {
    Some(match find_image(reply)?.source {
        ImageSource::Base64(text) => decode_image(text).map(ReplyImage::Bytes),
        ImageSource::Url(address) => Ok(ReplyImage::Address(address.to_owned())),
    })
}

/// Finds the image that a reply of any interface answers with.
pub(crate) fn find_image(reply: &Value) -> Option<Found<'_>> {
    let mut finder = Finder { best: None, n_found: 0, n_answers: 0 };
    finder.reply(reply, Place { item: reply, class: Class::Answer, slot: 0, certainty: Certainty::Image }, 0);
    let (Rank { class, .. }, found) = finder.best?;
    let counts = class != Class::Thought || ended_normally(reply, found.slot);
    let n_others = finder.n_answers.saturating_sub(1);
    counts.then_some(Found { n_others, ..found })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    class: Class,
    slot: Reverse<usize>,
    certainty: Certainty,
}

/// What was found so far.
pub(super) struct Finder<'a> {
    best: Option<(Rank, Found<'a>)>,
    n_found: usize,
    n_answers: usize,
}

impl<'a> Finder<'a> {
    pub(super) fn n_found(&self) -> usize {
        self.n_found
    }

    pub(super) fn add(&mut self, source: Option<ImageSource<'a>>, place: Place<'a>) {
        let Some(source) = source else { return };
        let Place { item, class, slot, certainty } = place;
        self.n_found += 1;
        self.n_answers += usize::from(class == Class::Answer && certainty == Certainty::Image);
        let rank = Rank { class, slot: Reverse(slot), certainty };
        if self.best.as_ref().is_none_or(|(best, _)| rank >= *best) {
            let is_sure = class == Class::Answer && certainty == Certainty::Image;
            self.best = Some((rank, Found { source, item, slot, n_others: 0, is_sure }));
        }
    }

    fn reply(&mut self, reply: &'a Value, place: Place<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if let Some(items) = reply.as_array() {
            return items.iter().for_each(|item| self.slot(item, place, depth));
        }
        let choices = list(&reply["choices"]).iter().enumerate();
        for (slot, choice) in choices {
            let place = Place { slot, ..place };
            self.message(choice, place);
            self.message(&choice["message"], place);
        }
        for (slot, candidate) in list(&reply["candidates"]).iter().enumerate() {
            let place = Place { slot, ..place };
            match &candidate["content"] {
                Value::Array(contents) => contents.iter().for_each(|content| self.message(content, place)),
                content => self.message(content, place),
            }
            self.message(candidate, place);
        }
        self.message(&reply["message"], place);
        // Anthropic's replies are a message themselves.
        if depth == 0 && reply["role"] == "assistant" {
            self.message(reply, place);
        }
        if let Some(encoded) = reply["message"].as_str().filter(|text| is_known_base64(text)) {
            self.add(ImageSource::of_base64(encoded), place);
        }
        for name in CONTAINERS {
            match &reply[name] {
                Value::Array(items) => items.iter().for_each(|item| self.slot(item, place, depth)),
                // Workflows name their outputs after the nodes that made them.
                Value::Object(nodes) if name == "outputs" => {
                    nodes.values().for_each(|node| self.slot(node, place, depth));
                }
                value => self.slot(value, place, depth),
            }
        }
        if depth == 0 && self.n_found == 0 {
            self.image(reply, Place { certainty: Certainty::Reply, ..place });
        }
    }

    /// One of a list of images, or an item of a response's output; or a reply inside a reply.
    fn slot(&mut self, item: &'a Value, place: Place<'a>, depth: usize) {
        let place = Place { item, ..place };
        let n_before = self.n_found;
        self.image(item, place);
        if self.n_found == n_before && item.is_object() {
            let place = Place { class: class_of(item).min(place.class), ..place };
            self.message(item, place);
            if self.n_found == n_before {
                self.reply(item, place, depth + 1);
            }
        }
    }

    fn message(&mut self, message: &'a Value, place: Place<'a>) {
        for name in PARTS {
            match &message[name] {
                Value::Array(parts) => parts.iter().for_each(|part| self.part(part, place)),
                part => self.part(part, place),
            }
        }
        for name in OF_MESSAGE {
            self.image(&message[name], Place { item: &message[name], ..place });
        }
    }

    /// A part of a message: words, or an image.
    fn part(&mut self, part: &'a Value, place: Place<'a>) {
        let place = Place { item: part, class: class_of(part).min(place.class), ..place };
        let text = part.as_str().or_else(|| part["text"].as_str());
        if let Some(text) = text {
            let answer = answer_of(text);
            let has_thoughts = answer.len() < text.trim().len();
            let has_drafts_alone = has_thoughts && answer.is_empty();
            let mut of_answer = HashSet::new();
            if has_thoughts {
                find_in_text(&answer, &mut |found| {
                    of_answer.insert(found.source.text());
                });
            }
            find_in_text(text, &mut |InText { source, form, is_preview }| {
                let is_answer = !has_thoughts || of_answer.contains(source.text());
                if !is_answer && !has_drafts_alone {
                    return;
                }
                let class = if is_preview { Class::Preview.min(place.class) } else { place.class };
                let class = if is_answer { class } else { Class::Thought };
                self.add(Some(source), Place { class, certainty: Certainty::Text(form), ..place });
            });
        }
        if part.is_object() {
            self.image(part, place);
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn ended_normally(reply: &Value, slot: usize) -> bool {
    let (choice, candidate) = (&reply["choices"][slot], &reply["candidates"][slot]);
    let ends =
        [&choice["finish_reason"], &candidate["finishReason"], &candidate["finish_reason"], &reply["status"]];
    let is_normal = |end: &str| NORMAL_ENDS.iter().any(|normal| end.eq_ignore_ascii_case(normal));
    ends.iter().filter_map(|end| end.as_str()).next().is_some_and(is_normal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(reply: &Value) -> Option<ImageSource<'_>> {
        find_image(reply).map(|found| found.source)
    }

    #[track_caller]
    fn base64(reply: Value, expected: &str) {
        assert_eq!(found(&reply), Some(ImageSource::Base64(expected)), "{reply}");
    }

    fn part(data: &str) -> Value {
        json!({"inlineData": {"mimeType": "image/png", "data": data}})
    }

    fn thought(data: &str) -> Value {
        json!({"thought": true, "inline_data": {"mime_type": "image/png", "data": data}})
    }

    #[test]
    fn a_draft_counts_only_where_it_is_the_only_image_and_the_answer_ended_normally() {
        let gemini = |name: &str, reason: &str, parts: Value| json!({"candidates": [{"content": {"parts": parts}, name: reason}]});
        let drafts = json!([{"text": "hm", "thought": true}, thought("QQ=="), thought("Qg==")]);
        base64(gemini("finishReason", "STOP", drafts.clone()), "Qg==");
        base64(gemini("finish_reason", "STOP", drafts.clone()), "Qg==");
        for reason in ["NO_IMAGE", "SAFETY", "MAX_TOKENS", "IMAGE_OTHER", ""] {
            assert_eq!(found(&gemini("finishReason", reason, drafts.clone())), None, "{reason}");
        }
        base64(gemini("finishReason", "STOP", json!([part("Qw=="), thought("QQ==")])), "Qw==");
        base64(gemini("finishReason", "SAFETY", json!([thought("QQ=="), part("Qw==")])), "Qw==");
        let reasoning = json!([{"type": "reasoning", "image_url": {"url": "data:image/png;base64,QQ=="}}]);
        let chat =
            |end: &str| json!({"choices": [{"message": {"content": reasoning}, "finish_reason": end}]});
        base64(chat("stop"), "data:image/png;base64,QQ==");
        assert_eq!(found(&chat("length")), None);
    }

    #[test]
    fn the_last_of_equal_kind_counts_and_a_preview_only_where_nothing_else_is() {
        base64(json!({"candidates": [{"content": {"parts": [part("QQ=="), part("Qg==")]}}]}), "Qg==");
        let image = |data: &str| json!({"image_url": {"url": format!("data:image/png;base64,{data}")}});
        base64(
            json!({"choices": [{"message": {"images": [image("QQ=="), image("Qg==")]}}]}),
            "data:image/png;base64,Qg==",
        );
        base64(json!({"data": [{"b64_json": "QQ=="}, {"b64_json": "Qg=="}]}), "Qg==");
        let call = |status: Value| json!({"type": "image_generation_call", "result": "QQ==", "partial_image_index": status});
        let last = json!({"type": "image_generation_call", "result": "Qg=="});
        base64(json!({"output": [last, call(json!(0))]}), "Qg==");
        base64(json!({"output": [call(json!(0))]}), "QQ==");
        let marked = "![x](https://a.example/1.png)";
        base64(
            json!({"choices": [{"message": {"content": marked, "images": [image("QQ==")]}}]}),
            "data:image/png;base64,QQ==",
        );
    }

    #[test]
    fn a_second_candidate_choice_or_slot_is_found() {
        let empty = json!({"content": {"parts": [{"text": "first"}]}, "finishReason": "STOP"});
        let reply = json!({"candidates": [empty, {"content": {"parts": [part("QQ==")]}}, {"content": {"parts": [part("Qg==")]}}]});
        assert_eq!(find_image(&reply).map(|found| (found.slot, found.n_others)), Some((1, 1)));
        base64(reply.clone(), "QQ==");
        for empty in
            [json!({"b64_json": ""}), json!({"b64_json": null}), json!({}), json!(null), json!({"url": ""})]
        {
            base64(json!({"data": [empty, {"b64_json": "QQ=="}, empty]}), "QQ==");
        }
        let choices =
            json!([{"message": {"content": "words"}}, {"message": {"image": {"b64_json": "QQ=="}}}]);
        base64(json!({ "choices": choices }), "QQ==");
    }

    #[test]
    fn an_image_in_written_thoughts_is_a_draft() {
        let chat = |text: &str, end: &str| json!({"choices": [{"message": {"content": text}, "finish_reason": end}]});
        let marked = |name: &str| format!("![x](https://a.example/{name}.png)");
        let (draft, image) = (marked("draft"), marked("image"));
        let url = |text: &str, end: &str| match found(&chat(text, end)) {
            Some(ImageSource::Url(url)) => Some(url.to_owned()),
            _ => None,
        };
        let (of_draft, of_image) = (Some("https://a.example/draft.png"), Some("https://a.example/image.png"));
        for (open, close) in
            [("<think>", "</think>"), ("<THINK>", "</Think>"), ("[THINK]", "[/THINK]"), ("", "</think>")]
        {
            let thought = format!("{open}maybe {draft}{close}");
            assert_eq!(url(&format!("{thought}\n{image}"), "stop").as_deref(), of_image);
            assert_eq!(url(&format!("{thought} I cannot draw this."), "stop"), None, "{open}");
            assert_eq!(url(&thought, "stop").as_deref(), of_draft);
            assert_eq!(url(&thought, "length"), None);
        }
        assert_eq!(url(&format!("{image}<think>or {draft}?</think>"), "stop").as_deref(), of_image);
        assert_eq!(url(&format!("<think>{draft}"), "stop").as_deref(), of_draft);
    }

    #[test]
    fn lists_in_place_of_strings_are_all_seen() {
        let jpeg = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQ==";
        for reply in [
            json!({"data": {"image_base64": [jpeg, jpeg]}}),
            json!({"data": {"images": [{"url": ["https://a.example/1.png", "https://a.example/2.png"]}]}}),
        ] {
            assert_eq!(
                find_image(&reply).map(|found| (found.n_others, found.is_sure)),
                Some((1, true)),
                "{reply}"
            );
        }
    }

    #[test]
    fn only_a_final_image_in_its_own_place_is_sure() {
        let is_sure = |reply: Value| find_image(&reply).map(|found| found.is_sure);
        assert_eq!(is_sure(json!({"data": [{"b64_json": "QQ=="}]})), Some(true));
        assert_eq!(is_sure(json!({"data": [{"b64_json": "QQ==", "partial": true}]})), Some(false));
        let marked = json!({"choices": [{"message": {"content": "![x](data:image/png;base64,QQ=="}}]});
        assert_eq!(is_sure(marked), Some(false));
    }

    #[test]
    fn base64_is_preferred_to_an_address_unless_it_is_none() {
        base64(json!({"data": [{"url": "https://a.example/gone", "b64_json": "QQ=="}]}), "QQ==");
        let reply = json!({"data": [{"url": "https://a.example/x", "b64_json": "<see url>"}]});
        assert_eq!(found(&reply), Some(ImageSource::Url("https://a.example/x")));
    }

    #[test]
    fn what_is_no_image_is_not_taken_for_one() {
        for reply in [
            json!(null),
            json!("ok"),
            json!({}),
            json!([]),
            json!({"data": []}),
            json!({"candidates": {}, "choices": "x"}),
            json!({"output": "I cannot draw this."}),
            json!({"result": "ok", "response": "no"}),
            json!({"data": ["an id", "QQ=="]}),
            json!({"choices": [{"message": {"content": "I cannot draw this. See https://a.example/policy"}}]}),
            json!({"choices": [{"message": {"content": [{"type": "audio", "data": "QQ=="}]}}]}),
            json!({"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}}]}}]}),
            json!({"choices": [{"message": {"content": [{"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ=="}}]}}]}),
            json!({"output": [{"type": "image_generation_call", "result": null, "status": "failed"}]}),
            json!({"data": [{"id": "gpt-image", "object": "model"}]}),
        ] {
            assert_eq!(found(&reply), None, "{reply}");
        }
    }
}
