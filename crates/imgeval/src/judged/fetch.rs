//! `imgeval suites fetch`: what is special about each suite whose data are fetched.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use imgeval_core::ContentHash;
use imgeval_fetch::{
    http::DownloadEvent,
    suites::{Fetched, Fetching, Listing, MAX_FILE_BYTES, Opened, RemoteFile, keep_listing, read_file},
};
use imgeval_suites::{
    reason_edit,
    wise::{DATA_FILES, DataFile},
};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

use super::data::{EDIT_LISTING, EditLine, SuiteData, protocol_of};
use crate::{
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// Takes WISE's files; a script of another version must hold a usable protocol.
///
/// # Errors
/// As [`SuiteFolder::fetch`](imgeval_fetch::suites::SuiteFolder::fetch).
pub(crate) fn fetch_wise(
    data: &SuiteData,
    fetching: &Fetching<'_>,
    printer: Printer,
) -> Result<Fetched<'static, anyhow::Error>> {
    let tell = |event: DownloadEvent| match event {
        DownloadEvent::Fetching { from, .. } => printer.talk(format_args!("fetching {from}")),
        DownloadEvent::Retrying { reason, .. } => printer.talk(format_args!("trying again: {reason}")),
        DownloadEvent::Progress { .. } => {}
    };
    let check = |file: &RemoteFile<'static>, bytes: &[u8]| {
        let is_it = |script: &&DataFile| script.path == file.path;
        DATA_FILES.iter().find(is_it).map_or(Ok(()), |script| protocol_of(script, bytes).map(drop))
    };
    Ok(data.wise_folder().fetch(fetching, &check, &tell)?)
}

/// What came of fetching Reason-Edit: how many cases.
///
/// # Errors
/// If the data set cannot be understood, or is another than the one fetched before.
pub(crate) fn fetch_reason_edit(
    data: &SuiteData,
    from: &Path,
    replaces: bool,
) -> Result<BTreeMap<String, usize>> {
    let is_wanted = |name: &str| {
        let name = name.to_ascii_lowercase();
        [".png", ".jpg", ".jpeg", ".txt"].iter().any(|end| name.ends_with(end)) && !name.contains("__macosx")
    };
    let opened = Opened::of(from, is_wanted)?;
    take_reason_edit(data, opened.root(), replaces, &|path| opened.shown(path))
}

/// Takes the data set in the folder `root`; `name_of` gives a path as the user knows it.
fn take_reason_edit(
    data: &SuiteData,
    root: &Path,
    replaces: bool,
    name_of: &dyn Fn(&Path) -> String,
) -> Result<BTreeMap<String, usize>> {
    let cases = reason_edit::find_benchmark(root).map_err(|error| {
        let hint = "name the folder with `1-Left-Right` and its like, as SmartEdit's authors publish it";
        // The error names paths below the root.
        let (known, shown) = (root.display().to_string(), name_of(root));
        let message = sentence_of(&error).replace(&known, shown.trim_end_matches('/'));
        CommandError::usage(message).with_hint(hint)
    })?;
    let mut listing = Listing::default();
    let mut counts = BTreeMap::new();
    for case in &cases {
        let mut take = |path: &Path| -> Result<String> {
            let bytes = read_file(path, MAX_FILE_BYTES)?;
            let limits = DecodeLimits { max_pixels: 1 << 27 };
            let image = inspect_and_decode(&bytes, &limits).map_err(|error| {
                let detail = error.failure().detail;
                CommandError::usage(format!("`{}` cannot be used: {detail}", name_of(path)))
            })?;
            let name = format!("{}.{}", ContentHash::of(&bytes), image.format.extension());
            listing.images.insert(name.clone(), bytes);
            Ok(name)
        };
        let line = EditLine {
            id: case.id.clone(),
            folder: case.folder.name().to_owned(),
            instruction: case.instruction.clone(),
            target: case.target_text.clone(),
            source: take(&case.source)?,
            mask: take(&case.mask)?,
        };
        *counts.entry(line.folder.clone()).or_default() += 1;
        listing.text.push_str(&serde_json::to_string(&line).context("could not write down a case")?);
        listing.text.push('\n');
    }
    keep_listing(&data.reason_edit_dir(), EDIT_LISTING, "Reason-Edit", &listing, replaces)?;
    Ok(counts)
}
