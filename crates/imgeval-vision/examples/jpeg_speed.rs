//! How long a JPEG takes to decode, beside zune-jpeg.
//!
//!     cargo run --release -p imgeval-vision --example jpeg_speed -- FILE...
//!
//! Rounds go to both in turn, so that a machine that slows down slows both. Prints medians in milliseconds and their
//! ratio for each file.

#![allow(clippy::disallowed_methods, reason = "a tool for measurements")]

use std::{
    env, fs,
    hint::black_box,
    io::{Cursor, Write, stdout},
    time::{Duration, Instant},
};

use image::{ImageDecoder, codecs::jpeg::JpegDecoder};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

const ROUNDS: usize = 31;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn decode_with_zune(bytes: &[u8]) -> Outcome<Vec<u8>> {
    let decoder = JpegDecoder::new(Cursor::new(bytes))?;
    let mut samples = vec![0; usize::try_from(decoder.total_bytes())?];
    decoder.read_image(&mut samples)?;
    Ok(samples)
}

fn timed<T>(decode: impl FnOnce() -> Outcome<T>) -> Outcome<Duration> {
    let start = Instant::now();
    black_box(decode()?);
    Ok(start.elapsed())
}

fn median(mut durations: Vec<Duration>) -> f64 {
    durations.sort();
    durations[durations.len() / 2].as_secs_f64() * 1000.0
}

fn main() -> Outcome<()> {
    for path in env::args().skip(1) {
        let bytes = fs::read(&path)?;
        let (mut ours, mut zunes) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(timed(|| Ok(inspect_and_decode(&bytes, &DecodeLimits::default())?))?);
            zunes.push(timed(|| decode_with_zune(&bytes))?);
        }
        let (ours, zunes) = (median(ours), median(zunes));
        writeln!(stdout(), "{path}: {ours:.2} ms, zune-jpeg {zunes:.2} ms, ratio {:.2}", ours / zunes)?;
    }
    Ok(())
}
