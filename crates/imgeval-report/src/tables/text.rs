//! A sheet as a table for a terminal.

use super::{
    sheet::{Entry, Row, Sheet},
    terminal::{self, CellText, Column, Table},
};

/// The table of a sheet. Where there is little room, long names are shortened before columns are hidden.
///
/// `columns` makes the column of a place and a title; the first one holds names.
pub(super) fn to_table(sheet: &Sheet, column: impl Fn(usize, &str) -> Column) -> Table {
    let columns = sheet.header.iter().enumerate().map(|(place, title)| column(place, title));
    let mut table = Table::new(columns).with_title(&sheet.title);
    for section in &sheet.sections {
        table.start_section(&section.heading);
        for row in &section.rows {
            table.push(to_row(sheet, row));
        }
    }
    if !sheet.best_rule.is_empty() {
        table.below.push(format!("*: {}", sheet.best_rule));
    }
    table.below.extend(sheet.below.iter().cloned());
    table
}

fn to_row(sheet: &Sheet, row: &Row) -> terminal::Row {
    let name = CellText::from(&row.name);
    let entries = row.entries.iter().map(|entry| CellText::from(entry_text(entry)).with_tone(entry.tone));
    let mut remarks = row.footnotes.iter().filter_map(|number| sheet.footnotes.get(number.checked_sub(1)?));
    let note = if row.has_note { remarks.next() } else { None };
    terminal::Row {
        cells: [name].into_iter().chain(entries).collect(),
        note: note.cloned().unwrap_or_default(),
        footnotes: remarks.cloned().collect(),
    }
}

fn entry_text(entry: &Entry) -> String {
    let mut text = entry.value.clone();
    if entry.is_best {
        text.push('*');
    }
    if let Some((low, high)) = &entry.interval {
        text.push_str(&format!(" [{low}, {high}]"));
    }
    if let Some(rank) = entry.rank_text("-") {
        text.push_str(&format!(" #{rank}"));
    }
    text
}
