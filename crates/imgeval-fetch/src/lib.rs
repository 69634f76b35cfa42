//! Fetching what imgeval does not ship: the weights of networks and the data of suites.
//!
//! - [`http`]: downloads that resume where they broke off, over the one HTTP client.
//! - [`weights`]: the known weight sets, their folder, the cache of the Hugging Face hub, and packages that pip fetches.
//! - [`suites`]: a suite's files, from its repository or from a folder or archive of the user's, pinned by checksum.
//!
//! Nothing here prints, or knows a suite, a network or a command line: callers describe what they want, get events while
//! it is under way, and typed errors.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod http;
pub mod suites;
pub mod weights;
