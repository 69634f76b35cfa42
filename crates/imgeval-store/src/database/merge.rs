//! Joins the rows of two databases: those of another run that this one lacks are added, all or none.

use std::collections::{BTreeMap, BTreeSet};

use imgeval_core::visible;
use rusqlite::{Connection, Row, params_from_iter, types::Value};

use super::{DONE, Database};
use crate::{MergeSummary, StoreError};

/// So many rows are copied until the limit on steps begins anew.
const BATCH: usize = 1_000;

/// A table whose rows are told apart by what they are about.
struct Keyed {
    name: &'static str,
    /// What a row is called in messages.
    title: &'static str,
    key: &'static [&'static str],
    /// What two finished rows of one key must agree in.
    agreed: &'static [&'static str],
}

/// Referenced tables come first. Where the outcome of one row is a failure, the other row counts.
const WHO: [Keyed; 2] = [
    Keyed { name: "judges", title: "judge", key: &["judge_id"], agreed: &["protocol_sha256", "model"] },
    Keyed {
        name: "observers",
        title: "detector",
        key: &["observer_id"],
        agreed: &["detector_id", "namer_id"],
    },
];
const WHAT: [Keyed; 7] = [
    Keyed {
        name: "samples",
        title: "sample",
        key: &["source"],
        agreed: &["case_id", "ordinal", "round", "image_sha256"],
    },
    Keyed { name: "rewrites", title: "rewritten prompt", key: &["work_key"], agreed: &["rewritten"] },
    Keyed {
        name: "measurements",
        title: "measurement",
        key: &["meter", "case_id", "ordinal", "round"],
        agreed: &["image_sha256", "payload"],
    },
    Keyed { name: "extra_files", title: "file", key: &["source"], agreed: &[] },
    Keyed { name: "evidence", title: "evidence", key: &["work_key"], agreed: &["payload"] },
    Keyed {
        name: "colors",
        title: "colors",
        key: &["image_sha256", "detector_id", "namer_id"],
        agreed: &["payload"],
    },
    Keyed { name: "failed_observations", title: "failure", key: &["work_key"], agreed: &[] },
];

/// A table of calls, numbered in the order in which they were made.
struct Numbered {
    name: &'static str,
    id: &'static str,
    /// Columns that do not tell two calls apart: references, and what becomes of a call later.
    aside: &'static [&'static str],
}

const ATTEMPTS: Numbered = Numbered { name: "attempts", id: "attempt_id", aside: &["reread_of"] };
const JUDGMENTS: Numbered =
    Numbered { name: "judgments", id: "judgment_id", aside: &["reread_of", "is_withdrawn"] };

/// What went wrong, and in which of the two databases.
enum Fault {
    Here(rusqlite::Error),
    There(rusqlite::Error),
    Conflict(String),
    Dangling,
}

impl Database {
    /// Adds what `part` holds and this database lacks.
    pub(crate) fn merge(&mut self, part: &Self) -> Result<MergeSummary, StoreError> {
        let path = self.path.clone();
        self.limit.begin();
        let begun = self.connection.transaction().map_err(StoreError::database(&path))?;
        let mut merger = Merger {
            here: &begun,
            there: part.connection(),
            renew: &|| self.limit.begin(),
            summary: MergeSummary::default(),
        };
        let merged = merger.merge();
        let summary = merger.summary;
        let end = merged.and_then(|()| begun.commit().map_err(Fault::Here));
        end.map(|()| summary).map_err(|fault| match fault {
            Fault::Here(error) => StoreError::database(&path)(error),
            Fault::There(error) => StoreError::database(&part.path)(error),
            Fault::Conflict(what) => {
                let run = part.path.parent().unwrap_or(&part.path);
                StoreError::Conflict { path: run.to_owned(), what }
            }
            Fault::Dangling => part.damaged("a call refers to another one that is not there"),
        })
    }

    /// Whether a call was begun and did not end.
    pub(crate) fn has_calls_in_flight(&self) -> Result<bool, StoreError> {
        if !self.can_generate {
            return Ok(false);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM calls_in_flight)";
        self.guard(self.connection().query_row(sql, [], |row| row.get(0)))
    }

    /// The ids of everyone who scored images: detectors, judges and meters.
    pub(crate) fn who_scored(&self) -> Result<BTreeSet<String>, StoreError> {
        let sql = "SELECT observer_id FROM observers UNION SELECT judge_id FROM judges UNION SELECT meter FROM measurements";
        let read = || self.connection().prepare(sql)?.query_map([], |row| row.get(0))?.collect();
        self.guard(read())
    }

    /// Whether it has every table and column that this version writes.
    pub(crate) fn is_up_to_date(&self) -> bool {
        self.keeps_replies
    }
}

struct Merger<'a> {
    here: &'a Connection,
    there: &'a Connection,
    /// Begins the next piece of work.
    renew: &'a dyn Fn(),
    summary: MergeSummary,
}

impl Merger<'_> {
    fn merge(&mut self) -> Result<(), Fault> {
        for table in &WHO {
            self.merge_keyed(table, &BTreeMap::new())?;
        }
        let attempts = self.merge_numbered(&ATTEMPTS)?;
        for table in &WHAT {
            self.merge_keyed(table, &attempts)?;
        }
        self.merge_numbered(&JUDGMENTS).map(drop)
    }

    /// The rows of a table of the part, one after the other, with the names of their columns.
    fn for_each_row(
        &self,
        table: &str,
        order: &str,
        mut visit: impl FnMut(&[String], Vec<Value>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let columns = columns_of(self.here, table).map_err(Fault::Here)?;
        let sql = format!("SELECT {} FROM {table} ORDER BY {order}", columns.join(", "));
        let mut statement = self.there.prepare(&sql).map_err(Fault::There)?;
        let mut rows = statement.query([]).map_err(Fault::There)?;
        let mut n_rows = 0;
        while let Some(row) = rows.next().map_err(Fault::There)? {
            if n_rows % BATCH == 0 {
                (self.renew)();
            }
            n_rows += 1;
            visit(&columns, values_of(row, columns.len()).map_err(Fault::There)?)?;
        }
        Ok(())
    }

    fn merge_keyed(&mut self, table: &Keyed, attempts: &BTreeMap<i64, i64>) -> Result<(), Fault> {
        let mut n_added = 0;
        self.for_each_row(table.name, &table.key.join(", "), |columns, mut row| {
            let at = |name: &str| columns.iter().position(|column| column == name);
            if let Some(place) = at("attempt_id") {
                row[place] = renumbered(&row[place], attempts)?;
            }
            let key = chosen(columns, &row, table.key);
            let existing = find_row(self.here, table.name, columns, table.key, &key).map_err(Fault::Here)?;
            let is_done =
                |row: &[Value]| at("outcome").is_none_or(|place| row[place] == Value::Text(DONE.to_owned()));
            let has_agreed =
                |other: &[Value]| chosen(columns, other, table.agreed) == chosen(columns, &row, table.agreed);
            let verb = match existing.as_deref() {
                None => "INSERT",
                Some(existing) => match (is_done(existing), is_done(&row)) {
                    (false, true) => "INSERT OR REPLACE",
                    (true, true) if !has_agreed(existing) => return Err(conflict(table, &key)),
                    _ => return Ok(()),
                },
            };
            // Another file may be the same sample.
            if table.name == "samples"
                && is_done(&row)
                && let Some(image) = find_image(self.here, columns, &row).map_err(Fault::Here)?
            {
                return match image == chosen(columns, &row, &["image_sha256"]) {
                    true => Ok(()),
                    false => Err(conflict(table, &chosen(columns, &row, &["case_id", "ordinal"]))),
                };
            }
            insert(self.here, verb, table.name, columns, &row).map_err(Fault::Here)?;
            n_added += 1;
            Ok(())
        })?;
        match table.name {
            "samples" => self.summary.samples += n_added,
            "evidence" | "measurements" => self.summary.observations += n_added,
            _ => {}
        }
        Ok(())
    }

    /// Gives the number here of each call there.
    fn merge_numbered(&mut self, table: &Numbered) -> Result<BTreeMap<i64, i64>, Fault> {
        let mut numbers = BTreeMap::new();
        let mut taken = BTreeSet::new();
        let mut n_added = 0;
        self.for_each_row(table.name, table.id, |columns, mut row| {
            let at = |name: &str| columns.iter().position(|column| column == name);
            if let Some(place) = at("reread_of") {
                row[place] = renumbered(&row[place], &numbers)?;
            }
            let telling: Vec<&str> = columns
                .iter()
                .map(String::as_str)
                .filter(|name| *name != table.id && !table.aside.contains(name))
                .collect();
            let key = chosen(columns, &row, &telling);
            let same = find_numbers(self.here, table, &telling, &key).map_err(Fault::Here)?;
            let number = match same.into_iter().find(|number| !taken.contains(number)) {
                Some(number) => {
                    if at("is_withdrawn").is_some_and(|place| row[place] == Value::Integer(1)) {
                        let sql =
                            format!("UPDATE {} SET is_withdrawn = 1 WHERE {} = ?", table.name, table.id);
                        self.here.execute(&sql, [number]).map_err(Fault::Here)?;
                    }
                    number
                }
                None => {
                    n_added += 1;
                    let id = at(table.id).map(|place| std::mem::replace(&mut row[place], Value::Null));
                    insert(self.here, "INSERT", table.name, columns, &row).map_err(Fault::Here)?;
                    if let (Some(id), Some(place)) = (id, at(table.id)) {
                        row[place] = id;
                    }
                    self.here.last_insert_rowid()
                }
            };
            taken.insert(number);
            if let Some(Value::Integer(id)) = at(table.id).map(|place| &row[place]) {
                numbers.insert(*id, number);
            }
            Ok(())
        })?;
        self.summary.calls += n_added;
        Ok(numbers)
    }
}

fn conflict(table: &Keyed, key: &[Value]) -> Fault {
    let shown = key.iter().map(|value| match value {
        Value::Text(text) => visible(text).to_string(),
        Value::Integer(number) => number.to_string(),
        _ => String::new(),
    });
    Fault::Conflict(format!("{} {}", table.title, shown.collect::<Vec<_>>().join(" ")))
}

fn renumbered(value: &Value, numbers: &BTreeMap<i64, i64>) -> Result<Value, Fault> {
    match value {
        Value::Integer(id) => numbers.get(id).map(|number| Value::Integer(*number)).ok_or(Fault::Dangling),
        value => Ok(value.clone()),
    }
}

/// The values of some columns.
fn chosen(columns: &[String], row: &[Value], names: &[&str]) -> Vec<Value> {
    let value = |name: &&str| {
        let place = columns.iter().position(|column| column == name);
        place.map_or(Value::Null, |place| row[place].clone())
    };
    names.iter().map(value).collect()
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let statement = connection.prepare_cached(&format!("SELECT * FROM {table}"))?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

fn values_of(row: &Row<'_>, n_columns: usize) -> rusqlite::Result<Vec<Value>> {
    (0..n_columns).map(|place| row.get(place)).collect()
}

fn equal_to(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name} IS ?")).collect::<Vec<_>>().join(" AND ")
}

fn find_row(
    connection: &Connection,
    table: &str,
    columns: &[String],
    names: &[&str],
    key: &[Value],
) -> rusqlite::Result<Option<Vec<Value>>> {
    let sql = format!("SELECT {} FROM {table} WHERE {}", columns.join(", "), equal_to(names));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(key))?;
    rows.next()?.map(|row| values_of(row, columns.len())).transpose()
}

/// The image that a finished sample of the same place has under another name.
fn find_image(
    connection: &Connection,
    columns: &[String],
    row: &[Value],
) -> rusqlite::Result<Option<Vec<Value>>> {
    let place = ["case_id", "ordinal", "round"];
    let sql = format!("SELECT image_sha256 FROM samples WHERE {} AND outcome = 'done'", equal_to(&place));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(chosen(columns, row, &place)))?;
    rows.next()?.map(|row| values_of(row, 1)).transpose()
}

fn find_numbers(
    connection: &Connection,
    table: &Numbered,
    names: &[&str],
    key: &[Value],
) -> rusqlite::Result<Vec<i64>> {
    let sql = format!("SELECT {0} FROM {1} WHERE {2} ORDER BY {0}", table.id, table.name, equal_to(names));
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(params_from_iter(key), |row| row.get(0))?.collect()
}

fn insert(
    connection: &Connection,
    verb: &str,
    table: &str,
    columns: &[String],
    row: &[Value],
) -> rusqlite::Result<()> {
    let places = vec!["?"; columns.len()].join(", ");
    let sql = format!("{verb} INTO {table} ({}) VALUES ({places})", columns.join(", "));
    connection.prepare_cached(&sql)?.execute(params_from_iter(row)).map(drop)
}
