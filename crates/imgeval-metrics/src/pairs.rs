//! Prompts that two runs share: differences, their spread and their resamples.

use rand_pcg::Pcg64;

use crate::{Cluster, clustered::count_varying, resampling::draw_index};

/// One prompt in both runs; each has at least one image of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedCluster {
    pub a: Cluster,
    pub b: Cluster,
}

impl PairedCluster {
    /// The mean over images of a minus that of b.
    pub(crate) fn difference(self) -> f64 {
        self.a.mean() - self.b.mean()
    }
}

/// Sums over the pairs of a part.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    a: f64,
    n_a: f64,
    b: f64,
    n_b: f64,
}

impl Sums {
    fn of(pairs: &[PairedCluster]) -> Self {
        let mut sums = Self::default();
        for pair in pairs {
            sums.add(&Self::of_pair(pair));
        }
        sums
    }

    fn of_pair(pair: &PairedCluster) -> Self {
        Self { a: pair.a.sum, n_a: pair.a.n as f64, b: pair.b.sum, n_b: pair.b.n as f64 }
    }

    fn add(&mut self, other: &Self) {
        self.a += other.a;
        self.n_a += other.n_a;
        self.b += other.b;
        self.n_b += other.n_b;
    }

    /// The mean over images of a minus that of b.
    fn difference(self) -> f64 {
        self.a / self.n_a - self.b / self.n_b
    }
}

/// A part's pairs, with what each contributes to the difference.
pub(crate) struct Linearised {
    pub(crate) difference: f64,
    /// One for each pair, of mean `difference`: the prompt's own difference where all prompts have equally many images,
    /// else that of the ratio of sums in first order (Cochran 1977, 6.3).
    pub(crate) contributions: Vec<f64>,
    /// The same, of the same mean, about one score for both runs, as tests of "no difference" need it.
    pub(crate) null_contributions: Vec<f64>,
    sums: Vec<Sums>,
}

impl Linearised {
    pub(crate) fn new(pairs: &[PairedCluster]) -> Self {
        let sums = Sums::of(pairs);
        let difference = sums.difference();
        let count = pairs.len() as f64;
        let (mean_a, mean_b) = (sums.a / sums.n_a, sums.b / sums.n_b);
        let contribution = |pair: &PairedCluster, mean_a: f64, mean_b: f64| {
            let of_a = (pair.a.sum - mean_a * pair.a.n as f64) * count / sums.n_a;
            let of_b = (pair.b.sum - mean_b * pair.b.n as f64) * count / sums.n_b;
            of_a - of_b
        };
        let middle = (mean_a + mean_b) / 2.0;
        Self {
            difference,
            contributions: pairs.iter().map(|pair| difference + contribution(pair, mean_a, mean_b)).collect(),
            null_contributions: pairs.iter().map(|pair| contribution(pair, middle, middle)).collect(),
            sums: pairs.iter().map(Sums::of_pair).collect(),
        }
    }

    pub(crate) fn n(&self) -> usize {
        self.contributions.len()
    }

    /// The variance of one prompt's contribution; 0 for a single pair.
    pub(crate) fn variance(&self) -> f64 {
        let squares = self.contributions.iter().map(|value| (value - self.difference).powi(2)).sum::<f64>();
        squares / (self.n().max(2) - 1) as f64
    }

    /// How many pairs do not contribute what most do.
    pub(crate) fn n_varying(&self) -> usize {
        count_varying(&self.contributions)
    }

    /// The difference of one resample.
    pub(crate) fn resample(&self, generator: &mut Pcg64) -> f64 {
        let mut sums = Sums::default();
        for _ in 0..self.n() {
            sums.add(&self.sums[draw_index(generator, self.n())]);
        }
        sums.difference()
    }
}
