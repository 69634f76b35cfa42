//! The preview: a detector and a color namer for machines that cannot have those of the official evaluation. Their scores
//! are not comparable with published ones.
//!
//! - [`PreviewDetector`]: YOLOv3-tiny for the 80 COCO categories, read from a Darknet weight file. `letterbox` fits the image
//!   into 416x416, [`Network`] computes two grids of raw predictions over the crate's `ops`, and `decode` turns them into boxes
//!   on the image.
//! - [`PreviewColorNamer`]: pixels of a box vote for the nearest of a few shades in CIELAB.
//!
//! Sources: J. Redmon and A. Farhadi, "YOLOv3: An Incremental Improvement", arXiv:1804.02767; the reference code is
//! Darknet (github.com/pjreddie/darknet: `cfg/yolov3-tiny.cfg`, `src/parser.c`, `src/image.c`, `src/yolo_layer.c`,
//! `src/box.c`). Known deviations are named where they occur.

mod cielab;
mod color;
mod darknet_weights;
mod decode;
mod detector;
mod letterbox;
mod network;

pub use color::PreviewColorNamer;
pub use darknet_weights::{CONVOLUTIONS, ConvolutionShape, WeightsError};
pub use detector::PreviewDetector;
pub use letterbox::INPUT_SIDE;
pub use network::{HeadOutputs, Network, RawHead};
