//! Which objects an image has after each turn, as the official generator keeps track of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edit, TaskType, natural_form, parse_edit};

/// The words that a changed color or material replaces in an object's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolWords {
    pub colors: Vec<String>,
    pub materials: Vec<String>,
}

/// What is known after a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolState {
    /// The natural form of the turn's instruction.
    pub instruction: String,
    /// Whether no turn so far has changed the background.
    pub bg_consistency: bool,
    /// Objects of the source that no turn has edited and that are still there.
    pub unchanged: Vec<String>,
    pub available: Vec<String>,
    /// All objects that were ever there, and added texts.
    pub all: Vec<String>,
}

/// The objects of a session.
#[derive(Debug, Clone)]
pub struct ObjectPool<'a> {
    words: &'a PoolWords,
    source: Vec<String>,
    /// Those of the source that stand in the foreground.
    source_foreground: BTreeSet<String>,
    /// With whether they stand in the foreground.
    available: Vec<(String, bool)>,
    all: Vec<String>,
    edited: BTreeSet<String>,
    has_new_background: bool,
}

impl<'a> ObjectPool<'a> {
    /// Begins with the objects found in the source. Objects whose place is not known count as foreground for instructions, but are gone
    /// once the background changes.
    #[must_use]
    pub fn new(objects: &[String], foreground: &BTreeMap<String, bool>, words: &'a PoolWords) -> Self {
        let mut pool = Self {
            words,
            source: objects.to_vec(),
            source_foreground: foreground
                .iter()
                .filter(|(_, is_front)| **is_front)
                .map(|(name, _)| name.clone())
                .collect(),
            available: Vec::new(),
            all: objects.to_vec(),
            edited: BTreeSet::new(),
            has_new_background: false,
        };
        for object in objects.iter().filter(|object| !object.is_empty()) {
            pool.put(object.clone(), foreground.get(object).copied().unwrap_or(true));
        }
        pool
    }

    /// Carries out one instruction, given in its bracketed form.
    pub fn apply(&mut self, task_type: TaskType, formatted: &str) -> PoolState {
        let front: Vec<&str> =
            self.available.iter().filter(|(_, is_front)| *is_front).map(|(name, _)| name.as_str()).collect();
        let instruction = natural_form(task_type, formatted, &front);
        match parse_edit(task_type, formatted) {
            Some(edit) if task_type != TaskType::BackgroundChange => self.carry_out(edit),
            _ => {}
        }
        if task_type == TaskType::BackgroundChange {
            self.has_new_background = true;
            let source_foreground = &self.source_foreground;
            self.available.retain(|(name, _)| source_foreground.contains(name));
        }
        let is_unchanged = |name: &&String| !self.edited.contains(*name) && self.place(name).is_some();
        PoolState {
            instruction,
            bg_consistency: !self.has_new_background,
            unchanged: self.source.iter().filter(is_unchanged).cloned().collect(),
            available: self.available.iter().map(|(name, _)| name.clone()).collect(),
            all: self.all.clone(),
        }
    }

    fn carry_out(&mut self, edit: Edit) {
        match edit {
            Edit::Add { object, .. } => {
                self.put(object.clone(), true);
                self.remember(object);
            }
            Edit::Remove { object } => {
                self.take(&object);
                self.edited.insert(object);
            }
            Edit::Replace { object, by } => {
                let is_front = self.take(&object).unwrap_or(true);
                self.put(by.clone(), is_front);
                self.remember(by);
                self.edited.insert(object);
            }
            Edit::Color { object, color } => {
                let words = self.words;
                self.rename(object, &color, &words.colors);
            }
            Edit::Material { object, material } => {
                let words = self.words;
                self.rename(object, &material, &words.materials);
            }
            Edit::Move { object, to } => self.edited.extend([object, to.reference]),
            Edit::Count { object, .. } => {
                self.edited.insert(object);
            }
            Edit::Text { object: Some(object), .. } => {
                self.edited.insert(object);
            }
            Edit::Text { object: None, text } => self.remember(text),
            Edit::Background { .. } => {}
        }
    }

    /// The object gets its new name even where it is no longer there: then it is only remembered.
    fn rename(&mut self, object: String, value: &str, words: &[String]) {
        let name = renamed(&object, value, words);
        if name != object
            && let Some(is_front) = self.take(&object)
        {
            self.put(name.clone(), is_front);
        }
        self.remember(name);
        self.edited.insert(object);
    }

    fn place(&self, object: &str) -> Option<usize> {
        self.available.iter().position(|(name, _)| name == object)
    }

    fn take(&mut self, object: &str) -> Option<bool> {
        self.place(object).map(|place| self.available.remove(place).1)
    }

    /// At the end, or in its own place if it is there already.
    fn put(&mut self, object: String, is_front: bool) {
        match self.place(&object) {
            Some(place) => self.available[place].1 = is_front,
            None => self.available.push((object, is_front)),
        }
    }

    fn remember(&mut self, object: String) {
        if !self.all.contains(&object) {
            self.all.push(object);
        }
    }
}

/// The name of an object with a new color or material: among several words the first that contains a known one is replaced; otherwise
/// the value goes in front.
fn renamed(object: &str, value: &str, known: &[String]) -> String {
    let in_front = || format!("{value} {object}");
    if !object.contains(' ') {
        return in_front();
    }
    let mut words: Vec<&str> = object.split_whitespace().collect();
    let holds = |word: &&str| known.iter().any(|known| word.to_lowercase().contains(&known.to_lowercase()));
    match words.iter().position(holds) {
        Some(place) => words[place] = value,
        None => words.insert(0, value),
    }
    words.join(" ")
}
