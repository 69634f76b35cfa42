//! A sheet in GitHub's Markdown.

use super::sheet::{Entry, Row, Sheet};
use crate::plain::plain;

pub(super) fn render(sheet: &Sheet) -> String {
    let mut text = format!("**{}**\n\n", escape(&sheet.title));
    text.push_str(&line(sheet.header.iter().map(|name| escape(name))));
    let is_words = |column: usize| column == 0 || sheet.words.contains(&column);
    let rule = |column: usize| if is_words(column) { "---" } else { "---:" };
    text.push_str(&line((0..sheet.header.len()).map(|column| rule(column).to_owned())));
    for section in &sheet.sections {
        if !section.heading.is_empty() {
            let empty = (1..sheet.header.len()).map(|_| String::new());
            text.push_str(&line([format!("*{}*", escape(&section.heading))].into_iter().chain(empty)));
        }
        for row in &section.rows {
            text.push_str(&line([row_name(row)].into_iter().chain(row.entries.iter().map(entry_text))));
        }
    }
    text.push('\n');
    let numbered = sheet.footnotes.iter().enumerate();
    let notes = numbered.map(|(place, note)| format!("<sup>{}</sup> {}", place + 1, escape(note)));
    let rule = (!sheet.best_rule.is_empty()).then(|| format!("**Bold**: {}", escape(sheet.best_rule)));
    let below: Vec<String> = notes.chain(rule).chain(sheet.below.iter().map(|line| escape(line))).collect();
    text.push_str(&below.join("  \n"));
    text.push('\n');
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

fn row_name(row: &Row) -> String {
    let numbers: Vec<String> = row.footnotes.iter().map(usize::to_string).collect();
    match numbers.is_empty() {
        true => escape(&row.name),
        false => format!("{}<sup>{}</sup>", escape(&row.name), numbers.join(",")),
    }
}

fn entry_text(entry: &Entry) -> String {
    let value = escape(&entry.value);
    let mut text = if entry.is_best { format!("**{value}**") } else { value };
    if let Some((low, high)) = &entry.interval {
        text.push_str(&format!(" \\[{low}, {high}\\]"));
    }
    if let Some(rank) = entry.rank_text("-") {
        text.push_str(&format!(" <sub>\\#{rank}</sub>"));
    }
    text
}

/// The text with everything escaped that could be markup, a link or the end of a cell.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in plain(text).chars() {
        if matches!(
            character,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '|'
                | '~'
                | '&'
                | '#'
                | '!'
                | '$'
                | '@'
        ) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    // GitHub makes links of bare addresses.
    escaped.replace("://", "\\://").replace("www.", "www\\.")
}
