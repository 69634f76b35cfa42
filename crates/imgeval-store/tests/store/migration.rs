//! Databases of format 2 as they were written before rounds and generated samples.

use std::{collections::BTreeMap, fs, path::Path};

use imgeval_core::{CaseId, Failure, FailureKind, ObserverId, Outcome, SampleId, Usage, WorkKey};
use imgeval_store::{
    AttemptRecord, Charge, GenerationBatch, Manifest, ObservedSample, RunReader, RunWriter, Spend, StoreError,
};
use rusqlite::Connection;

/// The tables of format 2 with two samples, one of them observed and named.
const FORMAT_2: &str = r#"
CREATE TABLE samples (source TEXT PRIMARY KEY, file_size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    case_id TEXT NOT NULL, ordinal INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, image_sha256 TEXT,
    format TEXT, width INTEGER, height INTEGER, notes TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX samples_done ON samples (case_id, ordinal) WHERE outcome = 'done';
CREATE INDEX samples_by_id ON samples (case_id, ordinal);
CREATE INDEX samples_by_image ON samples (image_sha256);
CREATE TABLE extra_files (source TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT;
CREATE TABLE observers (observer_id TEXT PRIMARY KEY, id TEXT NOT NULL, title TEXT NOT NULL, version INTEGER NOT NULL,
    weights_sha256 TEXT NOT NULL, parameters TEXT NOT NULL, is_comparable INTEGER NOT NULL, detector_id TEXT NOT NULL,
    namer_id TEXT NOT NULL) STRICT;
CREATE TABLE evidence (work_key TEXT PRIMARY KEY, detector_id TEXT NOT NULL, image_sha256 TEXT NOT NULL,
    payload TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX evidence_by_image ON evidence (image_sha256, detector_id);
CREATE TABLE colors (image_sha256 TEXT NOT NULL, detector_id TEXT NOT NULL, namer_id TEXT NOT NULL,
    payload TEXT NOT NULL, PRIMARY KEY (image_sha256, detector_id, namer_id)) STRICT, WITHOUT ROWID;
CREATE TABLE failed_observations (work_key TEXT PRIMARY KEY, observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
INSERT INTO samples VALUES ('/images/0.png', 3, 4, '00000', 0, 'done', '',
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'png', 640, 480, 'alpha 16-bit');
INSERT INTO samples VALUES ('/images/1.png', 9, 4, '00000', 1, 'unreadable', 'cut off', NULL, NULL, NULL, NULL, '');
INSERT INTO extra_files VALUES ('/images/notes.txt', 'not an image');
INSERT INTO observers VALUES ('0123456789abcdef', 'eyes', 'Eyes', 1, 'aa', 'input=416', 0, 'd', 'n');
INSERT INTO evidence VALUES ('key', 'd', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    '{"version":2,"width":640,"height":480,"detections":[{"class":"cow","score":0.5,"box":[1.0,2.0,3.0,4.5]}]}');
INSERT INTO colors VALUES ('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'd', 'n',
    '{"version":1,"colors":[]}');
PRAGMA user_version = 2;
"#;

fn write_format_2(folder: &Path) -> Connection {
    let manifest =
        "format_version = 1\nsuite = \"geneval\"\ntool_version = \"0.1.0\"\n[parameters]\nseed = \"43\"\n";
    fs::write(folder.join("run.toml"), manifest).unwrap();
    let database = Connection::open(folder.join("run.db")).unwrap();
    database.execute_batch(FORMAT_2).unwrap();
    database
}

fn samples(folder: &Path) -> Vec<ObservedSample> {
    let run = RunReader::open(folder).unwrap();
    let mut samples = Vec::new();
    run.for_each_sample(Some(&ObserverId::new("0123456789abcdef")), |sample| samples.push(sample)).unwrap();
    assert_eq!((run.observers().unwrap().len(), run.extra_files().unwrap().len()), (1, 1));
    assert_eq!(run.spend().unwrap(), Spend::default());
    run.for_each_attempt(|attempt| panic!("nothing was generated: {attempt:?}")).unwrap();
    samples
}

#[test]
fn a_run_of_format_2_is_read_as_it_lies_and_the_same_once_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    drop(write_format_2(folder.path()));
    let bytes = fs::read(folder.path().join("run.db")).unwrap();
    let before = samples(folder.path());
    assert_eq!(fs::read(folder.path().join("run.db")).unwrap(), bytes, "reading writes nothing");
    assert_eq!(before.len(), 2);
    assert_eq!(before[0].evidence.as_ref().unwrap().detections.len(), 1);
    assert!(before.iter().all(|sample| sample.sample.id.round == 1));

    for _ in 0..2 {
        let run = RunWriter::open(folder.path(), "test").unwrap();
        assert_eq!(run.known_files().unwrap().len(), 2);
        assert_eq!((run.generated_samples().unwrap().len(), run.spend().unwrap()), (0, Spend::default()));
        drop(run);
        assert_eq!(samples(folder.path()), before);
    }
    let database = Connection::open(folder.path().join("run.db")).unwrap();
    let indexes = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'index'
                       AND tbl_name = 'samples' AND name LIKE 'samples%' ORDER BY name)";
    let ask = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(ask(indexes), "samples_by_id samples_by_image samples_done");
    assert_eq!(ask("SELECT CAST(user_version AS TEXT) FROM pragma_user_version"), "5");
    assert_eq!(ask("PRAGMA integrity_check"), "ok");
}

#[test]
fn a_run_of_format_4_is_read_as_it_lies_and_its_replies_may_be_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Manifest {
        suite: "fake".to_owned(),
        parameters: BTreeMap::new(),
        generation: BTreeMap::new(),
        tool_version: "0".to_owned(),
        label: None,
    };
    let mut run = RunWriter::create_or_open(folder.path(), &asked, "test").unwrap();
    let failure = Failure { kind: FailureKind::EmptyReply, detail: "nothing".to_owned() };
    let attempt = AttemptRecord {
        id: SampleId::new(CaseId::new("cat"), 0),
        work_key: WorkKey::new("k"),
        began_ms: 1,
        duration_ms: 2,
        prompt: "a cat".to_owned(),
        seed: None,
        outcome: Outcome::Failed(failure),
        kept_image: None,
        usage: Usage::default(),
        charge: Charge { tries: 1, ..Charge::default() },
        revised_prompt: None,
        state: None,
        raw: "{\"data\": []}".to_owned(),
        kept: None,
        reread_of: None,
    };
    let attempts = vec![attempt.clone()];
    run.record_generation(&GenerationBatch { attempts, ..GenerationBatch::default() }).unwrap();
    drop(run);
    // As format 4 was.
    let database = Connection::open(folder.path().join("run.db")).unwrap();
    for table in ["attempts", "judgments"] {
        for column in ["kept_status", "kept", "reread_of"] {
            database.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {column}")).unwrap();
        }
    }
    database.execute_batch("PRAGMA user_version = 4").unwrap();
    drop(database);

    let check = || {
        let run = RunReader::open(folder.path()).unwrap();
        let mut attempts = Vec::new();
        run.for_each_attempt(|attempt| attempts.push(attempt)).unwrap();
        assert_eq!(attempts, std::slice::from_ref(&attempt));
        run.for_each_judgment_call(|call| panic!("nothing was judged: {call:?}")).unwrap();
    };
    check();
    let run = RunWriter::open(folder.path(), "test").unwrap();
    let unused = run.unused_replies().unwrap();
    assert_eq!(unused.len(), 1);
    assert_eq!(run.reply_of_attempt(unused[0].attempt_id).unwrap(), (None, attempt.raw.clone()));
    assert_eq!(run.unused_judgments().unwrap(), []);
    drop(run);
    check();
}

#[test]
fn a_database_that_cannot_be_brought_up_to_date_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let database = write_format_2(folder.path());
    // In the way of a step in the middle.
    database.execute_batch("CREATE TABLE rewrites (a TEXT)").unwrap();
    drop(database);
    let before = samples(folder.path());
    let error = RunWriter::open(folder.path(), "test").unwrap_err();
    assert!(matches!(error, StoreError::Database { .. }), "{error}");
    assert_eq!(samples(folder.path()), before);
    let database = Connection::open(folder.path().join("run.db")).unwrap();
    database.execute_batch("DROP TABLE rewrites").unwrap();
    drop(database);
    drop(RunWriter::open(folder.path(), "test").unwrap());
    assert_eq!(samples(folder.path()), before);
}
