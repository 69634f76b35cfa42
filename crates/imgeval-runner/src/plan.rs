//! Work to do = plan minus what the store holds. Pure functions.

use std::collections::BTreeMap;

use imgeval_store::FileStamp;

use crate::CandidateFile;

/// What is to be done with one candidate file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileWork {
    /// Imported before, unchanged since.
    Nothing,
    /// Never seen, or failed before.
    Import,
    /// Imported before, but the file has changed.
    Replace,
}

/// Says for each candidate what is to be done. A file that failed is always tried again.
#[must_use]
pub fn plan_import(
    candidates: &[CandidateFile],
    known: &BTreeMap<String, (FileStamp, bool)>,
) -> Vec<FileWork> {
    let work = |candidate: &CandidateFile| match known.get(&candidate.source) {
        None | Some((_, false)) => FileWork::Import,
        // A file that can no longer be looked at keeps the image that it gave.
        Some((stamp, true)) if candidate.stamp.is_none_or(|now| now == *stamp) => FileWork::Nothing,
        Some((_, true)) => FileWork::Replace,
    };
    candidates.iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgeval_core::{CaseId, SampleId};
    use proptest::prelude::*;

    fn candidate(index: usize, size: i64) -> CandidateFile {
        CandidateFile {
            source: format!("{index:05}.png"),
            path: format!("{index:05}.png").into(),
            id: SampleId { case: CaseId::new(format!("{index:05}")), ordinal: 0 },
            stamp: Some(FileStamp { size, modified_ns: 7 }),
            rejected: None,
            notes: vec![],
        }
    }

    proptest! {
        /// However often and wherever a run is interrupted, each file is imported exactly once.
        #[test]
        fn interrupted_anywhere_each_file_is_imported_once(n in 1_usize..60, stops in prop::collection::vec(0_usize..20, 0..8)) {
            let candidates: Vec<_> = (0..n).map(|index| candidate(index, 10)).collect();
            let mut known = BTreeMap::new();
            let mut n_imports = 0;
            for budget in stops.into_iter().chain([usize::MAX]) {
                let work = plan_import(&candidates, &known);
                let to_do = candidates.iter().zip(work).filter(|(_, work)| *work == FileWork::Import);
                for (candidate, _) in to_do.take(budget) {
                    known.insert(candidate.source.clone(), (candidate.stamp.unwrap(), true));
                    n_imports += 1;
                }
            }
            prop_assert_eq!(n_imports, n);
            prop_assert!(plan_import(&candidates, &known).iter().all(|work| *work == FileWork::Nothing));
        }
    }

    #[test]
    fn changed_and_failed_files_are_taken_again() {
        let candidates = [candidate(0, 10), candidate(1, 11), candidate(2, 10)];
        let stamp = FileStamp { size: 10, modified_ns: 7 };
        let known = [("00000.png", true), ("00001.png", true), ("00002.png", false)]
            .map(|(source, is_done)| (source.to_owned(), (stamp, is_done)))
            .into();
        assert_eq!(
            plan_import(&candidates, &known),
            [FileWork::Nothing, FileWork::Replace, FileWork::Import]
        );
    }
}
