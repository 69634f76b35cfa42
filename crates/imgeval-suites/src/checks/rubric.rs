//! Checks by a rubric: a judge is asked by a suite's own protocol, and its score is used.

use serde_json::{Map, Value};

use super::{Check, CheckedCase, Kind, Needs, member};
use crate::{
    judged::{Attachment, Field},
    registry,
};

#[derive(Debug)]
pub(super) struct Rubric;

impl Kind for Rubric {
    fn name(&self) -> &'static str {
        "rubric"
    }

    fn members(&self) -> &'static [&'static str] {
        &["protocol", "at_least"]
    }

    fn read(&self, members: &Map<String, Value>, about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        let protocol = member(members, "protocol")?;
        let protocols = registry::protocols();
        let Some((id, suite)) = protocols.iter().find(|(known, _)| *known == protocol) else {
            let known: Vec<&str> = protocols.iter().map(|(id, _)| *id).collect();
            let protocol = protocol.escape_debug();
            return Err(format!("unknown protocol `{protocol}`; available: {}", known.join(", ")));
        };
        // What a suite's wording may name and show, as far as cases of one's own can have it.
        for field in suite.judged().map_or(&[][..], |facts| facts.fields) {
            match field {
                Field::Prompt | Field::Instruction => {}
                Field::Explanation if about.has_explanation => {}
                Field::Explanation => {
                    return Err(format!("the protocol `{id}` needs `explanation` in addition to the prompt"));
                }
                _ => {
                    return Err(format!(
                        "the protocol `{id}` names {field}, which your own cases do not have"
                    ));
                }
            }
        }
        for attachment in suite.judged().map_or(&[][..], |facts| facts.attachments) {
            match attachment {
                Attachment::Answer => {}
                Attachment::Source if about.has_image => {}
                Attachment::Source => {
                    return Err(format!("the protocol `{id}` needs `images` in addition to the prompt"));
                }
                _ => {
                    let shown = attachment.title();
                    return Err(format!(
                        "the protocol `{id}` shows a {shown}, which your own cases do not have"
                    ));
                }
            }
        }
        let at_least = match members.get("at_least") {
            None => None,
            Some(value) => {
                let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
                Some(share.ok_or("`at_least` must be a number from 0 to 1")?)
            }
        };
        Ok(Box::new(RubricCheck { protocol: id, at_least }))
    }
}

#[derive(Debug)]
struct RubricCheck {
    protocol: &'static str,
    /// The score that holds.
    at_least: Option<f64>,
}

impl Check for RubricCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Reply(self.protocol)
    }

    fn holds(&self, value: f64) -> bool {
        // Tenths of whole numbers differ in the last digits.
        value + 1e-9 >= self.at_least.unwrap_or(1.0)
    }

    fn can_hold(&self) -> bool {
        self.at_least.is_some()
    }
}
