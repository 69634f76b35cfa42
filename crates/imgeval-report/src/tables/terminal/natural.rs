//! The order of ids as people expect it: numbers in them by their value.

use std::cmp::Ordering;

/// A run of digits or a run of anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// The number of digits without leading zeros, then the digits: their order is that of the values.
    Number(usize, &'a str),
    Text(&'a str),
}

/// The order of two ids: `2` before `10`, `cat/2` before `cat/10`, numbers before letters.
///
/// Ids that differ in leading zeros only stand side by side, so that two ids are equal here if and only if they are the
/// same text.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(pieces(b)).then_with(|| a.cmp(b))
}

/// Sorts by the ids of the items.
pub fn sort_ids<T>(items: &mut [T], id: impl Fn(&T) -> &str) {
    items.sort_by(|a, b| natural_order(id(a), id(b)));
}

fn pieces(id: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = id;
    std::iter::from_fn(move || {
        let is_number = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|character: char| character.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(if is_number {
            let digits = piece.trim_start_matches('0');
            Piece::Number(digits.len(), digits)
        } else {
            Piece::Text(piece)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sorted: &[&str]) {
        let mut ids = sorted.to_vec();
        ids.reverse();
        sort_ids(&mut ids, |id| id);
        assert_eq!(ids, sorted);
    }

    #[test]
    fn numbers_stand_in_the_order_of_their_values() {
        check(&["1", "2", "9", "10", "100"]);
        check(&["00002", "00010", "00052", "00100"]);
        check(&["00052", "52", "00053", "53"]);
        check(&["9", "18446744073709551616", "99999999999999999999999"]);
    }

    #[test]
    fn numbers_within_text_count_too() {
        check(&["cat/2", "cat/10", "cat/10/1", "dog/1"]);
        check(&["img2.png", "img10.png", "img10a.png"]);
        check(&["", "7", "07a", "7b", "a", "a1", "a10", "b", "é"]);
    }

    #[test]
    fn the_order_is_total() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut id = || -> String {
            let pieces = ["0", "1", "9", "a", "-", "\u{e9}"];
            (0..random.usize(0..5)).map(|_| pieces[random.usize(0..pieces.len())]).collect()
        };
        for _ in 0..20_000 {
            let (a, b, c) = (id(), id(), id());
            assert_eq!(natural_order(&a, &b), natural_order(&b, &a).reverse());
            assert_eq!(natural_order(&a, &b).is_eq(), a == b);
            if natural_order(&a, &b).is_le() && natural_order(&b, &c).is_le() {
                assert!(natural_order(&a, &c).is_le(), "{a} {b} {c}");
            }
        }
    }
}
