//! From the name of a model to everything that is needed to call it.

use std::{
    fs,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use imgeval_clients::{Limits, ModelEntry, ProviderKind, ProviderSettings, Secret};

use super::{
    Settings, built_in,
    file::ProviderSection,
    is_vendor_address,
    keys::{find_key, secret_in},
};
use crate::{RemoteSetting, SettingsError, environment};

/// Headers that carry keys, and so may not stand in a settings file.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "api-key", "x-api-key", "x-goog-api-key", "proxy-authorization", "cookie"];

/// `PROVIDER:MODEL` as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    pub provider: String,
    pub model: String,
}

impl ModelName {
    /// # Errors
    /// If one of the two is missing.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        match text.split_once(':') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
            }
            _ => Err(SettingsError::ModelName { text: text.to_owned() }),
        }
    }
}

/// What the user says in one call of how to reach a model; goes before the settings.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub base_url: Option<String>,
    pub key_file: Option<PathBuf>,
    pub concurrency: Option<NonZeroUsize>,
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
    pub timeout: Option<Duration>,
}

impl Overrides {
    /// What of this only says something about a server.
    fn remote(&self) -> Option<RemoteSetting> {
        let given = [
            (RemoteSetting::BaseUrl, self.base_url.is_some()),
            (RemoteSetting::KeyFile, self.key_file.is_some()),
            (RemoteSetting::RequestsPerMinute, self.requests_per_minute.is_some()),
            (RemoteSetting::TokensPerMinute, self.tokens_per_minute.is_some()),
        ];
        given.into_iter().find_map(|(setting, is_given)| is_given.then_some(setting))
    }
}

/// A model with everything that is needed to call it.
#[derive(Clone)]
pub struct ResolvedModel {
    pub name: ModelName,
    pub settings: ProviderSettings,
    pub entry: Option<ModelEntry>,
    /// Whether it is called at its vendor's own address.
    pub(super) is_vendor: bool,
    /// Whether the settings give it an address or an interface of its own, so that the usual key is not for it.
    pub(super) leads_elsewhere: bool,
    /// The settings lead elsewhere and name no key, though there is one for the usual place.
    pub(super) keeps_key_back: bool,
}

impl Settings {
    /// Settings and catalog entry of a model; `overrides` go before everything else.
    ///
    /// # Errors
    /// If there is no such provider, its settings or key cannot be used, or they need trust that their file has not.
    pub fn resolve(&self, name: ModelName, overrides: &Overrides) -> Result<ResolvedModel, SettingsError> {
        let section = self.section(&name.provider, overrides.key_file.is_some())?;
        let kind = self.kind_of(&name.provider, &section)?;
        if let Some(setting) = overrides.remote().filter(|_| kind.is_local()) {
            return Err(SettingsError::Local { provider: name.provider, setting });
        }
        self.resolve_as(name, kind, &section, overrides)
    }

    pub(super) fn resolve_as(
        &self,
        mut name: ModelName,
        kind: ProviderKind,
        section: &ProviderSection,
        overrides: &Overrides,
    ) -> Result<ResolvedModel, SettingsError> {
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
                .ok_or(SettingsError::Timeout { seconds })?,
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
            return Err(SettingsError::KeyInModel { provider: name.provider });
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

    pub(super) fn kind_of(
        &self,
        provider: &str,
        section: &ProviderSection,
    ) -> Result<ProviderKind, SettingsError> {
        let provider = provider.to_owned();
        match (&section.kind, built_in(&provider)) {
            (Some(kind), _) => ProviderKind::from_name(kind)
                .ok_or_else(|| SettingsError::UnknownKind { provider, kind: kind.clone() }),
            (None, Some(kind)) => Ok(kind),
            (None, None) if self.is_configured(&provider) => Err(SettingsError::WithoutKind { provider }),
            (None, None) => Err(SettingsError::UnknownProvider { provider, known: self.provider_names() }),
        }
    }
}

fn read_proxy(provider: &str, section: &ProviderSection) -> Result<Option<Secret>, SettingsError> {
    if section.proxy.as_ref().is_some_and(|proxy| proxy.contains('@')) {
        return Err(SettingsError::PasswordInProxy { provider: provider.to_owned() });
    }
    Ok(section.proxy.clone().map(Secret::new))
}

fn read_headers(provider: &str, section: &ProviderSection) -> Result<Vec<(String, Secret)>, SettingsError> {
    let mut headers = Vec::new();
    for (name, value) in &section.headers {
        if SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let (provider, header) = (provider.to_owned(), name.clone());
            return Err(SettingsError::KeyInHeader { provider, header });
        }
        headers.push((name.clone(), Secret::new(value.clone())));
    }
    for (name, variable) in &section.headers_env {
        headers.push((name.clone(), secret_in(variable, &format!("the header `{name}`"))?));
    }
    Ok(headers)
}
