//! The network.

use std::{path::Path, sync::Arc};

use candle_core::{DType, Result as CandleResult, Tensor};
use imgeval_core::Pixels;

use super::{canary, heads};
use crate::{
    checkpoint::{Checkpoint, Parameter, Parameters},
    clip::{Heads, Preparation, middle_of, normalized},
    compute::{Backend, ComputeOptions},
    model_error::ModelError,
    ops::{
        Activation,
        convolution::Convolution,
        layers::Layers,
        norm::LayerNorm,
        transformer::{Block, BlockNames, BlockShape, LARGEST_WIDTH, Needed, place},
    },
    resample::pillow::{Filter, resize},
};

const BLOCK: BlockNames = BlockNames {
    attention_norm: "norm1",
    qkv_weight: "attn.qkv.weight",
    qkv_bias: "attn.qkv.bias",
    output: "attn.proj",
    mlp_norm: "norm2",
    expand: "mlp.fc1",
    contract: "mlp.fc2",
};

/// Added to the variance in every norm.
const EPSILON: f32 = 1e-6;

/// ImageNet's statistics of red, green and blue in [0, 1].
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STANDARD_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// The network. Weights are mapped; each is packed at its first use.
pub struct Dino {
    patch_embedding: Convolution,
    class_token: Parameter,
    positions: Parameter,
    blocks: Vec<Block>,
    norm: LayerNorm,
    width: usize,
    image_size: usize,
    backend: Backend,
}

/// What tells one DINO from another: ViT-S/16 has width 384, 12 layers of 6 heads, patches of 16 pixels, images of 224.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DinoDimensions {
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub patch: usize,
    pub image_size: usize,
}

impl DinoDimensions {
    /// Of ViT-S/16.
    pub const SMALL_16: Self = Self { width: 384, layers: 12, heads: 6, patch: 16, image_size: 224 };
}

/// What the network makes of a whole image that was squashed to its input.
#[derive(Debug, Clone, PartialEq)]
pub struct DinoTokens {
    /// Numbers of a token.
    pub width: usize,
    /// After the last norm: the class token, then the patches row by row, 197 for ViT-S/16.
    pub tokens: Vec<f32>,
    /// The keys of the last block for the same tokens, the heads side by side.
    pub keys: Vec<f32>,
}

impl Dino {
    /// Loads a safetensors or PyTorch file, zip or plain.
    ///
    /// # Errors
    /// If it cannot be read, belongs to another network, or the device is unavailable.
    pub fn load(path: &Path, options: &ComputeOptions) -> Result<Self, ModelError> {
        let backend = Backend::open(options)?;
        Self::from_checkpoint(Checkpoint::open(path)?, heads::beside(path)?, backend)
    }

    pub(crate) fn from_checkpoint(
        checkpoint: Checkpoint,
        heads: Heads,
        backend: Backend,
    ) -> Result<Self, ModelError> {
        let path = checkpoint.path().to_owned();
        let checkpoint = checkpoint.unwrapped(&["patch_embed.proj.weight"])?;
        if ["cls_token", "patch_embed.proj.weight"].iter().any(|name| checkpoint.info(name).is_none()) {
            return Err(ModelError::not_this_network(&checkpoint, "a vision transformer of DINO"));
        }
        let mut parameters = Parameters::new(Arc::new(checkpoint));
        let mut layers = Layers::new(&mut parameters);
        let patches = "patch_embed.proj";
        let width = layers.dimension(&format!("{patches}.weight"), 0);
        let patch = layers.dimension(&format!("{patches}.weight"), 2);
        let side = layers.dimension("pos_embed", 1).saturating_sub(1).isqrt();
        layers.require_size("channels", width, 1..=LARGEST_WIDTH);
        layers.require_size("pixels on a patch's side", patch, 1..=128);
        layers.require_size("patches on an image's side", side, 1..=128);
        let heads = heads.of(width);
        layers.require_parts("attention heads", width, heads);
        let shape = BlockShape { width, heads, activation: Activation::Gelu, epsilon: EPSILON };
        let dino = Self {
            patch_embedding: layers.convolution(patches, [width, 3, patch, patch], true, (patch, 0)),
            class_token: layers.tensor("cls_token", &[1, 1, width]),
            positions: layers.tensor("pos_embed", &[1, side * side + 1, width]),
            blocks: Block::load_all(&mut layers, "blocks", &BLOCK, shape),
            norm: layers.layer_norm("norm", width).with_epsilon(EPSILON),
            width,
            image_size: side * patch,
            backend,
        };
        let impossible = layers.impossible;
        parameters.finish()?;
        match impossible {
            Some(detail) => Err(ModelError::Configuration { path, detail }),
            None => Ok(dino),
        }
    }

    #[must_use]
    pub fn dimensions(&self) -> DinoDimensions {
        DinoDimensions {
            width: self.width,
            layers: self.blocks.len(),
            heads: self.blocks.first().map_or(0, Block::heads),
            patch: self.patch_embedding.kernel(),
            image_size: self.image_size,
        }
    }

    /// The class token after the last norm, not normalized, one for each image. Each image is prepared as in DINO's own evaluation and
    /// MagicBrush's: the short side to 8/7 of the input's (256 of 224; Pillow's bicubic filter, the long side rounded down), the middle
    /// cut out (half a pixel rounded to even).
    ///
    /// # Errors
    /// If the network fails.
    pub fn class_tokens(&self, images: &[Pixels]) -> Result<Vec<Vec<f32>>, ModelError> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let prepared = images.iter().map(|image| self.prepare(&self.middle(image)?));
        let mut x = self.embed(&prepared.collect::<CandleResult<Vec<Tensor>>>()?)?;
        for (index, block) in self.blocks.iter().enumerate() {
            let needed = if index + 1 == self.blocks.len() { Needed::First } else { Needed::All };
            x = block.forward(&x, None, needed)?;
        }
        let class = self.norm.forward(&x.narrow(1, 0, 1)?.contiguous()?)?.squeeze(1)?;
        let rows: Vec<Vec<f32>> = class.to_dtype(DType::F32)?.to_vec2()?;
        if rows.iter().flatten().all(|x| x.is_finite()) { Ok(rows) } else { Err(ModelError::NotFinite) }
    }

    /// All tokens and the last block's keys, of the image squashed to the network's square input (Pillow's bilinear filter): as ECHO
    /// prepares it for the distance of structure, and EdiVal a crop for the consistency of objects.
    ///
    /// # Errors
    /// If the network fails.
    pub fn tokens(&self, image: &Pixels) -> Result<DinoTokens, ModelError> {
        let mut x = self.embed(&[self.prepare(&self.squashed(image)?)?])?;
        let mut keys = None;
        for (index, block) in self.blocks.iter().enumerate() {
            if index + 1 == self.blocks.len() {
                let (output, last) = block.forward_with_keys(&x)?;
                (x, keys) = (output, Some(last));
            } else {
                x = block.forward(&x, None, Needed::All)?;
            }
        }
        let numbers = |x: &Tensor| x.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        let tokens = numbers(&self.norm.forward(&x)?)?;
        let keys = keys.as_ref().map(numbers).transpose()?.unwrap_or_default();
        if tokens.iter().chain(&keys).all(|x| x.is_finite()) {
            return Ok(DinoTokens { width: self.width, tokens, keys });
        }
        Err(ModelError::NotFinite)
    }

    /// Runs a small built-in network whose answers are known, where and how this one computes.
    ///
    /// # Errors
    /// If it gives other answers: this build computes wrongly on this machine.
    pub fn canary(&self) -> Result<(), ModelError> {
        canary::check(self.backend.clone())
    }

    pub(crate) fn middle(&self, image: &Pixels) -> CandleResult<Pixels> {
        middle_of(image, self.image_size * 8 / 7, self.image_size, Preparation::OpenClip)
    }

    pub(crate) fn squashed(&self, image: &Pixels) -> CandleResult<Pixels> {
        let side = u32::try_from(self.image_size).map_err(candle_core::Error::wrap)?;
        Ok(resize(image, side, side, Filter::Bilinear))
    }

    /// [pixels, 3], normalized.
    pub(crate) fn prepare(&self, square: &Pixels) -> CandleResult<Tensor> {
        normalized(square, MEAN, STANDARD_DEVIATION, &self.backend)
    }

    /// [images, tokens, width].
    fn embed(&self, images: &[Tensor]) -> CandleResult<Tensor> {
        let size = (self.image_size, self.image_size);
        let class = place(&self.class_token, &self.backend)?.reshape((1, self.width))?;
        let positions = place(&self.positions, &self.backend)?.squeeze(0)?;
        let embedded = images.iter().map(|image| {
            Tensor::cat(&[&class, &self.patch_embedding.forward(image, size)?], 0)? + &positions
        });
        Tensor::stack(&embedded.collect::<CandleResult<Vec<Tensor>>>()?, 0)
    }
}
