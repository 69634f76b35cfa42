//! Settings of providers: flags, then environment, then `imgeval.toml` here, then the user's, then defaults. Resolved
//! once; unknown keys are refused. Keys come from the environment or from a file, never from the settings themselves.

mod judge;

use std::{
    collections::BTreeMap,
    fs,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Result;
use imgeval_clients::{Catalogue, Limits, ModelEntry, ProviderKind, ProviderSettings, Retirement, Secret};
use serde::Deserialize;

use crate::{
    args::generation::{ProviderArgs, SettingsFiles},
    environment,
    failure::CommandError,
    text_file::{MAX_SETTINGS_BYTES, read_text},
};

/// Headers that carry keys, and so may not stand in a settings file.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "api-key", "x-api-key", "x-goog-api-key", "proxy-authorization", "cookie"];

/// `imgeval.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    /// Models with prices and limits; relative to the settings file.
    catalogue: Option<PathBuf>,
    #[serde(default)]
    providers: BTreeMap<String, ProviderSection>,
}

/// `[providers.NAME]`: of a built-in provider, or with `kind` of one of the user's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderSection {
    kind: Option<String>,
    base_url: Option<String>,
    /// The environment variable that holds the key.
    key_env: Option<String>,
    /// A file that holds the key.
    key_file: Option<PathBuf>,
    organization: Option<String>,
    project: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Headers whose values come from environment variables.
    #[serde(default)]
    headers_env: BTreeMap<String, String>,
    proxy: Option<String>,
    /// The environment variable that holds the proxy's URL, if that has a password.
    proxy_env: Option<String>,
    requests_per_minute: Option<NonZeroU32>,
    tokens_per_minute: Option<NonZeroU32>,
    concurrency: Option<NonZeroUsize>,
    timeout_s: Option<f64>,
    retries: Option<u32>,
    #[serde(default)]
    allow_plain_http: bool,
}

/// Everything that the settings files say.
pub(crate) struct Settings {
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
    providers: BTreeMap<String, ProviderSection>,
    pub(crate) catalogue: Catalogue,
}

/// `PROVIDER:MODEL` as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelName {
    pub(crate) provider: String,
    pub(crate) model: String,
}

impl ModelName {
    pub(crate) fn parse(text: &str) -> Result<Self, CommandError> {
        match text.split_once(':') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
            }
            _ => Err(CommandError::usage(format!("`{text}` names no provider and model")).with_hint(
                "write PROVIDER:MODEL, such as openai:MODEL, gemini:MODEL or \"cmd:PROGRAM ARGUMENTS\"",
            )),
        }
    }
}

/// What the user says on the command line of how to reach a model; goes before the settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) base_url: Option<String>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) concurrency: Option<NonZeroUsize>,
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    pub(crate) tokens_per_minute: Option<NonZeroU32>,
    pub(crate) timeout: Option<Duration>,
}

impl From<&ProviderArgs> for Overrides {
    fn from(flags: &ProviderArgs) -> Self {
        Self {
            base_url: flags.base_url.clone(),
            key_file: flags.key_file.clone(),
            concurrency: flags.concurrency,
            requests_per_minute: flags.rpm,
            tokens_per_minute: flags.tpm,
            timeout: flags.timeout,
        }
    }
}

/// A model with everything that is needed to call it.
#[derive(Clone)]
pub(crate) struct ResolvedModel {
    pub(crate) name: ModelName,
    pub(crate) settings: ProviderSettings,
    pub(crate) entry: Option<ModelEntry>,
    /// The settings lead elsewhere and name no key, though there is one for the usual place.
    keeps_key_back: bool,
}

impl Settings {
    /// Reads the settings files and the catalogue.
    pub(crate) fn load(files: &SettingsFiles) -> Result<Self> {
        let user_folder = environment::configuration_dir();
        let mut paths: Vec<PathBuf> = Vec::new();
        match &files.settings {
            Some(path) => paths.push(path.clone()),
            None => {
                paths.extend(user_folder.as_ref().map(|folder| folder.join("imgeval.toml")));
                paths.push(PathBuf::from("imgeval.toml"));
                paths.retain(|path| path.exists());
            }
        }
        let mut providers = BTreeMap::new();
        let mut catalogue_file =
            user_folder.map(|folder| folder.join("models.toml")).filter(|path| path.exists());
        for path in &paths {
            let mut file = read_settings(path)?;
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            for section in file.providers.values_mut() {
                section.key_file = section.key_file.take().map(|key_file| folder.join(key_file));
            }
            // A later file replaces a provider's section as a whole: half of one key's settings with half of
            // another's would send a key to the wrong place.
            providers.extend(file.providers);
            catalogue_file = file.catalogue.map(|catalogue| folder.join(catalogue)).or(catalogue_file);
        }
        let catalogue_file = files.catalogue.clone().or(catalogue_file);
        let catalogue = match catalogue_file {
            Some(path) => {
                let text = read_text(&path, MAX_SETTINGS_BYTES, "the catalogue")?;
                Catalogue::with_overrides(&text, &path.display().to_string())
                    .map_err(|error| CommandError::usage(crate::failure::sentence_of(&error)))?
            }
            None => Catalogue::built_in(),
        };
        Ok(Self { files: paths, providers, catalogue })
    }

    /// Names of all providers that can be asked for: the built-in ones and the user's.
    pub(crate) fn provider_names(&self) -> Vec<String> {
        let built_in = ProviderKind::ALL.iter().map(|kind| kind.name()).chain([OPENAI]);
        let mut names: Vec<String> =
            built_in.map(str::to_owned).chain(self.providers.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// As [`Self::provider_names`], each once under the name that people use.
    pub(crate) fn distinct_providers(&self) -> Vec<String> {
        let mut names = self.provider_names();
        names.retain(|name| {
            built_in(OPENAI).is_none_or(|kind| kind.name() != name) || self.is_configured(name)
        });
        names
    }

    /// Whether the settings files have a section for it.
    pub(crate) fn is_configured(&self, provider: &str) -> bool {
        self.providers.contains_key(provider)
    }

    /// Settings and catalogue entry of a model; `flags` go before everything else.
    pub(crate) fn resolve(&self, name: ModelName, flags: Option<&ProviderArgs>) -> Result<ResolvedModel> {
        let section = self.providers.get(&name.provider).cloned().unwrap_or_default();
        let kind = self.kind_of(&name.provider, &section)?;
        if kind.is_local()
            && let Some(flag) = flags.and_then(remote_flag)
        {
            let message =
                format!("the provider `{}` works on this machine and takes no {flag}", name.provider);
            return Err(CommandError::usage(message).into());
        }
        self.resolve_as(name, kind, &section, &flags.map(Overrides::from).unwrap_or_default())
    }

    fn resolve_as(
        &self,
        mut name: ModelName,
        kind: ProviderKind,
        section: &ProviderSection,
        overrides: &Overrides,
    ) -> Result<ResolvedModel> {
        let defaults = ProviderSettings::new(kind);
        let entry = self.catalogue.find(kind, &name.model).cloned();
        let base_url = overrides
            .base_url
            .clone()
            .or(section.base_url.clone())
            .or_else(|| environment::base_url(kind))
            .unwrap_or(defaults.base_url.clone());
        // The vendor's limits hold at the vendor.
        let is_vendor = base_url == defaults.base_url;
        let limits = entry.as_ref().filter(|_| is_vendor).map(|entry| entry.limits).unwrap_or_default();
        let limits = Limits {
            requests_per_minute: overrides
                .requests_per_minute
                .or(section.requests_per_minute)
                .or(limits.requests_per_minute),
            tokens_per_minute: overrides
                .tokens_per_minute
                .or(section.tokens_per_minute)
                .or(limits.tokens_per_minute),
            concurrent: overrides
                .concurrency
                .or(section.concurrency)
                .or(limits.concurrent)
                .unwrap_or(defaults.limits.concurrent),
        };
        let timeout = match (overrides.timeout, section.timeout_s) {
            (Some(timeout), _) => timeout,
            (None, Some(seconds)) => Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| CommandError::usage(format!("`timeout_s = {seconds}` is no time limit")))?,
            (None, None) => defaults.timeout,
        };
        let settings = ProviderSettings {
            base_url,
            key: find_key(kind, section, overrides.key_file.as_deref())?,
            organization: section.organization.clone().or_else(|| environment::organization(kind)),
            project: section.project.clone().or_else(|| environment::project(kind)),
            headers: read_headers(&name.provider, section)?,
            proxy: match &section.proxy_env {
                Some(variable) => Some(secret_in(variable, "the proxy")?),
                None => read_proxy(&name.provider, section)?,
            },
            other_secrets: if kind.is_local() { self.all_keys() } else { Vec::new() },
            limits,
            timeout,
            retries: section.retries.unwrap_or(defaults.retries),
            allow_plain_http: section.allow_plain_http,
            ..defaults
        };
        if settings.redactor().redact(&name.model) != name.model {
            let message = format!(
                "the model of provider `{}` holds a key, and would be kept in the run",
                name.provider
            );
            let hint = "let the program read its key from the environment, which it inherits";
            return Err(CommandError::usage(message).with_hint(hint).into());
        }
        if kind == ProviderKind::Folder
            && let Ok(folder) = fs::canonicalize(&name.model)
        {
            // One folder is one model, however it is named.
            name.model = folder.to_string_lossy().into_owned();
        }
        let has_usual_key = kind.key_variables().iter().any(|name| environment::variable(name).is_some());
        let keeps_key_back = settings.key.is_none() && section.base_url.is_some() && has_usual_key;
        Ok(ResolvedModel { name, settings, entry, keeps_key_back })
    }

    /// Every key in the environment that any provider would use.
    fn all_keys(&self) -> Vec<Secret> {
        let usual = ProviderKind::ALL.iter().flat_map(|kind| kind.key_variables().iter().copied());
        let sections = self.providers.values();
        let named = sections.flat_map(|section| {
            let headers = section.headers_env.values();
            section.key_env.iter().chain(&section.proxy_env).chain(headers).map(String::as_str)
        });
        usual.chain(named).filter_map(environment::variable).map(Secret::new).collect()
    }

    fn kind_of(&self, provider: &str, section: &ProviderSection) -> Result<ProviderKind, CommandError> {
        match (&section.kind, built_in(provider)) {
            (Some(kind), _) => ProviderKind::from_name(kind).ok_or_else(|| {
                let names: Vec<&str> = ProviderKind::ALL.iter().map(|kind| kind.name()).collect();
                CommandError::usage(format!(
                    "provider `{provider}` is of kind `{kind}`, which does not exist"
                ))
                .with_hint(format!("kinds are: {}", names.join(", ")))
            }),
            (None, Some(kind)) => Ok(kind),
            (None, None) if self.providers.contains_key(provider) => {
                Err(CommandError::usage(format!("provider `{provider}` of the settings has no `kind`")))
            }
            (None, None) => Err(CommandError::usage(format!("there is no provider `{provider}`")).with_hint(
                format!("there are: {}; more come from imgeval.toml", self.provider_names().join(", ")),
            )),
        }
    }
}

/// What most people mean by `openai`; every kind goes by its own name too.
const OPENAI: &str = "openai";

fn built_in(name: &str) -> Option<ProviderKind> {
    match name {
        OPENAI => Some(ProviderKind::OpenaiImages),
        name => ProviderKind::from_name(name),
    }
}

impl ResolvedModel {
    /// What the user should know before anything is sent.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let key = self.keeps_key_back.then(|| {
            let (provider, variables) =
                (&self.name.provider, self.settings.kind.key_variables().join(" or "));
            format!(
                "provider `{provider}` is sent no key, because the settings lead to {} and name none; \
                 key_env = \"{variables}\" would send it there",
                self.settings.base_url
            )
        });
        self.retirement_warning().into_iter().chain(key).collect()
    }

    /// What to say of a model that is retired or soon will be.
    pub(crate) fn retirement_warning(&self) -> Option<String> {
        // A clock beyond the year 9999 does not tell the date.
        let now = jiff::Timestamp::try_from(SystemTime::now()).ok()?;
        let retirement = self.entry.as_ref()?.retirement(now.to_zoned(jiff::tz::TimeZone::UTC).date())?;
        let Retirement { date, is_over, replacement } = retirement;
        let what = if is_over { "was retired on" } else { "will be retired on" };
        let instead =
            replacement.map_or_else(String::new, |model| format!("; the vendor names {model} instead"));
        Some(format!("the model {} {what} {date}{instead}", self.name.model))
    }
}

/// A flag that only says something about a server.
fn remote_flag(flags: &ProviderArgs) -> Option<&'static str> {
    let given = [
        ("--base-url", flags.base_url.is_some()),
        ("--key-file", flags.key_file.is_some()),
        ("--rpm", flags.rpm.is_some()),
        ("--tpm", flags.tpm.is_some()),
    ];
    given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
}

fn read_settings(path: &Path) -> Result<SettingsFile> {
    let text = read_text(path, MAX_SETTINGS_BYTES, "the settings")?;
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        // The file's text is not shown: somebody may have put a key into it.
        let before = error.span().map_or("", |span| &text[..span.start]);
        let line = 1 + before.matches('\n').count();
        let message = format!("`{}`, line {line}: {}", path.display(), without_value(error.message()));
        let hint = "keys belong in the environment (key_env) or in a file of their own (key_file)";
        CommandError::usage(message).with_hint(hint).into()
    })
}

/// What is wrong with a value, without the value: `invalid type: string "...", expected u32` shows it.
fn without_value(message: &str) -> String {
    let shows_value = ["invalid type: ", "invalid value: "].iter().any(|start| message.starts_with(start));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if shows_value => format!("the value is not what is expected, {expected}"),
        _ if shows_value => "the value is not what is expected".to_owned(),
        _ => message.to_owned(),
    }
}

/// The key: the flag's `file`, then the settings' variable or file, then the provider's usual variables.
fn find_key(kind: ProviderKind, section: &ProviderSection, file: Option<&Path>) -> Result<Option<Secret>> {
    match (file, &section.key_env, &section.key_file) {
        (Some(file), ..) => read_key_file(file).map(Some),
        (None, None, Some(file)) => read_key_file(file).map(Some),
        (None, Some(variable), _) => match key_in(variable)? {
            Some(key) => Ok(Some(key)),
            None => secret_in(variable, "the key").map(Some),
        },
        // A key of the usual variable is for the usual host, or for one that the user names on the command line. A
        // settings file, which may have come with somebody's project, must name the key that it sends elsewhere.
        (None, None, None) if section.kind.is_some() || section.base_url.is_some() => Ok(None),
        (None, None, None) => {
            kind.key_variables().iter().find_map(|name| key_in(name).transpose()).transpose()
        }
    }
}

fn read_key_file(path: &Path) -> Result<Secret> {
    let text = read_text(path, MAX_SETTINGS_BYTES, "the key file")?;
    let key = text.trim();
    if !is_key(key) {
        let message = format!("the key file `{}` must hold the key and nothing else", path.display());
        return Err(CommandError::usage(message).into());
    }
    Ok(Secret::new(key.to_owned()))
}

/// The key in an environment variable. Quotes around it are refused: no key has any, and files that set variables often keep
/// them.
fn key_in(variable: &str) -> Result<Option<Secret>> {
    let Some(key) = environment::variable(variable) else { return Ok(None) };
    if key.starts_with(['"', '\'']) && key.len() > 1 {
        let message = format!("the key in the environment variable `{variable}` is in quotes");
        return Err(CommandError::usage(message).with_hint("set it without the quotes").into());
    }
    Ok(Some(Secret::new(key)))
}

/// Whether a text is a key alone: one word, without quotes and without the name of a variable before it.
fn is_key(key: &str) -> bool {
    let is_plain = |character: char| !character.is_whitespace() && !character.is_control();
    let is_quoted = key.starts_with(['"', '\'']);
    let is_assignment = key.split_once('=').is_some_and(|(name, value)| {
        let is_name = |character: char| {
            character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_'
        };
        name.len() > 3 && name.contains('_') && name.chars().all(is_name) && !value.is_empty()
    });
    !key.is_empty() && key.chars().all(is_plain) && !is_quoted && !is_assignment
}

fn secret_in(variable: &str, what: &str) -> Result<Secret> {
    environment::variable(variable).map(Secret::new).ok_or_else(|| {
        let message = format!("the environment variable `{variable}`, which shall hold {what}, is not set");
        CommandError::usage(message).into()
    })
}

fn read_proxy(provider: &str, section: &ProviderSection) -> Result<Option<Secret>> {
    if section.proxy.as_ref().is_some_and(|proxy| proxy.contains('@')) {
        let message = format!("the proxy of provider `{provider}` would put a password into the settings");
        let hint = "put its address into an environment variable: proxy_env = \"VARIABLE\"";
        return Err(CommandError::usage(message).with_hint(hint).into());
    }
    Ok(section.proxy.clone().map(Secret::new))
}

fn read_headers(provider: &str, section: &ProviderSection) -> Result<Vec<(String, Secret)>> {
    let mut headers = Vec::new();
    for (name, value) in &section.headers {
        if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let message =
                format!("the header `{name}` of provider `{provider}` would put a key into the settings");
            let hint =
                format!("put it into an environment variable: headers_env = {{ {name} = \"VARIABLE\" }}");
            return Err(CommandError::usage(message).with_hint(hint).into());
        }
        headers.push((name.clone(), Secret::new(value.clone())));
    }
    for (name, variable) in &section.headers_env {
        headers.push((name.clone(), secret_in(variable, &format!("the header `{name}`"))?));
    }
    Ok(headers)
}
