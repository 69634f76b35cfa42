//! Statements of Python source: in which function each stands, and what it does to a name.

use std::ops::Range;

use super::tokens::{Located, LogicalLine, Token};

/// Methods that change a list or a dict.
const CHANGING: [&str; 12] = [
    "append",
    "extend",
    "insert",
    "update",
    "pop",
    "popitem",
    "clear",
    "setdefault",
    "remove",
    "sort",
    "reverse",
    "__setitem__",
];

/// The module, a class or a function.
#[derive(Debug)]
pub(super) struct Scope {
    /// Names of classes and functions around it and its own, joined by dots; empty for the module.
    pub(super) path: String,
    pub(super) is_function: bool,
    pub(super) parent: usize,
    pub(super) parameters: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) scope: usize,
    pub(super) tokens: Vec<Located>,
}

/// What a statement does to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// `name = …`, with the tokens of the value.
    Set(Range<usize>),
    /// `name += …`
    Extend(Range<usize>),
    /// It changes the list or dict that the name stands for.
    Change,
    /// It gives the name a value that cannot be read.
    Bind,
    /// `from … import *` may.
    Star,
    /// `global name` or `nonlocal name`.
    Elsewhere,
}

/// The scopes, the module first, and all statements in order.
pub(super) fn split_statements(lines: Vec<LogicalLine>) -> (Vec<Scope>, Vec<Statement>) {
    let module = Scope { path: String::new(), is_function: false, parent: 0, parameters: Vec::new() };
    let mut scopes = vec![module];
    let mut statements = Vec::new();
    // Indentation of heads, with the scopes of what stands under them.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut last_scope = 0;
    for LogicalLine { indent, is_continued, mut tokens } in lines {
        if !is_continued {
            while open.last().is_some_and(|(head, _)| *head >= indent) {
                open.pop();
            }
        }
        let mut scope = if is_continued { last_scope } else { open.last().map_or(0, |(_, scope)| *scope) };
        if let Some(colon) = head_end(&tokens) {
            let body = tokens.split_off(colon + 1);
            let inner = match named_head(&tokens) {
                Some((name, is_function)) => {
                    let path = match scopes[scope].path.as_str() {
                        "" => name.to_owned(),
                        outer => format!("{outer}.{name}"),
                    };
                    let parameters = if is_function { parameters(&tokens) } else { Vec::new() };
                    scopes.push(Scope { path, is_function, parent: scope, parameters });
                    scopes.len() - 1
                }
                None => scope,
            };
            statements.push(Statement { scope, tokens });
            open.push((indent, inner));
            scope = inner;
            tokens = body;
        }
        if !tokens.is_empty() {
            statements.push(Statement { scope, tokens });
        }
        last_scope = scope;
    }
    (scopes, statements)
}

fn is_name(token: Option<&Located>, names: &[&str]) -> bool {
    matches!(token.map(|located| &located.token), Some(Token::Name(name)) if names.contains(&name.as_str()))
}

fn is_operator(token: Option<&Located>, operators: &[&str]) -> bool {
    matches!(token.map(|located| &located.token), Some(Token::Operator(operator)) if operators.contains(&operator.as_str()))
}

/// Positions outside all brackets.
fn outside(tokens: &[Located]) -> impl Iterator<Item = usize> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter_map(move |(position, located)| {
        if is_operator(Some(located), &["(", "[", "{"]) {
            depth += 1;
            return (depth == 1).then_some(position);
        }
        if is_operator(Some(located), &[")", "]", "}"]) {
            depth = depth.saturating_sub(1);
        }
        (depth == 0).then_some(position)
    })
}

/// The colon that ends the head of a compound statement; `None` for a simple one.
fn head_end(tokens: &[Located]) -> Option<usize> {
    const HEADS: [&str; 12] =
        ["if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class", "async"];
    let is_soft =
        is_name(tokens.first(), &["match", "case"]) && !is_operator(tokens.get(1), &[":", "=", ".", ","]);
    if !is_soft && !is_name(tokens.first(), &HEADS) {
        return None;
    }
    let mut n_lambdas = 0_usize;
    outside(tokens).find(|position| {
        n_lambdas += usize::from(is_name(tokens.get(*position), &["lambda"]));
        let is_colon = is_operator(tokens.get(*position), &[":"]);
        let ends = is_colon && n_lambdas == 0;
        n_lambdas -= usize::from(is_colon && n_lambdas > 0);
        ends
    })
}

/// The name in `def name` or `class name`, and whether it is a function's.
fn named_head(tokens: &[Located]) -> Option<(&str, bool)> {
    let tokens = if is_name(tokens.first(), &["async"]) { &tokens[1..] } else { tokens };
    let is_function = is_name(tokens.first(), &["def"]);
    match tokens.get(1).map(|located| &located.token) {
        Some(Token::Name(name)) if is_function || is_name(tokens.first(), &["class"]) => {
            Some((name, is_function))
        }
        _ => None,
    }
}

/// The names between the parentheses of `def name(…)`.
fn parameters(tokens: &[Located]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for pair in tokens.windows(2) {
        depth += usize::from(is_operator(Some(&pair[0]), &["(", "[", "{"]));
        depth = depth.saturating_sub(usize::from(is_operator(Some(&pair[0]), &[")", "]", "}"])));
        if depth == 1
            && is_operator(Some(&pair[0]), &["(", ",", "*", "**"])
            && let Token::Name(name) = &pair[1].token
        {
            names.push(name.clone());
        }
    }
    names
}

/// Whether `a.b.c` stands at the beginning of the tokens, as a whole or with something behind it; gives its length.
fn starts_with_name(tokens: &[Located], dotted: &str) -> Option<usize> {
    let mut position = 0;
    for (index, part) in dotted.split('.').enumerate() {
        if index > 0 {
            tokens.get(position).filter(|token| token.is_operator("."))?;
            position += 1;
        }
        tokens.get(position).filter(|token| token.is_name(part))?;
        position += 1;
    }
    Some(position)
}

/// Whether the name stands anywhere among the tokens.
fn holds_name(tokens: &[Located], name: &str) -> bool {
    (0..tokens.len()).any(|at| {
        let is_attribute = at > 0 && tokens[at - 1].is_operator(".");
        !is_attribute && starts_with_name(&tokens[at..], name).is_some()
    })
}

impl Statement {
    pub(super) fn line(&self) -> usize {
        self.tokens.first().map_or(0, |token| token.line)
    }

    /// What it does to a name, which may be an attribute; several effects are told by the strongest.
    pub(super) fn effect_on(&self, name: &str) -> Option<Effect> {
        let tokens = self.tokens.as_slice();
        let first = tokens.first();
        let bound_by_as = tokens
            .iter()
            .position(|token| token.is_name("as"))
            .is_some_and(|at| holds_name(&tokens[at + 1..], name));
        let bound_by_walrus =
            (1..tokens.len()).any(|at| tokens[at].is_operator(":=") && tokens[at - 1].is_name(name));
        if bound_by_as || bound_by_walrus {
            return Some(Effect::Bind);
        }
        if is_name(first, &["import", "from"]) {
            let names = match tokens.iter().position(|token| token.is_name("import")) {
                Some(0) => &tokens[1..],
                Some(at) if is_operator(tokens.get(at + 1), &["*"]) => {
                    return (!name.contains('.')).then_some(Effect::Star);
                }
                Some(at) => &tokens[at + 1..],
                None => tokens,
            };
            return holds_name(names, name).then_some(Effect::Bind);
        }
        if is_name(first, &["global", "nonlocal"]) {
            return holds_name(&tokens[1..], name).then_some(Effect::Elsewhere);
        }
        if is_name(first, &["for", "async", "del", "case"]) {
            let end = tokens.iter().position(|token| token.is_name("in")).unwrap_or(tokens.len());
            let is_async_def = is_name(tokens.get(1), &["def"]);
            return holds_name(&tokens[1..if is_async_def { 3.min(end) } else { end }], name)
                .then_some(Effect::Bind);
        }
        if is_name(first, &["def", "class"]) {
            return tokens.get(1).is_some_and(|token| token.is_name(name)).then_some(Effect::Bind);
        }
        self.assignment_to(name)
    }

    fn assignment_to(&self, name: &str) -> Option<Effect> {
        const AUGMENTED: [&str; 12] =
            ["-=", "*=", "/=", "//=", "%=", "**=", "|=", "&=", "^=", "@=", "<<=", ">>="];
        let tokens = self.tokens.as_slice();
        let find = |operators: &[&str]| outside(tokens).find(|at| is_operator(tokens.get(*at), operators));
        let whole = starts_with_name(tokens, name);
        if let Some(at) = find(&["+="]) {
            return match whole {
                Some(length) if length == at => Some(Effect::Extend(at + 1..tokens.len())),
                _ => holds_name(&tokens[..at], name).then_some(Effect::Change),
            };
        }
        if let Some(at) = find(&AUGMENTED) {
            return holds_name(&tokens[..at], name).then_some(Effect::Bind);
        }
        let equals: Vec<usize> = outside(tokens).filter(|at| tokens[*at].is_operator("=")).collect();
        let Some(last) = equals.last() else {
            // Also deep within, as in `name[0].append(…)`.
            let is_changed = whole.is_some_and(|length| {
                tokens[length..]
                    .windows(2)
                    .any(|pair| pair[0].is_operator(".") && is_name(pair.get(1), &CHANGING))
            });
            return is_changed.then_some(Effect::Change);
        };
        let mut begin = 0;
        let mut effect = None;
        for end in &equals {
            let target = &tokens[begin..*end];
            // Without the annotation.
            let colon = outside(target).find(|at| target[*at].is_operator(":"));
            let target = &target[..colon.unwrap_or(target.len())];
            begin = end + 1;
            match starts_with_name(target, name) {
                Some(length) if length == target.len() => {
                    effect = effect.or(Some(Effect::Set(last + 1..tokens.len())))
                }
                Some(length) if is_operator(target.get(length), &["[", "."]) => effect = Some(Effect::Change),
                _ if holds_name(target, name) => effect = Some(Effect::Bind),
                _ => {}
            }
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tokens::split_lines, *};

    fn effects(source: &str, name: &str) -> Vec<(String, String)> {
        let (scopes, statements) = split_statements(split_lines(source).unwrap());
        let effect = |statement: &Statement| {
            let effect = match statement.effect_on(name)? {
                Effect::Set(_) => "set".to_owned(),
                Effect::Extend(_) => "extend".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            Some((scopes[statement.scope].path.clone(), effect))
        };
        statements.iter().filter_map(effect).collect()
    }

    #[test]
    fn statements_are_told_apart_by_what_they_do_to_a_name() {
        for (source, effect) in [
            ("a = 1", "set"),
            ("a: str = 1", "set"),
            ("b = a = 1", "set"),
            ("if x: a = 1", "set"),
            ("a += 1", "extend"),
            ("a -= 1", "bind"),
            ("a, b = c", "bind"),
            ("(a) = c", "bind"),
            ("for a in b: pass", "bind"),
            ("for i, (a, c) in b: pass", "bind"),
            ("async for a in b: pass", "bind"),
            ("with x as a: pass", "bind"),
            ("with x as (b, a): pass", "bind"),
            ("import x.y as a", "bind"),
            ("from x import b, a", "bind"),
            ("from x import *", "star"),
            ("def a(): pass", "bind"),
            ("class a: pass", "bind"),
            ("async def a(): pass", "bind"),
            ("del a", "bind"),
            ("x = [(a := 1)]", "bind"),
            ("a[0] = 1", "change"),
            ("a.append(1)", "change"),
            ("a[0]['b'].append(1)", "change"),
            ("a[0] += 1", "change"),
            ("global b, a", "elsewhere"),
            ("match x:\n case a: pass", "bind"),
        ] {
            assert_eq!(effects(source, "a"), [(String::new(), effect.to_owned())], "{source}");
        }
        for source in
            ["a == 1", "f(a=1)", "b = a", "x.a = 1", "a.b", "b[a]", "import x.a", "a: str", "lambda a: a"]
        {
            let found = effects(source, "a");
            assert!(found.is_empty() || source == "import x.a", "{source}: {found:?}");
        }
    }

    #[test]
    fn statements_are_in_the_scope_that_they_stand_in() {
        let source = "\
a = 1
class C:
    a = 2; a = 3
    def m(self): a = 4; a = 5
    async def n(self):
        if x:
            a = 6
        else: a = 7
        def inner():
            a = 8
        a = 9
a = 10
if x: y = 1; a = 11
";
        let scopes: Vec<_> = effects(source, "a").into_iter().map(|(scope, _)| scope).collect();
        assert_eq!(scopes, ["", "C", "C", "C.m", "C.m", "C.n", "C.n", "C.n.inner", "C.n", "", ""]);
    }

    #[test]
    fn parameters_are_named() {
        let (scopes, _) =
            split_statements(split_lines("def f(a, b: int = g(c, d), *e, f=1, **h) -> i: pass").unwrap());
        assert_eq!(scopes[1].parameters, ["a", "b", "e", "f", "h"]);
    }
}
