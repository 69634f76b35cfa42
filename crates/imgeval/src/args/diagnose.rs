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
    /// Identify the kind of decoder behind images: train a probe on known generators, apply it to others
    #[command(subcommand)]
    Architecture(ArchitectureCommand),
    /// Measure a generator's weaknesses against controls
    ///
    /// Measures cropping, stretching, redrawing, blur, changes outside the edited region, text and color. Each result
    /// has a 95 % confidence interval over cases, the same measure on unedited controls, and a verdict that these
    /// support. The suite `weaknesses` is made for this (`imgeval suites show weaknesses`); for other runs,
    /// everything that can be measured is. See docs/weaknesses.md.
    Weaknesses(WeaknessesArgs),
    /// Measure how images change over rounds of edits: geometry, tone, sharpness, content and drift
    ///
    /// Each place is a run whose cases have several rounds, a folder with a session.json, or a folder of such
    /// folders, given as PLACE or NAME=PLACE. Use --layout and --data to read outputs in a benchmark's layout. No
    /// judge is asked, so whether the instructions were followed is not measured. See docs/rounds.md.
    Rounds(RoundsArgs),
    /// Test whether a generator's images can be told from photographs, even after JPEG compression
    ///
    /// Published detectors, and one trained on your images, judge both classes as delivered, after matching codec and
    /// size, and under increasing degradation. Differences between the files of the two classes are reported together
    /// with the accuracy that they alone reach. See docs/forensics.md.
    Forensics(ForensicsArgs),
    /// Find artifacts in existing images: spectra, lattices, JPEG grids, fingerprints, sharpening, color casts
    ///
    /// Each place is one generator: a run, a folder or a quoted pattern, given as PLACE or NAME=PLACE. Differences
    /// between the files are reported first because they may explain the rest. Without --reference, the numbers have
    /// nothing to be compared with. See docs/artefacts.md.
    #[command(visible_alias = "artifacts")]
    Artefacts(ArtefactsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RoundsArgs {
    /// Edit sessions of one or several models
    #[arg(value_name = "[NAME=]PLACE", required = true)]
    pub(crate) places: Vec<String>,
    /// Read places as outputs in this benchmark's layout
    #[arg(long, value_name = "BENCHMARK", requires = "data")]
    pub(crate) layout: Option<BenchmarkName>,
    /// Path to the benchmark's sessions and source images, as for `imgeval rounds sessions`
    #[arg(long, value_name = "PATH", requires = "layout")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of the source images, if they are not next to the table (edival, lme-bench)
    #[arg(long, value_name = "DIR", requires = "layout")]
    pub(crate) images: Option<PathBuf>,
    /// Also measure each session's source after the same number of plain encode-decode cycles in the model's output
    /// format
    #[arg(long)]
    pub(crate) controls: bool,
    /// Write a page with image strips, curves and a viewer into this folder, and keep the measurements there
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Skip CLIP, DINO, LPIPS and the detector, which otherwise run once `imgeval models pull` has fetched `rounds`
    /// and `preview`
    #[arg(long)]
    no_networks: bool,
    /// Detector for the objects that a round should keep
    #[arg(long, value_enum, default_value_t = DetectorName::Preview)]
    detector: DetectorName,
    /// Detector weights to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Random seed of the bootstrap
    #[arg(long, default_value_t = 0, value_name = "N")]
    bootstrap_seed: u64,
    #[command(flatten)]
    models: ModelsDirArg,
}

impl RoundsArgs {
    /// The detector and where its weights are; `None` if networks are off.
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
    /// Images of a generator; places with the same name are combined [default name: last component of the path]
    #[arg(value_name = "[NAME=]PLACE", required = true)]
    pub(crate) places: Vec<String>,
    /// Images to compare all places with: photographs or another generator, ideally with the same prompts, format and
    /// size
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
    /// Run, folder or quoted pattern to compare the colors of images without a source with: photographs, or another
    /// model's answers to the same prompts
    #[arg(long, value_name = "RUN|DIR")]
    pub(crate) reference: Option<String>,
    /// Write images that show where: change, cropping, region and leaks, blur, color cast, characters; with several
    /// runs, into one folder per run
    #[arg(long, value_name = "DIR")]
    pub(crate) pictures: Option<PathBuf>,
    /// Report existing measurements without measuring anything
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
    /// Train a probe on images of known classes, with all controls
    ///
    /// Classes are folders, quoted patterns or runs. Before training, the command reports how well file properties
    /// alone separate the classes, and brings all images to one size and one compression. Images with the same
    /// prompt, in the same group in groups.jsonl, or that look alike are never divided between training and testing.
    /// See docs/architecture-inference.md.
    Train(Box<TrainArgs>),
    /// Apply a probe to images
    ///
    /// Prints the share of each class with intervals clustered by prompt, a ten-bin histogram of confidence in the
    /// first class, the share of images unlike any training data, and the strongest conclusion that these support.
    Apply(ApplyArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeName {
    /// Logistic regression on spectra; needs no weights
    Spectrum,
    /// Logistic regression on embeddings of a frozen CLIP model
    ClipLinear,
    /// CLIP's vision tower fine-tuned end to end, as in the paper
    Clip,
    /// A small network on noise residuals, trained from scratch; needs no weights
    Residual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SizingName {
    /// The central square, not resampled
    #[value(name = "center", alias = "centre")]
    Centre,
    /// A square at a random position, not resampled
    Drawn,
    /// The central square, scaled down; removes most fine traces
    Scaled,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// A class and its images, as NAME=PLACE or NAME/GENERATOR=PLACE; at least two classes are required. If a class
    /// has several generators, the probe is also tested on each one after training without it
    #[arg(long = "class", value_name = "NAME[/GENERATOR]=PLACE", required = true)]
    pub(crate) classes: Vec<String>,
    /// Type of probe
    #[arg(long, value_enum, default_value_t = ProbeName::Spectrum)]
    pub(crate) probe: ProbeName,
    /// Real photographs passed through a decoder, under the name of that decoder's class; tests whether the probe
    /// detects the decoder alone
    #[arg(long = "control-decoder", value_name = "NAME=PLACE")]
    pub(crate) control_decoders: Vec<String>,
    /// Images that the probe will be applied to; size and compression are chosen to fit them too
    #[arg(long, value_name = "PLACE")]
    pub(crate) target: Vec<String>,
    /// How to bring images to one size [default: center, or scaled if sizes alone separate the classes]
    #[arg(long, value_enum)]
    pub(crate) sizing: Option<SizingName>,
    /// Side of the analyzed square in pixels [default: as the smallest image allows, at most 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=16_384))]
    pub(crate) side: Option<u32>,
    /// Compression applied to every image: a JPEG quality, or none [default: none if all images are lossless,
    /// otherwise the lowest quality found]
    #[arg(long, value_name = "QUALITY|none", value_parser = parse_jpeg)]
    pub(crate) jpeg: Option<JpegChoice>,
    /// Random seed for the split, crops, shuffles and training; the same seed gives identical files
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Number of trainings on shuffled labels [default: 10; 1 for networks]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) shuffles: Option<u16>,
    /// Maximum epochs (networks only) [default: clip 10, residual 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) epochs: Option<u16>,
    #[command(flatten)]
    pub(crate) clip: ProbeClipArgs,
    /// Write the probe to this file
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
        _ => Err("must be a quality from 1 to 100, or none".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Probe file written by `train`
    #[arg(value_name = "PROBE")]
    pub(crate) probe: PathBuf,
    /// Folders, quoted patterns or runs, as PLACE or NAME=PLACE
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,
    #[command(flatten)]
    pub(crate) clip: ProbeClipArgs,
    #[command(flatten)]
    pub(crate) output: DiagnoseOutputArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

/// CLIP settings for the probes that use it.
#[derive(Debug, Args)]
pub(crate) struct ProbeClipArgs {
    /// CLIP model to start from instead of the pulled ViT-L/14 (the paper used a ViT-B): a folder in transformers
    /// format, a file, or the name of a repository in the Hugging Face cache
    #[arg(long = "clip", value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Cache for embeddings of frozen CLIP models, keyed by weights and image [default: imgeval/embeddings in the
    /// user's cache folder]
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
    /// Also write a page, report.json, summary.md and figures to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
}
