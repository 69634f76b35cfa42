//! Counts in sentences.

/// Such as `1 call` and `2 calls`.
#[must_use]
pub fn counted(n: usize, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        _ => format!("{n} {one}s"),
    }
}
