//! The `imgeval` command: arguments, wiring and exit codes. Verdicts are made in `imgeval-suites`.
//!
//! [`run`] is the whole command. The program calls it, and so does the Python package, whose command is the same code in an extension
//! module.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod advice;
mod args;
mod commands;
mod consent;
mod environment;
mod exit_code;
mod failure;
mod generation_table;
mod interrupt;
pub mod library;
mod printer;
mod program;
mod terminal_view;
mod version;

use std::{
    ffi::OsString,
    io::{self, Write as _},
};

use clap::Parser as _;
use imgeval_core::memory::set_max_memory;
use imgeval_vision::ops::limit_instructions;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{args::Cli, printer::Printer};

/// Runs the command and returns its exit code.
///
/// The first argument is the program's name. `again` is the command line that starts this program once more, for the steps of a study;
/// empty if the file of the running process does. To be called once per process, with the signals of the process as the system set them.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>, again: Vec<OsString>) -> u8 {
    program::set_command(again);
    let exit_code = match Cli::try_parse_from(arguments) {
        Ok(cli) => execute(cli),
        Err(message) => {
            // Nothing is left to do if the terminal is gone.
            message.print().ok();
            u8::try_from(message.exit_code()).unwrap_or(exit_code::Exit::Usage as u8)
        }
    };
    // Where the process does not end with this function, nothing else writes what is left.
    io::stdout().flush().ok();
    exit_code
}

fn execute(cli: Cli) -> u8 {
    watch_requests();
    interrupt::end_with_parent();
    environment::instruction_limit().into_iter().for_each(limit_instructions);
    match cli.max_memory {
        Some(bytes) => set_max_memory(bytes),
        None => library::limit_memory(),
    }
    let printer = Printer::new(cli.quiet, terminal_view::of_stdout(cli.wide));
    let exit = commands::dispatch(cli.command, printer).unwrap_or_else(|error| {
        let rendered = failure::render_error(&error);
        printer.insist(rendered.text);
        rendered.exit
    });
    exit as u8
}

/// Tells every request on stderr if the environment asks for it. Only of our own clients, which hold back keys and
/// contents; libraries below them do not.
fn watch_requests() {
    if environment::variable(environment::LOG).is_some_and(|level| level == "debug") {
        let ours = Targets::new().with_target("imgeval_clients", tracing::Level::DEBUG);
        let lines =
            tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
        tracing_subscriber::registry().with(lines).with(ours).init();
    }
}
