//! Repeated random work, spread over threads so that the result does not depend on their number.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use crate::BootstrapSettings;

/// So many repetitions share one random stream. Changing it changes every result.
const CHUNK: usize = 500;

/// The results of `settings.replicates` repetitions of `draw`, in order. `make_draw` is called once for each chunk of
/// them and may hold working memory; `key` keeps the streams of different parts and purposes apart.
pub(crate) fn repeat<T, D>(settings: BootstrapSettings, key: u128, make_draw: impl Fn() -> D + Sync) -> Vec<T>
where
    T: Send,
    D: FnMut(&mut Pcg64) -> T,
{
    let n_chunks = settings.replicates.div_ceil(CHUNK);
    let chunks: Vec<Vec<T>> = (0..n_chunks)
        .into_par_iter()
        .map(|chunk| {
            let mut generator = generator(settings.seed, key, chunk);
            let mut draw = make_draw();
            let length = CHUNK.min(settings.replicates - chunk * CHUNK);
            (0..length).map(|_| draw(&mut generator)).collect()
        })
        .collect();
    chunks.into_iter().flatten().collect()
}

fn generator(seed: u64, key: u128, chunk: usize) -> Pcg64 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&(key ^ (u128::from(seed) << 64)).to_le_bytes());
    // The second half chooses the stream, which ignores its lowest bit.
    bytes[16..].copy_from_slice(&((chunk as u128) << 1 | 1).to_le_bytes());
    Pcg64::from_seed(bytes)
}

/// A random place below `count`, by multiply-shift: its bias, count / 2^32, is far below the noise of resampling.
pub(crate) fn draw_index(generator: &mut Pcg64, count: usize) -> usize {
    ((u64::from(generator.next_u32()) * count as u64) >> 32) as usize
}
