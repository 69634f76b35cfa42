//! Why a client cannot be made.

use crate::{CommandLineError, FolderError, ProviderKind};

/// A client could not be made from its settings; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{url}` is not a valid base URL: {reason}")]
    BaseUrl { url: String, reason: &'static str },
    #[error("the key for {kind} would be sent to `{host}` unencrypted")]
    PlainHttp { kind: ProviderKind, host: String },
    #[error("the {what} cannot be sent: it contains characters that are not allowed in an HTTP header")]
    Header { what: String },
    #[error("invalid proxy URL: {reason}")]
    Proxy { reason: String },
    #[error("could not set up the HTTP client: {reason}")]
    Setup { reason: String },
    #[error("a provider of kind {kind} cannot judge")]
    NoJudge { kind: ProviderKind },
    #[error(transparent)]
    CommandLine(CommandLineError),
    #[error(transparent)]
    Folder(FolderError),
}

impl ClientError {
    /// How to repair it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::BaseUrl { .. } => {
                "give only scheme, host and path, such as https://api.example.com/v1".to_owned()
            }
            Self::PlainHttp { .. } => {
                "use https, or allow plain HTTP for this provider if you trust the network".to_owned()
            }
            Self::Header { .. } => "check for line breaks or spaces around the value".to_owned(),
            Self::Proxy { .. } => "write it as http://user:password@host:port".to_owned(),
            Self::NoJudge { .. } => {
                "use a judge with chat completions (openai, openai-chat, a provider of that kind in imgeval.toml, or http://host/v1#MODEL) or gemini"
                    .to_owned()
            }
            Self::CommandLine(error) => error.hint(),
            Self::Folder(_) => "pass an existing folder that can be read".to_owned(),
            Self::Setup { .. } => {
                "install the system's CA certificates (package ca-certificates) or set SSL_CERT_FILE"
                    .to_owned()
            }
        }
    }
}
