//! `imgeval doctor`: what works here, and how to repair the rest. Asks providers only for their list of models, which
//! costs nothing.

use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result};
use imgeval_clients::{ModelEntry, ProviderSettings, Reachability, probe};
use imgeval_core::visible;
use imgeval_fetch::weights::{self, Hashing, Places, StoreError};
use imgeval_settings::{ModelName, Overrides, Settings, SettingsError};
use serde_json::{Value, json};

use crate::{
    advice::{settings_advice, weights_hint},
    args::settings::DoctorArgs,
    exit_code::Exit,
    failure::sentence_of,
    printer::Printer,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Works,
    /// Nothing is wrong, but nobody has set it up.
    NotSetUp,
    NotTried,
    /// Settings of the working folder, which nobody has trusted, say where it is.
    NotTrusted,
    Broken,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::NotSetUp => "not set up",
            Self::NotTried => "not tried",
            Self::NotTrusted => "not trusted",
            Self::Broken => "broken",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Works => Tone::Better,
            Self::NotSetUp | Self::NotTried => Tone::Neutral,
            Self::NotTrusted => Tone::Note,
            Self::Broken => Tone::Worse,
        }
    }
}

struct Finding {
    what: String,
    state: State,
    detail: String,
    /// Empty where nothing needs mending.
    mend: String,
}

impl Finding {
    fn new(
        what: impl Into<String>,
        state: State,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { what: what.into(), state, detail: detail.into(), mend: mend.into() }
    }

    fn broken(what: impl Into<String>, error: &SettingsError, mend: impl Into<String>) -> Self {
        Self::new(what, State::Broken, sentence_of(error), mend)
    }
}

pub(super) fn doctor(args: &DoctorArgs, printer: Printer) -> Result<Exit> {
    let mut findings = Vec::new();
    match Settings::load(&args.files.named()) {
        Ok(settings) => {
            findings.push(settings_finding(&settings));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.context("could not start the network thread")?;
            let names =
                if args.names.is_empty() { settings.distinct_providers() } else { args.names.clone() };
            for name in &names {
                let is_asked_for = !args.names.is_empty();
                findings.extend(runtime.block_on(provider_findings(
                    name,
                    &settings,
                    is_asked_for,
                    args.offline,
                )));
            }
        }
        Err(error) => findings.push(Finding::broken(
            "settings",
            &error,
            "fix the file, or choose another one with --settings",
        )),
    }
    if args.names.is_empty() {
        findings.extend(weight_findings(&args.models.places()));
    }
    match args.json {
        true => printer.data(format_args!("{:#}\n", Schema::Doctor.stamp(to_json(&findings))))?,
        false => printer.table(&to_table(&findings))?,
    }
    let is_broken = findings.iter().any(|finding| matches!(finding.state, State::Broken | State::NotTrusted));
    Ok(if is_broken { Exit::Partial } else { Exit::Ok })
}

fn settings_finding(settings: &Settings) -> Finding {
    let files: Vec<String> = settings.files.iter().map(|path| path.display().to_string()).collect();
    let files =
        if files.is_empty() { "no file, using built-in defaults".to_owned() } else { files.join(", ") };
    Finding::new("settings", State::Works, files, "")
}

/// Key, endpoint and perhaps model of what was named, or of one of all providers.
async fn provider_findings(
    name: &str,
    settings: &Settings,
    is_asked_for: bool,
    is_offline: bool,
) -> Vec<Finding> {
    let (provider, model) =
        name.split_once(':').map_or((name, None), |(provider, model)| (provider, Some(model)));
    let model_name = ModelName { provider: provider.to_owned(), model: model.unwrap_or_default().to_owned() };
    let what = format!("provider {provider}");
    if let Some(distrust) = settings.distrust_of(provider) {
        let mend = settings_advice(&distrust).0.unwrap_or_default();
        let detail = format!("nothing is sent: {}", sentence_of(&distrust));
        return vec![Finding::new(what, State::NotTrusted, detail, mend)];
    }
    let resolved = match settings.resolve(model_name, &Overrides::default()) {
        Ok(resolved) => resolved,
        Err(error) => return vec![Finding::broken(what, &error, "")],
    };
    let provider_settings = &resolved.settings;
    let variables = provider_settings.kind.key_variables();
    if provider_settings.base_url.is_empty() {
        return local_findings(provider_settings, model);
    }
    let lacks_key = provider_settings.key.is_none() && provider_settings.headers.is_empty();
    if lacks_key && !variables.is_empty() && !is_asked_for && !settings.is_configured(provider) {
        let mend = format!("set {} to use it", variables.join(" or "));
        return vec![Finding::new(what, State::NotSetUp, "no key", mend)];
    }
    let key = if lacks_key { "no key" } else { "key found" };
    let reach = if is_offline { Reachability::NotTried } else { probe(provider_settings).await };
    let at = visible(&provider_settings.base_url);
    let (state, detail, mend, models) = match reach {
        Reachability::NotTried => (State::NotTried, format!("{key}, {at}"), String::new(), None),
        Reachability::Answers { models } => {
            let n_models =
                models.as_ref().map_or_else(String::new, |models| format!(", {} models", models.len()));
            (State::Works, format!("{key}, {at} answers{n_models}"), String::new(), models)
        }
        Reachability::Fails(down) => {
            (State::Broken, format!("{key}, {at}: {}", down.message), down.hint, None)
        }
    };
    let mut findings = vec![Finding::new(what, state, detail, mend)];
    if let Some(model) = model {
        findings.push(model_finding(
            model,
            resolved.entry.as_ref(),
            models.as_ref(),
            resolved.retirement_warning(),
        ));
    }
    findings
}

fn model_finding(
    model: &str,
    entry: Option<&ModelEntry>,
    listed: Option<&BTreeSet<String>>,
    retirement: Option<String>,
) -> Finding {
    let what = format!("model {model}");
    let price = match entry {
        Some(entry) if entry.has_price() => "price known",
        Some(_) => "price unknown",
        None => "price unknown, because the model is not in the catalog",
    };
    let mut mend = retirement.unwrap_or_default();
    if mend.is_empty() && entry.is_none_or(|entry| !entry.has_price()) {
        "--max-cost needs a price: add it to your own catalog (--catalog)".clone_into(&mut mend);
    }
    match listed {
        Some(listed) if !listed.contains(model) => {
            let mend = "check its name, and whether the account may use it".to_owned();
            Finding::new(what, State::Broken, format!("the provider does not list it; {price}"), mend)
        }
        Some(_) => Finding::new(what, State::Works, format!("listed by the provider; {price}"), mend),
        None => Finding::new(what, State::NotTried, price, mend),
    }
}

/// Programs and folders need no key; what can be said of them needs their name.
fn local_findings(settings: &ProviderSettings, model: Option<&str>) -> Vec<Finding> {
    let what = format!("provider {}", settings.kind);
    let Some(model) = model else {
        return vec![Finding::new(what, State::Works, "needs no key", "")];
    };
    match imgeval_clients::open_generator(settings.clone(), model, None) {
        Ok(_) => vec![Finding::new(what, State::Works, format!("`{model}` can be started"), "")],
        Err(error) => {
            let mend = error.hint().to_owned();
            vec![Finding::new(what, State::Broken, sentence_of(&error), mend)]
        }
    }
}

fn weight_findings(places: &Places) -> Vec<Finding> {
    let members = weights::KNOWN.iter().flat_map(|set| set.members.iter().map(move |member| (set, member)));
    let finding = |(set, member): (&weights::ModelSet, &weights::Member)| {
        let what = format!("weights {} ({})", set.id, member.id());
        match weights::locate_member(member, places, Hashing::Recorded) {
            Ok(located) => Finding::new(what, State::Works, format!("verified, {}", show(&located.path)), ""),
            Err(StoreError::Missing { .. }) => Finding::new(
                what,
                State::NotSetUp,
                "not installed",
                format!("imgeval models pull {}", set.id),
            ),
            Err(error) => Finding::new(what, State::Broken, sentence_of(&error), weights_hint(&error)),
        }
    };
    members.map(finding).collect()
}

fn show(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

fn to_table(findings: &[Finding]) -> Table {
    let columns = [Column::text("what"), Column::text("state"), Column::text("detail").wrapped()];
    let mut table = Table::new(columns);
    for finding in findings {
        let state = CellText::from(finding.state.word()).with_tone(finding.state.tone());
        table.push(Row::new([finding.what.as_str().into(), state, finding.detail.as_str().into()]));
    }
    let mends = findings.iter().filter(|finding| !finding.mend.is_empty());
    table.below.extend(mends.map(|finding| format!("  {}: {}", finding.what, finding.mend)));
    table
}

fn to_json(findings: &[Finding]) -> Value {
    let row = |finding: &Finding| {
        json!({
            "what": finding.what,
            "state": finding.state.word(),
            "detail": finding.detail,
            "mend": Some(&finding.mend).filter(|mend| !mend.is_empty()),
        })
    };
    json!({"findings": findings.iter().map(row).collect::<Vec<_>>()})
}
