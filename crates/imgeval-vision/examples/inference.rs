//! Runs a network again and again for `scripts/bench/inference.py`, which describes the arguments and the conversation.

#![allow(clippy::disallowed_methods, reason = "a tool for measurements")]

use std::{
    error::Error,
    fs::File,
    io::{self, BufRead, Write},
    path::Path,
    time::Instant,
};

use imgeval_core::Pixels;
use imgeval_vision::{
    DecodeLimits, Mask2FormerDetector,
    clip::Clip,
    compute::ComputeOptions,
    load_image,
    ops::{InstructionLimit, instruction_set_name, limit_instructions},
};

/// Names, shapes and numbers of what a network gives.
type Outputs = Vec<(&'static str, Vec<usize>, Vec<f32>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, picture, batch, stem] = arguments.as_slice() else {
        return Err("usage: inference clip|mask2former MODEL_FOLDER PICTURE BATCH OUTPUT_STEM".into());
    };
    // The same variable as for `imgeval` itself.
    match std::env::var("IMGEVAL_SIMD").as_deref() {
        Ok("portable") => limit_instructions(InstructionLimit::Portable),
        Ok("avx2") => limit_instructions(InstructionLimit::Avx2),
        _ => {}
    }
    let pixels = load_image(Path::new(picture), &DecodeLimits::default())?.pixels;
    let pictures = vec![pixels; batch.parse()?];
    let start = Instant::now();
    let run: Box<dyn Fn() -> Result<Outputs, Box<dyn Error>>> = match model.as_str() {
        "clip" => {
            let clip = Clip::load(Path::new(folder), &ComputeOptions::default())?;
            Box::new(move || run_clip(&clip, &pictures))
        }
        "mask2former" => {
            let detector = Mask2FormerDetector::load(Path::new(folder), "", &ComputeOptions::default())?;
            Box::new(move || run_mask2former(&detector, &pictures))
        }
        _ => return Err(format!("unknown model {model}").into()),
    };
    let (seconds, instructions) = (start.elapsed().as_secs_f64(), instruction_set_name());
    say(&format!(r#"{{"ready": true, "load_seconds": {seconds}, "instructions": "{instructions}"}}"#))?;
    for (round, line) in io::stdin().lock().lines().enumerate() {
        line?;
        let start = Instant::now();
        let outputs = run()?;
        let seconds = start.elapsed().as_secs_f64();
        if round == 0 {
            for (name, shape, numbers) in &outputs {
                write_npy(&format!("{stem}.{name}.npy"), shape, numbers)?;
            }
        }
        say(&format!(r#"{{"seconds": {seconds}}}"#))?;
    }
    say(&format!(r#"{{"peak_rss_bytes": {}}}"#, peak_resident_bytes()?))
}

fn run_clip(clip: &Clip, pictures: &[Pixels]) -> Result<Outputs, Box<dyn Error>> {
    let embeddings = clip.encode_images(pictures)?;
    let shape = vec![embeddings.len(), embeddings[0].len()];
    Ok(vec![("embeddings", shape, embeddings.concat())])
}

fn run_mask2former(detector: &Mask2FormerDetector, pictures: &[Pixels]) -> Result<Outputs, Box<dyn Error>> {
    let [picture] = pictures else { return Err("Mask2Former takes one picture".into()) };
    let logits = detector.logits(picture)?;
    let (height, width) = logits.mask_size;
    let n_queries = logits.n_queries;
    let classes = vec![1, n_queries, logits.classes.len() / n_queries];
    Ok(vec![("classes", classes, logits.classes), ("masks", vec![1, n_queries, height, width], logits.masks)])
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}

/// NumPy's format, version 1.0.
fn write_npy(path: &str, shape: &[usize], numbers: &[f32]) -> Result<(), Box<dyn Error>> {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", shape.join(", "));
    // Magic, version and length take ten bytes; the header ends with a line feed at a multiple of 64.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len())?.to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    Ok(File::create(path)?.write_all(&bytes)?)
}

fn peak_resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1024)
}
