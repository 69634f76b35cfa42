//! Finished calls for images, and the samples that they make.

use std::collections::BTreeMap;

use imgeval_core::{CaseId, ImageRecord, ImageRef, Outcome, Sample, SampleId, WorkKey};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{
    DONE, Database,
    costs::{CHARGE, ChargeColumns, USAGE_OF_IMAGE, USAGE_OF_WORDS, UsageColumns},
    render_notes,
    replies::read_kept,
    samples::{Origin, code_of, insert_sample},
};
use crate::{
    AttemptRecord, GeneratedSample, KeptReply, StoreError, UnusedReply,
    kept_reply::{pack, unpack},
};

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

impl Database {
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

    pub(crate) fn for_each_attempt(&self, mut visit: impl FnMut(AttemptRecord)) -> Result<(), StoreError> {
        if !self.can_generate {
            return Ok(());
        }
        let sql = format!(
            "SELECT case_id, ordinal, round, outcome, detail, image_sha256, format, width, height, notes,
                    work_key, began_ms, duration_ms, prompt, seed, {USAGE_OF_WORDS}, {USAGE_OF_IMAGE}, {CHARGE},
                    revised_prompt, state, raw, {}
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
        if !self.keeps_replies {
            return Ok(Vec::new());
        }
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

pub(super) fn read_id(row: &Row<'_>, first: usize) -> rusqlite::Result<SampleId> {
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
    Ok(AttemptRecord {
        id: read_id(row, 0)?,
        work_key: WorkKey::new(row.get::<_, String>(10)?),
        began_ms: row.get(11)?,
        duration_ms: row.get(12)?,
        prompt: row.get(13)?,
        seed: parse_seed(row.get(14)?),
        outcome,
        kept_image,
        usage: UsageColumns::read_image(row, 15)?,
        charge: ChargeColumns::read(row, 20)?,
        revised_prompt: row.get(26)?,
        state: row.get(27)?,
        raw,
        kept: read_kept(row, 29)?,
        reread_of: row.get(31)?,
    })
}

/// Seeds are text, because SQLite's integers have a sign.
pub(super) fn parse_seed(text: Option<String>) -> Option<u64> {
    text.and_then(|text| text.parse().ok())
}

pub(super) fn insert_attempt(
    transaction: &Transaction<'_>,
    attempt: &AttemptRecord,
) -> rusqlite::Result<i64> {
    let AttemptRecord { id, outcome, .. } = attempt;
    let (usage, charge) = (UsageColumns::of(&attempt.usage), ChargeColumns::of(&attempt.charge));
    let record = outcome.done();
    let (code, detail) = code_of(outcome);
    let image = record.map(|record| (&record.hash, record.format));
    let image = image.or(attempt.kept_image.as_ref().map(|kept| (&kept.hash, kept.format)));
    let sql = format!(
        "INSERT INTO attempts (work_key, case_id, ordinal, round, began_ms, duration_ms, prompt, seed, outcome, detail,
             image_sha256, format, width, height, notes, {USAGE_OF_WORDS}, {USAGE_OF_IMAGE}, {CHARGE}, revised_prompt,
             state, raw, kept_status, kept, reread_of)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    transaction.prepare_cached(&sql)?.execute(params![
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
        usage.text_input,
        usage.image_input,
        usage.cached_input,
        usage.text_output,
        usage.image_output,
        charge.cost_nanos,
        charge.cost_basis,
        charge.possible_nanos,
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

pub(super) fn replace_failed_sample(
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

pub(super) fn accept_image(
    transaction: &Transaction<'_>,
    id: &SampleId,
    record: &ImageRecord,
) -> rusqlite::Result<()> {
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
