//! The binary as a person uses it, and the map of crates.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[allow(dead_code, reason = "shared with another crate's tests, which use more of it")]
#[path = "../../imgeval-clients/tests/clients/fault_server.rs"]
mod fault_server;
#[path = "../../imgeval-fetch/tests/fetch/file_server.rs"]
mod file_server;
#[allow(dead_code, reason = "shared with another crate's tests, which use more of it")]
#[path = "../../imgeval-vision/tests/vision/random_weights.rs"]
mod random_weights;

mod cli {
    mod arrows;
    mod before_money;
    mod broken_generation;
    mod colors;
    mod compare;
    mod datasets;
    mod detections;
    mod diagnose;
    mod diagnose_rounds;
    mod doctor;
    mod edit_metrics;
    mod forensics;
    mod gedit;
    mod generate;
    mod generate_budget;
    mod generate_cases;
    mod generate_faults;
    mod generate_keys;
    mod generate_reread;
    mod generate_run;
    mod generate_settings;
    mod generate_stops;
    mod image_metrics;
    mod import;
    mod judge;
    mod judge_bench;
    mod judge_stops;
    mod judge_trust;
    mod label;
    #[cfg(unix)]
    mod links;
    mod local_server;
    mod manual;
    mod map;
    mod models;
    mod networks;
    mod old_runs;
    mod own_checks;
    mod prompts;
    mod provider;
    mod report;
    mod report_bench;
    mod resume;
    mod rewards;
    mod rewriting;
    mod rounds_files;
    mod run_labels;
    mod schemas;
    mod shards;
    mod study;
    mod suites;
    mod support;
    mod terminal;
    mod texts;
    mod trust;
    mod weaknesses;
    mod wise;
}
