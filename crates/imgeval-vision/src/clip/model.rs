//! CLIP's two encoders (Radford et al. 2021, arXiv 2103.00020): a vision transformer and a causal text transformer.

use std::path::Path;

use candle_core::{Result as CandleResult, Tensor};
use imgeval_core::Pixels;

use super::{
    configuration::{Configuration, Heads},
    keys::{Family, canonical_parameters},
    preprocess::{Preparation, prepare},
    tokenizer::Tokenizer,
};
use crate::{
    checkpoint::{Checkpoint, Parameter},
    compute::{Backend, ComputeOptions},
    model_error::ModelError,
    ops::{
        Activation, attention::attend, convolution::Convolution, layers::Layers, linear::Linear,
        norm::LayerNorm, tensor::from_numbers,
    },
};

/// Far beyond any published model.
const LARGEST_WIDTH: usize = 8192;

/// Both encoders. Weights are mapped; each is packed at its first use.
pub struct Clip {
    vision: VisionTower,
    text: TextTower,
    tokenizer: Tokenizer,
    backend: Backend,
}

/// A text as the model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextEmbedding {
    /// 77 token ids, filled up with zeros.
    pub ids: Vec<u32>,
    /// The projection, not normalised.
    pub embedding: Vec<f32>,
}

/// What tells one CLIP from another: ViT-L/14 has width 1024, patches of 14 pixels, images of 224, 768 dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipDimensions {
    pub vision_width: usize,
    pub vision_layers: usize,
    pub vision_heads: usize,
    pub patch: usize,
    pub image_size: usize,
    pub text_width: usize,
    pub text_layers: usize,
    pub text_heads: usize,
    pub embedding: usize,
    pub vision_activation: Activation,
    pub text_activation: Activation,
}

struct VisionTower {
    patch_embedding: Convolution,
    class_embedding: Parameter,
    positions: Parameter,
    input_norm: LayerNorm,
    blocks: Vec<Block>,
    output_norm: LayerNorm,
    projection: Linear,
    image_size: usize,
    width: usize,
}

struct TextTower {
    tokens: Parameter,
    positions: Parameter,
    blocks: Vec<Block>,
    output_norm: LayerNorm,
    projection: Linear,
    context: usize,
    width: usize,
}

struct Block {
    attention_norm: LayerNorm,
    qkv: Linear,
    output: Linear,
    mlp_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    heads: usize,
    activation: Activation,
}

impl Clip {
    /// From a folder or file in transformers' layout, or a file in OpenAI's (TorchScript archive or state dict).
    ///
    /// # Errors
    /// If it cannot be read, is of another network, or the device is not there.
    pub fn load(path: &Path, options: &ComputeOptions) -> Result<Self, ModelError> {
        let backend = Backend::open(options)?;
        Self::from_checkpoint(Checkpoint::open(path)?, Configuration::load(path)?, backend)
    }

    pub(super) fn from_checkpoint(
        checkpoint: Checkpoint,
        configuration: Configuration,
        backend: Backend,
    ) -> Result<Self, ModelError> {
        let path = checkpoint.path().to_owned();
        let (family, mut parameters) = canonical_parameters(checkpoint)?;
        let mut layers = Layers::new(&mut parameters);
        let vision = VisionTower::load(&mut layers, family, &configuration);
        let text = TextTower::load(&mut layers, family, &configuration);
        let impossible = layers.impossible;
        parameters.finish()?;
        if let Some(detail) = impossible {
            return Err(ModelError::Configuration { path, detail });
        }
        let clip = Self { vision, text, tokenizer: Tokenizer::new(), backend };
        clip.check_sizes(&path)?;
        Ok(clip)
    }

    fn check_sizes(&self, path: &Path) -> Result<(), ModelError> {
        let refuse = |detail: String| Err(ModelError::Configuration { path: path.to_owned(), detail });
        let towers = [(&self.vision.blocks, self.vision.width), (&self.text.blocks, self.text.width)];
        for (blocks, width) in towers {
            let heads = blocks.first().map_or(0, |block| block.heads);
            if heads == 0 || width % heads != 0 {
                return refuse(format!("{heads} attention heads do not divide {width} channels"));
            }
        }
        let (image, text) = (self.vision.projection.outputs(), self.text.projection.outputs());
        if image != text || image == 0 {
            return refuse(format!("images are embedded in {image} dimensions, texts in {text}"));
        }
        if self.text.context != super::tokenizer::CONTEXT_LENGTH {
            return refuse(format!("the text encoder takes {} tokens, not 77", self.text.context));
        }
        let (needed, found) = (super::tokenizer::VOCABULARY_SIZE, self.text.tokens.shape()[0]);
        if found != needed {
            return refuse(format!("the vocabulary has {found} tokens, CLIP's has {needed}"));
        }
        Ok(())
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.backend
    }

    #[must_use]
    pub fn dimensions(&self) -> ClipDimensions {
        let of = |blocks: &[Block]| {
            blocks.first().map_or((0, Activation::None), |block| (block.heads, block.activation))
        };
        let (vision_heads, vision_activation) = of(&self.vision.blocks);
        let (text_heads, text_activation) = of(&self.text.blocks);
        ClipDimensions {
            vision_width: self.vision.width,
            vision_layers: self.vision.blocks.len(),
            vision_heads,
            patch: self.vision.patch_embedding.kernel(),
            image_size: self.vision.image_size,
            text_width: self.text.width,
            text_layers: self.text.blocks.len(),
            text_heads,
            embedding: self.vision.projection.outputs(),
            vision_activation,
            text_activation,
        }
    }

    /// Projections, not normalised, one for each image. All images go through the network together.
    ///
    /// # Errors
    /// If the network fails.
    pub fn encode_images(&self, images: &[Pixels]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.encode_images_as(images, Preparation::OpenClip)
    }

    /// The same with another way of preparing them.
    ///
    /// # Errors
    /// If the network fails.
    pub fn encode_images_as(
        &self,
        images: &[Pixels],
        preparation: Preparation,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let size = self.vision.image_size;
        let prepared = images.iter().map(|image| prepare(image, size, preparation, &self.backend));
        let prepared = prepared.collect::<CandleResult<Vec<Tensor>>>()?;
        rows_of(&self.vision.forward(&prepared)?)
    }

    /// Token ids and projections, not normalised, one for each text.
    ///
    /// # Errors
    /// If the network fails.
    pub fn encode_texts(&self, texts: &[&str]) -> Result<Vec<TextEmbedding>, ModelError> {
        self.encode_texts_as(texts, Preparation::OpenClip)
    }

    /// The same with another way of preparing them.
    ///
    /// # Errors
    /// If the network fails.
    pub fn encode_texts_as(
        &self,
        texts: &[&str],
        preparation: Preparation,
    ) -> Result<Vec<TextEmbedding>, ModelError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| match preparation {
                Preparation::OpenClip => self.tokenizer.encode(text),
                Preparation::Transformers => self.tokenizer.encode_unrepaired(text),
            })
            .collect();
        let embeddings = rows_of(&self.text.forward(&ids, &self.backend)?)?;
        Ok(ids.into_iter().zip(embeddings).map(|(ids, embedding)| TextEmbedding { ids, embedding }).collect())
    }
}

fn rows_of(x: &Tensor) -> Result<Vec<Vec<f32>>, ModelError> {
    let rows: Vec<Vec<f32>> = x.to_dtype(candle_core::DType::F32)?.to_vec2()?;
    if rows.iter().flatten().all(|x| x.is_finite()) {
        return Ok(rows);
    }
    Err(ModelError::NotFinite)
}

/// The numbers of a parameter as a tensor.
fn place(parameter: &Parameter, backend: &Backend) -> CandleResult<Tensor> {
    let numbers = parameter.read().map_err(candle_core::Error::wrap)?;
    from_numbers(numbers, parameter.shape())?.to_device(&backend.device)?.to_dtype(backend.dtype)
}

fn dimension(layers: &Layers<'_>, name: &str, axis: usize) -> usize {
    layers.parameters.shape(name).and_then(|shape| shape.get(axis).copied()).unwrap_or(1)
}

fn projection(layers: &mut Layers<'_>, family: Family, name: &str, width: usize) -> Linear {
    match family {
        Family::OpenAi => {
            let embedding = dimension(layers, name, 1);
            Linear::transposed(layers.tensor(name, &[width, embedding]))
        }
        Family::HuggingFace => {
            let embedding = dimension(layers, name, 0);
            Linear::new(layers.tensor(name, &[embedding, width]), None)
        }
    }
}

impl Block {
    fn load_all(
        layers: &mut Layers<'_>,
        tower: &str,
        width: usize,
        heads: Heads,
        activation: Activation,
    ) -> Vec<Self> {
        let prefix = format!("{tower}transformer.resblocks");
        let depth = (0..)
            .take_while(|layer| layers.parameters.contains(&format!("{prefix}.{layer}.ln_1.weight")))
            .count();
        let heads = heads.of(width);
        (0..depth.max(1))
            .map(|layer| {
                let name = format!("{prefix}.{layer}");
                let qkv_weight = layers.tensor(&format!("{name}.attn.in_proj_weight"), &[3 * width, width]);
                let qkv_bias = layers.tensor(&format!("{name}.attn.in_proj_bias"), &[3 * width]);
                let hidden = dimension(layers, &format!("{name}.mlp.c_fc.weight"), 0);
                layers.require_size("hidden channels", hidden, 1..=16 * LARGEST_WIDTH);
                Self {
                    attention_norm: layers.layer_norm(&format!("{name}.ln_1"), width),
                    qkv: Linear::new(qkv_weight, Some(qkv_bias)),
                    output: layers.linear(&format!("{name}.attn.out_proj"), width, width),
                    mlp_norm: layers.layer_norm(&format!("{name}.ln_2"), width),
                    expand: layers.linear(&format!("{name}.mlp.c_fc"), width, hidden),
                    contract: layers.linear(&format!("{name}.mlp.c_proj"), hidden, width),
                    heads,
                    activation,
                }
            })
            .collect()
    }

    /// `x` is [batch, tokens, width]. With `is_first_only` only the first token's result is computed, which is all that
    /// is used of a vision transformer's last block.
    fn forward(&self, x: &Tensor, mask: Option<&Tensor>, is_first_only: bool) -> CandleResult<Tensor> {
        let width = x.dim(2)?;
        let qkv = self.qkv.forward(&self.attention_norm.forward(x)?)?;
        let part = |index: usize| qkv.narrow(2, index * width, width);
        let (mut query, mut x) = (part(0)?, x.clone());
        if is_first_only {
            query = query.narrow(1, 0, 1)?;
            x = x.narrow(1, 0, 1)?;
        }
        let mixed = attend(&query, &part(1)?, &part(2)?, self.heads, mask)?;
        let x = self.output.forward_with(&mixed, Activation::None, Some(&x))?;
        let hidden = self.expand.forward_with(&self.mlp_norm.forward(&x)?, self.activation, None)?;
        self.contract.forward_with(&hidden, Activation::None, Some(&x))
    }
}

impl VisionTower {
    fn load(layers: &mut Layers<'_>, family: Family, configuration: &Configuration) -> Self {
        let patches = "visual.conv1";
        let width = dimension(layers, &format!("{patches}.weight"), 0);
        let patch = dimension(layers, &format!("{patches}.weight"), 2);
        let positions = "visual.positional_embedding";
        let n_positions = dimension(layers, positions, 0);
        let side = n_positions.saturating_sub(1).isqrt();
        layers.require_size("channels of the vision encoder", width, 1..=LARGEST_WIDTH);
        layers.require_size("pixels on a patch's side", patch, 1..=128);
        layers.require_size("patches on an image's side", side, 1..=128);
        let Configuration { vision_heads, vision_activation, .. } = *configuration;
        Self {
            patch_embedding: layers.convolution(patches, [width, 3, patch, patch], false, (patch, 0)),
            class_embedding: layers.tensor("visual.class_embedding", &[width]),
            positions: layers.tensor(positions, &[side * side + 1, width]),
            input_norm: layers.layer_norm("visual.ln_pre", width),
            blocks: Block::load_all(layers, "visual.", width, vision_heads, vision_activation),
            output_norm: layers.layer_norm("visual.ln_post", width),
            projection: projection(layers, family, "visual.proj", width),
            image_size: side * patch,
            width,
        }
    }

    /// Each image is [pixels, 3], normalised; the result is [images, embedding].
    fn forward(&self, images: &[Tensor]) -> CandleResult<Tensor> {
        let size = (self.image_size, self.image_size);
        let Some(first) = images.first() else { candle_core::bail!("no images") };
        let backend = Backend { device: first.device().clone(), dtype: first.dtype() };
        let class = place(&self.class_embedding, &backend)?.reshape((1, self.width))?;
        let positions = place(&self.positions, &backend)?;
        let embedded = images.iter().map(|image| {
            Tensor::cat(&[&class, &self.patch_embedding.forward(image, size)?], 0)? + &positions
        });
        let embedded = embedded.collect::<CandleResult<Vec<Tensor>>>()?;
        let mut x = self.input_norm.forward(&Tensor::stack(&embedded, 0)?)?;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x, None, index + 1 == self.blocks.len())?;
        }
        let class = x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.projection.forward(&self.output_norm.forward(&class)?)
    }
}

impl TextTower {
    fn load(layers: &mut Layers<'_>, family: Family, configuration: &Configuration) -> Self {
        let vocabulary = dimension(layers, "token_embedding.weight", 0);
        let width = dimension(layers, "token_embedding.weight", 1);
        let context = dimension(layers, "positional_embedding", 0);
        layers.require_size("channels of the text encoder", width, 1..=LARGEST_WIDTH);
        let Configuration { text_heads, text_activation, .. } = *configuration;
        Self {
            tokens: layers.tensor("token_embedding.weight", &[vocabulary, width]),
            positions: layers.tensor("positional_embedding", &[context, width]),
            blocks: Block::load_all(layers, "", width, text_heads, text_activation),
            output_norm: layers.layer_norm("ln_final", width),
            projection: projection(layers, family, "text_projection", width),
            context,
            width,
        }
    }

    /// The embedding of each text is read at its end token, the first largest id. No token looks at a later one, so
    /// what follows the last end token is left out.
    fn forward(&self, texts: &[Vec<u32>], backend: &Backend) -> CandleResult<Tensor> {
        let end_of = |ids: &Vec<u32>| {
            let largest = ids.iter().max();
            ids.iter().position(|id| Some(id) == largest).unwrap_or(0)
        };
        let ends: Vec<usize> = texts.iter().map(end_of).collect();
        let length = ends.iter().max().map_or(1, |end| end + 1);
        let width = self.width;
        let gathered = self.tokens.with_slice(|table| {
            let rows = texts.iter().flat_map(|ids| &ids[..length]);
            rows.flat_map(|&id| &table[id as usize * width..][..width]).copied().collect::<Vec<f32>>()
        });
        let gathered =
            from_numbers(gathered.map_err(candle_core::Error::wrap)?, &[texts.len(), length, width])?;
        let gathered = gathered.to_device(&backend.device)?.to_dtype(backend.dtype)?;
        let mut x = gathered.broadcast_add(&place(&self.positions, backend)?.narrow(0, 0, length)?)?;
        let mask: Vec<f32> = (0..length * length)
            .map(|place| if place % length > place / length { f32::NEG_INFINITY } else { 0.0 })
            .collect();
        let mask = from_numbers(mask, &[length, length])?.to_device(&backend.device)?;
        for block in &self.blocks {
            x = block.forward(&x, Some(&mask), false)?;
        }
        let at_end = ends.iter().enumerate().map(|(text, &end)| x.get(text)?.get(end));
        let at_end = Tensor::stack(&at_end.collect::<CandleResult<Vec<Tensor>>>()?, 0)?;
        self.projection.forward(&self.output_norm.forward(&at_end)?)
    }
}
