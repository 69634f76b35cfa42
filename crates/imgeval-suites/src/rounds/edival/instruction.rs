//! Reading instructions in their bracketed form, and writing the natural one.

use super::TaskType;

/// What an instruction asks for, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    Add {
        object: String,
        place: Option<Placement>,
    },
    Remove {
        object: String,
    },
    Replace {
        object: String,
        by: String,
    },
    Move {
        object: String,
        to: Placement,
    },
    /// The number is a text: whether it is one is found out when it is needed.
    Count {
        object: String,
        number: String,
    },
    Color {
        object: String,
        color: String,
    },
    Material {
        object: String,
        material: String,
    },
    /// The object whose text is replaced; without one, the text is added to the image.
    Text {
        object: Option<String>,
        text: String,
    },
    /// With the objects that must stay, their names as they stand between commas.
    Background {
        background: String,
        remaining: Vec<String>,
    },
}

/// Beside which object something is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// `left`, `right`, `above` or `below` in the published table; other words fail the rules.
    pub position: String,
    pub reference: String,
}

/// Longer texts are no instructions.
const MAX_BYTES: usize = 16 << 10;

/// Reads an instruction. Patterns are searched for, so that quotes around the sentence do not matter. The natural form is expected for
/// [`TaskType::BackgroundChange`], the bracketed one for all others; `None` if the pattern is not found.
#[must_use]
pub fn parse_edit(task_type: TaskType, instruction: &str) -> Option<Edit> {
    if instruction.len() > MAX_BYTES {
        return None;
    }
    let find = |template: &[&str]| find_template(instruction, template);
    Some(match task_type {
        TaskType::SubjectAdd => {
            if let Some(found) = find(&["Add [", "] on the [", "] of [", "]"]) {
                let [object, position, reference] = owned(&found)?;
                Edit::Add { object, place: Some(Placement { position, reference }) }
            } else {
                let [object] = owned(&find(&["Add [", "]"])?)?;
                Edit::Add { object, place: None }
            }
        }
        TaskType::SubjectRemove => {
            let [object] = owned(&find(&["Remove [", "]"])?)?;
            Edit::Remove { object }
        }
        TaskType::SubjectReplace => {
            let [object, by] = owned(&find(&["Replace [", "] with [", "]"])?)?;
            Edit::Replace { object, by }
        }
        TaskType::PositionChange => {
            let found = find(&["Change the position of [", "] to [", "] of [", "]"])?;
            let [object, position, reference] = owned(&found)?;
            Edit::Move { object, to: Placement { position, reference } }
        }
        TaskType::CountChange => {
            let [object, number] = owned(&find(&["Change the count of [", "] to [", "]"])?)?;
            Edit::Count { object, number }
        }
        TaskType::ColorAlter => {
            let [object, color] = owned(&find(&["Change the color of [", "] to [", "]"])?)?;
            Edit::Color { object, color }
        }
        TaskType::MaterialAlter => {
            let [object, material] = owned(&find(&["Change the material of [", "] to [", "]"])?)?;
            Edit::Material { object, material }
        }
        TaskType::TextChange => {
            if let Some(found) = find(&["Replace the text '[", "]' on [", "] with '[", "]'"]) {
                let [_, object, text] = owned(&found)?;
                Edit::Text { object: Some(object), text }
            } else {
                let [text] = owned(&find(&["Add text '[", "]' on the image"])?)?;
                Edit::Text { object: None, text }
            }
        }
        TaskType::BackgroundChange => {
            if let Some((background, objects)) = find_background(instruction) {
                let remaining = objects.split(',').map(str::to_owned).collect();
                Edit::Background { background: background.to_owned(), remaining }
            } else {
                let [background] = owned(&find(&["Change the background to [", "]"])?)?;
                Edit::Background { background, remaining: Vec::new() }
            }
        }
    })
}

fn owned<const N: usize>(found: &[&str]) -> Option<[String; N]> {
    let found: [&str; N] = found.try_into().ok()?;
    Some(found.map(str::to_owned))
}

/// The first place where the parts of the template stand with one or more characters other than `]` between them.
fn find_template<'a>(text: &'a str, template: &[&str]) -> Option<Vec<&'a str>> {
    let (first, others) = template.split_first()?;
    text.match_indices(first).find_map(|(at, _)| {
        let mut rest = &text[at + first.len()..];
        let mut found = Vec::new();
        for part in others {
            // Every part begins with the bracket that ends what stands before it.
            let end = rest.find(']').filter(|end| *end > 0)?;
            found.push(&rest[..end]);
            rest = rest[end..].strip_prefix(part)?;
        }
        Some(found)
    })
}

/// The natural form with objects: the background ends at the first comma, the objects at the last ` unchanged` of the line.
fn find_background(text: &str) -> Option<(&str, &str)> {
    const START: &str = "Change the background to ";
    text.match_indices(START).find_map(|(at, _)| {
        let rest = &text[at + START.len()..];
        let (background, rest) = rest.split_once(',').filter(|(background, _)| !background.is_empty())?;
        let line = rest.strip_prefix(" remain the ")?.split('\n').next()?;
        let objects = &line[..line.rfind(" unchanged")?];
        (!objects.is_empty()).then_some((background, objects))
    })
}

/// The natural form of a bracketed instruction: without brackets and, for a new background, with the objects in front that must stay.
#[must_use]
pub fn natural_form(task_type: TaskType, formatted: &str, foreground: &[&str]) -> String {
    let mut natural = formatted.replace(['[', ']'], "");
    if task_type == TaskType::BackgroundChange && !foreground.is_empty() {
        natural.push_str(&format!(", remain the {} unchanged", foreground.join(", ")));
    }
    natural
}
