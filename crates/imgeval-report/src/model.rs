//! The view model: what a report says, whichever suites its runs are of. Everything serializes to the page's data.

use serde::Serialize;

use crate::{
    diagnosis::{DiagnosisView, TableView},
    rounds::RoundsView,
    weaknesses::WeaknessesView,
};

/// Everything but the samples, which come one by one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    pub title: String,
    /// Program and version.
    pub tool: String,
    pub runs: Vec<RunView>,
    /// One for each suite, in the order of the runs.
    pub boards: Vec<Board>,
    /// Pixel metrics of edits, one table for each suite that has some.
    pub pixel_metrics: Vec<PixelMetricsView>,
    pub comparisons: Vec<ComparisonView>,
    /// Of the runs on whose images something was measured.
    pub weaknesses: Vec<WeaknessesView>,
    /// Sessions of edits; `None` if there are none.
    pub rounds: Option<RoundsView>,
    /// What diagnoses of their own found, such as traces in the images.
    pub diagnoses: Vec<DiagnosisView>,
    /// What a reader should know before reading on, such as runs that cannot be compared.
    pub notes: Vec<String>,
}

/// The pixel metrics of all runs of one suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PixelMetricsView {
    pub suite: String,
    pub table: TableView,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    /// Unique in the report.
    pub name: String,
    pub suite: String,
    /// Which prompts of the suite, such as `the official prompts`.
    pub prompts: String,
    /// Who made the images; empty if they were imported.
    pub model: String,
    /// What was asked of suite and model, by name.
    pub facts: Vec<(String, String)>,
    /// The evaluators that scored the images; none for a run that has not been evaluated.
    pub observers: Vec<ObserverView>,
    pub n_prompts: usize,
    /// Prompts with at least one usable image.
    pub n_prompts_with_image: usize,
    pub n_images: usize,
    /// Samples that should be images and are none, by any cause.
    pub n_failed: usize,
    /// Missing or noteworthy images.
    pub coverage: Vec<CoverageLine>,
    /// Paid calls, in words; empty if nothing was asked for.
    pub spend: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObserverKind {
    Detector,
    Judge,
    Human,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObserverView {
    pub id: String,
    pub title: String,
    pub kind: ObserverKind,
    pub protocol: ProtocolView,
    /// Must be shown next to its scores, such as `preview, not comparable`; empty if nothing must.
    pub note: String,
    /// Coverage under this observer, images included.
    pub coverage: Vec<CoverageLine>,
}

/// Everything that must be equal for two numbers to be comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtocolView {
    pub fingerprint: String,
    pub facts: Vec<(String, String)>,
}

/// So many of a kind, with the first few.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageLine {
    pub kind: String,
    pub count: usize,
    pub meaning: String,
    pub examples: Vec<String>,
}

/// The score table of a suite, published rows and runs together, in the layout of the paper.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Board {
    pub suite: String,
    pub title: String,
    /// Names of the columns; the overall score is one of them.
    pub columns: Vec<String>,
    /// Which column is the overall score.
    pub overall: usize,
    /// Which columns are parts; the others are totals over some of them.
    pub parts: Vec<usize>,
    /// Decimals that the paper prints.
    pub decimals: usize,
    pub rows: Vec<BoardRow>,
    /// Where published rows come from; empty if there are none.
    pub published_source: String,
    /// Unknown facts about published scores, such as `any interval`; empty if there are none.
    pub published_unknown: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoardRow {
    pub name: String,
    /// Heading under which the paper lists it, such as `Diffusion`.
    pub group: String,
    pub source: RowSource,
    /// One for each column.
    pub cells: Vec<Cell>,
    /// Must be shown next to the row; empty if nothing must.
    pub note: String,
    /// Of the protocol; empty for published rows.
    pub fingerprint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum RowSource {
    Published,
    /// Indices into [`Report::runs`] and [`RunView::observers`].
    Run {
        run: usize,
        observer: usize,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cell {
    /// In [0, 1]; `None` where there is no score.
    pub value: Option<f64>,
    pub interval: Option<IntervalView>,
    pub n_images: usize,
    pub n_prompts: usize,
    pub n_missing: usize,
    /// The score if everything missing were wrong, or right; `None` if nothing is missing.
    pub bounds: Option<(f64, f64)>,
    /// The interval that holds the true score whatever the missing ones would have shown; `None` if nothing is missing.
    pub with_missing: Option<IntervalView>,
    /// First and last rank among the comparable runs of the table; `None` for published rows and where nothing was
    /// compared. They differ where the order is within the noise.
    pub rank: Option<(usize, usize)>,
    /// The largest value of its column among comparable rows.
    pub is_best: bool,
}

/// A 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalView {
    pub low: f64,
    pub high: f64,
    pub method: String,
}

/// What two runs are compared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonKind {
    /// Which of two runs of one suite is better.
    Runs,
    /// Whether a model is better on the official prompts than on fresh ones.
    FreshPrompts,
}

/// Two runs of one suite, or official against fresh prompts of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonView {
    pub suite: String,
    pub kind: ComparisonKind,
    pub a: String,
    pub b: String,
    /// What was compared, in a sentence.
    pub title: String,
    /// Whether both answered the same cases, case by case.
    pub is_paired: bool,
    /// The overall difference last.
    pub lines: Vec<DifferenceLine>,
    /// What a reader should know: fields that differ, unshared cases.
    pub notes: Vec<String>,
    /// The plain-language result.
    pub conclusion: String,
}

/// The difference a minus b of one part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DifferenceLine {
    pub part: String,
    /// `None` if one of the two has no score there.
    pub difference: Option<f64>,
    pub interval: Option<IntervalView>,
    /// Prompts that both have (paired), or of both together.
    pub n_prompts: usize,
    /// Prompts on which a did better, the same, worse; `None` unless paired.
    pub won_tied_lost: Option<(usize, usize, usize)>,
    pub p_value: Option<f64>,
    /// Holm's over the parts; the overall line is not one of them and keeps its own.
    pub p_adjusted: Option<f64>,
    pub test: String,
    /// Minimum detectable difference at 80 % power.
    pub detectable: Option<f64>,
    /// Prompts of this kind that would be needed to find the difference seen, four times of five; `None` if it is zero
    /// or nothing is known.
    pub prompts_needed: Option<u64>,
}

/// One answer of a model, with everything that was said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleView {
    /// Index into [`Report::runs`].
    pub run: usize,
    pub case: String,
    /// Number of the image among those of its case.
    pub index: u32,
    /// Tag, category or folder.
    pub part: String,
    pub prompt: String,
    /// Description of what an answer should show; empty if the prompt says it all.
    pub expectation: String,
    /// `ok`, or the code of the failure.
    pub outcome: String,
    /// Details about the failure.
    pub detail: String,
    pub image: Option<ImageView>,
    /// The image that was to be edited.
    pub input: Option<ImageView>,
    /// In the order of the run's observers; those who did not look are left out.
    pub opinions: Vec<Opinion>,
    /// What programs measured on it, by what the gallery can be ordered by: more is worse.
    pub measures: Vec<MeasureView>,
    /// How the answer and its source were brought into one frame: `ok`, `coarse` or `failed`; empty if nobody tried.
    pub registration: String,
    /// Images that show where.
    pub overlays: Vec<OverlayView>,
}

/// A number that was measured on one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasureView {
    /// With its unit, such as `cut off, %`.
    pub name: String,
    pub value: f64,
}

/// An image that shows where something was found in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverlayView {
    /// What it shows, such as `change`.
    pub kind: String,
    /// The name of its file in the page's folder of overlays.
    pub name: String,
}

/// An image of the run directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ImageView {
    /// SHA-256 of its bytes, hexadecimal.
    pub hash: String,
    /// Of its file name: `png`, `jpg` or `webp`.
    pub extension: String,
    /// Upright, in pixels; 0 where the run does not say.
    pub width: u32,
    pub height: u32,
}

/// What one observer said of one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Opinion {
    /// Index into [`RunView::observers`].
    pub observer: usize,
    /// `ok`, or the code of the failure.
    pub outcome: String,
    pub detail: String,
    /// In [0, 1].
    pub score: Option<f64>,
    /// Where the suite knows only right and wrong.
    pub is_correct: Option<bool>,
    /// Why not, one a line.
    pub reasons: String,
    /// How easily the score could have been different, in [0, 1]; `None` if unknown.
    pub uncertainty: Option<f64>,
    /// The replies verbatim.
    pub replies: Vec<String>,
    pub objects: Vec<ObjectView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectView {
    pub name: String,
    /// Confidence in [0, 1].
    pub score: f32,
    /// Left, top, right, bottom in pixels.
    pub bounding_box: [f32; 4],
    /// Whether the rules counted it: confident enough and of the first ones.
    pub is_counted: bool,
    /// Scores by color, the named one first; empty if nobody looked.
    pub colors: Vec<(String, f32)>,
    /// Name of the color, if one was found.
    pub color: Option<String>,
    /// In COCO's text form, column by column; of the image's size.
    pub mask: Option<String>,
}
