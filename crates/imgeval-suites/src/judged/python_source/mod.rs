//! Cuts the messages to a judge out of a benchmark's Python script, without running it.
//!
//! Looked for is a list of dicts with `role` and `content`: what a function returns, what is assigned, or the argument
//! `messages` of a call. Read are string literals of every kind, side by side, added, joined, stripped, formatted with
//! named or numbered fields; constants of the module and of the function; fields of the case by the keys
//! `Prompt` and `Explanation`; and images as data URLs. Anything else that would become text is an error that says
//! what was found in which line.

mod evaluate;
mod expression;
mod scope;
mod text;
mod tokens;

use imgeval_core::Decoding;

use super::{
    Field, ImagePreparation, JudgeProtocol, MessagePart, ProtocolError, ReplyFormat, Strictness, Template,
};

/// What a script would send, apart from the values of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractedMessages {
    pub system: Option<Template>,
    /// Of the user.
    pub message: Vec<MessagePart>,
}

#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error("the script is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
    #[error("line {line} holds {what}")]
    Syntax { line: usize, what: &'static str },
    #[error("line {line} makes a message with {what}, which cannot be read without running the script")]
    Unsupported { line: usize, what: String },
    #[error("the script holds no list of messages with `role` and `content`")]
    NoMessages,
    #[error("the script holds several lists of messages that differ, in lines {}", join(.lines))]
    SeveralMessages { lines: Vec<usize> },
    #[error("the messages do not name {field}")]
    NoField { field: Field },
    #[error("the messages make no protocol")]
    Protocol(#[source] ProtocolError),
}

fn join(lines: &[usize]) -> String {
    let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
    lines.join(", ")
}

/// # Errors
/// If there is no such list, several that differ, or one that cannot be read.
pub fn extract_messages(source: &str) -> Result<ExtractedMessages, ExtractError> {
    let scopes = scope::split_scopes(&tokens::split_lines(source)?);
    evaluate::find_messages(&scopes)
}

/// The paper's protocol, with the wording of `WISE_legacy/gpt_eval.py`; the numbers are those of METHODS 3.1.
///
/// # Errors
/// If the wording cannot be cut out of the script or does not name prompt, explanation and image.
pub fn wise_legacy_protocol(script: &str) -> Result<JudgeProtocol, ExtractError> {
    let protocol = JudgeProtocol {
        id: "wise-legacy".to_owned(),
        title: "WISE, the paper's protocol".to_owned(),
        decoding: Decoding { temperature: Some(0.0), max_tokens: Some(2_000), ..Decoding::default() },
        judge_pin: "gpt-4o-2024-05-13".to_owned(),
        reply: ReplyFormat::WiseLegacy(Strictness::Official),
        wording_source: "WISE_legacy/gpt_eval.py of PKU-YuanGroup/WISE".to_owned(),
        ..wise_protocol(script, "wise-legacy")?
    };
    checked(protocol)
}

/// The protocol of WISE_Verified, with the wording of `vllm_eval.py`; the numbers are those of METHODS 3.2.
///
/// # Errors
/// As [`wise_legacy_protocol`].
pub fn wise_verified_protocol(script: &str) -> Result<JudgeProtocol, ExtractError> {
    let no_thoughts = ("chat_template_kwargs".to_owned(), r#"{"enable_thinking": false}"#.to_owned());
    let protocol = JudgeProtocol {
        id: "wise-verified".to_owned(),
        title: "WISE_Verified".to_owned(),
        decoding: Decoding {
            temperature: Some(0.0),
            max_tokens: Some(500),
            extra: vec![no_thoughts],
            ..Decoding::default()
        },
        judge_pin: "Qwen3.5-35B-A3B".to_owned(),
        reply: ReplyFormat::WiseVerified(Strictness::Official),
        wording_source: "vllm_eval.py of PKU-YuanGroup/WISE".to_owned(),
        ..wise_protocol(script, "wise-verified")?
    };
    checked(protocol)
}

fn wise_protocol(script: &str, suite: &str) -> Result<JudgeProtocol, ExtractError> {
    let ExtractedMessages { system, message } = extract_messages(script)?;
    Ok(JudgeProtocol {
        id: String::new(),
        version: 1,
        suite: suite.to_owned(),
        title: String::new(),
        system,
        message,
        preparation: ImagePreparation::default(),
        decoding: Decoding::default(),
        judge_pin: String::new(),
        reply: ReplyFormat::EditScores,
        max_tries: 3,
        wording_source: String::new(),
    })
}

fn checked(protocol: JudgeProtocol) -> Result<JudgeProtocol, ExtractError> {
    let suite = protocol.check().map_err(ExtractError::Protocol)?;
    let texts = protocol.message.iter().filter_map(|part| match part {
        MessagePart::Text(template) => Some(template),
        MessagePart::Image(_) => None,
    });
    let named: Vec<Field> = texts.chain(&protocol.system).flat_map(Template::fields).collect();
    match suite.fields.iter().find(|field| !named.contains(field)) {
        Some(field) => Err(ExtractError::NoField { field: *field }),
        None => Ok(protocol),
    }
}
