//! Lists of messages that a function returns: dicts with `role` and `content`.

use super::source::{Found, PythonSource, unreadable};
use crate::wording::{Node, Piece, Place, Text, Value, WordingError};

/// Longer lists are no question to a judge.
const MAX_ITEMS: usize = 64;

/// Of more functions only the first are looked at.
const MAX_FUNCTIONS: usize = 200;

/// What a script would send, apart from the values of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMessages {
    pub system: Option<Text>,
    /// Of the user.
    pub parts: Vec<FoundPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundPart {
    Text(Text),
    /// A data URL whose data are put in.
    Image,
}

impl PythonSource {
    /// The functions that return a list of messages, by their names.
    pub fn message_functions(&self) -> impl Iterator<Item = &str> {
        let functions = self.scopes.iter().filter(|scope| scope.is_function).take(MAX_FUNCTIONS);
        functions.map(|scope| scope.path.as_str()).filter(|name| {
            let list = self.find(&Place::returned(name));
            list.and_then(|list| self.items(&list))
                .is_ok_and(|items| items.first().is_some_and(|item| self.member(item, "role").is_ok()))
        })
    }

    /// The messages at a place.
    ///
    /// # Errors
    /// If no such list stands there, or one with a part that is neither a text nor an image as a data URL.
    pub fn messages(&self, place: &Place) -> Result<FoundMessages, WordingError> {
        let (mut system, mut parts) = (None, None);
        for message in self.items(&self.find(place)?)? {
            let role = self.member(&message, "role")?;
            let content = self.member(&message, "content")?;
            match constant(&role) {
                Some("system" | "developer") if system.is_none() && parts.is_none() => {
                    let mut text = Text::default();
                    for part in self.parts(content)? {
                        match part {
                            FoundPart::Text(more) => text.append(more),
                            FoundPart::Image => return Err(odd(&message, "an image for the system")),
                        }
                    }
                    system = Some(text);
                }
                Some("user") if parts.is_none() => parts = Some(self.parts(content)?),
                Some(role) => return Err(odd(&message, &format!("one more message of role `{role}`"))),
                None => return Err(odd(&message, "a role that is not constant")),
            }
        }
        let parts = parts.ok_or_else(|| WordingError::Missing { name: "message of the user".to_owned() })?;
        Ok(FoundMessages { system, parts })
    }

    fn parts(&self, content: Found) -> Result<Vec<FoundPart>, WordingError> {
        if let Value::Text(text) = content.node.value {
            return Ok(vec![FoundPart::Text(text)]);
        }
        let mut parts = Vec::new();
        for part in self.items(&content)? {
            let kind = self.member(&part, "type")?;
            parts.push(match constant(&kind) {
                Some("text") => match self.member(&part, "text")?.node {
                    Node { value: Value::Text(text), .. } => FoundPart::Text(text),
                    node => return Err(unreadable(MESSAGE, &node)),
                },
                Some("image_url") => {
                    let url = self.member(&part, "image_url")?;
                    let url =
                        if let Value::Map(_) = url.node.value { self.member(&url, "url")? } else { url };
                    if !is_data_url(&url.node) {
                        return Err(odd(&url, "an image that is not a data URL"));
                    }
                    FoundPart::Image
                }
                Some(kind) => return Err(odd(&part, &format!("a part of type `{kind}`"))),
                None => return Err(odd(&part, "a part whose type is not constant")),
            });
        }
        Ok(parts)
    }

    fn items(&self, list: &Found) -> Result<Vec<Found>, WordingError> {
        match &list.node.value {
            Value::List(items) if items.len() <= MAX_ITEMS => {
                let item =
                    |node: &Node| self.resolve(Found { scope: list.scope, node: node.clone() }, MESSAGE);
                items.iter().map(item).collect()
            }
            _ => Err(unreadable(MESSAGE, &list.node)),
        }
    }

    fn member(&self, map: &Found, key: &str) -> Result<Found, WordingError> {
        let Value::Map(members) = &map.node.value else { return Err(unreadable(MESSAGE, &map.node)) };
        let member = members.iter().find(|(name, _)| name == key);
        let (_, node) = member.ok_or_else(|| odd(map, &format!("no `{key}`")))?;
        self.resolve(Found { scope: map.scope, node: node.clone() }, MESSAGE)
    }
}

const MESSAGE: &str = "a message";

fn odd(found: &Found, what: &str) -> WordingError {
    WordingError::Unreadable { name: MESSAGE.to_owned(), line: found.node.line, what: what.to_owned() }
}

fn constant(found: &Found) -> Option<&str> {
    match &found.node.value {
        Value::Text(text) => text.constant(),
        _ => None,
    }
}

fn is_data_url(url: &Node) -> bool {
    let Value::Text(text) = &url.value else { return false };
    match text.pieces() {
        [Piece::Literal(head), Piece::Hole(_)] => {
            head.starts_with("data:image/") && head.ends_with(";base64,")
        }
        _ => false,
    }
}
