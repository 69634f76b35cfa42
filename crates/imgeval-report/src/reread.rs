//! Result of re-reading stored replies.

/// Samples, or judgments of samples, that had no result before, by what is read in their replies now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RereadView {
    pub kind: RereadKind,
    pub recovered: Vec<String>,
    /// There is still no result, but for another reason.
    pub changed: Vec<ChangedView>,
    /// By the code of the failure.
    pub unchanged: Vec<(String, usize)>,
    /// The reply holds no more than the address of an image.
    pub addresses: Vec<String>,
    /// By the code of the failure.
    pub without_reply: Vec<(String, usize)>,
}

/// What is read from the replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RereadKind {
    Images,
    Judgments,
}

/// Why a sample has no result, as is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedView {
    pub sample: String,
    /// The code of the failure.
    pub outcome: String,
    pub detail: String,
}

impl RereadView {
    /// What is still without a result.
    #[must_use]
    pub fn n_left(&self) -> usize {
        let of_kinds = self.unchanged.iter().chain(&self.without_reply).map(|(_, n)| n).sum::<usize>();
        of_kinds + self.changed.len() + self.addresses.len()
    }
}
