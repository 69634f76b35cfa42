//! The image reader: any bytes are decoded or refused, within bounds.
#![no_main]

use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = DecodeLimits { max_pixels: 1 << 20 };
    if let Ok(image) = inspect_and_decode(bytes, &limits) {
        assert!(u64::from(image.pixels.width()) * u64::from(image.pixels.height()) <= 1 << 20);
    }
});
