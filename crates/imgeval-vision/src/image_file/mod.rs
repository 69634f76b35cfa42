//! Reading untrusted image files: PNG, JPEG and WebP, told apart by their bytes, never by their name.
//!
//! Flow: `sniff` recognises the format, `container` walks the file's structure without decoding anything (size,
//! frames, whether the file is whole), the size is held against the limit, and only then is it decoded
//! (`reader`). A truncated file is always an error; lenient decoders would fill the rest with grey.
//!
//! Pixels are what OpenCV's `imread(IMREAD_COLOR)` gives, because the official GenEval evaluator reads with it: alpha
//! is dropped and the colour beneath it kept, 16 bits become 8 by keeping the high byte, grey and palettes expand,
//! gamma and colour profiles are ignored, EXIF orientation is applied. Known differences: OpenCV 4.10 leaves WebP
//! files unturned and refuses animated ones, here both follow the rule of the other formats; JPEG and lossy WebP
//! values may differ by a few levels from libjpeg-turbo's and libwebp's.

mod container;
mod encode;
mod reader;
mod sniff;

pub use encode::encode;
pub use reader::{
    DecodeLimits, DecodedImage, ImageFileError, MAX_FILE_BYTES, inspect_and_decode, load_image,
    read_image_file,
};
