//! `cases.jsonl`: the cases of a run, one JSON object a line. New cases come behind the old ones, which stay byte for byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use imgeval_core::CaseId;
use imgeval_files::OwnFolder;

use crate::{ListedCase, StoreError};

const NAME: &str = "cases.jsonl";

/// A longer listing is refused.
const MAX_BYTES: u64 = 1 << 30;

/// The cases of a run as they are to be written.
#[derive(Debug, Clone)]
pub struct CaseListing {
    text: String,
}

/// The cases on record, in order.
pub(crate) fn read_cases(directory: &Path) -> Result<Vec<ListedCase>, StoreError> {
    parse(directory, &read_text(directory)?)
}

fn read_text(directory: &Path) -> Result<String, StoreError> {
    let path = directory.join(NAME);
    imgeval_files::read_text(&path, MAX_BYTES).map_err(StoreError::io("read", &path))
}

fn parse(directory: &Path, text: &str) -> Result<Vec<ListedCase>, StoreError> {
    let case = |(index, line): (usize, &str)| {
        let damaged =
            |detail| StoreError::DamagedLine { path: directory.join(NAME), line: index + 1, detail };
        ListedCase::parse(line).map_err(damaged)
    };
    text.lines().enumerate().map(case).collect()
}

/// The cases on record with the new ones behind them. Without a result, cases may change: then only the new ones are left.
pub(crate) fn merge(
    directory: &Path,
    cases: &[ListedCase],
    has_result: impl FnOnce() -> Result<bool, StoreError>,
) -> Result<CaseListing, StoreError> {
    let mut text = match read_text(directory) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let known = parse(directory, &text)?;
    let known: BTreeMap<&CaseId, &ListedCase> = known.iter().map(|case| (&case.id, case)).collect();
    let has_changed = |case: &&ListedCase| known.get(&case.id).is_some_and(|known| !case.is_same_as(known));
    if let Some(changed) = cases.iter().find(has_changed) {
        if has_result()? {
            return Err(StoreError::CaseChanged { id: changed.id.clone() });
        }
        return Ok(CaseListing { text: cases.iter().map(ListedCase::render).collect() });
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let known: BTreeSet<&CaseId> = known.into_keys().collect();
    text.extend(cases.iter().filter(|case| !known.contains(&case.id)).map(ListedCase::render));
    Ok(CaseListing { text })
}

/// Writes the listing next to the manifest, completely or not at all.
pub(crate) fn write(directory: &Path, listing: &CaseListing) -> Result<(), StoreError> {
    OwnFolder::open(directory)
        .and_then(|run| run.write_whole(NAME, listing.text.as_bytes()))
        .map_err(StoreError::io("write", &directory.join(NAME)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ListedRound;

    fn case(id: &str, prompt: &str) -> ListedCase {
        let rounds = vec![ListedRound { prompt: prompt.to_owned(), images: vec![], mask: None }];
        ListedCase { id: CaseId::new(id), tag: String::new(), rounds, facts: BTreeMap::new() }
    }

    fn merge_into(directory: &Path, cases: &[ListedCase], has_result: bool) -> Result<(), StoreError> {
        write(directory, &merge(directory, cases, || Ok(has_result))?)
    }

    #[test]
    fn cases_of_earlier_calls_stay_and_may_not_change_once_there_is_a_result() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path();
        assert!(matches!(read_cases(directory), Err(StoreError::Io { .. })));
        merge_into(directory, &[case("a", "one"), case("b", "two")], false).unwrap();
        merge_into(directory, &[case("c", "three"), case("a", "one")], true).unwrap();
        let ids = |cases: Vec<ListedCase>| -> Vec<String> {
            cases.iter().map(|case| case.id.as_str().to_owned()).collect()
        };
        assert_eq!(ids(read_cases(directory).unwrap()), ["a", "b", "c"]);

        let before = fs::read(directory.join(NAME)).unwrap();
        let error = merge_into(directory, &[case("d", "four"), case("b", "other")], true).unwrap_err();
        assert!(matches!(&error, StoreError::CaseChanged { id } if id.as_str() == "b"), "{error}");
        assert_eq!(fs::read(directory.join(NAME)).unwrap(), before);
        merge_into(directory, &[case("d", "four"), case("b", "other")], false).unwrap();
        assert_eq!(ids(read_cases(directory).unwrap()), ["d", "b"]);
    }

    #[test]
    fn a_line_that_is_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), case("a", "one").render() + "{\n").unwrap();
        for error in [
            read_cases(folder.path()).map(drop).unwrap_err(),
            merge_into(folder.path(), &[case("b", "two")], true).unwrap_err(),
        ] {
            assert!(matches!(&error, StoreError::DamagedLine { line: 2, .. }), "{error}");
            assert!(error.to_string().contains("cases.jsonl`, line 2: "), "{error}");
        }
    }
}
