//! Settings of providers: flags, then environment, then `imgeval.toml` here, then the user's, then defaults. Resolved
//! once; unknown keys are refused. Keys come from the environment or from a file, never from the settings themselves.
//! A file of the working folder sends secrets nowhere until its user trusts it.

mod checks;
mod file;
mod judge;
mod keys;
mod resolve;
mod untrusted;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_clients::{Catalogue, ProviderKind};
use imgeval_core::Usd;
use imgeval_files::{MAX_SETTINGS_BYTES, read_hand_written};

use self::{
    file::{ProviderSection, SettingsFile, Whose, find_files, read_settings},
    untrusted::Untrusted,
};
use crate::{SettingsError, TrustList, UntrustedUse, environment};

pub use self::{
    checks::AllowedModels,
    resolve::{ModelName, Overrides, ResolvedModel},
    untrusted::ShownFile,
};

/// The settings file that is looked for in the working folder.
pub const FILE_NAME: &str = "imgeval.toml";

/// A run that costs more needs a word of consent, unless the settings say another amount.
const ASK_ABOVE_USD: f64 = 5.0;

/// Files with settings that the user names instead of those that are looked for.
#[derive(Debug, Clone, Default)]
pub struct NamedFiles {
    pub settings: Option<PathBuf>,
    pub catalogue: Option<PathBuf>,
}

/// Everything that the settings files say.
pub struct Settings {
    /// The files that were read.
    pub files: Vec<PathBuf>,
    providers: BTreeMap<String, ProviderSection>,
    pub catalogue: Catalogue,
    /// The file of the working folder, if something in it needs trust that it has not.
    untrusted: Option<Untrusted>,
    /// Estimated cost above which a run without a limit needs confirmation.
    pub ask_above: Usd,
}

impl Settings {
    /// Reads the settings files and the catalog.
    ///
    /// # Errors
    /// If a file cannot be read or used, or one of the working folder decides what needs its user's trust.
    pub fn load(files: &NamedFiles) -> Result<Self, SettingsError> {
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
    #[must_use]
    pub fn distrust_of(&self, provider: &str) -> Option<SettingsError> {
        let untrusted = self.untrusted.as_ref().filter(|untrusted| untrusted.concerns(provider))?;
        Some(untrusted.check(provider, false).err().unwrap_or_else(|| untrusted.distrust(provider)))
    }

    /// The provider's section, unless it needs trust that its file has not.
    fn section(&self, provider: &str, has_key_file: bool) -> Result<ProviderSection, SettingsError> {
        if let Some(untrusted) = &self.untrusted {
            untrusted.check(provider, has_key_file)?;
        }
        Ok(self.providers.get(provider).cloned().unwrap_or_default())
    }

    /// Names of all providers that can be asked for: the built-in ones and the user's.
    #[must_use]
    pub fn provider_names(&self) -> Vec<String> {
        let built_in = ProviderKind::ALL.iter().map(|kind| kind.name()).chain([OPENAI]);
        let mut names: Vec<String> =
            built_in.map(str::to_owned).chain(self.providers.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// As [`Self::provider_names`], each once under the name that people use.
    #[must_use]
    pub fn distinct_providers(&self) -> Vec<String> {
        let mut names = self.provider_names();
        names.retain(|name| {
            built_in(OPENAI).is_none_or(|kind| kind.name() != name) || self.is_configured(name)
        });
        names
    }

    /// Whether the settings files have a section for it.
    #[must_use]
    pub fn is_configured(&self, provider: &str) -> bool {
        self.providers.contains_key(provider)
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

/// Whether this is where the vendor of this kind of interface answers itself.
fn is_vendor_address(kind: ProviderKind, base_url: &str) -> bool {
    let plain = |url: &str| url.trim().trim_end_matches('/').to_ascii_lowercase();
    plain(base_url) == plain(kind.default_base_url())
}

/// What in a file of the working folder needs trust that its user has not given; `own` are the user's own providers.
fn needs_trust(
    path: &Path,
    file: &SettingsFile,
    text: &str,
    own: &BTreeMap<String, ProviderSection>,
    ask_above: Usd,
) -> Result<Option<Untrusted>, SettingsError> {
    let raised = match file.ask_above_usd.map(parse_ask_above).transpose()? {
        Some(amount) => amount > ask_above,
        None => false,
    };
    let untrusted = Untrusted::of(path.to_owned(), &file.providers, own);
    if (untrusted.is_none() && !raised) || is_trusted(path, text)? {
        return Ok(None);
    }
    if raised {
        let used = UntrustedUse::AskAbove(ask_above);
        return Err(SettingsError::Untrusted { path: path.to_owned(), used });
    }
    Ok(untrusted)
}

/// Without a folder for the list nothing can have been trusted.
fn is_trusted(path: &Path, text: &str) -> Result<bool, SettingsError> {
    Ok(environment::configuration_dir().is_some() && TrustList::load()?.trusts(path, text))
}

/// The catalog of a settings file of the working folder adds models; what the user's own one says of the others, their prices
/// above all, it changes only if the file is trusted.
fn check_catalogue(path: &Path, text: &str, file: &Path, own: Option<&Path>) -> Result<(), SettingsError> {
    let (known, catalogue) = (read_catalogue(own)?, read_catalogue(Some(file))?);
    let changed: Vec<String> =
        known.changed_in(&catalogue).map(|entry| format!("{}:{}", entry.provider, entry.id)).collect();
    if changed.is_empty() || is_trusted(path, text)? {
        return Ok(());
    }
    Err(SettingsError::Untrusted { path: path.to_owned(), used: UntrustedUse::Models(changed) })
}

/// The built-in catalog with the entries of this file.
fn read_catalogue(file: Option<impl AsRef<Path>>) -> Result<Catalogue, SettingsError> {
    let Some(path) = file.as_ref().map(AsRef::as_ref) else { return Ok(Catalogue::built_in()) };
    let text = read_hand_written(path, MAX_SETTINGS_BYTES, "the catalog")?;
    Ok(Catalogue::with_overrides(&text, &path.display().to_string())?)
}

fn parse_ask_above(dollars: f64) -> Result<Usd, SettingsError> {
    Usd::from_dollars(dollars).ok_or(SettingsError::Amount { dollars })
}
