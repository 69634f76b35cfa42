//! The one thread that writes the run while calls are under way.

use std::{thread, time::Duration};

use imgeval_core::{ImageRecord, SampleId, Usd, WorkKey};
use imgeval_store::{
    AttemptRecord, CallBegun, GenerationBatch, JudgmentRecord, RewriteRecord, RunWriter, Spend, StoreError,
};
use tokio::sync::{mpsc, oneshot};

use super::CallError;

/// So many entries are one transaction at most.
const MAX_BATCH: usize = 256;

/// Entries that could not be written are tried again so often, each alone.
const RETRIES: usize = 3;

/// Before each of these: another process may have finished reading, or made room on the disk.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) enum Entry {
    Begun(CallBegun),
    /// As in [`GenerationBatch::sent_again`].
    SentAgain(WorkKey, Usd),
    Attempt(Box<AttemptRecord>),
    Withdrawn(WorkKey),
    Accepted(SampleId, ImageRecord),
    Rewrite(Box<RewriteRecord>),
    Judgment(Box<JudgmentRecord>),
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
    fn new(capacity: usize) -> (Self, mpsc::Receiver<Message>) {
        let (sender, inbox) = mpsc::channel(capacity);
        (Self(sender), inbox)
    }

    /// Returns once the entry is committed.
    pub(super) async fn record(&self, entry: Entry) -> Result<(), NotWritten> {
        let (committed, answer) = oneshot::channel();
        self.0.send(Message { entry, committed }).await.map_err(|_| NotWritten)?;
        answer.await.map_err(|_| NotWritten)
    }
}

/// The run, when everything is written.
#[derive(Debug)]
pub(super) struct WriterEnd {
    pub(super) run: RunWriter,
    /// What it has spent, where that can be read.
    pub(super) spend: Option<Spend>,
    /// The first failure to write it.
    pub(super) failure: Option<StoreError>,
}

#[derive(Debug)]
pub(super) struct Writer {
    handle: WriterHandle,
    ended: oneshot::Receiver<WriterEnd>,
}

impl Writer {
    pub(super) fn start(run: RunWriter, capacity: usize) -> Result<Self, CallError> {
        let (handle, inbox) = WriterHandle::new(capacity);
        let (end, ended) = oneshot::channel();
        let work = move || {
            let mut run = run;
            let failed = commit_all(inbox, |batch| run.record_generation(batch), PAUSE);
            let (spend, failure) = match run.spend() {
                Ok(spend) => (Some(spend), failed),
                Err(error) => (None, failed.or(Some(error))),
            };
            end.send(WriterEnd { run, spend, failure }).ok();
        };
        thread::Builder::new().name("run writer".to_owned()).spawn(work).map_err(CallError::Thread)?;
        Ok(Self { handle, ended })
    }

    pub(super) fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Waits until everything is written, by then all other handles must be gone.
    pub(super) async fn end(self) -> Result<WriterEnd, CallError> {
        drop(self.handle);
        let detail = "the thread that writes to the run ended early".to_owned();
        self.ended.await.map_err(|_| CallError::Broke { detail })
    }
}

/// Commits what is queued until all senders are gone. After a failure it goes on, because a disk may have room again;
/// the first failure that lost an entry is returned.
fn commit_all(
    mut inbox: mpsc::Receiver<Message>,
    mut commit: impl FnMut(&GenerationBatch) -> Result<(), StoreError>,
    pause: Duration,
) -> Option<StoreError> {
    let mut first_failure = None;
    while let Some(first) = inbox.blocking_recv() {
        let failure = commit_queued(first, &mut inbox, &mut commit, pause).err();
        first_failure = first_failure.or(failure);
    }
    first_failure
}

/// Commits whatever is queued as one batch. If that fails, each entry by itself, what was paid for first, and again
/// after pauses, so that one bad entry or a moment's trouble takes nothing else with it.
///
/// # Errors
/// If an entry could not be written.
fn commit_queued(
    first: Message,
    inbox: &mut mpsc::Receiver<Message>,
    mut commit: impl FnMut(&GenerationBatch) -> Result<(), StoreError>,
    pause: Duration,
) -> Result<(), StoreError> {
    let mut queued = Queued::default();
    queued.add(first);
    for _ in 1..MAX_BATCH {
        match inbox.try_recv() {
            Ok(message) => queued.add(message),
            Err(_) => break,
        }
    }
    let Err(mut error) = commit(&queued.batch) else {
        queued.askers.into_iter().flatten().for_each(tell);
        return Ok(());
    };
    let mut left = queued.singly();
    for _ in 0..RETRIES {
        thread::sleep(pause);
        let mut failed = Vec::new();
        for (batch, asker) in left {
            match commit(&batch) {
                Ok(()) => tell(asker),
                // Nobody waits for the permission any more, so nothing will be sent.
                Err(_) if !batch.begun.is_empty() && asker.is_closed() => {}
                Err(reason) => {
                    error = reason;
                    failed.push((batch, asker));
                }
            }
        }
        left = failed;
        if left.is_empty() {
            return Ok(());
        }
    }
    Err(error)
}

/// Whoever asked may have gone, and the entry is on record all the same.
fn tell(asker: oneshot::Sender<()>) {
    asker.send(()).unwrap_or(());
}

/// A batch, and who waits for its entries by their kind, what was paid for first.
#[derive(Default)]
struct Queued {
    batch: GenerationBatch,
    askers: [Vec<oneshot::Sender<()>>; 7],
}

impl Queued {
    fn add(&mut self, message: Message) {
        let kind = match message.entry {
            Entry::Attempt(attempt) => {
                self.batch.attempts.push(*attempt);
                0
            }
            Entry::Rewrite(rewrite) => {
                self.batch.rewrites.push(*rewrite);
                1
            }
            Entry::Judgment(judgment) => {
                self.batch.judgments.push(*judgment);
                2
            }
            Entry::Accepted(id, record) => {
                self.batch.accepted.push((id, record));
                3
            }
            Entry::Begun(call) => {
                self.batch.begun.push(call);
                4
            }
            Entry::SentAgain(work_key, more) => {
                self.batch.sent_again.push((work_key, more));
                5
            }
            Entry::Withdrawn(work_key) => {
                self.batch.withdrawn.push(work_key);
                6
            }
        };
        self.askers[kind].push(message.committed);
    }

    /// Each entry as a batch of its own, in the order of `askers`.
    fn singly(self) -> Vec<(GenerationBatch, oneshot::Sender<()>)> {
        let GenerationBatch { begun, sent_again, attempts, withdrawn, accepted, rewrites, judgments } =
            self.batch;
        let none = GenerationBatch::default;
        let attempts = attempts.into_iter().map(|one| GenerationBatch { attempts: vec![one], ..none() });
        let rewrites = rewrites.into_iter().map(|one| GenerationBatch { rewrites: vec![one], ..none() });
        let judgments = judgments.into_iter().map(|one| GenerationBatch { judgments: vec![one], ..none() });
        let accepted = accepted.into_iter().map(|one| GenerationBatch { accepted: vec![one], ..none() });
        let begun = begun.into_iter().map(|one| GenerationBatch { begun: vec![one], ..none() });
        let sent_again =
            sent_again.into_iter().map(|one| GenerationBatch { sent_again: vec![one], ..none() });
        let withdrawn = withdrawn.into_iter().map(|one| GenerationBatch { withdrawn: vec![one], ..none() });
        let ended = attempts.chain(rewrites).chain(judgments).chain(accepted);
        ended.chain(begun).chain(sent_again).chain(withdrawn).zip(self.askers.into_iter().flatten()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> StoreError {
        StoreError::DiskFull { path: "run.db".into() }
    }

    type Answers = Vec<oneshot::Receiver<()>>;

    fn queue(entries: impl Iterator<Item = Entry>) -> (mpsc::Receiver<Message>, Answers) {
        let (sender, inbox) = mpsc::channel(1000);
        let send = |entry| {
            let (committed, answer) = oneshot::channel();
            sender.try_send(Message { entry, committed }).unwrap();
            answer
        };
        (inbox, entries.map(send).collect())
    }

    fn withdrawn(number: usize) -> Entry {
        Entry::Withdrawn(WorkKey::new(number.to_string()))
    }

    fn n_told(answers: Answers) -> usize {
        answers.into_iter().filter_map(|mut answer| answer.try_recv().ok()).count()
    }

    #[test]
    fn what_is_queued_is_one_transaction() {
        let (inbox, answers) = queue((0..600).map(withdrawn));
        let mut sizes = Vec::new();
        let commit = |batch: &GenerationBatch| {
            sizes.push(batch.withdrawn.len());
            Ok(())
        };
        assert!(commit_all(inbox, commit, Duration::ZERO).is_none());
        assert_eq!((sizes, n_told(answers)), (vec![256, 256, 88], 600));
    }

    #[test]
    fn one_entry_that_cannot_be_written_takes_no_other_with_it() {
        let (inbox, answers) = queue((0..10).map(withdrawn));
        let bad = WorkKey::new("4");
        let mut n_tried = 0;
        let commit = |batch: &GenerationBatch| {
            let is_bad = batch.withdrawn.contains(&bad);
            n_tried += usize::from(is_bad);
            if is_bad { Err(full()) } else { Ok(()) }
        };
        let failure = commit_all(inbox, commit, Duration::ZERO);
        assert!(matches!(failure, Some(StoreError::DiskFull { .. })));
        assert_eq!((n_told(answers), n_tried), (9, 1 + RETRIES));
    }

    #[test]
    fn after_a_failed_commit_what_was_paid_for_comes_first_and_passing_trouble_is_none() {
        let rewrite = RewriteRecord {
            work_key: WorkKey::new("paid"),
            prompt: String::new(),
            outcome: imgeval_core::Outcome::Done(String::new()),
            usage: imgeval_core::Usage::default(),
            charge: imgeval_store::Charge::default(),
            raw: String::new(),
        };
        let entries = [withdrawn(0), withdrawn(1), Entry::Rewrite(Box::new(rewrite))];
        let (inbox, answers) = queue(entries.into_iter());
        let mut shapes = Vec::new();
        let commit = |batch: &GenerationBatch| {
            shapes.push((batch.rewrites.len(), batch.withdrawn.len()));
            if shapes.len() <= 2 { Err(full()) } else { Ok(()) }
        };
        assert!(commit_all(inbox, commit, Duration::ZERO).is_none());
        assert_eq!(shapes, [(1, 2), (1, 0), (0, 1), (0, 1), (1, 0)]);
        assert_eq!(n_told(answers), 3);
    }
}
