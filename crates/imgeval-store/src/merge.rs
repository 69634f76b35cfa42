//! Joins runs of one suite and one model: the parts that several machines worked on become one run.

use std::{collections::BTreeSet, io, path::Path};

use imgeval_core::ContentHash;
use imgeval_files::OwnFolder;

use crate::{RunReader, RunWriter, StoreError};

/// How much a merge added. Adding the same run again adds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeSummary {
    pub samples: usize,
    /// Detections, and measurements of edits.
    pub observations: usize,
    /// To providers and judges.
    pub calls: usize,
    /// Image files, linked where the file system allows it and otherwise copied.
    pub images: usize,
}

impl RunWriter {
    /// Adds everything that another run of the same suite, parameters and model holds and this one lacks: images first, then cases,
    /// then all rows or none. A failed sample gives way to a finished one.
    ///
    /// # Errors
    /// If the other run was made for something else, was scored by other detectors and judges, has a call under way or holds another
    /// result for the same sample; if it cannot be read, or this one cannot be written.
    pub fn merge(&mut self, part: &RunReader) -> Result<MergeSummary, StoreError> {
        part.manifest().check_same(self.manifest(), part.directory())?;
        if !part.database.is_up_to_date() || part.database.has_calls_in_flight()? {
            return Err(StoreError::Unfinished { path: part.directory().to_owned() });
        }
        self.check_same_evaluators(part)?;
        let images = link_images(part.directory(), self.directory())?;
        match part.cases() {
            Ok(cases) => self.put_cases(&self.merge_cases(&cases)?)?,
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let added = self.database_mut().merge(&part.database)?;
        Ok(MergeSummary { images, ..added })
    }

    /// A part may lack an evaluator, as one that was stopped early does, but may not bring another one instead.
    fn check_same_evaluators(&self, part: &RunReader) -> Result<(), StoreError> {
        let (here, there) = (self.database.who_scored()?, part.database.who_scored()?);
        if here.is_subset(&there) || there.is_subset(&here) {
            return Ok(());
        }
        let others: BTreeSet<&str> = there.difference(&here).map(String::as_str).collect();
        let who =
            others.into_iter().map(|id| imgeval_core::visible(id).to_string()).collect::<Vec<_>>().join(", ");
        Err(StoreError::OtherEvaluators { path: part.directory().to_owned(), who })
    }
}

/// Gives this run every image file of another one. What a file holds is checked whenever it is read.
fn link_images(from: &Path, to: &Path) -> Result<usize, StoreError> {
    let root = from.join("images");
    let listed = |path: &Path| match OwnFolder::open(path).and_then(|folder| folder.names()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(StoreError::io("list", path)),
    };
    let mut n_added = 0;
    for prefix in listed(&root)? {
        let source = root.join(&prefix);
        let names = listed(&source)?;
        let names: Vec<&str> =
            names.iter().filter_map(|name| name.to_str()).filter(|name| is_image(name)).collect();
        if names.is_empty() {
            continue;
        }
        let target = to.join("images").join(&prefix);
        let guard = || StoreError::io("store images in", &target);
        let folder = OwnFolder::open(to)
            .and_then(|run| run.make_folder("images")?.make_folder(&prefix))
            .map_err(guard())?;
        for name in names {
            let path = source.join(name);
            let length = path.symlink_metadata().map_err(StoreError::io("read", &path))?.len();
            if folder.length(name).map_err(guard())? == Some(length) {
                continue;
            }
            if folder.link_file(&path, name).is_err() {
                let bytes = imgeval_files::read_regular(&path, crate::MAX_IMAGE_BYTES)
                    .map_err(StoreError::io("read", &path))?;
                folder.write_whole(name, &bytes).map_err(guard())?;
            }
            n_added += 1;
        }
        folder.sync().map_err(guard())?;
    }
    Ok(n_added)
}

/// A hash and an extension; unfinished files have other names.
fn is_image(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, extension)| {
        ContentHash::parse(hash).is_some() && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
