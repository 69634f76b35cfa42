//! Judges, and what they said.

use imgeval_core::{CaseId, ContentHash, EndpointMeta, JudgeIdentity, Outcome, SampleId, WorkKey};
use rusqlite::{Row, Transaction, params};

use super::{
    DONE, Database,
    costs::{CHARGE, ChargeColumns, USAGE_OF_WORDS, UsageColumns},
    replies::read_kept,
};
use crate::{
    JudgedItem, JudgedRole, JudgmentRecord, KeptReply, StoreError, StoredJudge, StoredJudgment,
    UnusedJudgment,
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

    pub(crate) fn withdraw_judgments(&mut self, work_key: &WorkKey) -> Result<(), StoreError> {
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
            "SELECT {ITEM}, began_ms, outcome, detail, reply, duration_ms, {USAGE_OF_WORDS}, {CHARGE}, raw, {}
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
                    usage: UsageColumns::read_words(row, 13)?,
                    charge: ChargeColumns::read(row, 17)?,
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
        if !self.keeps_replies {
            return Ok(Vec::new());
        }
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
    pub(super) fn read_outcome(&self, row: &Row<'_>, first: usize) -> Result<Outcome<String>, StoreError> {
        let (outcome, detail): (String, String) =
            (self.guard(row.get(first))?, self.guard(row.get(first + 1))?);
        let text: Option<String> = self.guard(row.get(first + 2))?;
        match text {
            Some(text) if outcome == DONE => Ok(Outcome::Done(text)),
            None if outcome == DONE => Err(self.damaged("the words of a judgment are missing")),
            _ => Ok(Outcome::Failed(self.parse_failure(&outcome, detail)?)),
        }
    }
}

/// The item of a row whose columns were read.
pub(super) fn read_item(row: &Row<'_>, first: usize) -> rusqlite::Result<Result<JudgedItem, String>> {
    let role: String = row.get(first + 2)?;
    let image: String = row.get(first + 6)?;
    let (work_key, judge_id): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let case = CaseId::new(row.get::<_, String>(first + 3)?);
    let id = SampleId { case, ordinal: row.get(first + 4)?, round: row.get(first + 5)? };
    let repeat = row.get(first + 7)?;
    let item =
        |role, image| JudgedItem { work_key: WorkKey::new(work_key), judge_id, role, id, image, repeat };
    Ok(match (JudgedRole::from_code(&role), ContentHash::parse(&image)) {
        (Some(role), Some(image)) => Ok(item(role, image)),
        _ => Err(format!("a judgment of `{role}` has a malformed image hash or purpose")),
    })
}

/// Code, detail and text, as three columns hold them.
pub(super) fn text_columns(outcome: &Outcome<String>) -> (&'static str, &str, Option<&str>) {
    match outcome {
        Outcome::Done(text) => (DONE, "", Some(text)),
        Outcome::Failed(failure) => (failure.kind.code(), &failure.detail, None),
    }
}

pub(super) fn insert_judgment(
    transaction: &Transaction<'_>,
    judgment: &JudgmentRecord,
) -> rusqlite::Result<()> {
    let item = &judgment.item;
    let (usage, charge) = (UsageColumns::of(&judgment.usage), ChargeColumns::of(&judgment.charge));
    let (code, detail, reply) = text_columns(&judgment.outcome);
    let sql = format!(
        "INSERT INTO judgments ({ITEM}, began_ms, duration_ms, outcome, detail, reply, {USAGE_OF_WORDS},
             {CHARGE}, raw, kept_status, kept, reread_of)
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
        usage.text_input,
        usage.image_input,
        usage.cached_input,
        usage.text_output,
        charge.cost_nanos,
        charge.cost_basis,
        charge.possible_nanos,
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
