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
        Activation,
        convolution::Convolution,
        layers::Layers,
        linear::Linear,
        norm::{EPSILON, LayerNorm},
        tensor::from_numbers,
        transformer::{Block, BlockNames, BlockShape, LARGEST_WIDTH, Needed, place},
    },
};

/// Names of a block's parts in OpenAI's layout.
const BLOCK: BlockNames = BlockNames {
    attention_norm: "ln_1",
    qkv_weight: "attn.in_proj_weight",
    qkv_bias: "attn.in_proj_bias",
    output: "attn.out_proj",
    mlp_norm: "ln_2",
    expand: "mlp.c_fc",
    contract: "mlp.c_proj",
};

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
    /// The projection, not normalized.
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

impl Clip {
    /// Loads a folder or file in transformers' layout, or a file in OpenAI's (TorchScript archive or state dict).
    ///
    /// # Errors
    /// If it cannot be read, belongs to another network, or the device is unavailable.
    pub fn load(path: &Path, options: &ComputeOptions) -> Result<Self, ModelError> {
        let backend = Backend::open(options)?;
        Self::from_checkpoint(Checkpoint::open(path)?, Configuration::load(path)?, backend)
    }

    pub(crate) fn from_checkpoint(
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
            let heads = blocks.first().map_or(0, Block::heads);
            if heads == 0 || width % heads != 0 {
                return refuse(format!("{heads} attention heads do not divide {width} channels"));
            }
        }
        let (image, text) = (self.vision.projection.outputs(), self.text.projection.outputs());
        if image != text || image == 0 {
            return refuse(format!("images are embedded in {image} dimensions, texts in {text}"));
        }
        if self.text.context != super::tokenizer::CONTEXT_LENGTH {
            return refuse(format!("the text encoder accepts {} tokens, not 77", self.text.context));
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
            blocks.first().map_or((0, Activation::None), |block| (block.heads(), block.activation()))
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

    /// Projections, not normalized, one for each image. All images go through the network together.
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

    /// Token ids and projections, not normalized, one for each text.
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
        let embeddings = self.encode_ids(&ids)?;
        Ok(ids.into_iter().zip(embeddings).map(|(ids, embedding)| TextEmbedding { ids, embedding }).collect())
    }

    /// One text whole, cleaned as open_clip cleans it.
    ///
    /// # Errors
    /// If the text has more than 77 token ids, start and end included ([`ModelError::LongText`]), or the network fails.
    pub fn encode_whole_text(&self, text: &str) -> Result<TextEmbedding, ModelError> {
        let ids = self.tokenizer.encode_whole(text).map_err(|tokens| ModelError::LongText { tokens })?;
        let embedding = self.encode_ids(std::slice::from_ref(&ids))?.pop().unwrap_or_default();
        Ok(TextEmbedding { ids, embedding })
    }

    /// Projections, not normalized, of texts of equally many token ids.
    pub fn encode_ids(&self, ids: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, ModelError> {
        rows_of(&self.text.forward(ids, &self.backend)?)
    }
}

fn rows_of(x: &Tensor) -> Result<Vec<Vec<f32>>, ModelError> {
    let rows: Vec<Vec<f32>> = x.to_dtype(candle_core::DType::F32)?.to_vec2()?;
    if rows.iter().flatten().all(|x| x.is_finite()) {
        return Ok(rows);
    }
    Err(ModelError::NotFinite)
}

fn projection(layers: &mut Layers<'_>, family: Family, name: &str, width: usize) -> Linear {
    match family {
        Family::OpenAi => {
            let embedding = layers.dimension(name, 1);
            Linear::transposed(layers.tensor(name, &[width, embedding]))
        }
        Family::HuggingFace => {
            let embedding = layers.dimension(name, 0);
            Linear::new(layers.tensor(name, &[embedding, width]), None)
        }
    }
}

fn load_blocks(
    layers: &mut Layers<'_>,
    tower: &str,
    width: usize,
    heads: Heads,
    activation: Activation,
) -> Vec<Block> {
    let shape = BlockShape { width, heads: heads.of(width), activation, epsilon: EPSILON };
    Block::load_all(layers, &format!("{tower}transformer.resblocks"), &BLOCK, shape)
}

impl VisionTower {
    fn load(layers: &mut Layers<'_>, family: Family, configuration: &Configuration) -> Self {
        let patches = "visual.conv1";
        let width = layers.dimension(&format!("{patches}.weight"), 0);
        let patch = layers.dimension(&format!("{patches}.weight"), 2);
        let positions = "visual.positional_embedding";
        let n_positions = layers.dimension(positions, 0);
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
            blocks: load_blocks(layers, "visual.", width, vision_heads, vision_activation),
            output_norm: layers.layer_norm("visual.ln_post", width),
            projection: projection(layers, family, "visual.proj", width),
            image_size: side * patch,
            width,
        }
    }

    /// Each image is [pixels, 3], normalized; the result is [images, embedding].
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
            let needed = if index + 1 == self.blocks.len() { Needed::First } else { Needed::All };
            x = block.forward(&x, None, needed)?;
        }
        let class = x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.projection.forward(&self.output_norm.forward(&class)?)
    }
}

impl TextTower {
    fn load(layers: &mut Layers<'_>, family: Family, configuration: &Configuration) -> Self {
        let vocabulary = layers.dimension("token_embedding.weight", 0);
        let width = layers.dimension("token_embedding.weight", 1);
        let context = layers.dimension("positional_embedding", 0);
        layers.require_size("channels of the text encoder", width, 1..=LARGEST_WIDTH);
        let Configuration { text_heads, text_activation, .. } = *configuration;
        Self {
            tokens: layers.tensor("token_embedding.weight", &[vocabulary, width]),
            positions: layers.tensor("positional_embedding", &[context, width]),
            blocks: load_blocks(layers, "", width, text_heads, text_activation),
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
            x = block.forward(&x, Some(&mask), Needed::All)?;
        }
        let at_end = ends.iter().enumerate().map(|(text, &end)| x.get(text)?.get(end));
        let at_end = Tensor::stack(&at_end.collect::<CandleResult<Vec<Tensor>>>()?, 0)?;
        self.projection.forward(&self.output_norm.forward(&at_end)?)
    }
}
