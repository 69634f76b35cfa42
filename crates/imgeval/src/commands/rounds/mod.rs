//! `imgeval rounds`: benchmarks of edits in several rounds.

mod export;
mod score;
mod sessions;
mod survival;

use std::path::Path;

use anyhow::Result;
use imgeval_suites::rounds::{BenchmarkSession, RoundsError};

use crate::{
    args::rounds::{BenchmarkName, RoundsCommand},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn rounds(command: &RoundsCommand, printer: Printer) -> Result<Exit> {
    match command {
        RoundsCommand::Sessions(args) => sessions::sessions(args, printer),
        RoundsCommand::Export(args) => export::export(args, printer),
        RoundsCommand::Score(command) => score::score(command, printer),
        RoundsCommand::Survival(args) => survival::survival(args, printer),
    }
}

/// A benchmark's sessions, with their images in a folder of their own if one is named.
pub(super) fn read_benchmark(
    name: BenchmarkName,
    path: &Path,
    images: Option<&Path>,
) -> Result<Vec<BenchmarkSession>> {
    let benchmark = name.benchmark();
    if images.is_some() && !benchmark.takes_images_folder() {
        let message =
            format!("the source images of {} must be in the folder of its sessions", benchmark.id());
        return Err(CommandError::usage(message).into());
    }
    let sessions: Result<_, RoundsError> = benchmark.read(path, images);
    let sessions: Vec<BenchmarkSession> = sessions.map_err(imgeval_rounds::RoundsError::from)?;
    match sessions.is_empty() {
        true => Err(CommandError::nothing(format!("`{}` contains no session", path.display())).into()),
        false => Ok(sessions),
    }
}
