//! What calls used and cost. Numbers that no call of ours can have written are bounded, so that sums cannot overflow and a run that
//! holds such numbers can still be read.

use imgeval_core::{CaseId, Cost, SampleId, Usage, Usd};
use rusqlite::{OptionalExtension, Params, Row};

use super::Database;
use crate::{Charge, Spend, StoreError};

/// Half of the largest integer of SQLite: two such numbers can be added.
const MAX_ADDEND: i64 = i64::MAX / 2;

/// SQL of a column's number and another, which must not overflow: SQLite would take the sum for a float, which the column
/// does not.
pub(super) fn raised(column: &str, by: &str) -> String {
    format!("min({column}, {MAX_ADDEND}) + min({by}, {MAX_ADDEND})")
}

/// An amount is never below zero, or it would make room in a budget.
pub(super) fn read_amount(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Usd>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(|nanos| Usd::from_nanos(nanos.max(0))))
}

fn read_count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or_default())
}

/// The columns of [`ChargeColumns`], in order.
pub(super) const CHARGE: &str = "cost_nanos, cost_basis, possible_nanos, is_unpriced, tries, lost_tries";

/// What a call is held to have cost, as `attempts`, `judgments` and `rewrites` hold it.
pub(super) struct ChargeColumns<'a> {
    pub(super) cost_nanos: Option<i64>,
    pub(super) cost_basis: &'a str,
    pub(super) possible_nanos: i64,
    pub(super) is_unpriced: bool,
    pub(super) tries: u32,
    pub(super) lost_tries: u32,
}

impl<'a> ChargeColumns<'a> {
    pub(super) fn of(charge: &'a Charge) -> Self {
        Self {
            cost_nanos: charge.cost.as_ref().map(|cost| cost.amount.nanos()),
            cost_basis: charge.cost.as_ref().map_or("", |cost| cost.basis.as_str()),
            possible_nanos: charge.possible.nanos(),
            is_unpriced: charge.is_unpriced,
            tries: charge.tries,
            lost_tries: charge.lost_tries,
        }
    }

    /// Reads the columns of [`CHARGE`].
    pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Charge> {
        let basis = row.get(first + 1)?;
        let tries = |index| read_count(row, index).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        Ok(Charge {
            cost: read_amount(row, first)?.map(|amount| Cost { amount, basis }),
            possible: read_amount(row, first + 2)?.unwrap_or_default(),
            is_unpriced: read_count(row, first + 3)? > 0,
            tries: tries(first + 4)?,
            lost_tries: tries(first + 5)?,
        })
    }
}

/// The columns of a call that gave words: all of [`UsageColumns`] but the last.
pub(super) const USAGE_OF_WORDS: &str = "text_input, image_input, cached_input, text_output";

/// The column of a call that gave an image, behind those of [`USAGE_OF_WORDS`].
pub(super) const USAGE_OF_IMAGE: &str = "image_output";

/// How many tokens a call used, as SQLite's integers hold it.
pub(super) struct UsageColumns {
    pub(super) text_input: Option<i64>,
    pub(super) image_input: Option<i64>,
    pub(super) cached_input: Option<i64>,
    pub(super) text_output: Option<i64>,
    pub(super) image_output: Option<i64>,
}

impl UsageColumns {
    pub(super) fn of(usage: &Usage) -> Self {
        let tokens = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        Self {
            text_input: tokens(usage.text_input),
            image_input: tokens(usage.image_input),
            cached_input: tokens(usage.cached_input),
            text_output: tokens(usage.text_output),
            image_output: tokens(usage.image_output),
        }
    }

    /// Reads the columns of [`USAGE_OF_WORDS`].
    pub(super) fn read_words(row: &Row<'_>, first: usize) -> rusqlite::Result<Usage> {
        Ok(Usage {
            text_input: read_tokens(row, first)?,
            image_input: read_tokens(row, first + 1)?,
            cached_input: read_tokens(row, first + 2)?,
            text_output: read_tokens(row, first + 3)?,
            image_output: None,
        })
    }

    /// Reads the columns of [`USAGE_OF_WORDS`] and [`USAGE_OF_IMAGE`].
    pub(super) fn read_image(row: &Row<'_>, first: usize) -> rusqlite::Result<Usage> {
        Ok(Usage { image_output: read_tokens(row, first + 4)?, ..Self::read_words(row, first)? })
    }
}

fn read_tokens(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(index)?.and_then(|count| u64::try_from(count).ok()))
}

impl Database {
    pub(crate) fn spend(&self) -> Result<Spend, StoreError> {
        let mut spend = Spend::default();
        if !self.can_generate {
            return Ok(spend);
        }
        let calls_of = |table: &str| {
            format!(
                "SELECT cost_nanos, possible_nanos, tries > 0, is_unpriced <> 0, tries, lost_tries FROM {table}"
            )
        };
        let judgments =
            if self.can_judge { format!("UNION ALL {}", calls_of("judgments")) } else { String::new() };
        let sql = format!(
            "{} {judgments}
             UNION ALL SELECT cost_nanos, possible_nanos, calls, unpriced_calls, tries, lost_tries FROM rewrites
             UNION ALL SELECT 0, estimate_nanos, 1, estimate_nanos IS NULL, 1, 1 FROM calls_in_flight",
            calls_of("attempts")
        );
        // Added here and not by SQLite, whose sum fails where it overflows.
        self.visit(&sql, (), |row| {
            spend.add_calls(&Spend {
                known: read_amount(row, 0)?.unwrap_or_default(),
                possible: read_amount(row, 1)?.unwrap_or_default(),
                calls: read_count(row, 2)?,
                unpriced_calls: read_count(row, 3)?,
                tries: read_count(row, 4)?,
                lost_tries: read_count(row, 5)?,
            });
            Ok(())
        })?;
        Ok(spend)
    }

    pub(crate) fn image_costs(&self) -> Result<Vec<(SampleId, Usd)>, StoreError> {
        if !self.keeps_replies {
            return Ok(Vec::new());
        }
        let sql = "SELECT case_id, ordinal, round, max(cost_nanos) FROM attempts
                   WHERE cost_nanos IS NOT NULL AND reread_of IS NULL GROUP BY case_id, ordinal, round";
        let mut costs = Vec::new();
        self.visit(sql, (), |row| {
            let case = CaseId::new(row.get::<_, String>(0)?);
            let id = SampleId { case, ordinal: row.get(1)?, round: row.get(2)? };
            costs.extend(read_amount(row, 3)?.map(|amount| (id, amount)));
            Ok(())
        })?;
        Ok(costs)
    }

    pub(crate) fn rewrite_costs(&self) -> Result<Vec<(String, Usd)>, StoreError> {
        if !self.can_generate {
            return Ok(Vec::new());
        }
        let mut costs = Vec::new();
        let sql = "SELECT prompt, cost_nanos / calls FROM rewrites WHERE cost_nanos > 0 AND calls > 0";
        self.visit(sql, (), |row| {
            costs.push((row.get(0)?, read_amount(row, 1)?.unwrap_or_default()));
            Ok(())
        })?;
        Ok(costs)
    }

    pub(crate) fn dearest_judgment(&self, judge_id: &str) -> Result<Option<Usd>, StoreError> {
        if !self.keeps_replies {
            return Ok(None);
        }
        let sql = "SELECT max(cost_nanos) FROM judgments WHERE judge_id = ? AND reread_of IS NULL";
        let found = self.connection().query_row(sql, [judge_id], |row| read_amount(row, 0)).optional();
        Ok(self.guard(found)?.flatten())
    }

    fn visit(
        &self,
        sql: &str,
        parameters: impl Params,
        mut visit: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query(parameters))?;
        while let Some(row) = self.guard(rows.next())? {
            self.guard(visit(row))?;
        }
        Ok(())
    }
}
