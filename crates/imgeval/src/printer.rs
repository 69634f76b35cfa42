//! stdout is data, stderr is talk; this owns both, and the progress display.

use std::{
    fmt::{self, Display},
    io::{self, BufRead, IsTerminal, StdoutLock, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use imgeval_core::{Failure, visible, visible_lines};
use imgeval_report::tables::terminal::{Table, View};
use imgeval_runner::{CallEvent, Progress};
use imgeval_scoring::short_cost;
use imgeval_store::Spend;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use imgeval_core::counted;

/// How often progress is told where there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

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

    /// Tells something on stderr that must not be missed.
    pub(crate) fn insist(self, text: impl Display) {
        let text = visible_lines(&text.to_string());
        // Nothing is left to be done if stderr itself is gone.
        writeln!(io::stderr().lock(), "{text}").ok();
    }

    /// Puts a question on stderr, with the cursor behind it.
    pub(crate) fn ask(self, question: impl Display) {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question}").and_then(|()| stderr.flush()).ok();
    }

    /// A display for one stage, to be fed with its progress.
    pub(crate) fn progress(self, stage: &'static str) -> StageProgress {
        let display = if self.is_quiet {
            Surface::Silent
        } else if io::stderr().is_terminal() {
            Surface::Bar(ProgressBar::no_length())
        } else {
            Surface::Plain { last_told: Instant::now() }
        };
        StageProgress {
            printer: self,
            stage,
            display,
            total: 0,
            finished: 0,
            failed: 0,
            new: 0,
            spent: None,
            began: Instant::now(),
        }
    }
}

/// A closed pipe (`| head`) is not an error.
fn write_stdout(write: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write to standard output"),
    }
}

enum Surface {
    Silent,
    Bar(ProgressBar),
    Plain { last_told: Instant },
}

fn write_rate(state: &ProgressState, text: &mut dyn fmt::Write) {
    // An indicator that cannot be written is no reason to stop.
    write!(text, "{:.1}", state.per_sec()).ok();
}

/// Shows rate and remaining time: a bar on a terminal, a line now and then elsewhere.
pub(crate) struct StageProgress {
    printer: Printer,
    stage: &'static str,
    display: Surface,
    total: usize,
    finished: usize,
    failed: usize,
    new: usize,
    /// By stages that cost money.
    spent: Option<Spend>,
    began: Instant,
}

impl StageProgress {
    pub(crate) fn show_calls<T>(&mut self, event: &CallEvent<T>) {
        match event {
            CallEvent::Interrupted { calls } => self.tell_interrupted(*calls),
            CallEvent::Planned { calls, done, spent } => self.plan_calls(*calls, *done, *spent),
            CallEvent::Accepted { .. } => {}
            CallEvent::Landed { failure, spent, .. } => self.land_call(failure.is_some(), *spent),
        }
    }

    fn tell_interrupted(&self, calls: usize) {
        let (were, they, are) = if calls == 1 { ("was", "it", "is") } else { ("were", "they", "are") };
        self.printer.insist(format_args!(
            "{}: {} {were} under way when the run was last stopped; {they} may have been billed, and {are} made again",
            self.stage,
            counted(calls, "call")
        ));
    }

    fn plan_calls(&mut self, calls: usize, done: usize, spent: Spend) {
        self.spent = Some(spent);
        self.show(Progress::Planned { total: calls + done, finished: done });
    }

    fn land_call(&mut self, has_failed: bool, spent: Spend) {
        self.spent = Some(spent);
        self.show(Progress::Advanced { has_failed });
    }

    /// Failures and cost, as far as there are any.
    fn remarks(&self) -> String {
        let failed = (self.failed > 0).then(|| format!(", {} failed", self.failed));
        let spent = self.spent.map(|spent| format!(", cost {}", short_cost(&spent)));
        [failed, spent].into_iter().flatten().collect()
    }

    pub(crate) fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Planned { total, finished } => {
                (self.total, self.finished, self.began) = (total, finished, Instant::now());
                if let Surface::Bar(bar) = &self.display {
                    bar.set_length(total as u64);
                    bar.set_position(finished as u64);
                    bar.reset_eta();
                    let template = "{prefix} [{bar:30}] {pos}/{len}, {rate} a second, {eta} left{msg}";
                    if let Ok(style) = ProgressStyle::with_template(template) {
                        bar.set_style(style.progress_chars("=> ").with_key("rate", write_rate));
                    }
                    bar.set_prefix(self.stage);
                }
            }
            Progress::Advanced { has_failed } => {
                self.finished += 1;
                self.new += 1;
                self.failed += usize::from(has_failed);
                self.refresh();
            }
        }
    }

    fn refresh(&mut self) {
        let remarks = self.remarks();
        match &mut self.display {
            Surface::Silent => {}
            Surface::Bar(bar) => {
                bar.inc(1);
                bar.set_message(remarks);
            }
            Surface::Plain { last_told } => {
                if last_told.elapsed() >= PLAIN_INTERVAL {
                    *last_told = Instant::now();
                    let rate = self.new as f64 / self.began.elapsed().as_secs_f64();
                    let left = self.total.saturating_sub(self.finished) as f64 / rate;
                    let (stage, finished, total) = (self.stage, self.finished, self.total);
                    self.printer.talk(format_args!(
                        "{stage}: {finished}/{total}, {rate:.1} a second, {left:.0} s left{remarks}"
                    ));
                }
            }
        }
    }

    /// Takes the display away.
    pub(crate) fn finish(self) {
        if let Surface::Bar(bar) = self.display {
            bar.finish_and_clear();
        }
    }
}
