//! Facts about a file before it is used.

use crate::Unsuitable;

/// What lies under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `None` for a regular file.
    pub(crate) unsuitable: Option<Unsuitable>,
    pub(crate) length: u64,
    pub(crate) n_names: u64,
    /// Device and number of the file.
    pub(crate) identity: Option<(u64, u64)>,
}
