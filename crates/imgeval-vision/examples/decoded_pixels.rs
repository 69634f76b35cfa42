//! The pixels of image files as this crate reads them, for `scripts/reference/image_files.py compare`.
//!
//!     decoded_pixels FILES PIXELS
//!
//! For each file NAME in the folder FILES, the folder PIXELS gets NAME.rgb, which holds width and height (32 bits, little
//! endian) and the RGB bytes, or NAME.error with the sentence that says why there are none.

#![allow(clippy::disallowed_methods, reason = "a tool for measurements")]

use std::{env, fs, path::Path};

use imgeval_vision::image_file::{DecodeLimits, load_image};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [files, pixels] = arguments.as_slice() else {
        return Err("usage: decoded_pixels FILES PIXELS".into());
    };
    for entry in fs::read_dir(files)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        match load_image(&path, &DecodeLimits::default()) {
            Ok(image) => {
                let (width, height) = (image.pixels.width(), image.pixels.height());
                let bytes = [&width.to_le_bytes()[..], &height.to_le_bytes(), image.pixels.rgb()].concat();
                fs::write(Path::new(pixels).join(format!("{name}.rgb")), bytes)?;
            }
            Err(error) => fs::write(Path::new(pixels).join(format!("{name}.error")), error.to_string())?,
        }
    }
    Ok(())
}
