//! Dependencies between our crates point only where the map in ARCHITECTURE.md allows.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crates that speak HTTP, and who may use each: calls and fetching over one client, and the servers of the
/// pages.
const HTTP: [(&str, &[&str]); 8] = [
    ("axum", &["imgeval-pages", "imgeval-rewards", "imgeval-serving"]),
    ("hyper", &["imgeval-pages", "imgeval-serving"]),
    ("hyper-util", &["imgeval-pages", "imgeval-serving"]),
    ("reqwest", &["imgeval-clients", "imgeval-fetch"]),
    ("ureq", &[]),
    ("attohttpc", &[]),
    ("curl", &[]),
    ("hf-hub", &[]),
];

const ALLOWED: [(&str, &[&str]); 25] = [
    ("imgeval-core", &[]),
    ("imgeval-files", &[]),
    ("imgeval-serving", &[]),
    ("imgeval-metrics", &["imgeval-core", "imgeval-resample"]),
    ("imgeval-resample", &["imgeval-core"]),
    ("imgeval-suites", &["imgeval-core", "imgeval-files", "imgeval-metrics"]),
    ("imgeval-vision", &["imgeval-core", "imgeval-files", "imgeval-resample"]),
    ("imgeval-forensics", &["imgeval-core", "imgeval-files", "imgeval-resample", "imgeval-vision"]),
    ("imgeval-clients", &["imgeval-core", "imgeval-files"]),
    ("imgeval-fetch", &["imgeval-core", "imgeval-files", "imgeval-suites"]),
    ("imgeval-settings", &["imgeval-clients", "imgeval-core", "imgeval-files"]),
    ("imgeval-store", &["imgeval-core", "imgeval-files"]),
    ("imgeval-runner", &["imgeval-core", "imgeval-files", "imgeval-store"]),
    ("imgeval-report", &["imgeval-core", "imgeval-files"]),
    ("imgeval-study", &["imgeval-core", "imgeval-files", "imgeval-suites"]),
    (
        "imgeval-scoring",
        &[
            "imgeval-core",
            "imgeval-files",
            "imgeval-metrics",
            "imgeval-report",
            "imgeval-store",
            "imgeval-suites",
        ],
    ),
    (
        "imgeval-observe",
        &[
            "imgeval-core",
            "imgeval-fetch",
            "imgeval-files",
            "imgeval-forensics",
            "imgeval-metrics",
            "imgeval-rewards",
            "imgeval-runner",
            "imgeval-scoring",
            "imgeval-store",
            "imgeval-suites",
            "imgeval-vision",
        ],
    ),
    ("imgeval-rewards", &["imgeval-core", "imgeval-serving", "imgeval-suites"]),
    (
        "imgeval-generation",
        &[
            "imgeval-clients",
            "imgeval-core",
            "imgeval-files",
            "imgeval-runner",
            "imgeval-scoring",
            "imgeval-settings",
            "imgeval-store",
            "imgeval-suites",
            "imgeval-vision",
        ],
    ),
    (
        "imgeval-pages",
        &[
            "imgeval-core",
            "imgeval-files",
            "imgeval-metrics",
            "imgeval-observe",
            "imgeval-report",
            "imgeval-rounds",
            "imgeval-scoring",
            "imgeval-serving",
            "imgeval-store",
            "imgeval-suites",
            "imgeval-vision",
        ],
    ),
    (
        "imgeval-diagnose",
        &["imgeval-core", "imgeval-files", "imgeval-forensics", "imgeval-metrics", "imgeval-vision"],
    ),
    (
        "imgeval-rounds",
        &[
            "imgeval-core",
            "imgeval-diagnose",
            "imgeval-fetch",
            "imgeval-files",
            "imgeval-metrics",
            "imgeval-observe",
            "imgeval-report",
            "imgeval-resample",
            "imgeval-scoring",
            "imgeval-store",
            "imgeval-suites",
            "imgeval-vision",
        ],
    ),
    (
        "imgeval-dataset",
        &[
            "imgeval-core",
            "imgeval-files",
            "imgeval-metrics",
            "imgeval-report",
            "imgeval-runner",
            "imgeval-scoring",
            "imgeval-store",
            "imgeval-suites",
        ],
    ),
    (
        "imgeval",
        &[
            "imgeval-clients",
            "imgeval-core",
            "imgeval-dataset",
            "imgeval-diagnose",
            "imgeval-fetch",
            "imgeval-files",
            "imgeval-forensics",
            "imgeval-generation",
            "imgeval-metrics",
            "imgeval-observe",
            "imgeval-pages",
            "imgeval-report",
            "imgeval-rewards",
            "imgeval-rounds",
            "imgeval-runner",
            "imgeval-scoring",
            "imgeval-settings",
            "imgeval-store",
            "imgeval-study",
            "imgeval-suites",
            "imgeval-vision",
        ],
    ),
    (
        "imgeval-python",
        &[
            "imgeval",
            "imgeval-core",
            "imgeval-dataset",
            "imgeval-files",
            "imgeval-metrics",
            "imgeval-observe",
            "imgeval-scoring",
            "imgeval-suites",
            "imgeval-vision",
        ],
    ),
];

#[test]
fn crates_use_only_what_the_map_allows() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    // Fuzz targets are no default members: nothing uses them.
    let packages = metadata.workspace_default_packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "a crate is missing from the map");
    for package in &packages {
        for dependency in &package.dependencies {
            let is_ours = ours.contains(dependency.name.as_str());
            if is_ours && dependency.kind == DependencyKind::Normal {
                let may_use = allowed[package.name.as_str()].contains(&dependency.name.as_str());
                assert!(may_use, "{} may not use {}", package.name, dependency.name);
            }
        }
    }
}

#[test]
fn core_and_metrics_know_no_disk_network_or_runtime() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    for package in metadata
        .packages
        .iter()
        .filter(|package| matches!(package.name.as_str(), "imgeval-core" | "imgeval-metrics"))
    {
        for dependency in &package.dependencies {
            let is_heavy = ["tokio", "reqwest", "rusqlite", "image", "candle-core", "tempfile"]
                .contains(&dependency.name.as_str());
            assert!(!is_heavy || dependency.kind != DependencyKind::Normal, "{}", dependency.name);
        }
    }
}

#[test]
fn http_lives_in_clients_fetch_and_the_servers_of_pages() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    for package in metadata.workspace_default_packages() {
        for dependency in package.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal) {
            let users = HTTP.iter().find(|(name, _)| *name == dependency.name).map(|(_, users)| *users);
            let is_allowed = users.is_none_or(|users| users.contains(&package.name.as_str()));
            assert!(is_allowed, "{} may not use {}", package.name, dependency.name);
        }
    }
    // Nor does a second client come with somebody else's crate.
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    for (name, _) in HTTP.iter().filter(|(_, users)| users.is_empty()) {
        assert!(!lock.contains(&format!("name = \"{name}\"\n")), "{name} is in the lock file");
    }
}
