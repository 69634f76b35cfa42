//! Whether an instruction was followed, by boxes of an object detector and replies of a language model.
//!
//! Both images are squeezed to 512 x 512 first. Whatever cannot be answered counts as nothing found or as "no": **a detector that fails
//! makes a removal succeed**, and every other edit fail.

use super::{
    Edit, Placement, TaskType,
    boxes::{self, DetectedBox},
    parse_edit,
};
use crate::rounds::literal::python_integer;

/// The usual threshold.
const THRESHOLD: f32 = 0.3;
const REMOVAL_THRESHOLD: f32 = 0.35;
const COUNTING_THRESHOLD: f32 = 0.4;
const BACKGROUND_THRESHOLD: f32 = 0.25;
/// By this share of the frame an added object must lie beside its reference.
const MARGIN: f32 = 0.03;
/// Boxes of removed objects that are larger on both sides are the detector's mistake.
const WHOLE_FRAME: f32 = 0.98;
const NEARLY_WHOLE_FRAME: f32 = 0.9;
/// A removed object that overlaps what is found afterwards less than this is gone.
const STILL_THERE: f32 = 0.2;
/// Words that the detector mixes up: without them in the target, the object is gone.
const MIXED_UP: [&str; 2] = ["hat", "bird"];

/// Which of the two images is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    Source,
    Target,
}

/// A detector or a model could not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

/// Finds objects: officially GroundingDINO Swin-T.
pub trait BoxFinder {
    /// All boxes of `name` whose best token score is above `threshold`, which is also that of the text. The name is in lower case and without
    /// full stops; the official query puts ` .` behind it.
    ///
    /// # Errors
    /// If the detector fails.
    fn find(&self, frame: Frame, name: &str, threshold: f32) -> Result<Vec<DetectedBox>, NoAnswer>;
}

/// What a model is asked. The official wording is the authors' and not part of this crate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Question<'a> {
    /// Both images: is this object newly there? Yes or no.
    IsNew { object: &'a str },
    /// Both images: was this object replaced by that one? Yes or no.
    IsReplaced { object: &'a str, by: &'a str },
    /// Both images: was this bracketed instruction, which changes a color or a material, carried out? Yes or no.
    IsCarriedOut { instruction: &'a str },
    /// The target: does its background show this? Yes or no.
    HasBackground { background: &'a str },
    /// The target, or these pixels of it (left, top, right and bottom of the squeezed image): which text is there?
    Text { part: Option<[u32; 4]> },
    /// No image: the name without words for colors and materials.
    CoreName { object: &'a str },
}

/// Answers questions: officially Qwen2-VL-7B-Instruct at temperature 0.
pub trait ModelReplies {
    /// The reply as the model gave it.
    ///
    /// # Errors
    /// If the model fails.
    fn reply(&self, question: Question<'_>) -> Result<String, NoAnswer>;
}

/// Whether the instruction was followed. `formatted` is its bracketed form and `natural` the one without brackets, which is read for a new
/// background alone. An unknown type and an instruction that does not match its pattern were not.
#[must_use]
pub fn follow_instruction(
    task_type: &str,
    formatted: &str,
    natural: &str,
    finder: &dyn BoxFinder,
    model: &dyn ModelReplies,
) -> bool {
    let Some(task_type) = TaskType::from_name(task_type) else { return false };
    let instruction = if task_type == TaskType::BackgroundChange { natural } else { formatted };
    let Some(edit) = parse_edit(task_type, instruction) else { return false };
    let look = Look { finder, model };
    match &edit {
        Edit::Add { object, place } => look.is_added(object, place.as_ref()),
        Edit::Remove { object } => look.is_removed(object),
        Edit::Replace { object, by } => look.is_replaced(object, by),
        Edit::Move { object, to } => look.is_moved(object, to),
        Edit::Count { object, number } => look.has_number(object, number),
        Edit::Color { .. } | Edit::Material { .. } => look.agrees(Question::IsCarriedOut { instruction }),
        Edit::Text { object, text } => look.has_text(object.as_deref(), text),
        Edit::Background { background, remaining } => look.has_background(background, remaining),
    }
}

struct Look<'a> {
    finder: &'a dyn BoxFinder,
    model: &'a dyn ModelReplies,
}

impl Look<'_> {
    fn boxes(&self, frame: Frame, object: &str, threshold: f32) -> Vec<DetectedBox> {
        let name = object.trim_matches(crate::python_text::is_blank).to_lowercase().replace('.', "");
        self.finder.find(frame, &name, threshold).unwrap_or_default()
    }

    fn ask(&self, question: Question<'_>) -> String {
        let reply = self.model.reply(question).unwrap_or_else(|NoAnswer| "no".to_owned());
        reply.trim_matches(crate::python_text::is_blank).to_lowercase()
    }

    fn agrees(&self, question: Question<'_>) -> bool {
        self.ask(question).contains("yes")
    }

    fn is_added(&self, object: &str, place: Option<&Placement>) -> bool {
        if !self.agrees(Question::IsNew { object }) {
            return false;
        }
        let Some(Placement { position, reference }) = place else {
            return !self.boxes(Frame::Target, object, THRESHOLD).is_empty();
        };
        let references = self.boxes(Frame::Source, reference, THRESHOLD);
        let objects = self.boxes(Frame::Target, object, THRESHOLD);
        references.iter().any(|reference| {
            objects.iter().any(|object| {
                let offset = |axis: usize| object.center[axis] - reference.center[axis];
                match position.as_str() {
                    "left" => offset(0) < -MARGIN,
                    "right" => offset(0) > MARGIN,
                    "above" => offset(1) < -MARGIN,
                    "below" => offset(1) > MARGIN,
                    _ => false,
                }
            })
        })
    }

    fn is_removed(&self, object: &str) -> bool {
        let best = |frame| {
            let mut found = self.boxes(frame, object, REMOVAL_THRESHOLD);
            found.retain(|found| !found.exceeds(WHOLE_FRAME));
            boxes::best(&found).map(DetectedBox::corners)
        };
        let Some(before) = best(Frame::Source) else { return false };
        let Some(after) = best(Frame::Target) else { return true };
        let is_gone = |word: &str| self.boxes(Frame::Target, word, REMOVAL_THRESHOLD).is_empty();
        let lower = object.to_lowercase();
        boxes::overlap(before, after) < STILL_THERE
            || MIXED_UP.iter().any(|word| lower.contains(word) && is_gone(word))
    }

    fn is_replaced(&self, object: &str, by: &str) -> bool {
        if !self.agrees(Question::IsReplaced { object, by }) {
            return false;
        }
        let old = self.boxes(Frame::Source, singular(object), THRESHOLD);
        let new = self.boxes(Frame::Target, singular(by), THRESHOLD);
        old.iter().any(|old| new.iter().any(|new| boxes::overlap(old.corners(), new.corners()) > 0.0))
    }

    fn is_moved(&self, object: &str, to: &Placement) -> bool {
        let cores = [self.core_name(object), self.core_name(&to.reference)];
        let keeps_number = cores.iter().all(|name| {
            let count = |frame| boxes::count(&self.boxes(frame, name, COUNTING_THRESHOLD));
            count(Frame::Source) == count(Frame::Target)
        });
        if !keeps_number {
            return false;
        }
        let best = |name| boxes::best(&self.boxes(Frame::Target, name, THRESHOLD)).copied();
        let (Some(reference), Some(object)) = (best(&to.reference), best(object)) else { return false };
        let (a, b) = (reference.corners(), object.corners());
        if boxes::contains(a, b) || boxes::contains(b, a) {
            return false;
        }
        let (reference, object) = (reference.center_pixel(), object.center_pixel());
        match to.position.as_str() {
            "left" => object[0] < reference[0],
            "right" => object[0] > reference[0],
            "above" => object[1] < reference[1],
            "below" => object[1] > reference[1],
            _ => false,
        }
    }

    /// The model's short name without brackets and quotes; the object's own if there is none.
    fn core_name(&self, object: &str) -> String {
        let own = object.trim_matches(crate::python_text::is_blank);
        let reply = self.model.reply(Question::CoreName { object: own }).unwrap_or_default();
        match reply.trim_matches(crate::python_text::is_blank) {
            "" => own.to_owned(),
            reply => reply.to_lowercase().replace(['[', ']', '"', '\''], ""),
        }
    }

    fn has_number(&self, object: &str, number: &str) -> bool {
        let before = self.boxes(Frame::Source, object, THRESHOLD);
        let after = self.boxes(Frame::Target, object, THRESHOLD);
        let wanted = python_integer(number).and_then(|number| usize::try_from(number).ok());
        !before.is_empty() && !after.is_empty() && wanted == Some(boxes::count(&after))
    }

    fn has_text(&self, object: Option<&str>, text: &str) -> bool {
        let part = match object {
            Some(object) => {
                let found = [Frame::Source, Frame::Target].map(|frame| self.boxes(frame, object, THRESHOLD));
                match (boxes::best(&found[0]), found[1].is_empty()) {
                    (Some(before), false) => Some(before.pixels()),
                    _ => return false,
                }
            }
            None => None,
        };
        let read = match part {
            // Nothing can be sent.
            Some([left, top, right, bottom]) if left >= right || top >= bottom => "no".to_owned(),
            part => self.ask(Question::Text { part }),
        };
        read.contains(&text.to_lowercase())
    }

    fn has_background(&self, background: &str, remaining: &[String]) -> bool {
        let is_there = |name: &String| {
            let found = self.boxes(Frame::Target, name, BACKGROUND_THRESHOLD);
            boxes::best(&found).is_some_and(|found| !found.exceeds(NEARLY_WHOLE_FRAME))
        };
        remaining.iter().all(is_there) && self.agrees(Question::HasBackground { background })
    }
}

/// A final "es" is cut, or else a final "s".
fn singular(name: &str) -> &str {
    name.strip_suffix("es").or_else(|| name.strip_suffix('s')).unwrap_or(name)
}
