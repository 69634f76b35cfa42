//! Reading text: PP-OCRv4 (PaddleOCR), a detector of lines, a classifier of lines that stand upside down, and a recognizer of
//! Chinese and English, as rapidocr-onnxruntime 1.4.4 chains them. The networks run from their ONNX files.
//!
//! ```text
//! image -> frame -> detector -> map -> regions -> boxes -> crops -> classifier -> recognizer -> ctc -> lines
//! ```
//!
//! - [`PpOcrReader`] is the whole of it behind the port `TextReader`.
//! - `frame` fits the image, `regions` (with `contours`, `rectangle`, `offset`, `fill`) makes boxes of the detector's map, `crop`
//!   sets a line upright, `batches` makes the networks' inputs, `ctc` makes text of the recognizer's output.
//!
//! The recognizer takes lines in batches of six of about one shape, padded to the widest, and **a line's result depends a little
//! on its batch** through the padding. Its dictionary holds Chinese and Latin characters and **no kana**: what it does not hold
//! cannot be read, which is not to be counted against an image.
//!
//! Source: PaddleOCR's PP-OCRv4 and rapidocr-onnxruntime 1.4.4 (both Apache-2.0). Known deviations: an image that has to be both
//! shrunk and enlarged gets its boxes in the right place, and one whose frame would be huge is refused.

mod batches;
mod canary;
mod contours;
mod crop;
mod ctc;
mod fill;
mod frame;
mod geometry;
mod networks;
mod offset;
mod reader;
mod rectangle;
mod regions;
#[cfg(test)]
mod tests;

pub use networks::OcrLoadError;
pub use reader::{OcrFiles, PpOcrReader};
