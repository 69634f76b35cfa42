//! The vision encoder of CLIP (Radford et al. 2021, arXiv 2103.00020): all that detectors read out of one pass.

use candle_core::{Result as CandleResult, Tensor};
use imgeval_core::Pixels;
use imgeval_vision::{
    checkpoint::Parameter,
    clip::Family,
    compute::Backend,
    ops::{
        Activation,
        convolution::Convolution,
        layers::Layers,
        linear::Linear,
        norm::{EPSILON, LayerNorm},
        transformer::{Block, BlockNames, BlockShape, LARGEST_WIDTH, Needed, place},
    },
};

use crate::{
    port::ForensicsError,
    preparation::{Normalization, numbers},
    trace::Trace,
};

/// Names of a block's parts in OpenAI's layout.
pub const BLOCK: BlockNames = BlockNames {
    attention_norm: "ln_1",
    qkv_weight: "attn.in_proj_weight",
    qkv_bias: "attn.in_proj_bias",
    output: "attn.out_proj",
    mlp_norm: "ln_2",
    expand: "mlp.c_fc",
    contract: "mlp.c_proj",
};

/// Channels of an attention head, as OpenAI's loader assumes.
const HEAD_WIDTH: usize = 64;

/// The encoder: ViT-L/14 has width 1024, 24 blocks, patches of 14 pixels, images of 224 and embeddings of 768.
pub struct ClipTrunk {
    patch_embedding: Convolution,
    class_embedding: Parameter,
    positions: Parameter,
    input_norm: LayerNorm,
    blocks: Vec<Block>,
    output_norm: LayerNorm,
    projection: Option<Linear>,
    side: usize,
    width: usize,
}

/// What one pass over a crop gives.
#[derive(Debug, Clone)]
pub struct Features {
    /// [1, blocks, width]: the class token after the second norm inside each block.
    pub inner: Tensor,
    /// [1, width]: the class token after the last block and the last norm.
    pub class: Tensor,
    /// [1, embedding]: its projection, not normalized; none where the file has no projection.
    pub embedding: Option<Tensor>,
}

impl Features {
    /// The embedding [1, embedding].
    ///
    /// # Errors
    /// If the file of the encoder has no projection.
    pub fn embedding(&self) -> CandleResult<&Tensor> {
        self.embedding.as_ref().ok_or_else(|| candle_core::Error::msg("the vision encoder has no projection"))
    }
}

/// The number of a tower's attention heads, which have 64 channels, or all of a narrower tower's.
#[must_use]
pub fn heads_of(width: usize) -> usize {
    (width / HEAD_WIDTH).max(1)
}

impl ClipTrunk {
    /// Takes the encoder out of parameters whose names are OpenAI's after `prefix`, such as `visual.`. `family` says which way round the
    /// projection is stored.
    pub fn take(layers: &mut Layers<'_>, prefix: &str, family: Family, activation: Activation) -> Self {
        let mut trunk = Self::take_without_blocks(layers, prefix, family);
        let shape =
            BlockShape { width: trunk.width, heads: heads_of(trunk.width), activation, epsilon: EPSILON };
        trunk.blocks = Block::load_all(layers, &format!("{prefix}transformer.resblocks"), &BLOCK, shape);
        trunk
    }

    /// The same for a network whose blocks are made elsewhere.
    pub fn take_without_blocks(layers: &mut Layers<'_>, prefix: &str, family: Family) -> Self {
        let name = |part: &str| format!("{prefix}{part}");
        let (patches, positions) = (name("conv1"), name("positional_embedding"));
        let width = layers.dimension(&format!("{patches}.weight"), 0);
        let patch = layers.dimension(&format!("{patches}.weight"), 2);
        let side = layers.dimension(&positions, 0).saturating_sub(1).isqrt();
        layers.require_size("channels of the vision encoder", width, 1..=LARGEST_WIDTH);
        layers.require_parts("attention heads", width, heads_of(width));
        layers.require_size("pixels on a patch's side", patch, 1..=128);
        layers.require_size("patches on an image's side", side, 1..=128);
        Self {
            patch_embedding: layers.convolution(&patches, [width, 3, patch, patch], false, (patch, 0)),
            class_embedding: layers.tensor(&name("class_embedding"), &[width]),
            positions: layers.tensor(&positions, &[side * side + 1, width]),
            input_norm: layers.layer_norm(&name("ln_pre"), width),
            blocks: Vec::new(),
            output_norm: layers.layer_norm(&name("ln_post"), width),
            projection: projection(layers, &name("proj"), family, width),
            side: side * patch,
            width,
        }
    }

    /// With these blocks in place of its own.
    #[must_use]
    pub fn with_blocks(self, blocks: Vec<Block>) -> Self {
        Self { blocks, ..self }
    }

    /// The side in pixels of the crops that it takes.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// Channels of a token.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Numbers of an embedding; none where the file has no projection.
    #[must_use]
    pub fn embedding_width(&self) -> Option<usize> {
        self.projection.as_ref().map(Linear::outputs)
    }

    /// One pass over a crop of [`Self::side`] pixels.
    ///
    /// # Errors
    /// If the crop has another size or the network fails.
    pub fn features(
        &self,
        crop: &Pixels,
        normalization: Normalization,
        backend: &Backend,
        trace: &mut Trace,
    ) -> Result<Features, ForensicsError> {
        let mut x = self.embed(crop, normalization, backend, trace)?;
        let mut inner = Vec::with_capacity(self.blocks.len());
        for (index, block) in self.blocks.iter().enumerate() {
            let needed = if index + 1 == self.blocks.len() { Needed::First } else { Needed::All };
            let attended = block.attended(&x, None, needed)?;
            let mlp_input = block.mlp_input(&attended)?;
            inner.push(mlp_input.narrow(1, 0, 1)?);
            x = block.finished(&mlp_input, &attended)?;
            trace.keep_with(format!("block{index}_cls"), || x.narrow(1, 0, 1))?;
        }
        let class = self.output_norm.forward(&x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?)?;
        let projected = self.projection.as_ref().map(|projection| projection.forward(&class));
        Ok(Features { inner: Tensor::cat(&inner, 1)?, class, embedding: projected.transpose()? })
    }

    /// The tokens that the first block is given: [1, tokens, width], the class token first.
    ///
    /// # Errors
    /// If the crop has another size or the network fails.
    pub fn embed(
        &self,
        crop: &Pixels,
        normalization: Normalization,
        backend: &Backend,
        trace: &mut Trace,
    ) -> Result<Tensor, ForensicsError> {
        let input = numbers(crop, normalization, backend)?;
        trace.keep("input", &input);
        let patches = self.patch_embedding.forward(&input, (self.side, self.side))?;
        trace.keep("patch_conv", &patches);
        let class = place(&self.class_embedding, backend)?.reshape((1, self.width))?;
        let tokens = (Tensor::cat(&[&class, &patches], 0)? + place(&self.positions, backend)?)?;
        let tokens = self.input_norm.forward(&tokens)?.unsqueeze(0)?;
        trace.keep("ln_pre", &tokens);
        Ok(tokens)
    }

    /// Every token of the last block's result [1, tokens, width] in the space of embeddings: [1, tokens, embedding].
    ///
    /// # Errors
    /// If the network fails or has no projection.
    pub fn project_tokens(&self, tokens: &Tensor) -> CandleResult<Tensor> {
        let normalized = self.output_norm.forward(tokens)?;
        match &self.projection {
            Some(projection) => projection.forward(&normalized),
            None => candle_core::bail!("the vision encoder has no projection"),
        }
    }
}

fn projection(layers: &mut Layers<'_>, name: &str, family: Family, width: usize) -> Option<Linear> {
    if !layers.parameters.contains(name) {
        return None;
    }
    Some(match family {
        Family::OpenAi => {
            let embedding = layers.dimension(name, 1);
            Linear::transposed(layers.tensor(name, &[width, embedding]))
        }
        Family::HuggingFace => {
            let embedding = layers.dimension(name, 0);
            Linear::new(layers.tensor(name, &[embedding, width]), None)
        }
    })
}
