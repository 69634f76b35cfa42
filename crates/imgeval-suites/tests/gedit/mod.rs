//! GEdit-Bench's replies and scores against the authors' code and against its definition.

mod replies;
mod scores;

use std::path::PathBuf;

/// A reference that is not in the repository; `None` where it is not at hand.
fn shared(name: &str) -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/suites/gedit");
    std::fs::read_to_string(folder.join(name)).ok()
}

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
