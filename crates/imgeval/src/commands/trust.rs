//! `imgeval trust`: lets the settings file of a working folder say where keys go.

use std::path::Path;

use anyhow::Result;
use imgeval_core::visible;
use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_settings::{ShownFile, TrustList, hash_of};

use crate::{args::settings::TrustArgs, consent, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn trust(args: &TrustArgs, printer: Printer) -> Result<Exit> {
    if args.list {
        return list(printer);
    }
    if let Some(file) = &args.revoke {
        return revoke(file, printer);
    }
    let ShownFile { sections, text } = ShownFile::read(&args.file)?;
    let mut trusted = TrustList::load()?;
    let path = shown(&std::fs::canonicalize(&args.file).unwrap_or_else(|_| args.file.clone()));
    printer.insist(format_args!("{path}\n  SHA-256 {}", hash_of(&text)));
    for section in &sections {
        printer.insist(format_args!("  {}", visible(section)));
    }
    if sections.is_empty() {
        printer.insist("  nothing in it needs trust");
    }
    let is_agreed = args.yes || !consent::can_ask() || consent::confirm("Trust this file?", printer);
    if !is_agreed {
        return Err(CommandError::nothing("the file is not trusted").into());
    }
    trusted.trust(&args.file, &text)?;
    printer.talk("trusted until it changes");
    Ok(Exit::Ok)
}

fn list(printer: Printer) -> Result<Exit> {
    let trusted = TrustList::load()?;
    let columns = [Column::text("file").wrapped(), Column::text("state"), Column::text("SHA-256").normal()];
    let mut table = Table::new(columns);
    for (path, sha256, state) in trusted.entries() {
        table.push(Row::new([path.to_string_lossy().as_ref(), state.word(), sha256]));
    }
    if table.sections.is_empty() {
        return Err(CommandError::nothing("no trusted settings files").into());
    }
    printer.table(&table)?;
    Ok(Exit::Ok)
}

fn revoke(file: &Path, printer: Printer) -> Result<Exit> {
    if !TrustList::load()?.revoke(file)? {
        return Err(CommandError::nothing(format!("`{}` is not a trusted file", file.display()))
            .with_hint("see `imgeval trust --list`")
            .into());
    }
    printer.talk(format_args!("no longer trusted: {}", shown(file)));
    Ok(Exit::Ok)
}

fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy())
}
