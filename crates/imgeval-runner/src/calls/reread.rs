//! Re-reads stored replies as this version understands them. Nothing is sent, and finished samples stay as they are.

use std::collections::BTreeMap;

use imgeval_core::{
    Failure, FailureKind, ImageRecord, ImageRef, Outcome, ReadImage, Reading, SampleId, SizeRequest, Usage,
};
use imgeval_store::{
    AttemptRecord, Charge, GenerationBatch, JudgedItem, JudgmentRecord, KeptReply, RunWriter, StoreError,
    UnusedJudgment, UnusedReply,
};

use super::{
    Decode,
    answer::{Checked, look_again, take_image},
    permit::now_ms,
};

/// What earlier versions put in the place of an image, so that the text cannot be read anew.
const CUT_OUT: &str = "bytes of base64 cut out>";

/// Earlier versions kept no longer texts, and cut them without a word.
const OLD_LIMIT: usize = 256 << 10;

/// Texts of earlier versions lie without their status; only an answer is believed of them.
const UNKNOWN_STATUS: u16 = 200;

/// How to re-read images.
pub struct RereadImages<'a> {
    /// The size that images must have.
    pub wanted: Option<SizeRequest>,
    pub decode: Decode,
    /// Status and text of a reply; `None` if there is nobody to read it.
    pub read: &'a dyn Fn(u16, &str) -> Option<Reading<ReadImage>>,
}

/// Reads a judge's reply: item, status and text; `None` if there is nobody to read it.
pub type RereadWords<'a> = &'a dyn Fn(&JudgedItem, u16, &str) -> Option<Reading<String>>;

/// What came of reading anew. Each sample or judged item without a result is counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RereadSummary {
    pub recovered: Vec<SampleId>,
    /// There is no image or score in the reply, but another reason for that is on record now.
    pub changed: Vec<(SampleId, Failure)>,
    /// The reply says the same as before.
    pub unchanged: BTreeMap<FailureKind, usize>,
    /// The reply holds no more than the address of an image.
    pub addresses: Vec<SampleId>,
    /// No whole reply was kept.
    pub without_reply: BTreeMap<FailureKind, usize>,
}

/// Best first.
enum Found<R> {
    Result(R),
    Failure(R, Failure),
    Address,
    Nothing,
    NoReply,
}

impl<R> Found<R> {
    fn rank(&self) -> u8 {
        match self {
            Self::Result(_) => 0,
            Self::Failure(..) => 1,
            Self::Address => 2,
            Self::Nothing => 3,
            Self::NoReply => 4,
        }
    }
}

impl RereadSummary {
    /// Counts what was found for an item; gives what is to be recorded.
    fn add<R>(&mut self, id: &SampleId, before: FailureKind, found: Found<R>) -> Option<R> {
        match found {
            Found::Result(record) => {
                self.recovered.push(id.clone());
                return Some(record);
            }
            Found::Failure(record, failure) => {
                self.changed.push((id.clone(), failure));
                return Some(record);
            }
            Found::Address => self.addresses.push(id.clone()),
            Found::Nothing => *self.unchanged.entry(before).or_default() += 1,
            Found::NoReply => *self.without_reply.entry(before).or_default() += 1,
        }
        None
    }
}

/// Goes over the samples that have no image and a reply that was kept. An image found is stored before its sample says so.
///
/// # Errors
/// If the run cannot be read or written; what was recovered until then is on record.
pub fn reread_images(run: &mut RunWriter, settings: &RereadImages<'_>) -> Result<RereadSummary, StoreError> {
    run.begin_paid_work()?;
    run.settle_interrupted_calls()?;
    let mut summary = RereadSummary::default();
    let unused = run.unused_replies()?;
    for of_sample in unused.chunk_by(|one, next| one.id == next.id) {
        let found = best(of_sample, |reply| reread_attempt(run, settings, reply))?;
        let before = last_failure(of_sample.iter().map(|reply| (reply.is_last, reply.failure.kind)));
        if let (Some(id), Some(before)) = (of_sample.first().map(|reply| &reply.id), before)
            && let Some(batch) = summary.add(id, before, found)
        {
            run.record_generation(&batch)?;
        }
    }
    Ok(summary)
}

/// The same for judgments that gave no words.
///
/// # Errors
/// As [`reread_images`].
pub fn reread_judgments(run: &mut RunWriter, read: RereadWords<'_>) -> Result<RereadSummary, StoreError> {
    run.begin_paid_work()?;
    run.settle_interrupted_calls()?;
    let mut summary = RereadSummary::default();
    let unused = run.unused_judgments()?;
    for of_item in unused.chunk_by(|one, next| one.item.work_key == next.item.work_key) {
        let found = best(of_item, |judgment| reread_judgment(run, read, judgment))?;
        let before = last_failure(of_item.iter().map(|judgment| (judgment.is_last, judgment.failure.kind)));
        if let (Some(first), Some(before)) = (of_item.first(), before)
            && let Some(judgment) = summary.add(&first.item.id, before, found)
        {
            run.record_judgment(&judgment)?;
        }
    }
    Ok(summary)
}

/// The first of the best; nothing behind a result is read.
fn best<T, R>(
    items: &[T],
    mut find: impl FnMut(&T) -> Result<Found<R>, StoreError>,
) -> Result<Found<R>, StoreError> {
    let mut best = Found::NoReply;
    for item in items {
        let found = find(item)?;
        if found.rank() < best.rank() {
            best = found;
        }
        if let Found::Result(_) = best {
            break;
        }
    }
    Ok(best)
}

/// The kind of the failure that counts, else of the newest.
fn last_failure(mut failures: impl Iterator<Item = (bool, FailureKind)>) -> Option<FailureKind> {
    let (is_last, newest) = failures.next()?;
    if is_last {
        return Some(newest);
    }
    Some(failures.find_map(|(is_last, kind)| is_last.then_some(kind)).unwrap_or(newest))
}

/// Status, if it is known, and text of a reply that can be read anew.
fn readable(kept: Option<KeptReply>, raw: String) -> Option<(Option<u16>, String)> {
    match kept {
        // A damaged text is as good as none.
        Some(kept) => kept.text().ok().map(|text| (Some(kept.status), text)),
        None if raw.is_empty() || raw.len() >= OLD_LIMIT || raw.contains(CUT_OUT) => None,
        None => Some((None, raw)),
    }
}

/// Whether a failure that was read says more than the one on record: it is an answer, and another one.
fn is_news(status: Option<u16>, before: FailureKind, now: FailureKind) -> bool {
    status.is_some() && now != before && now != FailureKind::Transport
}

fn reread_attempt(
    run: &RunWriter,
    settings: &RereadImages<'_>,
    reply: &UnusedReply,
) -> Result<Found<GenerationBatch>, StoreError> {
    if let Some(image) = &reply.kept_image {
        return Ok(look_at_stored(run, settings, reply, image));
    }
    let (kept, raw) = run.reply_of_attempt(reply.attempt_id)?;
    let Some((status, text)) = readable(kept, raw) else { return Ok(Found::NoReply) };
    let Some(reading) = (settings.read)(status.unwrap_or(UNKNOWN_STATUS), &text) else {
        return Ok(Found::NoReply);
    };
    let Reading { outcome, usage, cost, revised_prompt, state, raw } = reading;
    let checked = match outcome {
        Outcome::Done(ReadImage::Address(_)) => return Ok(Found::Address),
        Outcome::Done(ReadImage::Bytes(bytes)) => {
            take_image(run.directory(), &settings.decode, settings.wanted, &bytes)?
        }
        Outcome::Failed(failure) => Checked::failed(failure),
    };
    let Checked { outcome, kept_image } = checked;
    let (usage, charge) = told_now(reply.is_charged, usage, cost);
    let attempt = |outcome: Outcome<ImageRecord>, kept_image: Option<ImageRef>| GenerationBatch {
        attempts: vec![AttemptRecord {
            id: reply.id.clone(),
            work_key: reply.work_key.clone(),
            began_ms: now_ms(),
            duration_ms: 0,
            prompt: reply.prompt.clone(),
            seed: reply.seed,
            outcome,
            kept_image,
            usage,
            charge,
            revised_prompt,
            state,
            raw,
            kept: None,
            reread_of: Some(reply.attempt_id),
        }],
        ..GenerationBatch::default()
    };
    Ok(match outcome {
        Outcome::Done(record) => Found::Result(attempt(Outcome::Done(record), None)),
        Outcome::Failed(failure) if reply.is_last && is_news(status, reply.failure.kind, failure.kind) => {
            Found::Failure(attempt(Outcome::Failed(failure.clone()), kept_image), failure)
        }
        Outcome::Failed(_) => Found::Nothing,
    })
}

/// An image that could not be used when it came may be readable by now.
fn look_at_stored(
    run: &RunWriter,
    settings: &RereadImages<'_>,
    reply: &UnusedReply,
    image: &ImageRef,
) -> Found<GenerationBatch> {
    match look_again(run.directory(), &settings.decode, settings.wanted, image) {
        Ok(Outcome::Done(record)) if reply.is_last => Found::Result(GenerationBatch {
            accepted: vec![(reply.id.clone(), record)],
            ..GenerationBatch::default()
        }),
        // A file that is gone is told of when the run is looked at as a whole.
        Ok(_) | Err(_) => Found::Nothing,
    }
}

fn reread_judgment(
    run: &RunWriter,
    read: RereadWords<'_>,
    judgment: &UnusedJudgment,
) -> Result<Found<JudgmentRecord>, StoreError> {
    let (kept, raw) = run.reply_of_judgment(judgment.judgment_id)?;
    let Some((status, text)) = readable(kept, raw) else { return Ok(Found::NoReply) };
    let Some(reading) = read(&judgment.item, status.unwrap_or(UNKNOWN_STATUS), &text) else {
        return Ok(Found::NoReply);
    };
    let Reading { outcome, usage, cost, raw, .. } = reading;
    let (usage, charge) = told_now(judgment.is_charged, usage, cost);
    let record = JudgmentRecord {
        item: judgment.item.clone(),
        began_ms: now_ms(),
        duration_ms: 0,
        outcome: outcome.clone(),
        usage,
        charge,
        raw,
        kept: None,
        reread_of: Some(judgment.judgment_id),
    };
    Ok(match outcome {
        Outcome::Done(_) => Found::Result(record),
        Outcome::Failed(failure)
            if judgment.is_last && is_news(status, judgment.failure.kind, failure.kind) =>
        {
            Found::Failure(record, failure)
        }
        Outcome::Failed(_) => Found::Nothing,
    })
}

/// What a reply tells of its cost counts where nothing was on record for it.
fn told_now(is_charged: bool, usage: Usage, cost: Option<imgeval_core::Cost>) -> (Usage, Charge) {
    if is_charged {
        return (Usage::default(), Charge::default());
    }
    (usage, Charge { cost, ..Charge::default() })
}
