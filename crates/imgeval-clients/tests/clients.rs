//! The clients against a server that misbehaves on purpose.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]

#[path = "clients/fault_server.rs"]
mod fault_server;
#[path = "clients/faults.rs"]
mod faults;
#[path = "clients/openai_images.rs"]
mod openai_images;
#[path = "clients/secrets.rs"]
mod secrets;
#[path = "clients/support.rs"]
mod support;
