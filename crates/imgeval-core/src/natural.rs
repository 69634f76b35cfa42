//! The order in which people count.

use std::cmp::Ordering;

/// Compares texts as people do: numbers in them by their values (2 before 10), everything else by character. Equal only if the texts are.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = (leading_digits(left), leading_digits(right));
        let order = if x.is_empty() || y.is_empty() {
            match (left.chars().next(), right.chars().next()) {
                (Some(x), Some(y)) => {
                    (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
                    x.cmp(&y)
                }
                // One of them has ended.
                _ => return left.len().cmp(&right.len()).then_with(|| a.cmp(b)),
            }
        } else {
            (left, right) = (&left[x.len()..], &right[y.len()..]);
            let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn leading_digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_count_by_their_values() {
        let mut texts = ["892/0000", "84/0000", "a10", "a2", "a", "a02", "", "735/0001", "735/0000", "é1"];
        texts.sort_by(|a, b| natural_order(a, b));
        assert_eq!(texts, ["", "84/0000", "735/0000", "735/0001", "892/0000", "a", "a02", "a2", "a10", "é1"]);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a0-9é]{0,5}", b in "[a0-9é]{0,5}", c in "[a0-9é]{0,5}") {
            prop_assert_eq!(natural_order(&a, &b), natural_order(&b, &a).reverse());
            prop_assert_eq!(natural_order(&a, &b).is_eq(), a == b);
            let mut sorted = [&a, &b, &c];
            sorted.sort_by(|a, b| natural_order(a, b));
            prop_assert!(natural_order(sorted[0], sorted[2]).is_le());
        }
    }
}
