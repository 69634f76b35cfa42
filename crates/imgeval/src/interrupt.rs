//! Ctrl-C: the first lets calls finish that are under way, because they are paid for; the second stops now.

use std::io;

use imgeval_runner::StopSignal;
use tokio::{signal, sync::watch};

use crate::printer::Printer;

/// Watches for interrupts until the runtime ends, from now on. Where signals cannot be watched, they do what they
/// always do.
pub(crate) fn watch_interrupts(stop: watch::Sender<StopSignal>, printer: Printer) {
    let interrupts = Interrupts::new();
    tokio::spawn(async move {
        if let Ok(mut interrupts) = interrupts
            && interrupts.next().await
        {
            printer.insist("stopping: calls that are under way are finished; press Ctrl-C again to stop now");
            stop.send_replace(StopSignal::FinishCalls);
            if interrupts.next().await {
                stop.send_replace(StopSignal::Now);
            }
        }
        // The sender lives as long as somebody may look at it.
        stop.closed().await;
    });
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
