//! Reading untrusted image files: PNG, JPEG, WebP, GIF, BMP, TIFF and PNM, told apart by their bytes, never by their name.
//!
//! Flow: `sniff` recognizes the format, `container` walks the file's structure without decoding anything (size,
//! frames, orientation, whether the file is whole), the size is held against the limit, and only then is it decoded
//! (`reader`; `jpeg`, `png` and `gif` have their own decoders). A truncated file is always an error; lenient decoders would fill
//! the rest with gray.
//!
//! Pixels are what OpenCV's `imread(IMREAD_COLOR)` gives, because the official GenEval evaluator reads with it: alpha
//! is dropped and the color beneath it kept, 16 bits become 8 by keeping the high byte, gray and palettes expand,
//! gamma and color profiles are ignored, EXIF orientation is applied. `scripts/reference/image_files.py compare` holds
//! thousands of random files against OpenCV 5.0.0: PNG, JPEG and WebP have the same bytes.
//!
//! [`Reading::Pillow`] gives what Pillow's `convert("RGB")` gives instead.
//!
//! Known differences: OpenCV fills JPEG files that end early or are damaged with gray, which is an error here. OpenCV before
//! 4.11 leaves WebP files unturned and refuses animated ones. TIFF is what libtiff gives for gray, RGB and CMYK, but OpenCV
//! darkens by alpha there, JPEG within TIFF may differ by one level, and TIFF palettes are not read. PNM values are scaled
//! from the maximum that the header states. AVIF, HEIF, JPEG XL and JPEG 2000 are named, not read.

mod container;
mod encode;
mod exif;
mod gif;
mod jpeg;
mod jpeg_writer;
mod need;
mod png;
mod reader;
mod scans;
mod sniff;

pub use encode::encode;
pub use jpeg_writer::{JpegError, Subsampling, compressed, encode_jpeg};
pub use reader::{
    DecodeLimits, DecodedImage, ImageFileError, LITTLE_WORK, MAX_FILE_BYTES, Reading, inspect_and_decode,
    inspect_and_decode_as, inspect_and_decode_for, load_image, load_image_for, read_image_file,
};
