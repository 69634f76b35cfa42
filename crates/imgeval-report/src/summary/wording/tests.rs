use super::*;

fn against(name: &str, low: f64, high: f64) -> Against {
    Against { name: name.to_owned(), difference: f64::midpoint(low, high), range: Range::new(low, high) }
}

fn part(name: &str, low: f64, high: f64) -> Measured {
    Measured { name: name.to_owned(), value: f64::midpoint(low, high), range: Range::new(low, high) }
}

fn order_of(others: &[Against]) -> String {
    order_sentences(others, Unit::Score).join(" ")
}

fn parts_of(parts: &[Measured]) -> String {
    part_sentence(parts, Unit::Score).unwrap_or_default()
}

#[test]
fn higher_and_lower_need_an_interval_without_zero() {
    assert_eq!(
        order_of(&[against("b", 0.02, 0.08), against("c", -0.08, -0.02)]),
        "Scores higher than b (by 0.050, 95 % CI 0.020 to 0.080). Scores lower than c (by 0.050, 95 % CI 0.020 to 0.080)."
    );
    for (low, high) in [(-0.01, 0.2), (0.0, 0.2), (-0.2, 0.0), (-0.2, 0.01), (0.0, 0.0)] {
        let said = order_of(&[against("b", low, high)]);
        assert_eq!(said, "No significant difference from b.", "{low} to {high}");
    }
}

#[test]
fn without_an_interval_there_is_no_order() {
    let unknown = Against { name: "b".to_owned(), difference: 0.4, range: None };
    assert_eq!(order_of(std::slice::from_ref(&unknown)), "No significant difference from b.");
    assert_eq!(rank_among(&[unknown]), (1, 2));
    assert_eq!(Range::new(f64::NAN, 1.0), None);
    assert_eq!(Range::new(0.5, 0.4), None);
}

#[test]
fn an_end_that_is_not_zero_is_not_shown_as_zero() {
    let said = order_of(&[against("b", 0.000_04, 0.2)]);
    assert!(said.contains("95 % CI 0.00004 to 0.200"), "{said}");
    let said = order_sentences(&[against("b", 0.002, 0.4)], Unit::Percent).join(" ");
    assert_eq!(said, "Scores higher than b (by 20 percentage points, 95 % CI 0.2 to 40).");
}

#[test]
fn ranks_are_ranges_where_the_order_is_open() {
    assert_eq!(rank_among(&[against("b", 0.1, 0.2), against("c", -0.1, 0.1)]), (1, 2));
    assert_eq!(rank_among(&[against("b", -0.2, -0.1), against("c", -0.1, 0.1)]), (2, 3));
    assert_eq!(rank_among(&[against("b", -0.2, -0.1), against("c", 0.1, 0.2)]), (2, 2));
    assert_eq!(rank_among(&[]), (1, 1));
    assert_eq!((rank_text((1, 1)), rank_text((2, 4))), ("1".to_owned(), "2-4".to_owned()));
}

#[test]
fn a_part_is_best_or_worst_only_beyond_the_intervals_of_all_others() {
    let parts = [part("a", 0.9, 1.0), part("b", 0.5, 0.7), part("c", 0.4, 0.6), part("d", 0.1, 0.2)];
    assert_eq!(
        parts_of(&parts),
        "Best at a 0.950 (95 % CI 0.900 to 1.000), worst at d 0.150 (95 % CI 0.100 to 0.200)."
    );
    let touching = [part("a", 0.7, 1.0), part("b", 0.5, 0.7), part("c", 0.4, 0.6)];
    assert_eq!(parts_of(&touching), "No part stands out.");
    let best_only = [part("a", 0.8, 1.0), part("b", 0.5, 0.7), part("c", 0.4, 0.6)];
    assert!(parts_of(&best_only).ends_with("; no part stands out as worst."), "{}", parts_of(&best_only));
    let worst_only = [part("a", 0.5, 0.7), part("b", 0.4, 0.6), part("c", 0.1, 0.2)];
    assert!(parts_of(&worst_only).starts_with("Worst at c"), "{}", parts_of(&worst_only));
    let equal = [part("a", 0.9, 1.0), part("b", 0.9, 1.0)];
    assert_eq!(parts_of(&equal), "No part stands out.");
}

#[test]
fn parts_that_overlap_each_other_are_named_together() {
    let parts = [
        part("a", 0.9, 0.99),
        part("b", 0.92, 1.0),
        part("c", 0.4, 0.6),
        part("d", 0.5, 0.7),
        part("e", 0.5, 0.6),
    ];
    let said = parts_of(&parts);
    assert!(said.starts_with("Best at b ") && said.contains(" and a "), "{said}");
    assert!(said.ends_with("no part stands out as worst."), "{said}");
}

#[test]
fn of_two_halves_the_order_is_said_once() {
    let parts = [part("a", 0.1, 0.2), part("b", 0.8, 0.9)];
    assert_eq!(
        parts_of(&parts),
        "Better at b 0.850 (95 % CI 0.800 to 0.900) than at a 0.150 (95 % CI 0.100 to 0.200)."
    );
}

#[test]
fn beside_a_part_without_an_interval_nothing_stands_out() {
    let unknown = Measured { name: "c".to_owned(), value: 0.0, range: None };
    assert_eq!(parts_of(&[part("a", 0.9, 1.0), part("b", 0.1, 0.2), unknown]), "No part stands out.");
    assert_eq!(part_sentence(&[part("a", 0.9, 1.0)], Unit::Score), None);
}

/// Every order of the intervals of four parts on a small grid: whatever is called best or worst lies beyond all that is not named
/// with it.
#[test]
fn no_sentence_about_parts_contradicts_an_interval() {
    let ranges: Vec<(f64, f64)> =
        (0..4).flat_map(|low| (low..4).map(move |high| (f64::from(low), f64::from(high)))).collect();
    for a in &ranges {
        for b in &ranges {
            for c in &ranges {
                let parts =
                    [part("a", a.0, a.1), part("b", b.0, b.1), part("c", c.0, c.1), part("d", 1.0, 2.0)];
                for is_below in [false, true] {
                    let group = apart(&parts, is_below);
                    for place in &group {
                        for other in (0..parts.len()).filter(|other| !group.contains(other)) {
                            let (of, other) = (parts[*place].range.unwrap(), parts[other].range.unwrap());
                            let holds = if is_below { of.high < other.low } else { of.low > other.high };
                            assert!(holds, "{parts:?}: {group:?}");
                        }
                    }
                }
            }
        }
    }
}

/// The ranks of any two models never say more than the interval of their difference.
#[test]
fn no_rank_contradicts_an_interval() {
    for (low, high) in [(-2.0, -1.0), (-1.0, 0.0), (-1.0, 1.0), (0.0, 1.0), (1.0, 2.0)] {
        let (of_a, of_b) = (rank_among(&[against("b", low, high)]), rank_among(&[against("a", -high, -low)]));
        assert_eq!(of_a.1 < of_b.0, low > 0.0, "{low} to {high}");
        assert_eq!(of_b.1 < of_a.0, high < 0.0, "{low} to {high}");
    }
}

#[test]
fn missing_scores_are_said_with_their_bounds() {
    assert_eq!(missing_sentence(0, 10, Some((0.1, 0.2)), Unit::Score), None);
    assert_eq!(
        missing_sentence(12, 100, Some((0.7, 0.82)), Unit::Score).unwrap(),
        "12 of 100 scores are missing: from 0.700 if all of them were 0 to 0.820 if all were 1."
    );
    assert_eq!(missing_sentence(1, 2, None, Unit::Score).unwrap(), "1 of 2 scores is missing.");
}

#[test]
fn long_lists_are_counted() {
    let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    assert_eq!(listed(&names), "a, b, c, and 2 others");
    assert_eq!(listed(&names[..4]), "a, b, c, and 1 other");
    assert_eq!(listed(&names[..3]), "a, b, and c");
    assert_eq!(listed(&names[..2]), "a and b");
}
