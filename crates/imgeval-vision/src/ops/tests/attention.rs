use candle_core::Tensor;
use proptest::sample::select;

use super::{UNIT, check, check_both, random, softmax, tensor, unless_miri, wide};
use crate::ops::{
    attention::{attend, softmax_row},
    simd::{Kernel, Simd, dispatch, testing::on_every_instruction_set},
};

struct Shape {
    batch: usize,
    queries: usize,
    keys: usize,
    heads: usize,
    dims: usize,
}

/// `mask` [queries, keys] is added to the scores.
fn plain(shape: &Shape, [query, key, value]: [&[f64]; 3], mask: &[f64]) -> Vec<f64> {
    let Shape { batch, queries, keys, heads, dims } = *shape;
    let channels = heads * dims;
    let mut result = vec![0.0; batch * queries * channels];
    for item in 0..batch {
        for head in 0..heads {
            for q in 0..queries {
                let from = (item * queries + q) * channels + head * dims;
                let at = |key: usize| (item * keys + key) * channels + head * dims;
                let mut scores: Vec<f64> = (0..keys)
                    .map(|k| {
                        let dot: f64 = (0..dims).map(|c| query[from + c] * key[at(k) + c]).sum();
                        dot / (dims as f64).sqrt() + mask[q * keys + k]
                    })
                    .collect();
                softmax(&mut scores);
                for c in 0..dims {
                    result[from + c] = (0..keys).map(|k| scores[k] * value[at(k) + c]).sum();
                }
            }
        }
    }
    result
}

/// Scores are sums over the dims (units of the size of the scores become relative errors of the weights), the result is
/// a mean over the keys of values up to 1.
fn allowed(shape: &Shape, size: f64) -> f64 {
    let scores = size * (shape.dims + 16) as f64;
    (scores + (shape.keys as f64).sqrt() + 16.0) * UNIT
}

/// 0 or minus infinity; every query may look at one key at least.
fn random_mask(seed: u64, queries: usize, keys: usize) -> Vec<f32> {
    let places = random(seed, queries * keys).into_iter().enumerate();
    places
        .map(
            |(place, x)| if x > 0.2 && place % keys != place / keys % keys { f32::NEG_INFINITY } else { 0.0 },
        )
        .collect()
}

#[test]
fn attention_equals_plain_loops() {
    let sizes = (
        1_usize..3,
        1..unless_miri(40, 4),
        1..unless_miri(70, 5),
        (1_usize..4, select(vec![1_usize, 4, 20, 32, 64])),
        (proptest::bool::ANY, proptest::bool::ANY),
        0..1000_u64,
    );
    check(sizes, |(batch, queries, keys, (heads, dims), (is_masked, is_sharp), seed)| {
        let shape = Shape { batch, queries, keys, heads, dims };
        let channels = heads * dims;
        // Sharp: scores up to several hundreds, of which one wins.
        let size = if is_sharp { 30.0 } else { 1.0 };
        let query: Vec<f32> = random(seed, batch * queries * channels).iter().map(|x| x * size).collect();
        let key = random(seed + 1, batch * keys * channels);
        let value = random(seed + 2, batch * keys * channels);
        let mask = if is_masked { random_mask(seed + 3, queries, keys) } else { vec![0.0; queries * keys] };
        let expected = plain(&shape, [&wide(&query), &wide(&key), &wide(&value)], &wide(&mask));
        let mask = is_masked.then(|| tensor(&mask, &[queries, keys]));
        let inputs = [
            &tensor(&query, &[batch, queries, channels]),
            &tensor(&key, &[batch, keys, channels]),
            &tensor(&value, &[batch, keys, channels]),
        ];
        check_both(&inputs, &expected, allowed(&shape, size.into()), |inputs| {
            let mask = mask.as_ref().map(|mask| mask.to_dtype(inputs[0].dtype())).transpose()?;
            attend(&inputs[0], &inputs[1], &inputs[2], heads, mask.as_ref())
        });
    });
}

/// As the networks have it: one tensor holds query, key and value, and perhaps only the first query is wanted.
#[test]
fn query_key_and_value_may_be_parts_of_one_tensor() {
    let sizes = (1_usize..3, 1..unless_miri(30, 4), 1_usize..4, 1..unless_miri(40, 9), 0..1000_u64);
    check(sizes, |(batch, tokens, heads, dims, seed)| {
        let channels = heads * dims;
        let qkv = random(seed, batch * tokens * 3 * channels);
        let part = |which: usize| -> Vec<f64> {
            let rows = qkv.chunks_exact(3 * channels);
            rows.flat_map(|row| &row[which * channels..][..channels]).map(|&x| f64::from(x)).collect()
        };
        let shape = Shape { batch, queries: tokens, keys: tokens, heads, dims };
        let mask = vec![0.0; tokens * tokens];
        let expected = plain(&shape, [&part(0), &part(1), &part(2)], &mask);
        let qkv = tensor(&qkv, &[batch, tokens, 3 * channels]);
        let narrowed = |x: &Tensor, which: usize| x.narrow(2, which * channels, channels);
        check_both(&[&qkv], &expected, allowed(&shape, 1.0), |x| {
            attend(&narrowed(&x[0], 0)?, &narrowed(&x[0], 1)?, &narrowed(&x[0], 2)?, heads, None)
        });
        let first: Vec<f64> =
            expected.chunks_exact(tokens * channels).flat_map(|item| &item[..channels]).copied().collect();
        check_both(&[&qkv], &first, allowed(&shape, 1.0), |x| {
            let query = narrowed(&x[0], 0)?.narrow(1, 0, 1)?;
            attend(&query, &narrowed(&x[0], 1)?, &narrowed(&x[0], 2)?, heads, None)
        });
    });
}

/// So many keys that the weights of one head take several blocks of queries.
#[test]
fn attention_works_in_blocks_of_queries() {
    if cfg!(miri) {
        return;
    }
    on_every_instruction_set(|| {
        let shape = Shape { batch: 1, queries: 150, keys: 5003, heads: 1, dims: 20 };
        let query = random(1, shape.queries * shape.dims);
        let (key, value) = (random(2, shape.keys * shape.dims), random(3, shape.keys * shape.dims));
        let mask = random_mask(4, shape.queries, shape.keys);
        let expected = plain(&shape, [&wide(&query), &wide(&key), &wide(&value)], &wide(&mask));
        let place = |x: &[f32], rows: usize| tensor(x, &[1, rows, shape.dims]);
        let mask = tensor(&mask, &[shape.queries, shape.keys]);
        let inputs = [&place(&query, 150), &place(&key, 5003), &place(&value, 5003), &mask];
        check_both(&inputs, &expected, allowed(&shape, 1.0), |x| attend(&x[0], &x[1], &x[2], 1, Some(&x[3])));
    });
}

#[test]
fn attention_of_nothing_or_to_nothing_is_no_panic() {
    on_every_instruction_set(|| {
        for (batch, queries, keys) in [(1, 0, 3), (2, 3, 0), (0, 3, 3), (1, 0, 0)] {
            let query = tensor(&vec![1.0; batch * queries * 8], &[batch, queries, 8]);
            let key = tensor(&vec![1.0; batch * keys * 8], &[batch, keys, 8]);
            let found = attend(&query, &key, &key, 2, None).unwrap();
            assert_eq!(super::numbers_of(&found), vec![0.0; batch * queries * 8]);
        }
        let (one, two) = (tensor(&[1.0; 8], &[1, 1, 8]), tensor(&[1.0; 8], &[1, 2, 4]));
        let mask = tensor(&[0.0; 2], &[1, 2]);
        assert!(attend(&one, &two, &two, 2, None).is_err());
        assert!(attend(&one, &one, &one, 2, Some(&mask)).is_err());
        assert!(attend(&one, &one, &one, 3, None).is_err());
        assert!(attend(&one, &one, &one, 0, None).is_err());
    });
}

struct Softmax<'a>(&'a mut [f32]);

impl Kernel for Softmax<'_> {
    type Output = ();

    unsafe fn run<S: Simd>(self) {
        // SAFETY: passed on from the caller.
        unsafe { softmax_row::<S>(self.0) };
    }
}

#[test]
fn softmax_leaves_out_what_is_minus_infinity() {
    check((0..unless_miri(100, 40), 0..4_u32, 0..1000_u64), |(count, kind, seed)| {
        let size = [1.0, 50.0, 1e4, 1e30][kind as usize];
        let mut row: Vec<f32> = random(seed, count).iter().map(|x| x * size).collect();
        for x in row.iter_mut().skip(1).step_by(3) {
            *x = f32::NEG_INFINITY;
        }
        let mut expected = wide(&row);
        softmax(&mut expected);
        dispatch(Softmax(&mut row));
        for (&found, &expected) in row.iter().zip(&expected) {
            // The difference to the largest is rounded in 32 bits: relative to the weight as many units as it is large,
            // of which a weight that is more than 1e-38 leaves 87. The exponential and the sum add a few.
            let allowed = (87.0 + 16.0) * UNIT * expected + 1.7e-38;
            assert!((f64::from(found) - expected).abs() <= allowed, "{found} instead of {expected}");
        }
    });
}
