//! Named values in JSON and YAML.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Anchor, Node, Place, Step, Text, Value, WordingError};

const MAX_BYTES: usize = 4 << 20;
const MAX_DEPTH: usize = 60;

/// Reads a JSON file. Of a key that stands twice the last counts, as in Python.
///
/// # Errors
/// If it is too large or no JSON.
pub(super) fn parse_json(source: &str) -> Result<Node, WordingError> {
    check_size(source)?;
    let value = serde_json::from_str(source)
        .map_err(|error| syntax(error.line(), &format!("not valid JSON: {error}")))?;
    Ok(json_node(value))
}

fn check_size(source: &str) -> Result<(), WordingError> {
    if source.len() > MAX_BYTES { Err(WordingError::TooLarge { max_bytes: MAX_BYTES }) } else { Ok(()) }
}

/// Lines are not known here.
fn json_node(value: serde_json::Value) -> Node {
    let value = match value {
        serde_json::Value::String(text) => Value::Text(Text::literal(&text)),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(json_node).collect()),
        serde_json::Value::Object(members) => {
            Value::Map(members.into_iter().map(|(key, value)| (key, json_node(value))).collect())
        }
        other => Value::Other(format!("`{other}`")),
    };
    Node { line: 0, value }
}

/// Reads a YAML file of one document without tags, anchors and aliases.
///
/// # Errors
/// If it is too large, no YAML, or holds something that readers of YAML 1.1 and 1.2 take differently.
pub(super) fn parse_yaml(source: &str) -> Result<Node, WordingError> {
    check_size(source)?;
    let source = source.strip_prefix('\u{FEFF}').unwrap_or(source).replace("\r\n", "\n").replace('\r', "\n");
    // The former end lines in YAML 1.1 only; the latter indents in some readers.
    let is_odd = |line: &str| {
        line.contains(['\u{85}', '\u{2028}', '\u{2029}']) || line.trim_start_matches(' ').starts_with('\t')
    };
    if let Some(line) = source.split('\n').position(is_odd) {
        return Err(syntax(line + 1, "a line end of Unicode, or a tab that indents"));
    }
    let mut stack: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(&source) {
        let (event, span) = event
            .map_err(|error| syntax(error.marker().line(), &format!("not valid YAML: {}", error.info())))?;
        let line = span.start.line();
        let done = match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => None,
            Event::DocumentStart(_) if root.is_some() => return Err(syntax(line, "a second document")),
            Event::DocumentStart(_) => None,
            Event::Alias(_) => return Err(syntax(line, "an alias (`*`)")),
            Event::Scalar(_, _, anchor, ref tag)
            | Event::SequenceStart(anchor, ref tag)
            | Event::MappingStart(anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                return Err(syntax(line, "an anchor or a tag"));
            }
            Event::Scalar(text, style, ..) => Some(Node { line, value: scalar(&text, style) }),
            Event::SequenceStart(..) => {
                stack.push(Open { line, key: None, value: Collection::List(Vec::new()) });
                None
            }
            Event::MappingStart(..) => {
                stack.push(Open { line, key: None, value: Collection::Map(Vec::new()) });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(|open| {
                let value = match open.value {
                    Collection::List(items) => Value::List(items),
                    Collection::Map(members) => Value::Map(members),
                };
                Node { line: open.line, value }
            }),
        };
        if stack.len() > MAX_DEPTH {
            return Err(syntax(line, "values nested too deep"));
        }
        let Some(node) = done else { continue };
        match stack.last_mut() {
            Some(open) => open.add(node)?,
            None => root = Some(node),
        }
    }
    root.ok_or_else(|| syntax(1, "no value"))
}

fn syntax(line: usize, what: &str) -> WordingError {
    WordingError::Syntax { line, what: what.to_owned() }
}

/// A list or map that is not closed yet.
struct Open {
    line: usize,
    key: Option<String>,
    value: Collection,
}

enum Collection {
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Open {
    fn add(&mut self, node: Node) -> Result<(), WordingError> {
        match (&mut self.value, self.key.take()) {
            (Collection::List(items), _) => items.push(node),
            (Collection::Map(members), Some(key)) => members.push((key, node)),
            (Collection::Map(members), None) => {
                let key = match &node.value {
                    Value::Text(text) => text.constant().map(str::to_owned),
                    _ => None,
                };
                let key = key.ok_or_else(|| syntax(node.line, "a key that is not a string"))?;
                if members.iter().any(|(name, _)| *name == key) {
                    return Err(syntax(node.line, &format!("the key `{key}` twice")));
                }
                self.key = Some(key);
            }
        }
        Ok(())
    }
}

/// A plain scalar is a text only if no version of YAML makes something else of it.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    const WORDS: [&str; 13] =
        ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="];
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    if style == ScalarStyle::Plain && (is_word || is_number) {
        return Value::Other(format!("`{text}`, which may not be a string"));
    }
    Value::Text(Text::literal(text))
}

/// The text at a place of a data file.
pub(super) fn text_of<'a>(root: &'a Node, place: &Place) -> Result<&'a Text, WordingError> {
    let name = || place.to_string();
    let Anchor::Assigned(first) = place.anchor else {
        return Err(WordingError::Missing { name: name() });
    };
    if !place.scope.is_empty() || place.nth.is_some() {
        return Err(WordingError::Missing { name: name() });
    }
    let mut node = root;
    for step in std::iter::once(Step::Key(first)).chain(place.steps.iter().copied()) {
        let next = match (step, &node.value) {
            (Step::Key(key), Value::Map(members)) => {
                members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
            }
            (Step::Item(index), Value::List(items)) => items.get(index),
            _ => None,
        };
        node = next.ok_or_else(|| WordingError::Missing { name: name() })?;
    }
    match &node.value {
        Value::Text(text) => Ok(text),
        Value::Other(what) if node.line > 0 => {
            Err(WordingError::Unreadable { name: name(), line: node.line, what: what.clone() })
        }
        _ => Err(WordingError::NoText { name: name() }),
    }
}
