//! `run.db`: the tables, and opening them for writing or reading.

mod evidence;
mod files;
mod samples;

use std::path::{Path, PathBuf};

use imgeval_core::{ContentHash, Failure, FailureKind, ImageFormat, ImageNote};
use rusqlite::{Connection, OpenFlags, Transaction};

use crate::StoreError;

pub use evidence::{ObserverKey, SeenImage, StoredImage};
pub use samples::ObservedSample;

/// 2: an observer is a detector with a colour namer, whose evidence is kept apart.
const SCHEMA_VERSION: i64 = 2;

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
    is_comparable INTEGER NOT NULL,
    detector_id TEXT NOT NULL,
    namer_id TEXT NOT NULL
) STRICT;
CREATE TABLE evidence (
    work_key TEXT PRIMARY KEY,
    detector_id TEXT NOT NULL,
    image_sha256 TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX evidence_by_image ON evidence (image_sha256, detector_id);
CREATE TABLE colors (
    image_sha256 TEXT NOT NULL,
    detector_id TEXT NOT NULL,
    namer_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (image_sha256, detector_id, namer_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE failed_observations (
    work_key TEXT PRIMARY KEY,
    observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
";

/// Shows a run of format 1 as one of format 2: an observer was one thing there, and its colours lie in the evidence.
const VIEW_OF_1: &str = "
PRAGMA temp_store = MEMORY;
CREATE TEMP VIEW observers AS
    SELECT *, observer_id AS detector_id, '' AS namer_id FROM main.observers;
CREATE TEMP VIEW colors AS
    SELECT image_sha256, observer_id AS detector_id, '' AS namer_id, NULL AS payload FROM main.evidence;
CREATE TEMP VIEW evidence AS
    SELECT work_key, observer_id AS detector_id, image_sha256, payload FROM main.evidence;
";

const DONE: &str = "done";

#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    pub(crate) fn open_for_writing(path: &Path) -> Result<Self, StoreError> {
        let guard = || StoreError::database(path);
        let connection = Connection::open(path).map_err(guard())?;
        let version =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(guard())?;
        check_version(path, version)?;
        if (1..SCHEMA_VERSION).contains(&version) {
            return Err(StoreError::TooOld {
                path: path.to_owned(),
                found: version,
                writable: SCHEMA_VERSION,
            });
        }
        let prepare = || -> rusqlite::Result<()> {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            if version == 0 {
                connection.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                ))?;
            }
            Ok(())
        };
        prepare().map_err(guard())?;
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
        if version == 1 {
            connection.execute_batch(VIEW_OF_1).map_err(StoreError::database(path))?;
        }
        Ok(Self { connection, path: path.to_owned() })
    }

    fn guard<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(StoreError::database(&self.path))
    }

    /// All of `work` or none of it.
    fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        let result = run(&mut self.connection);
        self.guard(result)
    }

    fn damaged(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), detail: detail.into() }
    }

    fn parse_image(&self, hash: &str, format: &str) -> Result<(ContentHash, ImageFormat), StoreError> {
        let hash = ContentHash::parse(hash).ok_or_else(|| self.damaged("an image hash is malformed"))?;
        let format = ImageFormat::from_extension(format)
            .ok_or_else(|| self.damaged(format!("unknown image format `{format}`")))?;
        Ok((hash, format))
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
}

fn check_version(path: &Path, version: i64) -> Result<(), StoreError> {
    if version > SCHEMA_VERSION {
        return Err(StoreError::TooNew { path: path.to_owned(), found: version, supported: SCHEMA_VERSION });
    }
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
