//! Random streams, each named by what it is for, so that adding one draw never moves another.

use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64;
use sha2::{Digest as _, Sha256};

/// The stream of a purpose under a seed. The purpose's text is part of the result.
pub(crate) fn stream(seed: u64, purpose: &str) -> Pcg64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(purpose).finalize();
    let first = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    Pcg64::seed_from_u64(first)
}

/// A draw from 0 to `bound - 1`; the bias of multiplying and shifting, bound / 2^32, does not matter here.
pub(crate) fn draw_below(generator: &mut Pcg64, bound: usize) -> usize {
    ((u64::from(generator.next_u32()) * bound as u64) >> 32) as usize
}

/// Fisher and Yates' shuffle.
pub(crate) fn shuffle<T>(values: &mut [T], generator: &mut Pcg64) {
    for last in (1..values.len()).rev() {
        values.swap(last, draw_below(generator, last + 1));
    }
}
