//! Replies to calls as attempts and judgments keep them.

use rusqlite::Row;

use super::Database;
use crate::{KeptReply, StoreError, kept_reply::unpack};

impl Database {
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

    /// Three columns: status and text of a stored reply, and the call that this row re-reads.
    pub(super) fn kept_columns(&self) -> &'static str {
        if self.keeps_replies { "kept_status, kept, reread_of" } else { "NULL, NULL, NULL" }
    }
}

/// Status and text.
pub(super) fn read_kept(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<KeptReply>> {
    let (status, packed): (Option<u16>, Option<Vec<u8>>) = (row.get(first)?, row.get(first + 1)?);
    Ok(status.zip(packed).map(|(status, packed)| KeptReply { status, packed }))
}
