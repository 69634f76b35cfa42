//! Arguments of `imgeval rounds`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use imgeval_suites::rounds::Benchmark;

use super::{ComputeArgs, MaxPixelsArg, ModelsDirArg};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchmarkName {
    Magicbrush,
    Edival,
    LmeBench,
    MseBench,
    /// The multi-turn part
    Imgedit,
}

impl BenchmarkName {
    pub(crate) fn benchmark(self) -> Benchmark {
        match self {
            Self::Magicbrush => Benchmark::MagicBrush,
            Self::Edival => Benchmark::EdiVal,
            Self::LmeBench => Benchmark::LmeBench,
            Self::MseBench => Benchmark::MseBench,
            Self::Imgedit => Benchmark::ImgEdit,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoundsCommand {
    /// List a benchmark's sessions, and write them as cases to generate from
    ///
    /// PATH is a split's folder (magicbrush), the table or its folder (edival, lme-bench, mse-bench), or the folder
    /// of the parts or one annotation file (imgedit). Pass the file written by --out to `imgeval generate --cases` or
    /// `imgeval run --cases`.
    Sessions(SessionsArgs),
    /// Write images of a run in a benchmark's output layout
    ///
    /// Reads a run of the cases written by `rounds sessions`, or a folder with a session.json that uses the
    /// benchmark's ids. Images of a single model go directly into the output folder, those of several models into one
    /// subfolder each.
    Export(RoundsExportArgs),
    /// Compute a benchmark's official numbers from files
    #[command(subcommand)]
    Score(RoundsScoreCommand),
    /// Analyze how long sessions survive: Kaplan-Meier curves, tests and paired comparisons
    ///
    /// Reads times or statuses from a JSON file, described in docs/rounds.md. Groups are tested as independent; two
    /// models on the same sessions are compared pairwise.
    Survival(SurvivalArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SessionsArgs {
    #[arg(value_name = "BENCHMARK")]
    pub(crate) benchmark: BenchmarkName,
    /// Path to the benchmark's sessions
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Folder of the source images, if they are not next to the table (edival, lme-bench)
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,
    /// Make every turn its own session (magicbrush: independent turns; edival: single pass)
    #[arg(long)]
    pub(crate) single_turns: bool,
    /// Write the cases to this file; images embedded in a table are written to a folder next to it
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RoundsExportArgs {
    #[arg(value_name = "BENCHMARK")]
    pub(crate) benchmark: BenchmarkName,
    /// Runs, or folders with a session.json
    #[arg(value_name = "[NAME=]PLACE", required = true)]
    pub(crate) places: Vec<String>,
    /// Folder to write to; existing files are overwritten
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoundsScoreCommand {
    /// Compute L1 and L2 against the annotators' images, for all turns and the final turn; with the set `rounds` also
    /// CLIP-I, CLIP-T and DINO
    ///
    /// If the official script would stop with an exception, prints the exception and ends with exit code 2. CLIP-T
    /// needs the captions.
    Magicbrush(MagicbrushScoreArgs),
    /// Compute the published tables (IF, CC in three readings, O) and an exact count from per-turn scores
    Edival(EdivalScoreArgs),
    /// Compute SR@k and CR@k from a judge's replies
    LmeBench(LmeScoreArgs),
    /// Compute success rate and mean scores by turn from a judge's replies
    MseBench(MseScoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MagicbrushScoreArgs {
    /// Folder of the annotators' images, with one folder per session (`images` of a split)
    #[arg(long, value_name = "DIR", required_unless_present = "folders", requires = "generated")]
    pub(crate) targets: Option<PathBuf>,
    /// Folder of the outputs, with one folder per session
    #[arg(long, value_name = "DIR", requires = "targets")]
    pub(crate) generated: Option<PathBuf>,
    /// Captions of the annotators' images [default: local_descriptions.json next to the target folder]
    #[arg(long, value_name = "FILE", requires = "targets")]
    pub(crate) captions: Option<PathBuf>,
    /// Print which files would be compared, for lists of file names in a JSON file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "generated", "captions"])]
    pub(crate) folders: Option<PathBuf>,
    /// CLIP ViT-B/32 to use instead of the pulled one: a folder in transformers format, or a file
    #[arg(long, value_name = "MODEL", requires = "dino")]
    pub(crate) clip: Option<PathBuf>,
    /// DINO ViT-S/16 to use instead of the pulled one
    #[arg(long, value_name = "FILE", requires = "clip")]
    pub(crate) dino: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Args)]
pub(crate) struct EdivalScoreArgs {
    /// The benchmark's table of instructions
    #[arg(long, value_name = "CSV")]
    pub(crate) table: PathBuf,
    /// Image names, as a JSON object with `multipass` and `singlepass`
    #[arg(long, value_name = "FILE", required_unless_present = "outputs", conflicts_with = "outputs")]
    pub(crate) files: Option<PathBuf>,
    /// Folder of the images, containing `multipass` or `singlepass`
    #[arg(long, value_name = "DIR")]
    pub(crate) outputs: Option<PathBuf>,
    /// Scores by mode, image and turn, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) items: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LmeScoreArgs {
    /// The benchmark's lme_bench.json
    #[arg(long, value_name = "FILE")]
    pub(crate) sessions: PathBuf,
    /// Replies by question, as JSON
    #[arg(long, value_name = "FILE", required_unless_present = "judged")]
    pub(crate) replies: Option<PathBuf>,
    /// The official script's `judge` folder, with pass1/ and pass2.json
    #[arg(long, value_name = "DIR", conflicts_with = "replies")]
    pub(crate) judged: Option<PathBuf>,
    /// Count only the first N sessions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MseScoreArgs {
    /// Replies by question, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) replies: PathBuf,
    /// Turns per session
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) turns: u16,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SurvivalArgs {
    /// JSON file with `times` and `events`, `datasets`, `sessions`, `models` or `paired`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
