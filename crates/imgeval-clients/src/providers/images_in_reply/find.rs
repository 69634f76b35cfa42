//! Where replies have their images, and which of them is the answer.

use std::cmp::Reverse;

use serde_json::Value;

use super::{
    address::ImageSource,
    item::class_of,
    text::{Form, InText, find_in_text},
};

/// How much of an answer an image is; a later one is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
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
    /// The part, or the slot of a list, in which it stands.
    pub(crate) item: &'a Value,
    /// The number of its choice or candidate.
    pub(crate) slot: usize,
    /// How many images the reply has beside it, drafts and previews left out.
    pub(crate) n_others: usize,
}

/// Lists and objects of images in replies that are no conversation.
const CONTAINERS: [&str; 13] = [
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
    "response",
];

/// Fields of a message that hold images.
const OF_MESSAGE: [&str; 4] = ["attachments", "image", "image_url", "images"];

/// How an answer says that it ended by itself, in any case of letters.
const NORMAL_ENDS: [&str; 5] = ["stop", "finish_reason_stop", "end_turn", "completed", "eos"];

/// Replies inside of replies are followed no deeper.
const MAX_DEPTH: usize = 3;

/// Finds the image that a reply of any interface answers with.
pub(crate) fn find_image(reply: &Value) -> Option<Found<'_>> {
    let mut finder = Finder { best: None, n_found: 0, n_answers: 0 };
    finder.reply(reply, Place { item: reply, class: Class::Answer, slot: 0, certainty: Certainty::Image }, 0);
    let (Rank { class, .. }, found) = finder.best?;
    let counts = class > Class::Thought || ended_normally(reply, found.slot);
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
            self.best = Some((rank, Found { source, item, slot, n_others: 0 }));
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
            self.message(&candidate["content"], place);
            self.message(candidate, place);
        }
        self.message(&reply["message"], place);
        for name in CONTAINERS {
            match &reply[name] {
                Value::Array(items) => items.iter().for_each(|item| self.slot(item, place, depth)),
                value => self.slot(value, place, depth),
            }
        }
        if depth == 0 && self.n_found == 0 {
            self.image(reply, Place { certainty: Certainty::Reply, ..place });
        }
    }

    /// One of a list of images, or an item of a response's output; or a reply inside of a reply.
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
        for name in ["content", "parts"] {
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
            find_in_text(text, &mut |InText { source, form, is_preview }| {
                let class = if is_preview { Class::Preview.min(place.class) } else { place.class };
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
