//! FatFormer's forgery-aware adapter: what is added to a block of CLIP's vision encoder, from its tokens and from their wavelets.

use candle_core::{Result, Tensor, bail};
use imgeval_vision::{
    checkpoint::Parameter,
    compute::Backend,
    ops::{Activation, layers::Layers, linear::Linear, norm::GroupNorm, transformer::place},
};

use super::multihead::{Attention, FeedForward};

/// Of the norm over all bands.
const GROUPS: usize = 128;
const HEADS: usize = 8;
/// What the path over the tokens is multiplied with.
const TOKEN_SCALE: f64 = 0.1;

/// The adapter of one block.
pub struct WaveletAdapter {
    squeeze: Linear,
    expand: Linear,
    norm: GroupNorm,
    /// Across the four bands at each position. The published names of the two are the reverse of what they do.
    across_bands: Attention,
    /// Across the positions within each band.
    within_bands: Attention,
    feed_forward: FeedForward,
    /// What the path over wavelets is multiplied with: one number.
    scale: Parameter,
}

impl WaveletAdapter {
    /// Of the tensors below `prefix`, which ends with a dot.
    pub fn take(layers: &mut Layers<'_>, prefix: &str, width: usize) -> Self {
        let name = |part: &str| format!("{prefix}{part}");
        let inner = layers.dimension(&name("first_conv_layer.weight"), 0);
        layers.require_parts("groups of a norm", width, GROUPS.min(width));
        let mut pointwise = |part: &str, inputs: usize, outputs: usize| {
            let bias = layers.tensor(&name(&format!("{part}.bias")), &[outputs]);
            Linear::new(layers.tensor(&name(&format!("{part}.weight")), &[outputs, inputs, 1]), Some(bias))
        };
        let (squeeze, expand) =
            (pointwise("first_conv_layer", width, inner), pointwise("second_conv_layer", inner, width));
        Self {
            squeeze,
            expand,
            norm: layers.group_norm(&name("dwt_norm"), width, GROUPS.min(width)),
            across_bands: Attention::take(layers, &name("intra_band"), &name("norm_intra"), width, HEADS),
            within_bands: Attention::take(layers, &name("inter_band"), &name("norm_inter"), width, HEADS),
            feed_forward: FeedForward::take(layers, prefix, &name("norm3"), width),
            scale: layers.tensor(&name("freq_scale"), &[1]),
        }
    }

    /// What is added for the tokens [1, tokens, width], the class token first and the patches of a square with an even side after it.
    ///
    /// # Errors
    /// If the patches fill no such square or the network fails.
    pub fn forward(&self, tokens: &Tensor, backend: &Backend) -> Result<Tensor> {
        let squeezed = self.squeeze.forward_with(tokens, Activation::Relu, None)?;
        let by_tokens = (self.expand.forward(&squeezed)? * TOKEN_SCALE)?;
        let patches = tokens.narrow(1, 1, tokens.dim(1)? - 1)?.squeeze(0)?.contiguous()?;
        let by_wavelets = self.through_wavelets(&patches)?.broadcast_mul(&place(&self.scale, backend)?)?;
        let nothing = Tensor::zeros((1, patches.dim(1)?), patches.dtype(), patches.device())?;
        by_tokens + Tensor::cat(&[&nothing, &by_wavelets], 0)?.unsqueeze(0)?
    }

    /// [patches, width].
    fn through_wavelets(&self, patches: &Tensor) -> Result<Tensor> {
        let (count, width) = patches.dims2()?;
        let order = corner_order(count)?;
        let corners = patches.index_select(&Tensor::new(order.as_slice(), patches.device())?, 0)?;
        let bands = haar(&corners.reshape((4, count / 4, width))?)?;
        let bands = self.norm.forward(&bands.reshape((count, width))?, Activation::None)?;
        let by_position = bands.reshape((4, count / 4, width))?.transpose(0, 1)?.contiguous()?;
        let by_position = self.across_bands.forward(&by_position, &by_position)?;
        let bands = by_position.transpose(0, 1)?.contiguous()?;
        let bands = self.feed_forward.forward(&self.within_bands.forward(&bands, &bands)?)?;
        let corners = haar(&bands)?.reshape((count, width))?;
        let mut back = vec![0_u32; count];
        for (place, patch) in (0_u32..).zip(&order) {
            back[*patch as usize] = place;
        }
        corners.index_select(&Tensor::new(back, corners.device())?, 0)
    }
}

/// The patches of a square in the order: all top left ones of the squares of four, all top right ones, bottom left, bottom right.
fn corner_order(count: usize) -> Result<Vec<u32>> {
    let side = count.isqrt();
    if side * side != count || !side.is_multiple_of(2) || count == 0 {
        bail!("{count} patches fill no square with an even side");
    }
    let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let order = corners.into_iter().flat_map(|(down, right)| {
        let rows = (0..side).step_by(2);
        rows.flat_map(move |row| (0..side).step_by(2).map(move |column| (row + down) * side + column + right))
    });
    order.map(|patch| u32::try_from(patch).map_err(candle_core::Error::wrap)).collect()
}

/// One level of Haar's transform over the corners [4, positions, width], which gives the bands LL, LH, HL and HH. Applied to those, it gives
/// the corners again.
fn haar(corners: &Tensor) -> Result<Tensor> {
    let part = |index: usize| corners.get(index);
    let (a, b, c, d) = (part(0)?, part(1)?, part(2)?, part(3)?);
    let (top, bottom) = ((&a + &b)?, (&c + &d)?);
    let (top_difference, bottom_difference) = ((a - b)?, (c - d)?);
    let bands = [
        (&top + &bottom)?,
        (top - bottom)?,
        (&top_difference + &bottom_difference)?,
        (top_difference - bottom_difference)?,
    ];
    Tensor::stack(&bands, 0)? * 0.5
}
