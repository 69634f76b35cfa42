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
    /// The detector, as --list names it
    #[arg(long, value_name = "ID", default_value = "community-forensics")]
    pub(crate) detector: String,
    /// Which of the detector's published ways of preparing images [default: the first that --list shows]
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// A file of weights; several in any order, trunk and head are told apart by their tensors [default: those of
    /// `imgeval models pull ID`]
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,
    /// Print one JSON object per image
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write into this folder where each image looks generated, as far as the detector looks at crops of native pixels
    #[arg(long, value_name = "DIR")]
    pub(crate) map: Option<PathBuf>,
    /// Check the installation: compare with the numbers that the detector's authors publish for images of their repository,
    /// of which DIR is a copy
    #[arg(long, value_name = "DIR", conflicts_with_all = ["images", "map", "list"])]
    pub(crate) canaries: Option<PathBuf>,
    /// List the detectors: paper, license, pipelines, and whether the weights are here
    #[arg(long, conflicts_with_all = ["images", "map"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

/// How much of the sweep is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SweepName {
    /// Every step
    Full,
    /// JPEG 90 and 50, WebP 80, half the size, a blur of one pixel
    Short,
    /// None
    None,
}

#[derive(Debug, Args)]
pub(crate) struct ForensicsArgs {
    /// Generated images: a run, a folder or a quoted pattern; of a folder with `0_real` and `1_fake`, `real` and `fake`, or `nature`
    /// and `ai` somewhere below, the generated ones
    #[arg(long, value_name = "[NAME=]PLACE", required = true)]
    pub(crate) fake: Vec<String>,
    /// Photographs, in the same forms; without them only the share called fake is defined
    #[arg(long, value_name = "[NAME=]PLACE")]
    pub(crate) real: Vec<String>,
    /// A detector, as `imgeval detect-fake --list` names it, as ID or ID:PIPELINE [default: those of `imgeval models pull forensics`
    /// that are here]
    #[arg(long, value_name = "ID[:PIPELINE]")]
    pub(crate) detector: Vec<String>,
    /// Weights of a detector in place of the pulled ones
    #[arg(long, value_name = "ID=FILE")]
    pub(crate) weights: Vec<String>,
    /// Vision-language model that is asked whether each image looks real or fake, such as FakeVLM behind a server:
    /// http://127.0.0.1:8000/v1#fakeVLM; asked about the images as delivered and matched, and its
    /// replies are kept below --out
    #[arg(long = "judge", requires = "out", value_name = "JUDGE")]
    pub(crate) judges: Vec<String>,
    /// Ask no judge anything that might bring its cost above this many US dollars; what is left is asked by the next start
    #[arg(long, requires = "judges", value_name = "DOLLARS", value_parser = parse_dollars)]
    pub(crate) judge_max_cost: Option<Usd>,
    /// File that holds the judge's API key, instead of the provider's environment variable
    #[arg(long, requires = "judges", value_name = "FILE")]
    pub(crate) judge_key_file: Option<PathBuf>,
    /// How matched images get one size [default: centre, and scaled where sizes alone tell the classes apart]
    #[arg(long, value_enum)]
    pub(crate) sizing: Option<SizingName>,
    /// Side of the matched squares in pixels [default: what the smallest image allows, at most 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=16_384))]
    pub(crate) side: Option<u32>,
    /// Compression of matched images: a JPEG quality, or none [default: none if all are lossless, else the lowest quality seen]
    #[arg(long, value_name = "QUALITY|none", value_parser = parse_jpeg)]
    pub(crate) jpeg: Option<JpegChoice>,
    /// Degradations whose curves are computed
    #[arg(long, value_enum, default_value_t = SweepName::Full)]
    pub(crate) sweep: SweepName,
    /// Do not train a detector of your own on the images
    #[arg(long)]
    pub(crate) no_own: bool,
    /// Folder for scores and the page; the same command continues there where it was stopped
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Random seed of bootstrap, folds and crops
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Resamples of the bootstrap
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
