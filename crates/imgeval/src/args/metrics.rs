//! Arguments of `imgeval metrics`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use imgeval_observe::{EditWeights, MaskThreshold};

use super::{ComputeArgs, MaxPixelsArg, ModelsDirArg};

#[derive(Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    /// Compare an edited image with its source outside the edited region
    ///
    /// Computes Reason-Edit's PSNR, SSIM, MSE and LPIPS-squeeze: at 256x256, with the region black in both images but
    /// included in the means. With --text, also CLIPScore of the edited region. LPIPS needs `imgeval models pull
    /// lpips`, CLIPScore a CLIP ViT-L/14 (`imgeval models pull geneval`, or --clip); anything missing is reported,
    /// with exit code 4.
    ///
    /// With --register, the edited image is first aligned with its source, and changes outside the mask are split
    /// into tone and content; without a mask, the edited region is detected. PSNR, SSIM and LPIPS of the aligned
    /// images are included. Outside the region, nothing is measured unless the registration is `ok`.
    Edit(EditMetricsArgs),
    /// Measure color, sharpness, noise, blur and traces of upscaling, decoders and JPEG in images
    ///
    /// Each measure needs only the image. If an image is too small or too uniform for a measure, the reason is
    /// printed. See "single images" in docs/methods.md for definitions.
    Image(ImageMetricsArgs),
    /// Compare the text in images with the requested lines
    ///
    /// Reads text as `imgeval read` does. Case, spaces and compatible forms are ignored. Lines with characters that
    /// the reader does not know, such as kana, cannot be measured: this is reported, with exit code 4.
    Text(TextMetricsArgs),
    /// Register an edited image with its source
    ///
    /// Finds crop, scale, stretch and shift between two images, which may differ in size; how similar they are after
    /// registration; and how many tiles of the source are found again. The status is `ok` (pixels can be compared),
    /// `coarse` (only the framing is roughly right) or `failed`.
    Register(RegisterArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// Image before the edit
    #[arg(long, value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// Image after the edit; may differ in size
    #[arg(long, value_name = "FILE")]
    pub(crate) edited: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Args)]
pub(crate) struct ImageMetricsArgs {
    /// Images to measure
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Args)]
pub(crate) struct EditMetricsArgs {
    /// Image before the edit
    #[arg(long, value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// Image after the edit; may differ in size
    #[arg(long, value_name = "FILE")]
    pub(crate) edited: PathBuf,
    /// Region to be edited, white on black; without it, --register finds the region
    #[arg(long, value_name = "FILE", required_unless_present = "register")]
    pub(crate) mask: Option<PathBuf>,
    /// Which pixels of a mask with grays belong to the region: those at least this bright (1 to 255), or `none` to
    /// treat grays as the official script does, where every pixel that is not black belongs to the region with
    /// partial weight
    #[arg(long, value_name = "LEVEL|none", requires = "mask", value_parser = parse_mask_threshold)]
    pub(crate) mask_threshold: Option<MaskThreshold>,
    /// What the region should show after the edit, for CLIPScore
    #[arg(long, value_name = "TEXT", requires = "mask")]
    pub(crate) text: Option<String>,
    /// Align the edited image with its source, and measure tone and content outside the edit
    #[arg(long)]
    pub(crate) register: bool,
    /// Write the detected edited region as a PNG, white on black, in the size of the source
    #[arg(long, value_name = "PNG", requires = "register")]
    pub(crate) region: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) weights: EditWeightsArgs,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

#[derive(Debug, Args)]
pub(crate) struct TextMetricsArgs {
    /// Images (PNG, JPEG, WebP, GIF, BMP, TIFF)
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Line of text that was requested; may be given several times
    #[arg(long = "target", required = true, value_name = "LINE")]
    pub(crate) targets: Vec<String>,
    /// Language of the lines, such as en or zh; in zh, ja and ko a line counts as one word [default: detected from
    /// the characters]
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// Print one JSON object per image
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
    #[command(flatten)]
    pub(crate) limit: MaxPixelsArg,
}

fn parse_mask_threshold(text: &str) -> Result<MaskThreshold, String> {
    if text == "none" {
        return Ok(MaskThreshold::Grays);
    }
    match text.parse() {
        Ok(level @ 1..) => Ok(MaskThreshold::Level(level)),
        _ => Err("must be a level from 1 to 255, or `none`".to_owned()),
    }
}

/// Networks that the metrics of edits need.
#[derive(Debug, Args)]
pub(crate) struct EditWeightsArgs {
    /// SqueezeNet 1.1 weights (torchvision) to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_trunk: Option<PathBuf>,
    /// LPIPS linear heads to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_heads: Option<PathBuf>,
    /// CLIP model to use instead of the pulled one: a folder in transformers format, a file, or the name of a
    /// repository in the Hugging Face cache
    #[arg(long, value_name = "MODEL")]
    pub(crate) clip: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) models: ModelsDirArg,
}

impl EditWeightsArgs {
    pub(crate) fn settings(&self) -> EditWeights {
        EditWeights {
            lpips_trunk: self.lpips_trunk.clone(),
            lpips_heads: self.lpips_heads.clone(),
            clip: self.clip.clone(),
            compute: self.compute.options(),
            places: self.models.places(),
        }
    }
}
