//! Which protocol a judge works by: the suite's own, or a file of the user's.

use std::path::Path;

use anyhow::Result;
use imgeval_suites::{
    files::SuiteFiles,
    judged::{Attachment, JudgeProtocol, MessagePart},
    registry,
    suite::SuiteRef,
};

use crate::failure::{CommandError, sentence_of};

/// Longer protocol files are refused.
const MAX_PROTOCOL_BYTES: u64 = 1 << 20;

/// The protocol with this id; `None` if no suite has it.
///
/// # Errors
/// If the script that it takes its words from was not fetched.
pub(crate) fn named_protocol(id: &str, files: &SuiteFiles) -> Result<Option<JudgeProtocol>> {
    match registry::protocols().into_iter().find(|(known, _)| *known == id) {
        Some((_, suite)) => Ok(suite.protocol(id, files)?),
        None => Ok(registry::own_cases().protocol(id, files)?),
    }
}

/// The protocol of this name or in this file, else those that the suite asks by.
///
/// # Errors
/// If the file is no protocol, or the suite's script was not fetched.
pub(crate) fn load_protocols(
    suite: SuiteRef,
    named: Option<&Path>,
    files: &SuiteFiles,
) -> Result<Vec<JudgeProtocol>> {
    if let Some(named) = named {
        return match named_protocol(&named.to_string_lossy(), files)? {
            Some(protocol) => Ok(vec![protocol]),
            None => Ok(vec![read_protocol(named)?]),
        };
    }
    let judged = suite.judged().ok_or_else(|| no_judge(suite))?;
    let asked = judged.asked.iter().map(|id| suite.protocol(id, files));
    Ok(asked.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?)
}

pub(crate) fn read_protocol(file: &Path) -> Result<JudgeProtocol> {
    let text = imgeval_files::read_hand_written(file, MAX_PROTOCOL_BYTES, "the protocol")?;
    Ok(JudgeProtocol::from_toml(&text).map_err(|error| {
        let message = format!("`{}` is no protocol: {}", file.display(), sentence_of(&error));
        CommandError::usage(message).with_hint("`imgeval protocol show reason-edit` prints one to start from")
    })?)
}

/// Refuses a protocol of another suite.
pub(crate) fn check_fits(protocol: &JudgeProtocol, suite: SuiteRef) -> Result<(), CommandError> {
    let Some(judged) = suite.judged() else { return Err(no_judge(suite)) };
    if protocol.suite == judged.protocol_suite {
        return Ok(());
    }
    let message = format!(
        "the protocol {} is for {}, and the run's suite is {}",
        protocol.label(),
        protocol.suite,
        suite.id()
    );
    Err(CommandError::usage(message))
}

/// For a run of cases without checks, which nothing can score.
pub(crate) fn no_rules() -> CommandError {
    let message = "a run of your own cases has no scoring rules: neither a detector nor a judge can score it";
    let hint = "`imgeval report` shows its images; to have them scored, give the cases checks (`imgeval init cases` writes an \
                example) and generate them into a new run";
    CommandError::usage(message).with_hint(hint)
}

/// For a judge of own cases whose checks ask none.
pub(crate) fn no_questions() -> CommandError {
    let message = "the checks of these cases ask a judge nothing: a detector decides them";
    CommandError::usage(message).with_hint("leave out --judge")
}

/// For judges who are named for a suite that they do not score.
pub(crate) fn no_judge(suite: SuiteRef) -> CommandError {
    if !suite.is_detected() {
        return no_rules();
    }
    let message = format!("{} is scored by a detector, not by a judge", suite.id());
    CommandError::usage(message).with_hint("leave out --judge")
}

/// For a suite that judges score, if none is named.
pub(crate) fn needs_judge(suite: SuiteRef) -> CommandError {
    let message = format!("the suite {} is scored by a judge", suite.id());
    let hint = "name one: --judge openai:MODEL, or --judge http://127.0.0.1:8000/v1#MODEL";
    CommandError::usage(message).with_hint(hint)
}

pub(crate) fn nobody_judged() -> CommandError {
    CommandError::nothing("nobody has judged this run yet").with_hint("run `imgeval observe RUN --judge ...`")
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
