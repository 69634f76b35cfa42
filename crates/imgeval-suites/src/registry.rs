//! Every suite that there is. Adding one is a folder of this crate and a line here.

use crate::{
    files::{FetchedSource, SuiteError},
    gedit,
    geneval::Geneval,
    own_cases::OwnCases,
    reason_edit::ReasonEdit,
    rounds::own::Rounds,
    suite::{Suite, SuiteRef},
    weaknesses::Weaknesses,
    wise,
};

/// In the order in which they are listed.
static SUITES: &[&dyn Suite] = &[
    &Geneval,
    &wise::LEGACY,
    &wise::LEGACY_REWRITE,
    &wise::VERIFIED,
    &ReasonEdit,
    &gedit::EN,
    &gedit::CN,
    &Weaknesses,
    &Rounds,
];

/// A file of cases is a suite too, but has no name that one could ask for.
static OWN_CASES: OwnCases = OwnCases;

/// The suites that can be asked for by name.
pub fn all() -> impl Iterator<Item = SuiteRef> {
    SUITES.iter().map(|suite| SuiteRef(*suite))
}

/// The suite of a run, by the name in its manifest.
#[must_use]
pub fn find(id: &str) -> Option<SuiteRef> {
    all().chain([own_cases()]).find(|suite| suite.id() == id)
}

/// The suite of cases of the user's own.
#[must_use]
pub fn own_cases() -> SuiteRef {
    SuiteRef(&OWN_CASES)
}

/// The suite that a command takes where none is named.
#[must_use]
pub fn default_suite() -> SuiteRef {
    SuiteRef(&Geneval)
}

/// Where suites are fetched from, each once.
#[must_use]
pub fn sources() -> Vec<&'static FetchedSource> {
    let mut sources: Vec<&FetchedSource> = Vec::new();
    for source in all().filter_map(|suite| suite.facts().source_data) {
        if !sources.iter().any(|known| known.name == source.name) {
            sources.push(source);
        }
    }
    sources
}

/// Whether a script of another version than the pinned one can be used by the suites that take a protocol from it.
///
/// # Errors
/// If one of them cannot.
pub fn check_script(source: &FetchedSource, path: &str, bytes: &[u8]) -> Result<(), SuiteError> {
    let of_source = |suite: &SuiteRef| suite.facts().source_data.is_some_and(|of| of.name == source.name);
    all().filter(of_source).filter_map(|suite| suite.check_script(path, bytes)).collect()
}

/// The suite that protocols of this name are for.
#[must_use]
pub fn find_judged(protocol_suite: &str) -> Option<SuiteRef> {
    let is_for =
        |suite: &SuiteRef| suite.judged().is_some_and(|facts| facts.protocol_suite == protocol_suite);
    // Other suites of checks ask by the protocols of own cases.
    [own_cases()].into_iter().chain(all()).find(is_for)
}

/// The names that protocols may give as their suite, for messages.
#[must_use]
pub fn protocol_suites() -> String {
    let mut names: Vec<&str> = Vec::new();
    for facts in all().filter_map(SuiteRef::judged) {
        if !names.contains(&facts.protocol_suite) {
            names.push(facts.protocol_suite);
        }
    }
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The ids of all protocols, each with a suite that it belongs to.
#[must_use]
pub fn protocols() -> Vec<(&'static str, SuiteRef)> {
    let mut protocols: Vec<(&str, SuiteRef)> = Vec::new();
    for suite in all() {
        for id in suite.judged().map_or(&[][..], |facts| facts.protocols) {
            if !protocols.iter().any(|(known, _)| known == id) {
                protocols.push((id, suite));
            }
        }
    }
    protocols
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn suites_are_found_by_their_ids_and_each_id_is_there_once() {
        let ids: Vec<&str> = all().map(SuiteRef::id).collect();
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(find(id).unwrap().id(), *id);
            assert!(!ids[place + 1..].contains(id), "{id}");
        }
        assert_eq!(find("nonsense"), None);
    }

    #[test]
    fn published_rows_have_a_value_for_each_column_and_an_overall_score() {
        for suite in all() {
            let Some(published) = suite.published() else { continue };
            let scheme = suite.scheme(&BTreeMap::new());
            let totals = scheme.totals.iter().filter(|total| total.has_column).count();
            let n_columns = scheme.parts.len() + totals;
            for row in &published.rows {
                assert_eq!(row.values.len(), n_columns, "{suite:?}: {}", row.model);
                let overall = if suite.facts().is_overall_first { 0 } else { n_columns - 1 };
                assert!(row.values[overall].is_some(), "{suite:?}: {}", row.model);
            }
            assert!(!published.source.is_empty() && !published.unknown.is_empty(), "{suite:?}");
        }
    }

    #[test]
    fn keys_of_random_streams_are_not_shared_by_parts() {
        for suite in all() {
            let scheme = suite.scheme(&BTreeMap::new());
            let mut keys: Vec<u64> = scheme.parts.iter().map(|part| part.key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), scheme.parts.len(), "{suite:?}");
        }
    }
}
