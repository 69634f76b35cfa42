//! The kinds of providers and how a generator of each is made.

use std::{fmt, path::Path, sync::Arc};

use imgeval_core::{Generator, Judge};

use crate::{
    ClientError, ModelEntry, ProviderSettings,
    judges::{ChatText, GeminiText, TextClient},
    providers::{
        CommandGenerator, CommandLinesGenerator, FolderGenerator, Gemini, HttpGenerator, OpenaiChat,
        OpenaiImages, OpenaiResponses, Redacted,
    },
};

/// A kind of interface; many providers speak the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderKind {
    OpenaiImages,
    OpenaiResponses,
    OpenaiChat,
    Gemini,
    Command,
    CommandLines,
    Folder,
}

impl ProviderKind {
    pub const ALL: &[Self] = &[
        Self::OpenaiImages,
        Self::OpenaiResponses,
        Self::OpenaiChat,
        Self::Gemini,
        Self::Command,
        Self::CommandLines,
        Self::Folder,
    ];

    /// Stable name, as stored, printed and typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenaiImages => "openai-images",
            Self::OpenaiResponses => "openai-responses",
            Self::OpenaiChat => "openai-chat",
            Self::Gemini => "gemini",
            Self::Command => "cmd",
            Self::CommandLines => "cmd-lines",
            Self::Folder => "folder",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether it works on this machine: without address, key or price, and its "model" is a command line or a folder.
    #[must_use]
    pub fn is_local(self) -> bool {
        match self {
            Self::OpenaiImages | Self::OpenaiResponses | Self::OpenaiChat | Self::Gemini => false,
            Self::Command | Self::CommandLines | Self::Folder => true,
        }
    }

    /// Empty where there is no address.
    #[must_use]
    pub fn default_base_url(self) -> &'static str {
        match self {
            Self::OpenaiImages | Self::OpenaiResponses | Self::OpenaiChat => "https://api.openai.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta",
            Self::Command | Self::CommandLines | Self::Folder => "",
        }
    }

    /// Environment variables that may hold the key; the first that is set counts. Empty where there is no key.
    #[must_use]
    pub fn key_variables(self) -> &'static [&'static str] {
        match self {
            Self::OpenaiImages | Self::OpenaiResponses | Self::OpenaiChat => &["OPENAI_API_KEY"],
            Self::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::Command | Self::CommandLines | Self::Folder => &[],
        }
    }

    /// The kind of interface over which a judge is asked at a provider of this kind; `None` if there is none. Where OpenAI's
    /// images are made, its chat completions answer with the same key.
    #[must_use]
    pub fn judge_kind(self) -> Option<Self> {
        match self {
            Self::OpenaiImages | Self::OpenaiChat => Some(Self::OpenaiChat),
            Self::Gemini => Some(Self::Gemini),
            Self::OpenaiResponses | Self::Command | Self::CommandLines | Self::Folder => None,
        }
    }

    /// The header that carries the key, and the text before the key.
    pub(crate) fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::Gemini => ("x-goog-api-key", ""),
            Self::OpenaiImages
            | Self::OpenaiResponses
            | Self::OpenaiChat
            | Self::Command
            | Self::CommandLines
            | Self::Folder => ("authorization", "Bearer "),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A generator for one model of one provider; of a local kind `model` is the command line or the folder, and the timeout holds for
/// one image. Limits hold for it and its clones together.
///
/// # Errors
/// If the settings cannot be used; nothing is sent or started here.
pub fn open_generator(
    settings: ProviderSettings,
    model: &str,
    entry: Option<ModelEntry>,
) -> Result<Arc<dyn Generator>, ClientError> {
    let concurrent = settings.limits.concurrent.get();
    Ok(match settings.kind {
        ProviderKind::OpenaiImages => {
            let response_format = entry.as_ref().is_some_and(|entry| entry.response_format);
            Arc::new(HttpGenerator::new(&settings, model, OpenaiImages::new(model, response_format), entry)?)
        }
        ProviderKind::OpenaiResponses => {
            Arc::new(HttpGenerator::new(&settings, model, OpenaiResponses::new(model), entry)?)
        }
        ProviderKind::OpenaiChat => {
            Arc::new(HttpGenerator::new(&settings, model, OpenaiChat::new(model), entry)?)
        }
        ProviderKind::Gemini => Arc::new(HttpGenerator::new(&settings, model, Gemini::new(model), entry)?),
        ProviderKind::Command => {
            let inner = CommandGenerator::new(model, settings.timeout, concurrent)
                .map_err(ClientError::CommandLine)?;
            Arc::new(Redacted { inner, redactor: settings.redactor() })
        }
        ProviderKind::CommandLines => {
            let inner = CommandLinesGenerator::new(model, settings.timeout, concurrent)
                .map_err(ClientError::CommandLine)?;
            Arc::new(Redacted { inner, redactor: settings.redactor() })
        }
        ProviderKind::Folder => {
            Arc::new(FolderGenerator::new(Path::new(model)).map_err(ClientError::Folder)?)
        }
    })
}

/// A judge: one model of one provider, whose kind becomes its [`ProviderKind::judge_kind`]. Limits hold for it and its clones
/// together.
///
/// # Errors
/// If no judge is of that kind or the settings cannot be used; nothing is sent here.
pub fn open_judge(
    settings: ProviderSettings,
    model: &str,
    entry: Option<ModelEntry>,
) -> Result<Arc<dyn Judge>, ClientError> {
    let kind = settings.kind.judge_kind().ok_or(ClientError::NoJudge { kind: settings.kind })?;
    let settings = ProviderSettings { kind, ..settings };
    Ok(if kind == ProviderKind::Gemini {
        Arc::new(TextClient::new(&settings, model, GeminiText::new(model), entry)?)
    } else {
        let provider = ChatText::of(model, entry.as_ref());
        Arc::new(TextClient::new(&settings, model, provider, entry)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ProviderKind::ALL {
            assert_eq!(ProviderKind::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(ProviderKind::from_name("openai"), None);
    }

    #[test]
    fn what_cannot_judge_is_refused_by_its_kind() {
        for kind in ProviderKind::ALL.iter().filter(|kind| kind.judge_kind().is_none()) {
            let Err(error) = open_judge(ProviderSettings::new(*kind), "m", None) else { panic!("{kind}") };
            assert_eq!(error.to_string(), format!("a provider of kind {kind} cannot judge"));
            assert!(error.hint().contains("gemini"));
        }
    }
}
