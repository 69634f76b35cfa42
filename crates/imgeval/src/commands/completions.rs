//! `imgeval completions`: what a shell needs to complete commands and options.

use anyhow::Result;
use clap::CommandFactory as _;

use crate::{
    args::{Cli, manual::CompletionsArgs},
    exit_code::Exit,
    printer::Printer,
};

pub(super) fn completions(args: &CompletionsArgs, printer: Printer) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "imgeval", &mut script);
    printer.data(String::from_utf8(script)?)?;
    Ok(Exit::Ok)
}
