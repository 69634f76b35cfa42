//! GenEval's prompts, from a seed: the official generator's draws (`prompts/create_prompts.py` of djghosh13/geneval;
//! docs/methods.md 1.1) on NumPy's random stream. Seed 43 with 100 per task is the published suite; every other seed is a
//! fresh one that no model can have been trained on.

use std::collections::HashSet;

use imgeval_core::{Case, CaseId, Category, Color};

use super::metadata::{Exclude, Include, Metadata, Position, Relation, Tag};
use crate::{
    numpy_random::{DrawError, NumpyGenerator},
    python_json::to_python_json,
};

/// SHA-256 of the official `evaluation_metadata.jsonl`.
pub const OFFICIAL_METADATA_SHA256: &str = "5c48e0813e812e3c373fa5c8ed07a8f0a483be30272b4427b0559c8048e67c13";

/// SHA-256 of the official `generation_prompts.txt`.
pub const OFFICIAL_PROMPTS_SHA256: &str = "55b6e3650e980c13daf30569eb666e000faf19bfc2b7b4cbe999fcdb7aa9d680";

/// The largest [`SuiteConfig::per_task`]; far beyond any use, it keeps a slip of the finger from filling memory.
pub const MAX_PER_TASK: u32 = 100_000;

/// Which suite. The default is the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuiteConfig {
    pub seed: u64,
    /// Prompts drawn for each tag but `single_object`, before repeated ones are dropped.
    pub per_task: u32,
}

impl Default for SuiteConfig {
    fn default() -> Self {
        Self { seed: 43, per_task: 100 }
    }
}

/// Why there is no suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptsError {
    #[error("per-task must be at least 1, or every tag but `single_object` would be empty")]
    NothingPerTask,
    #[error("per-task is {per_task}, but must be at most {MAX_PER_TASK}")]
    TooManyPerTask { per_task: u32 },
    #[error("could not draw a prompt")]
    Draw(#[from] DrawError),
}

/// Draws the suite, tag by tag; of equal cases the first stays.
///
/// # Errors
/// When `per_task` is 0 or above [`MAX_PER_TASK`].
pub fn generate_cases(config: &SuiteConfig) -> Result<Vec<Metadata>, PromptsError> {
    match config.per_task {
        0 => return Err(PromptsError::NothingPerTask),
        1..=MAX_PER_TASK => {}
        per_task => return Err(PromptsError::TooManyPerTask { per_task }),
    }
    let mut drawer = Drawer::new(config.seed);
    let mut cases = drawer.single_objects()?;
    for draw in [Drawer::two_object, Drawer::counting, Drawer::colors, Drawer::position, Drawer::color_attr] {
        for _ in 0..config.per_task {
            cases.push(draw(&mut drawer)?);
        }
    }
    let mut seen = HashSet::with_capacity(cases.len());
    cases.retain(|case| seen.insert(case.clone()));
    Ok(cases)
}

/// `evaluation_metadata.jsonl`: one case a line.
#[must_use]
pub fn render_metadata_jsonl(cases: &[Metadata]) -> String {
    cases.iter().map(|case| to_python_json(&case.to_value()) + "\n").collect()
}

/// `generation_prompts.txt`: one prompt a line.
#[must_use]
pub fn render_prompts_txt(cases: &[Metadata]) -> String {
    cases.iter().flat_map(|case| [case.prompt.as_str(), "\n"]).collect()
}

/// Numbers the cases as the official layout names its folders: `00000`, `00001`, …
#[must_use]
pub fn suite_cases(cases: Vec<Metadata>) -> Vec<Case<Metadata>> {
    let number = |(index, metadata): (usize, Metadata)| Case {
        id: CaseId::new(format!("{index:05}")),
        tag: metadata.tag.name().to_owned(),
        prompt: metadata.prompt.clone(),
        expectation: metadata,
    };
    cases.into_iter().enumerate().map(number).collect()
}

/// The generator with what it draws from. The order of the draws within a method is part of the suite.
struct Drawer {
    generator: NumpyGenerator,
    categories: Vec<Category>,
    /// All categories but "person": nobody is to be painted. The official generator gets there by adding to the drawn
    /// index modulo 80, which is this list, since "person" comes first.
    colorable: Vec<Category>,
    colors: Vec<Color>,
}

impl Drawer {
    fn new(seed: u64) -> Self {
        Self {
            generator: NumpyGenerator::from_seed(seed),
            categories: Category::all().collect(),
            colorable: Category::all().filter(|category| category.name() != "person").collect(),
            colors: Color::all().collect(),
        }
    }

    /// Every category once, in drawn order.
    fn single_objects(&mut self) -> Result<Vec<Metadata>, DrawError> {
        let count = self.categories.len();
        let order = self.generator.choice_without_replacement(count, count)?;
        let single_object = |index: usize| {
            let category = self.categories[index];
            metadata(Tag::SingleObject, vec![one(category)], &with_article(category.name()))
        };
        Ok(order.into_iter().map(single_object).collect())
    }

    fn two_object(&mut self) -> Result<Metadata, DrawError> {
        let [first, second] = draw_two(&mut self.generator, &self.categories)?;
        let wording = format!("{} and {}", with_article(first.name()), with_article(second.name()));
        Ok(metadata(Tag::TwoObject, vec![one(first), one(second)], &wording))
    }

    fn counting(&mut self) -> Result<Metadata, DrawError> {
        let category = draw_one(&mut self.generator, &self.categories)?;
        let (count, word) = match self.generator.integers(2, 4)? {
            2 => (2, "two"),
            3 => (3, "three"),
            _ => (4, "four"),
        };
        let wording = format!("{word} {}", plural(category.name()));
        let include = vec![Include { count, ..one(category) }];
        let exclude = vec![Exclude { category, count: count + 1 }];
        Ok(Metadata { exclude, ..metadata(Tag::Counting, include, &wording) })
    }

    fn colors(&mut self) -> Result<Metadata, DrawError> {
        let category = draw_one(&mut self.generator, &self.colorable)?;
        let color = draw_one(&mut self.generator, &self.colors)?;
        Ok(metadata(Tag::Colors, vec![colored(category, color)], &color_wording(category, color)))
    }

    fn position(&mut self) -> Result<Metadata, DrawError> {
        let [subject, reference] = draw_two(&mut self.generator, &self.categories)?;
        let relation = draw_one(&mut self.generator, &Relation::ALL)?;
        let position = Some(Position { relation, target: 0 });
        let wording =
            format!("{} {relation} {}", with_article(subject.name()), with_article(reference.name()));
        let include = vec![one(reference), Include { position, ..one(subject) }];
        Ok(metadata(Tag::Position, include, &wording))
    }

    fn color_attr(&mut self) -> Result<Metadata, DrawError> {
        let [first, second] = draw_two(&mut self.generator, &self.colorable)?;
        let [first_color, second_color] = draw_two(&mut self.generator, &self.colors)?;
        let wording =
            format!("{} and {}", color_wording(first, first_color), color_wording(second, second_color));
        let include = vec![colored(first, first_color), colored(second, second_color)];
        Ok(metadata(Tag::ColorAttr, include, &wording))
    }
}

fn draw_one<T: Copy>(generator: &mut NumpyGenerator, items: &[T]) -> Result<T, DrawError> {
    Ok(items[generator.choice(items.len())?])
}

fn draw_two<T: Copy>(generator: &mut NumpyGenerator, items: &[T]) -> Result<[T; 2], DrawError> {
    let drawn = generator.choice_without_replacement(items.len(), 2)?;
    Ok([items[drawn[0]], items[drawn[1]]])
}

fn metadata(tag: Tag, include: Vec<Include>, wording: &str) -> Metadata {
    Metadata { tag, include, exclude: Vec::new(), prompt: format!("a photo of {wording}") }
}

fn one(category: Category) -> Include {
    Include { category, count: 1, color: None, position: None }
}

fn colored(category: Category, color: Color) -> Include {
    Include { color: Some(color), ..one(category) }
}

fn color_wording(category: Category, color: Color) -> String {
    format!("{} {category}", with_article(color.name()))
}

pub(super) fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// By the official generator's rule, so "toothbrushs" and "persons".
pub(super) fn plural(name: &str) -> String {
    let ending = if name.ends_with('s') { "es" } else { "s" };
    format!("{name}{ending}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn generate(seed: u64, per_task: u32) -> Result<Vec<Metadata>, PromptsError> {
        generate_cases(&SuiteConfig { seed, per_task })
    }

    #[test]
    fn the_default_suite_has_the_published_counts() {
        let mut counts = BTreeMap::new();
        for case in generate_cases(&SuiteConfig::default()).unwrap() {
            *counts.entry(case.tag).or_insert(0) += 1;
        }
        let expected = [80, 99, 80, 94, 100, 100];
        assert_eq!(counts, Tag::ALL.into_iter().zip(expected).collect());
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        let error = generate(43, 0).unwrap_err().to_string();
        assert_eq!(error, "per-task must be at least 1, or every tag but `single_object` would be empty");
        let error = generate(43, MAX_PER_TASK + 1).unwrap_err().to_string();
        assert_eq!(error, "per-task is 100001, but must be at most 100000");
    }

    #[test]
    fn cases_are_numbered_by_five_digits() {
        let cases = suite_cases(generate_cases(&SuiteConfig::default()).unwrap());
        assert_eq!(cases[0].id.as_str(), "00000");
        assert_eq!(cases[0].prompt, "a photo of a bench");
        assert_eq!(cases[552].id.as_str(), "00552");
        assert_eq!(cases[552].tag, "color_attr");
        assert_eq!(cases[552].prompt, cases[552].expectation.prompt);
    }

    #[test]
    fn no_case_repeats_and_nobody_is_painted() {
        let cases = generate(7, 2_000).unwrap();
        let unique: HashSet<&Metadata> = cases.iter().collect();
        assert_eq!(unique.len(), cases.len());
        let painted = cases.iter().flat_map(|case| &case.include).filter(|clause| clause.color.is_some());
        assert!(painted.clone().count() > 2_000);
        assert!(painted.into_iter().all(|clause| clause.category.name() != "person"));
    }

    #[test]
    fn words_follow_the_official_rules() {
        assert_eq!(with_article("umbrella"), "an umbrella");
        assert_eq!(with_article("hair drier"), "a hair drier");
        assert_eq!(plural("skis"), "skises");
        assert_eq!(plural("person"), "persons");
    }
}
