//! What `--version` prints: `-V` gives the version alone, `--version` also what was built from what. `build.rs` finds it out.

/// The version with commit, features, target and profile of this build.
pub(crate) const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("IMGEVAL_BUILD_COMMIT"),
    "\nfeatures: ",
    env!("IMGEVAL_BUILD_FEATURES"),
    "\ntarget: ",
    env!("IMGEVAL_BUILD_TARGET"),
    "\nprofile: ",
    env!("IMGEVAL_BUILD_PROFILE"),
);
