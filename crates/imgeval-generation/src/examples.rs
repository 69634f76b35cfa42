//! Examples of what went wrong.

use std::collections::BTreeMap;

use imgeval_core::{FailureKind, SampleId, visible};

/// How many examples of a kind are named.
const EXAMPLES: usize = 3;

/// The first few failures of each kind, with their details.
#[derive(Debug, Default)]
pub struct FailureExamples(BTreeMap<FailureKind, Vec<String>>);

impl FailureExamples {
    /// Takes one more, if there are not enough yet.
    pub fn add(&mut self, kind: FailureKind, id: &SampleId, detail: &str) {
        let examples = self.0.entry(kind).or_default();
        if examples.len() < EXAMPLES {
            examples.push(visible(&format!("{id}: {detail}")));
        }
    }

    /// Those of a kind.
    #[must_use]
    pub fn of(&self, kind: FailureKind) -> &[String] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Each kind with its examples.
    pub fn iter(&self) -> impl Iterator<Item = (&FailureKind, &Vec<String>)> {
        self.0.iter()
    }
}
