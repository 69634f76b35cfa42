//! Which protocol a judge works by: the suite's own, or a file of the user's.

use std::path::Path;

use anyhow::Result;
use imgeval_suites::{
    judged::{Attachment, JudgeProtocol, MessagePart},
    wise::Edition,
};

use super::data::SuiteData;
use crate::{
    args::Suite,
    failure::{CommandError, sentence_of},
    text_file::read_text,
};

/// Longer protocol files are refused.
const MAX_PROTOCOL_BYTES: u64 = 1 << 20;

/// The protocol in `file`, else the suite's own.
///
/// # Errors
/// If the file is no protocol, or the suite's script was not fetched.
pub(crate) fn load_protocol(suite: Suite, file: Option<&Path>, data: &SuiteData) -> Result<JudgeProtocol> {
    match (file, suite) {
        (Some(file), _) => read_protocol(file),
        (None, Suite::Geneval) => Err(no_judge().into()),
        (None, Suite::WiseLegacy | Suite::WiseLegacyRewrite) => data.wise_protocol(Edition::Legacy),
        (None, Suite::WiseVerified) => data.wise_protocol(Edition::Verified),
        (None, Suite::ReasonEdit) => Ok(JudgeProtocol::reason_edit()),
    }
}

pub(crate) fn read_protocol(file: &Path) -> Result<JudgeProtocol> {
    let text = read_text(file, MAX_PROTOCOL_BYTES, "the protocol")?;
    Ok(JudgeProtocol::from_toml(&text).map_err(|error| {
        let message = format!("`{}` is no protocol: {}", file.display(), sentence_of(&error));
        CommandError::usage(message).with_hint("`imgeval protocol show reason-edit` prints one to start from")
    })?)
}

/// Whether this model is the one that the protocol's published scores come from. A server may put an owner before its
/// name.
pub(crate) fn is_pinned(model: &str, protocol: &JudgeProtocol) -> bool {
    model == protocol.judge_pin || model.rsplit('/').next() == Some(&protocol.judge_pin)
}

/// Refuses a protocol of another suite.
pub(crate) fn check_fits(protocol: &JudgeProtocol, suite: Suite) -> Result<(), CommandError> {
    if suite == Suite::Geneval {
        return Err(no_judge());
    }
    let of_suite = if suite == Suite::WiseLegacyRewrite { Suite::WiseLegacy } else { suite };
    if protocol.suite == of_suite.name() {
        return Ok(());
    }
    let message = format!(
        "the protocol {} is for {}, and the run's suite is {}",
        protocol.label(),
        protocol.suite,
        suite.name()
    );
    Err(CommandError::usage(message))
}

/// For a run of one's own cases, which nothing can score.
pub(crate) fn no_rules() -> CommandError {
    let message = "a run of your own cases has no scoring rules: neither a detector nor a judge can score it";
    let hint = "`imgeval report` shows its images; to have them judged, import or generate images of a suite that a judge \
                scores (wise-legacy, wise-legacy-rewrite, wise-verified or reason-edit)";
    CommandError::usage(message).with_hint(hint)
}

pub(crate) fn no_judge() -> CommandError {
    CommandError::usage("GenEval is scored by a detector, not by a judge").with_hint("leave out --judge")
}

/// The same protocol with its two images in the other order, each with the words right before it that say which one it is;
/// `None` if it does not show two, or not each of them behind words of its own.
pub(crate) fn swapped(protocol: &JudgeProtocol) -> Option<JudgeProtocol> {
    let place =
        |wanted: Attachment| protocol.message.iter().position(|part| *part == MessagePart::Image(wanted));
    let (mut first, mut second) = (place(Attachment::Source)?, place(Attachment::Answer)?);
    if first > second {
        (first, second) = (second, first);
    }
    let labelled = |at: usize, from: usize| {
        let has_label = at > from && matches!(protocol.message.get(at - 1), Some(MessagePart::Text(_)));
        has_label.then(|| at - 1..at + 1)
    };
    // The very first text is the task.
    let (one, other) = (labelled(first, 1)?, labelled(second, first + 1)?);
    let message = &protocol.message;
    let mut turned = message[..one.start].to_vec();
    turned.extend_from_slice(&message[other.clone()]);
    turned.extend_from_slice(&message[one.end..other.start]);
    turned.extend_from_slice(&message[one]);
    turned.extend_from_slice(&message[other.end..]);
    let id = format!("{}-swapped", protocol.id);
    Some(JudgeProtocol { id, message: turned, ..protocol.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapping_moves_each_image_with_its_label_and_twice_is_nothing() {
        let protocol = JudgeProtocol::reason_edit();
        let other = swapped(&protocol).unwrap();
        let images = |protocol: &JudgeProtocol| -> Vec<MessagePart> {
            protocol.message.iter().filter(|part| matches!(part, MessagePart::Image(_))).cloned().collect()
        };
        assert_eq!(
            images(&protocol),
            [MessagePart::Image(Attachment::Source), MessagePart::Image(Attachment::Answer)]
        );
        assert_eq!(
            images(&other),
            [MessagePart::Image(Attachment::Answer), MessagePart::Image(Attachment::Source)]
        );
        assert_eq!(other.message.len(), protocol.message.len());
        for (at, part) in protocol.message.iter().enumerate().skip(1) {
            if matches!(part, MessagePart::Image(_)) {
                let place = other.message.iter().position(|other| other == part).unwrap();
                assert_eq!(other.message[place - 1], protocol.message[at - 1], "the label goes along");
            }
        }
        let mut unlabelled = protocol.clone();
        unlabelled.message.remove(3);
        assert_eq!(swapped(&unlabelled), None);
        assert_eq!(swapped(&other).unwrap().message, protocol.message);
        assert_ne!(other.hash(), protocol.hash());
    }
}
