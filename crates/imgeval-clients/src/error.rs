//! Why a client cannot be made.

use crate::{CommandLineError, FolderError, ProviderKind};

/// A client could not be made from its settings; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{url}` is no base URL: {reason}")]
    BaseUrl { url: String, reason: &'static str },
    #[error("the key for {kind} would cross the network to `{host}` unencrypted")]
    PlainHttp { kind: ProviderKind, host: String },
    #[error("the {what} cannot be sent: it holds characters that no HTTP header may hold")]
    Header { what: String },
    #[error("the proxy's URL cannot be used: {reason}")]
    Proxy { reason: String },
    #[error("the HTTP client cannot be set up: {reason}")]
    Setup { reason: String },
    #[error("a provider of kind {kind} cannot judge")]
    NoJudge { kind: ProviderKind },
    #[error(transparent)]
    CommandLine(CommandLineError),
    #[error(transparent)]
    Folder(FolderError),
}

impl ClientError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::BaseUrl { .. } => {
                "give scheme, host and path only, such as https://api.example.com/v1".to_owned()
            }
            Self::PlainHttp { .. } => {
                "use https, or allow plain HTTP for this provider if you trust the network".to_owned()
            }
            Self::Header { .. } => "look for line ends or blanks around the value".to_owned(),
            Self::Proxy { .. } => "give it as http://user:password@host:port".to_owned(),
            Self::NoJudge { .. } => {
                "name a judge over chat completions (openai, openai-chat, a provider of that kind in \
                                     imgeval.toml, or http://host/v1#MODEL) or gemini"
                    .to_owned()
            }
            Self::CommandLine(error) => error.hint(),
            Self::Folder(_) => "give a folder that exists and can be read".to_owned(),
            Self::Setup { .. } => {
                "install the system's CA certificates (package ca-certificates) or set SSL_CERT_FILE"
                    .to_owned()
            }
        }
    }
}
