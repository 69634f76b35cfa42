//! Prompts that a model rewrote. A row holds the last answer and the cost of every call for it.

use std::collections::BTreeMap;

use imgeval_core::{Outcome, WorkKey};
use rusqlite::{Transaction, params};

use super::{
    DONE, Database,
    costs::{ChargeColumns, UsageColumns, raised},
};
use crate::{RewriteRecord, StoreError, kept_reply::pack};

impl Database {
    pub(crate) fn rewrites(&self) -> Result<BTreeMap<WorkKey, Outcome<String>>, StoreError> {
        if !self.can_generate {
            return Ok(BTreeMap::new());
        }
        type Columns = (String, String, String, Option<String>);
        let read = || -> rusqlite::Result<Vec<Columns>> {
            let sql = "SELECT work_key, outcome, detail, rewritten FROM rewrites";
            let mut statement = self.connection().prepare(sql)?;
            let rows = statement.query_map([], |row| row.try_into())?;
            rows.collect()
        };
        let answer = |(work_key, outcome, detail, rewritten): Columns| {
            let outcome = match rewritten {
                Some(text) if outcome == DONE => Outcome::Done(text),
                None if outcome == DONE => return Err(self.damaged("a rewritten prompt is missing")),
                _ => Outcome::Failed(self.parse_failure(&outcome, detail)?),
            };
            Ok((WorkKey::new(work_key), outcome))
        };
        self.guard(read())?.into_iter().map(answer).collect()
    }
}

/// Replaces the last answer and adds the cost.
pub(super) fn upsert_rewrite(transaction: &Transaction<'_>, rewrite: &RewriteRecord) -> rusqlite::Result<()> {
    let (usage, charge) = (UsageColumns::of(&rewrite.usage), ChargeColumns::of(&rewrite.charge));
    let (code, detail, rewritten) = match &rewrite.outcome {
        Outcome::Done(text) => (DONE, "", Some(text)),
        Outcome::Failed(failure) => (failure.kind.code(), failure.detail.as_str(), None),
    };
    let sum = |column: &str| format!("{column} = {}", raised(column, &format!("excluded.{column}")));
    let sums = ["cost_nanos", "possible_nanos", "calls", "unpriced_calls", "tries", "lost_tries"]
        .map(sum)
        .join(", ");
    let sql = format!(
        "INSERT INTO rewrites (work_key, prompt, outcome, detail, rewritten, text_input, cached_input, text_output,
             cost_nanos, cost_basis, possible_nanos, calls, unpriced_calls, tries, lost_tries, raw)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail,
             rewritten = excluded.rewritten, text_input = excluded.text_input,
             cached_input = excluded.cached_input, text_output = excluded.text_output,
             cost_basis = excluded.cost_basis, raw = excluded.raw, {sums}"
    );
    transaction.prepare_cached(&sql)?.execute(params![
        rewrite.work_key.as_str(),
        rewrite.prompt,
        code,
        detail,
        rewritten,
        usage.text_input,
        usage.cached_input,
        usage.text_output,
        charge.cost_nanos.unwrap_or(0),
        charge.cost_basis,
        charge.possible_nanos,
        charge.is_unpriced,
        charge.tries,
        charge.lost_tries,
        pack(&rewrite.raw),
    ])?;
    Ok(())
}
