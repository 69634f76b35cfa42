//! The finder of images in replies, for every provider: wherever a server, or a proxy between us and it, has put them.
//!
//! All images of a reply are found and the best one is the answer: a final one before a preview, and a preview before a draft that the
//! model made while thinking; of the first choice or candidate that has one; where the interface puts images before what stands in text;
//! of equal ones the last. A draft counts only where it is the only image and the answer ended normally. The accepted shapes stand in
//! docs/providers/replies.md, which a test checks.

mod address;
mod find;
mod item;
mod text;

pub(crate) use address::{ImageSource, decode_image};
pub(crate) use find::{Found, find_image};
pub use find::{ReplyImage, read_image};
