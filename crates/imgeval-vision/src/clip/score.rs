//! CLIPScore (Hessel et al. 2021, arXiv 2104.08718) as torchmetrics 1.2 computes it: `max(100 x cosine, 0)`.

use imgeval_core::Pixels;

use super::{
    Clip,
    color::{OFFICIAL, normalised},
    preprocess::Preparation,
};
use crate::model_error::ModelError;

/// What the cosine similarity is multiplied with.
const SCALE: f32 = 100.0;

impl Clip {
    /// How well a text describes an image, from 0 to 100, both prepared as transformers prepares them.
    ///
    /// Known deviation: of a text of more than 77 ids torchmetrics cuts off the end mark too, reads the embedding at the start mark
    /// and so gives one score for all such texts. Here the end mark is kept.
    ///
    /// # Errors
    /// If the network fails.
    pub fn score(&self, picture: &Pixels, text: &str) -> Result<f64, ModelError> {
        Ok(f64::from(self.scaled_cosine(picture, text)?.max(0.0)))
    }

    pub(super) fn scaled_cosine(&self, picture: &Pixels, text: &str) -> Result<f32, ModelError> {
        let pictures =
            self.encode_images_as(std::slice::from_ref(picture), Preparation::Transformers)?.into_iter();
        let texts = self.encode_texts_as(&[text], Preparation::Transformers)?.into_iter();
        let products = pictures.zip(texts).map(|(picture, text)| {
            let (picture, text) = (normalised(picture), normalised(text.embedding));
            SCALE * picture.iter().zip(&text).map(|(x, y)| x * y).sum::<f32>()
        });
        Ok(products.sum())
    }

    /// Whether it has the shape of OpenAI's ViT-L/14, with which official scores are computed.
    #[must_use]
    pub fn has_official_shape(&self) -> bool {
        self.dimensions() == OFFICIAL
    }

    /// Runs a small built-in model whose answers are known, where and how this one computes.
    ///
    /// # Errors
    /// If it gives other answers: this build computes wrongly on this machine.
    pub fn canary(&self) -> Result<(), ModelError> {
        super::canary::check(self)
    }
}
