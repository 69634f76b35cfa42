//! The `imgeval` binary: arguments, wiring and exit codes. Verdicts are made in `imgeval-suites`.

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
mod printer;
mod terminal_view;
mod version;

use std::process::ExitCode;

use imgeval_core::memory::set_max_memory;
use imgeval_vision::{machine_memory::default_max_memory, ops::limit_instructions};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::printer::Printer;

fn main() -> ExitCode {
    let cli = args::parse();
    watch_requests();
    interrupt::end_with_parent();
    environment::instruction_limit().into_iter().for_each(limit_instructions);
    set_max_memory(cli.max_memory.unwrap_or_else(|| default_max_memory(environment::threads())));
    let printer = Printer::new(cli.quiet, terminal_view::of_stdout(cli.wide));
    let exit = commands::dispatch(cli.command, printer).unwrap_or_else(|error| {
        let rendered = failure::render_error(&error);
        printer.insist(rendered.text);
        rendered.exit
    });
    exit.into()
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
