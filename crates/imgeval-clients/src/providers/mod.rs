//! One file for each provider. Each translates requests and replies and nothing else; sending is the transport's.

mod error_reply;
mod http_generator;
mod image_data;
mod openai_images;

pub(crate) use http_generator::{HttpGenerator, HttpProvider, ImageSource, ProviderAnswer};
pub(crate) use openai_images::OpenaiImages;
