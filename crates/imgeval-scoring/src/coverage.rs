//! Coverage of a run: which images were used, which were not and why, and which are missing.

use std::collections::BTreeMap;

use imgeval_core::{Failure, FailureKind, ImageNote, visible};
use imgeval_report::model::CoverageLine;
use imgeval_store::ExtraFile;

/// The kind of line that counts images without an evaluation.
pub const NOT_OBSERVED: &str = "not-observed";

/// How many examples of a kind are named.
const EXAMPLES: usize = 3;

/// A count with the first few examples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: usize,
    pub examples: Vec<String>,
}

impl Tally {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(visible(&example()));
        }
    }
}

/// Built up sample by sample; memory does not grow with their number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Images in the run that can be evaluated.
    pub usable: usize,
    pub prompts: usize,
    pub prompts_without_image: Tally,
    /// All of them.
    pub missing: Vec<String>,
    pub failures: BTreeMap<FailureKind, Tally>,
    pub notes: BTreeMap<ImageNote, Tally>,
    /// Usable images that the chosen observer has not seen.
    pub not_observed: Tally,
    /// Images whose evidence lacks a color that decides.
    pub without_color: Tally,
    pub extra_files: Tally,
}

impl Coverage {
    pub fn add_usable(&mut self, source: &str, notes: &[ImageNote]) {
        self.usable += 1;
        for note in notes {
            self.add_note(*note, source);
        }
    }

    pub fn add_note(&mut self, note: ImageNote, source: &str) {
        self.notes.entry(note).or_default().add(|| source.to_owned());
    }

    pub fn add_failure(&mut self, failure: &Failure, source: &str) {
        let example = || match failure.detail.as_str() {
            "" => source.to_owned(),
            detail => format!("{source}: {detail}"),
        };
        self.failures.entry(failure.kind).or_default().add(example);
    }

    pub fn add_not_observed(&mut self, source: &str) {
        self.not_observed.add(|| source.to_owned());
    }

    pub fn add_without_color(&mut self, source: &str) {
        self.without_color.add(|| source.to_owned());
    }

    pub fn add_prompt_without_image(&mut self, index: &str) {
        self.prompts_without_image.add(|| index.to_owned());
        self.missing.push(index.to_owned());
    }

    pub fn add_extra_files(&mut self, files: &[ExtraFile]) {
        for file in files {
            self.extra_files.add(|| format!("{}: {}", file.source, file.reason));
        }
    }

    /// Images that belong to the suite and could not be used.
    pub fn n_failed(&self) -> usize {
        self.failures.values().map(|tally| tally.count).sum()
    }

    /// Images of the suite that are there and have no verdict.
    pub fn n_unscored(&self) -> usize {
        self.n_failed() + self.not_observed.count + self.without_color.count
    }

    /// Rows of kind, count, meaning and examples; only what occurs, but the first row always.
    fn rows(&self) -> Vec<(&'static str, &Tally, &'static str)> {
        let mut rows = Vec::new();
        for (kind, tally) in &self.failures {
            rows.push((kind.code(), tally, kind.meaning()));
        }
        for (note, tally) in &self.notes {
            rows.push((note.code(), tally, note.meaning()));
        }
        let not_observed = "not evaluated yet";
        let extra = "files that are not an image of any prompt; ignored";
        let missing = "prompts of the suite without a usable image; not counted as incorrect";
        let without_color = "a color that its prompt asks for has not been named; not counted as incorrect";
        rows.push((NOT_OBSERVED, &self.not_observed, not_observed));
        rows.push(("color-missing", &self.without_color, without_color));
        rows.push(("extra-file", &self.extra_files, extra));
        rows.push(("missing-prompt", &self.prompts_without_image, missing));
        rows.retain(|(_, tally, _)| tally.count > 0);
        rows
    }

    /// As reports show it.
    pub fn lines(&self) -> Vec<CoverageLine> {
        let line = |(code, tally, meaning): (&str, &Tally, &str)| CoverageLine {
            kind: code.to_owned(),
            count: tally.count,
            meaning: meaning.to_owned(),
            examples: tally.examples.clone(),
        };
        self.rows().into_iter().map(line).collect()
    }
}
