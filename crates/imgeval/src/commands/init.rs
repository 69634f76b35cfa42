//! `imgeval init`: examples to start from.

use std::{io::Write as _, path::Path};

use anyhow::Result;

use imgeval_files::OutputFile;
use imgeval_study::{PAPER, TEMPLATE};

use crate::{
    args::study::{InitArgs, InitCommand, PublishedStudy},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

/// A file of cases with every kind of check.
const CASES: &str = include_str!("cases.jsonl");

pub(super) fn init(args: &InitArgs, printer: Printer) -> Result<Exit> {
    if let Some(InitCommand::Cases { file }) = &args.command {
        write_new(file, CASES)?;
        let file = file.display();
        printer.talk(format_args!(
            "init: wrote {file}; next: imgeval generate --cases {file} --model PROVIDER:MODEL --run RUN"
        ));
        return Ok(Exit::Ok);
    }
    let text = match args.like {
        Some(PublishedStudy::GptImgeval) => PAPER,
        None => TEMPLATE,
    };
    write_new(&args.file, text)?;
    let file = args.file.display();
    printer.talk(format_args!("init: wrote {file}; edit it, then: imgeval study {file} --dry-run"));
    Ok(Exit::Ok)
}

/// # Errors
/// If the file exists, or cannot be written.
fn write_new(file: &Path, text: &str) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        let message = format!("`{}` already exists", file.display());
        return Err(CommandError::usage(message).with_hint("choose another file").into());
    }
    let mut output = OutputFile::create(file)?;
    output.write_all(text.as_bytes())?;
    Ok(output.publish()?)
}
