//! Effort: a CLIP whose attention weights are a frozen main part and a trained residual of low rank.
//!
//! Yan et al., "Orthogonal Subspace Decomposition for Generalizable AI-Generated Image Detection", ICML 2025. The demonstration that goes
//! with the published weights squashes the image with OpenCV; the authors' version of UnivFD's program cuts its middle out.

use std::sync::Arc;

use imgeval_core::Pixels;
use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameters},
    clip::{Family, canonical_name},
    compute::Backend,
    ops::{layers::Layers, linear::Linear},
};

use crate::{
    networks::{
        clip_files::finish,
        clip_trunk::ClipTrunk,
        folded::ResidualBlock,
        heads::{logits, side_of},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{CLIP, opencv_squashed, sha256, tiled, torchvision_middle},
    source::{Reader, SourceImage},
    trace::Trace,
};

const DEMO: &str = "demo";
/// The starts of names in the checkpoints of the demonstration and of the version of UnivFD's program.
const STARTS: [&str; 2] = ["backbone.", "vision_model."];

pub static EFFORT: Description = Description {
    id: "effort",
    name: "Effort",
    paper: "Yan et al., ICML 2025",
    license: WeightsLicense::NonCommercial("CC BY-NC 4.0"),
    pipelines: &[
        Pipeline { name: DEMO, what: "squashed to 224 x 224 by OpenCV, EXIF orientation applied" },
        Pipeline { name: "fork", what: "tiled to at least 256 pixels, the middle 224 x 224" },
    ],
    threshold: "softmax of the second logit above 0.5",
    published: &[
        Published { set: "UnivFD's sets", measure: "accuracy", value: 0.9517, source: "the paper" },
        Published {
            set: "GPT-4o images",
            measure: "share called fake",
            value: 0.9475,
            source: "GPT-ImgEval",
        },
    ],
    canaries: &[],
    native_crop: None,
    load,
};

struct Effort {
    trunk: ClipTrunk,
    head: Linear,
    pipeline: &'static str,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&EFFORT)?;
    let checkpoint = Checkpoint::open(request.only_file(&EFFORT)?).map_err(ModelError::from)?;
    let anchors = STARTS.map(|start| format!("{start}embeddings.class_embedding"));
    let checkpoint = checkpoint.unwrapped(&[&anchors[0], &anchors[1]]).map_err(ModelError::from)?;
    let Some(start) = STARTS.into_iter().zip(&anchors).find(|(_, anchor)| checkpoint.info(anchor).is_some())
    else {
        return Err(ModelError::not_this_network(&checkpoint, "the network of Effort").into());
    };
    let mut parameters = parameters_below(checkpoint, start.0);
    // What the residual was split from is kept beside it; nothing reads it.
    parameters
        .ignore(|stored| [".S_r", ".U_r", ".V_r", "position_ids"].iter().any(|end| stored.ends_with(end)));
    let mut layers = Layers::new(&mut parameters);
    let trunk = ClipTrunk::take_without_blocks(&mut layers, "visual.", Family::HuggingFace);
    let blocks = ResidualBlock::take_all(&mut layers, "visual.transformer.resblocks", trunk.width());
    let (name, outputs) = if layers.parameters.contains("fc.weight") { ("fc", 1) } else { ("head", 2) };
    let head = layers.linear(name, trunk.width(), outputs);
    let impossible = layers.impossible;
    finish(parameters, impossible)?;
    let blocks = blocks.into_iter().map(ResidualBlock::fold).collect::<Result<Vec<_>, _>>()?;
    let (trunk, backend) = (trunk.with_blocks(blocks), Backend::open(&request.compute)?);
    Ok(Box::new(Effort { trunk, head, pipeline, backend }))
}

/// The encoder's parameters under OpenAI's names, those of its attention as `attn.q_proj.weight_main` and the like.
fn parameters_below(checkpoint: Checkpoint, start: &str) -> Parameters {
    Parameters::with_renamed(Arc::new(checkpoint), |stored| {
        let Some(rest) = stored.strip_prefix(start) else { return Some((stored.to_owned(), 0)) };
        let in_attention =
            rest.strip_prefix("encoder.layers.").and_then(|rest| rest.split_once(".self_attn."));
        match in_attention {
            Some((layer, part)) => Some((format!("visual.transformer.resblocks.{layer}.attn.{part}"), 0)),
            None => canonical_name(&format!("vision_model.{rest}")),
        }
    })
}

impl Effort {
    fn crop(&self, image: &SourceImage) -> Result<Pixels, ForensicsError> {
        let side = side_of(self.trunk.side())?;
        Ok(match self.pipeline {
            DEMO => opencv_squashed(image.read_by(Reader::OpenCv), side, side),
            _ => torchvision_middle(&tiled(image.read_by(Reader::Pillow), side * 8 / 7), side),
        })
    }
}

impl Detector for Effort {
    fn description(&self) -> &'static Description {
        &EFFORT
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let crop = self.crop(image)?;
        let features = self.trunk.features(&crop, CLIP, &self.backend, trace)?;
        trace.keep("pooler_output", &features.class);
        let hash = Some(sha256(&crop));
        let found = logits(&self.head.forward(&features.class)?)?;
        match found.as_slice() {
            [real, fake] => Ok(Judgment::of_pair([*real, *fake], hash)),
            [logit] => Ok(Judgment::of_logit(*logit, hash)),
            _ => Err(candle_core::Error::msg("the head gave neither one logit nor two").into()),
        }
    }
}
