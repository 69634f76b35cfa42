//! Which columns are shown, and how wide each one is.

use super::{Column, Importance, Overflow, Width};

/// Spaces on both sides of a cell.
pub(super) const PADDING: usize = 2;
/// The least room of a column whose long text may be wrapped or shortened while others are hidden.
const ENOUGH: usize = 24;
/// The least room of a column once nothing is left to be hidden.
const LEAST: usize = 8;

/// The columns that are shown, in the order of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrangement {
    /// The place of each column in the table, and its width without padding.
    pub(super) shown: Vec<(usize, usize)>,
    /// The places of those that are hidden.
    pub(super) hidden: Vec<usize>,
}

/// Chooses columns by the widths that they would like to have.
pub(super) fn arrange(columns: &[Column], natural: &[usize], width: Width) -> Arrangement {
    let mut shown: Vec<(usize, usize)> = natural.iter().copied().enumerate().collect();
    let mut hidden = Vec::new();
    let Width::Columns(room) = width else { return Arrangement { shown, hidden } };
    let needed = |place: usize, width: usize| match columns[place].overflow {
        Overflow::Keep => width,
        Overflow::Shorten | Overflow::Wrap => width.min(ENOUGH),
    };
    while total(shown.iter().map(|(place, width)| needed(*place, *width))) > room {
        let Some(least) = least_important(columns, &shown) else { break };
        hidden.push(shown.remove(least).0);
    }
    hidden.sort_unstable();
    narrow(columns, &mut shown, room);
    Arrangement { shown, hidden }
}

/// The width of a line with columns of these widths; spaces at its end are cut off.
pub(super) fn total(widths: impl Iterator<Item = usize>) -> usize {
    widths.map(|width| width + PADDING).sum::<usize>().saturating_sub(PADDING / 2)
}

/// The place in `shown` of the last one of the least important columns, unless only essential ones are left.
fn least_important(columns: &[Column], shown: &[(usize, usize)]) -> Option<usize> {
    let importance = |at: usize| columns[shown[at].0].importance;
    (0..shown.len())
        .rev()
        .filter(|at| importance(*at) != Importance::Essential)
        .min_by_key(|at| importance(*at))
}

/// Takes from columns of text what the line is too long, from the widest first.
fn narrow(columns: &[Column], shown: &mut [(usize, usize)], room: usize) {
    let may_give = |place: usize| columns[place].overflow != Overflow::Keep;
    let first_text = columns.iter().position(|column| column.alignment == super::Alignment::Left);
    take_from(shown, room, ENOUGH, may_give);
    take_from(shown, room, ENOUGH, |place| Some(place) == first_text);
    take_from(shown, room, LEAST, may_give);
    take_from(shown, room, LEAST, |place| Some(place) == first_text);
}

fn take_from(shown: &mut [(usize, usize)], room: usize, least: usize, may_give: impl Fn(usize) -> bool) {
    while total(shown.iter().map(|(_, width)| *width)) > room {
        let giving = shown.iter_mut().filter(|(place, width)| may_give(*place) && *width > least);
        let Some((_, widest)) = giving.max_by_key(|(_, width)| *width) else { return };
        *widest -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::text("name"),
            Column::number("score"),
            Column::number("any correct").normal(),
            Column::number("bounds").wide_only(),
            Column::number("missing").normal(),
        ]
    }

    fn check(room: usize, shown: &[(usize, usize)], hidden: &[usize]) {
        let arrangement = arrange(&columns(), &[20, 5, 11, 6, 7], Width::Columns(room));
        assert_eq!(arrangement, Arrangement { shown: shown.to_vec(), hidden: hidden.to_vec() }, "{room}");
    }

    #[test]
    fn the_least_important_columns_go_first_and_the_last_of_them_before_others() {
        check(58, &[(0, 20), (1, 5), (2, 11), (3, 6), (4, 7)], &[]);
        check(57, &[(0, 20), (1, 5), (2, 11), (4, 7)], &[3]);
        check(49, &[(0, 20), (1, 5), (2, 11)], &[3, 4]);
        check(40, &[(0, 20), (1, 5)], &[2, 3, 4]);
    }

    #[test]
    fn the_first_text_is_shortened_as_the_last_resort_and_never_to_nothing() {
        check(27, &[(0, 19), (1, 5)], &[2, 3, 4]);
        check(16, &[(0, 8), (1, 5)], &[2, 3, 4]);
        check(1, &[(0, 8), (1, 5)], &[2, 3, 4]);
    }

    #[test]
    fn text_that_may_give_way_does_so_before_others_are_hidden() {
        let columns =
            [Column::text("outcome"), Column::number("count").normal(), Column::text("meaning").wrapped()];
        let arrangement = arrange(&columns, &[7, 5, 70], Width::Columns(60));
        assert_eq!(arrangement.hidden, [0; 0]);
        assert_eq!(arrangement.shown, [(0, 7), (1, 5), (2, 43)]);
        let arrangement = arrange(&columns, &[7, 5, 70], Width::Columns(40));
        assert_eq!(arrangement.shown, [(0, 7), (2, 30)]);
    }
}
