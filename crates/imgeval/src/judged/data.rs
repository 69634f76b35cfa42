//! The suites that were fetched, as they lie on this machine. Every file is held against its checksum when it is read.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use imgeval_core::{ContentHash, ImageFormat, json::from_json_str};
use imgeval_fetch::suites::{Archive, MAX_FILE_BYTES, RemoteFile, Source, SuiteFolder, read_file};
use imgeval_runner::StoredInput;
use imgeval_suites::{
    judged::{
        JudgeProtocol,
        python_source::{wise_legacy_protocol, wise_verified_protocol},
    },
    wise::{self, DATA_FILES, DataFile, Edition, FileKind, WiseCase},
};
use serde::{Deserialize, Serialize};

use crate::failure::{CommandError, sentence_of};

/// The folder of all fetched suites.
#[derive(Debug, Clone)]
pub(crate) struct SuiteData {
    root: PathBuf,
}

/// WISE's prompts with what identifies them.
pub(crate) struct WiseListing {
    pub(crate) cases: Vec<WiseCase>,
    pub(crate) data_sha256: String,
}

/// Reason-Edit's cases with their images.
pub(crate) struct EditListing {
    pub(crate) cases: Vec<StoredEditCase>,
    pub(crate) data_sha256: String,
}

pub(crate) struct StoredEditCase {
    pub(crate) id: String,
    pub(crate) folder: String,
    pub(crate) instruction: String,
    pub(crate) target_text: String,
    pub(crate) source: (StoredInput, PathBuf),
    pub(crate) mask: (StoredInput, PathBuf),
}

/// A line of Reason-Edit's listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditLine {
    pub(crate) id: String,
    pub(crate) folder: String,
    pub(crate) instruction: String,
    pub(crate) target: String,
    /// File names are hashes: `<sha256>.<extension>`.
    pub(crate) source: String,
    pub(crate) mask: String,
}

impl SuiteData {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// WISE's files, each held against its checksum when it is read.
    pub(crate) fn wise_folder(&self) -> SuiteFolder<'static> {
        SuiteFolder::new(self.root.join("wise"), wise_source())
    }

    pub(crate) fn reason_edit_dir(&self) -> PathBuf {
        self.root.join("reason-edit")
    }

    pub(crate) fn wise_legacy(&self, is_rewritten: bool) -> Result<WiseListing> {
        self.wise(Edition::Legacy, is_rewritten)
    }

    pub(crate) fn wise_verified(&self) -> Result<WiseListing> {
        self.wise(Edition::Verified, false)
    }

    fn wise(&self, edition: Edition, is_rewritten: bool) -> Result<WiseListing> {
        let kind = if is_rewritten { FileKind::RewrittenPrompts } else { FileKind::Prompts };
        let files = DATA_FILES.iter().filter(|file| file.edition == edition && file.kind == kind);
        let folder = self.wise_folder();
        let read = |file: &DataFile| Ok((file.path, folder.read(&remote(file))?));
        let files = files.map(read).collect::<Result<Vec<_>>>()?;
        let named: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
        let cases = wise::parse_cases(edition, &named)
            .map_err(|error| CommandError::mendable(sentence_of(&error), FETCH_AGAIN))?;
        let hashes: String = files.iter().map(|(_, bytes)| ContentHash::of(bytes).to_string()).collect();
        Ok(WiseListing { cases, data_sha256: ContentHash::of(hashes.as_bytes()).to_string() })
    }

    /// The protocol of an edition, out of the fetched script.
    pub(crate) fn wise_protocol(&self, edition: Edition) -> Result<JudgeProtocol> {
        let script = script_file(edition);
        protocol_of(script, &self.wise_folder().read(&remote(script))?)
    }

    pub(crate) fn has_reason_edit(&self) -> bool {
        self.reason_edit_dir().join(EDIT_LISTING).exists()
    }

    pub(crate) fn reason_edit(&self) -> Result<EditListing> {
        let folder = self.reason_edit_dir();
        let path = folder.join(EDIT_LISTING);
        let Some(text) = read_if_there(&path)? else {
            let hint =
                "`imgeval suites fetch reason-edit --from DIR|ZIP`, with the data set that you downloaded";
            return Err(CommandError::mendable("Reason-Edit is not here", hint).into());
        };
        let damaged = |detail: String| {
            CommandError::mendable(format!("`{}` is damaged: {detail}", path.display()), FETCH_AGAIN)
        };
        let mut cases = Vec::new();
        for line in text.lines() {
            let line: EditLine = from_json_str(line).map_err(|error| damaged(error.to_string()))?;
            let image = |name: &str| -> Result<(StoredInput, PathBuf)> {
                let stored =
                    parse_image_name(name).ok_or_else(|| damaged(format!("`{name}` is no image")))?;
                let path = folder.join("images").join(name);
                let bytes = read_file(&path, MAX_FILE_BYTES)?;
                let found = ContentHash::of(&bytes);
                if found != stored.hash {
                    let message =
                        not_expected(&path.display().to_string(), found.as_str(), stored.hash.as_str());
                    return Err(CommandError::mendable(message, FETCH_AGAIN).into());
                }
                Ok((stored, path))
            };
            cases.push(StoredEditCase {
                source: image(&line.source)?,
                mask: image(&line.mask)?,
                id: line.id,
                folder: line.folder,
                instruction: line.instruction,
                target_text: line.target,
            });
        }
        if cases.is_empty() {
            return Err(damaged("it holds no case".to_owned()).into());
        }
        Ok(EditListing { cases, data_sha256: ContentHash::of(text.as_bytes()).to_string() })
    }
}

pub(crate) const EDIT_LISTING: &str = "cases.jsonl";
const FETCH_AGAIN: &str = "fetch the suite again with `imgeval suites fetch --again`";

/// Where WISE's repository is had from, whole, at the pinned commit.
const WISE_ARCHIVE: Archive<'static> =
    Archive { url: "https://github.com/PKU-YuanGroup/WISE/archive/eb51174.zip", max_bytes: 1 << 30 };

fn wise_source() -> Source<'static> {
    Source {
        id: "wise",
        title: "WISE",
        licence: "none stated",
        repository: wise::REPOSITORY,
        commit: wise::COMMIT,
        archive: Some(WISE_ARCHIVE),
        files: DATA_FILES.iter().map(remote).collect(),
    }
}

fn remote(file: &DataFile) -> RemoteFile<'static> {
    let is_script = file.kind == FileKind::Script;
    RemoteFile { path: file.path, url: None, sha256: file.sha256, max_bytes: MAX_FILE_BYTES, is_script }
}

/// In the source of a wording that is not that of the pinned script.
pub(crate) const OTHER_SCRIPT: &str = "another version than that of commit";

fn not_expected(name: &str, found: &str, expected: &str) -> String {
    format!("`{name}` is not the file it should be: its SHA-256 is {found}, expected is {expected}")
}

/// The protocol in a script, its wording cut out. It names the script if that is another version than the pinned one.
///
/// # Errors
/// If the script holds no usable protocol.
pub(crate) fn protocol_of(script: &DataFile, bytes: &[u8]) -> Result<JudgeProtocol> {
    let broken = |detail: String| {
        let message = format!("`{}` of WISE cannot be used: {detail}", script.path);
        CommandError::mendable(message, "name a protocol file of your own with --protocol FILE")
    };
    let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8".to_owned()))?;
    let protocol = match script.edition {
        Edition::Legacy => wise_legacy_protocol(text),
        Edition::Verified => wise_verified_protocol(text),
    };
    let mut protocol = protocol.map_err(|error| broken(sentence_of(&error)))?;
    let found = ContentHash::of(bytes);
    if found.as_str() != script.sha256 {
        protocol.wording_source.push_str(&format!(
            ", {OTHER_SCRIPT} {}: its SHA-256 is {found}, not {}",
            wise::COMMIT,
            script.sha256
        ));
    }
    Ok(protocol)
}

/// The script that holds an edition's instructions.
pub(crate) fn script_file(edition: Edition) -> &'static DataFile {
    let is_script = |file: &&DataFile| file.edition == edition && file.kind == FileKind::Script;
    // Both are in the table.
    DATA_FILES.iter().find(is_script).unwrap_or(&DATA_FILES[0])
}

/// A hash with the extension of an image format.
pub(crate) fn parse_image_name(name: &str) -> Option<StoredInput> {
    let (hash, extension) = name.split_once('.')?;
    Some(StoredInput { hash: ContentHash::parse(hash)?, format: ImageFormat::from_extension(extension)? })
}

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match imgeval_files::read_text(path, MAX_FILE_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read `{}`", path.display())),
    }
}
