//! Connections of imgeval's HTTP servers: how many there may be, how long each may take, and how they end.

#![forbid(unsafe_code)]

mod connections;

pub use connections::{Limits, serve_connections};
