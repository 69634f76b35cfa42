//! Ctrl-C: the first lets calls finish that are under way, because they are paid for; the second stops now.

use std::{io, thread};

use anyhow::{Context as _, Result};
use imgeval_runner::StopSignal;
use tokio::{signal, sync::watch};

use crate::{exit_code::Exit, printer::Printer};

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
            let mut next_signal = StopSignal::FinishCalls;
            while interrupts.next().await {
                if stop.is_closed() {
                    end_interrupted();
                }
                if next_signal == StopSignal::FinishCalls {
                    printer.insist(
                        "stopping: calls that are under way are finished; press Ctrl-C again to stop now",
                    );
                }
                stop.send_replace(next_signal);
                next_signal = StopSignal::Now;
            }
        });
    };
    thread::Builder::new()
        .name("interrupts".to_owned())
        .spawn(watch)
        .context("could not watch for Ctrl-C")?;
    Ok(())
}

#[expect(clippy::exit, reason = "stages that cannot be asked to stop are resumable after a kill")]
fn end_interrupted() {
    std::process::exit(i32::from(Exit::Interrupted as u8));
}

/// Registered once: between two registrations a signal would be lost.
#[cfg(unix)]
struct Interrupts {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> bool {
        tokio::select! {
            received = self.interrupt.recv() => received.is_some(),
            received = self.terminate.recv() => received.is_some(),
        }
    }
}

#[cfg(windows)]
struct Interrupts(signal::windows::CtrlC);

#[cfg(windows)]
impl Interrupts {
    fn new() -> io::Result<Self> {
        signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}
