//! The reader of JSON from the wire, for every provider and judge.
//!
//! Servers, proxies and gateways put much around a reply and some things into it that strict JSON lacks: a byte order mark,
//! keep-alive comments, `data: [DONE]`, an event stream that nobody asked for, gzip, half of an emoji, `NaN`. The reply was paid for, so
//! it is read all the same; whatever was replaced or left out is a [`Note`]. What cannot be read is a typed [`WireError`], and so is a
//! reply with more values, or nested more deeply, than any reply needs: its memory could be many times its size.
//!
//! A strict parser comes first and reads nearly all replies; the tolerant one is only asked when the strict one has failed. Both
//! count what they make. An event stream is put together into the reply that would have come without it.

mod assemble;
mod counted;
mod events;
mod note;
mod read;
mod tolerant;
mod unpack;

pub use note::{Note, WireError};
pub use read::{WireReply, read_reply};
pub(crate) use unpack::{is_packed, unpack};
