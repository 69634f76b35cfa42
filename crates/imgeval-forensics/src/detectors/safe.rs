//! SAFE: the finest diagonal details of the middle of an image.
//!
//! Li et al., "Improving Synthetic Image Detection Toward Generalization: An Image Transformation Perspective", KDD 2025. A short
//! ResNet looks at one band of a wavelet transform.

use candle_core::Result as CandleResult;
use imgeval_vision::{
    compute::Backend,
    ops::{
        resize::resize_bilinear,
        tensor::{from_numbers, with_numbers},
    },
};

use crate::{
    networks::{
        map::{Map, open_cpu},
        resnet::{Classifier, Layout},
    },
    port::{
        Description, Detector, ForensicsError, Judgment, LoadRequest, Pipeline, Published, WeightsLicense,
    },
    preparation::{UNIT, sha256, torchvision_middle},
    source::{Reader, SourceImage},
    trace::Trace,
};

const SIDE: u32 = 256;

const LAYOUT: Layout =
    Layout { network: "SAFE's network", stem_side: 3, n_layers: 2, head: "fc1", outputs: 2 };

const DDA: &str = "DDA's README";
const GPT_IMGEVAL: &str = "GPT-ImgEval, which tested no real images with it";

/// Description of SAFE.
pub static SAFE: Description = Description {
    id: "safe",
    name: "SAFE",
    paper: "Li et al., KDD 2025",
    license: WeightsLicense::Free("Apache-2.0"),
    pipelines: &[Pipeline {
        name: "crop256",
        what: "the middle 256 x 256 pixels, black around smaller images",
    }],
    threshold: "softmax of the second logit above 0.5",
    published: &[
        published("GPT-4o images, GenEval", "share called fake", 0.9892, GPT_IMGEVAL),
        published("GPT-4o images, Reason-Edit", "share called fake", 0.9632, GPT_IMGEVAL),
        published("GenImage, fakes as JPEG 96", "accuracy", 0.503, DDA),
        published("EvalGEN, fakes as JPEG 96", "accuracy", 0.011, DDA),
    ],
    canaries: &[],
    native_crop: Some(SIDE),
    load,
};

const fn published(set: &'static str, measure: &'static str, value: f64, source: &'static str) -> Published {
    Published { set, measure, value, source }
}

struct Safe {
    pipeline: &'static str,
    network: Classifier,
    backend: Backend,
}

fn load(request: &LoadRequest<'_>) -> Result<Box<dyn Detector>, ForensicsError> {
    let pipeline = request.pipeline_of(&SAFE)?;
    let backend = open_cpu(&request.compute)?;
    let network = Classifier::load(request.only_file(&SAFE)?, &LAYOUT)?;
    Ok(Box::new(Safe { pipeline, network, backend }))
}

impl Detector for Safe {
    fn description(&self) -> &'static Description {
        &SAFE
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let crop = torchvision_middle(image.read_by(Reader::Pillow), SIDE);
        let map = Map::of_pixels(&crop, UNIT, &self.backend)?;
        trace.keep("input", &map.x);
        let details = diagonal_details(&map)?;
        trace.keep("dwt_hh", &details.x);
        let resized = Map { x: resize_bilinear(&details.x, details.size, map.size)?, size: map.size };
        trace.keep("dwt_hh_resized", &resized.x);
        let logits = self.network.logits(resized, trace)?;
        Ok(Judgment::of_pair([logits[0], logits[1]], Some(sha256(&crop))))
    }
}

/// The image is mirrored by so many pixels at each border, the outermost repeated.
const MIRRORED: usize = 2;

/// The diagonal band of the wavelet bior1.3, whose high-pass filter is Haar's: of each block [a b; c d] of 2 x 2 pixels of the mirrored
/// image `(a - b - c + d) / 2`. Both sides of the map are even.
fn diagonal_details(map: &Map) -> CandleResult<Map> {
    let (height, width) = map.size;
    let (out_height, out_width) = (height / 2 + MIRRORED, width / 2 + MIRRORED);
    let mirrored = |place: usize, length: usize| match place.checked_sub(MIRRORED) {
        None => (MIRRORED - 1 - place).min(length - 1),
        Some(place) if place < length => place,
        Some(place) => (2 * length).saturating_sub(place + 1),
    };
    let x = with_numbers(&map.x, |numbers| {
        let mut result = Vec::with_capacity(out_height * out_width * 3);
        for row in 0..out_height {
            let [upper, lower] = [2 * row, 2 * row + 1].map(|y| &numbers[3 * width * mirrored(y, height)..]);
            for column in 0..out_width {
                let [left, right] = [2 * column, 2 * column + 1].map(|x| 3 * mirrored(x, width));
                result.extend((0..3).map(|channel| {
                    let (a, b) = (upper[left + channel], upper[right + channel]);
                    let (c, d) = (lower[left + channel], lower[right + channel]);
                    (a - b - c + d) / 2.0
                }));
            }
        }
        from_numbers(result, &[out_height * out_width, 3])
    })?;
    Ok(Map { x, size: (out_height, out_width) })
}
