//! Downloads over HTTP: resumed where they broke off, tried again when the failure may pass, checked in length.
//!
//! | rule | where |
//! |---|---|
//! | the user's certificates and proxies hold; nothing is compressed | `connection` |
//! | redirects are followed by hand: never from https to http, and a token never leaves the server that it is for | `connection` |
//! | a download continues at its last byte, by `Range`, and its file is one process's | `client`, `partial` |
//! | addresses are shown without user and password, and what they redirect to is never shown | `address` |

mod address;
mod client;
mod connection;
mod error;
mod facts;
mod partial;
mod token;

pub(crate) use address::without_user;
pub(crate) use client::{Client, Download};
pub(crate) use facts::FileFacts;
pub(crate) use token::is_plain;

pub use error::{DownloadError, DownloadEvent};
pub use token::Token;
