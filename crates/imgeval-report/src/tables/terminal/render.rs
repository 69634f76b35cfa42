//! A table as lines of text.

use unicode_width::UnicodeWidthStr as _;

use super::{
    Alignment, CellText, Overflow, Row, Style, Table, Tone, View, Width,
    columns::{Arrangement, arrange, total},
    notes::Notes,
    wrapping::{LongWords, shorten, wrap},
};
use crate::plain::plain;

/// Before the names of rows under a heading.
const INDENT: &str = "  ";

pub(super) fn render(table: &Table, view: View<'_>) -> String {
    let notes = Notes::of(table);
    let lines = lay_out(table, &notes);
    let natural = natural_widths(table, &lines, view.width);
    let arrangement = arrange(&table.columns, &natural, view.width);
    let mut text = Text { view, text: String::new() };
    if !table.title.is_empty() {
        text.sentence(&plain(&table.title), Tone::Neutral);
    }
    if !notes.above.is_empty() {
        text.sentence(&format!("note: {}", notes.above), Tone::Note);
    }
    for line in &lines {
        match line {
            Line::Cells(cells) => text.row(table, cells, &arrangement),
            Line::Heading(heading) => text.heading(heading, &arrangement),
        }
    }
    if !arrangement.hidden.is_empty() {
        text.sentence(&hidden_line(table, &arrangement.hidden, view.shows_all), Tone::Neutral);
    }
    for (place, note) in notes.numbered.iter().enumerate() {
        text.sentence(&format!("[{}] {note}", place + 1), Tone::Neutral);
    }
    for sentence in &table.below {
        text.sentence(&plain(sentence), Tone::Neutral);
    }
    text.text
}

/// One line of the table before it is fitted, with its text made harmless.
enum Line {
    Heading(String),
    Cells(Vec<LaidOut>),
}

/// The text of a cell, and the numbers of footnotes behind it, which are never left out.
#[derive(Default)]
struct LaidOut {
    text: String,
    tone: Tone,
    numbers: String,
}

impl LaidOut {
    fn new(cell: &CellText) -> Self {
        Self { text: plain(&cell.text), tone: cell.tone, numbers: String::new() }
    }

    fn width(&self) -> usize {
        self.text.width() + self.numbers.width()
    }
}

/// The header, headings and rows.
fn lay_out(table: &Table, notes: &Notes) -> Vec<Line> {
    let header = table.columns.iter().map(|column| LaidOut::new(&column.title.as_str().into())).collect();
    let mut lines = vec![Line::Cells(header)];
    let mut numbers_of_rows = notes.of_rows.iter();
    for section in &table.sections {
        if !section.heading.is_empty() {
            lines.push(Line::Heading(plain(&section.heading)));
        }
        let indent = if section.heading.is_empty() { "" } else { INDENT };
        for row in &section.rows {
            let numbers = numbers_of_rows.next().map(Vec::as_slice).unwrap_or_default();
            lines.push(Line::Cells(lay_out_row(row, table.columns.len(), indent, numbers)));
        }
    }
    lines
}

fn lay_out_row(row: &Row, n_columns: usize, indent: &str, numbers: &[usize]) -> Vec<LaidOut> {
    let mut cells: Vec<LaidOut> = row.cells.iter().take(n_columns).map(LaidOut::new).collect();
    cells.resize_with(n_columns, LaidOut::default);
    if let Some(name) = cells.first_mut() {
        name.text.insert_str(0, indent);
        name.numbers = numbers.iter().map(|number| format!(" [{number}]")).collect();
    }
    cells
}

/// The width of the widest text of each column. A heading belongs to the first one only where room is no matter.
fn natural_widths(table: &Table, lines: &[Line], width: Width) -> Vec<usize> {
    let mut widths = vec![0; table.columns.len()];
    for line in lines {
        match line {
            Line::Cells(cells) => {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = cell.width().max(*width);
                }
            }
            Line::Heading(heading) => {
                if let (Width::All, Some(first)) = (width, widths.first_mut()) {
                    *first = heading.width().max(*first);
                }
            }
        }
    }
    widths
}

fn hidden_line(table: &Table, hidden: &[usize], shows_all: &str) -> String {
    let names: Vec<String> = hidden.iter().map(|place| plain(&table.columns[*place].title)).collect();
    let names = names.join(", ");
    let them = if hidden.len() == 1 { "it" } else { "them" };
    match shows_all.is_empty() {
        true => format!("hidden: {names}"),
        false => format!("hidden: {names}; {shows_all} shows {them}"),
    }
}

struct Text<'a> {
    view: View<'a>,
    text: String,
}

impl Text<'_> {
    /// A sentence above or under the table, broken between words where there is too little room.
    fn sentence(&mut self, sentence: &str, tone: Tone) {
        let lines = match self.view.width {
            Width::All => vec![sentence.to_owned()],
            Width::Columns(room) => wrap(sentence, room, LongWords::Keep),
        };
        for line in lines {
            self.toned(&line, tone);
            self.text.push('\n');
        }
    }

    fn heading(&mut self, heading: &str, arrangement: &Arrangement) {
        let heading = match self.view.width {
            Width::All => heading.to_owned(),
            Width::Columns(room) => {
                let widths = arrangement.shown.iter().map(|(_, width)| *width);
                shorten(heading, total(widths).max(room).saturating_sub(1))
            }
        };
        self.text.push_str(format!(" {heading}").trim_end());
        self.text.push('\n');
    }

    fn row(&mut self, table: &Table, cells: &[LaidOut], arrangement: &Arrangement) {
        let columns: Vec<(Alignment, usize, Vec<String>, &LaidOut)> = arrangement
            .shown
            .iter()
            .map(|(place, width)| {
                let (column, cell) = (&table.columns[*place], &cells[*place]);
                (column.alignment, *width, fit(cell, *width, column.overflow), cell)
            })
            .collect();
        let height = columns.iter().map(|(_, _, lines, _)| lines.len()).max().unwrap_or(0);
        for at in 0..height {
            let start = self.text.len();
            for (alignment, width, lines, cell) in &columns {
                let text = lines.get(at).map_or("", String::as_str);
                let numbers = if at + 1 == lines.len() { cell.numbers.as_str() } else { "" };
                let spaces = " ".repeat(width.saturating_sub(text.width() + numbers.width()));
                let (before, after) = match alignment {
                    Alignment::Left => ("", spaces.as_str()),
                    Alignment::Right => (spaces.as_str(), ""),
                };
                self.text.push(' ');
                self.text.push_str(before);
                self.toned(text, cell.tone);
                self.toned(numbers, Tone::Note);
                self.text.push_str(after);
                self.text.push(' ');
            }
            let end = start + self.text[start..].trim_end().len();
            self.text.truncate(end);
            self.text.push('\n');
        }
    }

    fn toned(&mut self, text: &str, tone: Tone) {
        let code = match (self.view.style, tone) {
            (Style::Plain, _) | (_, Tone::Neutral) => None,
            (Style::Color, Tone::Better) => Some("32"),
            (Style::Color, Tone::Worse) => Some("31"),
            (Style::Color, Tone::Note) => Some("33"),
        };
        match code.filter(|_| !text.is_empty()) {
            Some(code) => self.text.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m")),
            None => self.text.push_str(text),
        }
    }
}

/// The lines of a cell; the numbers of footnotes fit behind the last one.
fn fit(cell: &LaidOut, width: usize, overflow: Overflow) -> Vec<String> {
    if cell.width() <= width {
        return vec![cell.text.clone()];
    }
    let room = width.saturating_sub(cell.numbers.width()).max(1);
    match overflow {
        Overflow::Wrap => wrap(&cell.text, room, LongWords::Break),
        Overflow::Keep | Overflow::Shorten => vec![shorten(&cell.text, room)],
    }
}
