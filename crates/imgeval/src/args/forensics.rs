//! Arguments of `imgeval detect-fake` and `imgeval diagnose forensics`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use imgeval_core::Usd;
use imgeval_metrics::BootstrapSettings;

use super::{
    ComputeArgs, MaxPixelsArg, ModelsDirArg,
    diagnose::{JpegChoice, SizingName, parse_jpeg},
    generation::{SettingsFiles, SpendingArgs, parse_dollars},
};

#[derive(Debug, Args)]
pub(crate) struct DetectFakeArgs {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(value_name = "IMAGE", required_unless_present_any = ["list", "canaries"])]
    pub(crate) images: Vec<PathBuf>,
    /// Detector to use; --list shows the names
    #[arg(long, value_name = "ID", default_value = "community-forensics")]
    pub(crate) detector: String,
    /// Which of the detector's published preprocessing pipelines to use [default: the first that --list shows]
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// Weight file; give several in any order, trunk and head are recognized by their tensors [default: the weights
    /// from `imgeval models pull ID`]
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,
    /// Print one JSON object per image
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write heat maps of where each image looks generated to this folder, for detectors that use crops of
    /// native pixels
    #[arg(long, value_name = "DIR")]
    pub(crate) map: Option<PathBuf>,
    /// Check the installation against the numbers that the detector's authors publish for images of their repository;
    /// DIR is a copy of it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["images", "map", "list"])]
    pub(crate) canaries: Option<PathBuf>,
    /// List the detectors: paper, license, pipelines, and whether the weights are installed
    #[arg(long, conflicts_with_all = ["images", "map"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

/// How many degradation steps to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SweepName {
    /// Every step
    Full,
    /// JPEG 90 and 50, WebP 80, half size, one-pixel blur
    Short,
    /// No steps
    None,
}

#[derive(Debug, Args)]
pub(crate) struct ForensicsArgs {
    /// Generated images: a run, a folder or a quoted pattern; in a folder that contains `0_real` and `1_fake`, `real`
    /// and `fake`, or `nature` and `ai` at any depth, only the generated ones are used
    #[arg(long, value_name = "[NAME=]PLACE", required = true)]
    pub(crate) fake: Vec<String>,
    /// Photographs, in the same forms; without them, only the share called fake is reported
    #[arg(long, value_name = "[NAME=]PLACE")]
    pub(crate) real: Vec<String>,
    /// Detector to use, as ID or ID:PIPELINE; `imgeval detect-fake --list` shows the names [default: those of
    /// `imgeval models pull forensics` that are installed]
    #[arg(long, value_name = "ID[:PIPELINE]")]
    pub(crate) detector: Vec<String>,
    /// Weights for a detector instead of the pulled ones
    #[arg(long, value_name = "ID=FILE")]
    pub(crate) weights: Vec<String>,
    /// Vision-language model to ask whether each image looks real or fake, such as FakeVLM on a server:
    /// http://127.0.0.1:8000/v1#fakeVLM. It is asked about the images as delivered and as matched, and its replies
    /// are stored in --out
    #[arg(long = "judge", requires = "out", value_name = "JUDGE")]
    pub(crate) judges: Vec<String>,
    /// Stop asking judges before their cost exceeds this many US dollars; the next start continues
    #[arg(long, requires = "judges", value_name = "DOLLARS", value_parser = parse_dollars)]
    pub(crate) judge_max_cost: Option<Usd>,
    /// File that holds the judge's API key, instead of the provider's environment variable
    #[arg(long, requires = "judges", value_name = "FILE")]
    pub(crate) judge_key_file: Option<PathBuf>,
    /// How to bring matched images to one size [default: center, or scaled if sizes alone separate the classes]
    #[arg(long, value_enum)]
    pub(crate) sizing: Option<SizingName>,
    /// Side of the matched squares in pixels [default: as the smallest image allows, at most 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=16_384))]
    pub(crate) side: Option<u32>,
    /// Compression of matched images: a JPEG quality, or none [default: none if all images are lossless, otherwise
    /// the lowest quality found]
    #[arg(long, value_name = "QUALITY|none", value_parser = parse_jpeg)]
    pub(crate) jpeg: Option<JpegChoice>,
    /// Degradation steps to compute
    #[arg(long, value_enum, default_value_t = SweepName::Full)]
    pub(crate) sweep: SweepName,
    /// Skip training a detector on your images
    #[arg(long)]
    pub(crate) no_own: bool,
    /// Folder for scores and the page; run the same command again to resume
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Random seed for the bootstrap, folds and crops
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Number of bootstrap resamples
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u16).range(100..=10_000))]
    replicates: u16,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
    #[command(flatten)]
    pub(crate) files: SettingsFiles,
    #[command(flatten)]
    pub(crate) spending: SpendingArgs,
}

impl ForensicsArgs {
    pub(crate) fn bootstrap(&self) -> BootstrapSettings {
        BootstrapSettings { seed: self.seed, replicates: usize::from(self.replicates) }
    }
}
