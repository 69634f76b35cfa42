//! The suites that were fetched, as they lie on this machine. Every file is held against its checksum when it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use imgeval_core::{ContentHash, ImageRef, json::from_json_str};
use imgeval_suites::{
    judged::{
        JudgeProtocol,
        python_source::{wise_legacy_protocol, wise_verified_protocol},
    },
    wise::{self, DATA_FILES, DataFile, Edition, FileKind, WiseCase},
};
use serde::{Deserialize, Serialize};

use super::bundle::{MAX_FILE_BYTES, read_file};
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
    pub(crate) source: (ImageRef, PathBuf),
    pub(crate) mask: (ImageRef, PathBuf),
}

/// `fetched.toml`: what was fetched, by its name in the suite's repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FetchRecord {
    pub(crate) format_version: u32,
    /// Of the repository, where it is known.
    pub(crate) commit: String,
    /// SHA-256 by path.
    pub(crate) files: BTreeMap<String, String>,
    /// Scripts of another version than the pinned one, which the user asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) other_scripts: BTreeSet<String>,
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

/// The only format of the records so far.
pub(crate) const RECORD_VERSION: u32 = 1;

impl SuiteData {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn wise_dir(&self) -> PathBuf {
        self.root.join("wise")
    }

    /// Scripts of another version than the pinned one, each named by its SHA-256: fetching one overwrites no other.
    pub(crate) fn other_scripts_dir(&self) -> PathBuf {
        self.wise_dir().join("other-scripts")
    }

    pub(crate) fn reason_edit_dir(&self) -> PathBuf {
        self.root.join("reason-edit")
    }

    /// `None` if nothing was fetched.
    pub(crate) fn wise_record(&self) -> Result<Option<FetchRecord>> {
        let path = self.wise_dir().join("fetched.toml");
        let Some(text) = read_if_there(&path)? else { return Ok(None) };
        let record: FetchRecord = toml::from_str(&text).map_err(|error| {
            let message = format!("`{}` is damaged: {}", path.display(), error.message());
            CommandError::mendable(message, FETCH_AGAIN)
        })?;
        if record.format_version != RECORD_VERSION {
            let message = format!("`{}` was written by a newer version", path.display());
            return Err(CommandError::mismatch(message).into());
        }
        Ok(Some(record))
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
        let read = |file: &DataFile| Ok((file.path, self.read_wise_file(file)?));
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
        protocol_of(script, &self.read_wise_file(script)?)
    }

    fn read_wise_file(&self, file: &DataFile) -> Result<Vec<u8>> {
        let record = self.wise_record()?.unwrap_or_default();
        let Some(fetched) = record.files.get(file.path) else {
            let message = format!("`{}` of WISE is not here", file.path);
            let hint = match file.kind {
                FileKind::Script => {
                    format!("{FETCH_WISE}; or name a protocol file of your own with --protocol FILE")
                }
                FileKind::Prompts | FileKind::RewrittenPrompts => FETCH_WISE.to_owned(),
            };
            return Err(CommandError::mendable(message, hint).into());
        };
        let (path, expected) = match record.other_scripts.contains(file.path) {
            true => (self.other_scripts_dir().join(fetched), fetched.as_str()),
            false => (self.wise_dir().join(file.path), file.sha256),
        };
        let bytes = read_file(&path)?;
        let found = ContentHash::of(&bytes);
        if found.as_str() != expected {
            return Err(changed(file, &path.display().to_string(), found.as_str(), expected).into());
        }
        Ok(bytes)
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
            let image = |name: &str| -> Result<(ImageRef, PathBuf)> {
                let stored =
                    ImageRef::from_file_name(name).ok_or_else(|| damaged(format!("`{name}` is no image")))?;
                let path = folder.join("images").join(name);
                let bytes = read_file(&path)?;
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
const FETCH_AGAIN: &str = "fetch the suite anew with `imgeval suites fetch --again`";
const FETCH_WISE: &str = "`imgeval suites fetch wise`, or with --from DIR|ZIP where there is no network";

/// In the source of a wording that is not that of the pinned script.
pub(crate) const OTHER_SCRIPT: &str = "another version than that of commit";

pub(crate) fn changed(file: &DataFile, name: &str, found: &str, expected: &str) -> CommandError {
    let hint = match file.kind {
        FileKind::Script => format!(
            "take the script of {} at {}; to ask with the words of another version, fetch it with --other-scripts",
            wise::REPOSITORY,
            wise::COMMIT
        ),
        FileKind::Prompts | FileKind::RewrittenPrompts => {
            "take the file of the pinned commit; another version would give other scores".to_owned()
        }
    };
    CommandError::mendable(not_expected(name, found, expected), hint)
}

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

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match imgeval_files::read_text(path, MAX_FILE_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read `{}`", path.display())),
    }
}
