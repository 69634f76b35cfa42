//! The two protocols: wording out of the constants of the authors' `vie_prompts.py`, numbers as published.

use std::collections::BTreeMap;

use imgeval_core::{Decoding, ImageFormat};

use super::{REPOSITORY, SCRIPT_PATH, reply};
use crate::{
    judged::{Attachment, Field, ImagePreparation, JudgeProtocol, MessagePart, ProtocolError},
    wording::{Compose, Place, WordingError, WordingFiles},
};

/// The name that the protocols give as their suite.
pub(super) const PROTOCOL_SUITE: &str = "gedit";

const SCRIPT: &str = "vie_prompts.py";
const CONTEXT: Compose = named("_context_no_delimit");
const SEMANTICS: Compose = Compose::Replace(
    &Compose::Join(
        "\n",
        &[CONTEXT, named("_prompts_0shot_two_image_edit_rule"), named("_prompts_0shot_tie_rule_SC")],
    ),
    &[("<instruction>", Field::Instruction)],
);
const QUALITY: Compose = Compose::Join("\n", &[CONTEXT, named("_prompts_0shot_rule_PQ")]);

const fn named(name: &str) -> Compose<'_> {
    Compose::Of(SCRIPT, Place::named(name))
}

/// One of the two questions about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Does the edit do what was asked for, and nothing else? Asked with the source image.
    Semantics,
    /// Does the image look real and sound? Asked with the edited image alone.
    Quality,
}

/// Why a script makes no protocol.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error(transparent)]
    Wording(#[from] WordingError),
    #[error("the wording makes no protocol")]
    Protocol(#[source] ProtocolError),
}

impl Question {
    pub const ALL: [Self; 2] = [Self::Semantics, Self::Quality];

    /// The id of its protocol.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Semantics => "gedit-sc",
            Self::Quality => "gedit-pq",
        }
    }
}

/// The protocol of a question, with the wording from the text of `vie_prompts.py`.
///
/// # Errors
/// If a constant is missing or uncertain, or has no place for the instruction.
pub fn read_protocol(question: Question, script: &str) -> Result<JudgeProtocol, ScriptError> {
    let mut files = WordingFiles::default();
    files.add_python(SCRIPT, script)?;
    let (compose, title, images, reply) = match question {
        Question::Semantics => {
            let images: &[Attachment] = &[Attachment::Source, Attachment::Answer];
            (SEMANTICS, "GEdit-Bench: what the edit does (SC)", images, reply::SEMANTICS)
        }
        Question::Quality => {
            let images: &[Attachment] = &[Attachment::Answer];
            (QUALITY, "GEdit-Bench: how the image looks (PQ)", images, reply::QUALITY)
        }
    };
    let text = MessagePart::Text(compose.template(&files, &BTreeMap::new())?);
    let images = images.iter().copied().map(MessagePart::Image);
    let protocol = JudgeProtocol {
        id: question.id().to_owned(),
        version: 1,
        suite: PROTOCOL_SUITE.to_owned(),
        title: title.to_owned(),
        system: None,
        message: std::iter::once(text).chain(images).collect(),
        preparation: ImagePreparation { longest_side: None, format: Some(ImageFormat::Jpeg) },
        decoding: Decoding { max_tokens: Some(1_400), ..Decoding::default() },
        judge_pin: "gpt-4.1".to_owned(),
        reply,
        max_tries: 3,
        wording_source: format!("{SCRIPT_PATH} of {REPOSITORY}"),
    };
    protocol.check().map_err(ScriptError::Protocol)?;
    Ok(protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Own words in the form of the authors' script.
    const STAND_IN: &str = include_str!("../../tests/fixtures/wording/gedit.py");

    fn text(protocol: &JudgeProtocol, values: &BTreeMap<Field, &str>) -> String {
        protocol.message[0].template().unwrap().bind(values).unwrap()
    }

    #[test]
    fn constants_are_joined_and_the_mark_is_the_instruction() {
        let protocol = read_protocol(Question::Semantics, STAND_IN).unwrap();
        let bound = text(&protocol, &BTreeMap::from([(Field::Instruction, "add a {0} <instruction>")]));
        assert!(bound.starts_with("You are a \"harbour master\""), "{bound}");
        assert!(bound.contains("after the tide.\n\n\nFrom 0 to 10"), "{bound}");
        assert!(bound.ends_with("The order: add a {0} <instruction>\n"), "{bound}");
        let images = [Attachment::Source, Attachment::Answer].map(MessagePart::Image);
        assert_eq!(protocol.message[1..], images);
        let protocol = read_protocol(Question::Quality, STAND_IN).unwrap();
        assert!(text(&protocol, &BTreeMap::new()).ends_with("does it look painted? {0}\n"));
        assert_eq!(protocol.message[1..], [MessagePart::Image(Attachment::Answer)]);
        assert_eq!(protocol.decoding.to_string(), "max_tokens 1400");
    }

    #[test]
    fn another_script_is_refused() {
        read_protocol(Question::Quality, "_context_no_delimit = 'a'").unwrap_err();
        let no_mark = STAND_IN.replace("<instruction>", "<order>");
        read_protocol(Question::Semantics, &no_mark).unwrap_err();
    }
}
