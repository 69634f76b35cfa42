//! Arguments of commands that score.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use imgeval_core::parse_memory;
use imgeval_forensics::{Description, description};
use imgeval_metrics::BootstrapSettings;
use imgeval_suites::{
    geneval::{Semantics, VerdictOptions},
    registry,
};

use super::{DetectorArgs, MaxPixelsArg};
use crate::{exit_code::Exit, failure::CommandError, printer::Printer};

/// Options of the official evaluator.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerdictArgs {
    /// Minimum confidence of an object, exclusive
    #[arg(long, default_value_t = VerdictOptions::default().threshold, value_name = "X")]
    pub(crate) threshold: f64,
    /// Minimum confidence for counting prompts, exclusive
    #[arg(long, default_value_t = VerdictOptions::default().counting_threshold, value_name = "X")]
    pub(crate) counting_threshold: f64,
    /// Keep at most this many objects per class
    #[arg(long, default_value_t = VerdictOptions::default().max_objects, value_name = "N")]
    pub(crate) max_objects: usize,
    /// Drop objects that overlap a better one of their class by at least this much (IoU); 1 turns this off
    #[arg(long, default_value_t = VerdictOptions::default().max_overlap, value_name = "X")]
    pub(crate) max_overlap: f64,
    /// Minimum distance between centers for a spatial relation, as a fraction of the objects' sizes
    #[arg(long, default_value_t = VerdictOptions::default().position_threshold, value_name = "X")]
    pub(crate) position_threshold: f64,
}

impl VerdictArgs {
    /// Rejects options under which no verdict makes sense.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        self.options().check().map_err(|error| CommandError::usage(error.to_string()))
    }

    pub(crate) fn options(&self) -> VerdictOptions {
        VerdictOptions {
            threshold: self.threshold,
            counting_threshold: self.counting_threshold,
            max_objects: self.max_objects,
            max_overlap: self.max_overlap,
            position_threshold: self.position_threshold,
        }
    }
}

/// What to print.
#[derive(Debug, Clone, Args)]
pub(crate) struct TableArgs {
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV
    #[arg(long)]
    pub(crate) csv: bool,
    /// Show published scores next to the run's
    #[arg(long, conflicts_with = "csv")]
    pub(crate) with_published: bool,
    /// List every prompt without an image, instead of only counting them
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Random seed of the bootstrap behind the intervals
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) bootstrap_seed: u64,
    /// Exit with code 3 if the overall score is below X
    #[arg(long, value_name = "X", value_parser = parse_share)]
    pub(crate) fail_below: Option<f64>,
    /// Exit with code 3 if the overall score is significantly lower than this run's (the 95 % confidence interval of
    /// the difference is below 0)
    #[arg(long, value_name = "RUN")]
    pub(crate) fail_if_worse_than: Option<PathBuf>,
    /// Also write scores and gates as JUnit XML for CI systems
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// A number from 0 to 1.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

impl TableArgs {
    /// Whether a score passes the gate of `--fail-below`; prints a message if not.
    pub(crate) fn passes_gate(&self, score: f64, printer: Printer) -> bool {
        match self.fail_below {
            Some(gate) if score < gate => {
                printer.insist(format_args!("the overall score {score:.3} is below {gate}"));
                false
            }
            _ => true,
        }
    }

    /// Like [`Self::passes_gate`], but a run without an overall score does not pass.
    pub(crate) fn needs_score_above_gate(
        &self,
        overall: Option<f64>,
        printer: Printer,
    ) -> Result<Exit, CommandError> {
        match (overall, self.fail_below) {
            (None, Some(_)) => {
                let message = "there is no overall score to compare with --fail-below";
                Err(CommandError::nothing(message))
            }
            (Some(overall), _) if !self.passes_gate(overall, printer) => Ok(Exit::GateFailed),
            _ => Ok(Exit::Ok),
        }
    }

    /// Rejects options that need a run, for commands without one.
    ///
    /// # Errors
    /// Names the option.
    pub(crate) fn check_without_run(&self) -> Result<(), CommandError> {
        let given = [("--fail-if-worse-than", &self.fail_if_worse_than), ("--junit", &self.junit)];
        match given.into_iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => Err(CommandError::usage(format!("{name} needs a run"))),
            None => Ok(()),
        }
    }

    pub(crate) fn settings(&self) -> BootstrapSettings {
        BootstrapSettings { seed: self.bootstrap_seed, ..BootstrapSettings::default() }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Run directory
    #[arg(value_name = "RUN")]
    pub(crate) target: PathBuf,
    /// Print the verdict and its reasons for every image
    #[arg(long, conflicts_with_all = ["csv", "detections"])]
    pub(crate) verdicts: bool,
    /// Evaluator to use, if the run has several: its id, as listed by `score`, or for judges also the model
    #[arg(long = "evaluator", alias = "observer", value_name = "ID", conflicts_with = "detections")]
    pub(crate) observer: Option<String>,
    /// WISE: add a line for each subcategory
    #[arg(long)]
    pub(crate) by_subcategory: bool,
    /// WISE: run of the rewritten prompts; the gap between the two separates knowledge from drawing ability
    #[arg(long, value_name = "RUN", conflicts_with_all = ["detections", "score_rows", "json", "csv"])]
    pub(crate) rewritten: Option<PathBuf>,
    #[command(flatten)]
    old: OldScoreArgs,
    #[command(flatten)]
    pub(crate) verdict: VerdictArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// How `score-detections` and `score-rows` were spelled before they became commands; their target is a suite.
#[derive(Debug, Args)]
struct OldScoreArgs {
    #[arg(long, hide = true, value_name = "FILE")]
    detections: Option<PathBuf>,
    #[arg(long, hide = true, value_name = "FILE", requires = "detections")]
    out: Option<PathBuf>,
    #[arg(long, hide = true, value_name = "FILE", num_args = 1.., conflicts_with = "detections")]
    score_rows: Vec<PathBuf>,
}

impl ScoreArgs {
    /// Translates the old spelling of `score-detections`.
    ///
    /// # Errors
    /// If the target is not a suite whose rules apply to detections.
    pub(crate) fn of_detections(&self) -> Result<Option<ScoreDetectionsArgs>, CommandError> {
        let Some(file) = self.old.detections.clone() else { return Ok(None) };
        if self.target.as_os_str() != registry::default_suite().id() {
            let message = format!("`{}` is not a suite", self.target.display());
            return Err(CommandError::usage(message).with_hint("imgeval score-detections FILE"));
        }
        let (out, verdict, table) = (self.old.out.clone(), self.verdict.clone(), self.table.clone());
        Ok(Some(ScoreDetectionsArgs { file, out, semantics: None, verdict, table }))
    }

    /// Translates the old spelling of `score-rows`.
    pub(crate) fn of_rows(&self) -> Option<ScoreRowsArgs> {
        let (suite, files) = (self.target.to_string_lossy().into_owned(), self.old.score_rows.clone());
        let Self { by_subcategory, table, .. } = self;
        (!files.is_empty()).then(|| ScoreRowsArgs {
            suite,
            files,
            by_subcategory: *by_subcategory,
            table: table.clone(),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScoreDetectionsArgs {
    /// Detections (JSON Lines)
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write the official result rows to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Add the rewards of training to each row: `score`, `reward` and `strict_reward`
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub(crate) semantics: Option<SemanticsName>,
    #[command(flatten)]
    pub(crate) verdict: VerdictArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// Whose rewards are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SemanticsName {
    /// Those of flow_grpo's reward server, quirks included
    FlowGrpo,
    /// Those of UniRL's scorer: a position counts once, and the strict verdict is the lenient one
    UniRl,
    /// imgeval's own: each condition earns its share, and 1 means correct
    Exact,
}

#[derive(Debug, Args)]
pub(crate) struct ServeRewardArgs {
    /// Address to listen on; one that other machines can reach needs --token-file
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:18085")]
    pub(crate) listen: SocketAddr,
    /// Answer only clients that send the text in this file as `Authorization: Bearer TEXT`
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Whose rewards to compute on every wire [default: those of the framework that asks]
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub(crate) semantics: Option<SemanticsName>,
    /// Refuse requests with a larger body than this
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_memory)]
    pub(crate) max_body: u64,
    /// Requests that may wait before others are told to come back later
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = parse_count)]
    pub(crate) max_requests: usize,
    /// Measure N images at the same time; one image uses all processors already
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_count)]
    pub(crate) parallel: usize,
    /// Keep the rewards of the last N images for requests that come again; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) cache: usize,
    /// Reward to give [default: geneval]; repeatable. `geneval` (with --detector), `ocr`, `clip-score` or
    /// `forensics:DETECTOR`; NAME is what clients call it. Wires without names get GenEval's, or else the first
    #[arg(long = "reward", value_name = "[NAME=]REWARD", value_parser = parse_reward)]
    pub(crate) rewards: Vec<NamedReward>,
    #[command(flatten)]
    pub(crate) detector: DetectorArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

/// A reward with the name under which clients ask for it.
#[derive(Debug, Clone)]
pub(crate) struct NamedReward {
    pub(crate) name: String,
    pub(crate) reward: RewardKind,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum RewardKind {
    Geneval,
    Text,
    ClipScore,
    Forensics(&'static Description),
}

const MAX_REWARD_NAME: usize = 60;

fn parse_reward(text: &str) -> Result<NamedReward, String> {
    let (name, kind) = text.split_once('=').map_or((None, text), |(name, kind)| (Some(name), kind));
    let reward = match kind.split_once(':') {
        None if kind == "geneval" => RewardKind::Geneval,
        None if kind == "ocr" => RewardKind::Text,
        None if kind == "clip-score" => RewardKind::ClipScore,
        Some(("forensics", id)) => RewardKind::Forensics(
            description(id).ok_or("unknown detector; `imgeval detect-fake --list` shows the known ones")?,
        ),
        _ => return Err("must be geneval, ocr, clip-score or forensics:DETECTOR".to_owned()),
    };
    let is_name = |name: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        (1..=MAX_REWARD_NAME).contains(&name.len()) && name.chars().all(is_plain)
    };
    match name {
        Some(_) if matches!(reward, RewardKind::Geneval) => {
            Err("`geneval` has the names that each framework gives it".to_owned())
        }
        Some(name) if !is_name(name) || name.contains("geneval") => {
            Err("a name has up to 60 letters, digits, `_`, `-`, `.` and `:`, and not `geneval`".to_owned())
        }
        name => Ok(NamedReward { name: name.unwrap_or(kind).to_owned(), reward }),
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=10_000) => Ok(n),
        _ => Err("must be a number from 1 to 10,000".to_owned()),
    }
}

impl From<SemanticsName> for Semantics {
    fn from(name: SemanticsName) -> Self {
        match name {
            SemanticsName::FlowGrpo => Self::FlowGrpo,
            SemanticsName::UniRl => Self::UniRl,
            SemanticsName::Exact => Self::Exact,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScoreRowsArgs {
    /// Suite with official score files, such as wise-legacy
    #[arg(value_name = "SUITE")]
    pub(crate) suite: String,
    /// Official files (*_scores_results.jsonl)
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Add a line for each subcategory
    #[arg(long)]
    pub(crate) by_subcategory: bool,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Run directories of the parts
    #[arg(required = true, value_name = "RUN")]
    pub(crate) parts: Vec<PathBuf>,
    /// Run directory to join them in; created if it does not exist
    #[arg(long, value_name = "RUN")]
    pub(crate) run: PathBuf,
}
