//! What a prompt of GenEval asks for, read back from its text.
//!
//! Rewards are asked for by programs that send a prompt and nothing else. The six templates of the official generator
//! (`prompts/create_prompts.py` of djghosh13/geneval) are unambiguous, so that a text which one of them can have made has exactly one
//! meaning. Everything else is refused: a guess would become a reward.

use imgeval_core::{Category, Color};

use super::{
    metadata::{Exclude, Include, Metadata, Position, Relation, Tag},
    prompts::{plural, with_article},
};

const PREFIX: &str = "a photo of ";
/// Counts that the generator draws, by their words.
const COUNTS: [(&str, u32); 3] = [("two", 2), ("three", 3), ("four", 4)];
/// Words for counts that it never draws.
const OTHER_COUNTS: [&str; 10] =
    ["zero", "one", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// Why a text is not one of GenEval's prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromptProblem {
    #[error("it does not start with \"a photo of \"")]
    Prefix,
    #[error(
        "the word after the number is not the plural of a GenEval class, which adds only \"s\" or \"es\""
    )]
    Plural,
    #[error("GenEval counts two, three or four objects")]
    Count,
    #[error("both objects are of the same class")]
    SameClass,
    #[error("both objects have the same color")]
    SameColor,
    #[error("only one of the two objects has a color")]
    OneColorOnly,
    #[error("GenEval's prompts about positions name no color")]
    ColorInPosition,
    #[error("no article and GenEval class follow the position")]
    SecondObject,
    #[error("no template of GenEval makes this text")]
    NoRule,
}

impl PromptProblem {
    /// A stable name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Plural => "plural",
            Self::Count => "count",
            Self::SameClass => "same_class",
            Self::SameColor => "same_colour",
            Self::OneColorOnly => "one_colour_only",
            Self::ColorInPosition => "colour_in_position",
            Self::SecondObject => "second_object",
            Self::NoRule => "no_rule",
        }
    }
}

impl Metadata {
    /// What a prompt asks for, as the official generator would have written it.
    ///
    /// # Errors
    /// If the generator cannot have made the text, to the letter.
    pub fn from_prompt(prompt: &str) -> Result<Self, PromptProblem> {
        let wording = prompt.strip_prefix(PREFIX).ok_or(PromptProblem::Prefix)?;
        let (tag, include, exclude) = match count_of(wording)? {
            Some((count, category)) => {
                let include = Include { category, count, color: None, position: None };
                (Tag::Counting, vec![include], vec![Exclude { category, count: count + 1 }])
            }
            None => {
                let (tag, include) = objects_of(wording)?;
                (tag, include, Vec::new())
            }
        };
        Ok(Self { tag, include, exclude, prompt: prompt.to_owned() })
    }
}

/// `(two|three|four) PLURAL`; `None` where the text does not begin with a number.
fn count_of(wording: &str) -> Result<Option<(u32, Category)>, PromptProblem> {
    let Some((word, noun)) = wording.split_once(' ') else { return Ok(None) };
    if OTHER_COUNTS.contains(&word) {
        return Err(PromptProblem::Count);
    }
    let Some((_, count)) = COUNTS.into_iter().find(|(name, _)| *name == word) else { return Ok(None) };
    let category = Category::all().find(|category| plural(category.name()) == noun);
    category.map(|category| Some((count, category))).ok_or(PromptProblem::Plural)
}

/// One object, or two with a position between them or not.
fn objects_of(wording: &str) -> Result<(Tag, Vec<Include>), PromptProblem> {
    let (first, rest) = object_of(wording).ok_or(PromptProblem::NoRule)?;
    if rest.is_empty() {
        let tag = if first.color.is_some() { Tag::Colors } else { Tag::SingleObject };
        return Ok((tag, vec![first]));
    }
    if let Some(second) = rest.strip_prefix(" and ") {
        let second = whole_object_of(second)?.ok_or(PromptProblem::NoRule)?;
        check_classes(first, second)?;
        let tag = match (first.color, second.color) {
            (None, None) => Tag::TwoObject,
            (Some(a), Some(b)) if a == b => return Err(PromptProblem::SameColor),
            (Some(_), Some(_)) => Tag::ColorAttr,
            _ => return Err(PromptProblem::OneColorOnly),
        };
        return Ok((tag, vec![first, second]));
    }
    let relation_and_rest = |relation: Relation| {
        let rest = rest.strip_prefix(' ')?.strip_prefix(relation.name())?.strip_prefix(' ')?;
        Some((relation, rest))
    };
    let (relation, second) =
        Relation::ALL.into_iter().find_map(relation_and_rest).ok_or(PromptProblem::NoRule)?;
    let second = whole_object_of(second)?.ok_or(PromptProblem::SecondObject)?;
    check_classes(first, second)?;
    if first.color.or(second.color).is_some() {
        return Err(PromptProblem::ColorInPosition);
    }
    // The object that the position refers to comes first.
    let position = Some(Position { relation, target: 0 });
    Ok((Tag::Position, vec![second, Include { position, ..first }]))
}

fn check_classes(first: Include, second: Include) -> Result<(), PromptProblem> {
    match first.category == second.category {
        true => Err(PromptProblem::SameClass),
        false => Ok(()),
    }
}

/// An object up to the end of the text; `None` if there is none.
fn whole_object_of(text: &str) -> Result<Option<Include>, PromptProblem> {
    match object_of(text) {
        Some((_, rest)) if !rest.is_empty() => Err(PromptProblem::NoRule),
        object => Ok(object.map(|(object, _)| object)),
    }
}

/// The longest object at the beginning of a text, and what follows it.
fn object_of(text: &str) -> Option<(Include, &str)> {
    let plain = Category::all().filter_map(|category| {
        let rest = text.strip_prefix(with_article(category.name()).as_str())?;
        Some((Include { category, count: 1, color: None, position: None }, rest))
    });
    let colored = Color::all().flat_map(|color| {
        let noun = text.strip_prefix(with_article(color.name()).as_str());
        let noun = noun.and_then(|noun| noun.strip_prefix(' '));
        // Nobody is painted.
        let categories = Category::all().filter(|category| category.name() != "person");
        categories.filter_map(move |category| {
            let rest = noun?.strip_prefix(category.name())?;
            Some((Include { category, count: 1, color: Some(color), position: None }, rest))
        })
    });
    let ends_a_word = |(_, rest): &(Include, &str)| rest.is_empty() || rest.starts_with(' ');
    plain.chain(colored).filter(ends_a_word).min_by_key(|(_, rest)| rest.len())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::geneval::{SuiteConfig, generate_cases};

    #[test]
    fn prompts_of_the_generator_are_read_back() {
        for config in [SuiteConfig::default(), SuiteConfig { seed: 7, per_task: 150 }] {
            for case in generate_cases(&config).unwrap() {
                assert_eq!(Metadata::from_prompt(&case.prompt), Ok(case));
            }
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        let code = |prompt: &str| Metadata::from_prompt(prompt).unwrap_err().code();
        assert_eq!(code("A photo of a dog"), "prefix");
        assert_eq!(code("a photo of a dog."), "no_rule");
        assert_eq!(code("a photo of a unicorn"), "no_rule");
        assert_eq!(code("a photo of a doghouse"), "no_rule");
        assert_eq!(code("a photo of two benches"), "plural");
        assert_eq!(code("a photo of seven dogs"), "count");
        assert_eq!(code("a photo of a red dog and a blue dog"), "same_class");
        assert_eq!(code("a photo of a red dog and a red bench"), "same_colour");
        assert_eq!(code("a photo of a dog and a red bench"), "one_colour_only");
        assert_eq!(code("a photo of a dog left of a red bench"), "colour_in_position");
        assert_eq!(code("a photo of a dog left of the bench"), "second_object");
        assert_eq!(code("a photo of a dog left of a bench today"), "no_rule");
    }

    /// Prompts with metadata or a refusal; not part of the repository.
    #[test]
    fn golden_prompts_have_their_metadata() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/wires/rewards");
        for name in ["geneval_prompts.jsonl", "geneval_prompts_edge.jsonl"] {
            let Ok(text) = std::fs::read_to_string(folder.join(name)) else { return };
            for line in text.lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                match Metadata::from_prompt(row["prompt"].as_str().unwrap()) {
                    Ok(metadata) => assert_eq!(metadata.to_value(), row["metadata"]),
                    Err(problem) => assert_eq!(problem.code(), row["refused"], "{row}"),
                }
            }
        }
    }
}
