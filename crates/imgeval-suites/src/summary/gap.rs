//! How much better one run of a suite scores than another of the same cases, case by case.

use std::collections::BTreeMap;

use imgeval_metrics::{BootstrapSettings, PairedDifference, PairedStratum, paired_difference};

use super::Summary;

/// Second minus first, over the cases that both have.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// By places in the scheme; parts without such cases are left out.
    pub parts: Vec<(usize, PairedDifference)>,
    /// By the parts' weights; `None` unless every part has a difference.
    pub overall: Option<PairedDifference>,
    /// Cases that only one of the two has.
    pub n_unpaired: usize,
}

/// Compares case by case; the interval resamples cases within their part. `None` if the two are not of one scheme.
#[must_use]
pub fn compute_gap(first: &Summary, second: &Summary, settings: BootstrapSettings) -> Option<Gap> {
    if first.scheme != second.scheme {
        return None;
    }
    let mut differences: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut n_paired = 0;
    for (id, (part, before, _)) in &first.cases {
        let Some((_, after, _)) = second.cases.get(id) else { continue };
        differences.entry(*part).or_default().push(after - before);
        n_paired += 1;
    }
    let strata: Vec<(usize, PairedStratum)> = differences
        .into_iter()
        .map(|(part, differences)| {
            let rule = &first.scheme.parts[part];
            (part, PairedStratum { key: rule.key, weight: rule.weight.unwrap_or(1.0), differences })
        })
        .collect();
    let alone = |(part, stratum): &(usize, PairedStratum)| {
        let stratum = PairedStratum { weight: 1.0, ..stratum.clone() };
        paired_difference(&[stratum], settings).map(|difference| (*part, difference))
    };
    let parts = strata.iter().filter_map(alone).collect();
    let has_all = strata.len() == first.scheme.parts.len();
    let strata: Vec<PairedStratum> = strata.into_iter().map(|(_, stratum)| stratum).collect();
    Some(Gap {
        parts,
        overall: paired_difference(&strata, settings).filter(|_| has_all),
        n_unpaired: first.cases.len() + second.cases.len() - 2 * n_paired,
    })
}
