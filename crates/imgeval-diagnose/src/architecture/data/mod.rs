//! Training data: what differs between the classes, and which images train, select and test.

mod dataset;
mod profile;
mod split;

pub use dataset::Source;
pub(crate) use dataset::{Dataset, DatasetRequest};
pub use profile::{Fact, FactProfile, Profile, ValueShare};
pub(crate) use profile::{compute_profile, shares_of};
pub(crate) use split::Part;
pub use split::{MIN_GROUPS, Shares, SplitError};
