//! How long reading an image takes: `cargo run --release -p imgeval-vision --example reading_speed -- MODELS IMAGE [RUNS]`, where
//! MODELS is the folder that `imgeval models pull ocr` fills.

#![allow(clippy::print_stdout, reason = "it is what the example is for")]

use std::{env, error::Error, path::PathBuf, time::Instant};

use imgeval_core::TextReader as _;
use imgeval_vision::{DecodeLimits, PpOcrReader, load_image, ocr::OcrFiles};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let models = PathBuf::from(arguments.next().ok_or("name the folder of weights")?);
    let image = PathBuf::from(arguments.next().ok_or("name an image")?);
    let n_runs: usize = arguments.next().map_or(Ok(10), |runs| runs.parse())?;
    let reader = PpOcrReader::load(&OcrFiles {
        detector: models.join("ch_PP-OCRv4_det_infer.onnx"),
        classifier: models.join("ch_ppocr_mobile_v2.0_cls_infer.onnx"),
        recognizer: models.join("ch_PP-OCRv4_rec_infer.onnx"),
    })?;
    let start = Instant::now();
    reader.check()?;
    println!("check before reading: {:.3} s", start.elapsed().as_secs_f64());
    let pixels = load_image(&image, &DecodeLimits::default())?.pixels;
    for line in reader.read(&pixels)? {
        println!("{:.3}  {}", line.confidence, line.text);
    }
    let mut seconds = Vec::new();
    for _ in 0..n_runs.max(1) {
        let start = Instant::now();
        reader.read(&pixels)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "{} runs: median {:.3} s, least {:.3} s, most {:.3} s",
        seconds.len(),
        seconds[seconds.len() / 2],
        seconds[0],
        seconds[seconds.len() - 1]
    );
    Ok(())
}
