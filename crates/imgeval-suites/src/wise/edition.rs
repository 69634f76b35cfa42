//! The two editions: categories, weights and the score of one image.

/// The paper's protocol, and the revised one of April 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    Legacy,
    Verified,
}

impl Edition {
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Verified];

    /// The name of its suite.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "wise-legacy",
            Self::Verified => "wise-verified",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|edition| edition.name() == name)
    }
}

/// In the official order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    Culture,
    Time,
    Space,
    Biology,
    Physics,
    Chemistry,
}

impl Category {
    pub const ALL: [Self; 6] =
        [Self::Culture, Self::Time, Self::Space, Self::Biology, Self::Physics, Self::Chemistry];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Culture => "culture",
            Self::Time => "time",
            Self::Space => "space",
            Self::Biology => "biology",
            Self::Physics => "physics",
            Self::Chemistry => "chemistry",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// First and last prompt id (docs/methods.md 3.1 and 3.2).
    #[must_use]
    pub fn prompt_ids(self, edition: Edition) -> (u32, u32) {
        match (edition, self) {
            (_, Self::Culture) => (1, 400),
            (Edition::Legacy, Self::Time) => (401, 567),
            (Edition::Legacy, Self::Space) => (568, 700),
            (Edition::Legacy, Self::Biology) => (701, 800),
            (Edition::Legacy, Self::Physics) => (801, 900),
            (Edition::Legacy, Self::Chemistry) => (901, 1_000),
            (Edition::Verified, Self::Time) => (401, 520),
            (Edition::Verified, Self::Space) => (521, 640),
            (Edition::Verified, Self::Biology) => (641, 760),
            (Edition::Verified, Self::Physics) => (761, 880),
            (Edition::Verified, Self::Chemistry) => (881, 1_000),
        }
    }

    /// `None` outside 1 to 1000.
    #[must_use]
    pub fn of(edition: Edition, prompt_id: u32) -> Option<Self> {
        let holds = |category: &Self| {
            let (first, last) = category.prompt_ids(edition);
            (first..=last).contains(&prompt_id)
        };
        Self::ALL.into_iter().find(holds)
    }

    /// Its share of the overall score; the shares of an edition sum to 1.
    #[must_use]
    pub fn weight(self, edition: Edition) -> f64 {
        match (edition, self) {
            (_, Self::Culture) => 0.4,
            (Edition::Legacy, Self::Time) => 0.167,
            (Edition::Legacy, Self::Space) => 0.133,
            (Edition::Legacy, Self::Biology | Self::Physics | Self::Chemistry) => 0.1,
            (Edition::Verified, _) => 0.12,
        }
    }
}

/// What a judge gave one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WiseScore {
    /// Each from 0 to 2.
    Legacy { consistency: f64, realism: f64, aesthetic: f64 },
    /// 0 or 1.
    Verified { score: f64 },
}

impl WiseScore {
    #[must_use]
    pub fn edition(self) -> Edition {
        match self {
            Self::Legacy { .. } => Edition::Legacy,
            Self::Verified { .. } => Edition::Verified,
        }
    }

    /// In [0, 1]: the WiScore, or the score itself.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Legacy { consistency, realism, aesthetic } => wi_score(consistency, realism, aesthetic),
            Self::Verified { score } => score,
        }
    }
}

/// WiScore, operation by operation as the official calculators compute it.
#[must_use]
pub fn wi_score(consistency: f64, realism: f64, aesthetic: f64) -> f64 {
    (0.7 * consistency + 0.2 * realism + 0.1 * aesthetic) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_part_the_prompts_and_their_weights_sum_to_one() {
        for edition in Edition::ALL {
            let mut next = 1;
            for category in Category::ALL {
                let (first, last) = category.prompt_ids(edition);
                assert_eq!(first, next, "{category:?}");
                assert_eq!(Category::of(edition, last), Some(category));
                // The weight is the share of prompts, rounded to three digits by the authors.
                let share = f64::from(last + 1 - first) / 1_000.0;
                assert!((category.weight(edition) - share).abs() < 1e-9, "{category:?}");
                next = last + 1;
            }
            assert_eq!(next, 1_001);
            assert_eq!((Category::of(edition, 0), Category::of(edition, 1_001)), (None, None));
            let total: f64 = Category::ALL.iter().map(|category| category.weight(edition)).sum();
            assert!((total - 1.0).abs() < 1e-9);
        }
    }
}
