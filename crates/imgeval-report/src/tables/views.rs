//! Tables that a page shows, as files: text, Markdown, LaTeX and CSV of a [`TableView`].

use super::{
    csv::{record, word},
    in_full, latex, markdown,
    sheet::{Entry, Row, Section, Sheet},
    terminal::{self, Column, Table},
};
use crate::diagnosis::{ColumnView, TableView};

pub(super) fn text(view: &TableView) -> String {
    let column = |column: &ColumnView| match column.is_number {
        true => Column::number(&column.title),
        false => Column::text(&column.title),
    };
    let mut table = Table::new(view.columns.iter().map(column)).with_title(&view.title);
    for section in &view.sections {
        table.start_section(&section.heading);
        section.rows.iter().for_each(|row| table.push(terminal::Row::new(row)));
    }
    table.below.extend(view.notes.iter().cloned());
    in_full(table)
}

pub(super) fn markdown(view: &TableView) -> String {
    markdown::render(&sheet_of(view))
}

pub(super) fn latex(view: &TableView) -> String {
    latex::render(&sheet_of(view))
}

/// The heading of its section, and a field for each column.
pub(super) fn csv(view: &TableView) -> String {
    let header = ["section"].into_iter().chain(view.columns.iter().map(|column| column.title.as_str()));
    let mut text = record(header.map(word));
    for section in &view.sections {
        for row in &section.rows {
            let fields = [section.heading.as_str()].into_iter().chain(row.iter().map(String::as_str));
            text.push_str(&record(fields.map(word)));
        }
    }
    text
}

fn sheet_of(view: &TableView) -> Sheet {
    let row = |row: &Vec<String>| Row {
        name: row.first().cloned().unwrap_or_default(),
        entries: row.iter().skip(1).map(Entry::of).collect(),
        ..Row::default()
    };
    let section = |section: &crate::diagnosis::SectionView| Section {
        heading: section.heading.clone(),
        rows: section.rows.iter().map(row).collect(),
    };
    let is_words = |(_, column): &(usize, &ColumnView)| !column.is_number;
    Sheet {
        title: view.title.clone(),
        header: view.columns.iter().map(|column| column.title.clone()).collect(),
        words: view.columns.iter().enumerate().filter(is_words).map(|(place, _)| place).collect(),
        sections: view.sections.iter().map(section).collect(),
        below: view.notes.clone(),
        ..Sheet::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> TableView {
        let mut table = Table::new([Column::text("group"), Column::number("value"), Column::text("verdict")])
            .with_title("T_1");
        table.start_section("run & a");
        table.push(terminal::Row::new(["x", "-1.5", "a verdict that takes more than one line, 5 %"]));
        table.below.push("A note.".to_owned());
        TableView::from(&table)
    }

    #[test]
    fn latex_has_columns_of_words_and_escapes() {
        let text = latex(&view());
        assert!(text.contains("\\begin{tabular}{@{}lrp{0.66\\linewidth}@{}}"), "{text}");
        assert!(text.contains("\\textit{run \\& a}") && text.contains("x & $-$1.5 & a verdict"), "{text}");
        assert!(text.contains("\\caption{T\\_1}") && text.contains("A note."), "{text}");
    }

    #[test]
    fn the_other_forms_hold_the_same_cells() {
        assert_eq!(
            csv(&view()),
            "section,group,value,verdict\r\nrun & a,x,'-1.5,\"a verdict that takes more than one line, 5 %\"\r\n"
        );
        assert!(markdown(&view()).contains("| --- | ---: | --- |"), "{}", markdown(&view()));
        assert!(text(&view()).contains("A note."), "{}", text(&view()));
    }
}
