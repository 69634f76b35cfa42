//! What a run covers: which images were used, which were not and why, and what is missing.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table};
use imgeval_core::{Failure, FailureKind, ImageNote, visible};
use imgeval_report::model::CoverageLine;
use imgeval_store::ExtraFile;
use serde_json::{Value, json};

use crate::{advice::explain, table::plain_table};

/// How many examples of a kind are named.
const EXAMPLES: usize = 3;

/// A count with the first few examples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: usize,
    pub(crate) examples: Vec<String>,
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
pub(crate) struct Coverage {
    /// Images in the run that can be looked at.
    pub(crate) usable: usize,
    pub(crate) prompts: usize,
    pub(crate) prompts_without_image: Tally,
    pub(crate) failures: BTreeMap<FailureKind, Tally>,
    pub(crate) notes: BTreeMap<ImageNote, Tally>,
    /// Usable images that the chosen observer has not seen.
    pub(crate) not_observed: Tally,
    /// Images whose evidence lacks a colour that decides.
    pub(crate) without_color: Tally,
    pub(crate) extra_files: Tally,
}

impl Coverage {
    pub(crate) fn add_usable(&mut self, source: &str, notes: &[ImageNote]) {
        self.usable += 1;
        for note in notes {
            self.add_note(*note, source);
        }
    }

    pub(crate) fn add_note(&mut self, note: ImageNote, source: &str) {
        self.notes.entry(note).or_default().add(|| source.to_owned());
    }

    pub(crate) fn add_failure(&mut self, failure: &Failure, source: &str) {
        let example = || match failure.detail.as_str() {
            "" => source.to_owned(),
            detail => format!("{source}: {detail}"),
        };
        self.failures.entry(failure.kind).or_default().add(example);
    }

    pub(crate) fn add_not_observed(&mut self, source: &str) {
        self.not_observed.add(|| source.to_owned());
    }

    pub(crate) fn add_without_color(&mut self, source: &str) {
        self.without_color.add(|| source.to_owned());
    }

    pub(crate) fn add_prompt_without_image(&mut self, index: &str) {
        self.prompts_without_image.add(|| index.to_owned());
    }

    pub(crate) fn add_extra_files(&mut self, files: &[ExtraFile]) {
        for file in files {
            self.extra_files.add(|| format!("{}: {}", file.source, file.reason));
        }
    }

    /// Images that belong to the suite and could not be used.
    pub(crate) fn n_failed(&self) -> usize {
        self.failures.values().map(|tally| tally.count).sum()
    }

    /// Images of the suite that are there and have no verdict.
    pub(crate) fn n_unscored(&self) -> usize {
        self.n_failed() + self.not_observed.count + self.without_color.count
    }

    /// Rows of kind, count, meaning and examples; only what occurs, but the first row always.
    fn rows(&self) -> Vec<(&'static str, &Tally, &'static str)> {
        let mut rows = Vec::new();
        for (kind, tally) in &self.failures {
            rows.push((kind.code(), tally, explain(*kind)));
        }
        for (note, tally) in &self.notes {
            rows.push((note.code(), tally, note.meaning()));
        }
        let not_observed = "the observer has not seen it yet; run `imgeval observe`";
        let extra = "files that are nobody's image; left alone";
        let missing = "prompts of the suite that have no usable image; not counted as wrong";
        let without_color = "a colour that its prompt asks for is not named yet; not counted as wrong";
        rows.push(("not-observed", &self.not_observed, not_observed));
        rows.push(("color-missing", &self.without_color, without_color));
        rows.push(("extra-file", &self.extra_files, extra));
        rows.push(("missing-prompt", &self.prompts_without_image, missing));
        rows.retain(|(_, tally, _)| tally.count > 0);
        rows
    }

    pub(crate) fn render_text(&self) -> String {
        let mut table: Table = plain_table(&["coverage", "count", "meaning"]);
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let usable = self.usable.to_string();
        table.add_row(["usable", &usable, "images in the run that can be scored"]);
        for (code, tally, meaning) in self.rows() {
            table.add_row([code, &tally.count.to_string(), meaning]);
        }
        let mut text = format!("{}\n", table.trim_fmt());
        let with_prompts = self.prompts - self.prompts_without_image.count;
        text.push_str(&format!("{with_prompts} of {} prompts have a usable image.\n", self.prompts));
        for (code, tally, _) in self.rows() {
            let more = tally.count - tally.examples.len();
            for example in &tally.examples {
                text.push_str(&format!("  {code}: {example}\n"));
            }
            if more > 0 {
                text.push_str(&format!("  {code}: and {more} more\n"));
            }
        }
        text
    }

    /// As reports show it.
    pub(crate) fn lines(&self) -> Vec<CoverageLine> {
        let line = |(code, tally, meaning): (&str, &Tally, &str)| CoverageLine {
            kind: code.to_owned(),
            count: tally.count,
            meaning: meaning.to_owned(),
            examples: tally.examples.clone(),
        };
        self.rows().into_iter().map(line).collect()
    }

    pub(crate) fn to_json(&self) -> Value {
        let row = |(code, tally, meaning): (&str, &Tally, &str)| json!({"kind": code, "count": tally.count, "meaning": meaning, "examples": tally.examples});
        json!({
            "usable_images": self.usable,
            "prompts": self.prompts,
            "prompts_with_usable_image": self.prompts - self.prompts_without_image.count,
            "items": self.rows().into_iter().map(row).collect::<Vec<_>>(),
        })
    }
}
