//! The `Detector` port over the network.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use imgeval_core::{
    BoundingBox, Category, DetectError, Detection, Detector, InputSize, Mask, ObserverMeta, Pixels,
};

use super::{
    canary,
    decoder::Prediction,
    keys::Family,
    network::Network,
    postprocess::{Candidate, Sizes, best_candidates},
    preprocess::{prepare, sizes},
    swin::Map,
};
use crate::{
    compute::{Backend, ComputeOptions},
    model_error::ModelError,
    ops::{
        masks::{MaskLogits, QUERIES_PER_WORD, column_runs},
        tensor::with_numbers,
    },
};

/// The categories of COCO.
const N_CLASSES: usize = 80;
/// `max_per_image` of mmdetection's configuration.
const MMDETECTION_KEPT: usize = 100;
/// The size at which transformers thresholds masks, whatever the image's.
const HUGGING_FACE_SIDE: usize = 384;

/// Mask2Former with a Swin backbone: GenEval's official detector when it holds mmdetection's weights.
pub struct Mask2FormerDetector {
    pub(super) network: Network,
    pub(super) backend: Backend,
    meta: ObserverMeta,
}

/// What the network says of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    pub n_queries: usize,
    /// [queries, classes + 1]; the last class is "no object".
    pub classes: Vec<f32>,
    /// [queries, height, width] at a quarter of the padded image.
    pub masks: Vec<f32>,
    /// Height and width.
    pub mask_size: (usize, usize),
}

impl Mask2FormerDetector {
    /// Maps the weights: a checkpoint of mmdetection 2.x or 3.x, or a file or folder of transformers. The names of the
    /// tensors decide whose preprocessing and postprocessing apply. The caller gives the checksum, which may be recorded, and
    /// knows whether it is that of the official weights: they have a network of mmdetection, but others have it too.
    ///
    /// # Errors
    /// If the file cannot be read, is of another network, or the device is not there.
    pub fn load(path: &Path, weights_sha256: &str, options: &ComputeOptions) -> Result<Self, ModelError> {
        let backend = Backend::open(options)?;
        let network = Network::load(path)?;
        if network.n_classes() != N_CLASSES {
            let detail = format!("the network knows {} classes, COCO has {N_CLASSES}", network.n_classes());
            return Err(ModelError::Configuration { path: path.to_owned(), detail });
        }
        let (title, parameters) = match network.family() {
            Family::Mmdetection => {
                ("Mask2Former, mmdetection", "input=1333x800/32;padding=128;numerics=mmdet")
            }
            Family::HuggingFace => ("Mask2Former, transformers (not comparable)", "numerics=transformers"),
        };
        let meta = ObserverMeta {
            id: "mask2former".to_owned(),
            title: title.to_owned(),
            version: 1,
            weights_sha256: weights_sha256.to_owned(),
            parameters: parameters.to_owned(),
            is_comparable: network.family() == Family::Mmdetection,
        };
        Ok(Self { network, backend, meta })
    }

    /// Whether it holds weights of mmdetection, the official evaluator's, and not of transformers.
    #[must_use]
    pub fn is_from_mmdetection(&self) -> bool {
        self.network.family() == Family::Mmdetection
    }

    /// Class and mask logits, before any decision: for comparing with a reference.
    ///
    /// # Errors
    /// If the network fails.
    pub fn logits(&self, pixels: &Pixels) -> Result<Logits, ModelError> {
        let (_, prediction) = self.predict(pixels)?;
        let Map { pixels, height, width } = &prediction.mask_logits;
        let (masks, classes) = (on_cpu(&pixels.t()?)?, on_cpu(&prediction.class_logits)?);
        Ok(Logits {
            n_queries: classes.dim(0)?,
            classes: classes.flatten_all()?.to_vec1()?,
            masks: masks.flatten_all()?.to_vec1()?,
            mask_size: (*height, *width),
        })
    }

    pub(super) fn predict(&self, pixels: &Pixels) -> Result<(Sizes, Prediction), ModelError> {
        let family = self.network.family();
        let sizes = sizes(family, pixels.width(), pixels.height());
        let image = prepare(family, pixels, &sizes, &self.backend)?;
        Ok((sizes, self.network.forward(&image)?))
    }
}

/// The best classes over all queries, each with its query's mask, best first. The families differ in how many they keep and
/// at which size they threshold the masks; transformers also drops empty ones.
pub(super) fn instances(
    family: Family,
    sizes: &Sizes,
    prediction: &Prediction,
) -> Result<Vec<Detection>, ModelError> {
    let class_logits = on_cpu(&prediction.class_logits)?;
    check_finite(&class_logits)?;
    let n_queries = class_logits.dim(0)?;
    let n_kept = match family {
        Family::Mmdetection => MMDETECTION_KEPT,
        Family::HuggingFace => n_queries,
    };
    let candidates = with_numbers(&class_logits, |logits| Ok(best_candidates(logits, N_CLASSES, n_kept)))?;
    let mut detections = Vec::with_capacity(candidates.len());
    for first in (0..n_queries).step_by(QUERIES_PER_WORD) {
        let count = QUERIES_PER_WORD.min(n_queries - first);
        let Map { pixels, height, width } = &prediction.mask_logits;
        let logits = on_cpu(&pixels.narrow(1, first, count)?)?;
        check_finite(&logits)?;
        let queries = with_numbers(&logits, |numbers| {
            let logits = MaskLogits { numbers, width: *width, height: *height, n_queries: count };
            Ok(QueryResults::new(family, &logits, sizes))
        })?;
        let here = candidates.iter().filter(|one| (first..first + count).contains(&one.query));
        detections.extend(here.filter_map(|candidate| queries.detection(candidate, candidate.query - first)));
    }
    if family == Family::HuggingFace {
        detections.retain(|detection| detection.mask.as_ref().is_some_and(|mask| mask.area() > 0));
    }
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(detections)
}

/// What is not a number is in no mask, and would pass for an image without objects.
fn check_finite(logits: &Tensor) -> Result<(), ModelError> {
    let is_finite = with_numbers(logits, |numbers| Ok(numbers.iter().all(|x| x.is_finite())))?;
    if is_finite { Ok(()) } else { Err(ModelError::NotFinite) }
}

fn on_cpu(x: &Tensor) -> candle_core::Result<Tensor> {
    x.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.contiguous()
}

/// The masks of some queries, with what a detection takes from them.
struct QueryResults {
    masks: Vec<Option<Mask>>,
    boxes: Vec<BoundingBox>,
    /// Mean probability inside the mask.
    qualities: Vec<f32>,
}

impl QueryResults {
    fn new(family: Family, logits: &MaskLogits<'_>, sizes: &Sizes) -> Self {
        let (height, width) = sizes.original;
        let size = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let masks = match family {
            Family::Mmdetection => logits.resize_and_threshold(sizes.padded, sizes.resized, sizes.original),
            Family::HuggingFace => {
                let small = (HUGGING_FACE_SIDE, HUGGING_FACE_SIDE);
                logits.resize_and_threshold(small, small, small)
            }
        };
        let queries = 0..logits.n_queries;
        let qualities = queries.clone().map(|query| masks.quality(query)).collect();
        let masks = if family == Family::HuggingFace { masks.enlarged((height, width)) } else { masks };
        let runs = column_runs(&masks.words, width, logits.n_queries);
        Self {
            masks: runs.into_iter().map(|runs| Mask::from_runs(size(width), size(height), runs)).collect(),
            boxes: queries.map(|query| masks.bounding_box(query)).collect(),
            qualities,
        }
    }

    fn detection(&self, candidate: &Candidate, query: usize) -> Option<Detection> {
        Some(Detection {
            category: Category::from_index(candidate.class)?,
            score: candidate.probability * self.qualities[query],
            bounding_box: self.boxes[query],
            mask: self.masks[query].clone(),
            colors: None,
        })
    }
}

impl Detector for Mask2FormerDetector {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn inspect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError> {
        let found = self
            .predict(pixels)
            .and_then(|(sizes, prediction)| instances(self.network.family(), &sizes, &prediction));
        found.map_err(|error| DetectError { observer: self.meta.id.clone(), detail: error.to_string() })
    }

    fn canary(&self) -> Result<(), DetectError> {
        canary::check(&self.network, &self.backend)
            .map_err(|error| DetectError { observer: self.meta.id.clone(), detail: error.to_string() })
    }

    fn input_size(&self, width: u32, height: u32) -> Option<InputSize> {
        let sizes = sizes(self.network.family(), width, height);
        let size =
            |(height, width): (usize, usize)| Some([u32::try_from(width).ok()?, u32::try_from(height).ok()?]);
        Some(InputSize { resized: size(sizes.resized)?, padded: size(sizes.padded)? })
    }
}
