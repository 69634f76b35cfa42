//! Random numbers by address: what is drawn depends on the seed and on what it is for, never on what was drawn before. So a
//! resumed training draws what an uninterrupted one would.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use sha2::{Digest, Sha256};

/// What a stream is for.
pub(super) enum Purpose<'a> {
    /// The order of the images in an epoch.
    Order { epoch: usize },
    /// The crop and flip of an image in an epoch.
    Augmentation { epoch: usize, image: usize },
    /// The initial numbers of a parameter.
    Parameter(&'a str),
}

pub(super) struct Draws(Pcg64);

impl Draws {
    pub(super) fn new(seed: u64, purpose: &Purpose<'_>) -> Self {
        let address = match purpose {
            Purpose::Order { epoch } => format!("order/{epoch}"),
            Purpose::Augmentation { epoch, image } => format!("augmentation/{epoch}/{image}"),
            Purpose::Parameter(name) => format!("parameter/{name}"),
        };
        Self(Pcg64::from_seed(Sha256::digest(format!("{seed}/{address}")).into()))
    }

    /// A whole number below `end`, which is above zero. Its bias is below `end / 2^64`.
    #[expect(clippy::cast_possible_truncation, reason = "the high half of the product is below `end`")]
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.0.next_u64()) * end as u128) >> 64) as usize
    }

    /// A number in [-1, 1), a multiple of 2^-23.
    #[expect(clippy::cast_precision_loss, reason = "24 bits are exact")]
    pub(super) fn symmetric(&mut self) -> f32 {
        (self.0.next_u64() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// `0..count` in random order (Fisher and Yates).
    pub(super) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_seed_and_address_alone() {
        let draw = |seed, epoch, image| {
            let mut draws = Draws::new(seed, &Purpose::Augmentation { epoch, image });
            [draws.below(1000), draws.below(1000), draws.below(1000)]
        };
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        for other in [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4), draw(1, 3, 2)] {
            assert_ne!(draw(1, 2, 3), other);
        }
    }

    #[test]
    fn orders_hold_every_image_once() {
        let mut order = Draws::new(7, &Purpose::Order { epoch: 1 }).order(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
