//! The plan that makes the images of all classes alike in everything that is not the generator's doing.
//!
//! A plan is applied to every image, of every class and of whatever is asked about later, in this order:
//! 1. *Size.* Native crops take a square of equal side from each image without resampling, at the center or at a drawn place,
//!    at a multiple of 16 pixels from the upper left corner, so that grids of 8 and 16 pixels (of JPEG and of decoders) keep their place.
//!    Or the central square is scaled to the side (Pillow's Lanczos, shrinking only), which erases most fine traces.
//! 2. *Compression.* Every image passes through one JPEG compression of the same quality and color subsampling, unless all are lossless.
//!
//! Metadata, color profiles and the alpha channel are ignored; nothing of the file's form reaches a probe.
//!
//! What this can and cannot do. A second compression with the same tables on the same grid changes almost nothing, so images that
//! were compressed before at that quality and images that were not become alike. Compressed at a *higher* quality before, they keep a weak
//! trace of having been compressed twice. Native crops leave everything that another size did to the content: the same scene at 1024 pixels
//! is larger than at 512, and an enlarged image stays enlarged. Scaling all to one small side removes most of that, and with it
//! most of what a decoder leaves. Where sizes tell the classes apart, the default is therefore to scale.

use imgeval_core::Pixels;
use imgeval_vision::resample::pillow::{Filter, resize_part};

use super::{JpegError, Subsampling, compressed};
use crate::{
    collect::Examined,
    random::{draw_below, stream},
};

/// Minimum side length that probes need, in pixels.
pub const MIN_SIDE: u32 = 64;

/// Larger squares cost time and hardly add certainty.
const MAX_DEFAULT_SIDE: u32 = 512;

/// Crops begin at multiples of this: JPEG's blocks with halved color, and every decoder's lattice up to 16.
const GRID: u32 = 16;

/// The quality assumed of a lossy WebP file, which does not tell it.
const ASSUMED_WEBP_QUALITY: u8 = 75;

/// What is done to every image. Stored in the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The side of the square that a probe sees, in pixels.
    pub side: u32,
    pub sizing: Sizing,
    /// `None`: nothing is compressed.
    pub jpeg: Option<JpegStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizing {
    /// A square in the middle, not resampled.
    CentreCrop,
    /// A square at a place that the seed and the file's bytes draw, not resampled.
    DrawnCrop { seed: u64 },
    /// The central square, scaled down.
    Scaled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegStep {
    /// 1 to 100 on the Independent JPEG Group's scale.
    pub quality: u8,
    pub subsampling: Subsampling,
}

#[derive(Debug, thiserror::Error)]
pub enum HarmoniseError {
    #[error("{width}x{height} pixels are smaller than the square of {side} that the probe needs")]
    TooSmall { width: u32, height: u32, side: u32 },
    #[error("the image could not be compressed")]
    Jpeg(#[source] JpegError),
}

impl Plan {
    /// The square of the image, before any compression. `sha256` is of the file's bytes.
    ///
    /// # Errors
    /// If the image is smaller than the square.
    pub fn cut(&self, pixels: &Pixels, sha256: &str) -> Result<Pixels, HarmoniseError> {
        let (width, height, side) = (pixels.width(), pixels.height(), self.side);
        let too_small = || HarmoniseError::TooSmall { width, height, side };
        if width.min(height) < side {
            return Err(too_small());
        }
        let (x, y) = match self.sizing {
            Sizing::Scaled => return Ok(scaled_square(pixels, side)),
            Sizing::CentreCrop => ((width - side) / 2 / GRID * GRID, (height - side) / 2 / GRID * GRID),
            Sizing::DrawnCrop { seed } => {
                let mut generator = stream(seed, sha256);
                let mut draw =
                    |room: u32| draw_below(&mut generator, (room / GRID + 1) as usize) as u32 * GRID;
                (draw(width - side), draw(height - side))
            }
        };
        let row_bytes = 3 * side as usize;
        let rows = (y..y + side).flat_map(|row| {
            let start = 3 * (row as usize * width as usize + x as usize);
            &pixels.rgb()[start..start + row_bytes]
        });
        Pixels::new(side, side, rows.copied().collect()).ok_or_else(too_small)
    }

    /// The compression, if the plan has one.
    ///
    /// # Errors
    /// If the encoder fails.
    pub fn compress(&self, pixels: Pixels) -> Result<Pixels, HarmoniseError> {
        match self.jpeg {
            None => Ok(pixels),
            Some(step) => compressed(&pixels, step.quality, step.subsampling).map_err(HarmoniseError::Jpeg),
        }
    }

    /// Both steps.
    ///
    /// # Errors
    /// If the image is smaller than the square, or the encoder fails.
    pub fn apply(&self, pixels: &Pixels, sha256: &str) -> Result<Pixels, HarmoniseError> {
        self.compress(self.cut(pixels, sha256)?)
    }

    /// The plan in a few words, for tables and keys; equal plans have equal words.
    #[must_use]
    pub fn describe(&self) -> String {
        let side = self.side;
        let sizing = match self.sizing {
            Sizing::CentreCrop => format!("native crop of {side}x{side} at the center"),
            Sizing::DrawnCrop { seed } => format!("native crop of {side}x{side}, drawn with seed {seed}"),
            Sizing::Scaled => format!("central square scaled to {side}x{side} (Lanczos)"),
        };
        let jpeg = match self.jpeg {
            None => "not compressed".to_owned(),
            Some(JpegStep { quality, subsampling }) => {
                let colour = if subsampling == Subsampling::Half { "4:2:0" } else { "4:4:4" };
                format!("JPEG quality {quality}, {colour}")
            }
        };
        format!("{sizing}; {jpeg}; metadata, color profile and alpha ignored")
    }
}

fn scaled_square(pixels: &Pixels, side: u32) -> Pixels {
    let (width, height) = (u64::from(pixels.width()), u64::from(pixels.height()));
    let short = width.min(height);
    // At most the image's own sides, which fit into 32 bits.
    let scaled = |long: u64| ((long * u64::from(side) + short / 2) / short) as u32;
    let (width, height) = (scaled(width), scaled(height));
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    resize_part(pixels, (width, height), left..left + side, top..top + side, Filter::Lanczos)
}

/// What the user wants of the plan; what is left open follows from the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanRequest {
    pub side: Option<u32>,
    pub sizing: Option<SizingRequest>,
    pub jpeg: JpegRequest,
    /// The seed of drawn crops.
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizingRequest {
    Centre,
    Drawn,
    Scaled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JpegRequest {
    /// None if every image is lossless, else the lowest quality seen.
    #[default]
    Automatic,
    None,
    Quality(u8),
}

/// A plan with what must be known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChoice {
    pub plan: Plan,
    /// Sentences for the report.
    pub notes: Vec<String>,
}

/// Chooses the plan for images of all classes and of what the probe will be asked about.
///
/// `sizes_separate`: the profile found that sizes alone tell the classes apart.
#[must_use]
pub fn choose_plan(images: &[&Examined], sizes_separate: bool, request: PlanRequest) -> PlanChoice {
    let mut notes = Vec::new();
    let sizing = match request.sizing {
        Some(SizingRequest::Centre) => Sizing::CentreCrop,
        Some(SizingRequest::Drawn) => Sizing::DrawnCrop { seed: request.seed },
        Some(SizingRequest::Scaled) => Sizing::Scaled,
        None if sizes_separate => Sizing::Scaled,
        None => Sizing::CentreCrop,
    };
    let shortest = images.iter().map(|image| image.short_side()).filter(|side| *side >= MIN_SIDE).min();
    let shortest = shortest.unwrap_or(MIN_SIDE);
    let side = match (request.side, sizing) {
        (Some(side), _) => side,
        // All are shrunk, by two at least, so that none keeps its pixels while others lose theirs.
        (None, Sizing::Scaled) => rounded_side(shortest / 2),
        (None, _) => rounded_side(shortest),
    };
    if sizes_separate && sizing == Sizing::Scaled {
        notes.push(format!(
            "the classes have different sizes, so all images are scaled to {side} pixels; this removes most fine traces of a decoder, and the remaining ones may still come from the sizes"
        ));
    } else if sizes_separate {
        notes.push(
            "the classes have different sizes and are cropped without scaling: the same content is larger in one class, and enlarged images stay enlarged, so a high accuracy may come from the sizes alone"
                .to_owned(),
        );
    }
    let jpeg = choose_jpeg(images, request.jpeg, &mut notes);
    PlanChoice { plan: Plan { side, sizing, jpeg }, notes }
}

fn rounded_side(pixels: u32) -> u32 {
    (pixels.min(MAX_DEFAULT_SIDE) / GRID * GRID).max(MIN_SIDE)
}

fn choose_jpeg(images: &[&Examined], request: JpegRequest, notes: &mut Vec<String>) -> Option<JpegStep> {
    let n_lossy = images.iter().filter(|image| image.facts.is_lossy()).count();
    let jpegs = || images.iter().filter_map(|image| image.facts.jpeg.as_ref());
    let n_webp = images.iter().filter(|image| image.facts.is_lossy_webp).count();
    let webp = (n_webp > 0).then_some(ASSUMED_WEBP_QUALITY);
    let lowest = jpegs().map(|jpeg| jpeg.quality).chain(webp).min();
    let is_halved = n_webp > 0 || jpegs().any(|jpeg| !matches!(jpeg.subsampling.as_str(), "4:4:4" | "grey"));
    let subsampling = if is_halved { Subsampling::Half } else { Subsampling::None };
    let quality = match request {
        JpegRequest::None => None,
        JpegRequest::Quality(quality) => Some(quality),
        JpegRequest::Automatic => lowest,
    };
    if n_webp > 0 {
        notes.push(format!(
            "{n_webp} images are lossy WebP, whose traces no JPEG compression hides; their quality is assumed to be {ASSUMED_WEBP_QUALITY}"
        ));
    }
    match (quality, lowest) {
        (None, None) => notes.push("all images are stored losslessly and are not compressed".to_owned()),
        (None, Some(_)) => notes.push(format!(
            "{n_lossy} of {} images were already compressed, and no common compression was requested: their traces remain",
            images.len()
        )),
        (Some(quality), _) if n_lossy > 0 && n_lossy < images.len() => notes.push(format!(
            "every image is compressed as JPEG with quality {quality}; {n_lossy} of {} were already compressed and are now compressed twice, which leaves almost no trace near that quality and a weak one far above it",
            images.len()
        )),
        (Some(quality), _) => {
            notes.push(format!("every image is compressed as JPEG with quality {quality}"));
        }
    }
    if let (Some(quality), Some(lowest)) = (quality, lowest)
        && quality > lowest
    {
        notes.push(format!(
            "some images were compressed at quality {lowest}, below the common {quality}: their stronger traces remain"
        ));
    }
    if jpegs().any(|jpeg| !jpeg.is_standard) {
        notes.push(
            "some JPEG files have custom quantization tables, which a common compression hides less well"
                .to_owned(),
        );
    }
    quality.map(|quality| JpegStep { quality, subsampling })
}

#[cfg(test)]
mod tests {
    use imgeval_core::ImageFormat;

    use super::*;
    use crate::{alike::encode_jpeg, collect::parse_file_facts};

    fn gradient(width: u32, height: u32) -> Pixels {
        let value = |index: u32| (index / 3 % width) ^ (index / 3 / width);
        Pixels::new(width, height, (0..width * height * 3).map(|index| value(index) as u8).collect()).unwrap()
    }

    fn examined(bytes: &[u8], format: ImageFormat, (width, height): (u32, u32)) -> Examined {
        let facts = parse_file_facts(format, bytes);
        Examined { sha256: String::new(), facts, width, height, difference_hash: 0, block_grid: 1.0 }
    }

    fn jpeg(quality: u8, subsampling: Subsampling, size: (u32, u32)) -> Examined {
        examined(&encode_jpeg(&gradient(16, 16), quality, subsampling).unwrap(), ImageFormat::Jpeg, size)
    }

    #[test]
    fn crops_lie_on_the_grid_and_change_no_pixel() {
        let picture = gradient(200, 150);
        let plan = |sizing| Plan { side: 64, sizing, jpeg: None };
        let centre = plan(Sizing::CentreCrop).apply(&picture, "a").unwrap();
        assert_eq!((centre.width(), centre.height(), centre.at(0, 0)), (64, 64, picture.at(64, 32)));
        let drawn = plan(Sizing::DrawnCrop { seed: 1 });
        let places: Vec<_> =
            ["a", "b", "c", "d"].map(|name| drawn.apply(&picture, name).unwrap().at(0, 0)).into();
        assert_eq!(drawn.apply(&picture, "a").unwrap().at(0, 0), places[0]);
        assert!(places.iter().any(|place| *place != places[0]));
        let error = plan(Sizing::Scaled).apply(&gradient(63, 90), "a").unwrap_err();
        assert_eq!(error.to_string(), "63x90 pixels are smaller than the square of 64 that the probe needs");
    }

    #[test]
    fn lossless_pictures_are_left_alone_and_others_set_the_quality() {
        let png = examined(b"", ImageFormat::Png, (300, 200));
        let choice = |images: &[&Examined]| choose_plan(images, false, PlanRequest::default());
        assert_eq!(choice(&[&png]).plan, Plan { side: 192, sizing: Sizing::CentreCrop, jpeg: None });
        let (fine, coarse) =
            (jpeg(90, Subsampling::None, (800, 600)), jpeg(60, Subsampling::Half, (100, 90)));
        assert_eq!(
            choice(&[&png, &fine]).plan.jpeg,
            Some(JpegStep { quality: 90, subsampling: Subsampling::None })
        );
        let mixed = choice(&[&png, &fine, &coarse]);
        assert_eq!(mixed.plan.jpeg, Some(JpegStep { quality: 60, subsampling: Subsampling::Half }));
        assert_eq!(mixed.plan.side, 80);
        assert!(mixed.notes.iter().any(|note| note.contains("2 of 3 were already compressed")), "{mixed:?}");
        let request = PlanRequest { jpeg: JpegRequest::Quality(95), ..PlanRequest::default() };
        let above = choose_plan(&[&coarse], false, request);
        assert!(above.notes.iter().any(|note| note.contains("below the common 95")), "{above:?}");
    }

    #[test]
    fn different_sizes_are_scaled_unless_crops_are_asked_for() {
        let (small, large) =
            (examined(b"", ImageFormat::Png, (512, 512)), examined(b"", ImageFormat::Png, (1024, 1024)));
        let scaled = choose_plan(&[&small, &large], true, PlanRequest::default());
        assert_eq!((scaled.plan.side, scaled.plan.sizing), (256, Sizing::Scaled));
        let request = PlanRequest { sizing: Some(SizingRequest::Centre), ..PlanRequest::default() };
        let cropped = choose_plan(&[&small, &large], true, request);
        assert_eq!((cropped.plan.side, cropped.plan.sizing), (512, Sizing::CentreCrop));
        assert!(cropped.notes[0].contains("may come from the sizes alone"));
    }
}
