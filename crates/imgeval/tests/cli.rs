//! The binary as a person uses it, and the map of crates.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]

#[path = "../../imgeval-vision/tests/vision/file_server.rs"]
mod file_server;
#[allow(dead_code, reason = "shared with another crate's tests, which use more of it")]
#[path = "../../imgeval-vision/tests/vision/random_weights.rs"]
mod random_weights;

mod cli {
    mod arrows;
    mod colors;
    mod detections;
    mod import;
    mod models;
    mod networks;
    mod prompts;
    mod resume;
    mod support;
}
