//! The command line.

pub(crate) mod diagnose;
pub(crate) mod forensics;
pub(crate) mod generation;
pub(crate) mod judging;
pub(crate) mod manual;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod reporting;
pub(crate) mod rounds;
pub(crate) mod scoring;
pub(crate) mod settings;
pub(crate) mod study;
mod suites;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use imgeval_fetch::weights::Places;
use imgeval_observe::DetectorSettings;
use imgeval_store::Label;
use imgeval_suites::{
    files::SuiteFiles,
    geneval::{SuiteConfig, VerdictOptions, parameters_of},
    rounds::own::CONTROLS,
    suite::{Parameters, SuiteRef},
};
use imgeval_vision::compute::{ComputeOptions, Device, Precision};

use self::{
    generation::{CasesArgs, GenerationArgs, SettingsFiles, SpendingArgs},
    judging::{JudgeArgs, LabelArgs, MeterArgs, ProtocolCommand, SuitesCommand},
    models::{DetectArgs, EmbedArgs, ModelsCommand, ReadTextArgs},
    scoring::{TableArgs, VerdictArgs, parse_share},
    settings::{DoctorArgs, TrustArgs},
};
use crate::{environment, exit_code::HELP_FOOTER, failure::CommandError, version};
use imgeval_core::{Shard, ShardError, parse_memory};

/// The largest value that `--max-pixels` accepts: an image with sides of 65,536.
const MAX_PIXELS: u64 = 1 << 32;

/// Evaluate and diagnose image generators: score a model or a folder of images with GenEval, WISE, Reason-Edit and
/// more
#[derive(Debug, Parser)]
#[command(name = "imgeval", version, long_version = version::LONG_VERSION, after_help = HELP_FOOTER, max_term_width = 110)]
pub(crate) struct Cli {
    /// Print only results and errors, no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Show all columns of a table, even if they do not fit the terminal
    #[arg(long, global = true)]
    pub(crate) wide: bool,
    /// Memory that images may use together while they are decoded and processed, such as 2GiB [default: at most 40 %
    /// of the smallest of ulimit, control group and physical memory; see docs/memory.md]
    ///
    /// Threads wait for each other to stay within it. An image that alone needs more ends as not-enough-memory; the
    /// same command with more memory tries it again.
    #[arg(
        long,
        global = true,
        value_name = "SIZE",
        env = environment::MAX_MEMORY,
        hide_env_values = true,
        value_parser = parse_memory
    )]
    pub(crate) max_memory: Option<u64>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a suite's prompts or metadata
    Prompts(PromptsArgs),
    /// Write a commented study.toml, or another example to start from
    Init(study::InitArgs),
    /// Run a whole study: models, suites and diagnoses from one file into one report
    ///
    /// Every step resumes where it stopped, finished steps are skipped, and steps that lack something are listed
    /// without stopping the others. `imgeval init` writes a file to start from. See docs/studies.md.
    Study(study::StudyArgs),
    /// Import existing images into a run
    Import(ImportArgs),
    /// Generate images with a model; run again to fill in what is missing
    ///
    /// Models are named PROVIDER:MODEL. Providers are openai (images), openai-responses, openai-chat, gemini, cmd and
    /// cmd-lines (local programs) and folder; add more in imgeval.toml. Keys come from the environment
    /// (OPENAI_API_KEY, GEMINI_API_KEY) or from a file. On Ctrl-C, calls in progress are allowed to finish.
    Generate(Box<GenerateArgs>),
    /// Check keys, endpoints, models and weights, and explain how to fix problems
    Doctor(DoctorArgs),
    /// Trust a settings file in a working folder, which may come from someone else's project
    ///
    /// An untrusted imgeval.toml in the working folder can neither choose where keys are sent nor which keys. Trust
    /// applies to the file's current content: once the file changes, it is no longer trusted.
    Trust(TrustArgs),
    /// Collect evidence: run the detector or ask judges about each image of a run
    Observe(ObserveArgs),
    /// Apply the suite's rules and print the score table of a run
    ///
    /// For GenEval, a tag's score is the share of its correct images, and the overall score is the mean of the tags.
    /// Detection does not run again, so you can change the options below from call to call.
    Score(scoring::ScoreArgs),
    /// Apply GenEval's rules to another detector's detections
    ScoreDetections(scoring::ScoreDetectionsArgs),
    /// Print the score table for a suite's official score files
    ScoreRows(scoring::ScoreRowsArgs),
    /// Generate or import, observe and score in one command; run again to resume
    Run(Box<RunArgs>),
    /// List the runs in a folder: suite, model, images, score, cost, state
    Runs(reporting::RunsArgs),
    /// Join runs that are parts of one, as `--shard` makes them
    ///
    /// Parts must be of one suite and model and scored by the same detectors and judges. Merging a part again adds
    /// only what is new, so parts can be merged while others still run. See docs/scale.md.
    Merge(scoring::MergeArgs),
    /// Compare two runs of one suite, prompt by prompt: differences with confidence intervals and tests
    ///
    /// Runs are compared only if their protocols are equal; --allow names fields that may differ. A GenEval run of
    /// the official prompts and one of fresh prompts by the same model give the contamination probe: official minus
    /// fresh.
    Compare(reporting::CompareArgs),
    /// Write a page with tables, figures and all images of one or several runs
    ///
    /// The page opens from disk, loads nothing from elsewhere and can be shared as it is. Without --out, only the
    /// score tables are printed, in the format given by --format.
    Report(reporting::ReportArgs),
    /// Serve the report page on this machine and update it while runs are in progress
    Serve(reporting::ServeArgs),
    /// Serve rewards to training code, on the wires of its frameworks
    ///
    /// What is sent is data: nothing in it is executed. See docs/rewards.md.
    ServeReward(Box<scoring::ServeRewardArgs>),
    /// Write a run as a data set, its verdicts in the official result format, or its calls to providers
    Export(ExportArgs),
    /// Show a detector's detections in images
    Detect(DetectArgs),
    /// Check whether a published detector classifies images as generated
    ///
    /// Each image is prepared and judged exactly as the detector's authors do it. A single answer proves little,
    /// because format, size and compression often decide it: compare with photographs using `imgeval diagnose
    /// forensics`. See docs/forensics.md.
    DetectFake(forensics::DetectFakeArgs),
    /// Read the text in images
    ///
    /// Prints lines with boxes and confidence, read by PP-OCRv4 for Chinese and English (`imgeval models pull ocr`).
    /// It does not know kana.
    Read(ReadTextArgs),
    /// Print CLIP embeddings of images and texts
    Embed(EmbedArgs),
    /// Measure individual images
    #[command(subcommand)]
    Metrics(metrics::MetricsCommand),
    /// List the suites, and fetch data for those that are not built in
    #[command(subcommand)]
    Suites(SuitesCommand),
    /// Serve a local page on which people score the images of a run
    ///
    /// Each rater sees their own order, and the page reveals neither who made an image nor other scores. Keys: digits
    /// score, Enter moves on, U undoes. Every label is saved before the page moves on; run again to resume.
    Label(LabelArgs),
    /// Show what judges are asked
    #[command(subcommand)]
    Protocol(ProtocolCommand),
    /// Diagnose a generator beyond its scores
    #[command(subcommand)]
    Diagnose(diagnose::DiagnoseCommand),
    /// Multi-round editing benchmarks: sessions, layouts, official numbers, survival
    ///
    /// Covers magicbrush, edival, lme-bench, mse-bench and the multi-turn part of imgedit. Use `imgeval diagnose
    /// rounds` to measure how images change over rounds. See docs/rounds.md.
    #[command(subcommand)]
    Rounds(rounds::RoundsCommand),
    /// Fetch, add, list and check model weights
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Print a script that completes commands and options in a shell
    ///
    /// See docs/install.md for where each shell looks for it.
    Completions(manual::CompletionsArgs),
    /// Write a man page for every command
    ///
    /// `man -l DIR/imgeval-run.1` shows one; with DIR a `man1` folder of MANPATH, `man imgeval-run` does.
    Manual(manual::ManualArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DetectorName {
    /// YOLOv3-tiny on COCO-80; fast and small, NOT comparable with official GenEval scores
    Preview,
    /// The official evaluator's: mmdetection's Mask2Former, colors by CLIP
    Geneval,
    /// Mask2Former alone; colors only with --clip
    Mask2former,
    /// Mask2Former from transformers, trained differently, colors by CLIP; NOT comparable with official GenEval
    /// scores
    HfMask2former,
}

impl DetectorName {
    fn known(self) -> imgeval_observe::DetectorName {
        match self {
            Self::Preview => imgeval_observe::DetectorName::Preview,
            Self::Geneval => imgeval_observe::DetectorName::Geneval,
            Self::Mask2former => imgeval_observe::DetectorName::Mask2former,
            Self::HfMask2former => imgeval_observe::DetectorName::HfMask2former,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceName {
    Cpu,
    Cuda,
    Metal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeName {
    F32,
    F16,
    Bf16,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PromptsFormat {
    /// `evaluation_metadata.jsonl`: one JSON object per line
    Metadata,
    /// `generation_prompts.txt`: one prompt per line
    Prompts,
}

/// Which prompts to use; part of the suite's identity.
#[derive(Debug, Args)]
pub(crate) struct SuiteArgs {
    /// Seed of the prompt generator; 43 gives the official prompts, any other gives fresh ones
    #[arg(long, default_value_t = SuiteConfig::default().seed, value_name = "N")]
    pub(crate) seed: u64,
    /// Number of prompts to draw per task before duplicates are dropped
    #[arg(long, default_value_t = SuiteConfig::default().per_task, value_name = "N")]
    pub(crate) per_task: u32,
    /// Add controls, if the suite has them: sessions in which nothing should change, and a repeat of each first round
    #[arg(long)]
    pub(crate) controls: bool,
}

impl Default for SuiteArgs {
    fn default() -> Self {
        let SuiteConfig { seed, per_task } = SuiteConfig::default();
        Self { seed, per_task, controls: false }
    }
}

impl SuiteArgs {
    pub(crate) fn config(&self) -> SuiteConfig {
        SuiteConfig { seed: self.seed, per_task: self.per_task }
    }

    /// The parameters of the suite's cases.
    ///
    /// # Errors
    /// If they are given for a suite whose prompts are not drawn.
    pub(crate) fn parameters(&self, suite: SuiteRef) -> Result<Parameters, CommandError> {
        if suite.facts().source_data.is_some() && self.config() != SuiteConfig::default() {
            let message = "--seed and --per-task apply only to GenEval, whose prompts are generated";
            return Err(CommandError::usage(message));
        }
        let mut parameters = parameters_of(&self.config());
        match (self.controls, suite.facts().has_controls) {
            (true, false) => {
                let message = format!("the suite {} has no controls", suite.id());
                return Err(CommandError::usage(message).with_hint("leave --controls out"));
            }
            (true, true) => _ = parameters.insert(CONTROLS.to_owned(), "yes".to_owned()),
            (false, _) => {}
        }
        Ok(parameters)
    }
}

#[derive(Debug, Args)]
pub(crate) struct PromptsArgs {
    #[arg(value_parser = suites::by_name())]
    pub(crate) suite: SuiteRef,
    #[arg(long, value_enum, default_value_t = PromptsFormat::Prompts)]
    pub(crate) format: PromptsFormat,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
}

/// How to find and read images.
#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// Where file names contain the prompt index, such as '{index}_{sample}.png'; without it, the official layout and
    /// names like 00052.png, 52_1.jpg or 52-1.webp are recognized
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) template: Option<String>,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct MaxPixelsArg {
    /// Refuse images with more pixels than this, to guard against decompression bombs [default: 100000000; 33554432
    /// for generated images]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_PIXELS))]
    max_pixels: Option<u64>,
}

impl MaxPixelsArg {
    pub(crate) fn for_files(self) -> u64 {
        self.max_pixels.unwrap_or(100_000_000)
    }

    /// The limit for generated images; enough for 7680x4320.
    pub(crate) fn for_generated(self) -> u64 {
        self.max_pixels.unwrap_or(1 << 25)
    }
}

/// Which run to fill, with which prompts, and how to read images.
#[derive(Debug, Args)]
pub(crate) struct IntoRunArgs {
    /// Run directory to fill; created if it does not exist
    #[arg(long, value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) label: LabelArg,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) part: ShardArg,
}

/// Which part of the work this process does.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ShardArg {
    /// Work on one part of the cases only, such as 2/16 for the second of 16; each process fills a run of its own, and
    /// `imgeval merge` joins them. `auto` asks the scheduler: a Slurm array, an indexed job of Kubernetes, torchrun or
    /// srun
    #[arg(long = "shard", value_name = "I/N", value_parser = parse_shard)]
    pub(crate) shard: Option<Shard>,
}

fn parse_shard(text: &str) -> Result<Shard, ShardError> {
    match text {
        "auto" => Shard::of_scheduler(environment::variable),
        text => text.parse(),
    }
}

/// What the user calls a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct LabelArg {
    /// Name to show instead of the model's in lists, tables, comparisons and reports; `imgeval runs RUN --label TEXT` changes
    /// it later
    #[arg(long = "label", value_name = "TEXT")]
    text: Option<Label>,
}

impl LabelArg {
    pub(crate) fn as_ref(&self) -> Option<&Label> {
        self.text.as_ref()
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[arg(value_parser = suites::by_name(), required_unless_present = "dataset")]
    pub(crate) suite: Option<SuiteRef>,
    /// Folder in GenEval's layout (00052/samples/0000.png), with images named by prompt (WISE: 892.png), or in
    /// SmartEdit's layout (LeftRight_metrics_1/0001.png); or a quoted glob pattern
    #[arg(value_name = "DIR", required_unless_present = "dataset")]
    pub(crate) images: Option<String>,
    /// Import the samples of a data set that `imgeval export --dataset` wrote; it names its suite
    #[arg(long, value_name = "DIR", conflicts_with_all = ["suite", "images", "seed", "per_task", "controls", "template", "shard"])]
    pub(crate) dataset: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) into: IntoRunArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
    /// Print the coverage as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List every prompt without an image, instead of only counting them
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetectorArgs {
    #[arg(long, value_enum, default_value_t = DetectorName::Preview)]
    pub(crate) detector: DetectorName,
    /// Weight file to use instead of the pulled one; its checksum is recorded in the evidence
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// CLIP model that names colors, instead of the pulled one: a folder in transformers format, a file, or the name
    /// of a repository in the Hugging Face cache
    #[arg(long, value_name = "MODEL")]
    pub(crate) clip: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

impl DetectorArgs {
    pub(crate) fn settings(&self) -> DetectorSettings {
        DetectorSettings {
            detector: self.detector.known(),
            weights: self.weights.clone(),
            clip: self.clip.clone(),
            compute: self.compute.options(),
            places: self.models.places(),
        }
    }
}

/// Where and how precisely networks compute; the preview detector always runs on the CPU.
#[derive(Debug, Clone, Args)]
pub(crate) struct ComputeArgs {
    /// Device to compute on; only CPU results are official
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub(crate) device: DeviceName,
    /// Number format, if the device supports it; only f32 is official
    #[arg(long, value_enum, default_value_t = DtypeName::F32)]
    pub(crate) dtype: DtypeName,
}

impl ComputeArgs {
    pub(crate) fn options(&self) -> ComputeOptions {
        let device = match self.device {
            DeviceName::Cpu => Device::Cpu,
            DeviceName::Cuda => Device::Cuda,
            DeviceName::Metal => Device::Metal,
        };
        let precision = match self.dtype {
            DtypeName::F32 => Precision::F32,
            DtypeName::F16 => Precision::F16,
            DtypeName::Bf16 => Precision::BF16,
        };
        ComputeOptions { device, precision }
    }
}

/// Where fetched suites are.
#[derive(Debug, Clone, Args)]
pub(crate) struct SuitesDirArg {
    /// Folder for fetched suites [default: imgeval/suites in the user's cache folder]
    #[arg(long, value_name = "DIR", env = environment::SUITES_DIR)]
    suites_dir: Option<PathBuf>,
}

impl SuitesDirArg {
    pub(crate) fn files(&self) -> SuiteFiles {
        SuiteFiles::new(environment::suites_dir(self.suites_dir.clone()))
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ModelsDirArg {
    /// Folder for weights [default: imgeval/models in the user's cache folder]
    #[arg(long, value_name = "DIR", env = environment::MODELS_DIR)]
    models_dir: Option<PathBuf>,
}

impl ModelsDirArg {
    pub(crate) fn places(&self) -> Places {
        environment::places(self.models_dir.clone())
    }

    /// The preview detector with pulled weights.
    pub(crate) fn small_detector(&self) -> DetectorSettings {
        DetectorSettings {
            detector: imgeval_observe::DetectorName::Preview,
            weights: None,
            clip: None,
            compute: ComputeOptions::default(),
            places: self.places(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ObserveArgs {
    /// Run directory
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Recompute existing colors from stored masks, without detecting again
    #[arg(long)]
    pub(crate) recompute_colors: bool,
    /// Use CLIP to name the colors of objects with a higher confidence than this, where a prompt asks for a color; a
    /// lower value adds missing colors without detecting again
    #[arg(long, default_value_t = VerdictOptions::default().threshold, value_name = "X", value_parser = parse_share)]
    pub(crate) color_threshold: f64,
    /// Use CLIP to name the colors of at most this many objects per class
    #[arg(long, default_value_t = VerdictOptions::default().max_objects, value_name = "N")]
    pub(crate) color_objects: usize,
    /// Name the colors of objects of every class, even if no prompt asks for one
    #[arg(long)]
    pub(crate) every_color: bool,
    #[command(flatten)]
    pub(crate) detector: DetectorArgs,
    #[command(flatten, next_help_heading = "Judged suites")]
    pub(crate) judge: JudgeArgs,
    /// Re-read stored replies of failed judgments, of all judges of the run, as this version understands them; sends
    /// nothing and needs no key
    #[arg(long, conflicts_with = "judges")]
    pub(crate) reread: bool,
    #[command(flatten)]
    pub(crate) meter: MeterArgs,
    #[command(flatten)]
    pub(crate) files: SettingsFiles,
    #[command(flatten)]
    pub(crate) spending: SpendingArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
}

impl RunArgs {
    /// The suite named, or that of own cases.
    pub(crate) fn suite(&self) -> SuiteRef {
        self.suite.unwrap_or_else(imgeval_suites::registry::own_cases)
    }
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("origin").args(["images", "model"]).required(true)))]
pub(crate) struct RunArgs {
    #[arg(long, value_parser = suites::by_name(), required_unless_present = "cases")]
    pub(crate) suite: Option<SuiteRef>,
    /// File of your own cases with checks; `imgeval init cases` writes an example
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with_all = ["suite", "fresh_seed"])]
    pub(crate) cases: Option<PathBuf>,
    /// Import existing images: a folder in GenEval's layout (00052/samples/0000.png), a flat folder, or a quoted glob
    /// pattern
    #[arg(long, value_name = "DIR", requires = "run")]
    pub(crate) images: Option<String>,
    /// Generate the images with this model, as `generate` does: PROVIDER:MODEL
    #[arg(long, value_name = "PROVIDER:MODEL")]
    pub(crate) model: Option<String>,
    /// Run directory to fill; created if it does not exist [default with --model: runs/SUITE-MODEL]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) label: LabelArg,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) fresh: FreshArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) part: ShardArg,
    #[command(flatten, next_help_heading = "Generating, with --model")]
    pub(crate) generation: GenerationArgs,
    #[command(flatten, next_help_heading = "Observing")]
    pub(crate) detector: DetectorArgs,
    #[command(flatten)]
    pub(crate) meter: MeterArgs,
    #[command(flatten, next_help_heading = "Judging, for suites that judges score")]
    pub(crate) judge: JudgeArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
    #[command(flatten, next_help_heading = "Scoring")]
    pub(crate) verdict: VerdictArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// The contamination probe.
#[derive(Debug, Args)]
pub(crate) struct FreshArgs {
    /// Also score prompts drawn with this seed, which no model can have been trained on, and print how much better
    /// the official ones score. Their run is stored next to the first, with the suffix -fresh-N, and --max-cost
    /// applies to each
    #[arg(long, value_name = "N", conflicts_with = "csv")]
    pub(crate) fresh_seed: Option<u64>,
    /// Images of the fresh prompts, if the others come from --images
    #[arg(long, value_name = "DIR", requires = "fresh_seed", conflicts_with = "model")]
    pub(crate) fresh_images: Option<String>,
}

#[derive(Debug, Args)]
#[command(mut_group("prompts", |group| group.arg("reread")))]
pub(crate) struct GenerateArgs {
    /// Run directory whose stored replies to re-read, with --reread
    #[arg(value_name = "RUN", requires = "reread", conflicts_with = "run")]
    pub(crate) kept: Option<PathBuf>,
    /// Re-read stored replies of samples without an image, as this version understands them; sends nothing and needs
    /// no key
    #[arg(long, requires = "kept", conflicts_with = "model")]
    pub(crate) reread: bool,
    /// Model to generate with: PROVIDER:MODEL, such as openai:MODEL or "cmd:python model.py --prompt={prompt}
    /// --out={out}"
    #[arg(long, value_name = "PROVIDER:MODEL", required_unless_present = "reread")]
    pub(crate) model: Option<String>,
    /// Run directory to fill; created if it does not exist [default: runs/SUITE-MODEL]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) label: LabelArg,
    #[command(flatten)]
    pub(crate) cases: CasesArgs,
    #[command(flatten)]
    pub(crate) generation: GenerationArgs,
    #[command(flatten)]
    pub(crate) part: ShardArg,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Run directory
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// GenEval: write the official result rows to this file
    #[arg(long, value_name = "FILE", required_unless_present_any = ["calls", "wise_results", "dataset"])]
    pub(crate) geneval_results: Option<PathBuf>,
    /// WISE: write the official files (*_scores_results.jsonl, *_full_results.json) of one judge to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) wise_results: Option<PathBuf>,
    /// WISE: which image of each prompt to use, counted from 0; the official files have one
    #[arg(long, value_name = "N", requires = "wise_results", default_value_t = 0)]
    pub(crate) sample: u32,
    /// Write every call to a provider or judge to this file, one JSON object per line: prompt as sent, outcome, cost,
    /// tokens, image and reply. The reply is complete if nothing was taken from it; otherwise its images are left out
    #[arg(long, value_name = "FILE")]
    pub(crate) calls: Option<PathBuf>,
    /// Write samples with their images, scores and evidence as Parquet tables into this folder, in the layout of Hugging Face
    /// data sets, with a card; an earlier data set there is replaced. See docs/datasets.md
    #[arg(long, value_name = "DIR", conflicts_with_all = ["geneval_results", "wise_results"])]
    pub(crate) dataset: Option<PathBuf>,
    /// Leave the images out of the data set; file names and SHA-256 stay
    #[arg(long, requires = "dataset")]
    pub(crate) no_images: bool,
    /// Which evaluator's evidence to use, if the run has several
    #[arg(long = "evaluator", alias = "observer", value_name = "ID")]
    pub(crate) observer: Option<String>,
    #[command(flatten)]
    pub(crate) verdict: VerdictArgs,
}
