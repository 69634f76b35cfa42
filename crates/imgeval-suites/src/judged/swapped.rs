//! A protocol with its images in the other order, which shows whether a judge favors a place.

use super::{Attachment, JudgeProtocol, MessagePart};

/// The same protocol with its two images in the other order, each with the words right before it that say which one it is;
/// `None` if it does not show two, or not each of them behind words of its own.
#[must_use]
pub fn swapped(protocol: &JudgeProtocol) -> Option<JudgeProtocol> {
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
