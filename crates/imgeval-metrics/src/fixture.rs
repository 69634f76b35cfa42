//! Reads reference values that scripts/reference wrote: cases of named rows of numbers.

use std::collections::BTreeMap;

pub(crate) struct Case {
    pub(crate) name: String,
    rows: BTreeMap<String, Vec<f64>>,
}

impl Case {
    pub(crate) fn get(&self, name: &str) -> &[f64] {
        self.rows.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.rows.contains_key(name)
    }

    pub(crate) fn whole_numbers(&self, name: &str) -> Vec<usize> {
        self.get(name).iter().map(|number| *number as usize).collect()
    }

    /// For tables of features.
    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        self.get(name).iter().map(|number| *number as f32).collect()
    }
}

/// A line `case NAME` begins a case, every other line is `NAME NUMBERS`.
pub(crate) fn parse_cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(' ').unwrap();
        if name == "case" {
            cases.push(Case { name: rest.to_owned(), rows: BTreeMap::new() });
        } else {
            let numbers = rest.split(' ').map(|number| number.parse().unwrap()).collect();
            assert!(cases.last_mut().unwrap().rows.insert(name.to_owned(), numbers).is_none());
        }
    }
    assert!(!cases.is_empty());
    cases
}

/// `tolerance` is relative to the expected number, or to `floor` where that is larger.
pub(crate) fn check_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64, floor: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs() / expected.abs().max(floor);
        assert!(difference < tolerance, "{what} {place}: {found} instead of {expected}");
    }
}
