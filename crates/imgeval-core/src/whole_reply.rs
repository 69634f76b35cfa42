//! A provider's reply in full, until it is known whether it has to be kept.

use std::{any::Any, fmt, sync::Arc};

use crate::{Cost, Outcome, Usage};

/// Holds back secrets in a text.
type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The whole text of a reply. Most replies are dropped once their image is stored, so secrets are held back only when the
/// text is asked for; there is no other way to it.
#[derive(Clone)]
pub struct WholeReply {
    /// The HTTP status.
    pub status: u16,
    /// Whether it announces more images than were taken from it.
    pub has_more: bool,
    text: String,
    redact: Option<Redact>,
    /// Memory that counts as taken until this is dropped.
    #[expect(dead_code, reason = "it is there to be dropped")]
    held: Option<Arc<dyn Any + Send + Sync>>,
}

impl WholeReply {
    /// A reply whose text holds no secret.
    #[must_use]
    pub fn new(status: u16, text: String) -> Self {
        Self { status, has_more: false, text, redact: None, held: None }
    }

    /// The same, with secrets held back by `redact`.
    #[must_use]
    pub fn redacted_by(self, redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { redact: Some(Arc::new(redact)), ..self }
    }

    /// The same, holding on to memory instead of what was held before.
    #[must_use]
    pub fn holding<T: Send + Sync + 'static>(self, held: Option<T>) -> Self {
        let held = held.map(|held| -> Arc<dyn Any + Send + Sync> { Arc::new(held) });
        Self { held, ..self }
    }

    /// The same, with what [`Self::has_more`] says.
    #[must_use]
    pub fn announcing(self, has_more: bool) -> Self {
        Self { has_more, ..self }
    }

    /// Cuts the text to so many bytes, or a few fewer, with a note.
    #[must_use]
    pub fn cut_to(mut self, n_bytes: usize) -> Self {
        let end = self.text.floor_char_boundary(n_bytes);
        if end < self.text.len() {
            // What is cut off may be the second half of a secret.
            let text = match &self.redact {
                Some(redact) => redact(&self.text),
                None => std::mem::take(&mut self.text),
            };
            let end = text.floor_char_boundary(n_bytes);
            self.text = format!("{}\n[{} more bytes were not kept]", &text[..end], text.len() - end);
        }
        self
    }

    /// Whether the status says success: then the reply may have been paid for.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Of the text.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.text.len()
    }

    /// The text, secrets held back.
    #[must_use]
    pub fn into_text(self) -> String {
        match self.redact {
            Some(redact) => redact(&self.text),
            None => self.text,
        }
    }
}

impl fmt::Debug for WholeReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WholeReply({}, {} bytes)", self.status, self.text.len())
    }
}

impl PartialEq for WholeReply {
    fn eq(&self, other: &Self) -> bool {
        (self.status, self.has_more, &self.text) == (other.status, other.has_more, &other.text)
    }
}

/// What a kept reply says when it is read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<T> {
    pub outcome: Outcome<T>,
    pub usage: Usage,
    /// `None`: not known.
    pub cost: Option<Cost>,
    pub revised_prompt: Option<String>,
    pub state: Option<String>,
    /// The reply's text with images cut out.
    pub raw: String,
}

/// An image as a reply gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadImage {
    /// Its bytes, not decoded yet.
    Bytes(Vec<u8>),
    /// Where it lies.
    Address(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_shown_only_through_its_redactor() {
        let reply = WholeReply::new(200, "key: 1234".to_owned())
            .redacted_by(|text| text.replace("1234", "****"))
            .holding(Some(7_u8));
        assert_eq!(format!("{reply:?}"), "WholeReply(200, 9 bytes)");
        assert_eq!(reply.clone().into_text(), "key: ****");
        let cut = reply.cut_to(7);
        assert_eq!(cut.into_text(), "key: **\n[2 more bytes were not kept]", "no half of the key is left");
        assert_eq!(WholeReply::new(200, "all".to_owned()).cut_to(3).into_text(), "all");
    }
}
