//! NPR: what upsampling leaves between neighboring pixels.
//!
//! Tan et al., "Rethinking the Up-Sampling Operations in CNN-based Generative Network for Generalizable Deepfake Detection", CVPR 2024.
//! A short ResNet looks at each pixel's difference to the upper left pixel of its block of 2 x 2.

use std::borrow::Cow;

use candle_core::Result as CandleResult;
use imgeval_core::Pixels;
use imgeval_vision::{
    compute::Backend,
    ops::tensor::{from_numbers, with_numbers},
};
use rayon::prelude::*;

use crate::{
    networks::{
        map::{Map, open_cpu, reserve},
        resnet::{BYTES_PER_PIXEL, Classifier, Layout},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{IMAGENET, sha256, squashed, tiled, torchvision_middle},
    source::{Reader, SourceImage},
    trace::Trace,
};

const RESIZE_256: &str = "resize256";
const NATIVE: &str = "native";
const TILE_224: &str = "tile224";
const RESIZED_SIDE: u32 = 256;
const TILED_SIDE: u32 = 224;
/// The smallest side that has a block.
const LEAST_SIDE: u32 = 2;

const LAYOUT: Layout =
    Layout { network: "NPR's network", stem_side: 3, n_layers: 2, head: "fc1", outputs: 1 };

/// Description of NPR.
pub static NPR: Description = Description {
    id: "npr",
    name: "NPR",
    paper: "Tan et al., CVPR 2024",
    license: WeightsLicense::NotStated,
    pipelines: &[
        Pipeline { name: RESIZE_256, what: "scaled to exactly 256 x 256 pixels: the repository's test" },
        Pipeline {
            name: NATIVE,
            what: "the whole image in its own size, odd rows and columns cut off: AIGCDetectBenchmark's",
        },
        Pipeline {
            name: TILE_224,
            what: "small images repeated, then the middle 224 x 224 pixels: for GenImage",
        },
    ],
    threshold: "sigmoid of the logit above 0.5",
    published: &[
        published("AIGCDetectBenchmark", "accuracy", 0.917, BENCHMARK),
        published("Midjourney", "accuracy", 0.926, BENCHMARK),
        published("Stable Diffusion 1.4", "accuracy", 0.974, BENCHMARK),
        published("DALL-E 2", "accuracy", 0.996, BENCHMARK),
        published("ADM", "accuracy", 0.849, BENCHMARK),
        published("GenImage", "accuracy", 0.901, "weights trained on Stable Diffusion 1.4"),
        published("GenImage", "AP", 0.969, "weights trained on Stable Diffusion 1.4"),
        published("GPT-4o images", "share called fake", 0.7825, "GPT-ImgEval"),
        published("GenImage, fakes as JPEG 96", "accuracy", 0.515, DDA),
        published("AIGCDetectBenchmark, fakes as JPEG 96", "accuracy", 0.531, DDA),
        published("Chameleon, fakes as JPEG 96", "accuracy", 0.599, DDA),
        published("EvalGEN, fakes as JPEG 96", "accuracy", 0.029, DDA),
    ],
    canaries: &[],
    native_crop: Some(TILED_SIDE),
    load,
};

const BENCHMARK: &str = "AIGCDetectBenchmark, native size, weights 3090";
const DDA: &str = "DDA's README";

const fn published(set: &'static str, measure: &'static str, value: f64, source: &'static str) -> Published {
    Published { set, measure, value, source }
}

struct Npr {
    pipeline: &'static str,
    network: Classifier,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&NPR)?;
    let backend = open_cpu(&request.compute)?;
    let network = Classifier::load(request.only_file(&NPR)?, &LAYOUT)?;
    Ok(Box::new(Npr { pipeline, network, backend }))
}

impl Npr {
    fn prepare<'a>(&self, pixels: &'a Pixels) -> Result<Cow<'a, Pixels>, ForensicsError> {
        let (width, height) = (pixels.width(), pixels.height());
        match self.pipeline {
            NATIVE if width.min(height) < LEAST_SIDE => {
                Err(ForensicsError::TooSmall { detector: NPR.id, width, height, needed: LEAST_SIDE })
            }
            NATIVE => Ok(Cow::Borrowed(pixels)),
            TILE_224 => Ok(Cow::Owned(torchvision_middle(&tiled(pixels, TILED_SIDE), TILED_SIDE))),
            _ => Ok(Cow::Owned(squashed(pixels, RESIZED_SIDE, RESIZED_SIDE))),
        }
    }
}

impl Detector for Npr {
    fn description(&self) -> &'static Description {
        &NPR
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let pixels = self.prepare(image.read_by(Reader::Pillow))?;
        let _memory = match &pixels {
            Cow::Borrowed(pixels) => Some(reserve(pixels, BYTES_PER_PIXEL)?),
            Cow::Owned(_) => None,
        };
        let map = Map::of_pixels(&pixels, IMAGENET, &self.backend)?;
        trace.keep("input", &map.x);
        let signal = differences(&map)?;
        trace.keep_with("npr_signal", || &signal.x / SCALE)?;
        drop(map);
        let logits = self.network.logits(signal, trace)?;
        Ok(Judgment::of_logit(logits[0], Some(sha256(&pixels))))
    }
}

/// What the authors multiply the differences by.
const SCALE: f64 = 2.0 / 3.0;

/// Every pixel minus the upper left pixel of its block of 2 x 2, times two thirds; a last odd row or column is cut off.
fn differences(map: &Map) -> CandleResult<Map> {
    let (height, width) = (map.size.0 / 2 * 2, map.size.1 / 2 * 2);
    let (line, source_line) = (3 * width, 3 * map.size.1);
    let x = with_numbers(&map.x, |numbers| {
        let mut result = vec![0.0; line * height];
        result.par_chunks_mut(line.max(1)).enumerate().for_each(|(row, target)| {
            let source = &numbers[row * source_line..][..line];
            let corners = &numbers[row / 2 * 2 * source_line..][..line];
            let blocks = target.as_chunks_mut::<6>().0.iter_mut().zip(source.as_chunks::<6>().0);
            for ((target, source), corner) in blocks.zip(corners.as_chunks::<6>().0) {
                for (place, target) in target.iter_mut().enumerate() {
                    *target = (source[place] - corner[place % 3]) * 2.0 / 3.0;
                }
            }
        });
        from_numbers(result, &[height * width, 3])
    })?;
    Ok(Map { x, size: (height, width) })
}
