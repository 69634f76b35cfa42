//! A step as a process of its own: what fails there, down to a lack of memory, stops no other step.

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use imgeval_files::OwnFolder;
use imgeval_runner::StopSignal;
use tokio::sync::watch;

use crate::{environment, exit_code::Exit, printer::Printer, program};

/// How often it is looked whether the process has ended.
const INTERVAL: Duration = Duration::from_millis(50);
/// A line of a log is cut behind this.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// How a process ended.
pub(super) struct Ended {
    /// `None` if a signal ended it.
    pub(super) code: Option<i32>,
    /// The error with its hint, or else the last line that it wrote; empty if it wrote none.
    pub(super) message: String,
}

/// Runs this program with other arguments. What it prints goes to `NAME.txt` in `logs`, what it reports is shown as it comes.
pub(super) fn run(
    arguments: &[String],
    logs: &OwnFolder,
    name: &str,
    stop: &mut watch::Receiver<StopSignal>,
    printer: Printer,
) -> Result<Ended> {
    let file_name = format!("{name}.txt");
    let mut log = logs.new_file(&file_name).with_context(|| format!("could not write the log of {name}"))?;
    let mut command = program::again().context("could not find this program's own file")?;
    command.args(arguments).env(environment::STEP, "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    own_group(&mut command);
    let mut child = command.spawn().context("could not start a step")?;
    // Closed when this process ends, however it ends.
    let held = child.stdin.take();
    let printed = child.stdout.take().map(|stdout| {
        thread::spawn(move || {
            let copied = io::copy(&mut BufReader::new(stdout), &mut log);
            copied.and_then(|_| log.publish())
        })
    });
    let told = child.stderr.take().map(|stderr| thread::spawn(move || tell(stderr, printer)));
    let status = wait(&mut child, stop)?;
    drop(held);
    if let Some(printed) = printed {
        let copied = printed.join().unwrap_or_else(|_| Err(io::Error::other("the thread ended")));
        copied.with_context(|| format!("could not write the log of {name}"))?;
    }
    let message = told.and_then(|told| told.join().ok()).unwrap_or_default();
    Ok(Ended { code: status.code(), message })
}

fn wait(child: &mut Child, stop: &mut watch::Receiver<StopSignal>) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().context("could not wait for a step")? {
            return Ok(status);
        }
        if stop.has_changed().unwrap_or(false) && *stop.borrow_and_update() != StopSignal::GoOn {
            interrupt(child);
        }
        thread::sleep(INTERVAL);
    }
}

/// Shows lines as they come; gives the one that matters in the end.
fn tell(stderr: impl Read, printer: Printer) -> String {
    let mut reader = BufReader::new(stderr);
    let (mut error, mut last) = (String::new(), String::new());
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        // A quiet step reports only what must not be missed.
        printer.insist(format_args!("  {text}"));
        if let Some(what) = text.strip_prefix("error: ") {
            error = what.to_owned();
        } else if let (Some(hint), false) = (text.strip_prefix("  hint: "), error.is_empty()) {
            // Writing to a text does not fail.
            write!(error, " ({hint})").ok();
        }
        text.clone_into(&mut last);
    }
    if error.is_empty() { last } else { error }
}

/// Ctrl-C in a terminal reaches this process alone, which passes it on once.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // A step that has just ended needs no signal.
    id.map(|id| kill_process(id, Signal::INT)).transpose().ok();
}

/// The console tells every process of it.
#[cfg(windows)]
fn own_group(_: &mut Command) {}

#[cfg(windows)]
fn interrupt(_: &Child) {}

/// What an exit code means for a step.
pub(super) fn is_interrupted(ended: &Ended) -> bool {
    ended.code.is_none() || ended.code == Some(i32::from(Exit::Interrupted as u8))
}
