//! Checks of a model before anything is sent to it or stored for it.

use std::time::SystemTime;

use imgeval_clients::Retirement;
use imgeval_core::ImageParameters;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{ResolvedModel, Settings};
use crate::{SettingsError, environment};

/// Which models and requests are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedModels {
    /// What the catalog rules out is refused.
    Known,
    /// What the catalog rules out is tried.
    Any,
}

impl Settings {
    /// Warnings about a model to show before anything is sent to it.
    ///
    /// # Errors
    /// If the catalog says that its vendor does not offer the model or that it does not accept such images.
    pub fn check_model(
        &self,
        model: &ResolvedModel,
        parameters: &ImageParameters,
        allowed: AllowedModels,
    ) -> Result<Vec<String>, SettingsError> {
        let is_strict = model.is_vendor && allowed == AllowedModels::Known;
        if is_strict {
            self.catalogue.check_model(model.settings.kind, &model.name.model, today())?;
        }
        let mut warnings = model.warnings();
        match model.entry.as_ref().map_or(Ok(()), |entry| entry.check_parameters(parameters)) {
            Err(error) if is_strict => return Err(error.into()),
            checked => warnings.extend(checked.err().map(|error| error.to_string())),
        }
        Ok(warnings)
    }
}

impl ResolvedModel {
    /// Refuses to ask a vendor without a key. Other servers may need none.
    ///
    /// # Errors
    /// If there is no key for the vendor.
    pub fn check_key(&self) -> Result<(), SettingsError> {
        let variables = self.settings.kind.key_variables();
        let has_key = self.settings.key.is_some() || !self.settings.headers.is_empty();
        if variables.is_empty() || !self.is_vendor || has_key {
            return Ok(());
        }
        let is_blank =
            |name: &&&'static str| std::env::var_os(name).is_some() && environment::variable(name).is_none();
        Err(SettingsError::NoKey {
            provider: self.name.provider.clone(),
            kind: self.settings.kind,
            blank: variables.iter().find(is_blank).copied(),
            leads_elsewhere: self.leads_elsewhere,
        })
    }

    /// What the user should know before anything is sent.
    fn warnings(&self) -> Vec<String> {
        let key = self.keeps_key_back.then(|| {
            let (provider, variables) =
                (&self.name.provider, self.settings.kind.key_variables().join(" or "));
            format!(
                "provider `{provider}` is sent no key, because the settings point to {} and name none; key_env = \"{variables}\" would send it there",
                self.settings.base_url
            )
        });
        self.retirement_warning().into_iter().chain(key).collect()
    }

    /// What to say of a model that is retired or soon will be.
    #[must_use]
    pub fn retirement_warning(&self) -> Option<String> {
        let retirement = self.entry.as_ref()?.retirement(today())?;
        let Retirement { date, is_over, replacement } = retirement;
        let what = if is_over { "was retired on" } else { "will be retired on" };
        let instead =
            replacement.map_or_else(String::new, |model| format!("; the vendor recommends {model} instead"));
        Some(format!("the model {} {what} {date}{instead}", self.name.model))
    }
}

/// A clock beyond the year 9999 tells the first day of all: nothing is retired by it.
fn today() -> Date {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MIN);
    now.to_zoned(TimeZone::UTC).date()
}
