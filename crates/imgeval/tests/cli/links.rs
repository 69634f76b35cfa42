//! Runs, reports and inputs that somebody else prepared: links that lead elsewhere, pipes, sockets and devices. A path that was
//! waited for would keep these tests from ending.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    resume::weights,
    support::{check_exit, imgeval, stderr, test_folder, text, write_official, write_picture},
};

/// What may lie where a file should be.
fn put_special(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    UnixListener::bind(folder.join("socket")).unwrap();
    symlink("loop", folder.join("loop")).unwrap();
    symlink("pipe", folder.join("link")).unwrap();
    vec![
        (pipe, "it is a pipe"),
        (folder.join("link"), "it is a pipe"),
        (folder.join("socket"), "it is a socket"),
        (PathBuf::from("/dev/zero"), "it is a device"),
        (folder.join("loop"), "symbolic links"),
    ]
}

#[test]
fn pipes_sockets_devices_and_loops_are_refused_wherever_a_file_is_read() {
    let folder = test_folder("links-special");
    write_picture(&folder.join("a.png"), 1);
    let picture = folder.join("a.png");
    let picture = text(&picture);
    let run = folder.join("run");
    let run = text(&run);
    for (path, sentence) in put_special(&folder) {
        let path = text(&path);
        let generate = ["generate", "--model", "command:true", "--run", run];
        let calls: [Vec<&str>; 10] = [
            [&generate[..], &["--cases", path]].concat(),
            [&generate[..], &["--suite", "geneval", "--settings", path]].concat(),
            vec!["score-detections", path],
            vec!["detect", path, "--weights", text(weights())],
            vec!["detect", picture, "--weights", path],
            vec!["suites", "fetch", "wise", "--from", path],
            vec!["suites", "fetch", "reason-edit", "--from", path],
            vec!["models", "add", "preview", path],
            vec!["diagnose", "architecture", "apply", path, picture],
            [&generate[..], &["--suite", "geneval", "--catalogue", path]].concat(),
        ];
        for call in calls {
            let output = imgeval(&call);
            assert!(!output.status.success(), "{call:?}");
            let said = stderr(&output);
            assert!(said.contains(sentence), "{call:?}: {said}");
        }
    }
}

/// A run of two images that were looked at, and what must stay as it is beside it.
fn observed_run(name: &str) -> (PathBuf, PathBuf) {
    let folder = test_folder(name);
    let images = folder.join("images");
    write_official(&images, 0, 0);
    write_official(&images, 1, 0);
    let run = folder.join("run");
    run_on(&folder, &run);
    fs::write(folder.join("victim"), "precious").unwrap();
    fs::create_dir(folder.join("mine")).unwrap();
    fs::write(folder.join("mine/letter.txt"), "precious").unwrap();
    (folder, run)
}

fn run_on(folder: &Path, run: &Path) {
    let images = folder.join("images");
    let output = imgeval(&[
        "run",
        "--suite",
        "geneval",
        "--images",
        text(&images),
        "--run",
        text(run),
        "--weights",
        text(weights()),
    ]);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", stderr(&output));
}

fn check_untouched(folder: &Path) {
    assert_eq!(fs::read(folder.join("victim")).unwrap(), b"precious");
    assert_eq!(fs::read(folder.join("mine/letter.txt")).unwrap(), b"precious");
    assert_eq!(fs::read_dir(folder.join("mine")).unwrap().count(), 1);
}

#[test]
fn nothing_outside_a_run_is_written_through_its_files() {
    let (folder, run) = observed_run("links-run");
    for name in ["run.lock", "geneval-results.jsonl"] {
        for is_hard in [false, true] {
            let path = run.join(name);
            fs::remove_file(&path).unwrap();
            match is_hard {
                true => fs::hard_link(folder.join("victim"), &path).unwrap(),
                false => symlink("../victim", &path).unwrap(),
            }
            run_on(&folder, &run);
            assert!(path.symlink_metadata().unwrap().is_file());
            assert_ne!(fs::read(&path).unwrap(), b"precious");
            check_untouched(&folder);
        }
    }
    // Other files that the user names in it, and folders on the way.
    symlink("../victim", run.join("rows.jsonl")).unwrap();
    symlink("../mine", run.join("out")).unwrap();
    let export = |path: &str| imgeval(&["export", text(&run), "--geneval-results", text(&run.join(path))]);
    check_exit(&export("rows.jsonl"), 0);
    let refused = export("out/rows.jsonl");
    assert!(stderr(&refused).contains("it is a symbolic link"), "{}", stderr(&refused));
    check_untouched(&folder);
    // The database is not exchanged but refused.
    fs::rename(run.join("run.db"), folder.join("run.db")).unwrap();
    symlink("../run.db", run.join("run.db")).unwrap();
    for command in [&["observe", "--weights", text(weights())][..], &["score"]] {
        let refused = imgeval(&[command, &[text(&run)]].concat());
        assert!(stderr(&refused).contains("it is a symbolic link"), "{command:?}: {}", stderr(&refused));
    }
}

#[test]
fn a_pipe_among_the_images_of_a_run_is_not_waited_for() {
    let (folder, run) = observed_run("links-pipe");
    let mut paths = Vec::new();
    for part in fs::read_dir(run.join("images")).unwrap() {
        paths.extend(fs::read_dir(part.unwrap().path()).unwrap().map(|entry| entry.unwrap().path()));
    }
    fs::remove_file(&paths[0]).unwrap();
    assert!(Command::new("mkfifo").arg(&paths[0]).status().unwrap().success());
    let observe = imgeval(&["observe", text(&run), "--weights", text(weights()), "--recompute-colors"]);
    assert!(observe.status.code().is_some());
    let out = folder.join("report");
    let report = imgeval(&["report", text(&run), "--out", text(&out)]);
    check_exit(&report, 4);
    assert!(stderr(&report).contains("1 image cannot be shown"), "{}", stderr(&report));
    // Imported again, it is replaced by the image.
    run_on(&folder, &run);
    assert!(paths[0].symlink_metadata().unwrap().is_file());
}

#[test]
fn a_report_deletes_only_what_a_report_listed() {
    let (folder, run) = observed_run("links-report");
    let out = folder.join("report");
    let report = || imgeval(&["report", text(&run), "--out", text(&out)]);
    check_exit(&report(), 0);
    let mine = ["images/own.txt", "figures/own.svg", "tables/own.tex", "thumbs/own.jpg", "data/own.js"];
    mine.iter().for_each(|name| fs::write(out.join(name), "mine").unwrap());
    check_exit(&report(), 0);
    assert!(mine.iter().all(|name| out.join(name).is_file()));
    // As an earlier version marked it.
    fs::write(out.join("imgeval-report.json"), "{\"layout\":1}\n").unwrap();
    let output = report();
    check_exit(&output, 0);
    assert!(stderr(&output).contains("5 files were left in its folders"), "{}", stderr(&output));
    assert!(mine.iter().all(|name| out.join(name).is_file()));
    for name in ["data", "figures", "images", "tables", "thumbs"] {
        fs::rename(out.join(name), folder.join("aside")).unwrap();
        symlink("../mine", out.join(name)).unwrap();
        let refused = report();
        assert!(stderr(&refused).contains("it is a symbolic link"), "{name}: {}", stderr(&refused));
        check_untouched(&folder);
        fs::remove_file(out.join(name)).unwrap();
        fs::rename(folder.join("aside"), out.join(name)).unwrap();
    }
    check_exit(&report(), 0);
}
