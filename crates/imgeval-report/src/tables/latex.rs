//! A sheet as a floating table of LaTeX with `booktabs`.

use super::sheet::{Entry, NO_VALUE, Row, Sheet};
use crate::plain::plain;

pub(super) fn render(sheet: &Sheet) -> String {
    let n_columns = sheet.header.len();
    let alignment: String = alignments(sheet).concat();
    let mut text = format!(
        "\\begin{{table}}[t]\n\\centering\n\\footnotesize\n\\setlength{{\\tabcolsep}}{{4pt}}\n\\caption{{{}}}\n\
         \\begin{{tabular}}{{@{{}}{alignment}@{{}}}}\n\\toprule\n",
        escape(&sheet.title)
    );
    text.push_str(&line(sheet.header.iter().map(|name| escape(name))));
    for section in &sheet.sections {
        text.push_str("\\midrule\n");
        if !section.heading.is_empty() {
            text.push_str(&format!(
                "\\multicolumn{{{n_columns}}}{{@{{}}l}}{{\\textit{{{}}}}} \\\\\n",
                escape(&section.heading)
            ));
        }
        for row in &section.rows {
            text.push_str(&line([row_name(row)].into_iter().chain(row.entries.iter().map(entry_text))));
            if row.entries.iter().any(|entry| entry.interval.is_some()) {
                text.push_str(&line(
                    [String::new()].into_iter().chain(row.entries.iter().map(interval_text)),
                ));
            }
        }
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    let below = lines_below(sheet);
    if !below.is_empty() {
        text.push_str("\\par\\smallskip\n\\begin{minipage}{\\linewidth}\n\\scriptsize\\raggedright\n");
        text.push_str(&below.join("\\par\n"));
        text.push_str("\n\\end{minipage}\n");
    }
    text.push_str("\\end{table}\n");
    text
}

/// Text that is longer than this is set in several lines.
const LONG_WORDS: usize = 24;
/// What columns of long text share, of the width of a line.
const LONG_WIDTH: f64 = 0.66;

fn alignments(sheet: &Sheet) -> Vec<String> {
    let rows = || sheet.sections.iter().flat_map(|section| &section.rows);
    let longest = |column: usize| {
        let texts = rows().filter_map(|row| match column {
            0 => Some(&row.name),
            _ => row.entries.get(column - 1).map(|entry| &entry.value),
        });
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let is_words = |column: usize| sheet.words.contains(&column);
    let n_columns = sheet.header.len();
    let n_long = (0..n_columns).filter(|column| is_words(*column) && longest(*column) > LONG_WORDS).count();
    let alignment = |column: usize| match column {
        _ if is_words(column) && longest(column) > LONG_WORDS => {
            format!("p{{{:.2}\\linewidth}}", LONG_WIDTH / n_long as f64)
        }
        _ if column == 0 || is_words(column) => "l".to_owned(),
        _ => "r".to_owned(),
    };
    (0..n_columns).map(alignment).collect()
}

fn lines_below(sheet: &Sheet) -> Vec<String> {
    let numbered = sheet.footnotes.iter().enumerate();
    let notes = numbered.map(|(place, note)| format!("\\textsuperscript{{{}}} {}", place + 1, escape(note)));
    let rule =
        (!sheet.best_rule.is_empty()).then(|| format!("\\textbf{{Bold}}: {}", escape(sheet.best_rule)));
    notes.chain(rule).chain(sheet.below.iter().map(|line| escape(line))).collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("{} \\\\\n", cells.join(" & "))
}

fn row_name(row: &Row) -> String {
    let numbers: Vec<String> = row.footnotes.iter().map(usize::to_string).collect();
    match numbers.is_empty() {
        true => escape(&row.name),
        false => format!("{}\\textsuperscript{{{}}}", escape(&row.name), numbers.join(",")),
    }
}

fn entry_text(entry: &Entry) -> String {
    let value = if entry.value == NO_VALUE { "---".to_owned() } else { number(&entry.value) };
    let mut text = if entry.is_best { format!("\\textbf{{{value}}}") } else { value };
    if let Some(rank) = entry.rank_text("--") {
        text.push_str(&format!(" {{\\scriptsize \\#{rank}}}"));
    }
    text
}

/// On a line of its own under the value, or the table would be too wide for a page.
fn interval_text(entry: &Entry) -> String {
    let shown =
        |(low, high): &(String, String)| format!("{{\\scriptsize [{}, {}]}}", number(low), number(high));
    entry.interval.as_ref().map(shown).unwrap_or_default()
}

/// A hyphen before a digit is a minus sign.
fn number(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        if character == '-' && before == ' ' && characters.peek().is_some_and(char::is_ascii_digit) {
            shown.push_str("$-$");
        } else {
            shown.push_str(&escape(&character.to_string()));
        }
        before = character;
    }
    shown
}

/// The text with TeX's special characters escaped, and characters that pdfTeX's standard fonts lack written out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for character in plain(text).chars() {
        if is_ligature(before, character) {
            escaped.push_str("{}");
        }
        before = character;
        match character {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '"' => escaped.push_str("{\\ttfamily\\char34}"),
            // At the start of a row they would belong to the line break before.
            '[' | ']' | '*' => escaped.push_str(&format!("{{{character}}}")),
            ' '..='~' => escaped.push(character),
            '\u{2014}' => escaped.push_str("---"),
            '\u{2013}' => escaped.push_str("--"),
            _ if is_in_standard_fonts(character) => escaped.push(character),
            _ => escaped.push_str(&format!("{{[}}U+{:04X}{{]}}", u32::from(character))),
        }
    }
    escaped
}

/// Whether TeX would set the two as another sign.
fn is_ligature(before: char, character: char) -> bool {
    matches!((before, character), ('-', '-') | ('`', '`') | ('\'', '\'') | (',', ',') | ('!' | '?', '`'))
}

/// Letters with accents that LaTeX composes in its oldest font encoding, without any package.
fn is_in_standard_fonts(character: char) -> bool {
    matches!(character, '\u{c0}'..='\u{17e}')
        && !matches!(
            character,
            'Ð' | '×'
                | 'Þ'
                | 'ð'
                | '÷'
                | 'þ'
                | 'Ą'
                | 'ą'
                | 'Ę'
                | 'ę'
                | 'Į'
                | 'į'
                | 'Ų'
                | 'ų'
                | 'Đ'
                | 'đ'
                | 'Ħ'
                | 'ħ'
                | 'ĸ'
                | 'ŉ'
                | 'Ŋ'
                | 'ŋ'
                | 'Ŧ'
                | 'ŧ'
                | 'Ŀ'
                | 'ŀ'
                | 'Ģ'
                | 'ģ'
        )
}
