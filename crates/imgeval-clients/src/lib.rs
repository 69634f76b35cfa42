//! Talks to image generators and chat models: the transport, one file for each provider, and the catalog of models.
//! Only this crate knows HTTP. It reads neither the environment nor settings files; what it needs is in
//! [`ProviderSettings`].

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod catalogue;
mod chat;
mod endpoint;
mod error;
mod judges;
mod model_check;
mod pricing;
mod probe;
mod providers;
mod registry;
mod reread;
mod secret;
mod settings;
mod transport;

pub use catalogue::{
    Catalogue, CatalogueError, ImagePrice, ModelEntry, ModelLimits, OutputTokens, Prices, Retirement,
    SizeLimits,
};
pub use chat::{ChatClient, ChatRewriter};
pub use error::ClientError;
pub use model_check::{ImpossibleRequest, UnusableModel};
pub use pricing::estimate_tokens;
pub use probe::{Reachability, probe};
pub use providers::{
    CommandGenerator, CommandLineError, CommandLineProblem, CommandLinesGenerator, FolderError,
    FolderGenerator, ReplyImage, read_image,
};
pub use registry::{ProviderKind, open_generator, open_judge};
pub use reread::{reread_image, reread_words};
pub use secret::{KeyProblem, Redactor, Secret};
pub use settings::{Limits, ProviderSettings};
pub use transport::wire::{Note, WireError, WireReply, read_reply};
