//! The room that a table has, and what may be done to its text.

/// The number of columns that a line of text may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Width {
    /// Lines may be as long as they need to be, and every column of a table is shown.
    #[default]
    All,
    /// Lines end at this many columns of the terminal.
    Columns(usize),
}

/// Whether escape sequences may color text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// Text without any escape sequence.
    #[default]
    Plain,
    /// Notes in yellow, better values in green and worse ones in red.
    Color,
}

/// How a table is to be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View<'a> {
    pub width: Width,
    pub style: Style,
    /// What the reader can use to see hidden columns, such as the name of a flag; empty if there is nothing.
    pub shows_all: &'a str,
}

impl View<'static> {
    /// Everything, without color: for files and other programs.
    pub const WIDE: Self = Self { width: Width::All, style: Style::Plain, shows_all: "" };
}
