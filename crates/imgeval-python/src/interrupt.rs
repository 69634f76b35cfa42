//! Work that Ctrl-C ends: it runs in a thread of its own while the calling thread looks for signals.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};

/// How often signals are looked for.
const INTERVAL: Duration = Duration::from_millis(50);

/// Waits for what the work gives. Where a signal ends the call, the work goes on unseen until it is done.
pub(crate) fn watched<Output: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Output + Send + 'static,
) -> PyResult<Output> {
    let (sender, mut receiver) = sync_channel(1);
    // Nobody may be waiting any more.
    let work = move || drop(sender.send(work()));
    thread::Builder::new().name("imgeval".to_owned()).spawn(work)?;
    receive(py, &mut receiver)
}

/// Waits for a message, without the interpreter's lock but for looks at signals.
pub(crate) fn receive<Message: Send>(py: Python<'_>, receiver: &mut Receiver<Message>) -> PyResult<Message> {
    loop {
        let waiting = &mut *receiver;
        match py.detach(move || waiting.recv_timeout(INTERVAL)) {
            Ok(message) => return Ok(message),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            // After a panic, which has been printed.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("a thread of imgeval ended early"));
            }
        }
    }
}
