//! Fetching suites from an archive, from addresses and from folders.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use imgeval_core::ContentHash;
use imgeval_fetch::{
    http::{DownloadError, DownloadEvent},
    suites::{
        Archive, FetchError, Fetched, Fetching, Listing, OtherScripts, RemoteFile, Source, SuiteFolder,
        keep_listing,
    },
};
use imgeval_suites::files::FetchRecord;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::file_server::{Reply, Server};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const PROMPTS: &[u8] = b"the prompts";
const SCRIPT: &[u8] = b"the script";

fn sha256(bytes: &[u8]) -> String {
    ContentHash::of(bytes).to_string()
}

/// A zip archive of these files, with that comment.
fn archive(comment: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.set_comment(comment).unwrap();
    writer.finish().unwrap().into_inner()
}

fn whole() -> Vec<u8> {
    archive(COMMIT, &[("suite-0123456/data/prompts.json", PROMPTS), ("suite-0123456/eval.py", SCRIPT)])
}

/// What came of fetching.
#[derive(Debug, PartialEq)]
struct Seen {
    n_files: usize,
    missing: Vec<String>,
    n_others: usize,
    n_unusable: usize,
}

const ALL: Seen = Seen { n_files: 2, missing: Vec::new(), n_others: 0, n_unusable: 0 };

/// The folder of one test, and a suite of two files.
struct Stage {
    folder: tempfile::TempDir,
    sha256: [String; 2],
    archive_url: Option<String>,
    prompts_url: Option<String>,
    events: RefCell<Vec<DownloadEvent>>,
}

impl Stage {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            sha256: [sha256(PROMPTS), sha256(SCRIPT)],
            archive_url: None,
            prompts_url: None,
            events: RefCell::default(),
        }
    }

    fn with_archive(server: &Server) -> Self {
        Self { archive_url: Some(format!("{}/archive.zip", server.address)), ..Self::new() }
    }

    fn suite(&self) -> SuiteFolder<'_> {
        let file = |path, number: usize, is_script| RemoteFile {
            path,
            url: self.prompts_url.as_deref().filter(|_| number == 0),
            sha256: &self.sha256[number],
            max_bytes: 1_000,
            is_script,
        };
        let source = Source {
            id: "suite",
            title: "SUITE",
            licence: "MIT",
            repository: "owner/suite",
            commit: "0123456",
            archive: self.archive_url.as_deref().map(|url| Archive { url, max_bytes: 10_000 }),
            files: vec![file("data/prompts.json", 0, false), file("eval.py", 1, true)],
        };
        SuiteFolder::new(self.folder.path().join("suite"), source)
    }

    fn fetch(&self, from: Option<&Path>) -> Result<Seen, FetchError> {
        self.fetch_with(from, |_| {})
    }

    fn fetch_with(
        &self,
        from: Option<&Path>,
        change: impl FnOnce(&mut Fetching<'_>),
    ) -> Result<Seen, FetchError> {
        let mut fetching = Fetching {
            from,
            is_offline: false,
            other_scripts: OtherScripts::Refuse,
            replaces: false,
            retry_pause: Duration::from_millis(1),
        };
        change(&mut fetching);
        let check = |_: &RemoteFile<'_>, bytes: &[u8]| match bytes.starts_with(b"bad") {
            true => Err("unusable"),
            false => Ok(()),
        };
        let suite = self.suite();
        let Fetched { n_files, missing, other_scripts, unusable } =
            suite.fetch(&fetching, &check, &|event| self.events.borrow_mut().push(event))?;
        Ok(Seen {
            n_files,
            missing: missing.into_iter().map(str::to_owned).collect(),
            n_others: other_scripts.len(),
            n_unusable: unusable.len(),
        })
    }

    fn given(&self, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.folder.path().join("given");
        fs::remove_dir_all(&folder).ok();
        for (name, bytes) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path().join("suite"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn the_files_come_out_of_the_archive_of_the_pinned_commit() {
    let server = Server::start(|request| match request.start() {
        0 => Reply { cut: Some(100), ..Reply::content(request, &whole()) },
        _ => Reply::content(request, &whole()),
    });
    let stage = Stage::with_archive(&server);
    assert!(matches!(stage.fetch_with(None, |it| it.is_offline = true), Err(FetchError::Offline)));
    assert!(server.requests().is_empty() && stage.names().is_empty());
    assert_eq!(stage.fetch(None).unwrap(), ALL);
    assert_eq!(server.requests().iter().map(|request| request.start()).collect::<Vec<_>>(), [0, 100]);
    assert_eq!(stage.names(), ["data", "eval.py", "fetched.toml"]);
    let told = stage.events.borrow();
    assert!(matches!(
        told.as_slice(),
        [
            DownloadEvent::Fetching { resumed_at: 0, .. },
            DownloadEvent::Retrying { .. },
            DownloadEvent::Fetching { resumed_at: 100, .. },
        ]
    ));

    let suite = stage.suite();
    let record = FetchRecord::read(suite.path()).unwrap().unwrap();
    assert_eq!(record.commit, COMMIT);
    assert_eq!(fs::read(suite.path().join("data/prompts.json")).unwrap(), PROMPTS);
    assert_eq!(fs::read(suite.path().join("eval.py")).unwrap(), SCRIPT);
}

#[test]
fn an_archive_of_another_commit_or_none_at_all_is_refused_and_forgotten() {
    let other = COMMIT.replace("0123456", "6543210");
    for (bytes, expected) in [
        (archive(&other, &[("data/prompts.json", PROMPTS)]), "not of commit 0123456"),
        (archive("", &[("data/prompts.json", PROMPTS)]), "not of commit 0123456"),
        (b"<html>log in</html>".to_vec(), "neither a folder nor a zip archive"),
        (vec![0; 10_001], "more than 10000 bytes"),
    ] {
        let server = Server::start(move |request| Reply::content(request, &bytes));
        let stage = Stage::with_archive(&server);
        let error = stage.fetch(None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!stage.names().contains(&"fetched.toml".to_owned()));
    }
}

#[test]
fn a_file_with_an_address_of_its_own_is_fetched_from_there() {
    let server = Server::start(|request| match request.path.as_str() {
        "/archive.zip" => Reply::content(request, &archive(COMMIT, &[("x/eval.py", SCRIPT)])),
        "/prompts" => Reply::content(request, PROMPTS),
        "/other" => Reply::content(request, b"other prompts"),
        "/long" => Reply::content(request, &[0; 1_001]),
        _ => Reply::status(404),
    });
    let stage = |path: &str| Stage {
        prompts_url: Some(format!("{}{path}", server.address)),
        ..Stage::with_archive(&server)
    };
    let good = stage("/prompts");
    assert_eq!(good.fetch(None).unwrap(), ALL);
    assert_eq!(good.names(), ["data", "eval.py", "fetched.toml"]);
    assert!(matches!(stage("/other").fetch(None), Err(FetchError::Changed { is_script: false, .. })));
    let download = |path: &str| match stage(path).fetch(None) {
        Err(FetchError::Download(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(download("/long"), DownloadError::TooLong { limit: 1_000, .. }));
    assert!(matches!(download("/none"), DownloadError::NotFound { .. }));
    // A download of the user's has all in one place.
    let given = good.given(&[("prompts.json", PROMPTS), ("eval.py", SCRIPT)]);
    assert_eq!(stage("/none").fetch(Some(&given)).unwrap(), ALL);
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_refused_and_a_script_taken_when_asked_for() {
    let stage = Stage::new();
    let given = stage.given(&[("clone/data/prompts.json", b"other")]);
    assert!(matches!(stage.fetch(Some(&given)), Err(FetchError::Changed { is_script: false, .. })));
    let given = stage.given(&[("prompts.json", PROMPTS), ("eval.py", b"other script")]);
    assert!(matches!(stage.fetch(Some(&given)), Err(FetchError::Changed { is_script: true, .. })));
    let take = |given: &Path| stage.fetch_with(Some(given), |it| it.other_scripts = OtherScripts::Take);
    assert_eq!(take(&given).unwrap(), Seen { n_others: 1, ..ALL });
    let others = stage.folder.path().join("suite/other-scripts");
    assert_eq!(fs::read(others.join(sha256(b"other script"))).unwrap(), b"other script");

    // Another one again needs to be asked for, and one without use is left out.
    let given = stage.given(&[("eval.py", b"third script")]);
    assert!(matches!(take(&given), Err(FetchError::NotTheOneBefore { .. })));
    let given = stage.given(&[("prompts.json", PROMPTS), ("eval.py", b"bad")]);
    assert_eq!(take(&given).unwrap(), Seen { n_files: 1, n_unusable: 1, ..ALL });
    let given = stage.given(&[("eval.py", SCRIPT)]);
    let again = stage.fetch_with(Some(&given), |it| it.replaces = true).unwrap();
    assert_eq!(again, Seen { n_files: 1, missing: vec!["data/prompts.json".to_owned()], ..ALL });
    assert_eq!(fs::read_dir(others).unwrap().count(), 0, "what no record names is swept");
}

#[test]
fn a_suite_cannot_name_files_outside_its_folder() {
    let stage = Stage::new();
    let given = stage.given(&[("x", PROMPTS)]);
    for path in ["../x", "/x", "a/../../x"] {
        let file = RemoteFile { path, url: None, sha256: &stage.sha256[0], max_bytes: 10, is_script: false };
        let suite = stage.suite();
        let source = Source { files: vec![file], ..suite.source().clone() };
        let suite = SuiteFolder::new(suite.path().to_owned(), source);
        let fetching = Fetching {
            from: Some(&given),
            is_offline: true,
            other_scripts: OtherScripts::Refuse,
            replaces: false,
            retry_pause: Duration::ZERO,
        };
        let fetched = suite.fetch::<()>(&fetching, &|_, _| Ok(()), &|_| {});
        assert!(!stage.folder.path().join("x").exists());
        assert!(fetched.is_err(), "{path}");
    }
}

#[test]
fn a_listing_is_replaced_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let listing = |text: &str, image: &[u8]| Listing {
        text: text.to_owned(),
        images: BTreeMap::from([(format!("{}.png", sha256(image)), image.to_vec())]),
    };
    let keep =
        |listing: &Listing, replaces| keep_listing(folder.path(), "cases.jsonl", "SUITE", listing, replaces);
    keep(&listing("one\n", b"1"), false).unwrap();
    keep(&listing("one\n", b"1"), false).unwrap();
    let error = keep(&listing("two\n", b"2"), false).unwrap_err();
    let expected = format!(
        "this SUITE is not the one fetched before: the SHA-256 of its listing is {}, previously {}",
        sha256(b"two\n"),
        sha256(b"one\n")
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read_dir(folder.path().join("images")).unwrap().count(), 1);
    keep(&listing("two\n", b"2"), true).unwrap();
    assert_eq!(fs::read(folder.path().join("cases.jsonl")).unwrap(), b"two\n");
}
