//! `run.db`: opening it for writing or reading.

mod attempts;
mod calls;
mod costs;
mod evidence;
mod files;
mod foreign;
mod judgments;
mod measurements;
mod merge;
mod replies;
mod rewrites;
mod samples;
mod schema;

use std::path::{Path, PathBuf};

use imgeval_core::{ContentHash, Failure, FailureKind, ImageFormat, ImageNote, ImageRecord, ImageRef};
use rusqlite::{Connection, OpenFlags, Transaction};

use crate::StoreError;

use foreign::StepLimit;
use schema::{MIGRATES_FROM, SCHEMA_VERSION, VIEW_OF_1, VIEW_OF_2};

pub use evidence::{ObserverKey, SeenImage, StoredImage};
pub use samples::ObservedSample;

const DONE: &str = "done";

const NAME: &str = "run.db";

/// As rusqlite's own, and no part of the path may be a link.
const COMMON_FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX.union(OpenFlags::SQLITE_OPEN_NOFOLLOW);

#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    limit: StepLimit,
    path: PathBuf,
    /// Whether it has the tables of generation.
    can_generate: bool,
    /// Whether it has the tables of judging.
    can_judge: bool,
    /// Whether it has the columns of kept replies.
    keeps_replies: bool,
}

impl Database {
    /// Opens the database of the run in `directory`, or makes it.
    pub(crate) fn open_for_writing(directory: &Path) -> Result<Self, StoreError> {
        let path = &directory.join(NAME);
        let guard = || StoreError::database(path);
        foreign::check_files(directory)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | COMMON_FLAGS;
        let mut connection = Connection::open_with_flags(real_path(directory)?, flags).map_err(guard())?;
        let limit = foreign::protect(&mut connection, path).map_err(guard())?;
        let version =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(guard())?;
        check_version(path, version)?;
        foreign::check_schema(&connection, path, version)?;
        if (1..MIGRATES_FROM).contains(&version) {
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
                connection.execute_batch(&schema::creation())?;
            } else {
                for step in schema::migrations_from(version) {
                    connection.execute_batch(&step)?;
                }
            }
            Ok(())
        };
        prepare().map_err(guard())?;
        Ok(Self {
            connection,
            limit,
            path: path.to_owned(),
            can_generate: true,
            can_judge: true,
            keeps_replies: true,
        })
    }

    /// Opens without writing a byte, also from a folder that may not be written.
    pub(crate) fn open_for_reading(directory: &Path) -> Result<Self, StoreError> {
        let path = &directory.join(NAME);
        foreign::check_files(directory)?;
        if !path.exists() {
            return Err(StoreError::Empty { path: path.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | COMMON_FLAGS;
        let open = |name: &str| -> rusqlite::Result<(Connection, StepLimit, i64)> {
            let mut connection = Connection::open_with_flags(name, flags)?;
            let limit = foreign::protect(&mut connection, path)?;
            let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((connection, limit, version))
        };
        let name = uri_of(&real_path(directory)?);
        let opened = open(&name).or_else(|error| {
            // In a read-only folder SQLite cannot make its shared-memory file. With no log left to replay, the
            // database file alone is complete and may be read as it lies.
            let has_log = path.with_extension("db-wal").metadata().is_ok_and(|log| log.len() > 0);
            if has_log { Err(error) } else { open(&format!("{name}?immutable=1")) }
        });
        let (connection, limit, version) = opened.map_err(StoreError::database(path))?;
        if version == 0 {
            return Err(StoreError::Empty { path: path.to_owned() });
        }
        check_version(path, version)?;
        foreign::check_schema(&connection, path, version)?;
        if version <= 2 {
            connection.execute_batch(VIEW_OF_2).map_err(StoreError::database(path))?;
        }
        if version == 1 {
            connection.execute_batch(VIEW_OF_1).map_err(StoreError::database(path))?;
        }
        Ok(Self {
            connection,
            limit,
            path: path.to_owned(),
            can_generate: version >= 3,
            can_judge: version >= 4,
            keeps_replies: version >= 5,
        })
    }

    /// For the next piece of work.
    fn connection(&self) -> &Connection {
        self.limit.begin();
        &self.connection
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
        self.limit.begin();
        let result = run(&mut self.connection);
        self.guard(result)
    }

    fn damaged(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), detail: detail.into() }
    }

    fn parse_image(&self, hash: &str, format: &str) -> Result<ImageRef, StoreError> {
        let hash = ContentHash::parse(hash).ok_or_else(|| self.damaged("an image hash is malformed"))?;
        let format = ImageFormat::from_extension(format)
            .ok_or_else(|| self.damaged(format!("unknown image format `{format}`")))?;
        Ok(ImageRef { hash, format })
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

fn render_notes(record: &ImageRecord) -> String {
    let codes: Vec<&str> = record.notes.iter().map(|note| note.code()).collect();
    codes.join(" ")
}

fn check_version(path: &Path, version: i64) -> Result<(), StoreError> {
    if version > SCHEMA_VERSION {
        return Err(StoreError::TooNew { path: path.to_owned(), found: version, supported: SCHEMA_VERSION });
    }
    Ok(())
}

/// The folder may be named by way of a link, the database in it may not be one.
fn real_path(directory: &Path) -> Result<PathBuf, StoreError> {
    if cfg!(windows) {
        // SQLite does not know the form of such a path there.
        return Ok(directory.join(NAME));
    }
    let folder = directory.canonicalize().map_err(StoreError::io("find the folder", directory))?;
    Ok(folder.join(NAME))
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
