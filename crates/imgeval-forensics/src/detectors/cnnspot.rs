//! CNNSpot: a ResNet-50 that was trained on one GAN with blurred and compressed images.
//!
//! Wang et al., "CNN-generated images are surprisingly easy to spot... for now", CVPR 2020. Images are never scaled.

use imgeval_core::Pixels;
use imgeval_vision::compute::Backend;

use crate::{
    networks::{
        map::{Map, open_cpu, reserve},
        resnet::{BYTES_PER_PIXEL, Classifier, Layout},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{IMAGENET, sha256, torchvision_middle},
    source::{Reader, SourceImage},
    trace::Trace,
};

const NATIVE: &str = "native";
const CROP_224: &str = "crop224";
const SIDE: u32 = 224;
const README: &str = "the repository's README, weights 0.5, native size";

const LAYOUT: Layout =
    Layout { network: "CNNSpot's ResNet-50", stem_side: 7, n_layers: 4, head: "fc", outputs: 1 };

const fn published(set: &'static str, measure: &'static str, value: f64) -> Published {
    Published { set, measure, value, source: README }
}

/// Description of CNNSpot.
pub static CNNSPOT: Description = Description {
    id: "cnnspot",
    name: "CNNSpot",
    paper: "Wang et al., CVPR 2020",
    license: WeightsLicense::NonCommercial("CC BY-NC-SA 4.0"),
    pipelines: &[
        Pipeline {
            name: NATIVE,
            what: "the whole image in its own size, as the authors recommend since 2020",
        },
        Pipeline {
            name: CROP_224,
            what: "the middle 224 x 224 pixels, black around smaller images: the paper's",
        },
    ],
    threshold: "sigmoid of the logit above 0.5",
    published: &[
        published("ProGAN", "accuracy", 1.0),
        published("ProGAN", "AP", 1.0),
        published("StyleGAN", "accuracy", 0.775),
        published("StyleGAN", "AP", 0.993),
        published("BigGAN", "accuracy", 0.595),
        published("BigGAN", "AP", 0.904),
        published("CycleGAN", "accuracy", 0.846),
        published("CycleGAN", "AP", 0.979),
        published("StarGAN", "accuracy", 0.847),
        published("StarGAN", "AP", 0.975),
        published("GauGAN", "accuracy", 0.829),
        published("GauGAN", "AP", 0.988),
        published("StyleGAN2", "accuracy", 0.724),
        published("StyleGAN2", "AP", 0.991),
        published("Deepfake", "accuracy", 0.504),
        published("Deepfake", "AP", 0.631),
        published("WhichFaceIsReal", "accuracy", 0.752),
        published("WhichFaceIsReal", "AP", 1.0),
        Published {
            set: "GPT-4o images",
            measure: "share called fake",
            value: 0.7381,
            source: "GPT-ImgEval",
        },
    ],
    canaries: &[],
    native_crop: Some(SIDE),
    load,
};

struct CnnSpot {
    pipeline: &'static str,
    network: Classifier,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&CNNSPOT)?;
    let backend = open_cpu(&request.compute)?;
    let network = Classifier::load(request.only_file(&CNNSPOT)?, &LAYOUT)?;
    Ok(Box::new(CnnSpot { pipeline, network, backend }))
}

/// Of a checkpoint in memory.
#[cfg(test)]
pub(crate) fn of_checkpoint(
    checkpoint: imgeval_vision::checkpoint::Checkpoint,
    pipeline: &'static str,
) -> Result<Box<dyn Detector>, ForensicsError> {
    let network = Classifier::of_checkpoint(checkpoint, &LAYOUT)?;
    let backend = open_cpu(&imgeval_vision::compute::ComputeOptions::default())?;
    Ok(Box::new(CnnSpot { pipeline, network, backend }))
}

impl CnnSpot {
    fn judge_pixels(&self, pixels: &Pixels, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let map = Map::of_pixels(pixels, IMAGENET, &self.backend)?;
        trace.keep("input", &map.x);
        let logits = self.network.logits(map, trace)?;
        Ok(Judgment::of_logit(logits[0], Some(sha256(pixels))))
    }
}

impl Detector for CnnSpot {
    fn description(&self) -> &'static Description {
        &CNNSPOT
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let pixels = image.read_by(Reader::Pillow);
        if self.pipeline == CROP_224 {
            return self.judge_pixels(&torchvision_middle(pixels, SIDE), trace);
        }
        let _memory = reserve(pixels, BYTES_PER_PIXEL)?;
        self.judge_pixels(pixels, trace)
    }
}
