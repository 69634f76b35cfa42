//! Draws the measured images of a run: `cargo run --example pictures RUN FOLDER`.

#![expect(clippy::print_stderr, reason = "an example that is run by hand")]

use std::{env, path::Path, process::ExitCode, time::Instant};

use imgeval_core::sentence_of;
use imgeval_observe::{StageEvent, pictures::write_pictures};

fn main() -> ExitCode {
    let places: Vec<String> = env::args().skip(1).collect();
    let [run, folder] = places.as_slice() else {
        eprintln!("usage: pictures RUN FOLDER");
        return ExitCode::from(2);
    };
    let begin = Instant::now();
    let mut tell = |event: StageEvent<'_>| {
        if let StageEvent::Failed { sample, failure } = event {
            eprintln!("{sample}: {}", failure.detail);
        }
    };
    match write_pictures(Path::new(run), Path::new(folder), &mut tell) {
        Err(error) => {
            eprintln!("error: {}", sentence_of(&error));
            ExitCode::FAILURE
        }
        Ok(summary) => {
            eprintln!(
                "{} images, {} figures; {} not registered, {} not measured, {} failed; {:.1} s",
                summary.written.len(),
                summary.figures.len(),
                summary.unregistered,
                summary.unmeasured,
                summary.failed,
                begin.elapsed().as_secs_f64(),
            );
            ExitCode::SUCCESS
        }
    }
}
