//! The protocols of the two editions: wording out of the fetched scripts, numbers as published.

use imgeval_core::Decoding;

use super::Edition;
use crate::{
    judged::{
        Attachment, Field, ImagePreparation, JudgeProtocol, MessagePart, ProtocolError, ReplyFormat,
        Strictness, Template,
    },
    wording::{
        FoundMessages, FoundPart, Hole, Piece, Place, PythonSource, Text, WordingError, field_of_hole,
    },
};

/// The function of both scripts that returns the messages.
const FUNCTION: &str = "build_evaluation_messages";

/// By the keys of the case's record.
const HOLES: [(&str, Field); 2] = [("['Prompt']", Field::Prompt), ("['Explanation']", Field::Explanation)];

/// Why a script makes no protocol.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error(transparent)]
    Wording(#[from] WordingError),
    #[error("the script has several functions that return messages: {}", names.join(", "))]
    SeveralFunctions { names: Vec<String> },
    #[error("the messages must show one image, not {n}")]
    Images { n: usize },
    #[error("the messages do not name {field}")]
    NoField { field: Field },
    #[error("the messages do not form a protocol")]
    Protocol(#[source] ProtocolError),
}

/// The protocol of an edition, with the wording of its script: `WISE_legacy/gpt_eval.py` or `vllm_eval.py`.
///
/// # Errors
/// If the wording is not certain or does not name prompt, explanation and image.
pub fn read_protocol(edition: Edition, script: &str) -> Result<JudgeProtocol, ScriptError> {
    let (system, message) = read_messages(script)?;
    let decoding = Decoding { temperature: Some(0.0), ..Decoding::default() };
    let protocol = match edition {
        Edition::Legacy => JudgeProtocol {
            id: edition.name().to_owned(),
            version: 1,
            suite: edition.name().to_owned(),
            title: "WISE, the paper's protocol".to_owned(),
            system,
            message,
            preparation: ImagePreparation::default(),
            decoding: Decoding { max_tokens: Some(2_000), ..decoding },
            judge_pin: "gpt-4o-2024-05-13".to_owned(),
            reply: ReplyFormat::wise_legacy(Strictness::Official),
            max_tries: 3,
            wording_source: "WISE_legacy/gpt_eval.py of PKU-YuanGroup/WISE".to_owned(),
        },
        Edition::Verified => JudgeProtocol {
            id: edition.name().to_owned(),
            version: 1,
            suite: edition.name().to_owned(),
            title: "WISE_Verified".to_owned(),
            system,
            message,
            preparation: ImagePreparation::default(),
            decoding: Decoding {
                max_tokens: Some(500),
                extra: vec![("chat_template_kwargs".to_owned(), r#"{"enable_thinking": false}"#.to_owned())],
                ..decoding
            },
            judge_pin: "Qwen3.5-35B-A3B".to_owned(),
            reply: ReplyFormat::wise_verified(Strictness::Official),
            max_tries: 3,
            wording_source: "vllm_eval.py of PKU-YuanGroup/WISE".to_owned(),
        },
    };
    let suite = protocol.check().map_err(ScriptError::Protocol)?;
    let texts = protocol.message.iter().filter_map(MessagePart::template);
    let named: Vec<Field> = texts.chain(&protocol.system).flat_map(Template::fields).collect();
    match suite.fields.iter().find(|field| !named.contains(field)) {
        Some(field) => Err(ScriptError::NoField { field: *field }),
        None => Ok(protocol),
    }
}

/// System text and message. Scripts of other versions may name the function otherwise.
fn read_messages(script: &str) -> Result<(Option<Template>, Vec<MessagePart>), ScriptError> {
    let source = PythonSource::parse(script)?;
    let names: Vec<&str> = source.message_functions().collect();
    let function = match names.as_slice() {
        names if names.contains(&FUNCTION) => FUNCTION,
        [] => FUNCTION,
        [only] => only,
        several => {
            return Err(ScriptError::SeveralFunctions {
                names: several.iter().map(|name| (*name).to_owned()).collect(),
            });
        }
    };
    let FoundMessages { system, parts } = source.messages(&Place::returned(function))?;
    let n = parts.iter().filter(|part| **part == FoundPart::Image).count();
    if n != 1 {
        return Err(ScriptError::Images { n });
    }
    let part = |part: &FoundPart| match part {
        FoundPart::Text(text) => template(text).map(MessagePart::Text),
        FoundPart::Image => Ok(MessagePart::Image(Attachment::Answer)),
    };
    let message = parts.iter().map(part).collect::<Result<_, _>>()?;
    Ok((system.as_ref().map(template).transpose()?, message))
}

fn template(text: &Text) -> Result<Template, WordingError> {
    let mut template = Template::default();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(text) => template.push_literal(text),
            Piece::Hole(hole) => {
                template.push_field(field_of_hole(hole, &HOLES).ok_or_else(|| unknown(hole))?)
            }
        }
    }
    Ok(template)
}

fn unknown(hole: &Hole) -> WordingError {
    WordingError::Hole { name: "the message".to_owned(), hole: hole.expression.clone(), line: hole.line }
}
