//! Where names of a script get their values: assignments of a function and of the module.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ExtractError,
    expression::{self, Node},
    tokens::{Located, LogicalLine, Token},
};

/// A statement that gives a name a value, or more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Set,
    /// `name += …`
    Extend,
    /// `name.append(…)`
    Append,
}

#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) change: Change,
    pub(super) value: Node,
    pub(super) line: usize,
    /// Whether it stands in a branch or loop.
    pub(super) is_nested: bool,
}

/// A function, or the module.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) parameters: BTreeSet<String>,
    pub(super) assignments: BTreeMap<String, Vec<Assignment>>,
    /// Expressions that may be the messages, in order.
    pub(super) candidates: Vec<Node>,
}

/// The module first, then every function.
pub(super) fn split_scopes(lines: &[LogicalLine]) -> Vec<Scope> {
    let mut scopes = vec![Scope::default()];
    // Scope, indentation of its head, and of its body once that is known.
    let mut open: Vec<(usize, usize, Option<usize>)> = Vec::new();
    for line in lines {
        while open.last().is_some_and(|(_, head, _)| line.indent <= *head) {
            open.pop();
        }
        if let Some(parameters) = function_parameters(&line.tokens) {
            scopes.push(Scope { parameters, ..Scope::default() });
            open.push((scopes.len() - 1, line.indent, None));
            continue;
        }
        let (index, body) = match open.last_mut() {
            Some((index, _, body)) => (*index, *body.get_or_insert(line.indent)),
            None => (0, 0),
        };
        scopes[index].read_line(&line.tokens, line.indent > body);
    }
    scopes
}

/// The names between the parentheses of `def name(…)`; `None` if the line is something else.
fn function_parameters(tokens: &[Located]) -> Option<BTreeSet<String>> {
    let tokens = match tokens {
        [first, rest @ ..] if first.is_name("async") => rest,
        _ => tokens,
    };
    if !tokens.first()?.is_name("def") {
        return None;
    }
    let mut names = BTreeSet::new();
    let mut depth = 0_usize;
    for pair in tokens.windows(2) {
        if let Token::Operator(operator) = &pair[0].token {
            match operator.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth == 1
            && (pair[0].is_operator("(") || pair[0].is_operator(","))
            && let Token::Name(name) = &pair[1].token
        {
            names.insert(name.clone());
        }
    }
    Some(names)
}

/// Names that a statement binds otherwise than by `name = …`: in loops, by `as` and `:=`, and several at once.
fn bound_elsewhere(tokens: &[Located]) -> Vec<String> {
    let name_of = |token: &Located| match &token.token {
        Token::Name(name) => Some(name.clone()),
        _ => None,
    };
    let mut names: Vec<String> = tokens
        .windows(2)
        .filter_map(|pair| match pair {
            [first, second] if second.is_operator(":=") => name_of(first),
            [first, second] if first.is_name("as") => name_of(second),
            _ => None,
        })
        .collect();
    let loop_begins = tokens.iter().position(|token| token.is_name("for"));
    if let Some(begin) = loop_begins {
        names.extend(tokens[begin + 1..].iter().take_while(|token| !token.is_name("in")).filter_map(name_of));
    }
    let is_tuple = tokens.get(1).is_some_and(|token| token.is_operator(","))
        || tokens.first().is_some_and(|token| token.is_operator("("));
    if let Some(equals) = tokens.iter().position(|token| token.is_operator("="))
        && is_tuple
    {
        names.extend(tokens[..equals].iter().filter_map(name_of));
    }
    names
}

impl Scope {
    /// Reads what can be read of a statement; others do not matter.
    fn read_line(&mut self, tokens: &[Located], is_nested: bool) {
        for name in bound_elsewhere(tokens) {
            let line = tokens.first().map_or(0, |token| token.line);
            self.assign_unknown(&name, line);
        }
        for (position, pair) in tokens.windows(2).enumerate() {
            if position > 0 && pair[0].is_name("messages") && pair[1].is_operator("=") {
                self.add_candidate(&tokens[position + 2..]);
            }
        }
        let [first, second, ..] = tokens else { return };
        let Token::Name(name) = &first.token else { return };
        let equals = if second.is_operator("=") || second.is_operator("+=") {
            Some(1)
        } else if second.is_operator(":") {
            tokens.iter().position(|token| token.is_operator("="))
        } else {
            None
        };
        if name == "return" {
            self.add_candidate(&tokens[1..]);
        } else if let Some(equals) = equals {
            let change = if second.is_operator("+=") { Change::Extend } else { Change::Set };
            self.assign(name, change, &tokens[equals + 1..], is_nested);
            self.add_candidate(&tokens[equals + 1..]);
        } else if second.is_operator(".") && tokens.get(2).is_some_and(|token| token.is_name("append")) {
            self.assign(name, Change::Append, tokens.get(4..).unwrap_or_default(), is_nested);
        }
    }

    /// Makes a name stand for something that is known only when the script runs, so that no constant of the module is
    /// taken for it.
    fn assign_unknown(&mut self, name: &str, line: usize) {
        let value = Node { line, expression: expression::Expression::Other("something computed") };
        let assignment = Assignment { change: Change::Set, value, line, is_nested: true };
        self.assignments.entry(name.to_owned()).or_default().push(assignment);
    }

    fn assign(&mut self, name: &str, change: Change, tokens: &[Located], is_nested: bool) {
        let Some(line) = tokens.first().map(|token| token.line) else { return };
        let unreadable = || Node { line, expression: expression::Expression::Other("something unreadable") };
        let value = expression::parse(tokens, line).unwrap_or_else(|_: ExtractError| unreadable());
        let assignment = Assignment { change, value, line, is_nested };
        self.assignments.entry(name.to_owned()).or_default().push(assignment);
    }

    fn add_candidate(&mut self, tokens: &[Located]) {
        if let Some(first) = tokens.first()
            && let Ok(node) = expression::parse(tokens, first.line)
        {
            self.candidates.push(node);
        }
    }
}
