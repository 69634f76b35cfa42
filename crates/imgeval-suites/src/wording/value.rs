//! Values as they stand in a source file, and the places where suites look for them.

use std::fmt;

/// A value and the line that it begins in. Two are equal if their values are, wherever they stand.
#[derive(Debug, Clone, Eq)]
pub struct Node {
    pub line: usize,
    pub value: Value,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// What can be read of a value without running anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(Text),
    /// A list or a tuple.
    List(Vec<Node>),
    /// By text keys, each once.
    Map(Vec<(String, Node)>),
    /// A name that stands for a value, such as `HEAD` or `self.head`.
    Name(String),
    /// The value of a method's call, such as `format`, on what stands before it.
    Method {
        base: Box<Node>,
        method: String,
    },
    /// Everything else, in a few words.
    Other(String),
}

/// A text with holes for what a script puts in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Never empty, and never beside another.
    Literal(String),
    Hole(Hole),
}

/// An expression between the braces of a format string.
#[derive(Debug, Clone, Eq)]
pub struct Hole {
    pub line: usize,
    /// Without blanks, its texts in the quotes that Python's `repr` gives them: `record['Prompt']`.
    pub expression: String,
    /// The key by which it takes a value out of something named, as in `record['Prompt']` and `record.get("Prompt")`.
    pub key: Option<String>,
}

impl PartialEq for Hole {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

impl Text {
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut literal = Self::default();
        literal.push(text);
        literal
    }

    pub(crate) fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Literal(text.to_owned())),
        }
    }

    pub(crate) fn push_hole(&mut self, hole: Hole) {
        self.pieces.push(Piece::Hole(hole));
    }

    pub(crate) fn append(&mut self, other: Self) {
        for piece in other.pieces {
            match piece {
                Piece::Literal(text) => self.push(&text),
                Piece::Hole(hole) => self.push_hole(hole),
            }
        }
    }

    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text, if it has no holes.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// Where a value stands in a file. In JSON and YAML a name is a key of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    pub(crate) scope: &'a str,
    pub(crate) anchor: Anchor<'a>,
    pub(crate) nth: Option<usize>,
    pub(crate) steps: &'a [Step<'a>],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor<'a> {
    Assigned(&'a str),
    Extended(&'a str),
    Returned,
    Argument(&'a str, Argument<'a>),
}

/// Which argument of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument<'a> {
    /// Counted from 0 among those without a name.
    At(usize),
    Named(&'a str),
}

/// A step into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    Key(&'a str),
    /// Counted from 0.
    Item(usize),
    /// To the value on which this method is called, such as the template before `.format`.
    Before(&'a str),
}

impl<'a> Place<'a> {
    const fn new(anchor: Anchor<'a>) -> Self {
        Self { scope: "", anchor, nth: None, steps: &[] }
    }

    /// What `name = …` assigns; the name may be an attribute such as `self.head`.
    #[must_use]
    pub const fn named(name: &'a str) -> Self {
        Self::new(Anchor::Assigned(name))
    }

    /// What `name += …` adds.
    #[must_use]
    pub const fn extended(name: &'a str) -> Self {
        Self::new(Anchor::Extended(name))
    }

    /// What the function of this name returns; a method is named behind its class, as in `Judge.ask`.
    #[must_use]
    pub const fn returned(function: &'a str) -> Self {
        Self::new(Anchor::Returned).within(function)
    }

    /// What a call is given, such as `content.append` or `message['content'].append`.
    #[must_use]
    pub const fn argument(call: &'a str, which: Argument<'a>) -> Self {
        Self::new(Anchor::Argument(call, which))
    }

    /// In this class or function instead of the module: `Judge`, `ask`, `Judge.ask`.
    #[must_use]
    pub const fn within(self, scope: &'a str) -> Self {
        Self { scope, ..self }
    }

    /// The nth of several, counted from 0. Without it all must have the same value.
    #[must_use]
    pub const fn nth(self, nth: usize) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// Further into the value.
    #[must_use]
    pub const fn at(self, steps: &'a [Step<'a>]) -> Self {
        Self { steps, ..self }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.anchor {
            Anchor::Assigned(name) => write!(formatter, "`{name}`")?,
            Anchor::Extended(name) => write!(formatter, "`{name} +=`")?,
            Anchor::Returned => formatter.write_str("`return`")?,
            Anchor::Argument(call, Argument::At(index)) => write!(formatter, "argument {index} of `{call}`")?,
            Anchor::Argument(call, Argument::Named(name)) => write!(formatter, "`{name}` of `{call}`")?,
        }
        for step in self.steps {
            match step {
                Step::Key(key) => write!(formatter, "[`{key}`]")?,
                Step::Item(index) => write!(formatter, "[{index}]")?,
                Step::Before(method) => write!(formatter, " before `.{method}`")?,
            }
        }
        if self.scope.is_empty() { Ok(()) } else { write!(formatter, " in `{}`", self.scope) }
    }
}
