//! The files of fetched suites on this machine. Every file is verified against its checksum when it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use imgeval_core::{ContentHash, ImageRef, json::from_json_str, sentence_of};
use imgeval_files::Unsuitable;
use serde::{Deserialize, Serialize};

use crate::{
    geneval, reason_edit,
    suite::{CaseRound, ImageSource, SuiteCase, SuiteCases},
};

/// No file of a suite is longer.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The only format of the records so far.
pub const RECORD_VERSION: u32 = 1;
/// Where a data set that was taken over keeps its cases.
pub const LISTING: &str = "cases.jsonl";
/// Where it keeps its images, each named by its hash.
pub const IMAGES: &str = "images";
const OTHER_SCRIPTS: &str = "other-scripts";
/// In the source of a wording that is not that of the pinned script.
/// Runs hold it, so it stays as it is.
pub const OTHER_SCRIPT: &str = "another version than that of commit";

/// Where a suite's files come from. Several suites may share one.
#[derive(Debug)]
pub struct FetchedSource {
    /// By which it is fetched; also the name of its folder.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    pub licence: &'static str,
    /// Where its scripts and data are published.
    pub repository: &'static str,
    /// The commit that the files are taken from, abbreviated as it was pinned.
    pub commit: &'static str,
    /// The repository as a whole at the pinned commit; `None` if nothing is fetched over the network.
    pub archive: Option<&'static str>,
    /// The pinned files.
    pub files: &'static [SourceFile],
    /// How a data set that the user downloads is taken over.
    pub data_set: Option<DataSet>,
}

/// A file of a benchmark's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFile {
    /// In the repository.
    pub path: &'static str,
    /// Its own address; without one it is in the archive.
    pub url: Option<&'static str>,
    /// At the pinned commit.
    pub sha256: &'static str,
    /// Whether it holds a judge's instructions, of which the user may take another version.
    pub is_script: bool,
}

/// A data set with images that its authors give away elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct DataSet {
    /// Finds the cases in the folder that the user downloaded.
    pub find: fn(&Path) -> Result<Vec<FoundCase>, SuiteError>,
    /// Writes one case down.
    pub render: fn(&FoundCase, &[String], Option<&str>) -> String,
    /// Where to download it.
    pub advice: &'static str,
    /// What to name, as advice where a folder is not understood.
    pub layout: &'static str,
    /// Extensions of the files to use from an archive.
    pub endings: &'static [&'static str],
}

/// A case in a downloaded data set, its images still files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundCase {
    pub id: String,
    pub tag: String,
    pub prompt: String,
    pub facts: BTreeMap<String, String>,
    pub images: Vec<PathBuf>,
    pub mask: Option<PathBuf>,
}

/// Why a suite cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    #[error("`{path}` of {title} is not installed")]
    FileNotHere { source_name: &'static str, title: &'static str, path: &'static str, is_script: bool },
    #[error("{title} is not installed")]
    NotHere { source_name: &'static str, title: &'static str, advice: &'static str },
    #[error("`{}` is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// Files that are what they should be and do not hold a suite together.
    #[error("{detail}")]
    Unusable { detail: String },
    #[error("`{}` was written by a newer version", path.display())]
    Newer { path: PathBuf },
    #[error("`{name}` is not the expected file: its SHA-256 is {found}, expected {expected}")]
    Changed {
        name: String,
        found: String,
        expected: String,
        repository: &'static str,
        commit: &'static str,
        is_script: bool,
    },
    /// An image of a data set is not the one that was taken over.
    #[error("`{name}` is not the expected file: its SHA-256 is {found}, expected {expected}")]
    ChangedImage { name: String, found: String, expected: String },
    #[error("cannot use `{path}` of {title}: {detail}")]
    Script { title: &'static str, path: &'static str, detail: String },
    #[error("could not read `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is too long for a file of a suite", path.display())]
    TooLong { path: PathBuf },
    /// The suite's own parameters.
    #[error("{detail}")]
    Parameters { detail: String },
    #[error(transparent)]
    Template(#[from] geneval::TemplateError),
    #[error(transparent)]
    Layout(#[from] geneval::LayoutError),
    #[error(transparent)]
    EditLayout(#[from] reason_edit::LayoutError),
    #[error("a name template only works where images are named by prompt numbers")]
    NoTemplate,
    /// A place without images of the suite.
    #[error("{detail}")]
    NothingFound { detail: String, expected: &'static str, takes_template: bool },
}

/// `fetched.toml`: what was fetched, by its name in the suite's repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRecord {
    pub format_version: u32,
    /// Of the repository, where it is known.
    pub commit: String,
    /// SHA-256 by path.
    pub files: BTreeMap<String, String>,
    /// Scripts of another version than the pinned one, which the user asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub other_scripts: BTreeSet<String>,
}

impl FetchRecord {
    /// The name of the record in a source's folder.
    pub const FILE: &str = "fetched.toml";

    /// The record in a source's folder; `None` if there is none.
    ///
    /// # Errors
    /// If the record cannot be read, is damaged or of a newer version.
    pub fn read(folder: &Path) -> Result<Option<Self>, SuiteError> {
        let path = folder.join(Self::FILE);
        let Some(text) = read_if_there(&path)? else { return Ok(None) };
        let record: Self = toml::from_str(&text).map_err(|error| SuiteError::Damaged {
            path: path.clone(),
            detail: error.message().to_owned(),
        })?;
        if record.format_version != RECORD_VERSION {
            return Err(SuiteError::Newer { path });
        }
        Ok(Some(record))
    }
}

/// Where scripts of another version than the pinned one lie, each named by its SHA-256: fetching one overwrites no other.
#[must_use]
pub fn other_scripts(folder: &Path) -> PathBuf {
    folder.join(OTHER_SCRIPTS)
}

/// The folder of all fetched suites.
#[derive(Debug, Clone)]
pub struct SuiteFiles {
    root: PathBuf,
}

/// The bytes of a pinned file, and whether they are another version that the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedBytes {
    pub bytes: Vec<u8>,
    pub is_other: bool,
}

impl SuiteFiles {
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where the files of a source lie.
    #[must_use]
    pub fn folder(&self, source: &FetchedSource) -> PathBuf {
        self.root.join(source.name)
    }

    /// What was fetched; `None` if nothing was.
    ///
    /// # Errors
    /// As [`FetchRecord::read`].
    pub fn record(&self, source: &FetchedSource) -> Result<Option<FetchRecord>, SuiteError> {
        FetchRecord::read(&self.folder(source))
    }

    /// A pinned file's bytes.
    ///
    /// # Errors
    /// If it was not fetched, or is not what was fetched.
    pub fn read(&self, source: &FetchedSource, file: &SourceFile) -> Result<PinnedBytes, SuiteError> {
        let record = self.record(source)?.unwrap_or_default();
        let Some(fetched) = record.files.get(file.path) else {
            return Err(SuiteError::FileNotHere {
                source_name: source.name,
                title: source.title,
                path: file.path,
                is_script: file.is_script,
            });
        };
        let is_other = record.other_scripts.contains(file.path);
        let (path, expected) = match is_other {
            true => (other_scripts(&self.folder(source)).join(fetched), fetched.as_str()),
            false => (self.folder(source).join(file.path), file.sha256),
        };
        let bytes = read_file(&path)?;
        let found = ContentHash::of(&bytes);
        if found.as_str() != expected {
            return Err(SuiteError::Changed {
                name: path.display().to_string(),
                found: found.to_string(),
                expected: expected.to_owned(),
                repository: source.repository,
                commit: source.commit,
                is_script: file.is_script,
            });
        }
        Ok(PinnedBytes { bytes, is_other })
    }

    /// Whether a data set was taken over.
    #[must_use]
    pub fn has_data_set(&self, source: &FetchedSource) -> bool {
        self.folder(source).join(LISTING).exists()
    }

    /// The cases of a data set that was taken over, read line by line, and their images.
    ///
    /// # Errors
    /// If it was not taken over, or is not what was taken over.
    pub fn read_data_set<L: for<'a> Deserialize<'a>>(
        &self,
        source: &FetchedSource,
        case_of: impl Fn(L) -> FoundLine,
    ) -> Result<SuiteCases, SuiteError> {
        let folder = self.folder(source);
        let path = folder.join(LISTING);
        let advice = source.data_set.map_or("", |data| data.advice);
        let not_here = || SuiteError::NotHere { source_name: source.name, title: source.title, advice };
        let text = read_if_there(&path)?.ok_or_else(not_here)?;
        let damaged = |detail: String| SuiteError::Damaged { path: path.clone(), detail };
        let mut found = SuiteCases { is_listed: true, ..SuiteCases::default() };
        for line in text.lines() {
            let FoundLine { case, images, mask } =
                case_of(from_json_str(line).map_err(|error| damaged(error.to_string()))?);
            let mut take = |name: &str| -> Result<ImageRef, SuiteError> {
                let image = ImageRef::from_file_name(name)
                    .ok_or_else(|| damaged(format!("`{name}` is not an image")))?;
                let path = folder.join(IMAGES).join(name);
                let bytes = read_file(&path)?;
                let hash = ContentHash::of(&bytes);
                if hash != image.hash {
                    return Err(SuiteError::ChangedImage {
                        name: path.display().to_string(),
                        found: hash.to_string(),
                        expected: image.hash.to_string(),
                    });
                }
                found.images.insert(hash, (image.clone(), ImageSource::File(path)));
                Ok(image)
            };
            let images = images.iter().map(|name| take(name)).collect::<Result<Vec<_>, _>>()?;
            let mut case = case;
            if let Some(mask) = mask {
                // The mask is no part of the task: models are told where by words alone.
                case.facts.insert("mask".to_owned(), take(&mask)?.file_name());
            }
            match case.rounds.first_mut() {
                Some(round) => round.images = images,
                None => case.rounds.push(CaseRound { images, ..CaseRound::default() }),
            }
            found.cases.push(case);
        }
        if found.cases.is_empty() {
            return Err(damaged("it contains no cases".to_owned()));
        }
        let hash = ContentHash::of(text.as_bytes()).to_string();
        found.parameters.insert("data_sha256".to_owned(), hash);
        Ok(found)
    }
}

/// A line of a data set's listing: the case without images, and the names of these.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundLine {
    pub case: SuiteCase,
    /// `<sha256>.<extension>`.
    pub images: Vec<String>,
    pub mask: Option<String>,
}

/// The text of a script with a note for its wording's source if it is not the pinned version.
///
/// # Errors
/// If it is not text.
pub fn script_text<'a>(
    source: &FetchedSource,
    file: &SourceFile,
    bytes: &'a [u8],
) -> Result<(&'a str, String), SuiteError> {
    let text = std::str::from_utf8(bytes).map_err(|_| unusable(source, file, "it is not UTF-8"))?;
    let found = ContentHash::of(bytes);
    let note = match found.as_str() == file.sha256 {
        true => String::new(),
        false => format!(", {OTHER_SCRIPT} {}: its SHA-256 is {found}, not {}", source.commit, file.sha256),
    };
    Ok((text, note))
}

/// A script that holds no usable protocol.
pub fn unusable(source: &FetchedSource, file: &SourceFile, detail: impl Into<String>) -> SuiteError {
    SuiteError::Script { title: source.title, path: file.path, detail: detail.into() }
}

/// As [`unusable`], with the error's own words.
pub(crate) fn unusable_because(
    source: &FetchedSource,
    file: &SourceFile,
    error: &(dyn std::error::Error + 'static),
) -> SuiteError {
    unusable(source, file, sentence_of(error))
}

/// The bytes of a file that may be anything.
///
/// # Errors
/// If it cannot be read, or is too long for a suite.
pub fn read_file(path: &Path) -> Result<Vec<u8>, SuiteError> {
    imgeval_files::read_regular(path, MAX_FILE_BYTES).map_err(|source| io_error(path, source))
}

fn read_if_there(path: &Path) -> Result<Option<String>, SuiteError> {
    match imgeval_files::read_text(path, MAX_FILE_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path, error)),
    }
}

fn io_error(path: &Path, source: io::Error) -> SuiteError {
    let path = path.to_owned();
    match Unsuitable::of(&source) {
        Some(Unsuitable::TooLong { .. }) => SuiteError::TooLong { path },
        _ => SuiteError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    static SOURCE: FetchedSource = FetchedSource {
        name: "made-up",
        title: "MADE UP",
        licence: "none",
        repository: "owner/suite",
        commit: "0123456",
        archive: None,
        files: &[SourceFile {
            path: "eval.py",
            url: None,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            is_script: true,
        }],
        data_set: None,
    };

    fn record(files: &SuiteFiles, sha256: &str, is_other: bool) {
        let path = "eval.py".to_owned();
        let record = FetchRecord {
            format_version: RECORD_VERSION,
            commit: String::new(),
            files: BTreeMap::from([(path.clone(), sha256.to_owned())]),
            other_scripts: is_other.then_some(path).into_iter().collect(),
        };
        let folder = files.folder(&SOURCE);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(FetchRecord::FILE), toml::to_string(&record).unwrap()).unwrap();
    }

    #[test]
    fn a_file_is_held_against_its_checksum_whenever_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = SuiteFiles::new(folder.path().to_owned());
        let file = &SOURCE.files[0];
        let error = files.read(&SOURCE, file).unwrap_err();
        assert!(matches!(error, SuiteError::FileNotHere { is_script: true, .. }), "{error}");
        record(&files, file.sha256, false);
        fs::write(files.folder(&SOURCE).join("eval.py"), "changed").unwrap();
        let error = files.read(&SOURCE, file).unwrap_err();
        let SuiteError::Changed { found, expected, is_script: true, .. } = &error else { panic!("{error}") };
        assert_eq!((found.as_str(), expected.as_str()), (ContentHash::of(b"changed").as_str(), file.sha256));
        // Another version lies under its own checksum.
        let other = ContentHash::of(b"changed").to_string();
        record(&files, &other, true);
        let scripts = other_scripts(&files.folder(&SOURCE));
        fs::create_dir_all(&scripts).unwrap();
        fs::write(scripts.join(&other), "changed").unwrap();
        let read = files.read(&SOURCE, file).unwrap();
        assert_eq!((read.bytes.as_slice(), read.is_other), (b"changed".as_slice(), true));
    }

    #[test]
    fn a_record_that_cannot_be_understood_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(FetchRecord::read(folder.path()).unwrap(), None);
        fs::write(folder.path().join(FetchRecord::FILE), "nonsense").unwrap();
        assert!(matches!(FetchRecord::read(folder.path()), Err(SuiteError::Damaged { .. })));
        fs::write(folder.path().join(FetchRecord::FILE), "format_version = 9\ncommit = \"\"\n[files]\n")
            .unwrap();
        assert!(matches!(FetchRecord::read(folder.path()), Err(SuiteError::Newer { .. })));
    }
}
