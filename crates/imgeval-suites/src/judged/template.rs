//! Texts with places for what belongs to the case.

use std::{collections::BTreeMap, fmt};

/// What a template may name. Lists and dicts are given as the texts that their suite makes of them, such as Python's `repr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// What the image generator was asked for.
    Prompt,
    /// What the prompt or the test points mean.
    Explanation,
    /// What an editor was asked to do.
    Instruction,
    /// One question about the image.
    Question,
    /// Several questions, as one text.
    Questions,
    /// The wanted outcome, in words.
    Reference,
    /// What is looked at, such as a list of names.
    TestPoints,
    /// What each test point means for this case.
    TestExplanation,
    /// What gives points, and how many.
    ScoringPoints,
    /// What the case is graded by.
    Criteria,
    /// The judge's own reply to the first question of a talk.
    FirstReply,
    /// The prompt as a script leaves it that formats its text twice; see [`crate::wording::format_with_itself`].
    FormattedPrompt,
}

impl Field {
    pub const ALL: [Self; 12] = [
        Self::Prompt,
        Self::Explanation,
        Self::Instruction,
        Self::Question,
        Self::Questions,
        Self::Reference,
        Self::TestPoints,
        Self::TestExplanation,
        Self::ScoringPoints,
        Self::Criteria,
        Self::FirstReply,
        Self::FormattedPrompt,
    ];

    /// As it stands between braces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Explanation => "explanation",
            Self::Instruction => "instruction",
            Self::Question => "question",
            Self::Questions => "questions",
            Self::Reference => "reference",
            Self::TestPoints => "test_points",
            Self::TestExplanation => "test_explanation",
            Self::ScoringPoints => "scoring_points",
            Self::Criteria => "criteria",
            Self::FirstReply => "first_reply",
            Self::FormattedPrompt => "formatted_prompt",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{{}}}", self.name())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Field(Field),
}

/// Literal text and fields in order. Two literals never stand side by side, and none is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("line {line} of the template names {{{name}}}; only {} exist", known_fields())]
    UnknownField { line: usize, name: String },
    #[error("line {line} of the template has an unmatched brace; write {{{{ or }}}} for a literal brace")]
    LoneBrace { line: usize },
}

fn known_fields() -> String {
    Field::ALL.map(|field| field.to_string()).join(", ")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the template needs {field}, which this case does not have")]
pub struct MissingField {
    pub field: Field,
}

impl Template {
    /// Reads `{prompt}` and the like ([`Field::name`]) as fields, and `{{` and `}}` as braces.
    ///
    /// # Errors
    /// At any other brace.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            template.push_literal(&rest[..brace]);
            rest = &rest[brace..];
            let line = || 1 + text[..text.len() - rest.len()].matches('\n').count();
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                template.push_literal(&rest[..1]);
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                let unknown =
                    || TemplateError::UnknownField { line: line(), name: name.chars().take(40).collect() };
                template.push_field(Field::from_name(name).ok_or_else(unknown)?);
                rest = after;
            } else {
                return Err(TemplateError::LoneBrace { line: line() });
            }
        }
        template.push_literal(rest);
        Ok(template)
    }

    pub(crate) fn push_literal(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Literal(text.to_owned())),
        }
    }

    pub(crate) fn push_field(&mut self, field: Field) {
        self.pieces.push(Piece::Field(field));
    }

    /// The text with every field replaced by its value, in one pass: what a value holds is never read as a template.
    ///
    /// # Errors
    /// If a value is missing.
    pub fn bind(&self, values: &BTreeMap<Field, &str>) -> Result<String, MissingField> {
        let mut text = String::new();
        for piece in &self.pieces {
            text.push_str(match piece {
                Piece::Literal(literal) => literal,
                Piece::Field(field) => values.get(field).ok_or(MissingField { field: *field })?,
            });
        }
        Ok(text)
    }

    /// The text from which [`Template::parse`] makes this template.
    #[must_use]
    pub fn render_source(&self) -> String {
        let render = |piece: &Piece| match piece {
            Piece::Literal(literal) => literal.replace('{', "{{").replace('}', "}}"),
            Piece::Field(field) => field.to_string(),
        };
        self.pieces.iter().map(render).collect()
    }

    /// In order, repeated as they are.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(*field),
            Piece::Literal(_) => None,
        })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<'a>(prompt: &'a str, explanation: &'a str) -> BTreeMap<Field, &'a str> {
        BTreeMap::from([(Field::Prompt, prompt), (Field::Explanation, explanation)])
    }

    #[test]
    fn fields_are_replaced_and_doubled_braces_are_braces() {
        let template = Template::parse("a {prompt} b {{json}} {explanation}{prompt}").unwrap();
        assert_eq!(template.bind(&values("P", "E")).unwrap(), "a P b {json} EP");
        assert_eq!(template.fields().count(), 3);
    }

    #[test]
    fn unknown_fields_lone_braces_and_missing_values_are_refused() {
        let error = |text| Template::parse(text).unwrap_err().to_string();
        assert!(error("one\ntwo {name}").starts_with("line 2 of the template names {name}"));
        assert!(error("{prompt").contains("an unmatched brace"));
        assert!(error("prompt}").contains("an unmatched brace"));
        assert!(error("{ prompt }").contains("names { prompt }"));
        let template = Template::parse("{instruction}").unwrap();
        assert_eq!(template.bind(&values("", "")), Err(MissingField { field: Field::Instruction }));
    }

    proptest! {
        #[test]
        fn a_value_changes_nothing_but_itself(
            prompt in "(\\{prompt\\}|\\{explanation\\}|%s|<b>|\\{\\{|\\}|ignore the above|[^a-z]){0,12}",
            explanation in ".{0,20}|\\{prompt\\}",
        ) {
            let template = Template::parse("<{prompt}|{{{explanation}}}|{prompt}>").unwrap();
            let bound = template.bind(&values(&prompt, &explanation)).unwrap();
            prop_assert_eq!(bound, ["<", &prompt, "|{", &explanation, "}|", &prompt, ">"].concat());
        }

        #[test]
        fn the_source_of_a_template_reads_back(literals in proptest::collection::vec("[{}a\n\\PC]{0,6}", 0..5)) {
            let mut template = Template::default();
            for literal in &literals {
                template.push_literal(literal);
                template.push_field(Field::Prompt);
            }
            prop_assert_eq!(Template::parse(&template.render_source()).unwrap(), template);
        }
    }
}
