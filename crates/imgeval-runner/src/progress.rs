//! Progress events of a run.

/// One event of a stage, in order: `Planned`, then `Advanced` once for each piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// `total` pieces of work belong to the stage, `finished` of them were done before.
    Planned { total: usize, finished: usize },
    /// One more piece is done or has failed.
    Advanced { has_failed: bool },
}
