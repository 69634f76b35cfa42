//! The protocol fingerprint: what must be equal for two numbers to be comparable.

use std::{collections::BTreeMap, fmt};

use crate::ids::hash_parts;

/// Named facts about how a number came to be, in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protocol {
    facts: BTreeMap<String, String>,
}

impl Protocol {
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.facts.insert(name.to_owned(), value.to_string());
        self
    }

    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// 12 hexadecimal digits over all facts.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let parts = self.facts.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        hash_parts(parts)[..12].to_owned()
    }
}
