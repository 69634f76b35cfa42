//! FatFormer's language-guided alignment: prompts for "real" and "fake" whose free words look at the image, through CLIP's text encoder.

use candle_core::{Result, Tensor};
use imgeval_vision::{
    checkpoint::Parameter,
    compute::Backend,
    ops::{
        Activation,
        layers::Layers,
        linear::Linear,
        norm::{EPSILON, LayerNorm},
        tensor::from_numbers,
        transformer::{Block, BlockShape, LARGEST_WIDTH, Needed, place},
    },
};

use super::{
    clip_trunk::{BLOCK, heads_of},
    multihead::{Attention, FeedForward},
};
use crate::trace::Trace;

/// After the start and the free words come the word of the class and a full stop, then the end, at which a text is read.
const AFTER_FREE_WORDS: usize = 3;
/// Heads of the attention between image and text.
pub const HEADS: usize = 12;

/// The prompts of both classes and the text encoder behind them.
pub struct Prompts {
    /// [free words, width].
    free_words: Parameter,
    /// [2, 1, width]: the start, as it is embedded.
    start: Parameter,
    /// [2, rest, width]: the word of the class, the full stop, the end and what fills up to 77.
    rest: Parameter,
    to_image: Attention,
    feed_forward: FeedForward,
    positions: Parameter,
    blocks: Vec<Block>,
    norm: LayerNorm,
    projection: Linear,
    /// At which token a text is read.
    end: usize,
}

impl Prompts {
    /// Of the tensors below `language_guided_alignment.` and `text_encoder.`; the projection goes to `embedding` numbers.
    pub fn take(layers: &mut Layers<'_>, embedding: usize) -> Self {
        let name = |part: &str| format!("language_guided_alignment.{part}");
        let (count, width) = (layers.dimension(&name("ctx"), 0), layers.dimension(&name("ctx"), 1));
        let rest = layers.dimension(&name("token_suffix"), 1);
        layers.require_size("channels of the text encoder", width, embedding..=embedding.min(LARGEST_WIDTH));
        layers.require_size("tokens after the free words", rest, AFTER_FREE_WORDS..=77);
        let shape =
            BlockShape { width, heads: heads_of(width), activation: Activation::QuickGelu, epsilon: EPSILON };
        Self {
            free_words: layers.tensor(&name("ctx"), &[count, width]),
            start: layers.tensor(&name("token_prefix"), &[2, 1, width]),
            rest: layers.tensor(&name("token_suffix"), &[2, rest, width]),
            to_image: Attention::take(layers, &name("patch_basaed_enhancer"), &name("norm1"), width, HEADS),
            feed_forward: FeedForward::take(layers, &name(""), &name("norm2"), width),
            positions: layers.tensor("text_encoder.positional_embedding", &[1 + count + rest, width]),
            blocks: Block::load_all(layers, "text_encoder.transformer.resblocks", &BLOCK, shape),
            norm: layers.layer_norm("text_encoder.ln_final", width),
            projection: Linear::transposed(
                layers.tensor("text_encoder.text_projection", &[width, embedding]),
            ),
            end: count + AFTER_FREE_WORDS,
        }
    }

    /// The texts "real" and "fake" as this image's tokens [1, tokens, embedding] shape them: [2, embedding].
    ///
    /// # Errors
    /// If the network fails.
    pub fn forward(&self, image: &Tensor, backend: &Backend, trace: &mut Trace) -> Result<Tensor> {
        let free_words = place(&self.free_words, backend)?.unsqueeze(0)?;
        let free_words = self.feed_forward.forward(&self.to_image.forward(&free_words, image)?)?;
        let (count, width) = (free_words.dim(1)?, free_words.dim(2)?);
        let free_words = free_words.expand((2, count, width))?.contiguous()?;
        let prompts =
            Tensor::cat(&[&place(&self.start, backend)?, &free_words, &place(&self.rest, backend)?], 1)?;
        trace.keep("prompts", &prompts);
        // No token looks at a later one, so that what follows the end is left out.
        let length = self.end + 1;
        let positions = place(&self.positions, backend)?.narrow(0, 0, length)?;
        let mut x = prompts.narrow(1, 0, length)?.broadcast_add(&positions)?.contiguous()?;
        let mask = causal_mask(length)?.to_device(&backend.device)?;
        for block in &self.blocks {
            x = block.forward(&x, Some(&mask), Needed::All)?;
        }
        let at_end = x.narrow(1, self.end, 1)?.squeeze(1)?.contiguous()?;
        let texts = self.projection.forward(&self.norm.forward(&at_end)?)?;
        trace.keep("text_features_last", &texts);
        Ok(texts)
    }
}

fn causal_mask(length: usize) -> Result<Tensor> {
    let is_later = |place: usize| place % length > place / length;
    let mask = (0..length * length).map(|place| if is_later(place) { f32::NEG_INFINITY } else { 0.0 });
    from_numbers(mask.collect(), &[length, length])
}
