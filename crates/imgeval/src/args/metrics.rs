//! Arguments of `imgeval metrics`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use imgeval_observe::{EditWeights, MaskThreshold};

use super::{ComputeArgs, MaxPixelsArg, ModelsDirArg};

#[derive(Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    /// Compare an edited picture with its source outside of the edited region
    ///
    /// PSNR, SSIM, MSE and LPIPS-squeeze of Reason-Edit: everything at 256x256, the region black in both pictures and still in the
    /// means. With --text also CLIPScore of the edited region. LPIPS needs `imgeval models pull lpips`, CLIPScore a CLIP ViT-L/14
    /// (`imgeval models pull geneval`, or --clip); what is missing is said and ends with exit code 4.
    ///
    /// With --register, the edited picture is first laid on its source, and what changed outside of the mask is split into tone and
    /// content; without a mask, the edited region is found. PSNR, SSIM and LPIPS of the aligned images come with it. Nothing is measured outside unless the registration is `ok`.
    Edit(EditMetricsArgs),
    /// Measure color, sharpness, noise, blur and traces of upscaling, decoders and JPEG in images
    ///
    /// Each measure needs the image alone. What an image is too small or too plain for is not measurable, and the reason is printed.
    /// docs/methods.md, single images, defines each number.
    Image(ImageMetricsArgs),
    /// Compare the text in images with the lines that were asked for
    ///
    /// The text is read as `imgeval read` reads it. Case, spaces and compatible forms do not count. Lines with characters that the
    /// reader does not know, such as kana, are not measurable: that is reported and ends with exit code 4.
    Text(TextMetricsArgs),
    /// Find how an edited picture lies on its source
    ///
    /// Crop, scale, stretch and shift between two pictures that may differ in size; what is still alike after registration; and
    /// how many tiles of the source are found again. The status is `ok` (pixels can be compared), `coarse` (only the framing is
    /// about right) or `failed`.
    Register(RegisterArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// Picture before the edit
    #[arg(long, value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// Picture after the edit; may have another size
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
    /// Picture before the edit
    #[arg(long, value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// Picture after the edit; may have another size
    #[arg(long, value_name = "FILE")]
    pub(crate) edited: PathBuf,
    /// Region that was to be edited, white on black; without it --register finds the region
    #[arg(long, value_name = "FILE", required_unless_present = "register")]
    pub(crate) mask: Option<PathBuf>,
    /// What belongs to the region of a mask that is not black and white: pixels at least so bright (1 to 255), or `none` to
    /// take grays as the official script does, where every pixel that is not black belongs to the region and hides in part
    #[arg(long, value_name = "LEVEL|none", requires = "mask", value_parser = parse_mask_threshold)]
    pub(crate) mask_threshold: Option<MaskThreshold>,
    /// What the region should show now, for CLIPScore
    #[arg(long, value_name = "TEXT", requires = "mask")]
    pub(crate) text: Option<String>,
    /// Lay the edited picture on its source, and measure tone and content outside of the edit
    #[arg(long)]
    pub(crate) register: bool,
    /// Write the edited region that was found as a PNG, white on black, in the size of the source
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
    /// Line of text that was asked for; may be given several times
    #[arg(long = "target", required = true, value_name = "LINE")]
    pub(crate) targets: Vec<String>,
    /// Language of the lines, such as en or zh; in zh, ja and ko a line is one word [default: by the characters]
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
        _ => Err("give a level from 1 to 255, or `none`".to_owned()),
    }
}

/// The networks behind the metrics of edits.
#[derive(Debug, Args)]
pub(crate) struct EditWeightsArgs {
    /// SqueezeNet 1.1 of torchvision to use instead of the pulled one
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_trunk: Option<PathBuf>,
    /// Linear heads of LPIPS to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_heads: Option<PathBuf>,
    /// CLIP model to use instead of the pulled one: a folder of transformers, a file, or the name of a repository in the
    /// hub's cache
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
