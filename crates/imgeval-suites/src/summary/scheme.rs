//! How a suite's scores are computed from those of its cases: its parts, and their combination.

use std::cmp::Ordering;

/// Parts and totals of a suite, in the order of its table.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme {
    pub parts: Vec<PartRule>,
    /// At least one; the last is the overall score.
    pub totals: Vec<TotalRule>,
}

/// A group of cases with a score of its own: a tag, a category, a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct PartRule {
    pub name: String,
    /// The heading of its column in a score board.
    pub column: String,
    /// Names its stream of random numbers: intervals depend on it.
    pub key: u64,
    /// Its share of the overall score relative to the other parts; `None` where every image counts the same.
    pub weight: Option<f64>,
}

/// A score over several parts.
#[derive(Debug, Clone, PartialEq)]
pub struct TotalRule {
    pub name: String,
    /// Whether a score board has a column for it.
    pub has_column: bool,
    pub combine: Combine,
}

/// How a score over several parts is computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Combine {
    /// The mean of those parts that have a score, each counting the same.
    MeanOfParts,
    /// The sum of all parts' scores times their weights; withheld as long as a part has none.
    WeightedParts,
    /// The mean over the images of these parts, by their places in the scheme.
    EveryImage { key: u64, parts: Vec<usize> },
}

impl Scheme {
    /// The part of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.parts.iter().position(|part| part.name == name)
    }
}

/// The order in which cases are summed: by number where ids are numbers, else by name. Sums of floating-point numbers and
/// resampled intervals depend on it.
pub(super) fn compare_ids(a: &str, b: &str) -> Ordering {
    let number = |id: &str| id.parse::<u64>().ok();
    match (number(a), number(b)) {
        (Some(first), Some(second)) => first.cmp(&second).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}
