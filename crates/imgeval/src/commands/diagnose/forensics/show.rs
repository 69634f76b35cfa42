//! Tables and sentences of a study.

use imgeval_diagnose::{
    alike::PlanChoice,
    forensics::{DetectorRecord, Number, Origin, StudyReport, StudyTable, study_tables},
};
use imgeval_forensics::{DETECTORS, Description};
use imgeval_report::tables::terminal::{Column, Row, Table};

/// As descriptions name the paper whose table 3 this is.
const PAPER: &str = "GPT-ImgEval";

/// The verdict and its reasons, and what a reader must know before any number.
pub(super) fn findings_of(report: &StudyReport, matched: &PlanChoice) -> Vec<String> {
    let mut findings = vec![format!("{}.", capitalized(&report.verdict.title))];
    findings.extend(report.verdict.sentences.iter().cloned());
    findings.extend(report.warnings.iter().cloned());
    findings.push(format!("Matched images: {}.", matched.plan.describe()));
    findings.extend(matched.notes.iter().map(|note| format!("{}.", capitalized(note))));
    findings
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn tables_of(report: &StudyReport) -> Vec<Table> {
    let mut tables = vec![table_3(report)];
    tables.extend(study_tables(report).into_iter().filter(|table| !table.rows.is_empty()).map(table_of));
    tables
}

fn table_of(of: StudyTable) -> Table {
    let is_number = |place: usize| {
        of.rows.iter().all(|row| {
            row.get(place).is_none_or(|text| {
                text.starts_with("not ")
                    || text == "undefined"
                    || text.starts_with(|first: char| first.is_ascii_digit() || "-.".contains(first))
            })
        })
    };
    let column = |(place, title): (usize, &&str)| match (place, is_number(place)) {
        (0, _) => Column::text(*title).wrapped(),
        (_, true) => Column::number(*title),
        (1 | 2, false) => Column::text(*title).wrapped(),
        (_, false) => Column::text(*title).wrapped().normal(),
    };
    let mut table = Table::new(of.columns.iter().enumerate().map(column)).with_title(of.title);
    for row in of.rows {
        table.push(Row::new(row));
    }
    table
}

/// The paper's table 3 with our columns beside it: published rows first where a detector was asked, then those that were not.
fn table_3(report: &StudyReport) -> Table {
    let mut table = Table::new([
        Column::text("detector").wrapped(),
        Column::number("GPT-ImgEval %"),
        Column::number("fakes detected %"),
        Column::number("reals kept %"),
        Column::number("matched: fakes %"),
        Column::number("reals %"),
    ])
    .with_title("Table 3 of GPT-ImgEval, and the same detectors on these images");
    let published = |description: &Description| {
        let of_paper = description.published.iter().find(|one| one.source.contains(PAPER));
        of_paper.map_or_else(|| "-".to_owned(), |one| format!("{:.2}", 100.0 * one.value))
    };
    let described = |record: &DetectorRecord| {
        let id = record.id.split(':').next().unwrap_or(&record.id);
        DETECTORS.iter().find(|description| description.id == id).copied()
    };
    for record in report.detectors.iter().filter(|record| record.origin != Origin::Fused) {
        let share = |condition: &str, of: fn(&imgeval_diagnose::forensics::Metrics) -> &Number| {
            let metrics = record.condition(condition).and_then(|condition| condition.metrics.as_ref());
            metrics
                .map(of)
                .and_then(|number| number.value)
                .map_or_else(|| "-".to_owned(), |value| format!("{:.1}", 100.0 * value))
        };
        let known = described(record).map_or_else(|| "-".to_owned(), published);
        table.push(Row::new([
            record.name.clone(),
            known,
            share("as-delivered", |metrics| &metrics.fake_accuracy),
            share("as-delivered", |metrics| &metrics.real_accuracy),
            share("matched", |metrics| &metrics.fake_accuracy),
            share("matched", |metrics| &metrics.real_accuracy),
        ]));
    }
    let asked = |description: &&&Description| {
        report.detectors.iter().any(|record| described(record).is_some_and(|one| one.id == description.id))
    };
    for description in DETECTORS.iter().filter(|description| !asked(description)) {
        let value = published(description);
        if value != "-" {
            table.push(Row::new([description.name, &value, "-", "-", "-", "-"]));
        }
    }
    table.below.push(
        "The paper states neither its photographs nor its checkpoints; its column is the share of GPT-4o's images called fake."
            .to_owned(),
    );
    table
}
