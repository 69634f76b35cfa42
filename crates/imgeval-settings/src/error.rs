//! Why settings cannot be used.

use std::{fmt, io, path::PathBuf};

use imgeval_clients::{CatalogueError, ImpossibleRequest, KeyProblem, ProviderKind, UnusableModel};
use imgeval_core::Usd;
use imgeval_files::TextError;

/// Why settings, or what they say of a model, cannot be used. Nothing in it shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The file's text is not shown: somebody may have put a key into it.
    #[error("`{}`, line {line}: {problem}", path.display())]
    Syntax { path: PathBuf, line: usize, problem: String },
    #[error("`ask_above_usd = {dollars}` is not an amount in US dollars")]
    Amount { dollars: f64 },
    #[error("`timeout_s` must be positive, not {seconds}")]
    Timeout { seconds: f64 },
    /// A settings file of the working folder says what only the user may say.
    #[error("{what}", what = .used.words(path))]
    Untrusted { path: PathBuf, used: UntrustedUse },

    #[error("`{text}` does not name a provider and a model")]
    ModelName { text: String },
    #[error("unknown provider `{provider}`")]
    UnknownProvider { provider: String, known: Vec<String> },
    #[error("provider `{provider}` has the unknown kind `{kind}`")]
    UnknownKind { provider: String, kind: String },
    #[error("provider `{provider}` in the settings has no `kind`")]
    WithoutKind { provider: String },
    #[error("the provider `{provider}` runs on this machine and has no {setting}")]
    Local { provider: String, setting: RemoteSetting },
    #[error("the model of provider `{provider}` contains a key, which would be stored in the run")]
    KeyInModel { provider: String },
    #[error(transparent)]
    UnusableModel(#[from] UnusableModel),
    #[error(transparent)]
    ImpossibleRequest(#[from] ImpossibleRequest),

    #[error("the proxy of provider `{provider}` contains a password, which does not belong in the settings")]
    PasswordInProxy { provider: String },
    #[error(
        "the header `{header}` of provider `{provider}` contains a key, which does not belong in the settings"
    )]
    KeyInHeader { provider: String, header: String },
    #[error("the key file `{}` must contain only the key, but its text {problem}", path.display())]
    KeyFile { path: PathBuf, problem: KeyProblem },
    #[error("the key in the environment variable `{variable}` {problem}")]
    KeyVariable { variable: String, problem: KeyProblem },
    #[error("the environment variable `{variable}` for {what} is unset or blank")]
    Variable { variable: String, what: String },
    #[error("no key for provider `{provider}`{is_blank}", is_blank = blank_text(*.blank))]
    NoKey {
        provider: String,
        kind: ProviderKind,
        /// The variable that is there but blank.
        blank: Option<&'static str>,
        /// Whether the provider's settings must name the key.
        leads_elsewhere: bool,
    },

    #[error("the provider `{provider}` cannot judge")]
    CannotJudge { provider: String },
    #[error("the judge's name already contains its address; another one cannot be given")]
    SecondAddress,
    #[error("the judge's address contains a user, a password or a query, and perhaps a key")]
    SecretInAddress,
    #[error("the judge's address lacks a host or the model after `#`")]
    IncompleteAddress,

    #[error("there is no folder for the list of trusted settings")]
    NoTrustFolder,
    #[error("`{}` is not a list of trusted settings: {detail}", path.display())]
    TrustList { path: PathBuf, detail: String },
    #[error("the path `{}` is not UTF-8, so it cannot be stored", path.display())]
    PathNotUtf8 { path: PathBuf },
    #[error("could not find `{}`", path.display())]
    NotFound { path: PathBuf, source: io::Error },
    #[error("could not write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("could not write the list of trusted settings")]
    WriteDown(#[from] toml::ser::Error),
}

impl SettingsError {
    /// What to write instead, as far as it is about the settings and names.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ModelName { .. } => {
                "write PROVIDER:MODEL, such as openai:MODEL, gemini:MODEL or \"cmd:PROGRAM ARGUMENTS\""
            }
            Self::UnknownProvider { known, .. } => {
                return Some(format!("available: {}; add more in imgeval.toml", known.join(", ")));
            }
            Self::UnknownKind { .. } => {
                let names: Vec<&str> = ProviderKind::ALL.iter().map(|kind| kind.name()).collect();
                return Some(format!("available kinds: {}", names.join(", ")));
            }
            Self::KeyInModel { .. } => "let the program read its key from the environment, which it inherits",
            Self::Syntax { .. } => {
                "put keys in the environment (key_env) or in a file of their own (key_file)"
            }
            Self::PasswordInProxy { .. } => {
                "put its address in an environment variable: proxy_env = \"VARIABLE\""
            }
            Self::KeyInHeader { header, .. } => {
                return Some(format!(
                    "put it in an environment variable: headers_env = {{ {header} = \"VARIABLE\" }}"
                ));
            }
            Self::KeyVariable { .. } => {
                "set it to only the key, without quotes, spaces or the variable's name"
            }
            Self::NoKey { kind, leads_elsewhere: true, .. } => {
                let usual = kind.key_variables().first().unwrap_or(&"VARIABLE");
                return Some(format!("set it in the provider's settings, such as key_env = \"{usual}\""));
            }
            Self::CannotJudge { .. } => {
                "judges: openai:MODEL, openai-chat:MODEL, gemini:MODEL or http://host:port/v1#MODEL"
            }
            Self::IncompleteAddress => "write http://127.0.0.1:8000/v1#MODEL",
            Self::NoTrustFolder => "set HOME or XDG_CONFIG_HOME to an absolute path",
            Self::TrustList { .. } => "remove the file, and trust the settings again",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn blank_text(blank: Option<&'static str>) -> String {
    blank.map_or_else(String::new, |name| format!(": {name} is blank"))
}

/// What a settings file of the working folder would decide without being trusted.
#[derive(Debug, Clone, PartialEq)]
pub enum UntrustedUse {
    /// Where secrets go or what is run; sections as they are shown.
    Entries(Vec<String>),
    /// The address of this provider, which gets no key.
    Address(String),
    /// That more than this may be spent without a question.
    AskAbove(Usd),
    /// What is known of these models.
    Models(Vec<String>),
}

impl UntrustedUse {
    fn words(&self, path: &std::path::Path) -> String {
        let path = path.display();
        let not_trusted = format!("the settings `{path}` in the working folder are not trusted");
        match self {
            Self::Entries(sections) => format!(
                "{not_trusted}, and these entries would decide where secrets are sent or what is run: {}",
                sections.join("; ")
            ),
            Self::Address(provider) => {
                format!("the address of provider `{provider}` is from `{path}`, which is not trusted")
            }
            Self::AskAbove(amount) => {
                format!("{not_trusted}, so their ask_above_usd must not exceed {amount}")
            }
            Self::Models(changed) => format!(
                "{not_trusted}, so their catalog must not change what is known about {}",
                changed.join(", ")
            ),
        }
    }
}

/// What only says something about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteSetting {
    BaseUrl,
    KeyFile,
    RequestsPerMinute,
    TokensPerMinute,
}

impl fmt::Display for RemoteSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BaseUrl => "base URL",
            Self::KeyFile => "file with a key",
            Self::RequestsPerMinute => "limit on requests",
            Self::TokensPerMinute => "limit on tokens",
        })
    }
}
