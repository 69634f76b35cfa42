//! Fetching suites: from folders and archives that may be anything.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    process::Output,
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    judge_bench::{INSTRUCTIONS, JudgeBench, check_clean, write_benchmark, write_edits},
    provider::files,
    support::{check_exit, command, stderr, stdout, test_folder, text, write_picture},
};

struct Fetching {
    folder: PathBuf,
}

impl Fetching {
    fn new(name: &str) -> Self {
        let fetching = Self { folder: test_folder(name) };
        write_benchmark(&fetching.benchmark(), INSTRUCTIONS);
        fetching
    }

    fn benchmark(&self) -> PathBuf {
        self.folder.join("benchmark")
    }

    fn suites(&self) -> PathBuf {
        self.folder.join("suites")
    }

    fn fetch(&self, from: &Path, exit: i32) -> String {
        let suites = self.suites();
        let arguments =
            ["suites", "fetch", "reason-edit", "--from", text(from), "--suites-dir", text(&suites)];
        let output = command(&arguments).current_dir(&self.folder).output().unwrap();
        check_clean(&output);
        check_exit(&output, exit);
        stdout(&output) + &stderr(&output)
    }

    fn list(&self) -> String {
        let suites = self.suites();
        let output = command(&["suites", "list", "--json", "--suites-dir", text(&suites)]).output().unwrap();
        check_exit(&output, 0);
        let suites: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let of = suites["suites"]
            .as_array()
            .unwrap()
            .iter()
            .find(|suite| suite["suite"] == "reason-edit")
            .unwrap();
        of["data_here"].to_string()
    }

    /// Everything that fetching left behind, by name.
    fn fetched(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let suites = self.suites();
        if !suites.exists() {
            return Vec::new();
        }
        let relative = |path: PathBuf| path.strip_prefix(&suites).unwrap().to_owned();
        files(&suites).into_iter().map(|path| (relative(path.clone()), fs::read(path).unwrap())).collect()
    }

    /// The benchmark as an archive below a top folder, with more entries; the names are as they are given.
    fn archive(&self, name: &str, top: &str, more: &[(&str, &[u8])]) -> PathBuf {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let root = self.benchmark();
        let own = files(&root).into_iter().map(|path| {
            let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            (format!("{top}{relative}"), fs::read(path).unwrap())
        });
        let more = more.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        for (name, bytes) in own.chain(more) {
            writer.start_file(name, options).unwrap();
            writer.write_all(&bytes).unwrap();
        }
        let path = self.folder.join(name);
        fs::write(&path, writer.finish().unwrap().into_inner()).unwrap();
        path
    }
}

#[test]
fn reason_edit_is_the_same_from_a_folder_and_from_an_archive_with_any_top_folder() {
    let fetching = Fetching::new("suites-same");
    assert_eq!(fetching.list(), "false");
    let said = fetching.fetch(&fetching.benchmark(), 0);
    assert!(
        said.contains("3 cases") && said.contains("left-right: 2") && said.contains("reasoning: 1"),
        "{said}"
    );
    assert_eq!(fetching.list(), "true");
    let of_folder = fetching.fetched();
    assert_eq!(of_folder.len(), 7, "a listing, three images and three masks");
    let junk: &[(&str, &[u8])] = &[("__MACOSX/top/1-Left-Right/._0001.png", b"x"), ("readme.md", b"?")];
    for (name, top) in
        [("flat.zip", ""), ("top.zip", "SmartEdit-main/Reason-Edit/"), ("dots.zip", "./Reason-Edit/./")]
    {
        fs::remove_dir_all(fetching.suites()).unwrap();
        let archive = fetching.archive(name, top, junk);
        fetching.fetch(&archive, 0);
        assert!(fetching.fetched() == of_folder, "{name}");
    }
}

#[test]
fn the_layout_of_the_public_archive_is_understood_too() {
    let fetching = Fetching::new("suites-layout");
    fs::rename(fetching.benchmark().join("6-Reasoning"), fetching.benchmark().join("Reasoning-231115"))
        .unwrap();
    assert!(fetching.fetch(&fetching.benchmark(), 0).contains("reasoning: 1"));
}

#[test]
fn an_archive_whose_names_lead_elsewhere_is_refused_and_writes_nothing() {
    for (number, name) in
        ["../x.png", "a/../../x.png", "/imgeval-test-x.png", "..\\x.png/../../x.png"].into_iter().enumerate()
    {
        let fetching = Fetching::new(&format!("suites-leaves-{number}"));
        let archive = fetching.archive("evil.zip", "", &[(name, b"x")]);
        let said = fetching.fetch(&archive, 2);
        assert!(said.contains("unsafe name"), "{said}");
        assert!(fetching.fetched().is_empty());
        assert!(!fetching.folder.join("x.png").exists() && !Path::new("/imgeval-test-x.png").exists());
    }
}

#[test]
fn a_broken_archive_is_one_sentence() {
    let fetching = Fetching::new("suites-broken");
    let whole = fs::read(fetching.archive("whole.zip", "", &[])).unwrap();
    let path = fetching.folder.join("broken.zip");
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 0xff;
    for bytes in [&whole[..whole.len() / 2], b"PK\x05\x06", b"", b"<html>log in</html>", &flipped] {
        fs::write(&path, bytes).unwrap();
        let suites = fetching.suites();
        let arguments =
            ["suites", "fetch", "reason-edit", "--from", text(&path), "--suites-dir", text(&suites)];
        let output: Output = command(&arguments).output().unwrap();
        check_clean(&output);
        assert!([1, 2].contains(&output.status.code().unwrap()), "{output:?}");
        assert_eq!(stderr(&output).matches("error: ").count(), 1, "{}", stderr(&output));
        assert!(fetching.fetched().is_empty());
    }
    let said = fetching.fetch(&fetching.folder.join("nowhere"), 1);
    assert!(said.contains("could not read"), "{said}");
}

#[test]
fn an_entry_that_unpacks_to_more_than_a_file_may_have_is_refused() {
    let fetching = Fetching::new("suites-bomb");
    let bomb = vec![0; (64 << 20) + 1];
    let archive = fetching.archive("bomb.zip", "", &[("1-Left-Right/z.png", &bomb)]);
    assert!(fs::metadata(&archive).unwrap().len() < 1 << 20);
    let said = fetching.fetch(&archive, 2);
    assert!(said.contains("too long"), "{said}");
    assert!(fetching.fetched().is_empty());
}

#[test]
fn a_file_longer_than_any_image_of_a_suite_is_not_read() {
    let fetching = Fetching::new("suites-long");
    let image = fs::File::create(fetching.benchmark().join("6-Reasoning/0001.png")).unwrap();
    image.set_len((64 << 20) + 1).unwrap();
    let said = fetching.fetch(&fetching.benchmark(), 2);
    assert!(said.contains("0001.png` is too long"), "{said}");
    assert!(fetching.fetched().is_empty());
}

#[test]
fn entries_that_unpack_to_more_than_a_suite_may_have_are_refused_before_the_disk_is_full() {
    let fetching = Fetching::new("suites-bombs");
    let bomb = vec![0; 60 << 20];
    let names: Vec<String> = (0..18).map(|number| format!("bombs/{number}.png")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), bomb.as_slice())).collect();
    let archive = fetching.archive("bombs.zip", "", &entries);
    let said = fetching.fetch(&archive, 2);
    assert!(said.contains("too large"), "{said}");
    assert!(fetching.fetched().is_empty());
}

#[test]
fn what_is_fetched_again_must_be_the_same() {
    let fetching = Fetching::new("suites-again");
    fetching.fetch(&fetching.benchmark(), 0);
    let before = fetching.fetched();
    fetching.fetch(&fetching.benchmark(), 0);
    assert!(fetching.fetched() == before);
    write_benchmark(&fetching.benchmark(), ["Turn the lamp on.", INSTRUCTIONS[1], INSTRUCTIONS[2]]);
    let said = fetching.fetch(&fetching.benchmark(), 6);
    assert!(said.contains("is not the one fetched before"), "{said}");
    let hashes = said.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|word| word.len() == 64);
    assert_eq!(hashes.collect::<std::collections::BTreeSet<_>>().len(), 2, "{said}");
    assert!(fetching.fetched() == before, "nothing was replaced");
    let (from, suites) = (fetching.benchmark(), fetching.suites());
    let again =
        ["suites", "fetch", "reason-edit", "--again", "--from", text(&from), "--suites-dir", text(&suites)];
    check_exit(&command(&again).output().unwrap(), 0);
    assert!(fetching.fetched() != before, "replaced when asked to");
}

#[cfg(unix)]
#[test]
fn others_may_read_what_was_fetched() {
    use std::os::unix::fs::PermissionsExt as _;
    let fetching = Fetching::new("suites-shared");
    fetching.fetch(&fetching.benchmark(), 0);
    for file in files(&fetching.suites()) {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{}", file.display());
    }
}

#[test]
fn a_case_that_is_not_there_is_named_as_it_was_asked_for() {
    let fetching = Fetching::new("suites-case");
    fetching.fetch(&fetching.benchmark(), 0);
    let suites = fetching.suites();
    let arguments = ["protocol", "show", "reason-edit", "--case", "5000", "--suites-dir", text(&suites)];
    let output = command(&arguments).output().unwrap();
    check_exit(&output, 2);
    assert!(stderr(&output).contains("no prompt has the id `5000`"), "{}", stderr(&output));
}

#[test]
fn an_image_that_cannot_be_read_is_named() {
    let fetching = Fetching::new("suites-image");
    fs::write(fetching.benchmark().join("6-Reasoning/0001.png"), "no image").unwrap();
    let said = fetching.fetch(&fetching.benchmark(), 2);
    assert!(said.contains("6-Reasoning/0001.png"), "{said}");
    assert!(fetching.fetched().is_empty());
}

#[test]
fn an_image_changed_since_it_was_fetched_is_refused_with_both_checksums() {
    let bench = JudgeBench::new("suites-tampered");
    let image = files(&bench.folder.join("suites/reason-edit/images")).remove(0);
    write_picture(&bench.folder.join("other.png"), 77);
    fs::copy(bench.folder.join("other.png"), &image).unwrap();
    write_edits(&bench.folder.join("more"), 300);
    let (more, run) = (bench.folder.join("more"), bench.folder.join("second"));
    let output = bench.call(&["import", "reason-edit", text(&more), "--run", text(&run)]);
    check_exit(&output, 1);
    let said = stderr(&output);
    let expected = image.file_stem().unwrap().to_str().unwrap();
    assert!(said.contains("is not the expected file") && said.matches(expected).count() >= 2, "{said}");
    assert!(!run.exists());
}

#[test]
fn suites_that_are_not_here_say_how_to_get_them() {
    let fetching = Fetching::new("suites-none");
    let (suites, run, edits) =
        (fetching.suites(), fetching.folder.join("run"), fetching.folder.join("edits"));
    write_edits(&edits, 1);
    for (suite, words) in
        [("reason-edit", "suites fetch reason-edit --from"), ("wise-legacy", "suites fetch wise")]
    {
        let arguments = ["import", suite, text(&edits), "--run", text(&run), "--suites-dir", text(&suites)];
        let output = command(&arguments).output().unwrap();
        check_exit(&output, 1);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert!(!run.exists());
    }
    let output =
        command(&["suites", "fetch", "wise", "--offline", "--suites-dir", text(&suites)]).output().unwrap();
    check_exit(&output, 1);
    let output =
        command(&["suites", "fetch", "reason-edit", "--suites-dir", text(&suites)]).output().unwrap();
    check_exit(&output, 2);
    assert!(stderr(&output).contains("--from"), "{}", stderr(&output));
}

#[test]
fn an_archive_with_backslashes_between_folders_is_the_same() {
    let fetching = Fetching::new("suites-backslashes");
    fetching.fetch(&fetching.benchmark(), 0);
    let of_folder = fetching.fetched();
    let root = fetching.benchmark();
    for (number, top) in ["", "Reason-Edit\\", "a\\b c\\"].into_iter().enumerate() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for path in files(&root) {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('/', "\\");
            writer.start_file(format!("{top}{name}"), SimpleFileOptions::default()).unwrap();
            writer.write_all(&fs::read(&path).unwrap()).unwrap();
        }
        let archive = fetching.folder.join(format!("windows-{number}.zip"));
        fs::write(&archive, writer.finish().unwrap().into_inner()).unwrap();
        fs::remove_dir_all(fetching.suites()).unwrap();
        fetching.fetch(&archive, 0);
        assert!(fetching.fetched() == of_folder, "{top}");
    }
    // Both ways of writing one name, and a way out of the folder.
    let twice = fetching.archive("twice.zip", "", &[("a\\b.png", b"x"), ("a/b.png", b"y")]);
    assert!(fetching.fetch(&twice, 2).contains("twice.zip` contains two files named `a/b.png`"));
    let out = fetching.archive("out.zip", "", &[("..\\..\\x.png", b"x")]);
    assert!(fetching.fetch(&out, 2).contains("unsafe name"));
}

#[test]
fn what_is_wrong_in_an_archive_is_named_by_its_place_there() {
    let fetching = Fetching::new("suites-places");
    let broken = fetching.benchmark().join("1-Left-Right");
    let picture =
        files(&broken).into_iter().find(|path| path.extension().is_some_and(|end| end == "png")).unwrap();
    fs::write(&picture, "no picture").unwrap();
    let archive = fetching.archive("broken.zip", "top/", &[]);
    let said = fetching.fetch(&archive, 2);
    let place = format!("broken.zip/top/1-Left-Right/{}", picture.file_name().unwrap().to_str().unwrap());
    assert!(said.contains(&place), "{said}");

    let fetching = Fetching::new("suites-places-none");
    fs::remove_dir_all(fetching.benchmark()).unwrap();
    fs::create_dir_all(fetching.benchmark()).unwrap();
    let archive = fetching.archive("empty.zip", "", &[("a.png", b"x")]);
    let said = fetching.fetch(&archive, 2);
    assert!(said.contains("empty.zip"), "{said}");
    assert!(!said.contains(text(&std::env::temp_dir().join(".tmp"))), "{said}");
}
