//! Work to do = plan minus what the store holds. Pure functions.

use std::collections::BTreeMap;

use imgeval_core::ImageNote;
use imgeval_store::KnownFile;

use crate::CandidateFile;

/// What is to be done with one candidate file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileWork {
    /// Imported before, and nothing about it has changed.
    Nothing,
    /// Never seen, failed before, or its stored image is lost.
    Import,
    /// Imported before, but the file, its prompt or what is known against it has changed.
    Replace,
}

/// Says for each candidate what is to be done. A file that failed is always tried again.
#[must_use]
pub fn plan_import(candidates: &[CandidateFile], known: &BTreeMap<String, KnownFile>) -> Vec<FileWork> {
    let work = |candidate: &CandidateFile| match known.get(&candidate.source) {
        None => FileWork::Import,
        Some(file) if file.image.is_none() => FileWork::Import,
        Some(file) if is_unchanged(candidate, file) => FileWork::Nothing,
        Some(_) => FileWork::Replace,
    };
    candidates.iter().map(work).collect()
}

fn is_unchanged(candidate: &CandidateFile, known: &KnownFile) -> bool {
    // These notes come from where the file lies, the others from its bytes.
    let of_place = |notes: &[ImageNote]| {
        [
            ImageNote::NoMetadata,
            ImageNote::NotPng,
            ImageNote::RewrittenPrompt,
            ImageNote::FurtherKeys,
            ImageNote::SourceGone,
        ]
        .map(|note| notes.contains(&note))
    };
    candidate.stamp == Some(known.stamp)
        && candidate.id == known.id
        && candidate.rejected.is_none()
        && of_place(&candidate.notes) == of_place(&known.notes)
        && candidate.rewritten_prompt == known.rewritten_prompt
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgeval_core::{CaseId, ContentHash, Failure, FailureKind, ImageFormat, ImageRef, SampleId};
    use imgeval_store::FileStamp;
    use proptest::prelude::*;

    fn candidate(index: usize, size: i64) -> CandidateFile {
        CandidateFile {
            source: format!("{index:05}.png"),
            path: format!("{index:05}.png").into(),
            id: SampleId::new(CaseId::new(format!("{index:05}")), 0),
            stamp: Some(FileStamp { size, modified_ns: 7 }),
            rejected: None,
            notes: vec![],
            rewritten_prompt: None,
        }
    }

    fn known(candidate: &CandidateFile) -> KnownFile {
        KnownFile {
            stamp: candidate.stamp.unwrap(),
            id: candidate.id.clone(),
            notes: vec![ImageNote::Alpha],
            rewritten_prompt: candidate.rewritten_prompt.clone(),
            image: Some(ImageRef { hash: ContentHash::of(b"image"), format: ImageFormat::Png }),
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
                    known.insert(candidate.source.clone(), self::known(candidate));
                    n_imports += 1;
                }
            }
            prop_assert_eq!(n_imports, n);
            prop_assert!(plan_import(&candidates, &known).iter().all(|work| *work == FileWork::Nothing));
        }
    }

    fn check(change: impl Fn(&mut CandidateFile, &mut KnownFile), expected: FileWork) {
        let mut candidate = candidate(0, 10);
        let mut file = known(&candidate);
        change(&mut candidate, &mut file);
        let known = BTreeMap::from([(candidate.source.clone(), file)]);
        assert_eq!(plan_import(&[candidate], &known), [expected]);
    }

    #[test]
    fn whatever_changes_is_taken_again() {
        check(|_, _| {}, FileWork::Nothing);
        check(|_, file| file.image = None, FileWork::Import);
        check(|candidate, _| candidate.stamp = None, FileWork::Replace);
        check(|_, file| file.stamp.size = 11, FileWork::Replace);
        check(|candidate, _| candidate.id.ordinal = 1, FileWork::Replace);
        for note in [ImageNote::NoMetadata, ImageNote::RewrittenPrompt, ImageNote::FurtherKeys] {
            check(|candidate, _| candidate.notes.push(note), FileWork::Replace);
        }
        check(
            |candidate, _| candidate.rewritten_prompt = Some("a cat, in oil".to_owned()),
            FileWork::Replace,
        );
        check(|_, file| file.rewritten_prompt = Some("a cat, in oil".to_owned()), FileWork::Replace);
        let failure = Failure { kind: FailureKind::WrongMetadata, detail: String::new() };
        check(|candidate, _| candidate.rejected = Some(failure.clone()), FileWork::Replace);
    }
}
