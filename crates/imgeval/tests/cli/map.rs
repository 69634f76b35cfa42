//! The paths that ARCHITECTURE.md names exist, so that it cannot fall behind the code. Contributors find every script.

use std::{collections::BTreeSet, fs, path::Path};

/// What lies in a run and not in the repository.
const ELSEWHERE: [&str; 1] = ["run.toml"];

#[test]
fn every_path_in_the_map_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let named = paths_in(&text);
    assert!(named.len() > 25, "only {} paths were found: {named:?}", named.len());
    let absent: Vec<&String> = named
        .iter()
        .filter(|path| !ELSEWHERE.contains(&path.as_str()) && !root.join(path).exists())
        .collect();
    assert!(absent.is_empty(), "ARCHITECTURE.md names what does not exist: {absent:?}");
}

#[test]
fn every_script_is_described_and_has_a_recipe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let contributing = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let recipes = fs::read_to_string(root.join("justfile")).unwrap();
    for entry in fs::read_dir(root.join("scripts")).unwrap() {
        let path = entry.unwrap().path();
        let script = format!("scripts/{}", path.file_name().unwrap().to_str().unwrap());
        // Bytecode of Python is nobody's script.
        if script.ends_with("__pycache__") {
            continue;
        }
        assert!(contributing.contains(&script), "CONTRIBUTING.md does not name {script}");
        assert!(script.ends_with(".py") || recipes.contains(&script), "justfile has no recipe for {script}");
    }
}

/// Code spans that look like a file or folder, and the targets of links.
fn paths_in(text: &str) -> BTreeSet<String> {
    let spans = text.split('`').skip(1).step_by(2).filter(|span| is_path(span));
    let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    spans.chain(links.filter(|link| !link.contains("://"))).map(str::to_owned).collect()
}

/// `src/a.rs` and `scripts/` are paths; `layer_norm`, `Permit::may_send` and `--allow` are not.
fn is_path(span: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_-./".contains(character);
    let has_extension = [".rs", ".py", ".toml", ".md"].iter().any(|extension| span.ends_with(extension));
    !span.starts_with('-') && span.chars().all(is_plain) && (has_extension || span.contains('/'))
}

#[test]
fn code_spans_are_told_from_paths() {
    let text =
        "`a/b.rs`, `c.toml` and `d/` in [e](docs/e.md#part), not `f`, `G::h` or `--i/j`; [k](https://k.org)";
    let found: Vec<String> = paths_in(text).into_iter().collect();
    assert_eq!(found, ["a/b.rs", "c.toml", "d/", "docs/e.md"]);
}
