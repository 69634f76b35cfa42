//! A sheet for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::sheet::{Entry, Row, Sheet};
use crate::plain::plain;

pub(super) fn render(sheet: &Sheet) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(sheet.header.iter().map(|name| plain(name)));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for section in &sheet.sections {
        if !section.heading.is_empty() {
            table.add_row([plain(&section.heading)]);
        }
        let indent = if section.heading.is_empty() { "" } else { "  " };
        for row in &section.rows {
            let entries = row.entries.iter().map(|entry| plain(&entry_text(entry)));
            table.add_row([format!("{indent}{}", row_name(row))].into_iter().chain(entries));
        }
    }
    let mut text = format!("{}\n{}\n", plain(&sheet.title), table.trim_fmt());
    for (place, note) in sheet.footnotes.iter().enumerate() {
        text.push_str(&format!("[{}] {}\n", place + 1, plain(note)));
    }
    if !sheet.best_rule.is_empty() {
        text.push_str(&format!("*: {}\n", sheet.best_rule));
    }
    for line in &sheet.below {
        text.push_str(&format!("{}\n", plain(line)));
    }
    text
}

fn row_name(row: &Row) -> String {
    let numbers: String = row.footnotes.iter().map(|number| format!(" [{number}]")).collect();
    plain(&row.name) + &numbers
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
