//! C2P-CLIP: a linear layer on the normalized embedding of a CLIP that was tuned with prompts of its categories.
//!
//! Tan et al., "C2P-CLIP: Injecting Category Common Prompt in CLIP to Enhance Generalization in Deepfake Detection", AAAI 2025. The low-rank
//! updates are merged into the published weights.

use imgeval_vision::{
    ModelError,
    checkpoint::Checkpoint,
    compute::Backend,
    ops::{Activation, layers::Layers, linear::Linear},
};

use crate::{
    networks::{
        clip_files::{clip_parameters, finish},
        clip_trunk::ClipTrunk,
        heads::{one_logit, side_of, unit_length},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{CLIP, Filter, resized_middle, sha256},
    source::{Reader, SourceImage},
    trace::Trace,
};

pub static C2P_CLIP: Description = Description {
    id: "c2p-clip",
    name: "C2P-CLIP",
    paper: "Tan et al., AAAI 2025",
    license: WeightsLicense::NotStated,
    pipelines: &[Pipeline {
        name: "resize224",
        what: "short side to 224 pixels (Pillow, bilinear), the middle 224 x 224",
    }],
    threshold: "sigmoid of the logit above 0.5",
    published: &[
        Published {
            set: "GenImage, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.744,
            source: "DDA's README",
        },
        Published {
            set: "EvalGEN, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.389,
            source: "DDA's README",
        },
    ],
    canaries: &[],
    native_crop: None,
    load,
};

struct C2pClip {
    trunk: ClipTrunk,
    head: Linear,
    pipeline: &'static str,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&C2P_CLIP)?;
    let checkpoint = Checkpoint::open(request.only_file(&C2P_CLIP)?).map_err(ModelError::from)?;
    let (family, mut parameters) = clip_parameters(checkpoint)?;
    parameters.ignore(|stored| stored.ends_with("position_ids"));
    let mut layers = Layers::new(&mut parameters);
    let trunk = ClipTrunk::take(&mut layers, "visual.", family, Activation::QuickGelu);
    let embedding = layers.dimension("fc.weight", 1);
    if trunk.embedding_width() != Some(embedding) {
        // Noted as missing or misshaped.
        layers.tensor("visual.proj", &[embedding, trunk.width()]);
    }
    let head = layers.linear("fc", embedding, 1);
    let impossible = layers.impossible;
    finish(parameters, impossible)?;
    Ok(Box::new(C2pClip { trunk, head, pipeline, backend: Backend::open(&request.compute)? }))
}

impl Detector for C2pClip {
    fn description(&self) -> &'static Description {
        &C2P_CLIP
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let side = side_of(self.trunk.side())?;
        let crop = resized_middle(image.read_by(Reader::Pillow), side, side, Filter::Bilinear);
        let features = self.trunk.features(&crop, CLIP, &self.backend, trace)?;
        trace.keep("post_layernorm", &features.class);
        let embedding = features.embedding()?;
        trace.keep("embedding_raw", embedding);
        let logit = one_logit(&self.head.forward(&unit_length(embedding)?)?)?;
        Ok(Judgment::of_logit(logit, Some(sha256(&crop))))
    }
}
