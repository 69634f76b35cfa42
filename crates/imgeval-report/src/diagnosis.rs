//! What a diagnosis found, in a form that any page can show: sentences, tables and figures.

use serde::{Deserialize, Serialize};

use crate::{
    figures::Figure,
    summary::SummaryGroup,
    tables::terminal::{Alignment, Table},
};

/// What a diagnosis is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiagnosisKind {
    /// How the images were generated.
    Architecture,
    /// Traces of the decoder and of later processing.
    Artefacts,
    /// What becomes of images over rounds of edits.
    Rounds,
    /// Whether the images can be told from photographs.
    Forensics,
    /// Anything else, and what versions wrote that did not say.
    #[default]
    Other,
}

/// A diagnosis as its command made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    pub title: String,
    pub kind: DiagnosisKind,
    /// What follows from the numbers, in sentences.
    pub findings: Vec<String>,
    /// Its part of a report's summary, where that is more than its findings say.
    pub summary: Option<SummaryGroup>,
    /// Laid out for a terminal, for what has no tables yet; may be empty.
    pub text: String,
    pub tables: Vec<Table>,
    pub figures: Vec<Figure>,
}

/// A diagnosis on a page, and in `diagnosis.json` of a folder that a diagnosis wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiagnosisView {
    pub title: String,
    #[serde(default)]
    pub kind: DiagnosisKind,
    pub findings: Vec<String>,
    #[serde(default)]
    pub summary: Option<SummaryGroup>,
    pub text: String,
    pub tables: Vec<TableView>,
    /// Indices of its figures in the page's list, or in the list stored with it in a file.
    pub figures: Vec<usize>,
}

/// A table without a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableView {
    /// Empty if it has none.
    pub title: String,
    pub columns: Vec<ColumnView>,
    pub sections: Vec<SectionView>,
    /// Sentences below it.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnView {
    pub title: String,
    pub is_number: bool,
}

/// Rows below one heading, which is empty if they have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionView {
    pub heading: String,
    pub rows: Vec<Vec<String>>,
}

impl From<&Table> for TableView {
    fn from(table: &Table) -> Self {
        let column = |column: &crate::tables::terminal::Column| ColumnView {
            title: column.title.clone(),
            is_number: column.alignment == Alignment::Right,
        };
        let mut notes: Vec<String> = Vec::new();
        let sections = table.sections.iter().map(|section| {
            let rows = section.rows.iter().map(|row| {
                notes.extend(
                    [&row.note].into_iter().chain(&row.footnotes).filter(|note| !note.is_empty()).cloned(),
                );
                row.cells.iter().map(|cell| cell.text.clone()).collect()
            });
            SectionView { heading: section.heading.clone(), rows: rows.collect() }
        });
        let sections = sections.collect();
        let mut seen = std::collections::BTreeSet::new();
        notes.extend(table.below.iter().cloned());
        notes.retain(|note| seen.insert(note.clone()));
        Self {
            title: table.title.clone(),
            columns: table.columns.iter().map(column).collect(),
            sections,
            notes,
        }
    }
}

impl Diagnosis {
    /// What a page shows; `first_figure` is the place of its first figure in the page's list.
    #[must_use]
    pub fn view(&self, first_figure: usize) -> DiagnosisView {
        DiagnosisView {
            title: self.title.clone(),
            kind: self.kind,
            findings: self.findings.clone(),
            summary: self.summary.clone(),
            text: self.text.clone(),
            tables: self.tables.iter().map(TableView::from).collect(),
            figures: (first_figure..first_figure + self.figures.len()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::terminal::{Column, Row};

    #[test]
    fn a_table_keeps_its_columns_rows_and_notes_once() {
        let mut table = Table::new([Column::text("what"), Column::number("value")]).with_title("Numbers");
        table.start_section("first");
        table.push(Row::new(["a", "1"]).with_note("preview").with_footnote("of 3"));
        table.push(Row::new(["b", "2"]).with_note("preview"));
        table.below.push("A sentence.".to_owned());
        let view = TableView::from(&table);
        assert!(!view.columns[0].is_number && view.columns[1].is_number);
        assert_eq!(view.sections[0].heading, "first");
        assert_eq!(view.sections[0].rows, [["a", "1"], ["b", "2"]]);
        assert_eq!(view.notes, ["preview", "of 3", "A sentence."]);
        let diagnosis = Diagnosis {
            title: "D".to_owned(),
            kind: DiagnosisKind::Artefacts,
            findings: Vec::new(),
            summary: None,
            text: String::new(),
            tables: vec![table],
            figures: Vec::new(),
        };
        let shown = diagnosis.view(4);
        let read: DiagnosisView = serde_json::from_str(&serde_json::to_string(&shown).unwrap()).unwrap();
        assert_eq!(read, shown);
    }
}
