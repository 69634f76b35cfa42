//! What judging needs besides the library: protocols and fetched files.

pub(crate) mod fetch;
pub(crate) mod protocols;
