//! `run.db`: the tables and every statement over them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use imgeval_core::{
    CaseId, ContentHash, Evidence, Failure, FailureKind, ImageFormat, ImageNote, ImageRecord, ObserverId,
    ObserverMeta, Outcome, Sample, SampleId, WorkKey,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::{
    ExtraFile, FileStamp, ImportedSample, KnownFile, RecordedSample, StoreError,
    format::{parse_payload, render_payload},
};

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE samples (
    source TEXT PRIMARY KEY,
    file_size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    case_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    image_sha256 TEXT,
    format TEXT,
    width INTEGER,
    height INTEGER,
    notes TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX samples_done ON samples (case_id, ordinal) WHERE outcome = 'done';
CREATE INDEX samples_by_id ON samples (case_id, ordinal);
CREATE INDEX samples_by_image ON samples (image_sha256);
CREATE TABLE extra_files (source TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT;
CREATE TABLE observers (
    observer_id TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    version INTEGER NOT NULL,
    weights_sha256 TEXT NOT NULL,
    parameters TEXT NOT NULL,
    is_comparable INTEGER NOT NULL
) STRICT;
CREATE TABLE evidence (
    work_key TEXT PRIMARY KEY,
    observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX evidence_by_image ON evidence (image_sha256, observer_id);
CREATE TABLE failed_observations (
    work_key TEXT PRIMARY KEY,
    observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
";

const DONE: &str = "done";

/// A sample with what one observer saw in it, if it has looked.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedSample {
    pub sample: Sample,
    /// An earlier sample of the run has the very same bytes.
    pub repeats_bytes: bool,
    /// Another file stands for this sample: a usable one, or an earlier one that failed too.
    pub is_redundant: bool,
    pub evidence: Option<Evidence>,
    /// Why the observer could not look, from its last try.
    pub failed_observation: Option<Failure>,
}

#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    pub(crate) fn open_for_writing(path: &Path) -> Result<Self, StoreError> {
        let open = || -> rusqlite::Result<(Connection, i64)> {
            let connection = Connection::open(path)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if version == 0 {
                connection.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                ))?;
            }
            Ok((connection, version))
        };
        let (connection, version) = open().map_err(StoreError::database(path))?;
        check_version(path, version)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Opens without writing a byte, also from a folder that may not be written.
    pub(crate) fn open_for_reading(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Empty { path: path.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let open = |name: &str| -> rusqlite::Result<(Connection, i64)> {
            let connection = Connection::open_with_flags(name, flags)?;
            let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((connection, version))
        };
        let name = uri_of(path);
        let opened = open(&name).or_else(|error| {
            // In a read-only folder SQLite cannot make its shared-memory file. With no log left to replay, the
            // database file alone is complete and may be read as it lies.
            let has_log = path.with_extension("db-wal").metadata().is_ok_and(|log| log.len() > 0);
            if has_log { Err(error) } else { open(&format!("{name}?immutable=1")) }
        });
        let (connection, version) = opened.map_err(StoreError::database(path))?;
        if version == 0 {
            return Err(StoreError::Empty { path: path.to_owned() });
        }
        check_version(path, version)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    fn guard<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(StoreError::database(&self.path))
    }

    fn damaged(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), detail: detail.into() }
    }

    /// What is known of each imported file, by its source. Whether its image lies in the store is for the caller.
    pub(crate) fn known_files(&self) -> Result<BTreeMap<String, KnownFile>, StoreError> {
        let sql = "SELECT s.source, s.file_size, s.modified_ns, s.case_id, s.ordinal, s.notes, s.image_sha256, s.format,
                          EXISTS (SELECT 1 FROM failed_observations f
                                  WHERE f.image_sha256 = s.image_sha256 AND f.outcome = ?)
                   FROM samples s";
        let mut statement = self.guard(self.connection.prepare(sql))?;
        let mut rows = self.guard(statement.query([FailureKind::NotAccessible.code()]))?;
        let mut known = BTreeMap::new();
        while let Some(row) = self.guard(rows.next())? {
            let read = || -> rusqlite::Result<_> {
                let stamp = FileStamp { size: row.get(1)?, modified_ns: row.get(2)? };
                let id = SampleId { case: CaseId::new(row.get::<_, String>(3)?), ordinal: row.get(4)? };
                let image: Option<(String, String)> = match row.get(6)? {
                    Some(hash) => Some((hash, row.get(7)?)),
                    None => None,
                };
                let was_unreadable: bool = row.get(8)?;
                Ok((row.get(0)?, stamp, id, row.get::<_, String>(5)?, image.filter(|_| !was_unreadable)))
            };
            let (source, stamp, id, notes, image) = self.guard(read())?;
            let image = image.map(|(hash, format)| self.parse_image(&hash, &format)).transpose()?;
            let notes = self.parse_notes(&notes)?;
            known.insert(source, KnownFile { stamp, id, notes, image });
        }
        Ok(known)
    }

    /// Forgets these files' samples, so that none of them stands in the way of another.
    pub(crate) fn forget_samples(&mut self, sources: &[&str]) -> Result<(), StoreError> {
        let mut forget = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            for source in sources {
                transaction.execute("DELETE FROM samples WHERE source = ?", [source])?;
            }
            transaction.commit()
        };
        let result = forget();
        self.guard(result)
    }

    /// Records a batch of imported files in one transaction; a file imported again replaces its record.
    ///
    /// A second file for a prompt and sample number that another one holds is a duplicate. If that other file is gone,
    /// the new one takes its place when it lay below `root` too or has the same bytes.
    pub(crate) fn record_samples(
        &mut self,
        batch: Vec<ImportedSample>,
        root: Option<&Path>,
    ) -> Result<Vec<RecordedSample>, StoreError> {
        let mut recorded = Vec::with_capacity(batch.len());
        let record_all = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            for mut imported in batch {
                let sample = &mut imported.sample;
                transaction.execute("DELETE FROM samples WHERE source = ?", [&sample.source])?;
                transaction.execute("DELETE FROM extra_files WHERE source = ?", [&sample.source])?;
                let mut has_replaced = false;
                if let Some(record) = sample.outcome.done()
                    && let Some((holder, hash)) = holder_of(&transaction, &sample.id)?
                {
                    let is_gone = !Path::new(&holder).exists();
                    let is_same = hash == record.hash.as_str();
                    let is_below_root = root.is_some_and(|root| Path::new(&holder).starts_with(root));
                    if is_gone && (is_same || is_below_root) {
                        transaction.execute("DELETE FROM samples WHERE source = ?", [&holder])?;
                        has_replaced = !is_same;
                    } else {
                        let gone = if is_gone { " (gone now; the run keeps its image)" } else { "" };
                        let detail = format!("sample {} is already taken from `{holder}`{gone}", sample.id);
                        let kind = FailureKind::DuplicateSample;
                        sample.outcome = Outcome::Failed(Failure { kind, detail });
                    }
                }
                insert_sample(&transaction, &imported)?;
                let is_usable = imported.sample.outcome.done().is_some();
                recorded.push(RecordedSample { is_usable, has_replaced });
            }
            transaction.commit()
        };
        let result = record_all();
        self.guard(result)?;
        Ok(recorded)
    }

    /// After an import of the folder `root`: of files below it that are gone, those that were renamed (another file has
    /// the bytes) give way, the others are noted.
    pub(crate) fn settle_vanished_samples(&mut self, root: &Path) -> Result<(), StoreError> {
        let mut settle = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            let done: Vec<(String, String, String)> = transaction
                .prepare("SELECT source, image_sha256, notes FROM samples WHERE outcome = 'done'")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            let is_gone = |source: &str| Path::new(source).starts_with(root) && !Path::new(source).exists();
            let (gone, there): (Vec<_>, Vec<_>) = done.into_iter().partition(|(source, ..)| is_gone(source));
            let hashes: BTreeSet<&str> = there.iter().map(|(_, hash, _)| hash.as_str()).collect();
            for (source, hash, notes) in &gone {
                if hashes.contains(hash.as_str()) {
                    transaction.execute("DELETE FROM samples WHERE source = ?", [source])?;
                } else if !notes.split_whitespace().any(|note| note == ImageNote::SourceGone.code()) {
                    let notes = format!("{notes} {}", ImageNote::SourceGone.code());
                    let sql = "UPDATE samples SET notes = ? WHERE source = ?";
                    transaction.execute(sql, [notes.trim(), source])?;
                }
            }
            transaction.commit()
        };
        let result = settle();
        self.guard(result)
    }

    /// Drops failures and extra files whose files are gone: they are neither wrong nor in the way any more.
    pub(crate) fn forget_vanished_files(&mut self) -> Result<(), StoreError> {
        let mut forget = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            let tables = [
                (
                    "SELECT source FROM samples WHERE outcome <> 'done'",
                    "DELETE FROM samples WHERE source = ?",
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
            transaction.commit()
        };
        let result = forget();
        self.guard(result)
    }

    pub(crate) fn record_extra_files(&mut self, extras: &[ExtraFile]) -> Result<(), StoreError> {
        let mut record_all = || {
            let transaction = self.connection.transaction()?;
            for extra in extras {
                // Read by another template before, perhaps.
                transaction.execute("DELETE FROM samples WHERE source = ?", [&extra.source])?;
                transaction.execute(
                    "INSERT INTO extra_files VALUES (?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason",
                    params![extra.source, extra.reason],
                )?;
            }
            transaction.commit()
        };
        let result = record_all();
        self.guard(result)
    }

    pub(crate) fn extra_files(&self) -> Result<Vec<ExtraFile>, StoreError> {
        let read = || {
            let mut statement =
                self.connection.prepare("SELECT source, reason FROM extra_files ORDER BY source")?;
            let rows =
                statement.query_map([], |row| Ok(ExtraFile { source: row.get(0)?, reason: row.get(1)? }))?;
            rows.collect()
        };
        self.guard(read())
    }

    pub(crate) fn record_observer(&self, meta: &ObserverMeta) -> Result<(), StoreError> {
        let result = self.connection.execute(
            "INSERT INTO observers VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![
                meta.observer_id().as_str(),
                meta.id,
                meta.title,
                meta.version,
                meta.weights_sha256,
                meta.parameters,
                meta.is_comparable
            ],
        );
        self.guard(result).map(drop)
    }

    /// The observers that have looked at this run, by their hashes.
    pub(crate) fn observers(&self) -> Result<Vec<ObserverMeta>, StoreError> {
        let read = || {
            // One that saw nothing yet matters only if no other did.
            let sql = "SELECT id, title, version, weights_sha256, parameters, is_comparable FROM observers o
                       WHERE EXISTS (SELECT 1 FROM evidence e WHERE e.observer_id = o.observer_id)
                           OR NOT EXISTS (SELECT 1 FROM evidence)
                       ORDER BY observer_id";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(ObserverMeta {
                    id: row.get(0)?,
                    title: row.get(1)?,
                    version: row.get(2)?,
                    weights_sha256: row.get(3)?,
                    parameters: row.get(4)?,
                    is_comparable: row.get(5)?,
                })
            })?;
            rows.collect()
        };
        self.guard(read())
    }

    /// The distinct images that `observer` has not seen, in order of their first sample.
    pub(crate) fn unobserved_images(
        &self,
        observer: &ObserverId,
    ) -> Result<Vec<(ContentHash, ImageFormat)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            let sql = "SELECT image_sha256, min(format) FROM samples
                       WHERE outcome = 'done' AND image_sha256 NOT IN
                           (SELECT image_sha256 FROM evidence WHERE observer_id = ?)
                       GROUP BY image_sha256 ORDER BY min(case_id), min(ordinal), image_sha256";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([observer.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        let rows = self.guard(read())?;
        rows.into_iter().map(|(hash, format)| self.parse_image(&hash, &format)).collect()
    }

    fn parse_image(&self, hash: &str, format: &str) -> Result<(ContentHash, ImageFormat), StoreError> {
        let hash = ContentHash::parse(hash).ok_or_else(|| self.damaged("an image hash is malformed"))?;
        let format = ImageFormat::from_extension(format)
            .ok_or_else(|| self.damaged(format!("unknown image format `{format}`")))?;
        Ok((hash, format))
    }

    /// Keeps what was seen; evidence that is there already stays, and an earlier failure is forgotten.
    pub(crate) fn record_evidence(&mut self, evidence: &Evidence) -> Result<(), StoreError> {
        let payload = render_payload(evidence.width, evidence.height, &evidence.detections)
            .map_err(|error| self.damaged(error.to_string()))?;
        let key = WorkKey::observation(&evidence.observer, &evidence.image);
        let mut record = || {
            let transaction = self.connection.transaction()?;
            transaction.execute(
                "INSERT INTO evidence VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![key.as_str(), evidence.observer.as_str(), evidence.image.as_str(), payload],
            )?;
            transaction.execute("DELETE FROM failed_observations WHERE work_key = ?", [key.as_str()])?;
            transaction.commit()
        };
        let result = record();
        self.guard(result)
    }

    pub(crate) fn record_failed_observation(
        &self,
        observer: &ObserverId,
        image: &ContentHash,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let key = WorkKey::observation(observer, image);
        let result = self.connection.execute(
            "INSERT INTO failed_observations VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail",
            params![key.as_str(), observer.as_str(), image.as_str(), failure.kind.code(), failure.detail],
        );
        self.guard(result).map(drop)
    }

    /// Visits every sample with what `observer` saw in it, one at a time, ordered by case, ordinal and source.
    pub(crate) fn for_each_sample(
        &self,
        observer: Option<&ObserverId>,
        mut visit: impl FnMut(ObservedSample),
    ) -> Result<(), StoreError> {
        let sql = "SELECT s.source, s.case_id, s.ordinal, s.outcome, s.detail, s.image_sha256, s.format,
                          s.width, s.height, s.notes, e.payload, f.outcome, f.detail,
                          EXISTS (SELECT 1 FROM samples o
                                  WHERE o.image_sha256 = s.image_sha256 AND o.outcome = 'done'
                                      AND (o.case_id, o.ordinal) < (s.case_id, s.ordinal)),
                          s.outcome <> 'done' AND EXISTS (
                              SELECT 1 FROM samples o WHERE o.case_id = s.case_id AND o.ordinal = s.ordinal
                                  AND (o.outcome = 'done' OR o.source < s.source))
                   FROM samples s
                   LEFT JOIN evidence e ON e.image_sha256 = s.image_sha256 AND e.observer_id = ?1
                   LEFT JOIN failed_observations f
                       ON f.image_sha256 = s.image_sha256 AND f.observer_id = ?1
                   ORDER BY s.case_id, s.ordinal, s.source";
        let mut statement = self.guard(self.connection.prepare(sql))?;
        let mut rows = self.guard(statement.query([observer.map_or("", ObserverId::as_str)]))?;
        while let Some(row) = self.guard(rows.next())? {
            let sample = self.guard(SampleRow::read(row))?;
            visit(self.parse_sample(sample, observer)?);
        }
        Ok(())
    }

    fn parse_sample(
        &self,
        row: SampleRow,
        observer: Option<&ObserverId>,
    ) -> Result<ObservedSample, StoreError> {
        let id = SampleId { case: CaseId::new(row.case_id), ordinal: row.ordinal };
        let mut evidence = None;
        let outcome = if row.outcome == DONE {
            let record = self.parse_record(row.image, row.notes)?;
            if let (Some(payload), Some(observer)) = (row.payload, observer) {
                let (header, detections) = parse_payload(&payload).map_err(|detail| self.damaged(detail))?;
                let (width, height) = (header.width, header.height);
                let (image, observer) = (record.hash.clone(), observer.clone());
                evidence = Some(Evidence { image, observer, width, height, detections });
            }
            Outcome::Done(record)
        } else {
            Outcome::Failed(self.parse_failure(&row.outcome, row.detail)?)
        };
        let failed_observation = match row.failed_observation {
            Some((code, detail)) => Some(self.parse_failure(&code, detail)?),
            None => None,
        };
        let sample = Sample { id, source: row.source, outcome };
        Ok(ObservedSample {
            sample,
            repeats_bytes: row.repeats_bytes,
            is_redundant: row.is_redundant,
            evidence,
            failed_observation,
        })
    }

    fn parse_failure(&self, code: &str, detail: String) -> Result<Failure, StoreError> {
        let kind =
            FailureKind::from_code(code).ok_or_else(|| self.damaged(format!("unknown outcome `{code}`")))?;
        Ok(Failure { kind, detail })
    }

    fn parse_notes(&self, notes: &str) -> Result<Vec<ImageNote>, StoreError> {
        let parse_note = |code: &str| {
            ImageNote::from_code(code).ok_or_else(|| self.damaged(format!("unknown note `{code}`")))
        };
        notes.split_whitespace().map(parse_note).collect()
    }

    fn parse_record(
        &self,
        image: Option<(String, String, u32, u32)>,
        notes: String,
    ) -> Result<ImageRecord, StoreError> {
        let (hash, format, width, height) =
            image.ok_or_else(|| self.damaged("a finished sample has no image"))?;
        let (hash, format) = self.parse_image(&hash, &format)?;
        let notes = self.parse_notes(&notes)?;
        Ok(ImageRecord { hash, format, width, height, notes })
    }
}

struct SampleRow {
    source: String,
    case_id: String,
    ordinal: u32,
    outcome: String,
    detail: String,
    image: Option<(String, String, u32, u32)>,
    notes: String,
    payload: Option<String>,
    failed_observation: Option<(String, String)>,
    repeats_bytes: bool,
    is_redundant: bool,
}

impl SampleRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let hash: Option<String> = row.get(5)?;
        let image = match hash {
            Some(hash) => Some((hash, row.get(6)?, row.get(7)?, row.get(8)?)),
            None => None,
        };
        let failure: Option<String> = row.get(11)?;
        let failed_observation = match failure {
            Some(code) => Some((code, row.get(12)?)),
            None => None,
        };
        Ok(Self {
            source: row.get(0)?,
            case_id: row.get(1)?,
            ordinal: row.get(2)?,
            outcome: row.get(3)?,
            detail: row.get(4)?,
            image,
            notes: row.get(9)?,
            payload: row.get(10)?,
            failed_observation,
            repeats_bytes: row.get(13)?,
            is_redundant: row.get(14)?,
        })
    }
}

fn check_version(path: &Path, version: i64) -> Result<(), StoreError> {
    if version > SCHEMA_VERSION {
        return Err(StoreError::TooNew { path: path.to_owned(), found: version, supported: SCHEMA_VERSION });
    }
    Ok(())
}

/// Source and image of the finished sample with this id, if there is one.
fn holder_of(connection: &Connection, id: &SampleId) -> rusqlite::Result<Option<(String, String)>> {
    let sql =
        "SELECT source, image_sha256 FROM samples WHERE case_id = ? AND ordinal = ? AND outcome = 'done'";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.query_row(sql, params![id.case.as_str(), id.ordinal], read).optional()
}

fn insert_sample(connection: &Connection, imported: &ImportedSample) -> rusqlite::Result<()> {
    let ImportedSample { sample, stamp } = imported;
    let record = sample.outcome.done();
    let (outcome, detail) = match &sample.outcome {
        Outcome::Done(_) => (DONE, ""),
        Outcome::Failed(failure) => (failure.kind.code(), failure.detail.as_str()),
    };
    let notes: Vec<&str> =
        record.map(|record| record.notes.iter().map(|note| note.code()).collect()).unwrap_or_default();
    let mut statement =
        connection.prepare_cached("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    statement.execute(params![
        sample.source,
        stamp.size,
        stamp.modified_ns,
        sample.id.case.as_str(),
        sample.id.ordinal,
        outcome,
        detail,
        record.map(|record| record.hash.as_str()),
        record.map(|record| record.format.extension()),
        record.map(|record| record.width),
        record.map(|record| record.height),
        notes.join(" "),
    ])?;
    Ok(())
}

/// A `file:` URI, every unusual byte escaped, so that a path stays a path.
fn uri_of(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
