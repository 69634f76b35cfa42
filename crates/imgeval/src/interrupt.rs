//! Ctrl-C: the first lets calls finish that are under way, because they are paid for; the second stops now.

use imgeval_runner::StopSignal;
use tokio::{signal, sync::watch};

use crate::printer::Printer;

/// Watches for interrupts until the runtime ends. Where signals cannot be watched, they do what they always do.
pub(crate) fn watch_interrupts(stop: watch::Sender<StopSignal>, printer: Printer) {
    tokio::spawn(async move {
        if interrupted().await {
            printer.insist("stopping: calls that are under way are finished; press Ctrl-C again to stop now");
            stop.send_replace(StopSignal::FinishCalls);
            if interrupted().await {
                stop.send_replace(StopSignal::Now);
            }
        }
        // The sender lives as long as somebody may look at it.
        stop.closed().await;
    });
}

#[cfg(unix)]
async fn interrupted() -> bool {
    match signal::unix::signal(signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            result = signal::ctrl_c() => result.is_ok(),
            received = terminate.recv() => received.is_some(),
        },
        Err(_) => signal::ctrl_c().await.is_ok(),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> bool {
    signal::ctrl_c().await.is_ok()
}
