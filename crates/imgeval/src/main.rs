//! The `imgeval` binary: arguments, wiring and exit codes. Verdicts are made in `imgeval-suites`.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod coverage;
mod environment;
mod exit_code;
mod failure;
mod observers;
mod output_file;
mod printer;
mod scored_run;
mod table;
mod verdict_lines;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Cli, printer::Printer};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.quiet);
    let exit = commands::dispatch(cli.command, printer).unwrap_or_else(|error| {
        let rendered = failure::render_error(&error);
        printer.insist(rendered.text);
        rendered.exit
    });
    exit.into()
}
