//! Ctrl-C: the first lets calls finish that are under way, because they are paid for; the second stops now. So does being
//! asked to terminate. A terminal that hangs up lets calls finish too, but never stops them: both the shell and the system
//! send that signal, one after the other.

use std::{io, thread};

use anyhow::{Context as _, Result};
use imgeval_runner::StopSignal;
use tokio::{signal, sync::watch};

use crate::{environment, exit_code::Exit, printer::Printer};

/// Watches for interrupts for the rest of the process, in a thread of its own: once signals are watched they no longer
/// end the process by themselves. When nobody listens to `stop` any more, an interrupt ends it as it would have.
pub(crate) fn watch_interrupts(stop: watch::Sender<StopSignal>, printer: Printer) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("could not watch for Ctrl-C")?;
    // Registered before anything is paid for.
    let mut interrupts = {
        let _within = runtime.enter();
        Interrupts::new().context("could not watch for Ctrl-C")?
    };
    let watch = move || {
        runtime.block_on(async {
            let mut is_first = true;
            while let Some(received) = interrupts.next().await {
                if stop.is_closed() {
                    end_interrupted();
                }
                if is_first {
                    printer.insist("stopping after calls in progress; press Ctrl-C again to stop now");
                    stop.send_replace(StopSignal::FinishCalls);
                } else if received == Received::Interrupt {
                    stop.send_replace(StopSignal::Now);
                }
                is_first = false;
            }
        });
    };
    thread::Builder::new()
        .name("interrupts".to_owned())
        .spawn(watch)
        .context("could not watch for Ctrl-C")?;
    Ok(())
}

/// Ends this process with its parent, if it is a step of a study: nobody would stop it otherwise, and its run would stay locked. The study
/// holds standard input open as long as it lives.
pub(crate) fn end_with_parent() {
    if environment::variable(environment::STEP).is_none() {
        return;
    }
    let watch = || {
        // Nothing is ever written there.
        io::copy(&mut io::stdin().lock(), &mut io::sink()).ok();
        end_interrupted();
    };
    // Without the thread the step ends by itself when its work is done.
    thread::Builder::new().name("parent".to_owned()).spawn(watch).ok();
}

#[expect(clippy::exit, reason = "stages that cannot be interrupted can be resumed after a kill")]
fn end_interrupted() {
    std::process::exit(i32::from(Exit::Interrupted as u8));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Received {
    Interrupt,
    #[cfg(unix)]
    HangUp,
}

/// Registered once: between two registrations a signal would be lost.
#[cfg(unix)]
struct Interrupts {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
    /// `None` where it is ignored, as below `nohup`: then it stays ignored.
    hang_up: Option<signal::unix::Signal>,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        let hang_up = match ignores_hang_up() {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    async fn next(&mut self) -> Option<Received> {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            received = self.interrupt.recv() => received.map(|()| Received::Interrupt),
            received = self.terminate.recv() => received.map(|()| Received::Interrupt),
            received = hang_up => received.map(|()| Received::HangUp),
        }
    }
}

/// Whether this process was started with SIGHUP ignored. Only Linux tells without unsafe code, in the mask of ignored signals
/// of `/proc/self/status` (proc_pid_status(5)); elsewhere the answer is no.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    use std::path::Path;
    let status = imgeval_files::read_text(Path::new("/proc/self/status"), 64 << 10).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Signal 1 is the lowest bit.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
struct Interrupts(signal::windows::CtrlC);

#[cfg(windows)]
impl Interrupts {
    fn new() -> io::Result<Self> {
        signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<Received> {
        self.0.recv().await.map(|()| Received::Interrupt)
    }
}
