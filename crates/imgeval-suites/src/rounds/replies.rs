//! Judges' replies in a file: what was said to each question, in the order in which it was asked.

use std::{collections::BTreeMap, path::Path};

use imgeval_core::json::from_json_str;

use super::{RoundsError, error};

/// Replies by question: an object whose values are lists of texts, or of `null` where no reply could be had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replies {
    /// For messages.
    name: String,
    by_question: BTreeMap<String, Vec<Option<String>>>,
}

impl Replies {
    /// # Errors
    /// If the file cannot be read, or as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self, RoundsError> {
        Self::parse(&error::name_of(path), &error::read_table(path)?)
    }

    /// # Errors
    /// If the text is no such object.
    pub fn parse(name: &str, text: &str) -> Result<Self, RoundsError> {
        let by_question =
            from_json_str(text).map_err(|error| RoundsError::malformed(name, error.to_string()))?;
        Ok(Self { name: name.to_owned(), by_question })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// All questions, sorted.
    pub(super) fn questions(&self) -> impl Iterator<Item = &str> {
        self.by_question.keys().map(String::as_str)
    }

    /// Goes through the replies from the beginning.
    pub(super) fn asking(&self) -> Asking<'_> {
        Asking { replies: self, at: BTreeMap::new(), n_calls: 0 }
    }
}

/// A judge who says what is in the file; the last reply to a question repeats.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    replies: &'a Replies,
    at: BTreeMap<String, usize>,
    pub(super) n_calls: usize,
}

impl<'a> Asking<'a> {
    /// The next reply to a question; `None` if there is none.
    pub(super) fn ask(&mut self, question: String) -> Option<&'a str> {
        self.n_calls += 1;
        let replies = self.replies.by_question.get(&question)?;
        let at = self.at.entry(question).or_default();
        let reply = replies.get(*at).or(replies.last())?;
        *at += 1;
        reply.as_deref()
    }
}
