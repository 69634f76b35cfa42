//! A run that somebody else prepared: links, pipes and sockets where the run's own files should be.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageFormat, ImageRef};
use imgeval_store::{Images, Manifest, RunReader, RunWriter, StoreError};
use tempfile::TempDir;

struct Bench {
    root: TempDir,
}

impl Bench {
    /// A run with an image, and a file and folder of the user's beside it.
    fn new() -> Self {
        let bench = Self { root: tempfile::tempdir().unwrap() };
        fs::write(bench.place("victim"), "precious").unwrap();
        fs::create_dir(bench.place("mine")).unwrap();
        bench.create().unwrap();
        bench.put_image().unwrap();
        bench
    }

    fn place(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self) -> PathBuf {
        self.place("run")
    }

    fn create(&self) -> Result<RunWriter, StoreError> {
        let asked = Manifest {
            suite: "fake".to_owned(),
            parameters: [].into(),
            generation: [].into(),
            tool_version: "0".to_owned(),
            label: None,
        };
        RunWriter::create_or_open(&self.run(), &asked, "the holder")
    }

    fn put_image(&self) -> Result<(), StoreError> {
        Images::at(&self.run()).put(&image(), b"image")
    }

    /// Puts something else in the place of a file or folder of the run.
    fn replace(&self, name: &str, put: impl Fn(&Path)) -> PathBuf {
        let path = self.run().join(name);
        if path.is_dir() {
            fs::rename(&path, self.place("was here")).unwrap();
        } else {
            fs::remove_file(&path).ok();
        }
        put(&path);
        path
    }

    fn check_untouched(&self, context: &str) {
        assert_eq!(fs::read(self.place("victim")).unwrap(), b"precious", "{context}");
        assert_eq!(fs::read_dir(self.place("mine")).unwrap().count(), 0, "{context}");
        assert!(!self.place("nowhere").exists(), "{context}");
    }
}

fn hash() -> ContentHash {
    ContentHash::of(b"image")
}

fn image() -> ImageRef {
    ImageRef { hash: hash(), format: ImageFormat::Png }
}

fn image_name() -> String {
    format!("images/{}/{}.png", &hash().as_str()[..2], hash())
}

fn make_socket(path: &Path) {
    UnixListener::bind(path).unwrap();
}

#[test]
fn files_that_are_written_whole_replace_links() {
    let bench = Bench::new();
    let victim = bench.place("victim");
    let listing = bench.create().unwrap().merge_cases(&[]).unwrap();
    for name in ["run.toml", "run.lock", "cases.jsonl", &image_name()] {
        for kind in ["link", "dangling link", "hard link", "loop", "socket"] {
            let path = bench.replace(name, |path| match kind {
                "link" => symlink(&victim, path).unwrap(),
                "dangling link" => symlink(bench.place("nowhere"), path).unwrap(),
                "hard link" => fs::hard_link(&victim, path).unwrap(),
                "loop" => symlink(path, path).unwrap(),
                _ => make_socket(path),
            });
            match name {
                "run.toml" => {
                    // What cannot be read is no manifest; where there is none, it is made.
                    bench.create().ok();
                    fs::remove_file(&path).unwrap();
                    drop(bench.create().unwrap());
                }
                name => {
                    let run = bench.create().unwrap();
                    run.put_cases(&listing).unwrap();
                    bench.put_image().unwrap();
                    let expected: &[u8] = match name {
                        "run.lock" => b"the holder\n",
                        "cases.jsonl" => b"",
                        _ => b"image",
                    };
                    assert_eq!(fs::read(&path).unwrap(), expected, "{name}, {kind}");
                }
            }
            assert!(path.symlink_metadata().unwrap().is_file(), "{name}, {kind}");
            bench.check_untouched(&format!("{name}, {kind}"));
        }
    }
}

#[test]
fn a_database_that_is_a_link_or_no_file_is_refused() {
    for name in ["run.db", "run.db-wal", "run.db-shm", "run.db-journal"] {
        for kind in ["link", "dangling link", "hard link", "link to a folder", "socket"] {
            let bench = Bench::new();
            bench.replace(name, |path| match kind {
                "link" => symlink(bench.place("victim"), path).unwrap(),
                "dangling link" => symlink(bench.place("nowhere"), path).unwrap(),
                "hard link" => fs::hard_link(bench.place("victim"), path).unwrap(),
                "link to a folder" => symlink(bench.place("mine"), path).unwrap(),
                _ => make_socket(path),
            });
            let errors =
                [bench.create().map(drop).unwrap_err(), RunReader::open(&bench.run()).map(drop).unwrap_err()];
            for error in errors {
                assert!(matches!(error, StoreError::Unsuitable { .. }), "{name}, {kind}: {error}");
            }
            bench.check_untouched(&format!("{name}, {kind}"));
        }
    }
}

#[test]
fn folders_of_images_that_are_links_are_refused() {
    for name in ["images".to_owned(), format!("images/{}", &hash().as_str()[..2])] {
        let bench = Bench::new();
        bench.replace(&name, |path| symlink(bench.place("mine"), path).unwrap());
        let error = bench.put_image().unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{name}: {error}");
        assert!(Images::at(&bench.run()).put_paid(&image(), b"image").is_err());
        assert!(Images::at(&bench.run()).put_unread(&hash(), "tiff", b"image").is_err());
        bench.check_untouched(&name);
    }
}

#[test]
fn the_run_itself_may_be_named_by_a_link() {
    let bench = Bench::new();
    symlink(bench.run(), bench.place("name")).unwrap();
    drop(RunWriter::open(&bench.place("name"), "test").unwrap());
    drop(RunReader::open(&bench.place("name")).unwrap());
}

#[test]
fn foreign_databases_are_refused_for_reading_and_writing() {
    let check = |sql: &str, expected: &str| {
        let bench = Bench::new();
        let database = rusqlite::Connection::open(bench.run().join("run.db")).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        for error in
            [bench.create().map(drop).unwrap_err(), RunReader::open(&bench.run()).map(drop).unwrap_err()]
        {
            assert!(matches!(error, StoreError::ForeignDatabase { .. }), "{sql}: {error}");
            assert!(error.to_string().ends_with(expected), "{sql}: {error}");
        }
    };
    check("CREATE VIEW more AS SELECT * FROM samples", "the view `more`");
    check("CREATE TABLE contacts (name)", "the unknown table `contacts`");
    check("DROP TABLE colors; CREATE VIEW colors AS SELECT 1", "the view `colors`");
    check(
        "CREATE TRIGGER more AFTER INSERT ON samples BEGIN DELETE FROM attempts; END",
        "the trigger `more`",
    );

    // Another program's database, which has no format number.
    let bench = Bench::new();
    fs::remove_file(bench.run().join("run.db")).unwrap();
    let database = rusqlite::Connection::open(bench.run().join("run.db")).unwrap();
    database.execute_batch("CREATE TABLE samples (precious)").unwrap();
    drop(database);
    assert!(matches!(bench.create().unwrap_err(), StoreError::ForeignDatabase { .. }));
}

#[test]
fn a_writer_sweeps_what_killed_ones_left_unfinished() {
    let bench = Bench::new();
    let images = fs::read_dir(bench.run().join("images")).unwrap().next().unwrap().unwrap().path();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let places = [bench.run(), bench.run().join("images"), images];
    for place in &places {
        let file = fs::File::create(place.join(".writing-abc")).unwrap();
        file.set_modified(old).unwrap();
        symlink(bench.place("victim"), place.join(".writing-link")).unwrap();
    }
    bench.create().unwrap();
    for place in &places {
        assert!(!place.join(".writing-abc").exists(), "{}", place.display());
        assert!(place.join(".writing-link").is_symlink(), "{}", place.display());
    }
    assert_eq!(fs::read_to_string(bench.place("victim")).unwrap(), "precious");
}
