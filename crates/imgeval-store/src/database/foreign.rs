//! A database that someone else may have made: checks before it is used, and limits on its use.
//!
//! imgeval makes plain tables and indexes. Views, triggers and virtual tables would run code from others, and tables
//! with other names mean that the file belongs to another program, so all of them are refused.

use std::{
    collections::BTreeSet,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use imgeval_files::{OwnFolder, Unsuitable};
use rusqlite::{Connection, config::DbConfig};

use super::{NAME, schema};
use crate::StoreError;

/// The files that SQLite writes beside a database.
const BESIDE: [&str; 3] = ["run.db-wal", "run.db-shm", "run.db-journal"];
const JOURNAL: &str = "run.db-journal";

/// How a journal ends that names another journal, which SQLite would delete.
const OTHER_JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Steps of SQLite's machine that one piece of work may take: our queries take about 150 for each sample.
const MIN_STEPS: u64 = 5_000_000;
/// And for each byte of the database, where a sample takes several hundred bytes.
const STEPS_OF_A_BYTE: u64 = 16;
/// So often the steps are counted.
const INTERVAL: i32 = 10_000;

/// Makes sure that SQLite writes to nothing but files of the run.
pub(super) fn check_files(directory: &Path) -> Result<(), StoreError> {
    let unusable = |name: &str, error: io::Error| StoreError::io("open", &directory.join(name))(error);
    let run = OwnFolder::open(directory).map_err(|error| unusable(NAME, error))?;
    for name in [NAME].into_iter().chain(BESIDE) {
        run.check_writable_in_place(name).map_err(|error| match Unsuitable::of(&error) {
            Some(found) => StoreError::Unsuitable { path: directory.join(name), found },
            None => unusable(name, error),
        })?;
    }
    if names_another_journal(&run).map_err(|error| unusable(JOURNAL, error))? {
        let found = "a reference to a journal elsewhere".to_owned();
        return Err(StoreError::ForeignDatabase { path: directory.join(JOURNAL), found });
    }
    Ok(())
}

fn names_another_journal(run: &OwnFolder) -> io::Result<bool> {
    let end = OTHER_JOURNAL.len() as u64;
    if run.length(JOURNAL)?.unwrap_or_default() < end {
        return Ok(false);
    }
    let mut file = run.open_regular(JOURNAL)?;
    file.seek(SeekFrom::End(-(end as i64)))?;
    let mut found = [0; OTHER_JOURNAL.len()];
    file.read_exact(&mut found)?;
    Ok(found == OTHER_JOURNAL)
}

/// Takes from the schema the power to run anything, and bounds what queries may take.
pub(super) fn protect(connection: &mut Connection, path: &Path) -> rusqlite::Result<StepLimit> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    // Those of ours are temporary, which stays allowed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    let limit = StepLimit { path: path.to_owned(), steps: Arc::default() };
    limit.begin();
    let steps = Arc::clone(&limit.steps);
    let count = move || {
        let taken = steps.taken.fetch_add(INTERVAL.unsigned_abs().into(), Ordering::Relaxed);
        taken > steps.allowed.load(Ordering::Relaxed)
    };
    connection.progress_handler(INTERVAL, Some(count))?;
    Ok(limit)
}

/// Pages that refer to each other can make of a small file a table without an end, so each piece of work may take only as
/// many steps as the length of the file explains.
#[derive(Debug)]
pub(super) struct StepLimit {
    path: PathBuf,
    steps: Arc<Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    taken: AtomicU64,
    allowed: AtomicU64,
}

impl StepLimit {
    /// The next piece of work begins.
    pub(super) fn begin(&self) {
        let length = |path: &Path| path.metadata().map_or(0, |found| found.len());
        let n_bytes = length(&self.path) + length(&self.path.with_extension("db-wal"));
        self.allow(MIN_STEPS.saturating_add(n_bytes.saturating_mul(STEPS_OF_A_BYTE)));
    }

    fn allow(&self, n_steps: u64) {
        self.steps.allowed.store(n_steps, Ordering::Relaxed);
        self.steps.taken.store(0, Ordering::Relaxed);
    }
}

/// Refuses what imgeval never makes.
pub(super) fn check_schema(connection: &Connection, path: &Path, version: i64) -> Result<(), StoreError> {
    match find_foreign(connection, version).map_err(StoreError::database(path))? {
        Some(found) => Err(StoreError::ForeignDatabase { path: path.to_owned(), found }),
        None => Ok(()),
    }
}

fn find_foreign(connection: &Connection, version: i64) -> rusqlite::Result<Option<String>> {
    let creation = schema::creation();
    let ours = names_in(&creation);
    let mut tables = Vec::new();
    let mut statement = connection.prepare("SELECT name, sql FROM main.sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, sql): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
        // An index that a key needs has no text of its own.
        let Some(sql) = sql else { continue };
        // What a row does is in its text alone; its type may say anything.
        match kind_of(&sql) {
            Kind::Table if version == 0 => {
                return Ok(Some(format!("the table `{shown}` of another program")));
            }
            Kind::Table if ours.contains(name.as_str()) => tables.push(name),
            Kind::Index if ours.contains(name.as_str()) => {}
            // Left by ANALYZE.
            Kind::Table if name.starts_with("sqlite_stat") => {}
            kind => return Ok(Some(format!("the {} `{shown}`", kind.word()))),
        }
    }
    for table in tables {
        let sql = "SELECT count(*) FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 0";
        let n_computed: i64 = connection.query_row(sql, [&table], |row| row.get(0))?;
        if n_computed > 0 {
            return Ok(Some(format!("computed columns in the table `{table}`")));
        }
    }
    Ok(None)
}

/// The tables and indexes that this SQL makes.
fn names_in(sql: &str) -> BTreeSet<&str> {
    let words = sql.split(|character: char| character.is_whitespace() || character == '(');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.windows(2).filter(|pair| ["TABLE", "INDEX"].contains(&pair[0])).map(|pair| pair[1]).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Index,
    View,
    Trigger,
    VirtualTable,
    Other,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Table => "unknown table",
            Self::Index => "unknown index",
            Self::View => "view",
            Self::Trigger => "trigger",
            Self::VirtualTable => "virtual table",
            Self::Other => "unknown entry",
        }
    }
}

/// SQLite keeps these statements with the first words in this form.
fn kind_of(sql: &str) -> Kind {
    let mut words = sql.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("CREATE"), Some("TABLE"), _) => Kind::Table,
        (Some("CREATE"), Some("INDEX"), _) | (Some("CREATE"), Some("UNIQUE"), Some("INDEX")) => Kind::Index,
        (Some("CREATE"), Some("VIEW"), _) => Kind::View,
        (Some("CREATE"), Some("TRIGGER"), _) => Kind::Trigger,
        (Some("CREATE"), Some("VIRTUAL"), Some("TABLE")) => Kind::VirtualTable,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(version: i64, more: &str) -> Option<String> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("{}{more}", schema::creation())).unwrap();
        find_foreign(&connection, version).unwrap()
    }

    #[test]
    fn our_own_tables_are_no_strangers() {
        assert_eq!(found(schema::SCHEMA_VERSION, ""), None);
        assert_eq!(found(schema::SCHEMA_VERSION, "ANALYZE;"), None);
        assert!(found(0, "").unwrap().ends_with("of another program"));
    }

    #[test]
    fn views_triggers_and_unknown_tables_are_named() {
        let check = |sql: &str, expected: &str| assert_eq!(found(5, sql).as_deref(), Some(expected), "{sql}");
        check("CREATE VIEW v AS SELECT 1;", "the view `v`");
        check("DROP TABLE colors; CREATE VIEW colors AS SELECT 1;", "the view `colors`");
        check("CREATE TRIGGER t AFTER INSERT ON samples BEGIN DELETE FROM samples; END;", "the trigger `t`");
        check("CREATE TABLE mine (a);", "the unknown table `mine`");
        check("CREATE TABLE \"a\u{202e}b\" (a);", "the unknown table `a\\u{202e}b`");
        check("CREATE INDEX more ON samples (detail);", "the unknown index `more`");
        check("DROP TABLE colors; CREATE VIRTUAL TABLE colors USING fts5(a);", "the virtual table `colors`");
        check(
            "DROP TABLE colors; CREATE TABLE colors (a, b AS (zeroblob(a)));",
            "computed columns in the table `colors`",
        );
    }

    #[test]
    fn work_without_end_is_interrupted() {
        let mut connection = Connection::open_in_memory().unwrap();
        let limit = protect(&mut connection, Path::new("/nowhere/run.db")).unwrap();
        let count = |connection: &Connection, n: u32| -> rusqlite::Result<u32> {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1) SELECT count(*) FROM n";
            connection.prepare_cached(sql)?.query_row([n], |row| row.get(0))
        };
        limit.allow(100_000);
        let error = StoreError::database(Path::new("run.db"))(count(&connection, u32::MAX).unwrap_err());
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        // Also of a statement that is used again and again, each piece of work counts by itself.
        for _ in 0..100 {
            limit.allow(100_000);
            assert_eq!(count(&connection, 1000).unwrap(), 1000);
        }
        limit.begin();
        assert_eq!(count(&connection, 100_000).unwrap(), 100_000);
    }

    #[test]
    fn a_journal_that_names_another_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        check_files(folder.path()).unwrap();
        fs::write(folder.path().join(JOURNAL), b"plain journal").unwrap();
        check_files(folder.path()).unwrap();
        fs::write(folder.path().join(JOURNAL), [&b"/home/me/precious"[..], &OTHER_JOURNAL].concat()).unwrap();
        let error = check_files(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::ForeignDatabase { .. }), "{error}");
    }
}
