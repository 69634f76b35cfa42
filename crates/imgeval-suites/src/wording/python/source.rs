//! Values of a Python file by their places.

use std::collections::BTreeSet;

use super::{
    expression::{Parser, find_argument, parse},
    statements::{Effect, Scope, Statement, split_statements},
    tokens::{Located, split_expression, split_lines},
};
use crate::wording::{Anchor, Argument, Node, Place, Step, Text, Value, WordingError};

/// Names that stand for names need not go deeper.
const MAX_DEPTH: usize = 20;

/// A Python file, split into statements.
#[derive(Debug)]
pub struct PythonSource {
    pub(super) scopes: Vec<Scope>,
    pub(super) statements: Vec<Statement>,
}

/// A value with the scope whose names it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) scope: usize,
    pub(super) node: Node,
}

impl PythonSource {
    /// Splits the source; what its statements say is read when it is asked for.
    ///
    /// # Errors
    /// If it is too large, or no Python as far as its tokens go.
    pub fn parse(source: &str) -> Result<Self, WordingError> {
        let (scopes, statements) = split_statements(split_lines(source)?);
        Ok(Self { scopes, statements })
    }

    /// The value at a place.
    ///
    /// # Errors
    /// If nothing stands there, or something that is not certain without running the script.
    pub fn read(&self, place: &Place) -> Result<Node, WordingError> {
        self.find(place).map(|found| found.node)
    }

    /// The text at a place.
    ///
    /// # Errors
    /// As [`PythonSource::read`], and if something else than a text stands there.
    pub fn text(&self, place: &Place) -> Result<Text, WordingError> {
        match self.read(place)? {
            Node { value: Value::Text(text), .. } => Ok(text),
            node => Err(unreadable(&place.to_string(), &node)),
        }
    }

    pub(super) fn find(&self, place: &Place) -> Result<Found, WordingError> {
        let name = place.to_string();
        let scopes: Vec<usize> =
            (0..self.scopes.len()).filter(|scope| self.scopes[*scope].path == place.scope).collect();
        if scopes.is_empty() {
            return Err(WordingError::Missing { name: format!("`{}`", place.scope) });
        }
        let mut candidates = Vec::new();
        for scope in scopes {
            candidates.extend(match place.anchor {
                Anchor::Assigned(assigned) if place.nth.is_none() => self.assigned(scope, assigned, &name)?,
                anchor => self.candidates(scope, anchor)?,
            });
        }
        if let Some(nth) = place.nth {
            candidates = candidates.into_iter().skip(nth).take(1).collect();
        }
        let mut found: Vec<Found> = Vec::new();
        for candidate in candidates {
            found.push(self.walk(candidate, place.steps, &name)?);
        }
        only(found, name)
    }

    /// Everything that stands at an anchor in a scope, in order, whether or not it is certain.
    fn candidates(&self, scope: usize, anchor: Anchor) -> Result<Vec<Found>, WordingError> {
        let mut found = Vec::new();
        let call_tokens = match anchor {
            Anchor::Argument(call, _) => split_expression(call, 0)?,
            _ => Vec::new(),
        };
        // Without the parentheses around it.
        let call_tokens = call_tokens.get(1..call_tokens.len().saturating_sub(1)).unwrap_or_default();
        for statement in self.statements.iter().filter(|statement| statement.scope == scope) {
            let tokens = statement.tokens.as_slice();
            let value = match anchor {
                Anchor::Assigned(name) => match statement.effect_on(name) {
                    Some(Effect::Set(value)) => Some(&tokens[value]),
                    _ => None,
                },
                Anchor::Extended(name) => match statement.effect_on(name) {
                    Some(Effect::Extend(value)) => Some(&tokens[value]),
                    _ => None,
                },
                Anchor::Returned => {
                    tokens.first().filter(|first| first.is_name("return")).map(|_| &tokens[1..])
                }
                Anchor::Argument(_, which) => {
                    for node in arguments(statement, call_tokens, which)? {
                        found.push(Found { scope, node });
                    }
                    None
                }
            };
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                found.push(Found { scope, node: parse(value, statement.line())? });
            }
        }
        Ok(found)
    }

    /// The values that `name = …` gives in a scope, if nothing else there or elsewhere gives it another.
    fn assigned(&self, scope: usize, name: &str, asked: &str) -> Result<Vec<Found>, WordingError> {
        let refuse = |line: usize, what: &str| {
            Err(WordingError::Unreadable { name: asked.to_owned(), line, what: what.to_owned() })
        };
        let own = &self.scopes[scope];
        let is_parameter = own.parameters.iter().any(|parameter| parameter == name);
        // Attributes of a class are also set through its instances.
        let class_name = own.path.rsplit('.').next().unwrap_or_default();
        let is_class = scope != 0 && !own.is_function;
        let attributes = ["self", "cls", class_name].map(|base| is_class.then(|| format!("{base}.{name}")));
        let shared = self.sharing(name);
        let mut found: Vec<Found> = Vec::new();
        let mut changed = None;
        for statement in &self.statements {
            let line = statement.line();
            let is_own = statement.scope == scope;
            if is_own && is_parameter {
                return refuse(line, "a parameter of the same name");
            }
            if scope == 0 && statement.calls_unseen() {
                return refuse(line, "names that are set out of sight");
            }
            if attributes.iter().flatten().any(|attribute| statement.effect_on(attribute).is_some()) {
                return refuse(line, "another value");
            }
            let Some(effect) = statement.effect_on(name) else { continue };
            if effect == Effect::Change {
                changed = changed.or(Some(line));
                continue;
            }
            if !is_own && !shared.contains(&statement.scope) {
                continue;
            }
            match effect {
                Effect::Set(value) => {
                    found
                        .push(Found { scope: statement.scope, node: parse(&statement.tokens[value], line)? });
                }
                Effect::Elsewhere if !is_own => {}
                Effect::Star if found.is_empty() => {}
                Effect::Elsewhere => return refuse(line, "a value of another function"),
                Effect::Extend(_) => return refuse(line, "more than one value (`+=`)"),
                Effect::Bind | Effect::Star | Effect::Change => return refuse(line, "another value"),
            }
        }
        let is_fixed = |found: &Found| matches!(found.node.value, Value::Text(_) | Value::Method { .. });
        match changed {
            Some(line) if !found.iter().all(is_fixed) => refuse(line, "a value that is changed"),
            _ => Ok(found),
        }
    }

    /// The functions that declare the name to be one of the module or of a function around them.
    fn sharing(&self, name: &str) -> BTreeSet<usize> {
        let declares = |statement: &&Statement| statement.effect_on(name) == Some(Effect::Elsewhere);
        self.statements.iter().filter(declares).map(|statement| statement.scope).collect()
    }

    /// Follows names to what they stand for, as far as that is certain; a name with a dot stays as it is.
    pub(super) fn resolve(&self, mut found: Found, asked: &str) -> Result<Found, WordingError> {
        for _ in 0..MAX_DEPTH {
            let Value::Name(name) = &found.node.value else { return Ok(found) };
            if name.contains('.') {
                return Ok(found);
            }
            let Some(scope) = self.scope_of(found.scope, name) else { return Ok(found) };
            let values = self.assigned(scope, name, asked)?;
            if values.is_empty() {
                return Ok(found);
            }
            found = only(values, format!("`{name}`"))?;
        }
        Err(unreadable(
            asked,
            &Node { line: found.node.line, value: Value::Other("names that refer to each other".to_owned()) },
        ))
    }

    /// The scope that a name belongs to where it is used in another.
    fn scope_of(&self, from: usize, name: &str) -> Option<usize> {
        let mut at = from;
        loop {
            let scope = &self.scopes[at];
            let in_scope = self.statements.iter().filter(|statement| statement.scope == at);
            let binds = in_scope
                .filter_map(|statement| statement.effect_on(name))
                .any(|effect| effect != Effect::Change);
            let is_seen = at == from || at == 0 || scope.is_function;
            if is_seen && (binds || scope.parameters.iter().any(|parameter| parameter == name)) {
                return Some(at);
            }
            if at == 0 {
                return None;
            }
            at = scope.parent;
        }
    }

    fn walk(&self, found: Found, steps: &[Step], asked: &str) -> Result<Found, WordingError> {
        let mut found = self.resolve(found, asked)?;
        for step in steps {
            let Found { scope, node } = &found;
            let next = match (step, &node.value) {
                (Step::Key(key), Value::Map(members)) => {
                    members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
                }
                (Step::Item(index), Value::List(items)) => items.get(*index),
                (Step::Before(wanted), Value::Method { base, method }) if wanted == method => {
                    Some(base.as_ref())
                }
                (Step::Before(wanted), Value::Text(_) | Value::Method { .. }) => {
                    let what = format!("no call of `{wanted}`");
                    return Err(WordingError::Unreadable { name: asked.to_owned(), line: node.line, what });
                }
                _ => return Err(unreadable(asked, node)),
            };
            let node = next.cloned().ok_or_else(|| WordingError::Missing { name: asked.to_owned() })?;
            found = self.resolve(Found { scope: *scope, node }, asked)?;
        }
        Ok(found)
    }
}

impl Statement {
    /// Whether it may set names that it does not name.
    fn calls_unseen(&self) -> bool {
        self.tokens.windows(2).enumerate().any(|(at, pair)| {
            let is_attribute = at > 0 && self.tokens[at - 1].is_operator(".");
            !is_attribute
                && (pair[0].is_name("globals") || pair[0].is_name("exec"))
                && pair[1].is_operator("(")
        })
    }
}

/// An argument of every call of this name in a statement.
fn arguments(statement: &Statement, call: &[Located], which: Argument) -> Result<Vec<Node>, WordingError> {
    let tokens = statement.tokens.as_slice();
    let mut found = Vec::new();
    for (at, behind) in tokens.windows(call.len() + 1).enumerate() {
        let is_part = at > 0 && (tokens[at - 1].is_operator(".") || tokens[at - 1].is_name("def"));
        let is_called = behind.iter().zip(call).all(|(token, wanted)| token.token == wanted.token);
        if is_part || !is_called || !behind[call.len()].is_operator("(") {
            continue;
        }
        let arguments = &tokens[at + call.len() + 1..];
        found.extend(find_argument(Parser::of_call(arguments, tokens[at].line).arguments()?, which));
    }
    Ok(found)
}

/// The one value of several that are the same.
fn only(mut found: Vec<Found>, name: String) -> Result<Found, WordingError> {
    if found.windows(2).any(|pair| pair[0].node != pair[1].node) {
        let lines = found.iter().map(|found| found.node.line).collect();
        return Err(WordingError::Several { name, lines });
    }
    found.pop().ok_or(WordingError::Missing { name })
}

/// That something else stands there than was looked for.
pub(super) fn unreadable(name: &str, node: &Node) -> WordingError {
    let what = match &node.value {
        Value::Text(_) => "a text".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a dict".to_owned(),
        Value::Name(name) => format!("`{name}`"),
        Value::Method { method, .. } => format!("a call of `{method}`"),
        Value::Other(what) => what.clone(),
    };
    WordingError::Unreadable { name: name.to_owned(), line: node.line, what }
}
