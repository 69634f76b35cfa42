//! NumPy's random stream, draw for draw: what `numpy.random.default_rng(seed)` answers to `integers` and `choice`.
//!
//! Suites that were published as "run this script with seed 43" can only be made again with the same stream. It has
//! four layers, each after the NumPy sources (numpy/numpy, folder `numpy/random`): `SeedSequence` stretches the seed
//! (`bit_generator.pyx`), PCG64 makes 64-bit words of it (`src/pcg64`), Lemire's method bounds them
//! (`src/distributions/distributions.c`), and `Generator` draws samples (`_generator.pyx`).
//!
//! Checked against NumPy 2.4.6 by `scripts/reference/geneval_prompts.py`. NumPy allows itself to change these streams
//! between versions (NEP 19), but GenEval's files of 2023 still come out the same.

use std::collections::HashSet;

use rand_core::Rng;
use rand_pcg::Pcg64;

/// A draw that is impossible; NumPy raises `ValueError` for the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    #[error("nothing to draw from")]
    EmptyPopulation,
    #[error("cannot draw from {population} items, more than a signed 64-bit number can count")]
    PopulationTooLarge { population: usize },
    #[error("cannot draw {size} different items from {population}")]
    SampleTooLarge { population: usize, size: usize },
    #[error("no whole number is between {low} and {high}")]
    EmptyRange { low: i64, high: i64 },
}

/// `numpy.random.Generator` over PCG64, as `default_rng` makes it.
#[derive(Debug, Clone)]
pub(crate) struct NumpyGenerator {
    words: Pcg64,
    /// The high half of a word whose low half has been used. It waits for the next 32-bit draw; 64-bit draws in
    /// between take fresh words.
    kept_half: Option<u32>,
}

impl NumpyGenerator {
    /// `default_rng(seed)`.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let [state_high, state_low, stream_high, stream_low] = seed_sequence_words(seed);
        let join = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        Self {
            words: Pcg64::new(join(state_high, state_low), join(stream_high, stream_low)),
            kept_half: None,
        }
    }

    /// `integers(low, high, endpoint=True)`: a whole number from `low` to `high`, both included.
    pub(crate) fn integers(&mut self, low: i64, high: i64) -> Result<i64, DrawError> {
        if low > high {
            return Err(DrawError::EmptyRange { low, high });
        }
        // Wraps where the range is wider than i64, which two's complement makes right.
        let span = high.wrapping_sub(low).cast_unsigned();
        Ok(low.wrapping_add(self.up_to(span).cast_signed()))
    }

    /// `choice(population)`: an index below `population`.
    pub(crate) fn choice(&mut self, population: usize) -> Result<usize, DrawError> {
        check_population(population)?;
        let last = population.checked_sub(1).ok_or(DrawError::EmptyPopulation)?;
        Ok(self.index_up_to(last))
    }

    /// `choice(population, size=size, replace=False)`: `size` different indices below `population`.
    pub(crate) fn choice_without_replacement(
        &mut self,
        population: usize,
        size: usize,
    ) -> Result<Vec<usize>, DrawError> {
        check_population(population)?;
        if size > population {
            return Err(DrawError::SampleTooLarge { population, size });
        }
        // Both ways are fair; which one is taken decides which items come out.
        if population > 10_000 && size > population / 50 {
            Ok(self.shuffled_tail(population, size))
        } else {
            Ok(self.floyd_sample(population, size))
        }
    }

    /// Shuffles the last `size` places of the whole population.
    fn shuffled_tail(&mut self, population: usize, size: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..population).collect();
        let start = population - size;
        self.shuffle_from(start.max(1), &mut indices);
        indices.split_off(start)
    }

    /// Robert Floyd's method (Bentley and Floyd, Communications of the ACM 30(9), 1987), then a shuffle, because it
    /// leaves large indices toward the end. NumPy's own hash set is only asked for membership, so any set will do.
    fn floyd_sample(&mut self, population: usize, size: usize) -> Vec<usize> {
        let mut seen = HashSet::with_capacity(size);
        let mut sample = Vec::with_capacity(size);
        for newest in population - size..population {
            let drawn = self.index_up_to(newest);
            let index = if seen.contains(&drawn) { newest } else { drawn };
            seen.insert(index);
            sample.push(index);
        }
        self.shuffle_from(1, &mut sample);
        sample
    }

    /// Fisher-Yates from the end down to place `first`.
    fn shuffle_from(&mut self, first: usize, items: &mut [usize]) {
        for place in (first..items.len()).rev() {
            let other = self.index_up_to(place);
            items.swap(place, other);
        }
    }

    fn index_up_to(&mut self, last: usize) -> usize {
        // Lossless: the draw is no larger than `last`.
        self.up_to(last as u64) as usize
    }

    /// A number from 0 to `last`, both included. How wide the range is decides how many bits are used up.
    fn up_to(&mut self, last: u64) -> u64 {
        match (last, u32::try_from(last)) {
            (0, _) => 0,
            (_, Ok(u32::MAX)) => u64::from(self.next_u32()),
            (_, Ok(last)) => u64::from(self.lemire_u32(last)),
            (u64::MAX, _) => self.words.next_u64(),
            (_, Err(_)) => self.lemire_u64(last),
        }
    }

    /// Lemire's unbiased bounding (arXiv 1805.10941), 32 bits at a time; `last` is below `u32::MAX`.
    fn lemire_u32(&mut self, last: u32) -> u32 {
        let count = last + 1;
        let too_low = (u32::MAX - last) % count;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(count);
            if product as u32 >= too_low {
                return (product >> 32) as u32;
            }
        }
    }

    /// As [`Self::lemire_u32`], 64 bits at a time; `last` is below `u64::MAX`.
    fn lemire_u64(&mut self, last: u64) -> u64 {
        let count = last + 1;
        let too_low = (u64::MAX - last) % count;
        loop {
            let product = u128::from(self.words.next_u64()) * u128::from(count);
            if product as u64 >= too_low {
                return (product >> 64) as u64;
            }
        }
    }

    /// The low half of a word first, then its high half.
    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.kept_half.take() {
            return half;
        }
        let word = self.words.next_u64();
        self.kept_half = Some((word >> 32) as u32);
        word as u32
    }
}

fn check_population(population: usize) -> Result<(), DrawError> {
    match i64::try_from(population) {
        Ok(_) => Ok(()),
        Err(_) => Err(DrawError::PopulationTooLarge { population }),
    }
}

/// The running constant of `SeedSequence`'s hash: xor with it, step it, multiply by it, fold.
struct HashMixer {
    constant: u32,
    multiplier: u32,
}

impl HashMixer {
    const ENTROPY: Self = Self { constant: 0x43b0_d7e5, multiplier: 0x931e_8875 };
    const STATE: Self = Self { constant: 0x8b51_f9dd, multiplier: 0x58f3_8ded };

    fn hash(&mut self, value: u32) -> u32 {
        let value = value ^ self.constant;
        self.constant = self.constant.wrapping_mul(self.multiplier);
        fold(value.wrapping_mul(self.constant))
    }
}

fn fold(value: u32) -> u32 {
    value ^ (value >> 16)
}

fn mix(left: u32, right: u32) -> u32 {
    fold(left.wrapping_mul(0xca01_f9dd).wrapping_sub(right.wrapping_mul(0x4973_f715)))
}

/// `SeedSequence(seed).generate_state(4, numpy.uint64)`.
fn seed_sequence_words(seed: u64) -> [u64; 4] {
    let pool = entropy_pool(seed);
    let mut mixer = HashMixer::STATE;
    let mut next_u32 = |index: usize| u64::from(mixer.hash(pool[index % pool.len()]));
    std::array::from_fn(|word| next_u32(2 * word) | next_u32(2 * word + 1) << 32)
}

/// The seed's two halves, padded with zeros to the pool's four words, each mixed into every other.
fn entropy_pool(seed: u64) -> [u32; 4] {
    let mut mixer = HashMixer::ENTROPY;
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(|word| mixer.hash(word));
    for source in 0..pool.len() {
        for target in 0..pool.len() {
            if source != target {
                pool[target] = mix(pool[target], mixer.hash(pool[source]));
            }
        }
    }
    pool
}

#[cfg(test)]
mod tests {
    use imgeval_core::ContentHash;
    use serde_json::Value;

    use super::*;

    // Reference: scripts/reference/geneval_prompts.py (NumPy 2.4.6).
    const FIXTURE: &str = include_str!("../tests/fixtures/numpy_prompts.json");

    fn streams() -> Vec<Value> {
        let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
        fixture["streams"].as_array().unwrap().clone()
    }

    fn call(generator: &mut NumpyGenerator, call: &Value) -> Value {
        let index = |place: usize| usize::try_from(call[place].as_u64().unwrap()).unwrap();
        match call[0].as_str().unwrap() {
            "integers" => {
                let (low, high) = (call[1].as_i64().unwrap(), call[2].as_i64().unwrap());
                Value::from(generator.integers(low, high).unwrap())
            }
            "choice" => Value::from(generator.choice(index(1)).unwrap()),
            "distinct" => {
                let sample = generator.choice_without_replacement(index(1), index(2)).unwrap();
                if sample.len() <= 10 {
                    return Value::from(sample);
                }
                let digits: Vec<String> = sample.iter().map(ToString::to_string).collect();
                Value::from(ContentHash::of(digits.join(",").as_bytes()).as_str())
            }
            other => panic!("unknown call {other}"),
        }
    }

    #[test]
    fn words_match_numpy_for_small_and_large_seeds() {
        let streams = streams();
        assert_eq!(streams.len(), 6);
        for stream in streams {
            let mut generator = NumpyGenerator::from_seed(stream["seed"].as_u64().unwrap());
            for word in stream["words"].as_array().unwrap() {
                assert_eq!(generator.words.next_u64(), word.as_u64().unwrap(), "seed {}", stream["seed"]);
            }
        }
    }

    #[test]
    fn mixed_draws_match_numpy() {
        for stream in streams() {
            let mut generator = NumpyGenerator::from_seed(stream["seed"].as_u64().unwrap());
            for draw in stream["draws"].as_array().unwrap() {
                let drawn = call(&mut generator, &draw["call"]);
                assert_eq!(drawn, draw["drawn"], "seed {}, {}", stream["seed"], draw["call"]);
            }
        }
    }

    #[test]
    fn a_sure_outcome_draws_nothing() {
        let mut generator = NumpyGenerator::from_seed(7);
        let mut untouched = generator.clone();
        assert_eq!(generator.integers(-5, -5), Ok(-5));
        assert_eq!(generator.choice(1), Ok(0));
        assert_eq!(generator.choice_without_replacement(1, 1), Ok(vec![0]));
        assert_eq!(generator.choice(1_000_000), untouched.choice(1_000_000));
    }

    #[test]
    fn impossible_draws_are_errors() {
        let mut generator = NumpyGenerator::from_seed(0);
        let population = usize::MAX;
        assert_eq!(generator.choice(0), Err(DrawError::EmptyPopulation));
        assert_eq!(generator.choice(population), Err(DrawError::PopulationTooLarge { population }));
        assert_eq!(generator.integers(3, 2), Err(DrawError::EmptyRange { low: 3, high: 2 }));
        assert_eq!(
            generator.choice_without_replacement(79, 80),
            Err(DrawError::SampleTooLarge { population: 79, size: 80 })
        );
        assert_eq!(generator.choice_without_replacement(0, 0), Ok(vec![]));
    }
}
