//! What is said of a model, or refused, before anything is sent to it or kept for it.

use std::time::SystemTime;

use anyhow::Result;
use imgeval_clients::{Retirement, UnusableModel};
use imgeval_core::{ImageParameters, visible};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{ResolvedModel, Settings};
use crate::{args::generation::SpendingArgs, environment, failure::CommandError, printer::Printer};

impl Settings {
    /// Refuses a model that its vendor does not offer or that takes no such images, as far as the catalogue knows, and warns of
    /// what is no reason to refuse it.
    pub(crate) fn check_model(
        &self,
        model: &ResolvedModel,
        parameters: &ImageParameters,
        spending: &SpendingArgs,
        printer: Printer,
    ) -> Result<(), CommandError> {
        let kind = model.settings.kind;
        if model.is_vendor
            && !spending.any_model
            && let Err(error) = self.catalogue.check_model(kind, &model.name.model, today())
        {
            let way_on = match &error {
                UnusableModel::Unknown { .. } => {
                    "to use a new model, pass --any-model or add it to your catalogue"
                }
                UnusableModel::Retired { .. } => "--any-model tries it anyway",
            };
            let hint = format!("{}; {way_on}", error.hint());
            return Err(CommandError::usage(error.to_string()).with_hint(hint));
        }
        let mut warnings = model.warnings();
        match model.entry.as_ref().map_or(Ok(()), |entry| entry.check_parameters(parameters)) {
            Err(error) if model.is_vendor && !spending.any_model => {
                let hint = format!("{}; --any-model tries it anyway", error.possible);
                return Err(CommandError::usage(error.to_string()).with_hint(hint));
            }
            checked => warnings.extend(checked.err().map(|error| error.to_string())),
        }
        for warning in warnings {
            printer.insist(format_args!("warning: {}", visible(&warning)));
        }
        Ok(())
    }
}

impl ResolvedModel {
    /// Refuses to ask a vendor without a key. Other servers may need none.
    pub(crate) fn check_key(&self) -> Result<(), CommandError> {
        let variables = self.settings.kind.key_variables();
        let (Some(usual), true) = (variables.first(), self.is_vendor) else { return Ok(()) };
        if self.settings.key.is_some() || !self.settings.headers.is_empty() {
            return Ok(());
        }
        let provider = &self.name.provider;
        let blank = variables.iter().find(|name| std::env::var_os(name).is_some());
        let message = match blank {
            Some(name) if environment::variable(name).is_none() => {
                format!("there is no key for provider `{provider}`: {name} is blank")
            }
            _ => format!("there is no key for provider `{provider}`"),
        };
        let hint = if self.leads_elsewhere {
            format!("name it in the provider's settings, such as key_env = \"{usual}\"")
        } else {
            let variables = variables.join(" or ");
            format!("set {variables}, or name a file that holds the key (--key-file, --judge-key-file)")
        };
        Err(CommandError::usage(message).with_hint(hint))
    }

    /// What the user should know before anything is sent.
    fn warnings(&self) -> Vec<String> {
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
        let retirement = self.entry.as_ref()?.retirement(today())?;
        let Retirement { date, is_over, replacement } = retirement;
        let what = if is_over { "was retired on" } else { "will be retired on" };
        let instead =
            replacement.map_or_else(String::new, |model| format!("; the vendor names {model} instead"));
        Some(format!("the model {} {what} {date}{instead}", self.name.model))
    }
}

/// A clock beyond the year 9999 tells the first day of all: nothing is retired by it.
fn today() -> Date {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MIN);
    now.to_zoned(TimeZone::UTC).date()
}
