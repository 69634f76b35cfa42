//! stdout is data, stderr is talk; this owns both, and the progress display.

use std::{
    fmt::Display,
    io::{self, BufRead, IsTerminal, StdoutLock, Write},
    path::Path,
};

use anyhow::{Context as _, Result};
use imgeval_core::{Failure, visible, visible_lines};
use imgeval_report::tables::terminal::{Table, View};

pub(crate) use self::stage_progress::StageProgress;
use self::surface::beside_the_bar;

mod stage_progress;
mod surface;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    is_quiet: bool,
    /// How tables on stdout are to be shown.
    view: View<'static>,
}

impl Printer {
    pub(crate) fn new(is_quiet: bool, view: View<'static>) -> Self {
        Self { is_quiet, view }
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.is_quiet
    }

    /// Writes tables to stdout, an empty line between them.
    pub(crate) fn tables(self, tables: impl IntoIterator<Item = Table>) -> Result<()> {
        for (place, table) in tables.into_iter().enumerate() {
            if place > 0 {
                self.data("\n")?;
            }
            self.table(&table)?;
        }
        Ok(())
    }

    /// Writes a table to stdout as wide as the terminal allows. Its text steers no terminal, and its colors may.
    pub(crate) fn table(self, table: &Table) -> Result<()> {
        write_stdout(|stdout| stdout.write_all(table.render(self.view).as_bytes()))
    }

    /// Writes a result to stdout: to a file or a program as it is, to a terminal without what would steer it.
    pub(crate) fn data(self, text: impl Display) -> Result<()> {
        write_stdout(|stdout| match stdout.is_terminal() {
            true => write!(stdout, "{}", visible_lines(&text.to_string())),
            false => write!(stdout, "{text}"),
        })
    }

    /// Copies a long result to stdout.
    pub(crate) fn data_from(self, mut reader: impl BufRead) -> Result<()> {
        write_stdout(|stdout| {
            if !stdout.is_terminal() {
                return io::copy(&mut reader, stdout).map(drop);
            }
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line)? > 0 {
                write!(stdout, "{}", visible_lines(&String::from_utf8_lossy(&line)))?;
                line.clear();
            }
            Ok(())
        })
    }

    /// Tells something on stderr, unless quiet.
    pub(crate) fn talk(self, text: impl Display) {
        if !self.is_quiet {
            self.insist(text);
        }
    }

    /// Says which picture cannot be used, and why.
    pub(crate) fn unusable(self, path: &Path, Failure { kind, detail }: &Failure) {
        let (name, detail) = (visible(&path.to_string_lossy()), visible(detail));
        self.insist(format_args!("error: cannot use `{name}`: {}: {detail}", kind.code()));
    }

    /// Tells something on stderr that may change how results are read, unless quiet.
    pub(crate) fn warn(self, text: impl Display) {
        self.talk(text);
    }

    /// Tells an error on stderr, or what else kept the command from doing all that was asked.
    pub(crate) fn insist(self, text: impl Display) {
        let text = visible_lines(&text.to_string());
        // Nothing is left to be done if stderr itself is gone.
        beside_the_bar(|| writeln!(io::stderr().lock(), "{text}").ok());
    }

    /// Puts a question on stderr, with the cursor behind it.
    pub(crate) fn ask(self, question: impl Display) {
        beside_the_bar(|| {
            let mut stderr = io::stderr().lock();
            write!(stderr, "{question}").and_then(|()| stderr.flush()).ok();
        });
    }

    /// A display for one stage, to be fed with its progress. `unit` names what is counted, such as `image`.
    pub(crate) fn progress(self, stage: &'static str, unit: &'static str) -> StageProgress {
        StageProgress::begin(self, stage, unit)
    }
}

/// A closed pipe (`| head`) is not an error.
fn write_stdout(write: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) -> Result<()> {
    let written = beside_the_bar(|| {
        let mut stdout = io::stdout().lock();
        write(&mut stdout).and_then(|()| stdout.flush())
    });
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write to standard output"),
    }
}
