//! Tables without lines, fit for a terminal and for pasting.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub(crate) fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    table
}

/// So many columns from `first` on hold numbers.
pub(crate) fn right_aligned(mut table: Table, first: usize, count: usize) -> Table {
    for column in table.column_iter_mut().skip(first).take(count) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
