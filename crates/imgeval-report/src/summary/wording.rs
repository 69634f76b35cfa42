//! What intervals allow to say.
//!
//! - A model scores higher than another only if the interval of their difference lies above 0, and lower only if it lies
//!   below. Otherwise there is no significant difference.
//! - A model is best at a part only if the part's interval lies above the interval of every other part. Where several parts
//!   overlap each other but lie above all others, they are named together. If no part or group does, no part stands out.
//!   Worst is the same from below.
//! - A part without an interval may lie anywhere, so beside it nothing stands out.
//! - What is missing widens the interval of a part by all that the missing scores could be.

use crate::number::decimal;

/// Decimals of scores in sentences, unless an end of an interval needs more to keep its sign.
const DECIMALS: usize = 3;
/// More digits say nothing.
const MOST_DECIMALS: usize = 9;
/// Names that a sentence lists; more are counted.
const MOST_NAMES: usize = 3;

/// Where a number may lie, at 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Range {
    /// `None` unless both ends are numbers in their order.
    pub(super) fn new(low: f64, high: f64) -> Option<Self> {
        (low.is_finite() && high.is_finite() && low <= high).then_some(Self { low, high })
    }

    fn is_above(self, other: Self) -> bool {
        self.low > other.high
    }

    fn flipped(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }

    fn text(self, unit: Unit) -> String {
        format!("95 % CI {} to {}", unit.number(self.low), unit.number(self.high))
    }
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// In [0, 1].
    Score,
    /// Shares as percent, differences as percentage points.
    Percent,
}

impl Unit {
    /// An end of an interval that is not 0 is never shown as 0.
    fn number(self, value: f64) -> String {
        let (value, first) = match self {
            Self::Score => (value, DECIMALS),
            Self::Percent => (100.0 * value, 0),
        };
        let is_zero = |text: &str| text.chars().all(|digit| matches!(digit, '0' | '.' | '-'));
        let texts = (first..=MOST_DECIMALS).map(|decimals| decimal(value, decimals));
        let mut shown = decimal(value, first);
        if value != 0.0 {
            shown = texts.into_iter().find(|text| !is_zero(text)).unwrap_or(shown);
        }
        shown
    }

    fn value(self, value: f64) -> String {
        match self {
            Self::Score => self.number(value),
            Self::Percent => format!("{} %", self.number(value)),
        }
    }

    fn difference(self, value: f64) -> String {
        match self {
            Self::Score => self.number(value),
            Self::Percent => format!("{} percentage points", self.number(value)),
        }
    }
}

/// A value and where it may lie.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) range: Option<Range>,
}

/// The difference to another model: this one less the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Against {
    pub(super) name: String,
    pub(super) difference: f64,
    pub(super) range: Option<Range>,
}

/// What the interval of a difference shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Higher,
    Lower,
    /// The interval includes 0, or there is none.
    Open,
}

impl Against {
    pub(super) fn order(&self) -> Order {
        match self.range {
            Some(range) if range.low > 0.0 => Order::Higher,
            Some(range) if range.high < 0.0 => Order::Lower,
            _ => Order::Open,
        }
    }
}

/// First and last rank among the models that were compared: one more than those that are higher, and all but those that are
/// lower.
pub(super) fn rank_among(others: &[Against]) -> (usize, usize) {
    let count = |wanted: Order| others.iter().filter(|other| other.order() == wanted).count();
    (1 + count(Order::Lower), 1 + others.len() - count(Order::Higher))
}

/// `1`, or `1-2` where the order is within the noise.
pub(super) fn rank_text((first, last): (usize, usize)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// `0.842 (95 % CI 0.820 to 0.861)`.
pub(super) fn value_text(value: f64, range: Option<Range>, unit: Unit) -> String {
    let interval = range.map_or_else(|| "no interval".to_owned(), |range| range.text(unit));
    format!("{} ({interval})", unit.value(value))
}

/// How the model stands to all others that it was compared with; nothing if there are none.
pub(super) fn order_sentences(others: &[Against], unit: Unit) -> Vec<String> {
    let of = |wanted: Order| others.iter().filter(move |other| other.order() == wanted);
    let mut sentences = Vec::new();
    for (order, word) in [(Order::Higher, "higher"), (Order::Lower, "lower")] {
        let named: Vec<String> = of(order).map(|other| difference_text(other, unit)).collect();
        if !named.is_empty() {
            sentences.push(format!("Scores {word} than {}.", listed(&named)));
        }
    }
    let open: Vec<String> = of(Order::Open).map(|other| other.name.clone()).collect();
    if !open.is_empty() {
        sentences.push(format!("No significant difference from {}.", listed(&open)));
    }
    sentences
}

/// The size of a difference, without its sign.
fn difference_text(other: &Against, unit: Unit) -> String {
    let is_lower = other.order() == Order::Lower;
    let range = other.range.map(|range| if is_lower { range.flipped() } else { range });
    let by = unit.difference(other.difference.abs());
    match range {
        Some(range) => format!("{} (by {by}, {})", other.name, range.text(unit)),
        None => format!("{} (by {by})", other.name),
    }
}

/// At what the model is best and worst, as far as the intervals of its parts show it; nothing of fewer than two parts.
pub(super) fn part_sentence(parts: &[Measured], unit: Unit) -> Option<String> {
    if parts.len() < 2 {
        return None;
    }
    let (best, worst) = (apart(parts, false), apart(parts, true));
    let named = |group: &[usize]| {
        let one = |place: &usize| {
            format!("{} {}", parts[*place].name, value_text(parts[*place].value, parts[*place].range, unit))
        };
        listed_all(&group.iter().map(one).collect::<Vec<_>>())
    };
    Some(match (best.as_slice(), worst.as_slice()) {
        ([], []) => "No part stands out.".to_owned(),
        (best, worst) if best.len() + worst.len() == parts.len() => {
            format!("Better at {} than at {}.", named(best), named(worst))
        }
        (best, []) => format!("Best at {}; no part stands out as worst.", named(best)),
        ([], worst) => format!("Worst at {}; no part stands out as best.", named(worst)),
        (best, worst) => format!("Best at {}, worst at {}.", named(best), named(worst)),
    })
}

/// The smallest group of parts that lie above (or below) all others, as far as it is at most half of them; best first.
fn apart(parts: &[Measured], is_below: bool) -> Vec<usize> {
    let ranges: Option<Vec<Range>> = parts.iter().map(|part| part.range).collect();
    let Some(ranges) = ranges else { return Vec::new() };
    let directed = |place: usize| if is_below { ranges[place].flipped() } else { ranges[place] };
    let mut places: Vec<usize> = (0..parts.len()).collect();
    // By the lower ends: a group lies above the rest only if all of its lower ends do.
    places.sort_by(|a, b| directed(*b).low.total_cmp(&directed(*a).low).then(a.cmp(b)));
    let lies_apart = |size: &usize| {
        let (group, others) = places.split_at(*size);
        group.iter().all(|place| others.iter().all(|other| directed(*place).is_above(directed(*other))))
    };
    let size = (1..=parts.len() / 2).find(lies_apart).unwrap_or(0);
    places.truncate(size);
    places
}

/// What is missing, and where the score would lie.
pub(super) fn missing_sentence(
    n_missing: usize,
    n_all: usize,
    bounds: Option<(f64, f64)>,
    unit: Unit,
) -> Option<String> {
    if n_missing == 0 {
        return None;
    }
    let verb = if n_missing == 1 { "is" } else { "are" };
    let bounds = bounds.and_then(|(low, high)| Range::new(low, high)).map_or_else(String::new, |range| {
        format!(
            ": from {} if all of them were 0 to {} if all were 1",
            unit.value(range.low),
            unit.value(range.high)
        )
    });
    Some(format!("{n_missing} of {n_all} scores {verb} missing{bounds}."))
}

/// A few names; more are counted.
fn listed(names: &[String]) -> String {
    match names.len().checked_sub(MOST_NAMES) {
        None | Some(0) => listed_all(names),
        Some(1) => format!("{}, and 1 other", names[..MOST_NAMES].join(", ")),
        Some(more) => format!("{}, and {more} others", names[..MOST_NAMES].join(", ")),
    }
}

pub(super) fn listed_all(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} and {second}"),
        [before @ .., last] => format!("{}, and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests;
