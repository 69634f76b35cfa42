//! How a suite puts the texts of its files together: declared as data, applied once, values left open.

use std::collections::BTreeMap;

use super::{
    Hole, Node, Piece, Place, PythonSource, Text, WordingError,
    data::{parse_json, parse_yaml, text_of},
    format::{FormatPiece, split_format, split_jinja},
};
use crate::judged::{Field, Template};

/// Longer texts are no question to a judge.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The files of a suite that hold its wording, by the names that its compositions use. Whether they are the files that
/// they should be, the caller has checked.
#[derive(Debug, Default)]
pub struct WordingFiles {
    files: BTreeMap<String, WordingFile>,
}

#[derive(Debug)]
enum WordingFile {
    Python(PythonSource),
    Data(Node),
}

impl WordingFiles {
    /// # Errors
    /// If the text is no Python as far as its tokens go.
    pub fn add_python(&mut self, name: &str, source: &str) -> Result<(), WordingError> {
        self.files.insert(name.to_owned(), WordingFile::Python(PythonSource::parse(source)?));
        Ok(())
    }

    /// # Errors
    /// If the text is no JSON.
    pub fn add_json(&mut self, name: &str, source: &str) -> Result<(), WordingError> {
        self.files.insert(name.to_owned(), WordingFile::Data(parse_json(source)?));
        Ok(())
    }

    /// # Errors
    /// If the text is no YAML, or not the same to every reader of YAML.
    pub fn add_yaml(&mut self, name: &str, source: &str) -> Result<(), WordingError> {
        self.files.insert(name.to_owned(), WordingFile::Data(parse_yaml(source)?));
        Ok(())
    }

    /// The text at a place in a file.
    ///
    /// # Errors
    /// If it is missing or uncertain.
    pub fn text(&self, file: &str, place: &Place) -> Result<Text, WordingError> {
        match self.files.get(file) {
            Some(WordingFile::Python(source)) => source.text(place),
            Some(WordingFile::Data(root)) => text_of(root, place).cloned(),
            None => Err(WordingError::NoFile { file: file.to_owned() }),
        }
    }
}

/// A composition. What it names by text in its pairs becomes a field of the [`Template`], which is bound in one pass: a
/// value is never looked through for marks or braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compose<'a> {
    /// A text of a file.
    Of(&'a str, Place<'a>),
    /// A text of the suite's own, such as a line end between two others.
    Text(&'a str),
    /// `separator.join([…])`
    Join(&'a str, &'a [Self]),
    /// `text.replace(mark, value)` for each mark, which must be there; every one of it is replaced.
    Replace(&'a Self, &'a [(&'a str, Field)]),
    /// `text.format(name=value)`; unnamed and numbered places go by `0`, `1` and so on. Where a text is formatted whose
    /// value is already in, the prompt becomes [`Field::FormattedPrompt`].
    Format(&'a Self, &'a [(&'a str, Field)]),
    /// The holes of a format string, by their expressions; `['Prompt']` stands for this key of anything.
    Holes(&'a Self, &'a [(&'a str, Field)]),
    /// A Jinja template with `{{ name }}`.
    Jinja(&'a Self, &'a [(&'a str, Field)]),
    /// By a fact of the case, such as its type of edit.
    Choice(&'a str, &'a [(&'a str, Self)]),
}

/// A piece of what is being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// With the name of the text that it stands in.
    Hole(String, Hole),
    Field(Field),
}

#[derive(Debug, Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Literal(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Part::Literal(text.to_owned())),
        }
    }

    fn append(&mut self, other: Self) {
        for part in other.0 {
            match part {
                Part::Literal(text) => self.push(&text),
                other => self.0.push(other),
            }
        }
    }

    /// Puts in what `fill` makes of each literal.
    fn refill(
        self,
        mut fill: impl FnMut(&str, &mut Self) -> Result<(), WordingError>,
    ) -> Result<Self, WordingError> {
        let mut parts = Self::default();
        for part in self.0 {
            match part {
                Part::Literal(text) => fill(&text, &mut parts)?,
                other => parts.0.push(other),
            }
        }
        Ok(parts)
    }
}

fn field_of(name: &str, fields: &[(&str, Field)]) -> Result<Field, WordingError> {
    let field = fields.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
    field.ok_or_else(|| WordingError::Format { what: format!("there is no value for `{{{name}}}`") })
}

impl Compose<'_> {
    /// The text as a template, with fields for what belongs to the case. `facts` decide between texts.
    ///
    /// # Errors
    /// If a text is not there or not certain, or does not have the places that the composition fills.
    pub fn template(
        &self,
        files: &WordingFiles,
        facts: &BTreeMap<&str, &str>,
    ) -> Result<Template, WordingError> {
        let parts = self.parts(files, facts)?;
        let mut template = Template::default();
        let mut n_bytes = 0;
        for part in parts.0 {
            match part {
                Part::Literal(text) => {
                    n_bytes += text.len();
                    template.push_literal(&text);
                }
                Part::Field(field) => template.push_field(field),
                Part::Hole(name, Hole { line, expression, .. }) => {
                    return Err(WordingError::Hole { name, hole: expression, line });
                }
            }
        }
        if n_bytes > MAX_TEXT_BYTES {
            return Err(WordingError::TooLong { max_bytes: MAX_TEXT_BYTES });
        }
        Ok(template)
    }

    fn parts(&self, files: &WordingFiles, facts: &BTreeMap<&str, &str>) -> Result<Parts, WordingError> {
        let parts = |of: &Compose| of.parts(files, facts);
        match self {
            Self::Of(file, place) => Ok(parts_of(&files.text(file, place)?, &place.to_string())),
            Self::Text(text) => Ok(parts_of(&Text::literal(text), "")),
            Self::Join(separator, of) => {
                let mut joined = Parts::default();
                for (index, of) in of.iter().enumerate() {
                    joined.push(if index > 0 { separator } else { "" });
                    joined.append(parts(of)?);
                }
                Ok(joined)
            }
            Self::Replace(of, marks) => {
                marks.iter().try_fold(parts(of)?, |text, (mark, field)| replace(text, mark, *field))
            }
            Self::Format(of, fields) => format(parts(of)?, fields),
            Self::Holes(of, fields) => {
                let mut text = parts(of)?;
                for part in &mut text.0 {
                    let Part::Hole(_, hole) = part else { continue };
                    if let Some(field) = field_of_hole(hole, fields) {
                        *part = Part::Field(field);
                    }
                }
                Ok(text)
            }
            Self::Jinja(of, fields) => {
                let text = parts(of)?;
                if !matches!(text.0.as_slice(), [] | [Part::Literal(_)]) {
                    return Err(WordingError::Format {
                        what: "a Jinja template that is not constant".to_owned(),
                    });
                }
                text.refill(|literal, parts| {
                    split_jinja(literal)?.into_iter().try_for_each(|piece| put(piece, fields, parts))
                })
            }
            Self::Choice(fact, of) => {
                let value = facts.get(fact).copied();
                let chosen = of.iter().find(|(name, _)| Some(*name) == value);
                let (_, chosen) = chosen.ok_or_else(|| WordingError::NoChoice {
                    fact: (*fact).to_owned(),
                    value: value.map(str::to_owned),
                })?;
                parts(chosen)
            }
        }
    }
}

fn parts_of(text: &Text, name: &str) -> Parts {
    let part = |piece: &Piece| match piece {
        Piece::Literal(text) => Part::Literal(text.clone()),
        Piece::Hole(hole) => Part::Hole(name.to_owned(), hole.clone()),
    };
    Parts(text.pieces().iter().map(part).collect())
}

/// The field for a placeholder.
pub(crate) fn field_of_hole(hole: &Hole, fields: &[(&str, Field)]) -> Option<Field> {
    let key = hole.key.as_ref().map(|key| format!("['{key}']"));
    let is_meant = |name: &str| name == hole.expression || Some(name) == key.as_deref();
    fields.iter().find(|(name, _)| is_meant(name)).map(|(_, field)| *field)
}

fn replace(text: Parts, mark: &str, field: Field) -> Result<Parts, WordingError> {
    let mut n_replaced = 0;
    let replaced = text.refill(|literal, parts| {
        for (index, piece) in literal.split(mark).enumerate() {
            if index > 0 {
                parts.0.push(Part::Field(field));
                n_replaced += 1;
            }
            parts.push(piece);
        }
        Ok(())
    })?;
    if n_replaced == 0 || mark.is_empty() {
        return Err(WordingError::NoMark { mark: mark.to_owned() });
    }
    Ok(replaced)
}

fn put(piece: FormatPiece, fields: &[(&str, Field)], parts: &mut Parts) -> Result<(), WordingError> {
    match piece {
        FormatPiece::Literal(text) => parts.push(text),
        FormatPiece::Place(name) => parts.0.push(Part::Field(field_of(&name, fields)?)),
    }
    Ok(())
}

fn format(text: Parts, fields: &[(&str, Field)]) -> Result<Parts, WordingError> {
    let is_literal = |part: &Part| matches!(part, Part::Literal(_));
    if text.0.len() < 2 && text.0.iter().all(is_literal) {
        return text.refill(|literal, parts| {
            split_format(literal)?.into_iter().try_for_each(|piece| put(piece, fields, parts))
        });
    }
    // The values that are in already are formatted along, with the prompt as the only value.
    let refuse = |what: &str| Err(WordingError::Format { what: what.to_owned() });
    if fields != [("0", Field::Prompt)] {
        return refuse("values that are in already can be formatted with the prompt alone");
    }
    let mut formatted = Parts::default();
    for part in text.0 {
        match part {
            Part::Literal(text) if text.contains(['{', '}']) => {
                return refuse("braces next to values that are formatted along");
            }
            Part::Literal(text) => formatted.push(&text),
            Part::Field(Field::Prompt) => formatted.0.push(Part::Field(Field::FormattedPrompt)),
            Part::Field(_) | Part::Hole(..) => {
                return refuse("another value than the prompt is formatted along");
            }
        }
    }
    Ok(formatted)
}

impl Text {
    /// The text with its holes filled by their expressions, for texts that a suite puts together case by case.
    ///
    /// # Errors
    /// If a hole has no value.
    pub fn fill(&self, values: &[(&str, &str)]) -> Result<String, WordingError> {
        let mut filled = String::new();
        for piece in self.pieces() {
            filled.push_str(match piece {
                Piece::Literal(text) => text,
                Piece::Hole(hole) => {
                    let value = values.iter().find(|(name, _)| *name == hole.expression);
                    let missing = || WordingError::Hole {
                        name: "the text".to_owned(),
                        hole: hole.expression.clone(),
                        line: hole.line,
                    };
                    value.map(|(_, value)| *value).ok_or_else(missing)?
                }
            });
        }
        Ok(filled)
    }
}
