//! Both networks behind one port.

use std::path::Path;

use imgeval_core::Pixels;

use crate::{
    clip::{Clip, ClipDimensions},
    compute::ComputeOptions,
    dino::{Dino, DinoDimensions, DinoTokens},
    model_error::ModelError,
    ops::Activation,
};

/// CLIP ViT-B/32, whose embeddings MagicBrush's CLIP-I and CLIP-T compare.
const CLIP_BASE_32: ClipDimensions = ClipDimensions {
    vision_width: 768,
    vision_layers: 12,
    vision_heads: 12,
    patch: 32,
    image_size: 224,
    text_width: 512,
    text_layers: 12,
    text_heads: 8,
    embedding: 512,
    vision_activation: Activation::QuickGelu,
    text_activation: Activation::QuickGelu,
};

/// Where the weights of both networks lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundWeights<'a> {
    /// A folder or file; see [`Clip::load`].
    pub clip: &'a Path,
    /// A file; see [`Dino::load`].
    pub dino: &'a Path,
}

/// Both networks.
pub struct RoundFeatures {
    clip: Clip,
    dino: Dino,
}

/// All features of one image that formulas compare.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFeatures {
    /// CLIP's projection, not normalized.
    pub clip: Vec<f32>,
    /// DINO's class token of the middle of the image, not normalized.
    pub dino: Vec<f32>,
    /// DINO's tokens and keys of the whole image, squashed.
    pub squashed: DinoTokens,
}

impl RoundFeatures {
    /// # Errors
    /// If weights cannot be read or belong to another network, or the device is unavailable.
    pub fn load(weights: &RoundWeights<'_>, options: &ComputeOptions) -> Result<Self, ModelError> {
        Ok(Self { clip: Clip::load(weights.clip, options)?, dino: Dino::load(weights.dino, options)? })
    }

    /// Whether these are CLIP ViT-B/32 and DINO ViT-S/16 by their shapes: with others, numbers are not comparable with published ones.
    #[must_use]
    pub fn has_official_shapes(&self) -> bool {
        self.clip.dimensions() == CLIP_BASE_32 && self.dino.dimensions() == DinoDimensions::SMALL_16
    }

    /// CLIP's projection, not normalized. The image is prepared as OpenAI's code does it: the short side to 224 with Pillow's bicubic
    /// filter, the long side rounded down, the middle cut out with half a pixel rounded to even.
    ///
    /// # Errors
    /// If the network fails.
    pub fn clip_image(&self, image: &Pixels) -> Result<Vec<f32>, ModelError> {
        Ok(self.clip.encode_images(std::slice::from_ref(image))?.concat())
    }

    /// CLIP's projection of a whole text, not normalized.
    ///
    /// # Errors
    /// If the text has more than 77 token ids ([`ModelError::LongText`]) or the network fails.
    pub fn clip_text(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        Ok(self.clip.encode_whole_text(text)?.embedding)
    }

    /// DINO's class token; see [`Dino::class_tokens`].
    ///
    /// # Errors
    /// If the network fails.
    pub fn dino(&self, image: &Pixels) -> Result<Vec<f32>, ModelError> {
        Ok(self.dino.class_tokens(std::slice::from_ref(image))?.concat())
    }

    /// DINO's tokens and keys of an image or crop, squashed; see [`Dino::tokens`].
    ///
    /// # Errors
    /// If the network fails.
    pub fn dino_tokens(&self, image: &Pixels) -> Result<DinoTokens, ModelError> {
        self.dino.tokens(image)
    }

    /// Everything of one image: a pass of CLIP and two of DINO, which sees the middle and the squashed whole.
    ///
    /// # Errors
    /// If a network fails.
    pub fn of(&self, image: &Pixels) -> Result<ImageFeatures, ModelError> {
        Ok(ImageFeatures {
            clip: self.clip_image(image)?,
            dino: self.dino(image)?,
            squashed: self.dino_tokens(image)?,
        })
    }

    /// Runs small built-in networks whose answers are known, where and how these compute.
    ///
    /// # Errors
    /// If one gives other answers: this build computes wrongly on this machine.
    pub fn canary(&self) -> Result<(), ModelError> {
        self.clip.canary()?;
        self.dino.canary()
    }
}
