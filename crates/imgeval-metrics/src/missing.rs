//! What the score could be if the images that are missing had been there.

use imgeval_core::{Estimate, Interval, IntervalMethod};

use crate::{BootstrapSettings, Cluster, Stratum, estimate_weighted_strata};

/// One prompt: what was seen, and how many images are missing. Together there is at least one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncompleteCluster {
    pub seen: Cluster,
    pub n_missing: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IncompletePart {
    /// Names the part's random stream.
    pub key: u64,
    /// Its share of the overall score; the shares sum to 1.
    pub weight: f64,
    pub prompts: Vec<IncompleteCluster>,
}

/// How far the score could lie from the ordinary estimate if what is missing is missing for a reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorstCase {
    /// The score if all that is missing were wrong, and if all of it were right (Manski 1990).
    pub bounds: (f64, f64),
    /// From the lower end of the 95 % interval of the first to the upper end of that of the second (Horowitz and Manski
    /// 2000). Holds the true score at least 95 times of 100, whatever the missing images would have shown.
    pub interval: Interval,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WorstCases {
    /// In the order of the input.
    pub parts: Vec<WorstCase>,
    pub overall: WorstCase,
}

/// Bounds and worst-case intervals of each part and overall, to be shown beside the ordinary estimate, not for it.
///
/// Without anything missing the interval is the ordinary one. `None` if there is no part, or an empty one, or a prompt of which
/// nothing was seen and nothing is missing.
#[must_use]
pub fn bound_missing(parts: &[IncompletePart], settings: BootstrapSettings) -> Option<WorstCases> {
    let weights: Vec<f64> = parts.iter().map(|part| part.weight).collect();
    let estimate = |of_missing: f64| {
        let fill = |prompt: &IncompleteCluster| Cluster {
            sum: prompt.seen.sum + of_missing * prompt.n_missing as f64,
            n: prompt.seen.n + prompt.n_missing,
        };
        let strata: Option<Vec<Stratum>> = parts
            .iter()
            .map(|part| Stratum::new(part.key, part.prompts.iter().map(fill).collect()))
            .collect();
        estimate_weighted_strata(&strata?, &weights, settings)
    };
    let (all_wrong, all_right) = (estimate(0.0)?, estimate(1.0)?);
    let worst_case = |low: Estimate, high: Estimate| WorstCase {
        bounds: (low.value, high.value),
        interval: Interval {
            low: low.interval.low,
            high: high.interval.high,
            method: IntervalMethod::WorstCaseMissing,
        },
    };
    Some(WorstCases {
        parts: all_wrong
            .strata
            .iter()
            .zip(&all_right.strata)
            .map(|(low, high)| worst_case(*low, *high))
            .collect(),
        overall: worst_case(all_wrong.overall?, all_right.overall?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(n_missing: usize) -> IncompletePart {
        let prompt = |index: usize| IncompleteCluster {
            seen: Cluster { sum: (index % 4) as f64, n: 3 },
            n_missing: if index.is_multiple_of(2) { n_missing } else { 0 },
        };
        IncompletePart { key: 1, weight: 1.0, prompts: (0..40).map(prompt).collect() }
    }

    #[test]
    fn the_interval_reaches_from_all_wrong_to_all_right() {
        let settings = BootstrapSettings { seed: 1, replicates: 2_000 };
        let whole = bound_missing(&[part(0)], settings).unwrap().overall;
        let clusters = part(0).prompts.iter().map(|prompt| prompt.seen).collect();
        let ordinary = estimate_weighted_strata(&[Stratum::new(1, clusters).unwrap()], &[1.0], settings);
        let ordinary = ordinary.unwrap().overall.unwrap();
        assert_eq!(whole.bounds, (ordinary.value, ordinary.value));
        assert_eq!(
            (whole.interval.low, whole.interval.high),
            (ordinary.interval.low, ordinary.interval.high)
        );
        // 60 of 120 images were right; 20 more are missing.
        let lacking = bound_missing(&[part(1)], settings).unwrap();
        assert_eq!(lacking.overall.bounds, (60.0 / 140.0, 80.0 / 140.0));
        assert_eq!(lacking.parts[0].bounds, lacking.overall.bounds);
        assert!(lacking.overall.interval.low < whole.interval.low);
        assert!(lacking.overall.interval.high > whole.interval.high);
        assert_eq!(lacking.overall.interval.method, IntervalMethod::WorstCaseMissing);
    }

    #[test]
    fn a_part_of_which_nothing_was_seen_may_be_anything() {
        let prompts = vec![IncompleteCluster { seen: Cluster { sum: 0.0, n: 0 }, n_missing: 4 }; 20];
        let unseen = IncompletePart { key: 2, weight: 0.5, prompts };
        let cases =
            bound_missing(&[unseen, IncompletePart { weight: 0.5, ..part(0) }], BootstrapSettings::default());
        let cases = cases.unwrap();
        assert_eq!(cases.parts[0].bounds, (0.0, 1.0));
        assert_eq!((cases.parts[0].interval.low, cases.parts[0].interval.high), (0.0, 1.0));
        assert!((cases.overall.bounds.1 - cases.overall.bounds.0 - 0.5).abs() < 1e-12);
        assert_eq!(bound_missing(&[], BootstrapSettings::default()), None);
    }
}
