//! The one thread that writes the run while calls are under way.

use std::thread;

use imgeval_core::{ImageRecord, SampleId, WorkKey};
use imgeval_store::{AttemptRecord, CallBegun, GenerationBatch, RunWriter, Spend, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::GenerateError;

/// So many entries are one transaction at most.
const MAX_BATCH: usize = 256;

#[derive(Debug)]
pub(super) enum Entry {
    Begun(CallBegun),
    Attempt(Box<AttemptRecord>),
    Withdrawn(WorkKey),
    Accepted(SampleId, ImageRecord),
}

#[derive(Debug)]
struct Message {
    entry: Entry,
    /// Dropped if the entry could not be written.
    committed: oneshot::Sender<()>,
}

/// What could not be written is told by [`Writer::end`].
#[derive(Debug)]
pub(super) struct NotWritten;

#[derive(Debug, Clone)]
pub(super) struct WriterHandle(mpsc::Sender<Message>);

impl WriterHandle {
    /// Returns once the entry is committed.
    pub(super) async fn record(&self, entry: Entry) -> Result<(), NotWritten> {
        let (committed, answer) = oneshot::channel();
        self.0.send(Message { entry, committed }).await.map_err(|_| NotWritten)?;
        answer.await.map_err(|_| NotWritten)
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    handle: WriterHandle,
    ended: oneshot::Receiver<Result<Spend, StoreError>>,
}

impl Writer {
    pub(super) fn start(run: RunWriter, capacity: usize) -> Result<Self, GenerateError> {
        let (sender, inbox) = mpsc::channel(capacity);
        let (end, ended) = oneshot::channel();
        let work = move || {
            let mut run = run;
            let failed = commit_all(inbox, |batch| run.record_generation(batch));
            let result = failed.map_or_else(|| run.spend(), Err);
            // Whoever waits for the end may open the run at once.
            drop(run);
            end.send(result).ok();
        };
        thread::Builder::new().name("run writer".to_owned()).spawn(work).map_err(GenerateError::Thread)?;
        Ok(Self { handle: WriterHandle(sender), ended })
    }

    pub(super) fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Waits until everything is written, by then all other handles must be gone, and closes the run.
    pub(super) async fn end(self) -> Result<Spend, GenerateError> {
        drop(self.handle);
        let broke =
            |_| GenerateError::Broke { detail: "the thread that writes the run ended early".to_owned() };
        Ok(self.ended.await.map_err(broke)??)
    }
}

/// Commits whatever is queued as one batch, until all senders are gone. After a failure it goes on, because a disk may
/// have room again; the first failure is returned.
fn commit_all(
    mut inbox: mpsc::Receiver<Message>,
    mut commit: impl FnMut(&GenerationBatch) -> Result<(), StoreError>,
) -> Option<StoreError> {
    let mut first_failure = None;
    while let Some(first) = inbox.blocking_recv() {
        let mut batch = GenerationBatch::default();
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(Message { entry, committed }) = next {
            match entry {
                Entry::Begun(call) => batch.begun.push(call),
                Entry::Attempt(attempt) => batch.attempts.push(*attempt),
                Entry::Withdrawn(work_key) => batch.withdrawn.push(work_key),
                Entry::Accepted(id, record) => batch.accepted.push((id, record)),
            }
            waiting.push(committed);
            next = if waiting.len() < MAX_BATCH { inbox.try_recv().ok() } else { None };
        }
        match commit(&batch) {
            // Whoever asked may have gone, and the entry is on record all the same.
            Ok(()) => waiting.into_iter().for_each(|committed| committed.send(()).unwrap_or(())),
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    first_failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_is_one_transaction_and_a_failure_is_told_to_its_askers() {
        let (sender, inbox) = mpsc::channel(1000);
        let mut answers = Vec::new();
        for number in 0..600 {
            let (committed, answer) = oneshot::channel();
            let entry = Entry::Withdrawn(WorkKey::new(number.to_string()));
            sender.try_send(Message { entry, committed }).unwrap();
            answers.push(answer);
        }
        drop(sender);
        let mut sizes = Vec::new();
        let failure = commit_all(inbox, |batch| {
            sizes.push(batch.withdrawn.len());
            if sizes.len() == 2 { Err(StoreError::DiskFull { path: "run.db".into() }) } else { Ok(()) }
        });
        assert_eq!(sizes, [256, 256, 88]);
        assert!(matches!(failure, Some(StoreError::DiskFull { .. })));
        let written = answers.into_iter().filter_map(|mut answer| answer.try_recv().ok()).count();
        assert_eq!(written, 256 + 88);
    }
}
