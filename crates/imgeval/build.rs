//! What `--version` shows of a build: its commit, features, target and profile.
//!
//! The commit is `IMGEVAL_COMMIT`, for packagers that build without the repository, or else the one that git has checked out.
//! It is only looked for in release builds: development builds would otherwise be linked again after every commit.

use std::{env, process::Command};

/// Where this file lies in its repository; any other place is somebody else's repository, which says nothing of this source.
const PLACE: &str = "crates/imgeval/";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=IMGEVAL_COMMIT");
    let target = env::var("TARGET").unwrap_or_default();
    let profile = env::var("PROFILE").unwrap_or_default();
    let commit = given_commit().or_else(|| if profile == "release" { commit_of_repository() } else { None });
    println!("cargo::rustc-env=IMGEVAL_BUILD_COMMIT={}", commit.unwrap_or_else(|| "unknown".to_owned()));
    println!("cargo::rustc-env=IMGEVAL_BUILD_FEATURES={}", features());
    println!("cargo::rustc-env=IMGEVAL_BUILD_TARGET={target}");
    println!("cargo::rustc-env=IMGEVAL_BUILD_PROFILE={profile}");
}

fn features() -> String {
    let features = [("CARGO_FEATURE_CUDA", "cuda"), ("CARGO_FEATURE_METAL", "metal")];
    let features: Vec<&str> =
        features.into_iter().filter_map(|(variable, name)| env::var_os(variable).map(|_| name)).collect();
    if features.is_empty() { "none".to_owned() } else { features.join(", ") }
}

fn given_commit() -> Option<String> {
    let commit = env::var("IMGEVAL_COMMIT").ok()?;
    let is_commit = !commit.is_empty() && commit.chars().all(|character| character.is_ascii_hexdigit());
    is_commit.then(|| short(&commit))
}

fn commit_of_repository() -> Option<String> {
    if git(&["rev-parse", "--show-prefix"])? != PLACE {
        return None;
    }
    // A commit writes the log of its branch or, with a detached head, the head itself.
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let date = git(&["show", "--no-patch", "--format=%cs", "HEAD"])?;
    let commit = short(&git(&["rev-parse", "HEAD"])?);
    let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(format!("{commit}{} ({date})", if is_changed { "+changes" } else { "" }))
}

/// Git's answer, from the folder of this file; `None` without git or a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}
