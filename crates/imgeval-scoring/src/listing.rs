//! The runs of a folder, each in a few words.

use std::path::{Path, PathBuf};

use imgeval_core::Usd;
use imgeval_metrics::BootstrapSettings;
use imgeval_store::Label;
use rayon::prelude::*;

use crate::{Run, ScoringError, spend_view};

/// Runs lie at most this deep below the folder.
const MAX_DEPTH: usize = 3;
/// More folders than this are not searched.
const MAX_FOLDERS: usize = 10_000;

/// No interval is listed.
const VALUE_ONLY: BootstrapSettings = BootstrapSettings { seed: 0, replicates: 1 };

/// A run in a few words.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedRun {
    pub directory: PathBuf,
    pub suite: String,
    /// Of generated images.
    pub model: Option<String>,
    /// What the user calls the run.
    pub label: Option<Label>,
    /// Usable images.
    pub n_images: usize,
    /// Images that could not be made or used.
    pub n_failed: usize,
    /// By each evaluator.
    pub scores: Vec<ListedScore>,
    /// `None` if unknown.
    pub cost: Option<Usd>,
}

/// What one evaluator makes of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedScore {
    pub evaluator: String,
    /// On the suite's scale; `None` if nothing is scored.
    pub overall: Option<f64>,
    /// Usable images without a score.
    pub n_unscored: usize,
}

impl ListedRun {
    /// What the run is called: its label, else its model; empty if it has neither.
    #[must_use]
    pub fn called(&self) -> &str {
        match &self.label {
            Some(label) => label.as_str(),
            None => self.model.as_deref().unwrap_or_default(),
        }
    }

    /// The overall score by each evaluator.
    #[must_use]
    pub fn score_text(&self) -> String {
        let score =
            |of: &ListedScore| of.overall.map_or_else(|| "-".to_owned(), |overall| format!("{overall:.3}"));
        self.scores.iter().map(score).collect::<Vec<_>>().join(", ")
    }

    /// Empty for images that nobody generated here.
    #[must_use]
    pub fn cost_text(&self) -> String {
        match self.cost {
            Some(Usd::ZERO) if self.model.is_none() => String::new(),
            Some(cost) => cost.to_string(),
            None => "unknown".to_owned(),
        }
    }

    /// How far the run is.
    #[must_use]
    pub fn state(&self) -> String {
        let least_unscored = self.scores.iter().map(|of| of.n_unscored).min();
        let scored = match least_unscored {
            _ if self.n_images == 0 => "no images".to_owned(),
            None => "not scored".to_owned(),
            Some(0) => "scored".to_owned(),
            Some(n) => format!("{n} not scored"),
        };
        match self.n_failed {
            0 => scored,
            n => format!("{scored}, {n} failed"),
        }
    }
}

/// All runs below a folder, in order of their paths; the folder may be a run itself. A run that cannot be read is listed with the reason.
/// A folder that cannot be listed holds none.
#[must_use]
pub fn list_runs(folder: &Path) -> Vec<(PathBuf, Result<ListedRun, ScoringError>)> {
    let directories = find_runs(folder);
    directories.into_par_iter().map(|directory| (directory.clone(), list_run(&directory))).collect()
}

/// Whether the directory is a run, readable or not.
#[must_use]
pub fn is_run(directory: &Path) -> bool {
    directory.join("run.toml").is_file()
}

/// The directories of all runs below a folder, in order of their paths; the folder may be a run itself.
#[must_use]
pub fn find_runs(folder: &Path) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    let mut left = MAX_FOLDERS;
    find_below(folder, 0, &mut left, &mut directories);
    directories.sort();
    directories
}

fn find_below(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    if is_run(folder) {
        found.push(folder.to_owned());
        return;
    }
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten().filter(|_| depth < MAX_DEPTH) {
        // Links could lead in circles.
        if *left > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            *left -= 1;
            find_below(&entry.path(), depth + 1, left, found);
        }
    }
}

/// A run in a few words.
///
/// # Errors
/// If it cannot be read.
pub fn list_run(directory: &Path) -> Result<ListedRun, ScoringError> {
    let run = Run::open(directory)?;
    let coverage = run.coverage()?;
    let score = |evaluator| {
        let (summary, coverage) = run.summarise(evaluator, VALUE_ONLY)?;
        Ok(ListedScore {
            evaluator: evaluator.title(),
            overall: summary.overall().estimate.map(|overall| overall.value),
            n_unscored: coverage.n_unscored(),
        })
    };
    let evaluators = if run.has_rules() { run.evaluators() } else { &[] };
    let view = spend_view(run.spend());
    Ok(ListedRun {
        directory: directory.to_owned(),
        suite: run.suite().id().to_owned(),
        model: run.manifest().generation.get("model").cloned(),
        label: run.manifest().label.clone(),
        n_images: coverage.usable,
        n_failed: coverage.n_failed(),
        scores: evaluators.iter().map(score).collect::<Result<_, ScoringError>>()?,
        cost: view.usd.filter(|_| view.calls_without_price == 0).and_then(Usd::from_dollars),
    })
}
