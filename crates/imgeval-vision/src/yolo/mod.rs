//! The preview detector: YOLOv3-tiny for the 80 COCO categories, read from a Darknet weight file.
//!
//! It serves machines that cannot have the detector of the official evaluation. Its scores are a preview and not
//! comparable with published ones.
//!
//! Flow: [`letterbox`] fits the picture into 416x416, `network` computes two grids of raw predictions, [`decode`]
//! turns them into boxes on the picture, and [`PreviewDetector`] puts the three behind the `Detector` port.
//!
//! Sources: J. Redmon and A. Farhadi, "YOLOv3: An Incremental Improvement", arXiv:1804.02767; the reference code is
//! Darknet (github.com/pjreddie/darknet: `cfg/yolov3-tiny.cfg`, `src/parser.c`, `src/image.c`, `src/yolo_layer.c`,
//! `src/box.c`). Known deviations are named where they occur.

pub mod darknet_weights;
pub mod decode;
mod detector;
pub mod letterbox;
mod network;
mod ops;

pub use darknet_weights::WeightsError;
pub use detector::PreviewDetector;
pub use network::{HeadOutputs, Network, RawHead};
