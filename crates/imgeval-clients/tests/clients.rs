//! The clients against a server that misbehaves on purpose.

#![allow(clippy::unwrap_used, reason = "helper functions of tests may unwrap as the tests do")]
#![allow(clippy::disallowed_methods, reason = "tests open what they made themselves")]

#[path = "clients/chat.rs"]
mod chat;
#[path = "clients/commands.rs"]
mod commands;
#[allow(dead_code, reason = "shared with another crate's tests, which use more of it")]
#[path = "clients/fault_server.rs"]
mod fault_server;
#[path = "clients/faults.rs"]
mod faults;
#[path = "clients/folder.rs"]
mod folder;
#[path = "clients/gemini.rs"]
mod gemini;
#[path = "clients/gemini_judges.rs"]
mod gemini_judges;
#[path = "clients/judges.rs"]
mod judges;
#[path = "clients/kept_replies.rs"]
mod kept_replies;
#[path = "clients/long_lived_commands.rs"]
mod long_lived_commands;
#[path = "clients/openai_images.rs"]
mod openai_images;
#[path = "clients/openai_responses.rs"]
mod openai_responses;
#[path = "clients/permits.rs"]
mod permits;
#[path = "clients/secrets.rs"]
mod secrets;
#[path = "clients/support.rs"]
mod support;
#[path = "clients/wire.rs"]
mod wire;
