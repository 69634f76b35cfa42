//! `imgeval suites`: which suites there are, and fetching the data of those that are not ours to ship.

use anyhow::Result;
use imgeval_fetch::suites::{FetchError, OtherScripts, take_data_set};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{Column, Row, Table},
};
use imgeval_suites::{
    files::{DataSet, FetchedSource, SuiteFiles},
    registry,
    suite::SuiteRef,
};
use serde_json::json;

use super::fetch_suite::{Asked, fetch_files};
use crate::{
    args::judging::SuitesCommand,
    exit_code::Exit,
    failure::{CommandError, render_error},
    printer::Printer,
};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

pub(super) fn suites(command: &SuitesCommand, printer: Printer) -> Result<Exit> {
    match command {
        SuitesCommand::List { json, suites } => list(&suites.files(), *json, printer),
        SuitesCommand::Show { suite } => show(*suite, printer),
        SuitesCommand::Fetch { suite, from, other_scripts, again, offline, suites } => {
            let other_scripts = if *other_scripts { OtherScripts::Take } else { OtherScripts::Refuse };
            let asked =
                Asked { from: from.as_deref(), is_offline: *offline, other_scripts, replaces: *again };
            fetch(suite, asked, &suites.files(), printer)
        }
    }
}

fn list(files: &SuiteFiles, as_json: bool, printer: Printer) -> Result<Exit> {
    if as_json {
        let row = |suite: SuiteRef| {
            let facts = suite.facts();
            json!({
                "suite": suite.id(), "cases": facts.cases, "judged_by": facts.judged_by, "source": facts.source,
                "licence": facts.licence, "data_here": suite.is_here(files).unwrap_or(true),
            })
        };
        let rows: Vec<_> = registry::all().map(row).collect();
        printer.data(format_args!("{:#}\n", Schema::Suites.stamp(json!({"suites": rows}))))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new([
        Column::text("suite"),
        Column::text("cases").wrapped(),
        Column::text("judged by").wrapped().normal(),
        Column::text("data"),
        Column::text("license").normal(),
        Column::text("source").wrapped().wide_only(),
    ]);
    for suite in registry::all() {
        let facts = suite.facts();
        let here = match suite.is_here(files) {
            None => "built in",
            Some(true) => "here",
            Some(false) => "not fetched",
        };
        table.push(Row::new([suite.id(), facts.cases, facts.judged_by, here, facts.licence, facts.source]));
    }
    printer.table(&table)?;
    Ok(Exit::Ok)
}

fn show(suite: SuiteRef, printer: Printer) -> Result<Exit> {
    let facts = suite.facts();
    let mut table = Table::new([Column::text(suite.id()), Column::text("").wrapped()]);
    let rows = [
        ("about", facts.about),
        ("scored as", facts.title),
        ("cases", facts.cases),
        ("judged by", facts.judged_by),
        ("source", facts.source),
        ("license", facts.licence),
    ];
    for (name, text) in rows.into_iter().chain(suite.sections()) {
        table.push(Row::new([name, text]));
    }
    printer.table(&table)?;
    Ok(Exit::Ok)
}

fn of_source(source: &FetchedSource) -> impl Iterator<Item = SuiteRef> {
    registry::all().filter(|suite| suite.facts().source_data.is_some_and(|of| of.name == source.name))
}

/// Whether every file of the source is here and is what it should be.
fn is_all_here(source: &FetchedSource, files: &SuiteFiles) -> bool {
    of_source(source).all(|suite| suite.is_here(files) == Some(true))
        && source.files.iter().all(|file| files.read(source, file).is_ok())
}

fn fetch(
    source: &'static FetchedSource,
    asked: Asked<'_>,
    files: &SuiteFiles,
    printer: Printer,
) -> Result<Exit> {
    let folder = files.folder(source);
    if source.archive.is_some() && asked.from.is_none() && !asked.replaces && is_all_here(source, files) {
        let title = source.title;
        printer.talk(format_args!(
            "suites: {title} is already in {}; use --again to fetch it again",
            folder.display()
        ));
        return Ok(Exit::Ok);
    }
    let Some(data) = &source.data_set else { return fetch_pinned(source, asked, files, printer) };
    let taken = tell_data_set(source, data, asked, files, printer);
    if source.files.is_empty() {
        return taken.map(|()| Exit::Ok);
    }
    // Images and scripts come from different places: what was named may hold both, or one of them.
    match (taken, fetch_pinned(source, asked, files, printer)) {
        (Ok(()), Err(error)) if has_no_file(&error) => {
            let is_here = source.files.iter().all(|file| files.read(source, file).is_ok());
            if is_here {
                return Ok(Exit::Ok);
            }
            if asked.is_offline {
                printer.insist(render_error(&error).text);
                return Ok(Exit::Partial);
            }
            fetch_pinned(source, Asked { from: None, ..asked }, files, printer)
        }
        (Err(error), Ok(exit)) => {
            if files.has_data_set(source) {
                return Ok(exit);
            }
            printer.insist(render_error(&error).text);
            Ok(Exit::Partial)
        }
        (Ok(()), pinned) => pinned,
        (Err(error), Err(_)) => Err(error),
    }
}

fn has_no_file(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(FetchError::NoFile { .. }))
}

/// Takes over the data set that was named, and shows how many cases it has.
fn tell_data_set(
    source: &'static FetchedSource,
    data: &DataSet,
    asked: Asked<'_>,
    files: &SuiteFiles,
    printer: Printer,
) -> Result<()> {
    let Some(from) = asked.from else {
        let message = format!("{} can only be downloaded by hand", source.title);
        let hint = format!("{} and pass it with --from DIR|ZIP", data.advice);
        return Err(CommandError::usage(message).with_hint(hint).into());
    };
    let format_of = |bytes: &[u8]| match inspect_and_decode(bytes, &DecodeLimits { max_pixels: 1 << 27 }) {
        Ok(image) => Ok(image.format),
        Err(error) => Err(error.failure().detail),
    };
    let counts = take_data_set(files, source, data, from, asked.replaces, &format_of)?;
    let (total, folder) = (counts.values().sum::<usize>(), files.folder(source));
    printer.talk(format_args!("suites: {total} cases of {} in {}", source.title, folder.display()));
    for (tag, count) in counts {
        printer.talk(format_args!("  {tag}: {count}"));
    }
    Ok(())
}

fn fetch_pinned(
    source: &'static FetchedSource,
    asked: Asked<'_>,
    files: &SuiteFiles,
    printer: Printer,
) -> Result<Exit> {
    let fetched = fetch_files(files, source, asked, printer)?;
    let folder = files.folder(source);
    printer.talk(format_args!(
        "suites: {} files of {} in {}",
        fetched.n_files,
        source.title,
        folder.display()
    ));
    for (file, sha256) in &fetched.other_scripts {
        printer.warn(format_args!(
            "suites: {} differs from the version at commit {}: its SHA-256 is {sha256}, not {}; its protocol says so",
            file.path, source.commit, file.sha256
        ));
    }
    let is_complete = fetched.missing.is_empty() && fetched.unusable.is_empty();
    for path in &fetched.missing {
        printer.insist(format_args!("suites: {path} was missing; whatever needs it is unavailable"));
    }
    for error in fetched.unusable {
        printer.insist(render_error(&error.into()).text);
    }
    let mut told = Vec::new();
    for suite in of_source(source) {
        for id in suite.judged().map_or(&[][..], |facts| facts.asked) {
            if told.contains(id) {
                continue;
            }
            told.push(*id);
            if let Ok(Some(protocol)) = suite.protocol(id, files) {
                let (label, hash) = (protocol.label(), protocol.hash());
                printer.talk(format_args!("suites: protocol {label}, wording {}", &hash.as_str()[..12]));
            }
        }
    }
    Ok(if is_complete { Exit::Ok } else { Exit::Partial })
}
