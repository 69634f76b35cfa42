//! Reading a judge's reply.

use crate::rounds::literal::{Literal, parse_json, parse_python};

/// What a reply holds.
#[derive(Debug, Clone, PartialEq)]
pub enum MseReply {
    Object(Literal),
    /// A list, a number and so on, which cannot be used.
    Other,
}

/// Cuts any of the characters of `` ```json `` off both ends, and then reads what is left as a Python literal or else as JSON. An object inside of other
/// text is not looked for. `None` if neither can read it.
#[must_use]
pub fn parse_reply(reply: &str) -> Option<MseReply> {
    let text = reply.trim_matches(['`', 'j', 's', 'o', 'n']).trim_matches('`');
    let value = parse_python(text).or_else(|| parse_json(text))?;
    Some(if matches!(value, Literal::Map(_)) { MseReply::Object(value) } else { MseReply::Other })
}
