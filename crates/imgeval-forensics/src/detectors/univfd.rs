//! UnivFD: a linear layer on the embeddings of a frozen CLIP.
//!
//! Ojha, Li and Lee, "Toward Universal Fake Image Detectors that Generalize Across Generative Models", CVPR 2023. The middle of the
//! image is judged at its native scale: of 1024 x 1024 pixels that is a twentieth.

use std::sync::Arc;

use imgeval_vision::{
    checkpoint::Parameters,
    ops::{Activation, layers::Layers, linear::Linear},
};

use super::clip::{ClipDetector, Readout};
use crate::{
    networks::{
        clip_files::{TrunkAndHead, finish},
        clip_trunk::Features,
        heads::one_logit,
    },
    port::{Description, Detector, ForensicsError, LoadRequest, Pipeline, Published, WeightsLicense},
    preparation::torchvision_middle,
    trace::Trace,
};

pub static UNIVFD: Description = Description {
    id: "univfd",
    name: "UnivFD",
    paper: "Ojha, Li and Lee, CVPR 2023",
    license: WeightsLicense::Free("MIT"),
    pipelines: &[Pipeline {
        name: "crop224",
        what: "the middle 224 x 224 pixels, black around smaller images",
    }],
    threshold: "sigmoid of the logit above 0.5",
    published: &[
        Published {
            set: "8 GANs (ForenSynths)",
            measure: "accuracy",
            value: 0.891,
            source: "FatFormer's table",
        },
        Published { set: "8 GANs (ForenSynths)", measure: "AP", value: 0.983, source: "FatFormer's table" },
        Published { set: "diffusion sets", measure: "accuracy", value: 0.854, source: "FatFormer's table" },
        Published { set: "diffusion sets", measure: "AP", value: 0.946, source: "FatFormer's table" },
        Published {
            set: "AIGCDetectBenchmark",
            measure: "accuracy",
            value: 0.784,
            source: "AIGCDetectBenchmark",
        },
        Published {
            set: "GPT-4o images",
            measure: "share called fake",
            value: 0.7558,
            source: "GPT-ImgEval, which does not say whether the head was trained again",
        },
        Published {
            set: "GenImage, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.641,
            source: "DDA's README",
        },
        Published {
            set: "EvalGEN, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.154,
            source: "DDA's README",
        },
    ],
    canaries: &[],
    native_crop: Some(224),
    load,
};

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&UNIVFD)?;
    let files = TrunkAndHead::find(request, UNIVFD.id)?;
    let trunk = request.trunks.open(&files.trunk, Activation::QuickGelu, request.compute)?;
    let embedding = trunk.embedding_width()?;
    let mut parameters = Parameters::new(Arc::new(files.head));
    let mut layers = Layers::new(&mut parameters);
    let bias = layers.tensor("bias", &[1]);
    let head = Linear::new(layers.tensor("weight", &[1, embedding]), Some(bias));
    finish(parameters, None)?;
    let readout = Box::new(Embedding { head });
    Ok(Box::new(ClipDetector { description: &UNIVFD, pipeline, trunk, crop: torchvision_middle, readout }))
}

struct Embedding {
    head: Linear,
}

impl Readout for Embedding {
    fn logit(&self, features: &Features, trace: &mut Trace) -> Result<f32, ForensicsError> {
        let embedding = features.embedding()?;
        trace.keep("ln_post", &features.class);
        trace.keep("embedding", embedding);
        one_logit(&self.head.forward(embedding)?)
    }
}
