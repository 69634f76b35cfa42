//! What judging needs besides the library: protocols, questions with their pictures, pixel metrics, fetched files.

pub(crate) mod fetch;
pub(crate) mod measure;
pub(crate) mod protocols;
pub(crate) mod question;
