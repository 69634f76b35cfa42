//! Decoded images against OpenCV: what both read has the same pixels.
//!
//! The input is either a file, or an image and settings from which a valid file is written. OpenCV runs beside it
//! (`scripts/reference/image_files.py serve`); the environment variable PYTHON names a Python that has it.
//!
//! A damaged JPEG, lossy WebP or TIFF is compared by its size alone: where values leave the range that an encoder can
//! produce, libjpeg-turbo's assembler and its C code differ too, and what a decoder makes of missing data is its own affair.
#![no_main]

use std::{
    cell::RefCell,
    env,
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

use imgeval_core::{ImageFormat, Pixels};
use imgeval_vision::image_file::{DecodeLimits, encode, inspect_and_decode};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use libfuzzer_sys::fuzz_target;

const LIMITS: DecodeLimits = DecodeLimits { max_pixels: 1 << 18 };
const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];
/// Of the header that describes a written file.
const SETTINGS: usize = 6;

thread_local! {
    static OPENCV: RefCell<Child> = RefCell::new(start());
}

fn start() -> Child {
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/reference/image_files.py");
    let mut command = Command::new(python);
    command.args([script, "serve"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("Python with OpenCV; see the environment variable PYTHON")
}

/// `None` if OpenCV refuses the file.
fn ask_opencv(file: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    OPENCV.with_borrow_mut(|opencv| {
        let input = opencv.stdin.as_mut().unwrap();
        input.write_all(&u32::try_from(file.len()).unwrap().to_le_bytes()).unwrap();
        input.write_all(file).unwrap();
        input.flush().unwrap();
        let output = opencv.stdout.as_mut().unwrap();
        let mut number = || {
            let mut bytes = [0; 4];
            output.read_exact(&mut bytes).unwrap();
            u32::from_le_bytes(bytes)
        };
        let (width, height) = (number(), number());
        let mut rgb = vec![0; 3 * width as usize * height as usize];
        output.read_exact(&mut rgb).unwrap();
        (width > 0).then_some((width, height, rgb))
    })
}

fn compare(file: &[u8], is_valid: bool) {
    let Ok(image) = inspect_and_decode(file, &LIMITS) else {
        assert!(!is_valid, "a valid file is refused");
        return;
    };
    let Some((width, height, rgb)) = ask_opencv(file) else {
        assert!(!is_valid, "OpenCV refuses a valid file");
        return;
    };
    assert_eq!((image.pixels.width(), image.pixels.height()), (width, height));
    let is_exact_when_damaged = match image.format {
        ImageFormat::Png | ImageFormat::Gif => true,
        ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Bmp | ImageFormat::Tiff | ImageFormat::Pnm => {
            false
        }
    };
    if is_valid || is_exact_when_damaged {
        assert!(image.pixels.rgb() == rgb, "other pixels");
    }
}

/// A valid file from settings and samples, which repeat.
fn written(settings: [u8; SETTINGS], samples: &[u8]) -> Option<Vec<u8>> {
    let [width, height, format, quality, sampling, flags] = settings;
    let (width, height) = (u16::from(width) + 1, u16::from(height) + 1);
    let count = 3 * usize::from(width) * usize::from(height);
    let rgb: Vec<u8> = samples.iter().copied().cycle().take(count).collect();
    let pixels = Pixels::new(width.into(), height.into(), rgb)?;
    match format % 4 {
        0 => encode(&pixels, ImageFormat::Png).ok(),
        1 => encode(&pixels, ImageFormat::WebP).ok(),
        _ => {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, quality % 100 + 1);
            encoder.set_sampling_factor(SAMPLINGS[usize::from(sampling) % SAMPLINGS.len()]);
            encoder.set_progressive(flags & 1 != 0);
            encoder.set_optimized_huffman_tables(flags & 2 != 0);
            // Where it optimizes its tables, jpeg-encoder 0.7.1 does not count what restarts need, and panics.
            if flags & 6 == 4 {
                encoder.set_restart_interval(u16::from(flags >> 3) + 1);
            }
            encoder.encode(pixels.rgb(), width, height, ColorType::Rgb).ok()?;
            Some(file)
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first_chunk() {
        Some((settings, samples))
            if bytes.first() != Some(&0) && !samples.is_empty() && settings[5] & 0x80 != 0 =>
        {
            if let Some(file) = written(*settings, samples) {
                compare(&file, true);
            }
        }
        _ => compare(bytes, false),
    }
});
