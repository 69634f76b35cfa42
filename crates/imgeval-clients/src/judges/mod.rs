//! Judges, and whatever else wants an answer in words: questions with images in, text out. One file for each kind of
//! interface; each translates questions and replies and nothing else.

mod chat;
mod decoding;
mod gemini;
mod text_client;

pub(crate) use chat::ChatText;
pub(crate) use gemini::GeminiText;
pub(crate) use text_client::{TextClient, TextProvider, outcome_of};
