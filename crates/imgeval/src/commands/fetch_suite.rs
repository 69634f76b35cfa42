//! `imgeval suites fetch`: a suite's pinned files and data set, taken from its source or from what the user downloaded.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::Result;
use imgeval_core::ContentHash;
use imgeval_fetch::{
    http::DownloadEvent,
    suites::{
        Archive, Fetched, Fetching, Listing, MAX_FILE_BYTES, Opened, OtherScripts, RemoteFile, Source,
        SuiteFolder, keep_listing, read_file,
    },
};
use imgeval_suites::{
    files::{DataSet, FetchedSource, LISTING, SuiteError, SuiteFiles},
    registry,
};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

use crate::{
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// No archive of a suite's repository is longer.
const MAX_ARCHIVE_BYTES: u64 = 1 << 30;

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
    Ok(SuiteFolder::new(files.folder(source), source_of(source)).fetch(&fetching, &check, &tell)?)
}

fn source_of(source: &'static FetchedSource) -> Source<'static> {
    let file = |file: &imgeval_suites::files::SourceFile| RemoteFile {
        path: file.path,
        url: file.url,
        sha256: file.sha256,
        max_bytes: MAX_FILE_BYTES,
        is_script: file.is_script,
    };
    Source {
        id: source.name,
        title: source.title,
        licence: source.licence,
        repository: source.repository,
        commit: source.commit,
        archive: source.archive.map(|url| Archive { url, max_bytes: MAX_ARCHIVE_BYTES }),
        files: source.files.iter().map(file).collect(),
    }
}

/// Takes over the data set in a folder or zip archive; gives how many cases there are by tag.
///
/// # Errors
/// If the data set cannot be understood, or is another than the one fetched before.
pub(super) fn take_data_set(
    files: &SuiteFiles,
    source: &'static FetchedSource,
    data: &DataSet,
    from: &Path,
    replaces: bool,
) -> Result<BTreeMap<String, usize>> {
    let is_wanted = |name: &str| {
        let name = name.to_ascii_lowercase();
        data.endings.iter().any(|end| name.ends_with(end)) && !name.contains("__macosx")
    };
    let opened = Opened::of(from, is_wanted)?;
    let root = opened.root();
    let cases = (data.find)(root).map_err(|error| {
        // The error names paths below the root.
        let (known, shown) = (root.display().to_string(), opened.shown(root));
        let message = sentence_of(&error).replace(&known, shown.trim_end_matches('/'));
        CommandError::usage(message).with_hint(data.layout)
    })?;
    let mut listing = Listing::default();
    let mut counts = BTreeMap::new();
    for case in &cases {
        let mut take = |path: &Path| -> Result<String> {
            let bytes = read_file(path, MAX_FILE_BYTES)?;
            let limits = DecodeLimits { max_pixels: 1 << 27 };
            let image = inspect_and_decode(&bytes, &limits).map_err(|error| {
                let detail = error.failure().detail;
                CommandError::usage(format!("`{}` cannot be used: {detail}", opened.shown(path)))
            })?;
            let name = format!("{}.{}", ContentHash::of(&bytes), image.format.extension());
            listing.images.insert(name.clone(), bytes);
            Ok(name)
        };
        let images = case.images.iter().map(|path| take(path)).collect::<Result<Vec<_>>>()?;
        let mask = case.mask.as_ref().map(|path| take(path)).transpose()?;
        listing.text.push_str(&(data.render)(case, &images, mask.as_deref()));
        listing.text.push('\n');
        *counts.entry(case.tag.clone()).or_default() += 1;
    }
    keep_listing(&files.folder(source), LISTING, source.title, &listing, replaces)?;
    Ok(counts)
}
