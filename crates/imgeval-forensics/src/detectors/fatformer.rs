//! FatFormer: a CLIP with adapters that look at wavelets of its tokens, and prompts that look at the image.
//!
//! Liu et al., "Forgery-aware Adaptive Transformer for Generalizable Synthetic Image Detection", CVPR 2024. The published weights have three
//! adapters, the program's default is eight: the tensors decide.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Tensor;
use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameter, Parameters},
    clip::Family,
    compute::Backend,
    ops::{
        Activation,
        layers::Layers,
        transformer::{Needed, place},
    },
};

use crate::{
    networks::{
        clip_files::finish,
        clip_trunk::ClipTrunk,
        heads::{logit_pair, side_of, unit_length},
        multihead::{Attention, FeedForward},
        prompts::{HEADS, Prompts},
        wavelet_adapter::WaveletAdapter,
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{IMAGENET, sha256, squashed, torchvision_middle},
    source::{Reader, SourceImage},
    trace::Trace,
};

pub static FATFORMER: Description = Description {
    id: "fatformer",
    name: "FatFormer",
    paper: "Liu et al., CVPR 2024",
    license: WeightsLicense::Free("Apache-2.0"),
    pipelines: &[Pipeline {
        name: "resize256-crop224",
        what: "squashed to 256 x 256 pixels (Pillow, bilinear), the middle 224 x 224",
    }],
    threshold: "softmax of the second logit above 0.5",
    published: &[
        Published { set: "8 GANs (ForenSynths)", measure: "accuracy", value: 0.984, source: "the paper" },
        Published { set: "8 GANs (ForenSynths)", measure: "AP", value: 0.997, source: "the paper" },
        Published { set: "diffusion sets", measure: "accuracy", value: 0.95, source: "the paper" },
        Published { set: "diffusion sets", measure: "AP", value: 0.988, source: "the paper" },
        Published {
            set: "GenImage, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.628,
            source: "DDA's README",
        },
        Published {
            set: "EvalGEN, fakes as JPEG 96",
            measure: "accuracy",
            value: 0.456,
            source: "DDA's README",
        },
    ],
    canaries: &[],
    native_crop: None,
    load,
};

struct FatFormer {
    trunk: ClipTrunk,
    /// By the block that they belong to.
    adapters: BTreeMap<usize, WaveletAdapter>,
    prompts: Prompts,
    to_text: Attention,
    feed_forward: FeedForward,
    /// Logarithm of what similarities are multiplied with, a single number.
    scale: Parameter,
    pipeline: &'static str,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&FATFORMER)?;
    let checkpoint = Checkpoint::open(request.only_file(&FATFORMER)?).map_err(ModelError::from)?;
    let anchor = "image_encoder.class_embedding";
    let checkpoint = checkpoint.unwrapped(&[anchor]).map_err(ModelError::from)?;
    if checkpoint.info(anchor).is_none() {
        return Err(ModelError::not_this_network(&checkpoint, "the network of FatFormer").into());
    }
    let mut parameters = Parameters::new(Arc::new(checkpoint));
    // The same tensors under their first names, and the constant filters of wavelets.
    parameters.ignore(|stored| {
        stored.starts_with("clip_model.")
            || stored.contains(".dwt_transform.")
            || stored.contains(".idwt_transform.")
    });
    let mut layers = Layers::new(&mut parameters);
    let trunk = ClipTrunk::take(&mut layers, "image_encoder.", Family::OpenAi, Activation::QuickGelu);
    let adapters = (0..trunk.blocks().len()).filter_map(|index| {
        let prefix = format!("image_encoder.transformer.resblocks.{index}.forgery_aware_adapter.");
        let is_there = layers.parameters.contains(&format!("{prefix}freq_scale"));
        is_there.then(|| (index, WaveletAdapter::take(&mut layers, &prefix, trunk.width())))
    });
    let adapters = adapters.collect();
    let embedding = trunk.embedding_width().unwrap_or_else(|| {
        // Noted as missing.
        layers.tensor("image_encoder.proj", &[trunk.width(), trunk.width()]);
        trunk.width()
    });
    let prompts = Prompts::take(&mut layers, embedding);
    let to_text = Attention::take(&mut layers, "text_guided_interactor", "norm1", embedding, HEADS);
    let feed_forward = FeedForward::take(&mut layers, "", "norm2", embedding);
    let scale = layers.tensor("logit_scale", &[]);
    let impossible = layers.impossible;
    finish(parameters, impossible)?;
    let backend = Backend::open(&request.compute)?;
    Ok(Box::new(FatFormer { trunk, adapters, prompts, to_text, feed_forward, scale, pipeline, backend }))
}

impl FatFormer {
    /// Every token in the space of embeddings: [1, tokens, embedding].
    fn image_tokens(&self, mut x: Tensor, trace: &mut Trace) -> Result<Tensor, ForensicsError> {
        for (index, block) in self.trunk.blocks().iter().enumerate() {
            let attended = block.attended(&x, None, Needed::All)?;
            let mlp_input = block.mlp_input(&attended)?;
            x = match self.adapters.get(&index) {
                Some(adapter) => {
                    let added = adapter.forward(&attended, &self.backend)?;
                    trace.keep(format!("adapter{index}"), &added);
                    block.finished(&mlp_input, &(attended + added)?)?
                }
                None => block.finished(&mlp_input, &attended)?,
            };
            trace.keep_with(format!("block{index}_cls"), || x.narrow(1, 0, 1))?;
            trace.keep(format!("block{index}_all"), &x);
        }
        Ok(self.trunk.project_tokens(&x)?)
    }

    /// The logits of real and fake: [1, 2].
    fn logits(&self, tokens: &Tensor, trace: &mut Trace) -> Result<Tensor, ForensicsError> {
        let texts = self.prompts.forward(tokens, &self.backend, trace)?;
        let patches = tokens.narrow(1, 1, tokens.dim(1)? - 1)?.contiguous()?;
        let patches = self.to_text.forward(&patches, &texts.unsqueeze(0)?)?;
        let guided = self.feed_forward.forward(&patches)?.mean(1)?;
        let texts = unit_length(&texts)?.t()?;
        let similarities = (unit_length(&tokens.narrow(1, 0, 1)?.squeeze(1)?)?.matmul(&texts)?
            + unit_length(&guided)?.matmul(&texts)?)?;
        let scale = place(&self.scale, &self.backend)?.exp()?;
        Ok(similarities.broadcast_mul(&scale)?)
    }
}

impl Detector for FatFormer {
    fn description(&self) -> &'static Description {
        &FATFORMER
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let side = side_of(self.trunk.side())?;
        let whole = side * 8 / 7;
        let crop = torchvision_middle(&squashed(image.read_by(Reader::Pillow), whole, whole), side);
        let embedded = self.trunk.embed(&crop, IMAGENET, &self.backend, trace)?;
        let tokens = self.image_tokens(embedded, trace)?;
        trace.keep("image_features_all_tokens", &tokens);
        let logits = logit_pair(&self.logits(&tokens, trace)?)?;
        Ok(Judgment::of_pair(logits, Some(sha256(&crop))))
    }
}
