//! One file for each provider. Each translates requests and replies and nothing else; sending is the transport's.

mod arguments;
mod command;
mod command_lines;
mod error_reply;
mod folder;
mod http_generator;
mod image_data;
mod openai_images;
mod process;

pub use arguments::{CommandLineError, CommandLineProblem};
pub use command::CommandGenerator;
pub use command_lines::CommandLinesGenerator;
pub(crate) use error_reply::judge_error;
pub use folder::{FolderError, FolderGenerator};
pub(crate) use http_generator::{HttpGenerator, HttpProvider, ImageSource, ProviderAnswer};
pub(crate) use openai_images::OpenaiImages;
