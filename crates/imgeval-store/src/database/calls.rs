//! Calls in progress, and the records made when they end.

use imgeval_core::{CaseId, Failure, FailureKind, Outcome, SampleId, Usage, Usd, WorkKey};
use rusqlite::{Transaction, params, types::Type};

use super::{
    Database,
    attempts::{accept_image, insert_attempt, parse_seed, read_id, replace_failed_sample},
    costs::{raised, read_amount},
    judgments::{insert_judgment, read_item},
    rewrites::upsert_rewrite,
};
use crate::{
    AttemptRecord, CallBegun, CallPurpose, Charge, GenerationBatch, JudgmentRecord, RewriteRecord, StoreError,
};

const IMAGE: &str = "image";
const REWRITE: &str = "rewrite";
const JUDGMENT: &str = "judgment";

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
    /// Whether there is a result that was requested under the run's parameters and must not be mistaken for another.
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
