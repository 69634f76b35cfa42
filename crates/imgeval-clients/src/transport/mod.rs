//! Sends requests and brings back what became of them: limits, retries, backoff, circuit breaker, redaction.
//!
//! One [`Transport`] serves one model of one provider. A call goes through the gate (concurrency, requests and tokens
//! per minute, pauses a server asked for), asks for permission, is tried, and tried again where that can help; what a reply means is for
//! the provider's [`ReplyReader`] to say. Every text that leaves has passed the redactor.

mod attempt;
mod breaker;
mod budget;
mod client;
mod download;
mod gate;
mod raw;
mod request;
mod retry;
pub(crate) mod wire;

pub(crate) use client::{Call, Exchange, Reply, ReplyReader, Transport, Tries, Verdict};
pub(crate) use raw::{MAX_RAW_BYTES, words};
pub(crate) use request::{ApiRequest, Body, Part, mime};
