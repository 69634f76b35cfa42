//! `imgeval suites fetch`: a suite's pinned files and data set, taken from its source or from what the user downloaded.

use std::{path::Path, time::Duration};

use anyhow::Result;
use imgeval_fetch::{
    http::DownloadEvent,
    suites::{Fetched, Fetching, OtherScripts, RemoteFile, Source, SuiteFolder},
};
use imgeval_suites::{
    files::{FetchedSource, SuiteError, SuiteFiles},
    registry,
};

use crate::printer::Printer;

/// How a suite is fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// A folder or zip archive; `None` asks the network.
    pub(super) from: Option<&'a Path>,
    pub(super) is_offline: bool,
    pub(super) other_scripts: OtherScripts,
    /// Whether what was fetched before is replaced.
    pub(super) replaces: bool,
}

/// Takes the pinned files; a script of another version must hold a usable protocol.
///
/// # Errors
/// As [`SuiteFolder::fetch`].
pub(super) fn fetch_files(
    files: &SuiteFiles,
    source: &'static FetchedSource,
    asked: Asked<'_>,
    printer: Printer,
) -> Result<Fetched<'static, SuiteError>> {
    let tell = |event: DownloadEvent| match event {
        DownloadEvent::Fetching { from, .. } => printer.talk(format_args!("fetching {from}")),
        DownloadEvent::Retrying { reason, .. } => printer.talk(format_args!("trying again: {reason}")),
        DownloadEvent::Progress { .. } => {}
    };
    let check = |file: &RemoteFile<'static>, bytes: &[u8]| registry::check_script(source, file.path, bytes);
    let fetching = Fetching {
        from: asked.from,
        is_offline: asked.is_offline,
        other_scripts: asked.other_scripts,
        replaces: asked.replaces,
        retry_pause: Duration::from_secs(1),
    };
    Ok(SuiteFolder::new(files.folder(source), Source::of(source)).fetch(&fetching, &check, &tell)?)
}
