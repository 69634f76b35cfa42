//! ClipDet: a linear layer on the normalized class token of OpenCLIP, before its projection.
//!
//! Cozzolino, Poggi, Corvi, Nießner and Verdoliva, "Raising the Bar of AI-generated Image Detection with CLIP", CVPR Workshops 2024. The
//! encoder is `laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K`, which has the exact GELU. The published tool combines it with Corvi2023 by
//! a soft "or"; this is ClipDet alone.

use std::sync::Arc;

use imgeval_core::Pixels;
use imgeval_vision::{
    checkpoint::Parameters,
    ops::{Activation, layers::Layers, linear::Linear},
};

use super::clip::{ClipDetector, Readout};
use crate::{
    networks::{
        clip_files::{TrunkAndHead, finish},
        clip_trunk::Features,
        heads::{one_logit, unit_length},
    },
    port::{Description, Detector, ForensicsError, LoadRequest, Pipeline, WeightsLicense},
    preparation::{Filter, resized_middle},
    trace::Trace,
};

pub static CLIPDET: Description = Description {
    id: "clipdet",
    name: "ClipDet",
    paper: "Cozzolino et al., CVPR Workshops 2024",
    license: WeightsLicense::Free("Apache-2.0"),
    pipelines: &[Pipeline {
        name: "resize224",
        what: "short side to 224 pixels (Pillow, bicubic), the middle 224 x 224",
    }],
    threshold: "log-likelihood ratio above 0",
    published: &[],
    canaries: &[],
    native_crop: None,
    load,
};

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&CLIPDET)?;
    let files = TrunkAndHead::find(request, CLIPDET.id)?;
    let trunk = request.trunks.open(&files.trunk, Activation::Gelu, request.compute)?;
    let mut parameters = Parameters::new(Arc::new(files.head));
    let head = Layers::new(&mut parameters).linear("fc", trunk.network().width(), 1);
    finish(parameters, None)?;
    let readout = Box::new(ClassToken { head });
    Ok(Box::new(ClipDetector { description: &CLIPDET, pipeline, trunk, crop, readout }))
}

fn crop(image: &Pixels, side: u32) -> Pixels {
    resized_middle(image, side, side, Filter::Bicubic)
}

struct ClassToken {
    head: Linear,
}

impl Readout for ClassToken {
    fn logit(&self, features: &Features, trace: &mut Trace) -> Result<f32, ForensicsError> {
        let feature = unit_length(&features.class)?;
        trace.keep("feature_normalised", &feature);
        one_logit(&self.head.forward(&feature)?)
    }
}
