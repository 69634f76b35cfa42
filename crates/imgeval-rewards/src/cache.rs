//! Rewards that were given before: training asks for the same image again, as frameworks retry whole batches.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use imgeval_core::ContentHash;

use crate::question::{Measured, Picture, Question, What};

/// Measurements by image and question; of more than `capacity`, the oldest goes.
pub(crate) struct Cache {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    measured: HashMap<Key, Measured>,
    /// Oldest first.
    order: VecDeque<Key>,
}

/// Names an image with what is asked of it: rewards that would differ have different ones.
pub(crate) type Key = Arc<str>;

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    pub(crate) fn key_of(question: &Question) -> Key {
        let asked = match &question.what {
            What::GenEval { metadata, semantics } => format!("{semantics:?} {metadata:?}"),
            What::Score { name, prompt } => format!("score {name:?} {prompt:?}"),
            What::Edit { sources, instruction } => {
                let sources: Vec<ContentHash> = sources.iter().map(Picture::content_hash).collect();
                format!("edit {sources:?} {instruction:?}")
            }
        };
        let named = format!("{} {asked}", question.picture.content_hash());
        Arc::from(ContentHash::of(named.as_bytes()).as_str())
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Measured> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).measured.get(key).cloned()
    }

    pub(crate) fn keep(&self, key: Key, measured: Measured) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.capacity == 0 || kept.measured.insert(Arc::clone(&key), measured).is_some() {
            return;
        }
        kept.order.push_back(key);
        while kept.order.len() > self.capacity {
            if let Some(oldest) = kept.order.pop_front() {
                kept.measured.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let cache = Cache::new(2);
        let key = |name: &str| Arc::from(name);
        for (name, score) in [("a", 0.1), ("b", 0.2), ("a", 0.1), ("c", 0.3)] {
            cache.keep(key(name), Measured::Score(score));
        }
        assert_eq!(cache.find(&key("a")), None);
        assert_eq!(cache.find(&key("b")), Some(Measured::Score(0.2)));
        assert_eq!(cache.find(&key("c")), Some(Measured::Score(0.3)));
        let none = Cache::new(0);
        none.keep(key("a"), Measured::Score(0.1));
        assert_eq!(none.find(&key("a")), None);
    }
}
