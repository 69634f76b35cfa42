//! What people say of an image of one's own cases: whether it shows what was asked.

use crate::judged::{ReplyReader, Scores, Unparsed};

/// One digit: 0 or 1.
#[derive(Debug)]
pub(crate) struct Holds;

impl ReplyReader for Holds {
    fn name(&self) -> &'static str {
        "holds"
    }

    fn scale(&self) -> &'static [(&'static str, f64)] {
        &[("holds", 1.0)]
    }

    fn questions(&self) -> &'static [&'static str] {
        &["Does the image show what was asked? 0 no, 1 yes"]
    }

    fn render(&self, values: &[f64]) -> String {
        values.first().copied().unwrap_or_default().to_string()
    }

    fn parse(&self, reply: &str) -> Result<Scores, Unparsed> {
        let value = match reply.trim() {
            "0" => 0.0,
            "1" => 1.0,
            _ => return Err(Unparsed { reason: "neither 0 nor 1".to_owned() }),
        };
        Ok(Scores { values: vec![("holds", value)], value, notes: Vec::new() })
    }
}
