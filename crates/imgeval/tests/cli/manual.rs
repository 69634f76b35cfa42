//! `imgeval manual`, `imgeval completions` and `--version`; `docs/cli.md` holds every help page.

use std::{env, fs, path::Path};

use super::support::{check_exit, imgeval, stdout, test_folder, text};

/// Set to write `docs/cli.md` instead of comparing it.
const UPDATE: &str = "IMGEVAL_UPDATE";

#[test]
fn the_reference_of_the_command_line_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let output = imgeval(&["manual", "--markdown"]);
    check_exit(&output, 0);
    let current = stdout(&output);
    if env::var_os(UPDATE).is_some() {
        fs::write(&path, &current).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap();
    let first = current.lines().zip(kept.lines()).find(|(current, kept)| current != kept);
    assert!(
        current == kept,
        "docs/cli.md differs from the commands ({first:?}); `just update-cli`, or \
         `{UPDATE}=1 cargo test --workspace --test cli reference_of_the_command_line`, writes it"
    );
}

#[test]
fn every_command_has_a_man_page() {
    let folder = test_folder("manual").join("man1");
    check_exit(&imgeval(&["manual", text(&folder)]), 0);
    let page = fs::read_to_string(folder.join("imgeval-diagnose-architecture-train.1")).unwrap();
    assert!(page.contains(".TH imgeval-diagnose-architecture-train 1"), "{page}");
    let page = fs::read_to_string(folder.join("imgeval-diagnose.1")).unwrap();
    assert!(page.contains("imgeval\\-diagnose\\-rounds(1)") && !page.contains("help(1)"), "{page}");
    let reference = stdout(&imgeval(&["manual", "--markdown"]));
    let n_pages = reference.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), n_pages);
    check_exit(&imgeval(&["manual"]), 2);
}

#[test]
fn shells_get_their_scripts() {
    for (shell, beginning) in
        [("bash", "_imgeval()"), ("zsh", "#compdef imgeval"), ("fish", "# Print an optspec")]
    {
        let output = imgeval(&["completions", shell]);
        check_exit(&output, 0);
        let script = stdout(&output);
        assert!(script.starts_with(beginning), "{shell}: {script}");
        assert!(script.contains("score-detections"), "{shell}");
    }
}

#[test]
fn the_long_version_says_what_was_built() {
    let short = stdout(&imgeval(&["-V"]));
    assert_eq!(short, format!("imgeval {}\n", env!("CARGO_PKG_VERSION")));
    let long = stdout(&imgeval(&["--version"]));
    assert!(long.starts_with(short.as_str()), "{long}");
    for field in ["\ncommit: ", "\nfeatures: ", "\ntarget: ", "\nprofile: "] {
        assert!(long.contains(field), "{long}");
    }
}
