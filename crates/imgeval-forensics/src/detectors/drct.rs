//! DRCT: trained on real images and on their reconstructions by a diffusion model.
//!
//! Chen et al., "DRCT: Diffusion Reconstruction Contrastive Training toward Universal Detection of Diffusion Generated Images", ICML
//! 2024. The network, ConvNeXt or CLIP, is told by the tensors' names.

use std::sync::Arc;

use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameters},
    compute::Backend,
    ops::{layers::Layers, linear::Linear, norm::LayerNorm, pooling::mean},
};

use super::drct_clip;
use crate::{
    networks::{
        convnext::ConvNext,
        map::{Map, open_cpu},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{IMAGENET, albumentations_middle, sha256},
    source::{Reader, SourceImage},
    trace::Trace,
};

const SIDE: u32 = 224;
const EPSILON: f32 = 1e-6;
const ANCHOR: &str = "model.stem.0.weight";
const DDA: &str = "DDA's README";

const fn published(set: &'static str, measure: &'static str, value: f64, source: &'static str) -> Published {
    Published { set, measure, value, source }
}

/// Description of DRCT.
pub static DRCT: Description = Description {
    id: "drct",
    name: "DRCT",
    paper: "Chen et al., ICML 2024",
    license: WeightsLicense::NotStated,
    pipelines: &[Pipeline {
        name: "crop224",
        what: "turned upright, the middle 224 x 224 pixels, black around smaller images",
    }],
    threshold: "1 minus the softmax of the first logit above 0.5",
    published: &[
        published(
            "GPT-4o images",
            "share called fake",
            0.8824,
            "GPT-ImgEval, which does not say with which weights",
        ),
        published("GenImage, fakes as JPEG 96", "accuracy", 0.847, DDA),
        published("DRCT-2M, fakes as JPEG 96", "accuracy", 0.905, DDA),
        published("Chameleon, fakes as JPEG 96", "accuracy", 0.566, DDA),
        published("EvalGEN, fakes as JPEG 96", "accuracy", 0.778, DDA),
    ],
    canaries: &[],
    native_crop: Some(SIDE),
    load,
};

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&DRCT)?;
    let checkpoint = Checkpoint::open(request.only_file(&DRCT)?).map_err(ModelError::from)?;
    if drct_clip::is_of_this_form(&checkpoint) {
        return drct_clip::load(checkpoint, pipeline, request.compute);
    }
    let checkpoint = checkpoint.unwrapped(&[ANCHOR]).map_err(ModelError::from)?;
    if checkpoint.info(ANCHOR).is_none() {
        return Err(ModelError::not_this_network(&checkpoint, "DRCT's ConvNeXt or CLIP").into());
    }
    let backend = open_cpu(&request.compute)?;
    let network = Network::load(checkpoint)?;
    Ok(Box::new(DrctConvNext { pipeline, network, backend }))
}

struct DrctConvNext {
    pipeline: &'static str,
    network: Network,
    backend: Backend,
}

struct Network {
    trunk: ConvNext,
    norm: LayerNorm,
    embed: Linear,
    head: Linear,
}

impl Network {
    fn load(checkpoint: Checkpoint) -> Result<Self, ModelError> {
        let path = checkpoint.path().to_owned();
        let mut parameters = Parameters::new(Arc::new(checkpoint));
        let mut layers = Layers::new(&mut parameters);
        let trunk = ConvNext::take(&mut layers, "model.", EPSILON);
        let norm = layers.layer_norm("model.head.norm", trunk.channels).with_epsilon(EPSILON);
        let embedding = layers.dimension("model.head.fc.weight", 0);
        let embed = layers.linear("model.head.fc", trunk.channels, embedding);
        let head = layers.linear("fc", embedding, 2);
        let impossible = layers.impossible;
        parameters.finish()?;
        match impossible {
            Some(detail) => Err(ModelError::Configuration { path, detail }),
            None => Ok(Self { trunk, norm, embed, head }),
        }
    }

    fn logits(&self, map: Map, trace: &mut Trace) -> Result<Vec<f32>, ModelError> {
        let map = self.trunk.forward(map, trace)?;
        let pooled = self.norm.forward(&mean(&map.x)?)?;
        trace.keep("head_norm", &pooled);
        let embedding = self.embed.forward(&pooled)?;
        trace.keep("embedding", &embedding);
        Ok(self.head.forward(&embedding)?.flatten_all()?.to_vec1()?)
    }
}

impl Detector for DrctConvNext {
    fn description(&self) -> &'static Description {
        &DRCT
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let crop = albumentations_middle(image.read_by(Reader::OpenCv), SIDE);
        let map = Map::of_pixels(&crop, IMAGENET, &self.backend)?;
        trace.keep("input", &map.x);
        let logits = self.network.logits(map, trace)?;
        Ok(Judgment::of_pair([logits[0], logits[1]], Some(sha256(&crop))))
    }
}
