//! Calls, attempts and the samples that they make.

use std::collections::BTreeMap;

use imgeval_core::{
    CaseId, Failure, FailureKind, ImageRecord, ImageRef, Outcome, Sample, SampleId, Usage, Usd, WorkKey,
};
use rusqlite::{OptionalExtension, Row, Transaction, params, types::Type};

use super::{
    DONE, Database,
    costs::{raised, read_amount, read_charge},
    judgments::insert_judgment,
    render_notes,
    rewrites::upsert_rewrite,
    samples::{Origin, code_of, insert_sample},
};
use crate::{
    AttemptRecord, CallBegun, CallPurpose, Charge, GeneratedSample, GenerationBatch, JudgmentRecord,
    KeptReply, RewriteRecord, StoreError, UnusedReply,
    judgments::read_item,
    kept_reply::{pack, unpack},
};

const IMAGE: &str = "image";
const REWRITE: &str = "rewrite";
const JUDGMENT: &str = "judgment";

const INSERT_ATTEMPT: &str = "
INSERT INTO attempts (work_key, case_id, ordinal, round, began_ms, duration_ms, prompt, seed, outcome, detail,
    image_sha256, format, width, height, notes, text_input, image_input, cached_input, text_output, image_output,
    cost_nanos, cost_basis, possible_nanos, is_unpriced, tries, lost_tries, revised_prompt, state, raw, kept_status, kept,
    reread_of)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Failed attempts at samples that have no image, each with what may still be read from its reply. An attempt counts if it
/// asked for what the sample's last one asked for.
const UNUSED: &str = "
SELECT a.attempt_id, a.case_id, a.ordinal, a.round, a.work_key, a.prompt, a.seed,
       iif(a.attempt_id IS last.reread_of, s.outcome, a.outcome), iif(a.attempt_id IS last.reread_of, s.detail, a.detail),
       a.cost_nanos IS NOT NULL OR a.possible_nanos > 0, a.image_sha256, a.format,
       a.attempt_id IS last.attempt_id OR a.attempt_id IS last.reread_of
FROM samples s
JOIN attempts last ON last.attempt_id = s.attempt_id
JOIN attempts a ON a.case_id = s.case_id AND a.ordinal = s.ordinal AND a.round = s.round AND a.work_key = last.work_key
WHERE s.outcome <> 'done' AND a.outcome <> 'done' AND a.reread_of IS NULL
  AND NOT EXISTS (SELECT 1 FROM samples d WHERE d.case_id = s.case_id AND d.ordinal = s.ordinal AND d.round = s.round
                  AND d.outcome = 'done')
ORDER BY a.case_id, a.ordinal, a.round, a.attempt_id DESC";

/// A sample that counts or was imported, a provider's answer, or one that may still be read.
fn result_of_a_run() -> String {
    let answers: Vec<String> = FailureKind::ANSWERS.iter().map(|kind| format!("'{}'", kind.code())).collect();
    let answers = answers.join(", ");
    format!(
        "SELECT EXISTS (SELECT 1 FROM samples WHERE attempt_id IS NULL OR outcome = 'done' OR outcome IN ({answers}))
             OR EXISTS (SELECT 1 FROM attempts WHERE image_sha256 IS NOT NULL OR kept_status BETWEEN 200 AND 299)"
    )
}

impl Database {
    /// Whether there is anything that was asked for under the run's parameters and must not be taken for something else.
    pub(crate) fn has_result(&self) -> Result<bool, StoreError> {
        if !self.keeps_replies {
            // Written by an earlier version; opened for writing, it has been brought up to date.
            return Ok(true);
        }
        self.guard(self.connection().query_row(&result_of_a_run(), [], |row| row.get(0)))
    }

    /// Drops the samples that failed. Their attempts stay: they may have been paid for.
    pub(crate) fn forget_failed_generation(&mut self) -> Result<(), StoreError> {
        let forget = "DELETE FROM samples WHERE attempt_id IS NOT NULL AND outcome <> 'done'";
        self.in_transaction(|transaction| transaction.execute(forget, []).map(drop))
    }

    pub(crate) fn begin_paid_work(&self) -> Result<(), StoreError> {
        self.guard(self.connection().pragma_update(None, "synchronous", "FULL"))
    }

    pub(crate) fn generated_samples(&self) -> Result<BTreeMap<SampleId, GeneratedSample>, StoreError> {
        if !self.can_generate {
            return Ok(BTreeMap::new());
        }
        let sql =
            "SELECT s.case_id, s.ordinal, s.round, s.outcome, s.detail, s.image_sha256, s.format, s.width,
                          s.height, s.notes, a.image_sha256, a.format, a.state, a.prompt, a.work_key
                   FROM samples s JOIN attempts a ON a.attempt_id = s.attempt_id
                   ORDER BY s.case_id, s.ordinal, s.round";
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query([]))?;
        let mut samples = BTreeMap::new();
        while let Some(row) = self.guard(rows.next())? {
            let id = self.guard(read_id(row, 0))?;
            let outcome = self.guard(OutcomeColumns::read(row, 3))?;
            let kept = self.guard(read_image_columns(row, 10))?;
            let (outcome, kept_image) = self.parse_outcome(outcome, kept)?;
            let read = || -> rusqlite::Result<GeneratedSample> {
                let work_key = WorkKey::new(row.get::<_, String>(14)?);
                Ok(GeneratedSample {
                    outcome,
                    kept_image,
                    state: row.get(12)?,
                    prompt: row.get(13)?,
                    work_key,
                })
            };
            samples.insert(id, self.guard(read())?);
        }
        Ok(samples)
    }

    pub(crate) fn record_generation(&mut self, batch: &GenerationBatch) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            for call in &batch.begun {
                insert_call(transaction, call)?;
            }
            for (work_key, more) in &batch.sent_again {
                raise_estimate(transaction, work_key, *more)?;
            }
            for attempt in &batch.attempts {
                let attempt_id = insert_attempt(transaction, attempt)?;
                end_call(transaction, &attempt.work_key)?;
                replace_failed_sample(transaction, attempt, attempt_id)?;
            }
            for work_key in &batch.withdrawn {
                end_call(transaction, work_key)?;
            }
            for (id, record) in &batch.accepted {
                accept_image(transaction, id, record)?;
            }
            for rewrite in &batch.rewrites {
                upsert_rewrite(transaction, rewrite)?;
                end_call(transaction, &rewrite.work_key)?;
            }
            for judgment in &batch.judgments {
                insert_judgment(transaction, judgment)?;
                end_call(transaction, &judgment.item.work_key)?;
            }
            Ok(())
        })
    }

    pub(crate) fn settle_interrupted_calls(&mut self) -> Result<usize, StoreError> {
        let detail = "the process ended while the call was under way";
        self.in_transaction(|transaction| {
            let calls = read_calls(transaction)?;
            for call in &calls {
                let charge = Charge {
                    cost: None,
                    possible: call.estimate.unwrap_or_default(),
                    is_unpriced: call.estimate.is_none(),
                    tries: 1,
                    lost_tries: 1,
                };
                let failure = Failure { kind: FailureKind::Interrupted, detail: detail.to_owned() };
                match &call.purpose {
                    CallPurpose::Image(id) => {
                        let attempt = AttemptRecord {
                            id: id.clone(),
                            work_key: call.work_key.clone(),
                            began_ms: call.began_ms,
                            duration_ms: 0,
                            prompt: call.prompt.clone(),
                            seed: call.seed,
                            outcome: Outcome::Failed(failure),
                            kept_image: None,
                            usage: Usage::default(),
                            charge,
                            revised_prompt: None,
                            state: None,
                            raw: String::new(),
                            kept: None,
                            reread_of: None,
                        };
                        insert_attempt(transaction, &attempt)?;
                    }
                    CallPurpose::Rewrite => {
                        let rewrite = RewriteRecord {
                            work_key: call.work_key.clone(),
                            prompt: call.prompt.clone(),
                            outcome: Outcome::Failed(failure),
                            usage: Usage::default(),
                            charge,
                            raw: String::new(),
                        };
                        upsert_rewrite(transaction, &rewrite)?;
                    }
                    CallPurpose::Judgment(item) => {
                        let judgment =
                            JudgmentRecord::interrupted(item.clone(), call.began_ms, failure, charge);
                        insert_judgment(transaction, &judgment)?;
                    }
                }
                end_call(transaction, &call.work_key)?;
            }
            Ok(calls.len())
        })
    }

    pub(crate) fn for_each_attempt(&self, mut visit: impl FnMut(AttemptRecord)) -> Result<(), StoreError> {
        if !self.can_generate {
            return Ok(());
        }
        let sql = format!(
            "SELECT case_id, ordinal, round, outcome, detail, image_sha256, format, width, height, notes,
                    work_key, began_ms, duration_ms, prompt, seed, text_input, image_input, cached_input,
                    text_output, image_output, cost_nanos, cost_basis, possible_nanos, is_unpriced, tries,
                    lost_tries, revised_prompt, state, raw, {}
             FROM attempts ORDER BY attempt_id",
            self.kept_columns()
        );
        let mut statement = self.guard(self.connection().prepare(&sql))?;
        let mut rows = self.guard(statement.query([]))?;
        while let Some(row) = self.guard(rows.next())? {
            let outcome = self.guard(OutcomeColumns::read(row, 3))?;
            let kept = outcome.image.clone();
            let (outcome, kept_image) = self.parse_outcome(outcome, kept)?;
            let raw: Vec<u8> = self.guard(row.get(28))?;
            let raw = unpack(&raw).map_err(|detail| self.damaged(detail))?;
            visit(self.guard(read_attempt(row, outcome, kept_image, raw))?);
        }
        Ok(())
    }

    pub(crate) fn unused_replies(&self) -> Result<Vec<UnusedReply>, StoreError> {
        let mut statement = self.guard(self.connection().prepare(UNUSED))?;
        let mut rows = self.guard(statement.query([]))?;
        let mut unused = Vec::new();
        while let Some(row) = self.guard(rows.next())? {
            let kept_image = self.guard(read_image_columns(row, 10))?;
            let kept_image = kept_image.map(|(hash, format)| self.parse_image(&hash, &format)).transpose()?;
            let (outcome, detail): (String, String) = (self.guard(row.get(7))?, self.guard(row.get(8))?);
            let failure = self.parse_failure(&outcome, detail)?;
            let read = || -> rusqlite::Result<UnusedReply> {
                Ok(UnusedReply {
                    attempt_id: row.get(0)?,
                    id: read_id(row, 1)?,
                    work_key: WorkKey::new(row.get::<_, String>(4)?),
                    prompt: row.get(5)?,
                    seed: parse_seed(row.get(6)?),
                    failure,
                    is_charged: row.get(9)?,
                    kept_image,
                    is_last: row.get(12)?,
                })
            };
            unused.push(self.guard(read())?);
        }
        Ok(unused)
    }

    /// The reply that was kept of an attempt, and else its text without images.
    pub(crate) fn reply_of_attempt(
        &self,
        attempt_id: i64,
    ) -> Result<(Option<KeptReply>, String), StoreError> {
        let sql = "SELECT raw, kept_status, kept FROM attempts WHERE attempt_id = ?";
        self.read_reply(sql, attempt_id)
    }

    pub(super) fn read_reply(
        &self,
        sql: &str,
        row_id: i64,
    ) -> Result<(Option<KeptReply>, String), StoreError> {
        let read = self
            .connection()
            .query_row(sql, [row_id], |row| Ok((row.get::<_, Vec<u8>>(0)?, read_kept(row, 1)?)));
        let (raw, kept) = self.guard(read)?;
        Ok((kept, unpack(&raw).map_err(|detail| self.damaged(detail))?))
    }

    /// Three columns: status and text of a kept reply, and of which call this was read anew.
    pub(super) fn kept_columns(&self) -> &'static str {
        if self.keeps_replies { "kept_status, kept, reread_of" } else { "NULL, NULL, NULL" }
    }

    /// The outcome, and the image that was kept though it failed.
    fn parse_outcome(
        &self,
        columns: OutcomeColumns,
        kept: Option<(String, String)>,
    ) -> Result<(Outcome<ImageRecord>, Option<ImageRef>), StoreError> {
        if columns.outcome == DONE {
            let image = columns.image.zip(columns.size);
            let image = image.map(|((hash, format), (width, height))| (hash, format, width, height));
            return Ok((Outcome::Done(self.parse_record(image, columns.notes)?), None));
        }
        let failure = self.parse_failure(&columns.outcome, columns.detail)?;
        let kept = kept.map(|(hash, format)| self.parse_image(&hash, &format)).transpose()?;
        Ok((Outcome::Failed(failure), kept))
    }
}

/// Seven columns that `samples` and `attempts` share.
struct OutcomeColumns {
    outcome: String,
    detail: String,
    image: Option<(String, String)>,
    size: Option<(u32, u32)>,
    notes: String,
}

impl OutcomeColumns {
    fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let (width, height): (Option<u32>, Option<u32>) = (row.get(first + 4)?, row.get(first + 5)?);
        Ok(Self {
            outcome: row.get(first)?,
            detail: row.get(first + 1)?,
            image: read_image_columns(row, first + 2)?,
            size: width.zip(height),
            notes: row.get(first + 6)?,
        })
    }
}

fn read_id(row: &Row<'_>, first: usize) -> rusqlite::Result<SampleId> {
    let case = CaseId::new(row.get::<_, String>(first)?);
    Ok(SampleId { case, ordinal: row.get(first + 1)?, round: row.get(first + 2)? })
}

fn read_image_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<(String, String)>> {
    let (hash, format): (Option<String>, Option<String>) = (row.get(first)?, row.get(first + 1)?);
    Ok(hash.zip(format))
}

fn read_attempt(
    row: &Row<'_>,
    outcome: Outcome<ImageRecord>,
    kept_image: Option<ImageRef>,
    raw: String,
) -> rusqlite::Result<AttemptRecord> {
    let tokens = |index: usize| -> rusqlite::Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(index)?.and_then(|count| u64::try_from(count).ok()))
    };
    Ok(AttemptRecord {
        id: read_id(row, 0)?,
        work_key: WorkKey::new(row.get::<_, String>(10)?),
        began_ms: row.get(11)?,
        duration_ms: row.get(12)?,
        prompt: row.get(13)?,
        seed: parse_seed(row.get(14)?),
        outcome,
        kept_image,
        usage: Usage {
            text_input: tokens(15)?,
            image_input: tokens(16)?,
            cached_input: tokens(17)?,
            text_output: tokens(18)?,
            image_output: tokens(19)?,
        },
        charge: read_charge(row, 20)?,
        revised_prompt: row.get(26)?,
        state: row.get(27)?,
        raw,
        kept: read_kept(row, 29)?,
        reread_of: row.get(31)?,
    })
}

/// Status and text.
pub(super) fn read_kept(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<KeptReply>> {
    let (status, packed): (Option<u16>, Option<Vec<u8>>) = (row.get(first)?, row.get(first + 1)?);
    Ok(status.zip(packed).map(|(status, packed)| KeptReply { status, packed }))
}

/// Seeds are text, because SQLite's integers have a sign.
fn parse_seed(text: Option<String>) -> Option<u64> {
    text.and_then(|text| text.parse().ok())
}

fn insert_call(transaction: &Transaction<'_>, call: &CallBegun) -> rusqlite::Result<()> {
    let (kind, id, item) = match &call.purpose {
        CallPurpose::Image(id) => (IMAGE, id.clone(), None),
        CallPurpose::Rewrite => (REWRITE, SampleId { case: CaseId::new(""), ordinal: 0, round: 0 }, None),
        CallPurpose::Judgment(item) => (JUDGMENT, item.id.clone(), Some(item)),
    };
    let mut statement = transaction.prepare_cached(
        "INSERT INTO calls_in_flight (work_key, kind, case_id, ordinal, round, prompt, seed, began_ms, estimate_nanos,
             judge_id, role, image_sha256, repeat)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    statement.execute(params![
        call.work_key.as_str(),
        kind,
        id.case.as_str(),
        id.ordinal,
        id.round,
        call.prompt,
        call.seed.map(|seed| seed.to_string()),
        call.began_ms,
        call.estimate.map(Usd::nanos),
        item.map(|item| item.judge_id.as_str()),
        item.map(|item| item.role.code()),
        item.map(|item| item.image.as_str()),
        item.map(|item| item.repeat),
    ])?;
    Ok(())
}

fn raise_estimate(transaction: &Transaction<'_>, work_key: &WorkKey, more: Usd) -> rusqlite::Result<()> {
    let estimate = raised("estimate_nanos", "?");
    let sql = format!("UPDATE calls_in_flight SET estimate_nanos = {estimate} WHERE work_key = ?");
    transaction.prepare_cached(&sql)?.execute(params![more.nanos(), work_key.as_str()])?;
    Ok(())
}

fn read_calls(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<CallBegun>> {
    let mut statement = transaction.prepare(
        "SELECT work_key, judge_id, role, case_id, ordinal, round, image_sha256, repeat, kind, prompt, seed, began_ms,
                estimate_nanos
         FROM calls_in_flight ORDER BY began_ms, case_id, ordinal, round, work_key",
    )?;
    let rows = statement.query_map([], |row| {
        let kind: String = row.get(8)?;
        let purpose = match kind.as_str() {
            REWRITE => CallPurpose::Rewrite,
            JUDGMENT => {
                let malformed =
                    |detail: String| rusqlite::Error::FromSqlConversionFailure(6, Type::Text, detail.into());
                CallPurpose::Judgment(read_item(row, 0)?.map_err(malformed)?)
            }
            _ => CallPurpose::Image(read_id(row, 3)?),
        };
        Ok(CallBegun {
            work_key: WorkKey::new(row.get::<_, String>(0)?),
            purpose,
            prompt: row.get(9)?,
            seed: parse_seed(row.get(10)?),
            began_ms: row.get(11)?,
            estimate: read_amount(row, 12)?,
        })
    })?;
    rows.collect()
}

fn end_call(transaction: &Transaction<'_>, work_key: &WorkKey) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("DELETE FROM calls_in_flight WHERE work_key = ?")?;
    statement.execute([work_key.as_str()])?;
    Ok(())
}

fn insert_attempt(transaction: &Transaction<'_>, attempt: &AttemptRecord) -> rusqlite::Result<i64> {
    let AttemptRecord { id, outcome, usage, charge, .. } = attempt;
    let record = outcome.done();
    let (code, detail) = code_of(outcome);
    let image = record.map(|record| (&record.hash, record.format));
    let image = image.or(attempt.kept_image.as_ref().map(|kept| (&kept.hash, kept.format)));
    let tokens = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    transaction.prepare_cached(INSERT_ATTEMPT)?.execute(params![
        attempt.work_key.as_str(),
        id.case.as_str(),
        id.ordinal,
        id.round,
        attempt.began_ms,
        attempt.duration_ms,
        attempt.prompt,
        attempt.seed.map(|seed| seed.to_string()),
        code,
        detail,
        image.map(|(hash, _)| hash.as_str()),
        image.map(|(_, format)| format.extension()),
        record.map(|record| record.width),
        record.map(|record| record.height),
        record.map(render_notes).unwrap_or_default(),
        tokens(usage.text_input),
        tokens(usage.image_input),
        tokens(usage.cached_input),
        tokens(usage.text_output),
        tokens(usage.image_output),
        charge.cost.as_ref().map(|cost| cost.amount.nanos()),
        charge.cost.as_ref().map_or("", |cost| cost.basis.as_str()),
        charge.possible.nanos(),
        charge.is_unpriced,
        charge.tries,
        charge.lost_tries,
        attempt.revised_prompt,
        attempt.state,
        pack(&attempt.raw),
        attempt.kept.as_ref().map(|kept| kept.status),
        attempt.kept.as_ref().map(|kept| kept.packed.as_slice()),
        attempt.reread_of,
    ])?;
    Ok(transaction.last_insert_rowid())
}

fn replace_failed_sample(
    transaction: &Transaction<'_>,
    attempt: &AttemptRecord,
    attempt_id: i64,
) -> rusqlite::Result<()> {
    let AttemptRecord { id, outcome, .. } = attempt;
    let sql = "SELECT 1 FROM samples WHERE case_id = ? AND ordinal = ? AND round = ? AND outcome = 'done'";
    let find = params![id.case.as_str(), id.ordinal, id.round];
    let is_done = transaction.prepare_cached(sql)?.query_row(find, |_| Ok(())).optional()?.is_some();
    if is_done {
        return Ok(());
    }
    let sample = Sample { id: id.clone(), source: source_of(id), outcome: outcome.clone() };
    transaction.prepare_cached("DELETE FROM samples WHERE source = ?")?.execute([&sample.source])?;
    insert_sample(transaction, &sample, &Origin::Attempt(attempt_id))
}

fn accept_image(transaction: &Transaction<'_>, id: &SampleId, record: &ImageRecord) -> rusqlite::Result<()> {
    let sql = "UPDATE samples SET outcome = 'done', detail = '', image_sha256 = ?, format = ?, width = ?, height = ?,
                   notes = ?
               WHERE source = ? AND outcome <> 'done'";
    transaction.execute(
        sql,
        params![
            record.hash.as_str(),
            record.format.extension(),
            record.width,
            record.height,
            render_notes(record),
            source_of(id),
        ],
    )?;
    Ok(())
}

/// The name of a sample that has no file.
fn source_of(id: &SampleId) -> String {
    format!("generated:{id}")
}
