//! `imgeval init`: examples to start from.

use std::{io::Write as _, path::Path};

use anyhow::Result;

use crate::{args::InitCommand, exit_code::Exit, failure::CommandError, printer::Printer};
use imgeval_files::OutputFile;

/// A file of cases with every kind of check.
const CASES: &str = include_str!("cases.jsonl");

pub(super) fn init(command: &InitCommand, printer: Printer) -> Result<Exit> {
    let InitCommand::Cases { file } = command;
    write_new(file, CASES)?;
    printer.talk(format_args!(
        "init: {} written; next: imgeval generate --cases {} --model PROVIDER:MODEL --run RUN",
        file.display(),
        file.display()
    ));
    Ok(Exit::Ok)
}

/// # Errors
/// If the file exists, or cannot be written.
fn write_new(file: &Path, text: &str) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        let message = format!("`{}` exists", file.display());
        return Err(CommandError::usage(message).with_hint("name another file").into());
    }
    let mut output = OutputFile::create(file)?;
    output.write_all(text.as_bytes())?;
    Ok(output.publish()?)
}
