//! RINE: the class token inside every block of a frozen CLIP, weighted over the blocks by learned importance.
//!
//! Koutlis and Papadopoulos, "Leveraging Representations from Intermediate Encoder-blocks for Synthetic Image Detection", ECCV 2024. Read
//! is the output of the second norm inside a block, not the block's result. Heads for one, two and four training classes, and the one
//! for latent diffusion, differ in their tensors' shapes alone.

use std::sync::Arc;

use candle_core::Tensor;
use imgeval_core::Pixels;
use imgeval_vision::{
    checkpoint::Parameters,
    ops::{Activation, layers::Layers, linear::Linear, transformer::place},
};

use super::clip::{ClipDetector, Readout};
use crate::{
    networks::{
        clip_files::{TrunkAndHead, finish},
        clip_trunk::Features,
        heads::{one_logit, side_of},
    },
    port::{Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, WeightsLicense},
    preparation::torchvision_middle,
    source::{Reader, SourceImage},
    trace::Trace,
    trunks::SharedTrunk,
};

const TEN_CROPS: &str = "ten-crops";

pub static RINE: Description = Description {
    id: "rine",
    name: "RINE",
    paper: "Koutlis and Papadopoulos, ECCV 2024",
    license: WeightsLicense::Free("Apache-2.0"),
    pipelines: &[
        Pipeline { name: "crop224", what: "the middle 224 x 224 pixels, black around smaller images" },
        Pipeline {
            name: TEN_CROPS,
            what: "mean logit of the corners and the middle and their mirror images (the ldm head)",
        },
    ],
    threshold: "sigmoid of the logit above 0.5",
    published: &[],
    canaries: &[],
    native_crop: Some(224),
    load,
};

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&RINE)?;
    let files = TrunkAndHead::find(request, RINE.id)?;
    let trunk = request.trunks.open(&files.trunk, Activation::QuickGelu, request.compute)?;
    let readout = Box::new(Head::load(Parameters::new(Arc::new(files.head)), &trunk)?);
    let middle = ClipDetector { description: &RINE, pipeline, trunk, crop: torchvision_middle, readout };
    if pipeline == TEN_CROPS {
        return Ok(Box::new(TenCrops(middle)));
    }
    Ok(Box::new(middle))
}

/// The trained part.
struct Head {
    /// From the encoder's width to that of the head, each followed by ReLU.
    before: Vec<Linear>,
    /// [blocks, width of the head]: how much a block counts.
    importance: Tensor,
    after: Vec<Linear>,
    last: [Linear; 3],
}

impl Head {
    fn load(mut parameters: Parameters, trunk: &SharedTrunk) -> Result<Self, ForensicsError> {
        let (blocks, trunk_width) = (trunk.network().blocks().len(), trunk.network().width());
        let mut layers = Layers::new(&mut parameters);
        let width = layers.dimension("alpha", 2);
        let importance = layers.tensor("alpha", &[1, blocks, width]);
        let before = stack(&mut layers, "proj1", trunk_width, width);
        let after = stack(&mut layers, "proj2", width, width);
        let last = [("head.0", width), ("head.3", width), ("head.6", 1)]
            .map(|(name, outputs)| layers.linear(name, width, outputs));
        finish(parameters, None)?;
        let importance = place(&importance, trunk.backend())?.squeeze(0)?;
        let powers = importance.broadcast_sub(&importance.max_keepdim(0)?)?.exp()?;
        let importance = powers.broadcast_div(&powers.sum_keepdim(0)?)?;
        Ok(Self { before, importance, after, last })
    }
}

/// Linear layers at every third place: dropout comes before and ReLU after each.
fn stack(layers: &mut Layers<'_>, name: &str, inputs: usize, width: usize) -> Vec<Linear> {
    let places = (0..).map(|index| format!("{name}.{}", 3 * index + 1));
    let names: Vec<String> =
        places.take_while(|place| layers.parameters.contains(&format!("{place}.weight"))).collect();
    let first = [format!("{name}.1")];
    // Without any, the first one is missing.
    let names: &[String] = if names.is_empty() { &first } else { &names };
    let inputs = std::iter::once(inputs).chain(std::iter::repeat(width));
    names.iter().zip(inputs).map(|(place, inputs)| layers.linear(place, inputs, width)).collect()
}

fn through(layers: &[Linear], x: Tensor) -> candle_core::Result<Tensor> {
    layers.iter().try_fold(x, |x, layer| layer.forward_with(&x, Activation::Relu, None))
}

impl Readout for Head {
    fn logit(&self, features: &Features, trace: &mut Trace) -> Result<f32, ForensicsError> {
        trace.keep("ln2_cls_stack", &features.inner);
        let each = through(&self.before, features.inner.clone())?;
        trace.keep("proj1", &each);
        let sum = (each.squeeze(0)? * &self.importance)?.sum_keepdim(0)?;
        let z = through(&self.after, sum)?;
        trace.keep("proj2", &z);
        trace.keep("z", &z);
        let [first, second, last] = &self.last;
        let hidden =
            second.forward_with(&first.forward_with(&z, Activation::Relu, None)?, Activation::Relu, None)?;
        one_logit(&last.forward(&hidden)?)
    }
}

/// The corners and the middle of an image and of its mirror image, whose logits are averaged.
struct TenCrops(ClipDetector);

impl Detector for TenCrops {
    fn description(&self) -> &'static Description {
        self.0.description
    }

    fn pipeline(&self) -> &'static str {
        self.0.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let image = image.read_by(Reader::Pillow);
        let side = side_of(self.0.trunk.network().side())?;
        if image.width().min(image.height()) < side {
            let (width, height) = (image.width(), image.height());
            return Err(ForensicsError::TooSmall { detector: RINE.id, width, height, needed: side });
        }
        let mut sum = 0.0;
        for crop in five_crops(image, side).into_iter().chain(five_crops(&mirrored(image), side)) {
            sum += self.0.judge_crop(&crop, trace)?.0;
        }
        Ok(Judgment::of_logit(sum / 10.0, None))
    }
}

/// The corners and the middle of an image whose sides are not shorter.
fn five_crops(image: &Pixels, side: u32) -> [Pixels; 5] {
    let (right, bottom) = (image.width() - side, image.height() - side);
    let corner = |(left, top)| part(image, left, top, side);
    let [a, b, c, d] = [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(corner);
    [a, b, c, d, torchvision_middle(image, side)]
}

fn part(image: &Pixels, left: u32, top: u32, side: u32) -> Pixels {
    let line = 3 * image.width() as usize;
    let (first, length) = (3 * left as usize, 3 * side as usize);
    let rows = image.rgb().chunks_exact(line).skip(top as usize).take(side as usize);
    let rgb = rows.flat_map(|row| &row[first..first + length]).copied().collect();
    Pixels::new(side, side, rgb).unwrap_or_else(|| image.clone())
}

fn mirrored(image: &Pixels) -> Pixels {
    let rows = image.rgb().chunks_exact(3 * image.width() as usize);
    let rgb = rows.flat_map(|row| row.as_chunks::<3>().0.iter().rev().flatten()).copied().collect();
    Pixels::new(image.width(), image.height(), rgb).unwrap_or_else(|| image.clone())
}
