//! What was measured of a generator's weaknesses: per group the measures with their controls.

use serde::Serialize;

/// The weaknesses of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeaknessesView {
    /// The run as it is called in tables.
    pub run: String,
    /// Who measured, versions included.
    pub meters: Vec<String>,
    /// What colors were compared with; empty if with nothing.
    pub reference: String,
    pub lines: Vec<WeaknessLine>,
    /// What holds of all of it, in sentences.
    pub notes: Vec<String>,
    /// One for each group with something to show, as files next to the page; empty if there is no page.
    pub figures: Vec<WeaknessFigure>,
}

/// The answers of a group that show its weakness most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeaknessFigure {
    pub group: String,
    /// Seen from the page.
    pub source: String,
}

/// One measure of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeaknessLine {
    pub group: String,
    pub measure: String,
    /// Empty for a plain number.
    pub unit: String,
    /// The mean over cases; `None` if it could be measured on none.
    pub value: Option<f64>,
    /// 95 %, by case; `None` where there are too few cases, or no variation.
    pub interval: Option<(f64, f64)>,
    /// Cases with a value.
    pub n: usize,
    /// Cases on which it could not be measured, or was not yet.
    pub n_missing: usize,
    pub control: Option<ControlView>,
    /// No more than the control allows.
    pub verdict: String,
}

/// The same measure where nobody edited anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlView {
    pub name: String,
    pub value: f64,
    /// Value less control, case by case, and its 95 % interval.
    pub difference: f64,
    pub difference_interval: Option<(f64, f64)>,
    /// Two-sided, exact Wilcoxon signed ranks or Mann-Whitney U up to 100 numbers.
    pub p: Option<f64>,
}
