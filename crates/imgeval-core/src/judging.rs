//! Questions to a judge, and the port that judges implement.

use std::fmt;

use async_trait::async_trait;

use crate::{
    ContentHash, Cost, EndpointMeta, InputImage, Permit, ProviderDown, SampleId, TextAnswer, WorkKey,
    ids::hash_parts,
};

/// One part of the talk with a judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionPart {
    Text(String),
    /// As it is sent, after the protocol's preparation.
    Image(InputImage),
    /// Words that are shown as the judge's own: they end one message of the user, and what follows is the next.
    Assistant(String),
}

/// A message of the talk with a judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgeTurn<'a> {
    /// Texts and images, in order.
    User(&'a [QuestionPart]),
    Assistant(&'a str),
}

/// The shape of JSON that a judge is bound to answer in, where it can be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplySchema {
    pub name: String,
    /// JSON Schema, as JSON text.
    pub schema: String,
}

/// How a judge makes its words; what is `None` is left to it and not sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoding {
    pub temperature: Option<f64>,
    pub max_tokens: Option<u32>,
    pub seed: Option<u64>,
    /// `None`: free text.
    pub schema: Option<ReplySchema>,
    /// Asks for the log-probabilities of the words, which are kept with the raw reply.
    pub log_probabilities: bool,
    /// Further fields of the request, by name, their values as JSON text; for servers that know them.
    pub extra: Vec<(String, String)>,
}

impl fmt::Display for Decoding {
    /// Everything that was set, in one line; empty if nothing was.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = Vec::new();
        facts.extend(self.temperature.map(|value| format!("temperature {value}")));
        facts.extend(self.max_tokens.map(|value| format!("max_tokens {value}")));
        facts.extend(self.seed.map(|value| format!("seed {value}")));
        facts.extend(self.schema.as_ref().map(|schema| format!("schema {} {}", schema.name, schema.schema)));
        facts.extend(self.log_probabilities.then(|| "log-probabilities".to_owned()));
        facts.extend(self.extra.iter().map(|(name, value)| format!("{name} {value}")));
        formatter.write_str(&facts.join(", "))
    }
}

/// One question to a judge, exactly as it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeQuestion {
    pub system: Option<String>,
    /// Of the user's messages, in order, with earlier replies in between.
    pub parts: Vec<QuestionPart>,
    pub decoding: Decoding,
}

impl JudgeQuestion {
    pub fn images(&self) -> impl Iterator<Item = &InputImage> {
        self.parts.iter().filter_map(|part| match part {
            QuestionPart::Image(image) => Some(image),
            QuestionPart::Text(_) | QuestionPart::Assistant(_) => None,
        })
    }

    /// The messages of user and judge, in order; none is empty.
    #[must_use]
    pub fn turns(&self) -> Vec<JudgeTurn<'_>> {
        let mut turns = Vec::new();
        let mut begin = 0;
        for (position, part) in self.parts.iter().enumerate() {
            if let QuestionPart::Assistant(words) = part {
                turns.extend([JudgeTurn::User(&self.parts[begin..position]), JudgeTurn::Assistant(words)]);
                begin = position + 1;
            }
        }
        turns.push(JudgeTurn::User(&self.parts[begin..]));
        turns.retain(|turn| *turn != JudgeTurn::User(&[]));
        turns
    }

    /// System text and the texts of all messages.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().filter_map(|part| match part {
            QuestionPart::Text(text) | QuestionPart::Assistant(text) => Some(text.as_str()),
            QuestionPart::Image(_) => None,
        });
        self.system.as_deref().into_iter().chain(parts)
    }
}

/// Judges images.
#[async_trait]
pub trait Judge: Send + Sync {
    fn meta(&self) -> &EndpointMeta;

    /// What one question is thought to cost at most; `None` if no price is known.
    fn estimate(&self, question: &JudgeQuestion) -> Option<Cost>;

    /// Asks, again where that can help and is permitted. The words of the answer are kept as they came, but for the
    /// blanks around them; `raw` is the whole reply. A reply that broke off at the length limit is an answer too:
    /// whether it holds a score, the protocol's parser says.
    ///
    /// # Errors
    /// As [`crate::Generator::generate`].
    async fn judge(&self, question: &JudgeQuestion, permit: &dyn Permit) -> Result<TextAnswer, ProviderDown>;
}

/// A judge under one protocol, exactly enough to know whether two replies may be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeIdentity {
    pub judge: EndpointMeta,
    /// Id and version of the protocol, such as `wise-legacy@1`.
    pub protocol: String,
    /// Over everything that the protocol says: wording, attachments, decoding, preparation.
    pub protocol_hash: ContentHash,
}

impl JudgeIdentity {
    /// A short name, stable over time.
    #[must_use]
    pub fn id(&self) -> String {
        let EndpointMeta { provider, endpoint, model, version } = &self.judge;
        let version = version.to_string();
        let parts =
            [provider, endpoint, model, version.as_str(), &self.protocol, self.protocol_hash.as_str()];
        hash_parts(parts)[..12].to_owned()
    }

    /// The key of one judgment: the `repeat`-th, counted from 0, of one sample in one role.
    #[must_use]
    pub fn work_key(&self, role: &str, sample: &SampleId, image: &ContentHash, repeat: u32) -> WorkKey {
        let (sample, repeat) = (sample.to_string(), repeat.to_string());
        WorkKey::new(hash_parts(["judgment", &self.id(), role, &sample, image.as_str(), &repeat]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_replies_part_the_messages_of_the_user() {
        let text = |text: &str| QuestionPart::Text(text.to_owned());
        let question = |parts: &[QuestionPart]| JudgeQuestion {
            system: None,
            parts: parts.to_vec(),
            decoding: Decoding::default(),
        };
        let image = QuestionPart::Image(InputImage::new(crate::ImageFormat::Png, *b"x"));
        let reply = QuestionPart::Assistant("a boat".to_owned());
        let talk = question(&[image.clone(), text("What?"), reply, text("How good?")]);
        let turns = [
            JudgeTurn::User(&talk.parts[..2]),
            JudgeTurn::Assistant("a boat"),
            JudgeTurn::User(&talk.parts[3..]),
        ];
        assert_eq!(talk.turns(), turns);
        assert_eq!(talk.texts().collect::<Vec<_>>(), ["What?", "a boat", "How good?"]);
        assert_eq!(talk.images().count(), 1);
        let single = question(&[image, text("What?")]);
        assert_eq!(single.turns(), [JudgeTurn::User(&single.parts)]);
    }
}
