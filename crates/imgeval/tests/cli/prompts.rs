//! `imgeval prompts`.

use imgeval_core::ContentHash;
use imgeval_suites::geneval::{OFFICIAL_METADATA_SHA256, OFFICIAL_PROMPTS_SHA256};

use super::support::{check_exit, imgeval, stderr};

#[test]
fn the_default_is_the_official_suite_to_the_byte() {
    let metadata = imgeval(&["prompts", "geneval", "--format", "metadata"]);
    assert_eq!(ContentHash::of(&metadata.stdout).as_str(), OFFICIAL_METADATA_SHA256);
    let prompts = imgeval(&["prompts", "geneval", "--format", "prompts"]);
    assert_eq!(ContentHash::of(&prompts.stdout).as_str(), OFFICIAL_PROMPTS_SHA256);
}

#[test]
fn another_seed_gives_other_prompts() {
    let fresh = imgeval(&["prompts", "geneval", "--seed", "44"]);
    check_exit(&fresh, 0);
    assert_ne!(ContentHash::of(&fresh.stdout).as_str(), OFFICIAL_PROMPTS_SHA256);
}

#[test]
fn the_impossible_is_a_clear_error() {
    let output = imgeval(&["prompts", "geneval", "--per-task", "0"]);
    check_exit(&output, 2);
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("at least 1"), "{}", stderr(&output));
}
