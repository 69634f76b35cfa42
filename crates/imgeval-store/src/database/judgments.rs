//! Judges, what they said, and measurements.

use imgeval_core::{CaseId, ContentHash, EndpointMeta, JudgeIdentity, Outcome, SampleId, Usage};
use rusqlite::{Row, Transaction, params};

use super::{DONE, Database, costs::read_charge, generation::read_kept};
use crate::{
    JudgmentRecord, KeptReply, MeasurementRecord, StoreError, StoredJudge, StoredJudgment, UnusedJudgment,
    judgments::read_item,
    kept_reply::{pack, unpack},
};

/// Eight columns of a judged item, as [`read_item`] expects them.
const ITEM: &str = "work_key, judge_id, role, case_id, ordinal, round, image_sha256, repeat";

const WITHDRAW: &str = "UPDATE judgments SET is_withdrawn = 1 WHERE work_key = ?";

impl Database {
    pub(crate) fn record_judge(&self, judge: &StoredJudge) -> Result<(), StoreError> {
        let JudgeIdentity { judge: meta, protocol, protocol_hash } = &judge.identity;
        let result = self.connection().execute(
            "INSERT INTO judges (judge_id, provider, endpoint, model, version, protocol, protocol_sha256, protocol_text)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![
                judge.identity.id(),
                meta.provider,
                meta.endpoint,
                meta.model,
                meta.version,
                protocol,
                protocol_hash.as_str(),
                judge.protocol,
            ],
        );
        self.guard(result).map(drop)
    }

    pub(crate) fn judges(&self) -> Result<Vec<StoredJudge>, StoreError> {
        if !self.can_judge {
            return Ok(Vec::new());
        }
        let read = || -> rusqlite::Result<Vec<(StoredJudge, String)>> {
            let sql = "SELECT provider, endpoint, model, version, protocol, protocol_sha256, protocol_text FROM judges
                       ORDER BY rowid";
            let mut statement = self.connection().prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let (provider, endpoint, model) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let judge = EndpointMeta { provider, endpoint, model, version: row.get(3)? };
                let hash: String = row.get(5)?;
                // Replaced below, where it can be refused.
                let protocol_hash = ContentHash::of(b"");
                let identity = JudgeIdentity { judge, protocol: row.get(4)?, protocol_hash };
                Ok((StoredJudge { identity, protocol: row.get(6)? }, hash))
            })?;
            rows.collect()
        };
        let judge = |(mut judge, hash): (StoredJudge, String)| {
            let hash = ContentHash::parse(&hash);
            judge.identity.protocol_hash =
                hash.ok_or_else(|| self.damaged("the hash of a protocol is malformed"))?;
            Ok(judge)
        };
        self.guard(read())?.into_iter().map(judge).collect()
    }

    pub(crate) fn record_judgments(&mut self, batch: &[JudgmentRecord]) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            batch.iter().try_for_each(|judgment| insert_judgment(transaction, judgment))
        })
    }

    pub(crate) fn withdraw_judgments(&mut self, work_key: &imgeval_core::WorkKey) -> Result<(), StoreError> {
        let result = self.connection().execute(WITHDRAW, [work_key.as_str()]);
        self.guard(result).map(drop)
    }

    pub(crate) fn replace_judgment(&mut self, judgment: &JudgmentRecord) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            transaction.execute(WITHDRAW, [judgment.item.work_key.as_str()])?;
            insert_judgment(transaction, judgment)
        })
    }

    pub(crate) fn for_each_judgment(
        &self,
        judge_id: Option<&str>,
        mut visit: impl FnMut(StoredJudgment),
    ) -> Result<(), StoreError> {
        if !self.can_judge {
            return Ok(());
        }
        let sql = format!(
            "SELECT {ITEM}, began_ms, outcome, detail, reply FROM judgments
             WHERE is_withdrawn = 0 AND (?1 IS NULL OR judge_id = ?1) ORDER BY judgment_id"
        );
        let mut statement = self.guard(self.connection().prepare(&sql))?;
        let mut rows = self.guard(statement.query([judge_id]))?;
        while let Some(row) = self.guard(rows.next())? {
            let item = self.guard(read_item(row, 0))?.map_err(|detail| self.damaged(detail))?;
            let outcome = self.read_outcome(row, 9)?;
            visit(StoredJudgment { item, began_ms: self.guard(row.get(8))?, outcome });
        }
        Ok(())
    }

    pub(crate) fn for_each_judgment_call(
        &self,
        mut visit: impl FnMut(JudgmentRecord),
    ) -> Result<(), StoreError> {
        if !self.can_judge {
            return Ok(());
        }
        let sql = format!(
            "SELECT {ITEM}, began_ms, outcome, detail, reply, duration_ms, text_input, image_input, cached_input,
                    text_output, cost_nanos, cost_basis, possible_nanos, is_unpriced, tries, lost_tries, raw, {}
             FROM judgments ORDER BY judgment_id",
            self.kept_columns()
        );
        let mut statement = self.guard(self.connection().prepare(&sql))?;
        let mut rows = self.guard(statement.query([]))?;
        while let Some(row) = self.guard(rows.next())? {
            let item = self.guard(read_item(row, 0))?.map_err(|detail| self.damaged(detail))?;
            let outcome = self.read_outcome(row, 9)?;
            let raw: Vec<u8> = self.guard(row.get(23))?;
            let raw = unpack(&raw).map_err(|detail| self.damaged(detail))?;
            let read = || -> rusqlite::Result<JudgmentRecord> {
                Ok(JudgmentRecord {
                    item,
                    began_ms: row.get(8)?,
                    duration_ms: row.get(12)?,
                    outcome,
                    usage: Usage {
                        text_input: read_count(row, 13)?,
                        image_input: read_count(row, 14)?,
                        cached_input: read_count(row, 15)?,
                        text_output: read_count(row, 16)?,
                        image_output: None,
                    },
                    charge: read_charge(row, 17)?,
                    raw,
                    kept: read_kept(row, 24)?,
                    reread_of: row.get(26)?,
                })
            };
            visit(self.guard(read())?);
        }
        Ok(())
    }

    pub(crate) fn unused_judgments(&self) -> Result<Vec<UnusedJudgment>, StoreError> {
        let sql = format!(
            "SELECT {ITEM}, judgment_id,
                    coalesce((SELECT outcome FROM judgments r WHERE r.reread_of = j.judgment_id
                              ORDER BY r.judgment_id DESC LIMIT 1), outcome),
                    detail, cost_nanos IS NOT NULL OR possible_nanos > 0,
                    NOT EXISTS (SELECT 1 FROM judgments l WHERE l.work_key = j.work_key AND l.is_withdrawn = 0
                                AND l.judgment_id > j.judgment_id AND l.reread_of IS NOT j.judgment_id)
             FROM judgments j
             WHERE outcome <> 'done' AND is_withdrawn = 0 AND reread_of IS NULL
               AND NOT EXISTS (SELECT 1 FROM judgments d WHERE d.work_key = j.work_key AND d.is_withdrawn = 0
                               AND d.outcome = 'done')
             ORDER BY work_key, judgment_id DESC"
        );
        let mut statement = self.guard(self.connection().prepare(&sql))?;
        let mut rows = self.guard(statement.query([]))?;
        let mut unused = Vec::new();
        while let Some(row) = self.guard(rows.next())? {
            let item = self.guard(read_item(row, 0))?.map_err(|detail| self.damaged(detail))?;
            let (outcome, detail): (String, String) = (self.guard(row.get(9))?, self.guard(row.get(10))?);
            unused.push(UnusedJudgment {
                judgment_id: self.guard(row.get(8))?,
                item,
                failure: self.parse_failure(&outcome, detail)?,
                is_charged: self.guard(row.get(11))?,
                is_last: self.guard(row.get(12))?,
            });
        }
        Ok(unused)
    }

    pub(crate) fn reply_of_judgment(
        &self,
        judgment_id: i64,
    ) -> Result<(Option<KeptReply>, String), StoreError> {
        self.read_reply("SELECT raw, kept_status, kept FROM judgments WHERE judgment_id = ?", judgment_id)
    }

    /// Outcome, detail and text, in this order.
    fn read_outcome(&self, row: &Row<'_>, first: usize) -> Result<Outcome<String>, StoreError> {
        let (outcome, detail): (String, String) =
            (self.guard(row.get(first))?, self.guard(row.get(first + 1))?);
        let text: Option<String> = self.guard(row.get(first + 2))?;
        match text {
            Some(text) if outcome == DONE => Ok(Outcome::Done(text)),
            None if outcome == DONE => Err(self.damaged("the words of a judgment are missing")),
            _ => Ok(Outcome::Failed(self.parse_failure(&outcome, detail)?)),
        }
    }

    pub(crate) fn record_measurements(&mut self, batch: &[MeasurementRecord]) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            let sql = "INSERT OR REPLACE INTO measurements
                           (meter, case_id, ordinal, round, image_sha256, outcome, detail, payload)
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
            let mut statement = transaction.prepare_cached(sql)?;
            for MeasurementRecord { meter, id, image, outcome } in batch {
                let (code, detail, payload) = text_columns(outcome);
                let case = id.case.as_str();
                statement.execute(params![
                    meter,
                    case,
                    id.ordinal,
                    id.round,
                    image.as_str(),
                    code,
                    detail,
                    payload
                ])?;
            }
            Ok(())
        })
    }

    pub(crate) fn measurements(&self) -> Result<Vec<MeasurementRecord>, StoreError> {
        if !self.can_judge {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT meter, case_id, ordinal, round, image_sha256, outcome, detail, payload FROM measurements
                   ORDER BY meter, case_id, ordinal, round";
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query([]))?;
        let mut measurements = Vec::new();
        while let Some(row) = self.guard(rows.next())? {
            let image: String = self.guard(row.get(4))?;
            let image =
                ContentHash::parse(&image).ok_or_else(|| self.damaged("an image hash is malformed"))?;
            let outcome = self.read_outcome(row, 5)?;
            let read = || -> rusqlite::Result<MeasurementRecord> {
                let case = CaseId::new(row.get::<_, String>(1)?);
                let id = SampleId { case, ordinal: row.get(2)?, round: row.get(3)? };
                Ok(MeasurementRecord { meter: row.get(0)?, id, image, outcome })
            };
            measurements.push(self.guard(read())?);
        }
        Ok(measurements)
    }
}

/// Code, detail and text, as three columns hold them.
fn text_columns(outcome: &Outcome<String>) -> (&'static str, &str, Option<&str>) {
    match outcome {
        Outcome::Done(text) => (DONE, "", Some(text)),
        Outcome::Failed(failure) => (failure.kind.code(), &failure.detail, None),
    }
}

fn read_count(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(index)?.and_then(|count| u64::try_from(count).ok()))
}

pub(super) fn insert_judgment(
    transaction: &Transaction<'_>,
    judgment: &JudgmentRecord,
) -> rusqlite::Result<()> {
    let JudgmentRecord { item, usage, charge, .. } = judgment;
    let (code, detail, reply) = text_columns(&judgment.outcome);
    let tokens = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let sql = format!(
        "INSERT INTO judgments ({ITEM}, began_ms, duration_ms, outcome, detail, reply, text_input, image_input,
             cached_input, text_output, cost_nanos, cost_basis, possible_nanos, is_unpriced, tries, lost_tries, raw,
             kept_status, kept, reread_of)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    transaction.prepare_cached(&sql)?.execute(params![
        item.work_key.as_str(),
        item.judge_id,
        item.role.code(),
        item.id.case.as_str(),
        item.id.ordinal,
        item.id.round,
        item.image.as_str(),
        item.repeat,
        judgment.began_ms,
        judgment.duration_ms,
        code,
        detail,
        reply,
        tokens(usage.text_input),
        tokens(usage.image_input),
        tokens(usage.cached_input),
        tokens(usage.text_output),
        charge.cost.as_ref().map(|cost| cost.amount.nanos()),
        charge.cost.as_ref().map_or("", |cost| cost.basis.as_str()),
        charge.possible.nanos(),
        charge.is_unpriced,
        charge.tries,
        charge.lost_tries,
        pack(&judgment.raw),
        judgment.kept.as_ref().map(|kept| kept.status),
        judgment.kept.as_ref().map(|kept| kept.packed.as_slice()),
        judgment.reread_of,
    ])?;
    Ok(())
}
