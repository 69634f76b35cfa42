//! `imgeval import`: layouts, and a typed outcome for everything that can be wrong.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path, process::Command};

use flate2::{Compression, write::ZlibEncoder};
use serde_json::Value;

use super::support::{
    check_exit, imgeval, metadata_line, stderr, stdout, test_folder, text, write_official, write_picture,
};

fn import(folder: &Path, images: &str, more: &[&str]) -> (i32, Value) {
    let run = folder.join("run");
    let mut arguments = vec!["import", "geneval", images, "--run", text(&run), "--json"];
    arguments.extend(more);
    let output = imgeval(&arguments);
    let coverage =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("stderr: {}", stderr(&output)));
    (output.status.code().unwrap(), coverage)
}

fn counts(coverage: &Value) -> BTreeMap<String, u64> {
    let items = coverage["items"].as_array().unwrap().iter();
    items
        .map(|item| (item["kind"].as_str().unwrap().to_owned(), item["count"].as_u64().unwrap()))
        .filter(|(kind, _)| kind != "missing-prompt")
        .collect()
}

fn check_counts(coverage: &Value, usable: u64, expected: &[(&str, u64)]) {
    assert_eq!(coverage["usable_images"], usable, "{coverage:#}");
    let expected = expected.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
    assert_eq!(counts(coverage), expected, "{coverage:#}");
}

#[test]
fn the_official_layout_with_every_trouble() {
    let folder = test_folder("import-official");
    let images = folder.join("images");
    for (index, sample) in [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)] {
        write_official(&images, index, sample);
    }
    fs::write(images.join("00000/grid.png"), "expected there, and not an image to score").unwrap();
    fs::write(images.join("notes.txt"), "extra").unwrap();
    fs::write(images.join("00000/samples/best.png"), "extra").unwrap();
    // Prompt 1: no bytes. Prompt 2: cut off. Prompt 3: another prompt's metadata. Prompt 4: none.
    fs::write(images.join("00001/samples/0000.png"), "").unwrap();
    let whole = fs::read(images.join("00002/samples/0000.png")).unwrap();
    fs::write(images.join("00002/samples/0000.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(images.join("00003/metadata.jsonl"), metadata_line(7)).unwrap();
    fs::remove_file(images.join("00004/metadata.jsonl")).unwrap();
    // Prompt 5: the same number twice. Prompt 6: the bytes of another image. 99999: no such prompt.
    write_picture(&images.join("00005/samples/0.png"), 999);
    write_official(&images, 6, 0);
    fs::copy(images.join("00000/samples/0000.png"), images.join("00006/samples/0000.png")).unwrap();
    write_picture(&images.join("99999/samples/0000.png"), 1);

    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 4);
    let expected = [
        ("empty-file", 1),
        ("unreadable", 1),
        ("wrong-metadata", 1),
        ("duplicate-sample", 1),
        ("unknown-prompt", 1),
        ("no-metadata", 1),
        ("repeated-bytes", 1),
        ("extra-file", 2),
    ];
    check_counts(&coverage, 5, &expected);
    // Again: nothing changes, and what failed is tried again.
    assert_eq!(import(&folder, text(&images), &[]), (4, coverage));
    // Repaired files come in.
    fs::write(images.join("00002/samples/0000.png"), &whole).unwrap();
    let (_, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(coverage["usable_images"], 6);
}

#[test]
fn flat_folders_patterns_and_templates() {
    let folder = test_folder("import-flat");
    let images = folder.join("images");
    write_picture(&images.join("00000.png"), 1);
    write_picture(&images.join("1_0.jpg"), 2);
    write_picture(&images.join("1_1.webp"), 3);
    write_picture(&images.join("cat.png"), 4);
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 3, &[("extra-file", 1)]);

    let folder = test_folder("import-template");
    let images = folder.join("images");
    write_picture(&images.join("img-s1-p0002.png"), 1);
    let (code, coverage) = import(&folder, text(&images), &["--template", "img-s{sample}-p{index}.png"]);
    assert_eq!(code, 0);
    check_counts(&coverage, 1, &[]);

    let folder = test_folder("import-pattern");
    write_picture(&folder.join("images/a/00003.png"), 1);
    write_picture(&folder.join("images/b/00004.png"), 2);
    let pattern = folder.join("images/*/*.png");
    let (code, coverage) = import(&folder, text(&pattern), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 2, &[]);
}

#[test]
fn a_run_refuses_another_suite() {
    let folder = test_folder("import-mismatch");
    let images = folder.join("images");
    write_picture(&images.join("00000.png"), 1);
    import(&folder, text(&images), &[]);
    let run = folder.join("run");
    let other = ["import", "geneval", text(&images), "--run", text(&run), "--seed", "44"];
    let output = imgeval(&other);
    check_exit(&output, 6);
    assert!(stderr(&output).contains("seed = 43, not 44"), "{}", stderr(&output));
}

#[test]
fn nothing_to_import_says_what_was_expected() {
    let folder = test_folder("import-nothing");
    let images = folder.join("images");
    fs::create_dir_all(&images).unwrap();
    fs::write(images.join("cat.png"), "").unwrap();
    let run = folder.join("run");
    let output = imgeval(&["import", "geneval", text(&images), "--run", text(&run)]);
    check_exit(&output, 5);
    assert!(stderr(&output).contains("--template"), "{}", stderr(&output));
    assert!(!run.exists(), "a run without anything in it is not made");
    check_exit(&imgeval(&["import", "geneval", text(&folder.join("no")), "--run", text(&run)]), 2);
    check_exit(&imgeval(&["score", text(&images)]), 2);
    assert!(stdout(&output).is_empty());
}

#[test]
fn a_folder_with_other_things_in_it_is_no_place_for_a_run() {
    let folder = test_folder("import-occupied");
    let images = folder.join("images");
    write_picture(&images.join("00000.png"), 1);
    let output = imgeval(&["import", "geneval", text(&images), "--run", text(&images)]);
    check_exit(&output, 2);
    assert_eq!(fs::read_dir(&images).unwrap().count(), 1, "nothing was written there");
}

#[test]
fn a_changed_file_is_taken_again() {
    let folder = test_folder("import-changed");
    let images = folder.join("images");
    write_picture(&images.join("00000.png"), 1);
    import(&folder, text(&images), &[]);
    fs::write(images.join("00000.png"), "no longer an image").unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 4);
    check_counts(&coverage, 0, &[("unsupported-format", 1)]);
}

#[test]
fn a_renamed_file_keeps_its_place_and_vanished_trouble_is_forgotten() {
    let folder = test_folder("import-renamed");
    let images = folder.join("images");
    write_picture(&images.join("0.png"), 1);
    fs::write(images.join("1.png"), "").unwrap();
    fs::write(images.join("cat.txt"), "").unwrap();
    let (_, coverage) = import(&folder, text(&images), &[]);
    check_counts(&coverage, 1, &[("empty-file", 1), ("extra-file", 1)]);
    fs::rename(images.join("0.png"), images.join("00000.png")).unwrap();
    fs::remove_file(images.join("1.png")).unwrap();
    fs::remove_file(images.join("cat.txt")).unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 1, &[]);
}

#[cfg(unix)]
#[test]
fn two_links_to_one_file_are_two_samples() {
    let folder = test_folder("import-links");
    let images = folder.join("images");
    write_picture(&folder.join("one.png"), 1);
    fs::create_dir_all(&images).unwrap();
    for name in ["00000.png", "00001.png"] {
        std::os::unix::fs::symlink(folder.join("one.png"), images.join(name)).unwrap();
    }
    let (_, coverage) = import(&folder, text(&images), &[]);
    check_counts(&coverage, 2, &[("repeated-bytes", 1)]);
}

#[test]
fn sample_names_are_not_taken_for_prompts() {
    let folder = test_folder("import-sample-names");
    let images = folder.join("images");
    write_picture(&images.join("00003/0000.png"), 1);
    write_picture(&images.join("00019/0001.png"), 2);
    let run = folder.join("run");
    for place in [images.join("*/*.png"), images.join("00003")] {
        let output = imgeval(&["import", "geneval", text(&place), "--run", text(&run)]);
        check_exit(&output, 2);
        assert!(stderr(&output).contains("--template '{index}/{sample}'"), "{}", stderr(&output));
    }
    let (code, coverage) = import(&folder, text(&images), &["--template", "{index}/{sample}"]);
    assert_eq!(code, 0);
    check_counts(&coverage, 2, &[]);
    // Two layouts at once are not sorted out by guessing.
    write_picture(&images.join("00004.png"), 3);
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 2);
}

#[test]
fn another_template_gives_files_their_new_places() {
    let folder = test_folder("import-other-template");
    let images = folder.join("images");
    write_picture(&images.join("3_4.png"), 1);
    write_picture(&images.join("4_3.png"), 2);
    write_picture(&images.join("img_5.png"), 3);
    let (_, coverage) = import(&folder, text(&images), &["--template", "{sample}_{index}.png"]);
    check_counts(&coverage, 2, &[("extra-file", 1)]);
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 2, &[("extra-file", 1)]);
    let (_, coverage) = import(&folder, text(&images), &["--template", "img_{index}"]);
    check_counts(&coverage, 1, &[("extra-file", 2)]);
}

#[test]
fn changed_metadata_takes_an_image_back() {
    let folder = test_folder("import-metadata");
    let images = folder.join("images");
    write_official(&images, 3, 0);
    import(&folder, text(&images), &[]);
    fs::write(images.join("00003/metadata.jsonl"), metadata_line(19)).unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 4);
    check_counts(&coverage, 0, &[("wrong-metadata", 1)]);
}

#[test]
fn shifted_names_leave_nothing_behind() {
    let folder = test_folder("import-shifted");
    let images = folder.join("images");
    write_picture(&images.join("00003.png"), 1);
    write_picture(&images.join("00004.png"), 2);
    import(&folder, text(&images), &[]);
    fs::rename(images.join("00004.png"), images.join("00005.png")).unwrap();
    fs::rename(images.join("00003.png"), images.join("00004.png")).unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 2, &[]);
    // What is gone without a trace stays in the run, and that is said.
    fs::remove_file(images.join("00005.png")).unwrap();
    let (_, coverage) = import(&folder, text(&images), &[]);
    check_counts(&coverage, 2, &[("source-gone", 1)]);
}

#[test]
fn another_folder_does_not_replace_what_a_run_holds() {
    let folder = test_folder("import-other-folder");
    let (first, second) = (folder.join("first"), folder.join("second"));
    write_picture(&first.join("00003.png"), 1);
    write_picture(&second.join("00003.png"), 2);
    import(&folder, text(&first), &[]);
    fs::rename(&first, folder.join("moved")).unwrap();
    let (code, coverage) = import(&folder, text(&second), &[]);
    assert_eq!(code, 4);
    check_counts(&coverage, 1, &[("duplicate-sample", 1)]);
    // The same bytes in another place are the same sample.
    let (_, coverage) = import(&folder, text(&folder.join("moved")), &[]);
    check_counts(&coverage, 1, &[("duplicate-sample", 1)]);
}

#[test]
fn a_file_name_cannot_steer_the_terminal() {
    let folder = test_folder("import-escapes");
    let images = folder.join("images");
    write_picture(&images.join("00003.png"), 1);
    fs::write(images.join("evil\u{1b}[31m\nfake.txt"), "").unwrap();
    let run = folder.join("run");
    let output = imgeval(&["import", "geneval", text(&images), "--run", text(&run)]);
    check_exit(&output, 0);
    assert!(stdout(&output).contains("evil\\u{1b}[31m\\nfake.txt"), "{}", stdout(&output));
}

#[test]
fn a_run_of_a_newer_version_is_named_as_such() {
    let folder = test_folder("import-newer");
    let images = folder.join("images");
    write_picture(&images.join("00003.png"), 1);
    import(&folder, text(&images), &[]);
    let run = folder.join("run");
    fs::write(run.join("run.toml"), "format_version = 99\nnew_field = 1\n").unwrap();
    check_exit(&imgeval(&["score", text(&run)]), 6);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_waited_for() {
    let folder = test_folder("import-pipe");
    let images = folder.join("images");
    fs::create_dir_all(&images).unwrap();
    std::os::unix::fs::symlink("/dev/zero", images.join("00000.png")).unwrap();
    write_picture(&images.join("00001.png"), 1);
    let (_, coverage) = import(&folder, text(&images), &[]);
    check_counts(&coverage, 1, &[("extra-file", 1)]);
    write_official(&folder.join("official"), 2, 0);
    std::os::unix::fs::symlink("/dev/zero", folder.join("official/00002/samples/0001.png")).unwrap();
    let (_, coverage) = import(&folder, text(&folder.join("official")), &[]);
    check_counts(&coverage, 2, &[("extra-file", 2)]);
}

#[test]
fn the_pixel_limit_is_settable() {
    let folder = test_folder("import-pixels");
    let images = folder.join("images");
    write_picture(&images.join("00000.png"), 1);
    let (code, coverage) = import(&folder, text(&images), &["--max-pixels", "383"]);
    assert_eq!(code, 4);
    check_counts(&coverage, 0, &[("too-many-pixels", 1)]);
    let (code, _) = import(&folder, text(&images), &["--max-pixels", "384"]);
    assert_eq!(code, 0);
}

/// The metadata of a prompt with changes, as JSON.
fn changed_metadata(index: usize, change: impl Fn(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(&metadata_line(index)).unwrap();
    change(&mut value);
    value.to_string()
}

#[test]
fn a_png_wins_over_previews_beside_it() {
    let folder = test_folder("import-previews");
    let images = folder.join("images");
    write_official(&images, 0, 0);
    write_picture(&images.join("00000/samples/0000.jpg"), 7);
    write_picture(&images.join("00000/samples/0000.webp"), 8);
    // The official evaluator sees names that end in `.png`, and no others.
    fs::copy(images.join("00000/samples/0000.jpg"), images.join("00000/samples/0000.PNG")).unwrap();
    // Without a PNG the other format is the sample.
    write_official(&images, 1, 0);
    write_picture(&images.join("00001/samples/0001.jpg"), 9);
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 3, &[("extra-file", 3), ("not-png", 1)]);
    assert!(coverage.to_string().contains("exists as PNG"), "{coverage:#}");

    let folder = test_folder("import-previews-flat");
    let images = folder.join("images");
    write_picture(&images.join("00003.png"), 1);
    write_picture(&images.join("00003.jpg"), 2);
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 1, &[("extra-file", 1)]);
}

#[test]
fn keys_of_others_in_the_metadata_are_noted_and_ignored() {
    let folder = test_folder("import-further-keys");
    let images = folder.join("images");
    for index in 0..3 {
        write_official(&images, index, 0);
    }
    let beside = changed_metadata(0, |metadata| metadata["detailed_caption"] = "a long text".into());
    fs::write(images.join("00000/metadata.jsonl"), beside).unwrap();
    let in_clause = changed_metadata(1, |metadata| metadata["include"][0]["id"] = 7.into());
    fs::write(images.join("00001/metadata.jsonl"), in_clause).unwrap();
    // A byte order mark, line ends of Windows and an indented object are read as well.
    let written = format!("\u{feff}{}\r\n", metadata_line(2));
    fs::write(images.join("00002/metadata.jsonl"), written).unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 3, &[("further-keys", 2)]);
}

#[test]
fn rewritten_prompts_are_scored_and_noted() {
    let folder = test_folder("import-rewritten");
    let images = folder.join("images");
    for index in 0..2 {
        write_official(&images, index, 0);
    }
    let plain = folder.join("plain");
    let output = imgeval(&["import", "geneval", text(&images), "--run", text(&plain)]);
    check_exit(&output, 0);
    let rewritten = changed_metadata(1, |metadata| metadata["prompt"] = "In a sunlit room, all of it".into());
    fs::write(images.join("00001/metadata.jsonl"), rewritten).unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 2, &[("rewritten-prompt", 1)]);
    // The official wording alone brings the note away again, and a run that knew it notices the change.
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 2, &[("rewritten-prompt", 1)]);
    let output = imgeval(&["import", "geneval", text(&images), "--run", text(&plain), "--json"]);
    let coverage: Value = serde_json::from_slice(&output.stdout).unwrap();
    check_counts(&coverage, 2, &[("rewritten-prompt", 1)]);
    // Another count is another question, whatever the wording.
    let other = changed_metadata(1, |metadata| metadata["include"][0]["count"] = 9.into());
    fs::write(images.join("00001/metadata.jsonl"), other).unwrap();
    let (code, coverage) = import(&folder, text(&images), &[]);
    assert_eq!(code, 4);
    check_counts(&coverage, 1, &[("wrong-metadata", 1)]);
}

#[test]
fn the_same_bytes_from_another_path_are_there_already() {
    let folder = test_folder("import-same-bytes");
    let (first, second) = (folder.join("first"), folder.join("second"));
    write_picture(&first.join("00003.png"), 1);
    fs::create_dir_all(&second).unwrap();
    fs::copy(first.join("00003.png"), second.join("00003.png")).unwrap();
    import(&folder, text(&first), &[]);
    for _ in 0..2 {
        let (code, coverage) = import(&folder, text(&second), &[]);
        assert_eq!(code, 0);
        check_counts(&coverage, 1, &[]);
    }
    let run = folder.join("run");
    let output = imgeval(&["import", "geneval", text(&second), "--run", text(&run)]);
    assert!(stderr(&output).contains("0 imported, 1 already imported, 0 unusable"), "{}", stderr(&output));
    // Another name of the same image in the same folder is no second sample either.
    fs::copy(first.join("00003.png"), first.join("3.png")).unwrap();
    let (code, coverage) = import(&folder, text(&first), &[]);
    assert_eq!(code, 0);
    check_counts(&coverage, 1, &[]);
}

/// A PNG of 16-bit RGBA without anything to see: small as a file, eight bytes a pixel when it is decoded. `note` makes files differ.
fn write_huge_picture(path: &Path, side: u32, note: &str) {
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = vec![0; 1 + 8 * side as usize];
    (0..side).for_each(|_| rows.write_all(&row).unwrap());
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let note = format!("Comment\0{note}");
    for (kind, data) in [
        (b"IHDR", header),
        (b"tEXt", note.into_bytes()),
        (b"IDAT", rows.finish().unwrap()),
        (b"IEND", vec![]),
    ] {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(&data);
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend([&kind[..], &data, &sum.sum().to_be_bytes()].concat());
    }
    fs::write(path, png).unwrap();
}

/// Four images of 128 MB each, and what four threads set aside, are more than 700 MiB.
#[cfg(target_os = "linux")]
#[test]
fn threads_wait_for_memory_under_a_limit_of_the_address_space() {
    let folder = test_folder("import-memory");
    fs::create_dir(folder.join("flat")).unwrap();
    for index in 0..4 {
        write_huge_picture(&folder.join(format!("flat/{index:05}_0.png")), 4000, &index.to_string());
    }
    let limited = |more: &[&str]| {
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 716800; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_imgeval")])
            .args(["import", "geneval", "flat", "--run", "run", "--json"])
            .args(more)
            .env_clear()
            .env("RAYON_NUM_THREADS", "4")
            .current_dir(&folder)
            .output()
            .unwrap();
        let coverage: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), coverage, stderr(&output))
    };
    // The default leaves room for the threads, and so too little for such images.
    for too_little in [&[][..], &["--max-memory", "100MiB"]] {
        let (code, coverage, told) = limited(too_little);
        assert_eq!(code, Some(4), "{told}");
        check_counts(&coverage, 0, &[("not-enough-memory", 4)]);
        // What the detail names is enough.
        let enough = "a memory limit of 156MiB or more is enough";
        assert!(coverage.to_string().contains(enough), "{coverage:#}");
    }
    let (code, coverage, told) = limited(&["--max-memory", "156MiB"]);
    assert_eq!(code, Some(0), "{told}");
    check_counts(&coverage, 4, &[("16-bit", 4), ("alpha", 4)]);
}
