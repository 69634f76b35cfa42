//! Fetching against a local server that answers as the real ones do, and worse.

#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

// `cfg(test)` tells Clippy that helpers here are test code too.
#[cfg(test)]
#[path = "fetch/file_server.rs"]
mod file_server;
#[cfg(test)]
#[path = "fetch/suites.rs"]
mod suites;
#[cfg(test)]
#[path = "fetch/weights.rs"]
mod weights;
