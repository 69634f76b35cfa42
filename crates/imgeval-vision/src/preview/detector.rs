//! The `Detector` port over the network.

use std::path::Path;

use imgeval_core::{ContentHash, DetectError, Detection, Detector, InputSize, ObserverMeta, Pixels};

use super::{
    HeadOutputs, Network, WeightsError,
    decode::{FLOOR, decode},
    letterbox::{INPUT_SIDE, Placement, letterbox},
};

/// A weight file has 35 MB; what is longer than this is not read.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// YOLOv3-tiny on the CPU. Use it from several threads at once through `&self`.
#[derive(Debug)]
pub struct PreviewDetector {
    network: Network,
    meta: ObserverMeta,
}

impl PreviewDetector {
    /// Reads a Darknet weight file of YOLOv3-tiny. Whether it is the pinned one is for the caller to compare by
    /// `meta().weights_sha256`.
    ///
    /// # Errors
    /// If the file cannot be read or does not fit the network.
    pub fn load(path: &Path) -> Result<Self, WeightsError> {
        let unavailable = |source| WeightsError::Unavailable { path: path.to_owned(), source };
        Self::from_bytes(&imgeval_files::read_regular(path, MAX_FILE_BYTES).map_err(unavailable)?)
    }

    /// The detector from the bytes of a weight file.
    ///
    /// # Errors
    /// If the bytes do not fit the network.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let network = Network::from_weights(bytes)?;
        let meta = ObserverMeta {
            id: "preview".to_owned(),
            title: "YOLOv3-tiny, COCO-80 (preview, not comparable)".to_owned(),
            version: 1,
            weights_sha256: ContentHash::of(bytes).as_str().to_owned(),
            parameters: "input=416;floor=0.05;nms=0.45".to_owned(),
            is_comparable: false,
        };
        Ok(Self { network, meta })
    }

    fn run(&self, input: Vec<f32>) -> Result<HeadOutputs, DetectError> {
        let error = |detail: String| DetectError { observer: self.meta.id.clone(), detail };
        let outputs = self.network.forward(input).map_err(|source| error(source.to_string()))?;
        let is_finite = [&outputs.coarse, &outputs.fine]
            .iter()
            .all(|head| head.values.iter().all(|value| value.is_finite()));
        if is_finite { Ok(outputs) } else { Err(error("the network's output is not finite".to_owned())) }
    }
}

impl Detector for PreviewDetector {
    fn meta(&self) -> &ObserverMeta {
        &self.meta
    }

    fn inspect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError> {
        let letterboxed = letterbox(pixels);
        let outputs = self.run(letterboxed.values)?;
        Ok(decode(&outputs, letterboxed.placement, pixels.width(), pixels.height()))
    }

    fn floor(&self) -> f32 {
        FLOOR
    }

    fn input_size(&self, width: u32, height: u32) -> Option<InputSize> {
        let Placement { width, height, .. } = Placement::of(width, height);
        let to_size = |sides: [usize; 2]| sides.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        Some(InputSize { resized: to_size([width, height]), padded: to_size([INPUT_SIDE; 2]) })
    }
}
