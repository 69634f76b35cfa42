//! The color step of GenEval: the object, cut out by its mask, against texts that name ten colors.
//!
//! Source: `evaluation/evaluate_images.py` of djghosh13/geneval (`ImageCrops`, `color_classification`) with clip_benchmark's
//! zero-shot classifier.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use imgeval_core::{
    Category, ColorNamer, ColorRule, ColorScope, ColorScores, DetectError, Detection, ObserverMeta, Pixels,
    categories::COLOR_NAMES,
};

use super::{Clip, ClipDimensions, canary};
use crate::{compute::ComputeOptions, model_error::ModelError, ops::Activation, resample::pillow::crop};

/// What hides everything but the object.
const CANVAS: [u8; 3] = [0x99; 3];
/// What the cosine similarity is multiplied with.
const SCALE: f32 = 100.0;
/// Texts that go through the text encoder together.
const TEXTS_AT_ONCE: usize = 30;

/// OpenAI's ViT-L/14.
pub(super) const OFFICIAL: ClipDimensions = ClipDimensions {
    vision_width: 1024,
    vision_layers: 24,
    vision_heads: 16,
    patch: 14,
    image_size: 224,
    text_width: 768,
    text_layers: 12,
    text_heads: 12,
    embedding: 768,
    vision_activation: Activation::QuickGelu,
    text_activation: Activation::QuickGelu,
};

/// Zero-shot color names by CLIP.
pub struct ClipColorNamer {
    clip: Clip,
    meta: ObserverMeta,
    /// Ten normalized text embeddings for each category, made at its first object.
    classifiers: Mutex<BTreeMap<Category, Arc<Vec<Vec<f32>>>>>,
}

impl ClipColorNamer {
    /// As [`Clip::load`]; the caller tells the checksum of the weights.
    ///
    /// # Errors
    /// As [`Clip::load`].
    pub fn load(path: &Path, weights_sha256: &str, options: &ComputeOptions) -> Result<Self, ModelError> {
        let clip = Clip::load(path, options)?;
        let dimensions = clip.dimensions();
        let meta = ObserverMeta {
            id: "clip".to_owned(),
            title: "CLIP zero-shot colors".to_owned(),
            version: 1,
            weights_sha256: weights_sha256.to_owned(),
            // Heads and activations stand beside the weights, not in them.
            parameters: format!(
                "canvas=999999;templates=3;scale=100;vision={}@{:?};text={}@{:?}",
                dimensions.vision_heads,
                dimensions.vision_activation,
                dimensions.text_heads,
                dimensions.text_activation
            ),
            // Whether these are OpenAI's numbers is for the caller to say, who knows where the file is from.
            is_comparable: dimensions == OFFICIAL,
        };
        Ok(Self { clip, meta, classifiers: Mutex::default() })
    }

    /// For each color the mean of three texts, normalized before and after.
    fn classifier(&self, category: Category) -> Result<Arc<Vec<Vec<f32>>>, ModelError> {
        let known = || self.classifiers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(classifier) = known().get(&category) {
            return Ok(Arc::clone(classifier));
        }
        let name = category.name();
        let texts: Vec<String> = COLOR_NAMES
            .iter()
            .flat_map(|color| {
                [
                    format!("a photo of a {color} {name}"),
                    format!("a photo of a {color}-colored {name}"),
                    format!("a photo of a {color} object"),
                ]
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut embeddings = Vec::with_capacity(texts.len());
        for texts in texts.chunks(TEXTS_AT_ONCE) {
            embeddings
                .extend(self.clip.encode_texts(texts)?.into_iter().map(|text| normalised(text.embedding)));
        }
        let mean = |texts: &[Vec<f32>]| {
            let mut sum = vec![0.0; texts[0].len()];
            for text in texts {
                for (sum, x) in sum.iter_mut().zip(text) {
                    *sum += x;
                }
            }
            normalised(sum)
        };
        let classifier = Arc::new(embeddings.chunks_exact(3).map(mean).collect::<Vec<_>>());
        known().insert(category, Arc::clone(&classifier));
        Ok(classifier)
    }

    fn scores(&self, batch: &[(&Pixels, &[Detection])]) -> Result<Vec<Vec<ColorScores>>, ModelError> {
        let objects =
            || batch.iter().flat_map(|(pixels, detections)| detections.iter().map(move |one| (*pixels, one)));
        let crops = objects().map(|(pixels, detection)| cut_out(pixels, detection));
        let crops = crops.collect::<Result<Vec<Pixels>, ModelError>>()?;
        let mut scores = Vec::with_capacity(crops.len());
        for (embedding, (_, detection)) in self.clip.encode_images(&crops)?.into_iter().zip(objects()) {
            let classifier = self.classifier(detection.category)?;
            let embedding = normalised(embedding);
            let mut values = [0.0; 10];
            for (value, text) in values.iter_mut().zip(classifier.iter()) {
                *value = SCALE * embedding.iter().zip(text).map(|(a, b)| a * b).sum::<f32>();
            }
            scores.push(ColorScores { values, rule: ColorRule::Argmax });
        }
        let mut scores = scores.into_iter();
        Ok(batch.iter().map(|(_, detections)| scores.by_ref().take(detections.len()).collect()).collect())
    }
}

pub(super) fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

/// The object on a gray canvas, cropped to its box; without a mask the image stays.
pub(super) fn cut_out(pixels: &Pixels, detection: &Detection) -> Result<Pixels, ModelError> {
    let corners = detection.bounding_box.to_array().map(f64::from);
    let crop = |pixels: &Pixels| crop(pixels, corners).map_err(ModelError::from);
    let Some(mask) = &detection.mask else { return crop(pixels) };
    let mut rgb = pixels.rgb().to_vec();
    for (pixel, is_object) in rgb.chunks_exact_mut(3).zip(mask.to_rows()) {
        if !is_object {
            pixel.copy_from_slice(&CANVAS);
        }
    }
    let hidden = Pixels::new(pixels.width(), pixels.height(), rgb);
    crop(&hidden.ok_or(ModelError::OtherSize)?)
}

impl ColorNamer for ClipColorNamer {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn scope(&self) -> ColorScope {
        ColorScope::AskedFor
    }

    fn color_scores(&self, batch: &[(&Pixels, &[Detection])]) -> Result<Vec<Vec<ColorScores>>, DetectError> {
        self.scores(batch)
            .map_err(|error| DetectError { observer: self.meta.id.clone(), detail: error.to_string() })
    }

    fn canary(&self) -> Result<(), DetectError> {
        canary::check(&self.clip)
            .map_err(|error| DetectError { observer: self.meta.id.clone(), detail: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canvas_hides_what_the_mask_leaves_out() {
        let pixels = Pixels::new(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let detection = Detection {
            category: Category::from_index(0).unwrap(),
            score: 1.0,
            bounding_box: imgeval_core::BoundingBox::from_array([0.0, 0.0, 2.0, 1.0]),
            mask: imgeval_core::Mask::from_bits(2, 1, &[false, true]),
            colors: None,
        };
        assert_eq!(cut_out(&pixels, &detection).unwrap().rgb(), [0x99, 0x99, 0x99, 4, 5, 6]);
    }
}
