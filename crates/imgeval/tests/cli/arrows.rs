//! Dependencies between our crates point only where the map in ARCHITECTURE.md allows.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

const ALLOWED: [(&str, &[&str]); 11] = [
    ("imgeval-core", &[]),
    ("imgeval-files", &[]),
    ("imgeval-metrics", &["imgeval-core"]),
    ("imgeval-suites", &["imgeval-core", "imgeval-files", "imgeval-metrics"]),
    ("imgeval-vision", &["imgeval-core", "imgeval-files"]),
    ("imgeval-clients", &["imgeval-core", "imgeval-files"]),
    ("imgeval-store", &["imgeval-core", "imgeval-files"]),
    ("imgeval-runner", &["imgeval-core", "imgeval-files", "imgeval-store"]),
    ("imgeval-report", &["imgeval-core", "imgeval-files"]),
    ("imgeval-diagnose", &["imgeval-core", "imgeval-files", "imgeval-metrics", "imgeval-vision"]),
    (
        "imgeval",
        &[
            "imgeval-clients",
            "imgeval-core",
            "imgeval-diagnose",
            "imgeval-files",
            "imgeval-metrics",
            "imgeval-report",
            "imgeval-runner",
            "imgeval-store",
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
