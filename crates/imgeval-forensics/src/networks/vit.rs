//! Vision transformers under timm's names: a class token, registers where the file has them, layer scale where the file has it.

use std::{path::Path, sync::Arc};

use candle_core::{Result as CandleResult, Tensor};
use imgeval_vision::{
    ModelError,
    checkpoint::{Checkpoint, Parameter, Parameters},
    compute::Backend,
    ops::{
        Activation,
        convolution::Convolution,
        layers::Layers,
        linear::Linear,
        norm::LayerNorm,
        transformer::{Block, BlockNames, BlockParts, BlockShape, LARGEST_WIDTH, Needed, place},
    },
};

use super::{clip_files::finish, clip_trunk::heads_of, folded::scaled};
use crate::{port::ForensicsError, trace::Trace};

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

/// A transformer whose head reads one logit from the class token.
pub struct VisionTransformer {
    patch_embedding: Convolution,
    class_token: Parameter,
    registers: Option<Parameter>,
    positions: Parameter,
    has_class_position: bool,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
    /// Patches on a side of its input.
    grid: usize,
    patch: usize,
    width: usize,
}

/// A transformer whose layer scale, where it has any, is still to be folded into its blocks: see [`Taken::finish`].
pub struct Taken {
    network: VisionTransformer,
    blocks: Vec<ScaledBlock>,
}

/// A block whose two branches are multiplied, channel by channel, before they are added.
struct ScaledBlock {
    attention_norm: LayerNorm,
    qkv: Linear,
    output: Scaled,
    mlp_norm: LayerNorm,
    expand: Linear,
    contract: Scaled,
}

/// A linear layer and what its results are multiplied with.
struct Scaled {
    weight: Parameter,
    bias: Parameter,
    scale: Parameter,
}

impl VisionTransformer {
    /// From a file whose tensors' names begin with `prefix`; without the tensor `anchor` it does not hold `what`.
    ///
    /// # Errors
    /// If it cannot be read, or is of another network.
    pub fn load(path: &Path, prefix: &str, anchor: &str, what: &'static str) -> Result<Self, ForensicsError> {
        let checkpoint = Checkpoint::open(path).map_err(ModelError::from)?;
        let checkpoint = checkpoint.unwrapped(&[anchor]).map_err(ModelError::from)?;
        if checkpoint.info(anchor).is_none() {
            return Err(ModelError::not_this_network(&checkpoint, what).into());
        }
        let mut parameters = Parameters::new(Arc::new(checkpoint));
        let mut layers = Layers::new(&mut parameters);
        let network = Self::take(&mut layers, prefix);
        let impossible = layers.impossible;
        finish(parameters, impossible)?;
        network.finish()
    }

    /// Takes a network out of parameters whose names are timm's after `prefix`. Registers mean that only patches have positions, as in
    /// timm's `reg4` networks.
    pub fn take(layers: &mut Layers<'_>, prefix: &str) -> Taken {
        let name = |part: &str| format!("{prefix}{part}");
        let patches = name("patch_embed.proj");
        let width = layers.dimension(&format!("{patches}.weight"), 0);
        let patch = layers.dimension(&format!("{patches}.weight"), 2);
        let registers =
            layers.parameters.shape(&name("reg_token")).map(|shape| shape.get(1).copied().unwrap_or(1));
        let has_class_position = registers.is_none();
        let n_positions = layers.dimension(&name("pos_embed"), 1);
        let grid = n_positions.saturating_sub(usize::from(has_class_position)).isqrt();
        layers.require_size("channels", width, 1..=LARGEST_WIDTH);
        layers.require_parts("attention heads", width, heads_of(width));
        layers.require_size("pixels on a patch's side", patch, 1..=128);
        layers.require_size("patches on an image's side", grid, 1..=128);
        let network = Self {
            patch_embedding: layers.convolution(&patches, [width, 3, patch, patch], true, (patch, 0)),
            class_token: layers.tensor(&name("cls_token"), &[1, 1, width]),
            registers: registers.map(|count| layers.tensor(&name("reg_token"), &[1, count, width])),
            positions: layers
                .tensor(&name("pos_embed"), &[1, grid * grid + usize::from(has_class_position), width]),
            has_class_position,
            blocks: Vec::new(),
            norm: layers.layer_norm(&name("norm"), width).with_epsilon(EPSILON),
            head: layers.linear(&name("head"), width, 1),
            grid,
            patch,
            width,
        };
        let blocks = name("blocks");
        if layers.parameters.contains(&format!("{blocks}.0.ls1.gamma")) {
            return Taken { network, blocks: ScaledBlock::take_all(layers, &blocks, width) };
        }
        let shape =
            BlockShape { width, heads: heads_of(width), activation: Activation::Gelu, epsilon: EPSILON };
        let blocks = Block::load_all(layers, &blocks, &BLOCK, shape);
        Taken { network: Self { blocks, ..network }, blocks: Vec::new() }
    }

    /// The side in pixels of the images that it takes.
    #[must_use]
    pub fn side(&self) -> usize {
        self.grid * self.patch
    }

    /// Patches on a side of the images that it takes.
    #[must_use]
    pub fn grid(&self) -> usize {
        self.grid
    }

    /// Pixels on a side of a patch.
    #[must_use]
    pub fn patch(&self) -> usize {
        self.patch
    }

    /// Embeds the patches of an image [height x width, 3]: [patches, width], row by row. Pixels that fill no patch are left out.
    ///
    /// # Errors
    /// If the image is smaller than a patch or the network fails.
    pub fn embed(&self, pixels: &Tensor, size: (usize, usize)) -> CandleResult<Tensor> {
        self.patch_embedding.forward(pixels, size)
    }

    /// The logits [squares, 1] of squares of embedded patches, [patches, width] each. Stages are traced as `block0_cls` and so on.
    ///
    /// # Errors
    /// If the network fails.
    pub fn logits(
        &self,
        squares: &[Tensor],
        backend: &Backend,
        trace: &mut Trace,
    ) -> Result<Tensor, ForensicsError> {
        let mut x = self.tokens(squares, backend)?;
        for (index, block) in self.blocks.iter().enumerate() {
            let is_last = index + 1 == self.blocks.len();
            let needed = if is_last && !trace.is_on() { Needed::First } else { Needed::All };
            x = block.forward(&x, None, needed)?;
            trace.keep_with(format!("block{index}_cls"), || x.narrow(1, 0, 1)?.contiguous())?;
        }
        trace.keep_with("norm", || self.norm.forward(&x))?;
        let class = x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        Ok(self.head.forward(&self.norm.forward(&class)?)?)
    }

    /// [images, tokens, width]: class token, registers, patches.
    fn tokens(&self, squares: &[Tensor], backend: &Backend) -> CandleResult<Tensor> {
        let class = place(&self.class_token, backend)?.reshape((1, self.width))?;
        let positions = place(&self.positions, backend)?.squeeze(0)?;
        let registers =
            self.registers.as_ref().map(|registers| place(registers, backend)?.squeeze(0)).transpose()?;
        let each = squares.iter().map(|patches| match &registers {
            _ if self.has_class_position => Tensor::cat(&[&class, patches], 0)? + &positions,
            Some(registers) => Tensor::cat(&[&class, registers, &(patches + &positions)?], 0),
            None => Tensor::cat(&[&class, &(patches + &positions)?], 0),
        });
        Tensor::stack(&each.collect::<CandleResult<Vec<Tensor>>>()?, 0)
    }
}

impl Taken {
    /// The network, its layer scale folded in. Call it once the parameters were found to fit.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn finish(self) -> Result<VisionTransformer, ForensicsError> {
        if self.blocks.is_empty() {
            return Ok(self.network);
        }
        let heads = heads_of(self.network.width);
        let blocks = self.blocks.into_iter().map(|block| {
            let parts = BlockParts {
                attention_norm: block.attention_norm,
                qkv: block.qkv,
                output: block.output.fold()?,
                mlp_norm: block.mlp_norm,
                expand: block.expand,
                contract: block.contract.fold()?,
            };
            Ok(Block::of_parts(parts, heads, Activation::Gelu))
        });
        let blocks = blocks.collect::<Result<Vec<Block>, ForensicsError>>()?;
        Ok(VisionTransformer { blocks, ..self.network })
    }
}

impl ScaledBlock {
    fn take_all(layers: &mut Layers<'_>, prefix: &str, width: usize) -> Vec<Self> {
        let places = (0..).map(|index| format!("{prefix}.{index}"));
        let is_there = |place: &String| layers.parameters.contains(&format!("{place}.ls1.gamma"));
        let places: Vec<String> = places.take_while(is_there).collect();
        places.iter().map(|place| Self::take(layers, place, width)).collect()
    }

    fn take(layers: &mut Layers<'_>, place: &str, width: usize) -> Self {
        let name = |part: &str| format!("{place}.{part}");
        let hidden = layers.dimension(&name("mlp.fc1.weight"), 0);
        layers.require_size("hidden channels", hidden, 1..=16 * LARGEST_WIDTH);
        Self {
            attention_norm: layers.layer_norm(&name(BLOCK.attention_norm), width).with_epsilon(EPSILON),
            qkv: layers.linear(&name("attn.qkv"), width, 3 * width),
            output: Scaled::take(layers, &name(BLOCK.output), &name("ls1.gamma"), [width, width]),
            mlp_norm: layers.layer_norm(&name(BLOCK.mlp_norm), width).with_epsilon(EPSILON),
            expand: layers.linear(&name(BLOCK.expand), width, hidden),
            contract: Scaled::take(layers, &name(BLOCK.contract), &name("ls2.gamma"), [width, hidden]),
        }
    }
}

impl Scaled {
    fn take(layers: &mut Layers<'_>, name: &str, scale: &str, shape: [usize; 2]) -> Self {
        Self {
            weight: layers.tensor(&format!("{name}.weight"), &shape),
            bias: layers.tensor(&format!("{name}.bias"), &shape[..1]),
            scale: layers.tensor(scale, &shape[..1]),
        }
    }

    fn fold(&self) -> Result<Linear, ForensicsError> {
        scaled(&self.weight, &self.bias, &self.scale)
    }
}
