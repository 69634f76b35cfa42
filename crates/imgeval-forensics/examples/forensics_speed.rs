//! Judges images, one after the other, for `scripts/bench/forensics.py`, which describes the arguments and the conversation.

#![allow(clippy::disallowed_methods, reason = "a tool for measurements")]

use std::{
    error::Error,
    io::{self, BufRead, Write},
    path::PathBuf,
    time::Instant,
};

use imgeval_forensics::{LoadRequest, SourceImage, Trunks, description};
use imgeval_vision::{DecodeLimits, compute::ComputeOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [id, pipeline, weights @ ..] = arguments.as_slice() else {
        return Err("usage: forensics_speed DETECTOR PIPELINE WEIGHTS...".into());
    };
    let description = description(id).ok_or_else(|| format!("unknown detector `{id}`"))?;
    let files: Vec<PathBuf> = weights.iter().map(PathBuf::from).collect();
    let (compute, trunks) = (ComputeOptions::default(), Trunks::default());
    let request = LoadRequest { files: &files, pipeline: Some(pipeline), compute, trunks: &trunks };
    let detector = (description.load)(&request)?;
    let mut output = io::stdout().lock();
    writeln!(output, "{{\"ready\": true}}")?;
    output.flush()?;
    for line in io::stdin().lock().lines() {
        let image = SourceImage::read(&std::fs::read(line?)?, &DecodeLimits::default())?;
        let start = Instant::now();
        let judgment = detector.judge(&image)?;
        let seconds = start.elapsed().as_secs_f64();
        writeln!(output, "{{\"seconds\": {seconds}, \"logits\": {:?}}}", judgment.logits)?;
        output.flush()?;
    }
    Ok(())
}
