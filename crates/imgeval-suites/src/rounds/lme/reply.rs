//! Finding the object in a judge's reply.

use crate::rounds::literal::{Literal, parse_json, parse_python};

/// The first reading of the reply that is an object: the whole reply as JSON, the whole as a Python literal, and then the part from the
/// first `{` to the last `}` in both ways. `None` if none is, as with two objects beside each other.
#[must_use]
pub fn parse_reply(reply: &str) -> Option<Literal> {
    let span = match (reply.find('{'), reply.rfind('}')) {
        (Some(first), Some(last)) if first < last => Some(&reply[first..=last]),
        _ => None,
    };
    [Some(reply), span].into_iter().flatten().find_map(|text| {
        let is_object = |value: &Literal| matches!(value, Literal::Map(_));
        parse_json(text).filter(is_object).or_else(|| parse_python(text).filter(is_object))
    })
}
