//! Tables for people: what the files say, the numbers, and what they mean.

use imgeval_diagnose::{
    architecture::ValueShare,
    artefacts::{Comparison, Difference, Finding, Number, Row, Summary},
};
use imgeval_metrics::image::NotMeasurable;
use imgeval_report::tables::terminal::{Column, Row as TableRow, Table};

/// Two tables for each place.
pub(super) fn tables_of(comparisons: &[Comparison<'_>]) -> Vec<Table> {
    comparisons.iter().flat_map(|comparison| [files_table(comparison), numbers_table(comparison)]).collect()
}

fn files_table(comparison: &Comparison<'_>) -> Table {
    let place = comparison.place;
    let mut columns = vec![Column::text("file"), Column::text("images").wrapped()];
    if comparison.reference.is_some() {
        columns.extend([Column::text("reference").wrapped(), Column::text("differ")]);
    }
    let mut title = format!("{}: {}", place.name, counted(place.images.len(), "image"));
    if place.n_groups < place.images.len() {
        title.push_str(&format!(" in {}", counted(place.n_groups, "group")));
    }
    if !place.unused.is_empty() {
        title.push_str(&format!(", {} unreadable", place.unused.len()));
    }
    if let Some(reference) = comparison.reference {
        title.push_str(&format!("; reference: {}", counted(reference.images.len(), "image")));
    }
    let mut table = Table::new(columns).with_title(title);
    for shares in &comparison.files {
        let mut cells = vec![shares.fact.name().to_owned(), shares_text(&shares.place)];
        if let Some(reference) = &shares.reference {
            cells.push(shares_text(reference));
            cells.push(if shares.differs { "yes" } else { "no" }.to_owned());
        }
        table.push(TableRow::new(cells));
    }
    table.below.extend(sentences(comparison, true));
    table
}

fn numbers_table(comparison: &Comparison<'_>) -> Table {
    let mut columns =
        vec![Column::text("median or share"), Column::number("value"), Column::number("95 % CI")];
    if comparison.reference.is_some() {
        columns.extend(["ref.", "diff.", "95 % CI"].map(Column::number));
    }
    columns.push(Column::number("n").normal());
    let mut table = Table::new(columns);
    let mut section = None;
    for row in &comparison.rows {
        if section != Some(row.number.section()) {
            section = Some(row.number.section());
            table.start_section(row.number.section().title());
        }
        table.push(table_row(comparison, row));
    }
    let similarity = comparison.fingerprint_similarity;
    let similarity =
        similarity.map(|value| format!("Fingerprint correlation with the reference: {value:.3} (-1 to 1)."));
    table.below.extend(similarity);
    table.below.extend(sentences(comparison, false));
    table
}

/// What follows, of the files or of everything else.
fn sentences(comparison: &Comparison<'_>, of_files: bool) -> impl Iterator<Item = String> {
    let is_of_files = |finding: &Finding| matches!(finding, Finding::Files { .. });
    let findings = comparison.findings.iter().filter(move |finding| is_of_files(finding) == of_files);
    findings.map(|finding| format!("- {finding}"))
}

fn table_row(comparison: &Comparison<'_>, row: &Row) -> TableRow {
    let format = Format::of(row);
    let mut label = row.number.label().to_owned();
    let at = comparison.place.fingerprint.as_ref().and_then(|fingerprint| fingerprint.peak_at);
    if let (Number::AutocorrelationPeak, Some([along, down])) = (row.number, at) {
        label = format!("peak at {along}, {down} px");
    }
    let mut cells =
        vec![label, format.value(row.place), format.interval(row.place.and_then(|one| one.interval))];
    if comparison.reference.is_some() {
        cells.push(format.value(row.reference));
        cells.push(format.difference(row.difference));
        cells.push(format.interval(row.difference.and_then(|one| one.interval)));
    }
    cells.push(row.place.map_or("0".to_owned(), |one| one.n.to_string()));
    let mut table_row = TableRow::new(cells);
    let sides = [("", &row.not_measured), (" of the reference", &row.reference_not_measured)];
    for (side, reasons) in sides {
        for (reason, count) in reasons {
            table_row = table_row.with_footnote(not_measured(*reason, *count, side));
        }
    }
    table_row
}

fn not_measured(reason: NotMeasurable, count: usize, side: &str) -> String {
    let example = if count == 1 { "" } else { "for example: " };
    format!("{}{side} not measured; {example}{reason}", counted(count, "image"))
}

/// How the numbers of a row are shown: alike, so that they can be compared.
struct Format {
    scale: f64,
    decimals: usize,
}

impl Format {
    fn of(row: &Row) -> Self {
        let scale = if row.number.is_fraction() { 100.0 } else { 1.0 };
        let sizes = [row.place, row.reference].into_iter().flatten().map(|one| (scale * one.value).abs());
        let decimals = match sizes.fold(0.0, f64::max) {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            size if size >= 1.0 => 2,
            _ => 3,
        };
        Self { scale, decimals: if row.number.is_fraction() { decimals.min(1) } else { decimals } }
    }

    fn number(&self, value: f64) -> String {
        let decimals = self.decimals;
        let text = format!("{:.decimals$}", self.scale * value);
        // A zero has no sign.
        let is_zero = text.chars().all(|digit| matches!(digit, '-' | '0' | '.'));
        if is_zero { text.trim_start_matches('-').to_owned() } else { text }
    }

    fn value(&self, summary: Option<Summary>) -> String {
        summary.map_or_else(|| "-".to_owned(), |one| self.number(one.value))
    }

    fn difference(&self, difference: Option<Difference>) -> String {
        difference.map_or_else(|| "-".to_owned(), |one| self.number(one.value))
    }

    fn interval(&self, interval: Option<(f64, f64)>) -> String {
        interval.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{} to {}", self.number(low), self.number(high)),
        )
    }
}

fn shares_text(shares: &[ValueShare]) -> String {
    let one = |share: &ValueShare| match shares.len() {
        1 => share.value.clone(),
        _ => format!("{} {:.0} %", share.value, 100.0 * share.share),
    };
    shares.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
