//! From expressions to messages: texts with fields, and images.

use std::cell::Cell;

use super::{
    ExtractError, ExtractedMessages,
    expression::{self, Argument, Expression, Node},
    scope::{Change, Scope},
    text::{LiteralPiece, decode},
};
use crate::{
    judged::{Attachment, Field, MessagePart, Template},
    python_text::is_blank,
};

/// Names that stand for names need not go deeper.
const MAX_DEPTH: usize = 60;

/// A text that is added to itself again and again would grow without bounds.
const MAX_STEPS: usize = 200_000;
const MAX_TEXT_BYTES: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Field(Field),
    /// A value that is known only when the script runs.
    Opaque {
        line: usize,
        what: String,
    },
}

type Text = Vec<Piece>;

/// # Errors
/// If there is no list of messages, several that differ, or one that cannot be read.
pub(super) fn find_messages(scopes: &[Scope]) -> Result<ExtractedMessages, ExtractError> {
    let Some(module) = scopes.first() else { return Err(ExtractError::NoMessages) };
    let mut found: Vec<(usize, ExtractedMessages)> = Vec::new();
    let mut first_error = None;
    let steps = Cell::new(0);
    for scope in scopes {
        for candidate in &scope.candidates {
            let reader = Reader { scope, module, steps: &steps };
            let Some(list) = reader.message_list(candidate) else { continue };
            match reader.read_messages(&list) {
                Ok(messages) if found.iter().any(|(_, other)| *other == messages) => {}
                Ok(messages) => found.push((candidate.line, messages)),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
    }
    match (found.len(), first_error) {
        (_, Some(error)) => Err(error),
        (0, None) => Err(ExtractError::NoMessages),
        (1, None) => Ok(found.remove(0).1),
        (_, None) => {
            Err(ExtractError::SeveralMessages { lines: found.into_iter().map(|(line, _)| line).collect() })
        }
    }
}

struct Reader<'a> {
    scope: &'a Scope,
    module: &'a Scope,
    steps: &'a Cell<usize>,
}

fn unsupported<T>(line: usize, what: impl Into<String>) -> Result<T, ExtractError> {
    Err(ExtractError::Unsupported { line, what: what.into() })
}

impl<'a> Reader<'a> {
    /// The statements that make a name's value, if it is a constant of the function or the module.
    fn definition(&self, name: &str) -> Option<&'a [super::scope::Assignment]> {
        if self.scope.parameters.contains(name) && !self.scope.assignments.contains_key(name) {
            return None;
        }
        let found = self.scope.assignments.get(name).or_else(|| self.module.assignments.get(name))?;
        Some(found)
    }

    /// What a name stands for, through other names; the expression itself if it is no name.
    fn resolve(&self, node: &'a Node) -> Result<Option<&'a Node>, ExtractError> {
        let mut node = node;
        for _ in 0..MAX_DEPTH {
            let Expression::Name(name) = &node.expression else { return Ok(Some(node)) };
            let Some(definition) = self.definition(name) else { return Ok(None) };
            match definition {
                [only] if only.change == Change::Set => node = &only.value,
                _ => return unsupported(node.line, format!("`{name}`, which has more than one value")),
            }
        }
        unsupported(node.line, "names that stand for each other")
    }

    /// The elements of a list of messages; `None` if it is none.
    fn message_list(&self, node: &'a Node) -> Option<Vec<&'a Node>> {
        let items = self.list_items(node, 0)?;
        let is_message = |item: &&Node| {
            let Ok(Some(Node { expression: Expression::Dict(members), .. })) = self.resolve(item) else {
                return false;
            };
            members.iter().any(|(key, _)| self.constant(key).is_some_and(|key| key == "role"))
        };
        items.iter().any(is_message).then_some(items)
    }

    fn list_items(&self, node: &'a Node, depth: usize) -> Option<Vec<&'a Node>> {
        if depth > MAX_DEPTH || self.is_beyond_steps() {
            return None;
        }
        match &node.expression {
            Expression::List(items) => Some(items.iter().collect()),
            Expression::Add(left, right) => {
                let mut items = self.list_items(left, depth + 1)?;
                items.extend(self.list_items(right, depth + 1)?);
                Some(items)
            }
            Expression::Name(name) => {
                let (first, more) = self.definition(name)?.split_first()?;
                let mut items = self.list_items(&first.value, depth + 1)?;
                for assignment in more {
                    match assignment.change {
                        _ if assignment.is_nested => return None,
                        Change::Append => items.push(&assignment.value),
                        Change::Extend => items.extend(self.list_items(&assignment.value, depth + 1)?),
                        Change::Set => return None,
                    }
                }
                Some(items)
            }
            _ => None,
        }
    }

    fn read_messages(&self, items: &[&'a Node]) -> Result<ExtractedMessages, ExtractError> {
        let (mut system, mut message) = (None, None);
        for item in items {
            let Some(Node { line, expression: Expression::Dict(members) }) = self.resolve(item)? else {
                return unsupported(item.line, "an element that is no dict");
            };
            let role = self.member(members, "role").and_then(|role| self.constant(role));
            let Some(content) = self.member(members, "content") else {
                return unsupported(*line, "no `content`");
            };
            match role.as_deref() {
                Some("system" | "developer") if system.is_none() && message.is_none() => {
                    let mut text = Vec::new();
                    for part in self.read_content(content)? {
                        match part {
                            Part::Text(more) => text.extend(more),
                            Part::Image => return unsupported(*line, "an image for the system"),
                        }
                    }
                    system = Some(template(text)?);
                }
                Some("user") if message.is_none() => {
                    let read = |part| match part {
                        Part::Text(text) => template(text).map(MessagePart::Text),
                        Part::Image => Ok(MessagePart::Image(Attachment::Answer)),
                    };
                    let parts = self.read_content(content)?;
                    message = Some(parts.into_iter().map(read).collect::<Result<Vec<_>, _>>()?);
                }
                Some(role) => return unsupported(*line, format!("one more message of role `{role}`")),
                None => return unsupported(*line, "a role that is no constant"),
            }
        }
        let Some(message) = message else { return Err(ExtractError::NoMessages) };
        Ok(ExtractedMessages { system, message })
    }

    fn member(&self, members: &'a [(Node, Node)], key: &str) -> Option<&'a Node> {
        let is_key = |(node, _): &&(Node, Node)| self.constant(node).is_some_and(|name| name == key);
        members.iter().find(is_key).map(|(_, value)| value)
    }

    /// The content of a message: a text, or a list of parts.
    fn read_content(&self, content: &'a Node) -> Result<Vec<Part>, ExtractError> {
        let Some(items) = self.list_items(content, 0) else {
            return Ok(vec![Part::Text(self.text(content, 0)?)]);
        };
        let mut parts = Vec::new();
        for item in items {
            let Some(Node { line, expression: Expression::Dict(members) }) = self.resolve(item)? else {
                return unsupported(item.line, "a part that is no dict");
            };
            let kind = self.member(members, "type").and_then(|kind| self.constant(kind));
            match kind.as_deref() {
                Some("text" | "input_text") => {
                    let Some(text) = self.member(members, "text") else {
                        return unsupported(*line, "a part without `text`");
                    };
                    parts.push(Part::Text(self.text(text, 0)?));
                }
                Some("image_url" | "input_image") => {
                    let Some(mut url) = self.member(members, "image_url") else {
                        return unsupported(*line, "a part without `image_url`");
                    };
                    if let Some(Node { expression: Expression::Dict(members), .. }) = self.resolve(url)? {
                        match self.member(members, "url") {
                            Some(inner) => url = inner,
                            None => return unsupported(*line, "an image without `url`"),
                        }
                    }
                    self.check_image(url)?;
                    parts.push(Part::Image);
                }
                Some(kind) => return unsupported(*line, format!("a part of type `{kind}`")),
                None => return unsupported(*line, "a part whose type is no constant"),
            }
        }
        Ok(parts)
    }

    /// An image is a data URL whose data are known only when the script runs, or such a URL as a whole.
    fn check_image(&self, url: &'a Node) -> Result<(), ExtractError> {
        let pieces = self.text(url, 0)?;
        let known: String = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let has_fields = pieces.iter().any(|piece| matches!(piece, Piece::Field(_)));
        let ends_opaque = matches!(pieces.last(), Some(Piece::Opaque { .. }));
        let is_data_url = known.starts_with("data:") && known.ends_with(";base64,");
        if !has_fields && ends_opaque && (is_data_url || pieces.len() == 1) {
            return Ok(());
        }
        unsupported(url.line, "an image that is no data URL")
    }

    /// A text without fields.
    fn constant(&self, node: &'a Node) -> Option<String> {
        let mut constant = String::new();
        for piece in self.text(node, 0).ok()? {
            match piece {
                Piece::Literal(text) => constant.push_str(&text),
                Piece::Field(_) | Piece::Opaque { .. } => return None,
            }
        }
        Some(constant)
    }

    fn is_beyond_steps(&self) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() > MAX_STEPS
    }

    fn text(&self, node: &Node, depth: usize) -> Result<Text, ExtractError> {
        let mut pieces = self.unbounded_text(node, depth)?;
        pieces.retain(|piece| *piece != Piece::Literal(String::new()));
        let length = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Field(_) | Piece::Opaque { .. } => 1,
        };
        if pieces.iter().map(length).sum::<usize>() > MAX_TEXT_BYTES {
            return unsupported(node.line, "a text of more than a mebibyte");
        }
        Ok(pieces)
    }

    fn unbounded_text(&self, node: &Node, depth: usize) -> Result<Text, ExtractError> {
        let line = node.line;
        if depth > MAX_DEPTH || self.is_beyond_steps() {
            return unsupported(line, "names that stand for each other");
        }
        let opaque = |what: &str| Ok(vec![Piece::Opaque { line, what: what.to_owned() }]);
        match &node.expression {
            Expression::Text(texts) => {
                let mut pieces = Vec::new();
                for (line, token) in texts {
                    for piece in decode(token, *line)? {
                        match piece {
                            LiteralPiece::Text(text) => pieces.push(Piece::Literal(text)),
                            LiteralPiece::Placeholder { line, tokens } => {
                                pieces.extend(self.text(&expression::parse(&tokens, line)?, depth + 1)?);
                            }
                        }
                    }
                }
                Ok(pieces)
            }
            Expression::Name(name) => self.name(name, line, depth),
            Expression::Add(left, right) => {
                let mut pieces = self.text(left, depth + 1)?;
                pieces.extend(self.text(right, depth + 1)?);
                Ok(pieces)
            }
            Expression::Subscript(_, key) => Ok(vec![self.case_value(key, line, depth)]),
            Expression::Call(function, arguments) => match &function.expression {
                Expression::Attribute(base, method) => self.method(base, method, arguments, line, depth),
                Expression::Name(name) if name == "str" => match arguments.as_slice() {
                    [Argument { name: None, value }] => self.text(value, depth + 1),
                    _ => opaque("a call of `str`"),
                },
                Expression::Name(name) => opaque(&format!("a call of `{name}`")),
                _ => opaque("a call"),
            },
            // A constant of the class, which stands with those of the module.
            Expression::Attribute(base, name)
                if matches!(&base.expression, Expression::Name(base) if base == "self" || base == "cls")
                    && self.module.assignments.contains_key(name) =>
            {
                Reader { scope: self.module, ..*self }.name(name, line, depth)
            }
            Expression::Attribute(_, name) => opaque(&format!("the attribute `{name}`")),
            Expression::List(_) => opaque("a list"),
            Expression::Dict(_) => opaque("a dict"),
            Expression::Other(what) => opaque(what),
        }
    }

    fn name(&self, name: &str, line: usize, depth: usize) -> Result<Text, ExtractError> {
        let Some(definition) = self.definition(name) else {
            // A function may be handed the values themselves.
            let is_parameter = self.scope.parameters.contains(name);
            return Ok(vec![match name {
                "prompt" | "prompt_text" if is_parameter => Piece::Field(Field::Prompt),
                "explanation" | "explanation_text" if is_parameter => Piece::Field(Field::Explanation),
                _ => Piece::Opaque { line, what: format!("`{name}`") },
            }]);
        };
        let mut pieces = Vec::new();
        for (index, assignment) in definition.iter().enumerate() {
            let is_first = index == 0;
            match assignment.change {
                Change::Set if is_first => {}
                Change::Extend if !is_first && !assignment.is_nested => {}
                _ => {
                    let what = format!("`{name}`, which has another value from line {} on", assignment.line);
                    return Ok(vec![Piece::Opaque { line, what }]);
                }
            }
            pieces.extend(self.text(&assignment.value, depth + 1)?);
        }
        Ok(pieces)
    }

    /// A value of the case by its key in the data files.
    fn case_value(&self, key: &Node, line: usize, depth: usize) -> Piece {
        let what = match self.text(key, depth + 1).as_deref() {
            Ok([Piece::Literal(key)]) => match key.as_str() {
                "Prompt" => return Piece::Field(Field::Prompt),
                "Explanation" => return Piece::Field(Field::Explanation),
                _ => format!("the key `{key}`, which is neither `Prompt` nor `Explanation`"),
            },
            _ => "a key that is no constant".to_owned(),
        };
        Piece::Opaque { line, what }
    }

    fn method(
        &self,
        base: &Node,
        method: &str,
        arguments: &[Argument],
        line: usize,
        depth: usize,
    ) -> Result<Text, ExtractError> {
        let positional: Option<Vec<&Node>> =
            arguments.iter().map(|argument| argument.name.is_none().then_some(&argument.value)).collect();
        let positional = positional.as_deref();
        match (method, positional) {
            // The data have every key, so a default never shows.
            ("get", Some([key] | [key, _])) => Ok(vec![self.case_value(key, line, depth)]),
            // The values of the cases have no blanks around them, which reading them checks.
            ("strip", Some([])) => Ok(trim(self.text(base, depth + 1)?, true, true)),
            ("lstrip", Some([])) => Ok(trim(self.text(base, depth + 1)?, true, false)),
            ("rstrip", Some([])) => Ok(trim(self.text(base, depth + 1)?, false, true)),
            ("replace", Some([from, to])) => {
                let from = self.text(from, depth + 1)?;
                let from = match from.as_slice() {
                    [Piece::Literal(from)] if !from.is_empty() => from,
                    _ => return unsupported(line, "`replace` of no constant"),
                };
                let to = self.text(to, depth + 1)?;
                Ok(replace(self.text(base, depth + 1)?, from, &to))
            }
            ("join", Some([parts])) => {
                let separator = self.text(base, depth + 1)?;
                let Expression::List(items) = &parts.expression else {
                    return unsupported(line, "`join` of something else than a list in place");
                };
                let mut pieces = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        pieces.extend(separator.clone());
                    }
                    pieces.extend(self.text(item, depth + 1)?);
                }
                Ok(pieces)
            }
            ("format", _) => self.format(base, arguments, line, depth),
            _ => Ok(vec![Piece::Opaque { line, what: format!("a call of `{method}`") }]),
        }
    }

    /// `str.format` with fields `{name}`, `{0}` and `{}`.
    fn format(
        &self,
        base: &Node,
        arguments: &[Argument],
        line: usize,
        depth: usize,
    ) -> Result<Text, ExtractError> {
        let mut pattern = String::new();
        for piece in self.text(base, depth + 1)? {
            let Piece::Literal(text) = piece else {
                return unsupported(line, "`format` of a text that is no constant");
            };
            pattern.push_str(&text);
        }
        let mut pieces = Vec::new();
        let mut n_unnamed = 0;
        let mut rest = pattern.as_str();
        while let Some(brace) = rest.find(['{', '}']) {
            pieces.push(Piece::Literal(rest[..brace].to_owned()));
            rest = &rest[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                pieces.push(Piece::Literal(rest[..1].to_owned()));
                rest = &rest[2..];
                continue;
            }
            let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
                return unsupported(line, "`format` with a brace alone");
            };
            rest = after;
            let index = if name.is_empty() { Some(n_unnamed) } else { name.parse().ok() };
            n_unnamed += usize::from(name.is_empty());
            let value = match index {
                Some(index) => arguments.get(index).filter(|argument| argument.name.is_none()),
                None => arguments.iter().find(|argument| argument.name.as_deref() == Some(name)),
            };
            match value {
                Some(argument) => pieces.extend(self.text(&argument.value, depth + 1)?),
                None => {
                    let name: String = name.chars().take(40).collect();
                    return unsupported(line, format!("the field `{{{name}}}` of `format`"));
                }
            }
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(pieces)
    }
}

enum Part {
    Text(Text),
    Image,
}

fn template(text: Text) -> Result<Template, ExtractError> {
    let mut template = Template::default();
    for piece in text {
        match piece {
            Piece::Literal(text) => template.push_literal(&text),
            Piece::Field(field) => template.push_field(field),
            Piece::Opaque { line, what } => return unsupported(line, what),
        }
    }
    Ok(template)
}

/// `strip` as far as literals reach.
fn trim(mut text: Text, start: bool, end: bool) -> Text {
    while start && let Some(Piece::Literal(first)) = text.first_mut() {
        *first = first.trim_start_matches(is_blank).to_owned();
        if !first.is_empty() {
            break;
        }
        text.remove(0);
    }
    while end && let Some(Piece::Literal(last)) = text.last_mut() {
        last.truncate(last.trim_end_matches(is_blank).len());
        if !last.is_empty() {
            break;
        }
        text.pop();
    }
    text
}

/// `replace` in what is literal. Python would also replace in a case's own words; that is what must not happen.
fn replace(text: Text, from: &str, to: &Text) -> Text {
    let mut joined: Text = Vec::new();
    for piece in text {
        match (joined.last_mut(), piece) {
            (Some(Piece::Literal(last)), Piece::Literal(more)) => last.push_str(&more),
            (_, piece) => joined.push(piece),
        }
    }
    let mut pieces = Vec::new();
    for piece in joined {
        let Piece::Literal(text) = &piece else {
            pieces.push(piece);
            continue;
        };
        for (index, part) in text.split(from).enumerate() {
            if index > 0 {
                pieces.extend(to.iter().cloned());
            }
            pieces.push(Piece::Literal(part.to_owned()));
        }
    }
    pieces
}
