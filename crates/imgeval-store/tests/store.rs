//! Runs of older formats, and evidence that is kept apart by detector and namer.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[cfg(test)]
#[path = "store/generation.rs"]
mod generation;
#[cfg(test)]
#[path = "store/judgments.rs"]
mod judgments;
#[cfg(all(test, unix))]
#[path = "store/links.rs"]
mod links;
#[cfg(test)]
#[path = "store/merge.rs"]
mod merge;
#[cfg(test)]
#[path = "store/migration.rs"]
mod migration;

use std::{collections::BTreeMap, fs, path::Path};

use imgeval_core::{ColorRule, ContentHash, Failure, FailureKind, ObserverId, ObserverMeta};
use imgeval_store::{Manifest, ObservedSample, ObserverKey, RunReader, RunWriter, StoreError};
use rusqlite::Connection;

/// The tables of format 1 with one image and what the preview saw in it, as version 0.1.0 wrote them.
const FORMAT_1: &str = r#"
CREATE TABLE samples (source TEXT PRIMARY KEY, file_size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    case_id TEXT NOT NULL, ordinal INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, image_sha256 TEXT,
    format TEXT, width INTEGER, height INTEGER, notes TEXT NOT NULL) STRICT;
CREATE TABLE extra_files (source TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT;
CREATE TABLE observers (observer_id TEXT PRIMARY KEY, id TEXT NOT NULL, title TEXT NOT NULL, version INTEGER NOT NULL,
    weights_sha256 TEXT NOT NULL, parameters TEXT NOT NULL, is_comparable INTEGER NOT NULL) STRICT;
CREATE TABLE evidence (work_key TEXT PRIMARY KEY, observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL, payload TEXT NOT NULL) STRICT;
CREATE TABLE failed_observations (work_key TEXT PRIMARY KEY, observer_id TEXT NOT NULL REFERENCES observers,
    image_sha256 TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
INSERT INTO samples VALUES ('/images/0.png', 3, 4, '00000', 0, 'done', '',
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'png', 640, 480, '');
INSERT INTO observers VALUES ('0123456789abcdef', 'preview', 'YOLO', 1, 'aa', 'input=416', 0);
INSERT INTO evidence VALUES ('key', '0123456789abcdef',
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    '{"version":1,"width":640,"height":480,"detections":[{"class":"cow","score":0.5,"box":[1.0,2.0,3.0,4.5],"colors":[0.0,0.0,0.25,0.0,0.0,0.0,0.0,0.5,0.0,0.0]}]}');
PRAGMA user_version = 1;
"#;

fn write_format_1(folder: &Path) {
    let manifest =
        "format_version = 1\nsuite = \"geneval\"\ntool_version = \"0.1.0\"\n[parameters]\nseed = \"43\"\n";
    fs::write(folder.join("run.toml"), manifest).unwrap();
    let database = Connection::open(folder.join("run.db")).unwrap();
    database.execute_batch(FORMAT_1).unwrap();
}

fn samples(run: &RunReader, observer: &str) -> Vec<ObservedSample> {
    let mut samples = Vec::new();
    run.for_each_sample(Some(&ObserverId::new(observer)), |sample| samples.push(sample)).unwrap();
    samples
}

#[test]
fn a_run_of_format_1_is_read_with_its_colors() {
    let folder = tempfile::tempdir().unwrap();
    write_format_1(folder.path());
    let run = RunReader::open(folder.path()).unwrap();
    let observers = run.observers().unwrap();
    assert_eq!((observers.len(), observers[0].id.as_str()), (1, "preview"));
    let samples = samples(&run, "0123456789abcdef");
    let evidence = samples[0].evidence.as_ref().unwrap();
    let colors = evidence.detections[0].colors.unwrap();
    assert_eq!((colors.rule, colors.best().unwrap().name()), (ColorRule::PositiveOnly, "brown"));
    assert_eq!(evidence.detections[0].mask, None);
}

#[test]
fn a_run_of_format_1_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    write_format_1(folder.path());
    let before = fs::read(folder.path().join("run.db")).unwrap();
    let error = RunWriter::open(folder.path(), "test").unwrap_err();
    assert!(matches!(error, StoreError::TooOld { found: 1, writable: 5, .. }), "{error}");
    assert!(RunReader::open(folder.path()).is_ok());
    assert_eq!(fs::read(folder.path().join("run.db")).unwrap(), before);
}

#[test]
fn failures_of_finished_images_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Manifest {
        suite: "fake".to_owned(),
        parameters: BTreeMap::new(),
        generation: BTreeMap::new(),
        tool_version: "0".to_owned(),
        label: None,
    };
    let mut run = RunWriter::create_or_open(folder.path(), &asked, "test").unwrap();
    let meta = ObserverMeta {
        id: "eyes".to_owned(),
        title: String::new(),
        version: 1,
        weights_sha256: String::new(),
        parameters: String::new(),
        is_comparable: true,
    };
    let observer = meta.observer_id();
    let (detector, namer) = (ObserverId::new("eyes"), ObserverId::new("words"));
    run.record_observer(&meta, &ObserverKey { observer: observer.clone(), detector, namer }).unwrap();
    let failure = Failure { kind: FailureKind::DetectorFailed, detail: "too dark".to_owned() };
    let images = [b"one", b"two"].map(|bytes| ContentHash::of(bytes));
    for image in &images {
        run.record_failed_observation(&observer, image, &failure).unwrap();
    }
    run.forget_failed_observations(&observer, &images[..1]).unwrap();
    let database = Connection::open(folder.path().join("run.db")).unwrap();
    let sql = "SELECT group_concat(image_sha256) FROM failed_observations";
    let left: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(left, images[1].as_str());
}
