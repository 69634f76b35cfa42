//! Settings of providers: flags, then environment, then `imgeval.toml` here, then the user's, then defaults. Resolved
//! once; unknown keys are refused. Keys come from the environment or from a file, never from the settings themselves.
//! A file of the working folder sends secrets nowhere until its user trusts it.

mod checks;
mod judge;
mod keys;
mod trust;
mod untrusted;

use std::{
    collections::BTreeMap,
    fs,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use imgeval_clients::{Catalogue, Limits, ModelEntry, ProviderKind, ProviderSettings, Secret};
use imgeval_core::Usd;
use serde::Deserialize;

use crate::{
    args::generation::{ProviderArgs, SettingsFiles},
    environment,
    failure::{CommandError, sentence_of},
    text_file::{MAX_SETTINGS_BYTES, read_text},
};

use self::{
    keys::{find_key, secret_in},
    untrusted::Untrusted,
};
pub(crate) use self::{
    trust::{TrustList, hash_of},
    untrusted::ShownFile,
};

/// The settings file that is looked for in the working folder.
pub(crate) const FILE_NAME: &str = "imgeval.toml";

/// A run that costs more needs a word of consent, unless the settings say another amount.
const ASK_ABOVE_USD: f64 = 5.0;

/// Headers that carry keys, and so may not stand in a settings file.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "api-key", "x-api-key", "x-goog-api-key", "proxy-authorization", "cookie"];

/// `imgeval.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    /// Models with prices and limits; relative to the settings file.
    catalogue: Option<PathBuf>,
    /// A run that is estimated to cost more US dollars, and has no limit, is asked about before it begins.
    ask_above_usd: Option<f64>,
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

impl ProviderSection {
    /// Whether requests go to another address than the built-in provider's own, as far as the settings say.
    fn leads_elsewhere(&self) -> bool {
        self.kind.is_some() || self.base_url.is_some()
    }
}

/// Everything that the settings files say.
pub(crate) struct Settings {
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
    providers: BTreeMap<String, ProviderSection>,
    pub(crate) catalogue: Catalogue,
    /// The file of the working folder, if something in it needs trust that it has not.
    untrusted: Option<Untrusted>,
    /// A run that is estimated to cost more, and has no limit, is asked about before it begins.
    pub(crate) ask_above: Usd,
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
    /// Whether it is asked for at its vendor's own address.
    is_vendor: bool,
    /// Whether the settings give it an address or an interface of its own, so that the usual key is not for it.
    leads_elsewhere: bool,
    /// The settings lead elsewhere and name no key, though there is one for the usual place.
    keeps_key_back: bool,
}

impl Settings {
    /// Reads the settings files and the catalogue.
    pub(crate) fn load(files: &SettingsFiles) -> Result<Self> {
        let user_folder = environment::configuration_dir();
        let found = match &files.settings {
            Some(path) => vec![(path.clone(), Whose::Users)],
            None => find_files(user_folder.as_deref()),
        };
        let mut providers = BTreeMap::new();
        let mut catalogue_file =
            user_folder.map(|folder| folder.join("models.toml")).filter(|path| path.exists());
        let mut ask_above = Usd::from_dollars(ASK_ABOVE_USD).unwrap_or_default();
        let mut untrusted = None;
        for (path, whose) in &found {
            let (mut file, text) = read_settings(path)?;
            if *whose == Whose::WorkingFolders {
                untrusted = needs_trust(path, &file, &text, &providers, ask_above)?;
            }
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            for section in file.providers.values_mut() {
                section.key_file = section.key_file.take().map(|key_file| folder.join(key_file));
            }
            if let Some(dollars) = file.ask_above_usd {
                ask_above = parse_ask_above(dollars)?;
            }
            file.catalogue = file.catalogue.take().map(|catalogue| folder.join(catalogue));
            if let (Whose::WorkingFolders, None, Some(catalogue)) = (whose, &files.catalogue, &file.catalogue)
            {
                check_catalogue(path, &text, catalogue, catalogue_file.as_deref())?;
            }
            // A later file replaces a provider's section as a whole: half of one key's settings with half of
            // another's would send a key to the wrong place.
            providers.extend(file.providers);
            catalogue_file = file.catalogue.or(catalogue_file);
        }
        let catalogue = read_catalogue(files.catalogue.as_ref().or(catalogue_file.as_ref()))?;
        let files = found.into_iter().map(|(path, _)| path).collect();
        Ok(Self { files, providers, catalogue, untrusted, ask_above })
    }

    /// What is said of requests to this provider that would go by entries of a file that is not trusted.
    pub(crate) fn distrust_of(&self, provider: &str) -> Option<CommandError> {
        let untrusted = self.untrusted.as_ref().filter(|untrusted| untrusted.concerns(provider))?;
        Some(untrusted.check(provider, false).err().unwrap_or_else(|| untrusted.distrust(provider)))
    }

    /// The provider's section, unless it needs trust that its file has not.
    fn section(&self, provider: &str, has_key_file: bool) -> Result<ProviderSection, CommandError> {
        if let Some(untrusted) = &self.untrusted {
            untrusted.check(provider, has_key_file)?;
        }
        Ok(self.providers.get(provider).cloned().unwrap_or_default())
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
        let has_key_file = flags.is_some_and(|flags| flags.key_file.is_some());
        let section = self.section(&name.provider, has_key_file)?;
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
        let is_vendor = is_vendor_address(kind, &base_url);
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
        // What the environment says of the vendor's account goes where its key goes.
        let is_usual_account = !section.leads_elsewhere()
            || section.key_env.as_deref().is_some_and(|variable| kind.key_variables().contains(&variable));
        let of_account = |value: Option<String>| value.filter(|_| is_usual_account);
        let settings = ProviderSettings {
            base_url,
            key: find_key(kind, section, overrides.key_file.as_deref())?,
            organization: section
                .organization
                .clone()
                .or_else(|| of_account(environment::organization(kind))),
            project: section.project.clone().or_else(|| of_account(environment::project(kind))),
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
        let leads_elsewhere = section.leads_elsewhere();
        Ok(ResolvedModel { name, settings, entry, is_vendor, leads_elsewhere, keeps_key_back })
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

/// Whether this is where the vendor of this kind of interface answers itself.
fn is_vendor_address(kind: ProviderKind, base_url: &str) -> bool {
    let plain = |url: &str| url.trim().trim_end_matches('/').to_ascii_lowercase();
    plain(base_url) == plain(kind.default_base_url())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Users,
    WorkingFolders,
}

/// The user's settings and those of the working folder, as far as there are any. Where both are one file, it is the user's.
fn find_files(user_folder: Option<&Path>) -> Vec<(PathBuf, Whose)> {
    let users = user_folder.map(|folder| folder.join(FILE_NAME)).filter(|path| path.exists());
    let here = PathBuf::from(FILE_NAME);
    let is_users = users.as_ref().is_some_and(
        |users| matches!((fs::canonicalize(users), fs::canonicalize(&here)), (Ok(a), Ok(b)) if a == b),
    );
    let here = Some(here).filter(|path| path.exists() && !is_users);
    let users = users.map(|path| (path, Whose::Users));
    users.into_iter().chain(here.map(|path| (path, Whose::WorkingFolders))).collect()
}

/// What in a file of the working folder needs trust that its user has not given; `own` are the user's own providers.
fn needs_trust(
    path: &Path,
    file: &SettingsFile,
    text: &str,
    own: &BTreeMap<String, ProviderSection>,
    ask_above: Usd,
) -> Result<Option<Untrusted>> {
    let raised = match file.ask_above_usd.map(parse_ask_above).transpose()? {
        Some(amount) => amount > ask_above,
        None => false,
    };
    let untrusted = Untrusted::of(path.to_owned(), &file.providers, own);
    if (untrusted.is_none() && !raised) || is_trusted(path, text)? {
        return Ok(None);
    }
    if raised {
        let path = path.display();
        let message = format!(
            "the settings `{path}` of the working folder are not trusted, so their ask_above_usd may not lie above {ask_above}"
        );
        return Err(CommandError::usage(message).with_hint(untrusted::way_on(Path::new(FILE_NAME))).into());
    }
    Ok(untrusted)
}

/// Without a folder for the list nothing can have been trusted.
fn is_trusted(path: &Path, text: &str) -> Result<bool> {
    Ok(environment::configuration_dir().is_some() && TrustList::load()?.trusts(path, text))
}

/// The catalogue of a settings file of the working folder adds models; what the user's own one says of the others, their prices
/// above all, it changes only if the file is trusted.
fn check_catalogue(path: &Path, text: &str, file: &Path, own: Option<&Path>) -> Result<()> {
    let (known, catalogue) = (read_catalogue(own)?, read_catalogue(Some(file))?);
    let changed: Vec<String> =
        known.changed_in(&catalogue).map(|entry| format!("{}:{}", entry.provider, entry.id)).collect();
    if changed.is_empty() || is_trusted(path, text)? {
        return Ok(());
    }
    let (path, changed) = (path.display(), changed.join(", "));
    let message = format!(
        "the settings `{path}` of the working folder are not trusted, so their catalogue may not change what is known of {changed}"
    );
    Err(CommandError::usage(message).with_hint(untrusted::way_on(Path::new(FILE_NAME))).into())
}

/// The built-in catalogue with the entries of this file.
fn read_catalogue(file: Option<impl AsRef<Path>>) -> Result<Catalogue> {
    let Some(path) = file.as_ref().map(AsRef::as_ref) else { return Ok(Catalogue::built_in()) };
    let text = read_text(path, MAX_SETTINGS_BYTES, "the catalogue")?;
    let catalogue = Catalogue::with_overrides(&text, &path.display().to_string());
    catalogue.map_err(|error| CommandError::usage(sentence_of(&error)).into())
}

fn parse_ask_above(dollars: f64) -> Result<Usd, CommandError> {
    Usd::from_dollars(dollars).ok_or_else(|| {
        CommandError::usage(format!("`ask_above_usd = {dollars}` is not an amount in US dollars"))
    })
}

/// The settings and the text that they were read from.
fn read_settings(path: &Path) -> Result<(SettingsFile, String)> {
    let text = read_text(path, MAX_SETTINGS_BYTES, "the settings")?;
    let parsed = toml::from_str(&text).map_err(|error: toml::de::Error| {
        // The file's text is not shown: somebody may have put a key into it.
        let before = error.span().map_or("", |span| &text[..span.start]);
        let line = 1 + before.matches('\n').count();
        let message = format!("`{}`, line {line}: {}", path.display(), without_value(error.message()));
        let hint = "keys belong in the environment (key_env) or in a file of their own (key_file)";
        CommandError::usage(message).with_hint(hint)
    });
    Ok((parsed?, text))
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
