use proptest::collection::vec;

use super::{UNIT, check, maps::plain_resize, random, unless_miri, wide};
use crate::ops::masks::{MaskLogits, QueryMasks, Span, column_runs};

/// The first columns and rows of a map.
fn cut(map: &[f64], width: usize, to: (usize, usize), queries: usize) -> Vec<f64> {
    let rows = map.chunks_exact(width * queries).take(to.0);
    rows.flat_map(|row| &row[..to.1 * queries]).copied().collect()
}

/// What the words say, counted anew.
fn assert_consistent(masks: &QueryMasks, height: usize, queries: usize) {
    let width = masks.width;
    assert_eq!(masks.words.len(), height * width);
    for query in 0..queries {
        let is_in = |place: usize| masks.words[place] >> query & 1 == 1;
        let places: Vec<usize> = (0..height * width).filter(|&place| is_in(place)).collect();
        assert_eq!(masks.areas[query], places.len() as u64);
        if let (Some(first), Some(last)) = (places.first(), places.last()) {
            let columns = || places.iter().map(|place| place % width);
            let span = Span {
                left: columns().min().unwrap(),
                top: first / width,
                right: columns().max().unwrap(),
                bottom: last / width,
            };
            assert_eq!(masks.spans[query], span);
            let corners = masks.bounding_box(query).to_array();
            let expected = [span.left, span.top, span.right + 1, span.bottom + 1].map(|x| x as f32);
            assert_eq!(corners, expected);
        } else {
            assert_eq!(masks.bounding_box(query).to_array(), [0.0; 4]);
        }
    }
    assert!(
        masks.words.iter().all(|word| queries == 128 || word >> queries == 0),
        "a query that is not there"
    );
}

#[test]
fn masks_are_those_of_plain_loops() {
    let side = |most: usize, few: usize| 1..unless_miri(most, few);
    let sizes = (
        (side(12, 4), side(12, 4)),
        (side(5, 3), side(5, 3)),
        (0..unless_miri(6, 2), 0..unless_miri(6, 2)),
        (side(70, 6), side(70, 6)),
        proptest::sample::select(vec![1, 15, 16, 17, 100, 128]),
        0..1000_u64,
    );
    check(sizes, |((height, width), factor, padding, original, queries, seed)| {
        let queries = if cfg!(miri) { queries.min(17) } else { queries };
        let numbers: Vec<f32> = random(seed, height * width * queries).iter().map(|x| 5.0 * x).collect();
        let padded = (height * factor.0, width * factor.1);
        let resized = (padded.0.saturating_sub(padding.0).max(1), padded.1.saturating_sub(padding.1).max(1));
        let logits = MaskLogits { numbers: &numbers, width, height, n_queries: queries };
        let masks = logits.resize_and_threshold(padded, resized, original);
        let enlarged = plain_resize(&wide(&numbers), (height, width), padded, queries);
        let expected = plain_resize(&cut(&enlarged, padded.1, resized, queries), resized, original, queries);
        assert_consistent(&masks, original.0, queries);
        // Logits up to 5, which differ by up to 10 between neighbors; places below 64 on four axes.
        let allowed = 4.0 * 10.0 * 64.0 * UNIT;
        for query in 0..queries {
            let mut sum = 0.0;
            let mut undecided = 0.0;
            for (place, word) in masks.words.iter().enumerate() {
                let logit = expected[place * queries + query];
                let is_in = word >> query & 1 == 1;
                assert!(is_in == (logit > 0.0) || logit.abs() < allowed, "query {query} at {place}: {logit}");
                sum += if is_in { 1.0 / (1.0 + (-logit).exp()) } else { 0.0 };
                undecided += if is_in { 1.0 } else { 0.0 };
            }
            // A sigmoid is at most a quarter as steep; a row adds up to 70 of them in 32 bits.
            let difference = (masks.probability_sums[query] - sum).abs();
            assert!(difference <= undecided * (allowed / 4.0 + 70.0 * UNIT), "query {query}: {difference}");
            let quality = f64::from(masks.quality(query));
            assert!((quality - sum / (undecided + 1e-6)).abs() <= allowed);
        }
    });
}

#[test]
fn no_queries_give_no_masks() {
    let logits = MaskLogits { numbers: &[], width: 2, height: 3, n_queries: 0 };
    let masks = logits.resize_and_threshold((12, 8), (10, 8), (5, 4)).enlarged((7, 6));
    assert_eq!((masks.areas.len(), masks.words, masks.width), (0, vec![0; 42], 6));
}

#[test]
fn enlarged_masks_take_the_nearest_pixel() {
    let side = || 1..unless_miri(40, 6);
    check(((side(), side()), (side(), side()), 0..1000_u64), |(from, to, seed)| {
        let queries = 5;
        let numbers = random(seed, from.0 * from.1 * queries);
        let logits = MaskLogits { numbers: &numbers, width: from.1, height: from.0, n_queries: queries };
        let masks = logits.resize_and_threshold(from, from, from);
        let (before, qualities) = (masks.words.clone(), masks.probability_sums.clone());
        let masks = masks.enlarged(to);
        assert_eq!(masks.probability_sums, qualities);
        assert_consistent(&masks, to.0, queries);
        // floor(place x from / to); where that is an integer the 32-bit product may fall short by one.
        let nearest = |place: usize, from: usize, to: usize| {
            let exact = place * from / to;
            let is_integer = (place * from).is_multiple_of(to);
            (exact.saturating_sub(usize::from(is_integer))..=exact).collect::<Vec<_>>()
        };
        for (place, word) in masks.words.iter().enumerate() {
            let rows = nearest(place / to.1, from.0, to.0);
            let columns = nearest(place % to.1, from.1, to.1);
            assert!(
                rows.iter().any(|row| columns.iter().any(|column| before[row * from.1 + column] == *word))
            );
        }
    });
}

#[test]
fn runs_say_the_same_as_the_words() {
    let words = vec(proptest::num::u128::ANY, 0..unless_miri(200, 20));
    check((words, 1..unless_miri(20, 5)), |(mut words, width)| {
        words.truncate(words.len() / width * width);
        let height = words.len() / width;
        for (query, runs) in column_runs(&words, width, 128).into_iter().enumerate() {
            let mut is_in = false;
            let mut spread = Vec::new();
            for run in runs {
                spread.extend(std::iter::repeat_n(is_in, run as usize));
                is_in = !is_in;
            }
            let columns = (0..width).flat_map(|x| (0..height).map(move |y| y * width + x));
            let expected: Vec<bool> = columns.map(|place| words[place] >> query & 1 == 1).collect();
            assert_eq!(spread, expected);
        }
    });
}
