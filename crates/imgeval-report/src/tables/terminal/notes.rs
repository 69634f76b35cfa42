//! Placement of notes on rows: once above the table, or numbered below it.

use super::Table;
use crate::plain::plain;

/// The remarks on a table's rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// What holds for every row; empty if there is nothing.
    pub(super) above: String,
    /// What the numbers at rows refer to; the first is 1.
    pub(super) numbered: Vec<String>,
    /// The numbers of each row, in the order of the rows.
    pub(super) of_rows: Vec<Vec<usize>>,
}

impl Notes {
    pub(super) fn of(table: &Table) -> Self {
        let shared = (!table.has_notes_at_rows).then(|| shared_note(table)).flatten().unwrap_or_default();
        let mut notes = Self { above: plain(shared), ..Self::default() };
        for row in table.rows() {
            let note = Some(&row.note).filter(|note| *note != shared);
            let remarks = note.into_iter().chain(&row.footnotes).filter(|remark| !remark.is_empty());
            let numbers = remarks.map(|remark| notes.number_of(remark)).collect();
            notes.of_rows.push(numbers);
        }
        notes
    }

    /// The number of a remark, which is added if it is new.
    fn number_of(&mut self, remark: &str) -> usize {
        let remark = plain(remark);
        if let Some(place) = self.numbered.iter().position(|known| *known == remark) {
            return place + 1;
        }
        self.numbered.push(remark);
        self.numbered.len()
    }
}

fn shared_note(table: &Table) -> Option<&str> {
    let mut notes = table.rows().map(|row| row.note.as_str());
    let first = notes.next()?;
    notes.all(|note| note == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::terminal::{Column, Row};

    fn table(notes: &[&str]) -> Table {
        let mut table = Table::new([Column::text("part")]);
        for note in notes {
            table.push(Row::new(["a"]).with_note(*note));
        }
        table
    }

    #[test]
    fn a_note_that_all_rows_share_stands_above() {
        let notes = Notes::of(&table(&["preview", "preview"]));
        assert_eq!(notes.above, "preview");
        assert!(notes.of_rows.iter().all(Vec::is_empty));
    }

    #[test]
    fn notes_that_differ_are_numbered() {
        let notes = Notes::of(&table(&["preview", "", "other", "preview"]));
        assert_eq!(notes.above, "");
        assert_eq!(notes.numbered, ["preview", "other"]);
        assert_eq!(notes.of_rows, [&[1][..], &[], &[2], &[1]]);
    }

    #[test]
    fn notes_stay_at_rows_where_the_table_says_so() {
        let notes = Notes::of(&Table { has_notes_at_rows: true, ..table(&["preview", "preview"]) });
        assert_eq!(notes.above, "");
        assert_eq!(notes.of_rows, [[1], [1]]);
    }
}
