//! `imgeval suites fetch`: takes a suite's files from its repository, or from what the user downloaded. A file that is
//! not the pinned one is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use imgeval_core::ContentHash;
use imgeval_files::OwnFolder;
use imgeval_suites::{
    reason_edit,
    wise::{self, DATA_FILES, DataFile, FileKind},
};
use imgeval_vision::{
    image_file::{DecodeLimits, inspect_and_decode},
    weights::{PullEvent, fetch_file},
};

use super::{
    bundle::{Bundle, read_file},
    data::{EDIT_LISTING, EditLine, FetchRecord, RECORD_VERSION, SuiteData, changed, protocol_of},
};
use crate::{
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// What came of fetching WISE.
#[derive(Default)]
pub(crate) struct FetchedWise {
    pub(crate) files: usize,
    /// Files that are not there; what needs them cannot be used.
    pub(crate) missing: Vec<&'static str>,
    /// Scripts that are not the pinned ones, with their checksums.
    pub(crate) other_scripts: Vec<(&'static DataFile, String)>,
    /// Why scripts were not taken: they hold no usable protocol.
    pub(crate) unusable: Vec<anyhow::Error>,
}

/// What to do with scripts that are not the pinned ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherScripts {
    Refuse,
    /// Their protocols say so.
    Take,
}

/// How a suite is fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fetching<'a> {
    /// A folder or zip archive; `None` asks the network.
    pub(crate) from: Option<&'a Path>,
    pub(crate) other_scripts: OtherScripts,
    /// Whether what was fetched before is replaced.
    pub(crate) replaces: bool,
}

/// # Errors
/// If a file is not the pinned one and is not to be taken nevertheless, another version was fetched before and is not to be
/// replaced, or no file can be used. Then what was fetched before stays as it is.
pub(crate) fn fetch_wise(
    data: &SuiteData,
    fetching: Fetching<'_>,
    archive_url: &str,
    printer: Printer,
) -> Result<FetchedWise> {
    let from = fetching.from;
    let folder = data.wise_dir();
    fs::create_dir_all(&folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    let partial = folder.join("archive.partial");
    let mut bundle = match from {
        Some(path) => Bundle::open(path)?,
        None => {
            download(archive_url, &partial, printer)?;
            Bundle::open(&partial)?
        }
    };
    let fetched = take_wise(data, &mut bundle, fetching);
    if from.is_none() {
        // Whole or refused, it is of no further use.
        fs::remove_file(&partial).ok();
    }
    fetched
}

fn download(url: &str, to: &Path, printer: Printer) -> Result<()> {
    let tell = |event: PullEvent| match event {
        PullEvent::Fetching { from, .. } => printer.talk(format_args!("fetching {from}")),
        PullEvent::Retrying { reason, .. } => printer.talk(format_args!("trying again: {reason}")),
        _ => {}
    };
    fetch_file(url, to, Duration::from_secs(1), &tell).map_err(|error| {
        let hint =
            "where there is no network, download the repository elsewhere and name it with --from DIR|ZIP";
        CommandError::mendable(sentence_of(&error), hint)
    })?;
    Ok(())
}

fn take_wise(
    data: &SuiteData,
    bundle: &mut Bundle,
    Fetching { from, other_scripts, replaces }: Fetching<'_>,
) -> Result<FetchedWise> {
    let comment = bundle.comment();
    let is_commit = comment.len() == 40 && comment.bytes().all(|byte| byte.is_ascii_hexdigit());
    if from.is_none() && !(is_commit && comment.starts_with(wise::COMMIT)) {
        let message = format!("the archive is not of commit {}, as it says itself", wise::COMMIT);
        return Err(CommandError::mendable(message, "try again, or name a download with --from").into());
    }
    let before = if replaces { None } else { data.wise_record()? };
    let mut record = before.clone().unwrap_or_default();
    record.format_version = RECORD_VERSION;
    if is_commit {
        record.commit = comment;
    }
    let names = bundle.names();
    let mut fetched = FetchedWise::default();
    let mut contents = Vec::new();
    for file in &DATA_FILES {
        let Some(bytes) = find_file(bundle, &names, file)? else {
            if !record.files.contains_key(file.path) {
                fetched.missing.push(file.path);
            }
            continue;
        };
        let found = ContentHash::of(&bytes).to_string();
        let mut path = data.wise_dir().join(file.path);
        let mut is_other = false;
        if found != file.sha256 {
            if file.kind != FileKind::Script || other_scripts == OtherScripts::Refuse {
                return Err(changed(file, file.path, &found, file.sha256).into());
            }
            if let Err(error) = protocol_of(file, &bytes) {
                fetched.unusable.push(error);
                continue;
            }
            path = data.other_scripts_dir().join(&found);
            is_other = true;
        }
        let known = before.as_ref().and_then(|before| before.files.get(file.path));
        if let Some(known) = known.filter(|known| **known != found) {
            let message = format!(
                "`{}` is not the one fetched before: its SHA-256 is {found}, before it was {known}",
                file.path
            );
            let hint = "add --again to replace what was fetched before";
            return Err(CommandError::mismatch(message).with_hint(hint).into());
        }
        record.other_scripts.remove(file.path);
        if is_other {
            record.other_scripts.insert(file.path.to_owned());
            fetched.other_scripts.push((file, found.clone()));
        }
        record.files.insert(file.path.to_owned(), found);
        contents.push((path, bytes));
    }
    if contents.is_empty() {
        let message = "there is no file of WISE in what was given";
        let hint = "a clone of the repository, its zip archive, or a folder with its JSON files and scripts";
        return Err(CommandError::nothing(message).with_hint(hint).into());
    }
    // Pinned files have the same bytes always, others a name of their own: until the record is replaced, the old one holds.
    for (path, bytes) in &contents {
        write_whole(path, bytes)?;
    }
    let text = toml::to_string(&record).context("could not write down what was fetched")?;
    write_whole(&data.wise_dir().join("fetched.toml"), text.as_bytes())?;
    sweep_other_scripts(data, &record);
    fetched.files = contents.len();
    Ok(fetched)
}

/// Removes scripts that the record does not name any longer.
fn sweep_other_scripts(data: &SuiteData, record: &FetchRecord) {
    let named: BTreeSet<&String> =
        record.other_scripts.iter().filter_map(|path| record.files.get(path)).collect();
    let Ok(folder) = OwnFolder::open(&data.other_scripts_dir()) else { return };
    for name in folder.names().unwrap_or_default() {
        let name = name.to_string_lossy().into_owned();
        if ContentHash::parse(&name).is_some() && !named.contains(&name) {
            // One that stays is only in the way.
            folder.remove(&name).ok();
        }
    }
}

/// The file where the repository has it, below any folder; else by its checksum wherever it lies; else by its name
/// alone, if only one has it. `None` if none has.
fn find_file(bundle: &mut Bundle, names: &[String], file: &DataFile) -> Result<Option<Vec<u8>>> {
    let at_place = |name: &&String| {
        name.strip_suffix(file.path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    if let Some(name) = names.iter().filter(at_place).min_by_key(|name| name.len()) {
        return bundle.read(name).map(Some);
    }
    let file_name = file.path.rsplit('/').next().unwrap_or(file.path);
    let same_name: Vec<&String> =
        names.iter().filter(|name| name.rsplit('/').next() == Some(file_name)).collect();
    for name in &same_name {
        let bytes = bundle.read(name)?;
        if same_name.len() == 1 || file.sha256 == ContentHash::of(&bytes).as_str() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
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
    let mut bundle = Bundle::open(from)?;
    match &bundle {
        Bundle::Folder { root, .. } => {
            let root = root.clone();
            take_reason_edit(data, &root, replaces, &|path| path.display().to_string())
        }
        Bundle::Archive { .. } => {
            let unpacked = tempfile::tempdir().context("could not make a temporary folder")?;
            let is_wanted = |name: &str| {
                let name = name.to_ascii_lowercase();
                [".png", ".jpg", ".jpeg", ".txt"].iter().any(|end| name.ends_with(end))
                    && !name.contains("__macosx")
            };
            bundle.unpack(unpacked.path(), is_wanted)?;
            // The temporary folder is nothing to the user: files are named by their place in the archive.
            let name = |path: &Path| match path.strip_prefix(unpacked.path()) {
                Ok(inner) => from.join(inner).display().to_string(),
                Err(_) => path.display().to_string(),
            };
            take_reason_edit(data, unpacked.path(), replaces, &name)
        }
    }
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
    let folder = data.reason_edit_dir();
    let images = folder.join("images");
    let mut listing = String::new();
    let mut counts = BTreeMap::new();
    let mut pending = BTreeMap::new();
    for case in &cases {
        let mut take = |path: &Path| -> Result<String> {
            let bytes = read_file(path)?;
            let limits = DecodeLimits { max_pixels: 1 << 27 };
            let image = inspect_and_decode(&bytes, &limits).map_err(|error| {
                let detail = error.failure().detail;
                CommandError::usage(format!("`{}` cannot be used: {detail}", name_of(path)))
            })?;
            let name = format!("{}.{}", ContentHash::of(&bytes), image.format.extension());
            pending.insert(name.clone(), bytes);
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
        listing.push_str(&serde_json::to_string(&line).context("could not write down a case")?);
        listing.push('\n');
    }
    if data.has_reason_edit() && !replaces {
        let path = folder.join(EDIT_LISTING);
        let before = read_file(&path)?;
        if before != listing.as_bytes() {
            let (found, expected) = (ContentHash::of(listing.as_bytes()), ContentHash::of(&before));
            let message = format!(
                "this Reason-Edit is not the one fetched before: its listing's SHA-256 is {found}, before it was {expected}"
            );
            let hint = "runs refer to the other one; add --again to replace it";
            return Err(CommandError::mismatch(message).with_hint(hint).into());
        }
    }
    for (name, bytes) in &pending {
        write_whole(&images.join(name), bytes)?;
    }
    write_whole(&folder.join(EDIT_LISTING), listing.as_bytes())?;
    Ok(counts)
}

/// Whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    imgeval_files::write_whole(path, bytes).with_context(|| format!("could not write `{}`", path.display()))
}
