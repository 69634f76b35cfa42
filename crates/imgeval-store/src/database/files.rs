//! Imported files: samples as they come in, failures, and files that are nobody's sample.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use imgeval_core::{CaseId, Failure, FailureKind, ImageNote, Outcome, SampleId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    DONE, Database,
    samples::{Origin, insert_sample},
};
use crate::{ExtraFile, FileStamp, ImportedSample, KnownFile, RecordedSample, StoreError};

/// Generated samples have no file, and nothing here deletes one.
const FORGET_SAMPLE: &str = "DELETE FROM samples WHERE source = ? AND file_size IS NOT NULL";

impl Database {
    /// The records of each imported file, by source. The caller checks whether its image is in the store.
    pub(crate) fn known_files(&self) -> Result<BTreeMap<String, KnownFile>, StoreError> {
        let sql = "SELECT s.source, s.file_size, s.modified_ns, s.case_id, s.ordinal, s.notes, s.image_sha256, s.format, s.round, s.outcome, s.detail,
                          EXISTS (SELECT 1 FROM failed_observations f
                                  WHERE f.image_sha256 = s.image_sha256 AND f.outcome = ?)
                   FROM samples s WHERE s.file_size IS NOT NULL";
        let mut statement = self.guard(self.connection().prepare(sql))?;
        let mut rows = self.guard(statement.query([FailureKind::NotAccessible.code()]))?;
        let mut known = BTreeMap::new();
        while let Some(row) = self.guard(rows.next())? {
            let read = || -> rusqlite::Result<_> {
                let stamp = FileStamp { size: row.get(1)?, modified_ns: row.get(2)? };
                let case = CaseId::new(row.get::<_, String>(3)?);
                let id = SampleId { case, ordinal: row.get(4)?, round: row.get(8)? };
                let image: Option<(String, String)> = match row.get(6)? {
                    Some(hash) => Some((hash, row.get(7)?)),
                    None => None,
                };
                // Of a finished sample: the wording it was made for.
                let is_done = row.get::<_, String>(9)? == DONE;
                let rewritten_prompt =
                    row.get(10).map(|detail: String| (is_done && !detail.is_empty()).then_some(detail))?;
                let was_unreadable: bool = row.get(11)?;
                let image = image.filter(|_| !was_unreadable);
                Ok((row.get(0)?, stamp, id, row.get::<_, String>(5)?, rewritten_prompt, image))
            };
            let (source, stamp, id, notes, rewritten_prompt, image) = self.guard(read())?;
            let image = image.map(|(hash, format)| self.parse_image(&hash, &format)).transpose()?;
            let notes = self.parse_notes(&notes)?;
            known.insert(source, KnownFile { stamp, id, notes, rewritten_prompt, image });
        }
        Ok(known)
    }

    /// Deletes these files' samples, so that none of them blocks another.
    pub(crate) fn forget_samples(&mut self, sources: &[&str]) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            for source in sources {
                transaction.execute(FORGET_SAMPLE, [source])?;
            }
            Ok(())
        })
    }

    /// Records a batch of imported files in one transaction; a file imported again replaces its record.
    ///
    /// A second file for the same prompt and sample number is a duplicate, unless it has the same bytes: then the
    /// sample already exists. If the first file was deleted, the new one takes its place if both are in `root` or it
    /// has the same bytes.
    pub(crate) fn record_samples(
        &mut self,
        batch: Vec<ImportedSample>,
        root: Option<&Path>,
    ) -> Result<Vec<RecordedSample>, StoreError> {
        self.in_transaction(|transaction| {
            let mut recorded = Vec::with_capacity(batch.len());
            for mut imported in batch {
                let sample = &mut imported.sample;
                transaction.execute(FORGET_SAMPLE, [&sample.source])?;
                transaction.execute("DELETE FROM extra_files WHERE source = ?", [&sample.source])?;
                let mut became = RecordedSample::Imported;
                if let Some(record) = sample.outcome.done()
                    && let Some((holder, hash, is_file)) = holder_of(transaction, &sample.id)?
                {
                    let is_gone = is_file && !Path::new(&holder).exists();
                    let is_same = hash == record.hash.as_str();
                    let is_below_root = root.is_some_and(|root| Path::new(&holder).starts_with(root));
                    if is_gone && (is_same || is_below_root) {
                        transaction.execute(FORGET_SAMPLE, [&holder])?;
                        if !is_same {
                            became = RecordedSample::Replaced;
                        }
                    } else if is_same {
                        recorded.push(RecordedSample::AlreadyThere);
                        continue;
                    } else {
                        let gone = if is_gone { " (now deleted; the run keeps its image)" } else { "" };
                        let detail = format!("sample {} already comes from `{holder}`{gone}", sample.id);
                        let kind = FailureKind::DuplicateSample;
                        sample.outcome = Outcome::Failed(Failure { kind, detail });
                    }
                }
                let origin = Origin::File {
                    stamp: imported.stamp,
                    rewritten_prompt: imported.rewritten_prompt.as_deref(),
                };
                insert_sample(transaction, &imported.sample, &origin)?;
                let is_usable = imported.sample.outcome.done().is_some();
                recorded.push(if is_usable { became } else { RecordedSample::Failed });
            }
            Ok(recorded)
        })
    }

    /// After an import of the folder `root`: of files below it that are gone, those that were renamed (another file has
    /// the bytes) give way, the others are noted.
    pub(crate) fn settle_vanished_samples(&mut self, root: &Path) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            let done: Vec<(String, String, String)> = transaction
                .prepare("SELECT source, image_sha256, notes FROM samples WHERE outcome = 'done' AND file_size IS NOT NULL")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            let is_gone = |source: &str| Path::new(source).starts_with(root) && !Path::new(source).exists();
            let (gone, there): (Vec<_>, Vec<_>) = done.into_iter().partition(|(source, ..)| is_gone(source));
            let hashes: BTreeSet<&str> = there.iter().map(|(_, hash, _)| hash.as_str()).collect();
            for (source, hash, notes) in &gone {
                if hashes.contains(hash.as_str()) {
                    transaction.execute(FORGET_SAMPLE, [source])?;
                } else if !notes.split_whitespace().any(|note| note == ImageNote::SourceGone.code()) {
                    let notes = format!("{notes} {}", ImageNote::SourceGone.code());
                    let sql = "UPDATE samples SET notes = ? WHERE source = ?";
                    transaction.execute(sql, [notes.trim(), source])?;
                }
            }
            Ok(())
        })
    }

    /// Drops failures and extra files whose files are gone: they are neither wrong nor in the way any more.
    pub(crate) fn forget_vanished_files(&mut self) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            let tables = [
                (
                    "SELECT source FROM samples WHERE outcome <> 'done' AND file_size IS NOT NULL",
                    FORGET_SAMPLE,
                ),
                ("SELECT source FROM extra_files", "DELETE FROM extra_files WHERE source = ?"),
            ];
            for (select, delete) in tables {
                let sources: Vec<String> = transaction
                    .prepare(select)?
                    .query_map([], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                for source in sources.iter().filter(|source| !Path::new(source).exists()) {
                    transaction.execute(delete, [source])?;
                }
            }
            Ok(())
        })
    }

    pub(crate) fn record_extra_files(&mut self, extras: &[ExtraFile]) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            for extra in extras {
                // Read by another template before, perhaps.
                transaction.execute(FORGET_SAMPLE, [&extra.source])?;
                transaction.execute(
                    "INSERT INTO extra_files VALUES (?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason",
                    params![extra.source, extra.reason],
                )?;
            }
            Ok(())
        })
    }

    /// Which wordings other than the suite's images were made for, each once, in order.
    pub(crate) fn rewritten_prompts(&self) -> Result<Vec<(CaseId, String)>, StoreError> {
        let read = || {
            let mut statement = self.connection().prepare(
                "SELECT DISTINCT case_id, detail FROM samples
                 WHERE outcome = 'done' AND instr(' ' || notes || ' ', ?) ORDER BY case_id, detail",
            )?;
            let padded = format!(" {} ", ImageNote::RewrittenPrompt.code());
            let rows = statement
                .query_map([padded], |row| Ok((CaseId::new(row.get::<_, String>(0)?), row.get(1)?)))?;
            rows.collect()
        };
        self.guard(read())
    }

    pub(crate) fn extra_files(&self) -> Result<Vec<ExtraFile>, StoreError> {
        let read = || {
            let mut statement =
                self.connection().prepare("SELECT source, reason FROM extra_files ORDER BY source")?;
            let rows =
                statement.query_map([], |row| Ok(ExtraFile { source: row.get(0)?, reason: row.get(1)? }))?;
            rows.collect()
        };
        self.guard(read())
    }
}

/// Source and image of the finished sample with this id, if there is one, and whether it came from a file.
fn holder_of(connection: &Connection, id: &SampleId) -> rusqlite::Result<Option<(String, String, bool)>> {
    let sql = "SELECT source, image_sha256, file_size IS NOT NULL FROM samples
               WHERE case_id = ? AND ordinal = ? AND round = ? AND outcome = 'done'";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    connection.query_row(sql, params![id.case.as_str(), id.ordinal, id.round], read).optional()
}
