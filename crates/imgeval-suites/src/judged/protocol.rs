//! A judge protocol: everything that determines what a judge is asked and how its reply is read.

use std::{collections::BTreeMap, fmt};

use imgeval_core::{ContentHash, Decoding, ImageFormat, json::from_json_str};

use super::{Field, MissingField, ReplyFormat, Scores, Template, Unparsed, edit_rubric};
use crate::{
    registry,
    suite::{JudgedFacts, SuiteRef},
};

/// An image that a question shows, or several of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// The image that was to be edited.
    Source,
    /// The image that a session began with, where the source is what the round before gave.
    First,
    /// All images that were given along with the instruction, in their order.
    Sources,
    /// The image that is judged.
    Answer,
    /// The other image, where two are compared.
    SecondAnswer,
    /// An image of the wanted outcome.
    Reference,
}

impl fmt::Display for ImagePreparation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = self.longest_side.map(|side| format!("longest side at most {side} pixels"));
        let format = self.format.map(|format| format!("as {}", format.extension()));
        match (side, format) {
            (None, None) => formatter.write_str("as they are stored"),
            (side, format) => {
                let facts: Vec<String> = side.into_iter().chain(format).collect();
                formatter.write_str(&facts.join(", "))
            }
        }
    }
}

impl Attachment {
    pub const ALL: [Self; 6] =
        [Self::Source, Self::First, Self::Sources, Self::Answer, Self::SecondAnswer, Self::Reference];

    /// As protocol files name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::First => "first",
            Self::Sources => "sources",
            Self::Answer => "answer",
            Self::SecondAnswer => "second-answer",
            Self::Reference => "reference",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attachment| attachment.name() == name)
    }

    /// In words, as part of a sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Source => "source image",
            Self::First => "first image",
            Self::Sources => "source images",
            Self::Answer => "image to judge",
            Self::SecondAnswer => "second image to judge",
            Self::Reference => "reference image",
        }
    }
}

/// One part of the talk with the judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessagePart {
    /// Words of the user.
    Text(Template),
    /// An image that the user shows.
    Image(Attachment),
    /// Words that are shown as the judge's own, between two messages of the user.
    Assistant(Template),
}

impl MessagePart {
    /// Its wording; `None` for an image.
    #[must_use]
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Text(template) | Self::Assistant(template) => Some(template),
            Self::Image(_) => None,
        }
    }
}

/// How images are made ready to be sent. With neither set, the bytes are sent as they are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImagePreparation {
    /// In pixels; a larger image is made smaller, a smaller one is left alone.
    pub longest_side: Option<u32>,
    pub format: Option<ImageFormat>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct JudgeProtocol {
    pub id: String,
    /// Raised with every change of wording or rules.
    pub version: u32,
    /// The name that protocols for its suite give: [`crate::suite::JudgedFacts::protocol_suite`].
    pub suite: String,
    pub title: String,
    pub system: Option<Template>,
    /// Of the user, in order, with earlier replies of the judge in between.
    pub message: Vec<MessagePart>,
    pub preparation: ImagePreparation,
    pub decoding: Decoding,
    /// The model that official numbers come from.
    pub judge_pin: String,
    pub reply: ReplyFormat,
    /// Maximum number of times to ask the same question while replies do not parse.
    pub max_tries: u32,
    /// Whose words they are, and where they were found.
    pub wording_source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("the id `{id}` must be of a-z, 0-9 and `-`, and not longer than 64")]
    Id { id: String },
    #[error("the version must be at least 1")]
    Version,
    #[error("there is no judged suite `{suite}`; available: {known}")]
    Suite { suite: String, known: String },
    #[error("the wording names {field}, which cases of {suite} do not have")]
    Field { field: Field, suite: &'static str },
    #[error("the message has no text")]
    NoText,
    #[error("the message shows no image to be judged")]
    NoAnswer,
    #[error("cases of {suite} have no {}", attachment.title())]
    NoImage { attachment: Attachment, suite: &'static str },
    #[error("words of the judge must be between two messages of the user")]
    Turns,
    #[error("the reply form {reply} does not belong to {suite}")]
    Reply { reply: &'static str, suite: &'static str },
    #[error("max_tries must be from 1 to 10")]
    Tries,
    #[error("the temperature must be from 0 to 2")]
    Temperature,
    #[error("{name} must be at least {least}")]
    TooSmall { name: &'static str, least: u32 },
    #[error("`{name}` in the decoding settings is not JSON")]
    NotJson { name: String },
}

impl JudgeProtocol {
    /// Our own rubric for Reason-Edit, with the facts of its published definition.
    #[must_use]
    pub fn reason_edit() -> Self {
        edit_rubric::protocol()
    }

    /// The same question with replies read by a careful reader instead of the benchmark's script, as a protocol of its own;
    /// `None` if replies are not read as a script reads them.
    #[must_use]
    pub fn read_strictly(&self) -> Option<Self> {
        let reply = self.reply.strict()?;
        let (id, title) = (format!("{}-strict", self.id), format!("{}, replies read strictly", self.title));
        Some(Self { id, title, reply, ..self.clone() })
    }

    /// Id and version, such as `wise-legacy@1`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// SHA-256 over everything that the protocol says, each part behind its length.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let number = |value: Option<u32>| value.map_or_else(String::new, |value| value.to_string());
        let mut parts =
            vec![self.id.clone(), self.version.to_string(), self.suite.clone(), self.title.clone()];
        parts.push(self.system.is_some().to_string());
        parts.extend(self.system.iter().map(Template::render_source));
        for part in &self.message {
            parts.extend(match part {
                MessagePart::Text(template) => ["text".to_owned(), template.render_source()],
                MessagePart::Image(attachment) => ["image".to_owned(), attachment.name().to_owned()],
                MessagePart::Assistant(template) => ["assistant".to_owned(), template.render_source()],
            });
        }
        parts.push("preparation".to_owned());
        parts.push(number(self.preparation.longest_side));
        parts.push(self.preparation.format.map_or("", ImageFormat::extension).to_owned());
        parts.push(self.decoding.to_string());
        parts.push(self.judge_pin.clone());
        parts.push(self.reply.name().to_owned());
        parts.push(self.max_tries.to_string());
        parts.push(self.wording_source.clone());
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        ContentHash::of(&bytes)
    }

    /// Reads a judge's reply.
    ///
    /// # Errors
    /// If the reply does not hold a score in one of the accepted forms.
    pub fn parse_reply(&self, reply: &str) -> Result<Scores, Unparsed> {
        self.reply.parse(reply)
    }

    /// The system's text with its fields bound.
    ///
    /// # Errors
    /// If the case lacks a value that the wording names.
    pub fn bind_system(&self, values: &BTreeMap<Field, &str>) -> Result<Option<String>, MissingField> {
        self.system.as_ref().map(|system| system.bind(values)).transpose()
    }

    /// Whether the parts fit together and the suite.
    ///
    /// # Errors
    /// With the first thing that does not.
    pub fn check(&self) -> Result<&'static JudgedFacts, ProtocolError> {
        let suite = registry::find_judged(&self.suite).and_then(SuiteRef::judged);
        let suite = suite.ok_or_else(|| ProtocolError::Suite {
            suite: self.suite.clone(),
            known: registry::protocol_suites(),
        })?;
        let name = suite.protocol_suite;
        let is_id_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(is_id_byte) {
            return Err(ProtocolError::Id { id: self.id.clone() });
        }
        let texts = self.message.iter().filter_map(MessagePart::template);
        let mut fields = texts.clone().chain(&self.system).flat_map(Template::fields);
        if let Some(field) = fields.find(|field| !suite.fields.contains(field)) {
            return Err(ProtocolError::Field { field, suite: name });
        }
        let shows = |attachment: &Attachment| self.message.contains(&MessagePart::Image(*attachment));
        let is_absent =
            |attachment: &Attachment| shows(attachment) && !suite.attachments.contains(attachment);
        if let Some(attachment) = Attachment::ALL.into_iter().find(is_absent) {
            return Err(ProtocolError::NoImage { attachment, suite: name });
        }
        let is_assistant = |part: &MessagePart| matches!(part, MessagePart::Assistant(_));
        let tests = [
            (self.version == 0, ProtocolError::Version),
            (texts.clone().all(Template::is_empty), ProtocolError::NoText),
            (!shows(&Attachment::Answer), ProtocolError::NoAnswer),
            (self.message.split(is_assistant).any(<[_]>::is_empty), ProtocolError::Turns),
            (
                !suite.replies.contains(&self.reply),
                ProtocolError::Reply { reply: self.reply.name(), suite: name },
            ),
            (!(1..=10).contains(&self.max_tries), ProtocolError::Tries),
            (
                self.decoding.temperature.is_some_and(|value| !(0.0..=2.0).contains(&value)),
                ProtocolError::Temperature,
            ),
            (self.decoding.max_tokens == Some(0), ProtocolError::TooSmall { name: "max_tokens", least: 1 }),
            (
                self.preparation.longest_side.is_some_and(|side| side < 16),
                ProtocolError::TooSmall { name: "longest_side", least: 16 },
            ),
        ];
        if let Some((_, error)) = tests.into_iter().find(|(failed, _)| *failed) {
            return Err(error);
        }
        let schema = self.decoding.schema.iter().map(|schema| (&schema.name, &schema.schema));
        let extra = self.decoding.extra.iter().map(|(name, value)| (name, value));
        for (name, json) in schema.chain(extra) {
            from_json_str::<serde::de::IgnoredAny>(json)
                .map_err(|_| ProtocolError::NotJson { name: name.clone() })?;
        }
        Ok(suite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judged::Strictness;

    #[test]
    fn reading_strictly_is_a_protocol_of_its_own() {
        assert_eq!(JudgeProtocol::reason_edit().read_strictly(), None);
        let official = JudgeProtocol {
            id: "wise-verified".to_owned(),
            reply: ReplyFormat::wise_verified(Strictness::Official),
            ..JudgeProtocol::reason_edit()
        };
        let strict = official.read_strictly().unwrap();
        assert_eq!(strict.label(), "wise-verified-strict@1");
        assert_eq!(
            (strict.reply, &strict.message),
            (ReplyFormat::wise_verified(Strictness::Strict), &official.message)
        );
        assert_ne!(strict.hash(), official.hash());
        assert_eq!(strict.read_strictly(), None);
    }

    #[test]
    fn every_part_of_a_protocol_enters_its_hash() {
        let base = JudgeProtocol::reason_edit();
        let changes: [fn(&mut JudgeProtocol); 13] = [
            |protocol| protocol.id.push('x'),
            |protocol| protocol.version += 1,
            |protocol| protocol.suite = "wise-legacy".to_owned(),
            |protocol| protocol.title.push('x'),
            |protocol| protocol.system = None,
            |protocol| protocol.message.swap(0, 1),
            |protocol| protocol.preparation.longest_side = None,
            |protocol| protocol.preparation.format = Some(ImageFormat::Jpeg),
            |protocol| protocol.decoding.temperature = Some(1.0),
            |protocol| protocol.judge_pin.push('x'),
            |protocol| protocol.reply = ReplyFormat::wise_legacy(Strictness::Strict),
            |protocol| protocol.max_tries += 1,
            |protocol| protocol.wording_source.push('x'),
        ];
        let mut hashes = vec![base.hash()];
        for change in changes {
            let mut changed = base.clone();
            change(&mut changed);
            hashes.push(changed.hash());
        }
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 14);
        assert_eq!(base.hash(), JudgeProtocol::reason_edit().hash());
    }
}
