//! One file for each provider. Each translates requests and replies and nothing else; sending is the transport's.

mod arguments;
pub(crate) mod chat_reply;
mod command;
mod command_lines;
mod data_url;
mod folder;
mod gemini;
pub(crate) mod gemini_reply;
mod http_generator;
mod images_in_reply;
mod openai_chat;
mod openai_images;
mod openai_responses;
pub(crate) mod outcomes;
mod process;
mod redacted;

pub use arguments::{CommandLineError, CommandLineProblem};
pub use command::CommandGenerator;
pub use command_lines::CommandLinesGenerator;
pub use folder::{FolderError, FolderGenerator};
pub(crate) use gemini::Gemini;
pub(crate) use http_generator::{HttpGenerator, HttpProvider, ProviderAnswer};
pub(crate) use images_in_reply::{Found, find_image};
pub use images_in_reply::{ReplyImage, read_image};
pub(crate) use openai_chat::{OpenaiChat, image_part};
pub(crate) use openai_images::OpenaiImages;
pub(crate) use openai_responses::OpenaiResponses;
pub(crate) use outcomes::judge_error;
pub(crate) use redacted::Redacted;
