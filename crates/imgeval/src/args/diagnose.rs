//! Arguments of `imgeval diagnose`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use imgeval_metrics::BootstrapSettings;
use imgeval_observe::DetectorSettings;

use super::{
    ComputeArgs, DetectorName, MaxPixelsArg, ModelsDirArg, forensics::ForensicsArgs, rounds::BenchmarkName,
};
use crate::environment;

#[derive(Debug, Subcommand)]
pub(crate) enum DiagnoseCommand {
    /// Which kind of decoder drew these pictures? Train a probe on known generators, ask it about others
    #[command(subcommand)]
    Architecture(ArchitectureCommand),
    /// Measure the weaknesses of the generator behind a run, against controls
    ///
    /// Cut-off, stretch, redrawing, blur, changes outside of an edit, text and color: each with a 95 % interval by case, the same
    /// measure on controls that nobody edited, and a verdict that says no more than they allow. The suite `weaknesses` is made for it
    /// (`imgeval suites show weaknesses`); of other runs whatever can be measured is. See docs/weaknesses.md.
    Weaknesses(WeaknessesArgs),
    /// How do images survive rounds of edits? Geometry, tone, sharpness and content by round, success by round, drift
    ///
    /// Each place is a run whose cases have several rounds, a folder with a session.json, or a folder of such folders, as PLACE or
    /// NAME=PLACE. Outputs in a benchmark's layout are read with --layout and --data. Nothing is asked of a judge, so whether
    /// instructions were carried out is not measured. See docs/rounds.md.
    Rounds(RoundsArgs),
    /// Can a generator's images be told from photographs, and does the answer survive a JPEG?
    ///
    /// Published detectors, and one of your own trained on the images, judge both classes as they were delivered, brought to one
    /// codec and size, and degraded step by step. What differs between the files of the classes is told beside it, with the accuracy
    /// that this alone reaches. See docs/forensics.md.
    Forensics(ForensicsArgs),
    /// Which traces do images carry that exist already? Spectra, lattices, JPEG grids, fingerprints, sharpening, color casts
    ///
    /// Each place is one generator: a run, a folder or a quoted pattern, as PLACE or NAME=PLACE. Differences in the files are
    /// reported first, since they may explain the rest. Without --reference the numbers stand alone. See docs/artefacts.md.
    Artefacts(ArtefactsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RoundsArgs {
    /// Sessions of edits by one or several models
    #[arg(value_name = "[NAME=]PLACE", required = true)]
    pub(crate) places: Vec<String>,
    /// Read places as outputs in a benchmark's layout
    #[arg(long, value_name = "BENCHMARK", requires = "data")]
    pub(crate) layout: Option<BenchmarkName>,
    /// Where the benchmark's sessions and source images are, as for `imgeval rounds sessions`
    #[arg(long, value_name = "PATH", requires = "layout")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of the source images, if it is not beside the table (edival, lme-bench)
    #[arg(long, value_name = "DIR", requires = "layout")]
    pub(crate) images: Option<PathBuf>,
    /// Also measure each session's source when it is only encoded and decoded as often, in the format that the model delivers
    #[arg(long)]
    pub(crate) controls: bool,
    /// Write a page with strips, curves and a viewer into this folder, and keep there what was measured
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out CLIP, DINO, LPIPS and the detector, which otherwise look once `imgeval models pull` has fetched `rounds` and `preview`
    #[arg(long)]
    no_networks: bool,
    /// Detector of the objects that a round should keep
    #[arg(long, value_enum, default_value_t = DetectorName::Preview)]
    detector: DetectorName,
    /// Weight file of the detector to use instead of the pulled one
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Random seed of the bootstrap
    #[arg(long, default_value_t = 0, value_name = "N")]
    bootstrap_seed: u64,
    #[command(flatten)]
    models: ModelsDirArg,
}

impl RoundsArgs {
    /// The detector, and where networks lie; `None` if they are not wanted.
    pub(crate) fn detector(&self) -> Option<DetectorSettings> {
        let settings = || DetectorSettings {
            detector: self.detector.known(),
            weights: self.weights.clone(),
            ..self.models.small_detector()
        };
        (!self.no_networks).then(settings)
    }

    pub(crate) fn settings(&self) -> BootstrapSettings {
        BootstrapSettings { seed: self.bootstrap_seed, ..BootstrapSettings::default() }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ArtefactsArgs {
    /// Images of a generator; places of the same name go together [default name: the last part of the path]
    #[arg(value_name = "[NAME=]PLACE", required = true)]
    pub(crate) places: Vec<String>,
    /// What all places are compared with: photographs or another generator, best for the same prompts, in the same format and size
    #[arg(long, value_name = "PLACE")]
    pub(crate) reference: Vec<String>,
    /// Random seed of the bootstrap
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) bootstrap_seed: u64,
    #[command(flatten)]
    pub(crate) output: DiagnoseOutputArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Args)]
pub(crate) struct WeaknessesArgs {
    /// Run directories
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Run, folder or quoted pattern whose colors those of images without a source are compared with: photographs, or another
    /// model's answers to the same prompts
    #[arg(long, value_name = "RUN|DIR")]
    pub(crate) reference: Option<String>,
    /// Write pictures that show where: change, cut-off frame, region and leak, blur, cast, characters; with several runs into a
    /// folder for each
    #[arg(long, value_name = "DIR")]
    pub(crate) pictures: Option<PathBuf>,
    /// Report what was measured before, and measure nothing
    #[arg(long)]
    pub(crate) no_measuring: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Random seed of the bootstrap
    #[arg(long, default_value_t = 0, value_name = "N")]
    bootstrap_seed: u64,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

impl WeaknessesArgs {
    pub(crate) fn settings(&self) -> BootstrapSettings {
        BootstrapSettings { seed: self.bootstrap_seed, ..BootstrapSettings::default() }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArchitectureCommand {
    /// Train a probe on pictures of known classes, with all controls
    ///
    /// Classes are folders, quoted patterns or runs. Before anything is learnt, it is told what in the files alone separates the classes,
    /// and all pictures get one size and one compression. Images of one prompt, of one group in groups.jsonl, or that look
    /// alike are never divided between training and testing. See docs/architecture-inference.md.
    Train(Box<TrainArgs>),
    /// Ask a probe about pictures
    ///
    /// Prints the shares of the classes with intervals clustered by prompt, a ten-bin histogram of confidence in the first class, the share that is
    /// unlike anything trained on, and what may be concluded from that at most.
    Apply(ApplyArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeName {
    /// Logistic regression on spectra; needs no weights
    Spectrum,
    /// Logistic regression on embeddings of a frozen CLIP
    ClipLinear,
    /// CLIP's vision tower fine-tuned end to end, as in the paper
    Clip,
    /// A small network on noise residuals, from scratch; needs no weights
    Residual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SizingName {
    /// A square in the middle, not resampled
    Centre,
    /// A square at a drawn place, not resampled
    Drawn,
    /// The central square, scaled down; erases most fine traces
    Scaled,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// A class and where its pictures lie, as NAME=PLACE or NAME/GENERATOR=PLACE; give it for two classes at least. A class with several
    /// generators is also tested on each without having seen it
    #[arg(long = "class", value_name = "NAME[/GENERATOR]=PLACE", required = true)]
    pub(crate) classes: Vec<String>,
    /// What the probe looks at
    #[arg(long, value_enum, default_value_t = ProbeName::Spectrum)]
    pub(crate) probe: ProbeName,
    /// Real photographs that went through a decoder, named as the class whose decoder it is: does the probe see the decoder alone?
    #[arg(long = "control-decoder", value_name = "NAME=PLACE")]
    pub(crate) control_decoders: Vec<String>,
    /// Pictures that the probe will be asked about; size and compression are chosen to fit them too
    #[arg(long, value_name = "PLACE")]
    pub(crate) target: Vec<String>,
    /// How pictures get one size [default: centre, and scaled where sizes alone tell the classes apart]
    #[arg(long, value_enum)]
    pub(crate) sizing: Option<SizingName>,
    /// Side of the square that is looked at, in pixels [default: what the smallest picture allows, at most 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=16_384))]
    pub(crate) side: Option<u32>,
    /// Compression that every picture goes through: a JPEG quality, or none [default: none if all are lossless, else the lowest
    /// quality seen]
    #[arg(long, value_name = "QUALITY|none", value_parser = parse_jpeg)]
    pub(crate) jpeg: Option<JpegChoice>,
    /// Of the split, the crops, the shuffles and the training; the same seed gives the same bytes
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Trainings on shuffled labels [default: 10, of networks 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) shuffles: Option<u16>,
    /// Most passes over the pictures, of networks [default: clip 10, residual 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) epochs: Option<u16>,
    #[command(flatten)]
    pub(crate) clip: ProbeClipArgs,
    /// File to write the probe to
    #[arg(long, value_name = "PROBE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) output: DiagnoseOutputArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegChoice {
    None,
    Quality(u8),
}

pub(super) fn parse_jpeg(text: &str) -> Result<JpegChoice, String> {
    match text.parse() {
        _ if text == "none" => Ok(JpegChoice::None),
        Ok(quality @ 1..=100) => Ok(JpegChoice::Quality(quality)),
        _ => Err("a quality from 1 to 100, or none, is needed".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// File that `train` wrote
    #[arg(value_name = "PROBE")]
    pub(crate) probe: PathBuf,
    /// Folders, quoted patterns or runs
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,
    #[command(flatten)]
    pub(crate) clip: ProbeClipArgs,
    #[command(flatten)]
    pub(crate) output: DiagnoseOutputArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

/// The CLIP of probes that have one.
#[derive(Debug, Args)]
pub(crate) struct ProbeClipArgs {
    /// CLIP to begin with, instead of the pulled ViT-L/14 (the paper took a ViT-B): a folder of transformers, a file, or the name of a
    /// repository in the hub's cache
    #[arg(long = "clip", value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Where embeddings of frozen CLIPs are kept, by weights and picture [default: imgeval/embeddings in the user's cache folder]
    #[arg(long, value_name = "DIR", env = environment::EMBEDDINGS_DIR)]
    pub(crate) embeddings_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

#[derive(Debug, Args)]
pub(crate) struct DiagnoseOutputArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write a page, report.json, summary.md and figures into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
}
