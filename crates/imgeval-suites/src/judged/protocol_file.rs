//! Protocols in files: TOML, unknown keys refused.

use std::collections::BTreeMap;

use imgeval_core::{Decoding, ImageFormat, ReplySchema};
use serde::{Deserialize, Serialize};

use super::{
    Attachment, ImagePreparation, JudgeProtocol, MessagePart, ProtocolError, ReplyFormat, Template,
    TemplateError,
};

#[derive(Debug, thiserror::Error)]
pub enum ProtocolFileError {
    #[error("line {line}: {message}")]
    Toml { line: usize, message: String },
    #[error("cannot use `{place}` in the protocol file")]
    Template {
        place: &'static str,
        #[source]
        source: TemplateError,
    },
    #[error(
        "every part of the message is `text = \"…\"`, `image = \"…\"` with {}, or `assistant = \"…\"`",
        known_images()
    )]
    Part,
    #[error("invalid {what} `{value}`; available: {known}")]
    Unknown { what: &'static str, value: String, known: String },
    #[error("the protocol is inconsistent")]
    Protocol(#[source] ProtocolError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtocolFile {
    id: String,
    version: u32,
    suite: String,
    title: String,
    judge_pin: String,
    reply: String,
    max_tries: u32,
    wording_source: String,
    system: Option<String>,
    #[serde(default)]
    preparation: PreparationTable,
    #[serde(default)]
    decoding: DecodingTable,
    message: Vec<PartTable>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreparationTable {
    longest_side: Option<u32>,
    format: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecodingTable {
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    seed: Option<u64>,
    #[serde(default)]
    log_probabilities: bool,
    schema: Option<SchemaTable>,
    /// Values are JSON text.
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaTable {
    name: String,
    json: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartTable {
    text: Option<String>,
    image: Option<String>,
    /// Words that are shown as the judge's own.
    assistant: Option<String>,
}

fn known_images() -> String {
    Attachment::ALL.map(Attachment::name).join(", ")
}

impl JudgeProtocol {
    /// Reads a protocol file, for another wording of any judged suite.
    ///
    /// # Errors
    /// If the text is not TOML, has an unknown or missing key, or does not make a protocol that holds together.
    pub fn from_toml(text: &str) -> Result<Self, ProtocolFileError> {
        let file: ProtocolFile = toml::from_str(text).map_err(|error| {
            // The library's own words for it are an image of several lines.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let message = error.message().trim_end().to_owned();
            ProtocolFileError::Toml { line: 1 + before.matches('\n').count(), message }
        })?;
        let unknown = |what, value: &str, known: &str| ProtocolFileError::Unknown {
            what,
            value: value.to_owned(),
            known: known.to_owned(),
        };
        let template = |place, text: &str| {
            Template::parse(text).map_err(|source| ProtocolFileError::Template { place, source })
        };
        let part = |part: &PartTable| match (&part.text, &part.image, &part.assistant) {
            (Some(text), None, None) => template("message", text).map(MessagePart::Text),
            (None, Some(image), None) => {
                Attachment::from_name(image).map(MessagePart::Image).ok_or(ProtocolFileError::Part)
            }
            (None, None, Some(text)) => template("message", text).map(MessagePart::Assistant),
            _ => Err(ProtocolFileError::Part),
        };
        let format = |name: &String| {
            ImageFormat::from_extension(name)
                .filter(|format| format.is_common())
                .ok_or_else(|| unknown("image format", name, "png, jpg and webp"))
        };
        let DecodingTable { temperature, max_tokens, seed, log_probabilities, schema, extra } = file.decoding;
        let protocol = Self {
            reply: ReplyFormat::from_name(&file.reply)
                .ok_or_else(|| unknown("form of reply", &file.reply, &ReplyFormat::names()))?,
            id: file.id,
            version: file.version,
            suite: file.suite,
            title: file.title,
            system: file.system.map(|text| template("system", &text)).transpose()?,
            message: file.message.iter().map(part).collect::<Result<_, _>>()?,
            preparation: ImagePreparation {
                longest_side: file.preparation.longest_side,
                format: file.preparation.format.as_ref().map(format).transpose()?,
            },
            decoding: Decoding {
                temperature,
                max_tokens,
                seed,
                log_probabilities,
                schema: schema.map(|SchemaTable { name, json }| ReplySchema { name, schema: json }),
                extra: extra.into_iter().collect(),
            },
            judge_pin: file.judge_pin,
            max_tries: file.max_tries,
            wording_source: file.wording_source,
        };
        protocol.check().map_err(ProtocolFileError::Protocol)?;
        Ok(protocol)
    }

    /// The file from which [`JudgeProtocol::from_toml`] reads this protocol.
    ///
    /// # Errors
    /// If a number does not fit into TOML (a seed above 2^63).
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let part = |part: &MessagePart| match part {
            MessagePart::Text(template) => {
                PartTable { text: Some(template.render_source()), ..PartTable::default() }
            }
            MessagePart::Image(attachment) => {
                PartTable { image: Some(attachment.name().to_owned()), ..PartTable::default() }
            }
            MessagePart::Assistant(template) => {
                PartTable { assistant: Some(template.render_source()), ..PartTable::default() }
            }
        };
        let Decoding { temperature, max_tokens, seed, schema, log_probabilities, extra } = &self.decoding;
        let schema = schema.clone().map(|ReplySchema { name, schema }| SchemaTable { name, json: schema });
        toml::to_string_pretty(&ProtocolFile {
            id: self.id.clone(),
            version: self.version,
            suite: self.suite.clone(),
            title: self.title.clone(),
            judge_pin: self.judge_pin.clone(),
            reply: self.reply.name().to_owned(),
            max_tries: self.max_tries,
            wording_source: self.wording_source.clone(),
            system: self.system.as_ref().map(Template::render_source),
            preparation: PreparationTable {
                longest_side: self.preparation.longest_side,
                format: self.preparation.format.map(|format| format.extension().to_owned()),
            },
            decoding: DecodingTable {
                temperature: *temperature,
                max_tokens: *max_tokens,
                seed: *seed,
                log_probabilities: *log_probabilities,
                schema,
                extra: extra.iter().cloned().collect(),
            },
            message: self.message.iter().map(part).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const OWN: &str = r#"
id = "my-wise"
version = 2
suite = "wise-legacy"
title = "A shorter question"
judge_pin = "some-model"
reply = "wise-legacy"
max_tries = 1
wording_source = "mine"

[[message]]
image = "answer"

[[message]]
text = """
Does it show {prompt}? Hint: {explanation}. Answer in three lines {{so}}:
Consistency: 0, 1 or 2"""

[decoding]
temperature = 0.0
extra = { top_k = "1" }
"#;

    fn error_of(text: &str) -> String {
        let error = JudgeProtocol::from_toml(text).unwrap_err();
        let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
        format!("{error}{cause}")
    }

    #[test]
    fn a_protocol_written_is_a_protocol_read() {
        for protocol in [JudgeProtocol::reason_edit(), JudgeProtocol::from_toml(OWN).unwrap()] {
            let read = JudgeProtocol::from_toml(&protocol.to_toml().unwrap()).unwrap();
            assert_eq!((read.hash(), &read), (protocol.hash(), &protocol));
        }
    }

    #[test]
    fn every_kind_of_part_is_written_and_read() {
        let mut protocol = JudgeProtocol::from_toml(OWN).unwrap();
        let plain = protocol.hash();
        protocol.message.extend(Attachment::ALL.map(MessagePart::Image));
        protocol.message.push(MessagePart::Assistant(Template::parse("{first_reply} {{x}}").unwrap()));
        protocol.message.push(MessagePart::Text(Template::parse("{reference}{test_points}").unwrap()));
        let toml = protocol.to_toml().unwrap();
        assert!(
            toml.contains("image = \"second-answer\"")
                && toml.contains("assistant = \"{first_reply} {{x}}\"")
        );
        assert_ne!(protocol.hash(), plain);
        // WISE has none of these.
        let error = error_of(&toml);
        assert!(error.contains("{first_reply}, which cases of wise-legacy do not have"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(OWN.contains(from), "{from}");
            let error = error_of(&OWN.replace(from, to));
            assert!(error.contains(expected), "{error}");
        };
        check("version = 2", "version = 2\ncolour = 1", "unknown field `colour`");
        check("version = 2", "version = \"two\"", "line 3: invalid type: string \"two\", expected u32");
        check("version = 2", "version = 0", "version must be at least 1");
        check("title = \"A shorter question\"\n", "", "missing field `title`");
        check("{prompt}", "{instruction}", "cases of wise-legacy do not have");
        check("{prompt}", "{name}", "names {name}");
        check("image = \"answer\"", "image = \"source\"", "have no source image");
        check("image = \"answer\"", "image = \"mask\"", "every part of the message");
        check("image = \"answer\"", "image = \"answer\"\ntext = \"x\"", "every part of the message");
        check("image = \"answer\"", "image = \"reference\"", "have no reference image");
        check(
            "[[message]]\ntext",
            "[[message]]\nassistant = \"x\"\n\n[[message]]\nassistant = \"y\"\n\n[[message]]\ntext",
            "between two messages",
        );
        check("reply = \"wise-legacy\"", "reply = \"edit-scores\"", "does not belong to wise-legacy");
        check("reply = \"wise-legacy\"", "reply = \"guess\"", "invalid form of reply `guess`; available");
        check("suite = \"wise-legacy\"", "suite = \"wise\"", "no judged suite `wise`");
        check("\"1\"", "\"{\"", "is not JSON");
        check("temperature = 0.0", "temperature = nan", "temperature must be from");
        check("max_tries = 1", "max_tries = 1000", "max_tries must be from");
        check("id = \"my-wise\"", "id = \"../x\"", "must be of a-z");
    }
}
