//! Which output is compared with which of the annotators' results, by the rules of the official script.
//!
//! The script tests names by "contains": `_1` also matches `_inde_10`, a lone `_inde_1` passes for the first edit, and any stray image
//! beside a single output is an error. Images are sorted by all the digits of their names together.

use std::{collections::BTreeMap, path::Path};

use crate::{
    folder_listing::list_folder,
    rounds::{RoundsError, error::io_error},
};

/// Session folders with the names of the files in them.
pub type FolderListing = BTreeMap<String, Vec<String>>;

/// Two images of a session that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePair {
    pub session: String,
    /// The model's image, a file of the session's folder.
    pub generated: String,
    /// The annotators' image, a file of the session's folder.
    pub target: String,
}

/// Why the official script stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    #[error("session folders differ: {} without outputs, {} without targets", missing.len(), extra.len())]
    Sessions { missing: Vec<String>, extra: Vec<String> },
    #[error("session `{session}` has no {what}")]
    NoImage { session: String, what: &'static str },
    #[error("the only output of session `{session}`, `{name}`, is not that of turn 1")]
    WronglyNamed { session: String, name: String },
    /// A name without any digit.
    #[error("`{name}` of session `{session}` has no number")]
    NoNumber { session: String, name: String },
    #[error("sessions with different numbers of outputs and targets: {}", sessions.join(", "))]
    TurnCounts { sessions: Vec<String> },
    /// More outputs than targets. The script runs beyond the end of its list.
    #[error("session `{session}` has more outputs than targets")]
    TooManyOutputs { session: String },
}

impl PairError {
    /// The exception that the official script ends with.
    #[must_use]
    pub fn exception(&self) -> &'static str {
        match self {
            Self::TooManyOutputs { .. } => "IndexError",
            Self::Sessions { .. }
            | Self::NoImage { .. }
            | Self::WronglyNamed { .. }
            | Self::NoNumber { .. }
            | Self::TurnCounts { .. } => "ValueError",
        }
    }
}

/// Lists the session folders of a place. Hidden files are left out, which the official script would count.
///
/// # Errors
/// If a folder cannot be listed.
pub fn list_images(folder: &Path) -> Result<FolderListing, RoundsError> {
    let list = |path: &Path| list_folder(path).map_err(|error| io_error(path, error));
    let (ids, _) = list(folder)?;
    ids.into_iter().map(|id| Ok((id.clone(), list(&folder.join(&id))?.1))).collect()
}

/// The pairs of both official settings, all turns and the final turn, in order of sessions.
///
/// # Errors
/// Where the official script raises an exception.
pub fn image_pairs(
    generated: &FolderListing,
    targets: &FolderListing,
) -> Result<(Vec<ImagePair>, Vec<ImagePair>), PairError> {
    let without = |all: &FolderListing, others: &FolderListing| -> Vec<String> {
        all.keys().filter(|id| !others.contains_key(*id)).cloned().collect()
    };
    let (missing, extra) = (without(targets, generated), without(generated, targets));
    if !(missing.is_empty() && extra.is_empty()) {
        return Err(PairError::Sessions { missing, extra });
    }
    let (mut all, mut last, mut uneven) = (Vec::new(), Vec::new(), Vec::new());
    for (session, names) in generated {
        let generated = Folder::new(session, names);
        let targets = Folder::new(session, targets.get(session).map_or(&[][..], Vec::as_slice));
        let pair = |generated: &str, target: &str| ImagePair {
            session: session.clone(),
            generated: generated.to_owned(),
            target: target.to_owned(),
        };
        last.push(pair(generated.last_generated()?, targets.last_target()?));
        let (outputs, truths) = (generated.all_generated()?, targets.all_targets()?);
        if outputs.len() != truths.len() {
            uneven.push(session.clone());
        }
        for (place, output) in outputs.iter().enumerate() {
            let target =
                truths.get(place).ok_or_else(|| PairError::TooManyOutputs { session: session.clone() })?;
            all.push(pair(output, target));
        }
    }
    if uneven.is_empty() { Ok((all, last)) } else { Err(PairError::TurnCounts { sessions: uneven }) }
}

/// The images of a session's folder that the script looks at.
struct Folder<'a> {
    session: &'a str,
    names: Vec<&'a str>,
}

impl<'a> Folder<'a> {
    fn new(session: &'a str, names: &'a [String]) -> Self {
        let is_image =
            |name: &&str| (name.contains(".png") || name.contains(".jpg")) && !name.contains("mask");
        Self { session, names: names.iter().map(String::as_str).filter(is_image).collect() }
    }

    fn no_image(&self, what: &'static str) -> PairError {
        PairError::NoImage { session: self.session.to_owned(), what }
    }

    fn sorted(&self, mut names: Vec<&'a str>, what: &'static str) -> Result<Vec<&'a str>, PairError> {
        if let Some(name) = names.iter().find(|name| digits(name).is_empty()) {
            return Err(PairError::NoNumber { session: self.session.to_owned(), name: (*name).to_owned() });
        }
        names.sort_by_cached_key(|name| number(name));
        if names.is_empty() { Err(self.no_image(what)) } else { Ok(names) }
    }

    fn containing(&self, part: &str) -> Vec<&'a str> {
        self.names.iter().copied().filter(|name| name.contains(part)).collect()
    }

    /// The only image, which must be that of the first turn.
    fn only(&self) -> Option<Result<&'a str, PairError>> {
        let &[name] = self.names.as_slice() else { return None };
        let wrong = || PairError::WronglyNamed { session: self.session.to_owned(), name: name.to_owned() };
        Some(name.contains("_1").then_some(name).ok_or_else(wrong))
    }

    fn last_generated(&self) -> Result<&'a str, PairError> {
        let last = || {
            self.sorted(self.containing("iter_"), "iterated output")?
                .pop()
                .ok_or_else(|| self.no_image("output"))
        };
        self.only().unwrap_or_else(last)
    }

    fn all_generated(&self) -> Result<Vec<&'a str>, PairError> {
        match self.only() {
            Some(only) => Ok(vec![only?]),
            None => {
                // A name with both parts is there twice.
                let mut names = self.containing("_1");
                names.extend(self.containing("inde_"));
                self.sorted(names, "output of the first turn or of independent turns")
            }
        }
    }

    fn all_targets(&self) -> Result<Vec<&'a str>, PairError> {
        self.sorted(self.containing("output"), "target")
    }

    fn last_target(&self) -> Result<&'a str, PairError> {
        self.all_targets()?.pop().ok_or_else(|| self.no_image("target"))
    }
}

fn digits(name: &str) -> String {
    name.chars().filter(char::is_ascii_digit).collect()
}

/// All digits as one number, which may be long: by length without zeros in front, then by digits.
fn number(name: &str) -> (usize, String) {
    let digits = digits(name);
    let plain = digits.trim_start_matches('0').to_owned();
    (plain.len(), plain)
}
