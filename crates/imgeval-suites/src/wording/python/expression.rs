//! Expressions of Python source, as values. What cannot be read without running it is [`Value::Other`] with a few words;
//! whatever stands beside it is read all the same.

use super::{
    text::decode,
    tokens::{Located, TextToken, Token, syntax},
};
use crate::wording::{Argument, Node, Value, WordingError};

/// Deeper nesting is no wording.
const MAX_DEPTH: usize = 60;

/// Reads the tokens as one expression.
///
/// # Errors
/// If it is nested too deep or breaks off.
pub(super) fn parse(tokens: &[Located], line: usize) -> Result<Node, WordingError> {
    let mut parser = Parser { tokens, position: 0, line, depth: 0 };
    let node = parser.expression()?;
    if parser.position < tokens.len() {
        let what = if parser.at(",") { "several values" } else { "something other than a value" };
        return Ok(other(node.line, what));
    }
    Ok(node)
}

fn other(line: usize, what: &str) -> Node {
    Node { line, value: Value::Other(what.to_owned()) }
}

pub(super) struct Parser<'a> {
    tokens: &'a [Located],
    position: usize,
    line: usize,
    depth: usize,
}

/// An argument of a call, with its name if it has one.
pub(super) struct CallArgument {
    pub(super) name: Option<String>,
    pub(super) value: Node,
    /// Whether it stands for any number of arguments.
    is_spread: bool,
}

impl<'a> Parser<'a> {
    /// Behind the opening bracket of a call.
    pub(super) fn of_call(tokens: &'a [Located], line: usize) -> Self {
        Self { tokens, position: 0, line, depth: 0 }
    }

    fn peek(&self) -> Option<&'a Located> {
        self.tokens.get(self.position)
    }

    fn at(&self, operator: &str) -> bool {
        self.peek().is_some_and(|token| token.is_operator(operator))
    }

    fn take(&mut self, operator: &str) -> bool {
        let is_there = self.at(operator);
        self.position += usize::from(is_there);
        is_there
    }

    fn at_end(&self) -> bool {
        self.peek().is_none() || [",", ")", "]", "}", ":"].iter().any(|operator| self.at(operator))
    }

    /// Skips to the end of the element: brackets are skipped whole.
    fn skip_element(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            if let Token::Operator(operator) = &token.token {
                match operator.as_str() {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" | "," if depth == 0 => return,
                    ")" | "]" | "}" => depth -= 1,
                    _ => {}
                }
            }
            self.position += 1;
        }
    }

    fn expression(&mut self) -> Result<Node, WordingError> {
        let line = self.peek().map_or(self.line, |token| token.line);
        self.line = line;
        if self.depth == MAX_DEPTH {
            return Err(syntax(line, "an expression nested too deep"));
        }
        self.depth += 1;
        let mut node = self.postfix(line)?;
        while self.take("+") {
            let right = self.postfix(line)?;
            node.value = match (node.value, right.value) {
                (Value::Text(mut left), Value::Text(right)) => {
                    left.append(right);
                    Value::Text(left)
                }
                _ => Value::Other("a sum".to_owned()),
            };
        }
        self.depth -= 1;
        if !self.at_end() {
            let what = match self.peek().map(|token| &token.token) {
                Some(Token::Name(name)) if name == "if" => "a choice (`if`)",
                Some(Token::Name(name)) if name == "for" || name == "async" => "a comprehension (`for`)",
                Some(Token::Operator(operator)) if operator == "%" => "formatting with `%`",
                _ => "an operator other than `+`",
            };
            self.skip_element();
            node = other(line, what);
        }
        Ok(node)
    }

    fn postfix(&mut self, line: usize) -> Result<Node, WordingError> {
        let mut node = self.primary(line)?;
        for _ in 0..MAX_DEPTH {
            if self.take(".") {
                let Some(Located { token: Token::Name(name), .. }) = self.peek() else {
                    return Err(syntax(line, "a dot without a name"));
                };
                self.position += 1;
                let value = match &node.value {
                    Value::Name(base) => Value::Name(format!("{base}.{name}")),
                    _ if self.take("(") => {
                        self.arguments()?;
                        Value::Method { base: Box::new(node), method: name.clone() }
                    }
                    _ => Value::Other(format!("the attribute `{name}`")),
                };
                node = Node { line, value };
            } else if self.take("[") {
                self.skip_to_close()?;
                node = other(line, "a value by its key or a slice");
            } else if self.take("(") {
                let arguments = self.arguments()?;
                node.value = match &node.value {
                    Value::Name(name) if name == "dict" => map_of_arguments(arguments),
                    Value::Name(name) => match name.rsplit_once('.') {
                        Some((base, method)) => {
                            let base = Node { line, value: Value::Name(base.to_owned()) };
                            Value::Method { base: Box::new(base), method: method.to_owned() }
                        }
                        None => Value::Other(format!("a call of `{name}`")),
                    },
                    _ => Value::Other("a call".to_owned()),
                };
            } else {
                return Ok(node);
            }
        }
        Err(syntax(line, "an expression nested too deep"))
    }

    /// Skips behind the bracket that closes what is open.
    fn skip_to_close(&mut self) -> Result<(), WordingError> {
        loop {
            self.skip_element();
            let Some(token) = self.peek() else {
                return Err(syntax(self.line, "an expression that is cut off"));
            };
            self.position += 1;
            if !token.is_operator(",") {
                return Ok(());
            }
        }
    }

    /// Reads on behind the bracket that closes a call.
    pub(super) fn arguments(&mut self) -> Result<Vec<CallArgument>, WordingError> {
        let mut arguments = Vec::new();
        while self.peek().is_some() && !self.take(")") {
            let is_spread = self.take("*") || self.take("**");
            let name = match (self.peek(), self.tokens.get(self.position + 1)) {
                (Some(Located { token: Token::Name(name), .. }), Some(next)) if next.is_operator("=") => {
                    self.position += 2;
                    Some(name.clone())
                }
                _ => None,
            };
            let value = self.element()?;
            arguments.push(CallArgument { name, value, is_spread });
            self.take(",");
        }
        Ok(arguments)
    }

    /// An expression between commas; what has no place there is skipped.
    fn element(&mut self) -> Result<Node, WordingError> {
        let node = self.expression()?;
        if self.at(":") {
            self.skip_element();
            return Ok(other(node.line, "something other than a value"));
        }
        Ok(node)
    }

    fn primary(&mut self, line: usize) -> Result<Node, WordingError> {
        let breaks_off = || syntax(line, "an expression that is cut off");
        let token = self.peek().ok_or_else(breaks_off)?;
        self.position += 1;
        let value = match &token.token {
            Token::Number(_) => Value::Other("a number".to_owned()),
            Token::Text(text) => self.texts(text, token.line),
            Token::Name(name) if ["lambda", "not", "await", "yield"].contains(&name.as_str()) => {
                self.skip_element();
                Value::Other("something computed".to_owned())
            }
            Token::Name(name) if ["None", "True", "False"].contains(&name.as_str()) => {
                Value::Other(format!("`{name}`"))
            }
            Token::Name(name) => Value::Name(name.clone()),
            Token::Operator(operator) => match operator.as_str() {
                "(" => return self.parenthesised(line),
                "[" => self.list("]", Vec::new())?,
                "{" => self.map()?,
                _ => {
                    self.position -= 1;
                    let before = self.position;
                    self.skip_element();
                    if self.position == before {
                        return Err(breaks_off());
                    }
                    Value::Other("an operator".to_owned())
                }
            },
        };
        Ok(Node { line, value })
    }

    /// Literals side by side.
    fn texts(&mut self, first: &TextToken, line: usize) -> Value {
        let mut decoded = decode(first, line);
        while let Some(Located { token: Token::Text(text), line }) = self.peek() {
            self.position += 1;
            if let Ok(pieces) = &mut decoded {
                match decode(text, *line) {
                    Ok(more) => pieces.append(more),
                    Err(error) => decoded = Err(error),
                }
            }
        }
        match decoded {
            Ok(text) => Value::Text(text),
            Err(WordingError::Syntax { what, .. }) => Value::Other(what),
            Err(error) => Value::Other(error.to_string()),
        }
    }

    fn parenthesised(&mut self, line: usize) -> Result<Node, WordingError> {
        if self.take(")") {
            return Ok(Node { line, value: Value::List(Vec::new()) });
        }
        let first_is_spread = self.at("*");
        let first = self.element()?;
        if self.take(")") {
            return Ok(first);
        }
        self.take(",");
        let value = self.list(")", vec![first])?;
        Ok(if first_is_spread { other(line, SPREAD) } else { Node { line, value } })
    }

    fn list(&mut self, close: &str, mut items: Vec<Node>) -> Result<Value, WordingError> {
        let mut has_spread = false;
        while self.peek().is_some() && !self.take(close) {
            has_spread |= self.at("*");
            items.push(self.element()?);
            self.take(",");
        }
        Ok(match items.as_slice() {
            _ if has_spread => Value::Other(SPREAD.to_owned()),
            [only] if is_comprehension(only) => only.value.clone(),
            _ => Value::List(items),
        })
    }

    fn map(&mut self) -> Result<Value, WordingError> {
        let mut members = Vec::new();
        let mut odd = None;
        while self.peek().is_some() && !self.take("}") {
            if self.at("**") {
                odd = Some("a dict with `**`");
                self.skip_element();
            } else {
                let key = self.expression()?;
                if !self.take(":") {
                    self.skip_to_close()?;
                    return Ok(Value::Other("a set".to_owned()));
                }
                let value = self.element()?;
                if is_comprehension(&value) {
                    odd = Some("a comprehension (`for`)");
                }
                match &key.value {
                    Value::Text(key) if key.constant().is_some() => {
                        members.push((key.constant().unwrap_or_default().to_owned(), value));
                    }
                    // Such a key equals no text.
                    Value::Other(what) if what == "a number" || what.starts_with('`') => {}
                    _ => odd = Some("a dict whose keys are not constants"),
                }
            }
            self.take(",");
        }
        Ok(match odd {
            Some(what) => Value::Other(what.to_owned()),
            None => map(members),
        })
    }
}

const SPREAD: &str = "a list with `*`";

fn is_comprehension(node: &Node) -> bool {
    matches!(&node.value, Value::Other(what) if what.contains("`for`"))
}

fn map(members: Vec<(String, Node)>) -> Value {
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Value::Other(format!("a dict with the key `{}` twice", pair[0])),
        None => Value::Map(members),
    }
}

fn map_of_arguments(arguments: Vec<CallArgument>) -> Value {
    let member = |argument: CallArgument| (!argument.is_spread).then_some((argument.name?, argument.value));
    match arguments.into_iter().map(member).collect() {
        Some(members) => map(members),
        None => Value::Other("a call of `dict`".to_owned()),
    }
}

/// The argument that is asked for; `None` if the call has none such or too many for it to be certain.
pub(super) fn find_argument(arguments: Vec<CallArgument>, which: Argument) -> Option<Node> {
    match which {
        Argument::At(index) => {
            let leading =
                arguments.into_iter().take_while(|argument| !argument.is_spread && argument.name.is_none());
            leading.map(|argument| argument.value).nth(index)
        }
        Argument::Named(name) => {
            let named = |argument: &CallArgument| argument.name.as_deref() == Some(name);
            arguments.into_iter().find(named).map(|argument| argument.value)
        }
    }
}

#[cfg(test)]
mod tests;
