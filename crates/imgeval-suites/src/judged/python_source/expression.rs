//! Expressions of Python source. What cannot matter for a message is kept as [`Expression::Other`] with a few words.

use super::{
    ExtractError,
    tokens::{Located, TextToken, Token},
};

/// Deeper nesting is no message.
const MAX_DEPTH: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) expression: Expression,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// String literals side by side.
    Text(Vec<(usize, TextToken)>),
    Name(String),
    Attribute(Box<Node>, String),
    Subscript(Box<Node>, Box<Node>),
    Call(Box<Node>, Vec<Argument>),
    /// A list or a tuple.
    List(Vec<Node>),
    Dict(Vec<(Node, Node)>),
    Add(Box<Node>, Box<Node>),
    Other(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) value: Node,
}

/// Parses the expression at the beginning of `tokens`; what follows it is left alone.
pub(super) fn parse(tokens: &[Located], line: usize) -> Result<Node, ExtractError> {
    Parser { tokens, position: 0, line, depth: 0 }.expression()
}

struct Parser<'a> {
    tokens: &'a [Located],
    position: usize,
    line: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
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
        self.peek().is_none() || [",", ")", "]", "}", ":", "="].iter().any(|operator| self.at(operator))
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

    fn expression(&mut self) -> Result<Node, ExtractError> {
        let line = self.peek().map_or(self.line, |token| token.line);
        self.line = line;
        if self.depth == MAX_DEPTH {
            return Err(ExtractError::Syntax { line, what: "an expression nested too deep" });
        }
        self.depth += 1;
        let mut left = self.postfix(line)?;
        while self.take("+") {
            let right = self.postfix(line)?;
            left = Node { line, expression: Expression::Add(Box::new(left), Box::new(right)) };
        }
        self.depth -= 1;
        if !self.at_end() {
            let what = match self.peek().map(|token| &token.token) {
                Some(Token::Name(name)) if name == "if" => "a choice (`if`)",
                Some(Token::Name(name)) if name == "for" => "a comprehension (`for`)",
                Some(Token::Operator(operator)) if operator == "%" => "formatting with `%`",
                _ => "an operator other than `+`",
            };
            self.skip_element();
            left = Node { line, expression: Expression::Other(what) };
        }
        Ok(left)
    }

    fn postfix(&mut self, line: usize) -> Result<Node, ExtractError> {
        let mut node = self.primary(line)?;
        // A chain of calls makes a deep tree as well.
        for _ in 0..MAX_DEPTH {
            let expression = if self.take(".") {
                let Some(Located { token: Token::Name(name), .. }) = self.peek() else {
                    return Err(ExtractError::Syntax { line, what: "a dot without a name" });
                };
                self.position += 1;
                Expression::Attribute(Box::new(node), name.clone())
            } else if self.take("[") {
                let key = self.expression()?;
                if !self.take("]") {
                    self.skip_to_close("]");
                    node = Node { line, expression: Expression::Other("a slice") };
                    continue;
                }
                Expression::Subscript(Box::new(node), Box::new(key))
            } else if self.take("(") {
                Expression::Call(Box::new(node), self.arguments()?)
            } else {
                return Ok(node);
            };
            node = Node { line, expression };
        }
        Err(ExtractError::Syntax { line, what: "an expression nested too deep" })
    }

    fn skip_to_close(&mut self, close: &str) {
        while self.peek().is_some() && !self.take(close) {
            self.position += 1;
            self.skip_element();
        }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, ExtractError> {
        let mut arguments = Vec::new();
        while self.peek().is_some() && !self.take(")") {
            let name = match (self.peek(), self.tokens.get(self.position + 1)) {
                (Some(Located { token: Token::Name(name), .. }), Some(next)) if next.is_operator("=") => {
                    self.position += 2;
                    Some(name.clone())
                }
                _ => None,
            };
            let value = self.element()?;
            arguments.push(Argument { name, value });
            self.take(",");
        }
        Ok(arguments)
    }

    /// An expression between commas; what has no place there is skipped.
    fn element(&mut self) -> Result<Node, ExtractError> {
        let node = self.expression()?;
        if self.at(":") || self.at("=") {
            let line = node.line;
            self.skip_element();
            return Ok(Node { line, expression: Expression::Other("something else than a value") });
        }
        Ok(node)
    }

    fn primary(&mut self, line: usize) -> Result<Node, ExtractError> {
        let Some(token) = self.peek() else {
            return Err(ExtractError::Syntax { line, what: "an expression that breaks off" });
        };
        self.position += 1;
        let expression = match &token.token {
            Token::Number => Expression::Other("a number"),
            Token::Text(text) => {
                let mut texts = vec![(token.line, text.clone())];
                while let Some(Located { token: Token::Text(text), line }) = self.peek() {
                    texts.push((*line, text.clone()));
                    self.position += 1;
                }
                Expression::Text(texts)
            }
            Token::Name(name) if ["lambda", "not", "await", "yield"].contains(&name.as_str()) => {
                self.skip_element();
                Expression::Other("something computed")
            }
            Token::Name(name) => Expression::Name(name.clone()),
            Token::Operator(operator) => match operator.as_str() {
                "(" => return self.parenthesised(line),
                "[" => Expression::List(self.elements("]")?),
                "{" => self.dict()?,
                _ => {
                    self.position -= 1;
                    let before = self.position;
                    self.skip_element();
                    if self.position == before {
                        return Err(ExtractError::Syntax { line, what: "an expression that breaks off" });
                    }
                    Expression::Other("an operator")
                }
            },
        };
        Ok(Node { line, expression })
    }

    fn parenthesised(&mut self, line: usize) -> Result<Node, ExtractError> {
        if self.take(")") {
            return Ok(Node { line, expression: Expression::List(Vec::new()) });
        }
        let first = self.element()?;
        if self.take(")") {
            return Ok(first);
        }
        self.take(",");
        let mut items = vec![first];
        items.extend(self.elements(")")?);
        Ok(Node { line, expression: Expression::List(items) })
    }

    fn elements(&mut self, close: &str) -> Result<Vec<Node>, ExtractError> {
        let mut items = Vec::new();
        while self.peek().is_some() && !self.take(close) {
            items.push(self.element()?);
            self.take(",");
        }
        Ok(items)
    }

    fn dict(&mut self) -> Result<Expression, ExtractError> {
        let mut members = Vec::new();
        while self.peek().is_some() && !self.take("}") {
            if self.at("**") {
                self.skip_element();
                self.take(",");
                continue;
            }
            let key = self.expression()?;
            if !self.take(":") {
                self.skip_to_close("}");
                return Ok(Expression::Other("a set"));
            }
            let value = self.element()?;
            members.push((key, value));
            self.take(",");
        }
        Ok(Expression::Dict(members))
    }
}
