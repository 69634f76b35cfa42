//! The description of a table. All strings are as they came; rendering makes them harmless.

use super::{View, render};

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    Left,
    Right,
}

/// Which columns go first where there is too little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Hidden first.
    WideOnly,
    /// Hidden once no column for wide tables is left.
    Normal,
    /// Never hidden.
    Essential,
}

/// What happens to text that is too long for its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Other columns are hidden before this one gets less room than it needs.
    Keep,
    /// The middle of long text gives way to an ellipsis before other columns are hidden.
    Shorten,
    /// Long text takes several lines before other columns are hidden.
    Wrap,
}

/// The head of a column and how it behaves where there is little room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub title: String,
    pub alignment: Alignment,
    pub importance: Importance,
    pub overflow: Overflow,
}

impl Column {
    /// An essential column of text.
    #[must_use]
    pub fn text(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            alignment: Alignment::Left,
            importance: Importance::Essential,
            overflow: Overflow::Keep,
        }
    }

    /// An essential column of numbers.
    #[must_use]
    pub fn number(title: impl Into<String>) -> Self {
        Self { alignment: Alignment::Right, ..Self::text(title) }
    }

    /// The column, hidden where there is too little room.
    #[must_use]
    pub fn normal(self) -> Self {
        Self { importance: Importance::Normal, ..self }
    }

    /// The column, hidden before any normal one.
    #[must_use]
    pub fn wide_only(self) -> Self {
        Self { importance: Importance::WideOnly, ..self }
    }

    /// The column with its long text shortened rather than other columns hidden.
    #[must_use]
    pub fn shortened(self) -> Self {
        Self { overflow: Overflow::Shorten, ..self }
    }

    /// The column with its long text wrapped rather than other columns hidden.
    #[must_use]
    pub fn wrapped(self) -> Self {
        Self { overflow: Overflow::Wrap, ..self }
    }
}

/// What a text means to its reader; shown as a color where colors may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Neutral,
    /// Better than what it is compared with.
    Better,
    /// Worse than what it is compared with.
    Worse,
    /// A reservation, such as a score that is not comparable.
    Note,
}

/// The text of one cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellText {
    pub text: String,
    pub tone: Tone,
}

impl CellText {
    #[must_use]
    pub fn with_tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl From<String> for CellText {
    fn from(text: String) -> Self {
        Self { text, tone: Tone::Neutral }
    }
}

impl From<&str> for CellText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for CellText {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

/// One row: a cell for each column, and what must be known to read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Missing cells at the end are empty.
    pub cells: Vec<CellText>,
    /// Must be shown next to the row; empty if nothing must. A note shared by all rows is shown once, above the
    /// table.
    pub note: String,
    /// Further remarks, each under the table with a number at the row.
    pub footnotes: Vec<String>,
}

impl Row {
    #[must_use]
    pub fn new(cells: impl IntoIterator<Item = impl Into<CellText>>) -> Self {
        Self { cells: cells.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    #[must_use]
    pub fn with_footnote(mut self, footnote: impl Into<String>) -> Self {
        self.footnotes.push(footnote.into());
        self
    }
}

/// Rows under one heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// Empty if the rows have no heading.
    pub heading: String,
    pub rows: Vec<Row>,
}

/// A table before it takes the form of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Title above the table; empty if there is none.
    pub title: String,
    pub columns: Vec<Column>,
    pub sections: Vec<Section>,
    /// Whether a note shared by all rows is still shown below the table, with its number at each row.
    pub has_notes_at_rows: bool,
    /// Sentences under the table.
    pub below: Vec<String>,
}

impl Table {
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), ..Self::default() }
    }

    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Starts a section; an empty heading is not shown.
    pub fn start_section(&mut self, heading: impl Into<String>) {
        self.sections.push(Section { heading: heading.into(), rows: Vec::new() });
    }

    /// Adds a row to the last section.
    pub fn push(&mut self, row: Row) {
        match self.sections.last_mut() {
            Some(section) => section.rows.push(row),
            None => self.sections.push(Section { heading: String::new(), rows: vec![row] }),
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    /// The table as lines of text, each with its line end.
    #[must_use]
    pub fn render(&self, view: View<'_>) -> String {
        render::render(self, view)
    }
}
