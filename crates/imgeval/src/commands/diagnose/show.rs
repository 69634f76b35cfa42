//! Probes and answers as text for people; the Markdown summary of a report is the same in a fence.

use imgeval_core::visible;
use imgeval_diagnose::{
    Measured,
    architecture::{CandidateSheet, LatticePeak, ProbeCard, ValueShare, judge_probe},
};
use imgeval_report::tables::terminal::{Column, Row, Table, View};

use super::report::AnswerReport;

/// Characters of the longest bar of a histogram.
const BAR: usize = 40;

/// Everything that training found out.
pub(super) fn probe_text(card: &ProbeCard) -> String {
    let mut text = format!(
        "probe: {}, classes {}\nplan: {}\n",
        card.kind.code(),
        card.classes.iter().map(|name| visible(name)).collect::<Vec<_>>().join(", "),
        card.plan.describe()
    );
    for note in &card.plan_notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.push_str("\nConfounders\n");
    text.push_str(&profile_table(card));
    for warning in &card.profile.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text.push_str("\nTraining data\n");
    text.push_str(&generators_table(card));
    text.push_str("\nOn unseen groups, and after degradation\n");
    text.push_str(&separation_table(card));
    let evaluation = &card.evaluation;
    text.push_str(&format!(
        "calibration: temperature {:.3}, expected calibration error {:.3} (before {:.3}), Brier score {:.3} (before {:.3})\n",
        evaluation.temperature,
        evaluation.calibration_error,
        evaluation.calibration_error_before,
        evaluation.brier,
        evaluation.brier_before
    ));
    if let Some(share) = evaluation.outside_share {
        text.push_str(&format!("outliers: {:.1} % of the test images (5 % expected)\n", 100.0 * share));
    }
    for (class, histogram) in card.classes.iter().zip(&evaluation.histograms) {
        text.push_str(&format!(
            "\nConfidence in {}, test images of {}\n",
            visible(&card.classes[0]),
            visible(class)
        ));
        text.push_str(&histogram_text(histogram));
    }
    text.push_str("\nControls\n");
    text.push_str(&controls_table(card));
    text.push_str("\nConclusion\n");
    for reason in judge_probe(card).reasons {
        text.push_str(&format!("- {}\n", visible(&reason.to_string())));
    }
    text
}

fn profile_table(card: &ProbeCard) -> String {
    let header: Vec<String> = ["fact".to_owned()]
        .into_iter()
        .chain(card.classes.iter().map(|name| visible(name)))
        .chain(["accuracy from this alone (chance)".to_owned()])
        .collect();
    let mut table = Table::new(header.into_iter().map(Column::text));
    for fact in &card.profile.facts {
        let mut row = vec![fact.fact.name().to_owned()];
        row.extend(fact.values.iter().map(|values| values_text(values)));
        let mark = if fact.separates { " !" } else { "" };
        row.push(format!("{} ({:.2}){mark}", fact.balanced_accuracy.text(), fact.chance));
        table.push(Row::new(row));
    }
    table.render(View::WIDE)
}

fn values_text(values: &[ValueShare]) -> String {
    let one = |value: &ValueShare| format!("{} {:.0} %", visible(&value.value), 100.0 * value.share);
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn generators_table(card: &ProbeCard) -> String {
    let mut table = Table::new(
        ["class", "generator", "images", "groups", "training", "validation", "test"].map(Column::text),
    );
    for generator in &card.generators {
        let counts = [
            generator.n_images,
            generator.n_groups,
            generator.n_training,
            generator.n_validation,
            generator.n_test,
        ];
        let names = [visible(&card.classes[generator.class]), visible(&generator.name)];
        table.push(Row::new(names.into_iter().chain(counts.map(|count| count.to_string()))));
    }
    let mut text = table.render(View::WIDE);
    for unused in &card.unused {
        text.push_str(&format!("not used: {} {}\n", unused.count, unused.reason));
    }
    text
}

fn separation_table(card: &ProbeCard) -> String {
    let mut table =
        Table::new(["pictures", "AUC", "balanced accuracy", "groups", "images"].map(Column::text));
    let mut add = |name: String, auc: Measured, accuracy: Measured| {
        let counts = [auc.n_groups.to_string(), auc.n_images.to_string()];
        table.push(Row::new([name, auc.text(), accuracy.text()].into_iter().chain(counts)));
    };
    let separation = &card.evaluation.separation;
    add("unmodified".to_owned(), separation.auc, separation.balanced_accuracy);
    for point in &card.controls.robustness {
        add(point.degradation.name(), point.separation.auc, point.separation.balanced_accuracy);
    }
    table.render(View::WIDE)
}

fn controls_table(card: &ProbeCard) -> String {
    let controls = &card.controls;
    let mut table = Table::new(["control", "result"].map(Column::text));
    let shuffle = &controls.shuffle;
    table.push(Row::new([
        format!("shuffled labels, {} trainings", shuffle.aucs.len()),
        format!("mean AUC {:.3} ({:.3} to {:.3})", shuffle.mean, shuffle.low, shuffle.high),
    ]));
    for control in &controls.leave_one_out {
        table.push(Row::new([
            format!("without {}", visible(&control.generator)),
            format!(
                "classified as {} {}, AUC {}",
                visible(&control.class),
                control.recognised.text(),
                control.auc.text()
            ),
        ]));
    }
    if controls.leave_one_out.is_empty() {
        table.push(Row::new([
            "without one generator",
            "not possible: no class has two generators generators",
        ]));
    }
    for control in &controls.decoders {
        let shares: Vec<String> = card
            .classes
            .iter()
            .zip(&control.shares)
            .map(|(class, share)| format!("{} {}", visible(class), share.text()))
            .collect();
        table.push(Row::new([format!("decoder {} alone", visible(&control.name)), shares.join(", ")]));
    }
    if controls.decoders.is_empty() {
        table.push(Row::new(["decoder alone", "not done: no --control-decoder"]));
    }
    table.render(View::WIDE)
}

/// Ten bins from 0 to 1, one line each.
fn histogram_text(counts: &[usize; 10]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts
        .iter()
        .enumerate()
        .map(|(bin, count)| {
            let bar = "#".repeat((count * BAR).div_ceil(most));
            format!("{:.1} to {:.1} {count:>6} {bar}", bin as f64 / 10.0, (bin + 1) as f64 / 10.0)
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
}

/// Probe results of images.
pub(super) fn answer_text(answer: &AnswerReport<'_>) -> String {
    let (card, summary) = (answer.card, &answer.summary);
    let mut table = Table::new(["class", "share", "mean confidence"].map(Column::text));
    for ((class, share), confidence) in card.classes.iter().zip(&summary.shares).zip(&summary.mean_confidence)
    {
        table.push(Row::new([visible(class), share.text(), format!("{confidence:.3}")]));
    }
    let mut text = table.render(View::WIDE);
    text.push_str(&format!("images {}, groups {}", summary.n_images, summary.n_groups));
    match summary.outside {
        Some(outside) => text.push_str(&format!(", outliers {}\n", outside.text())),
        None => text.push_str(", outliers unknown\n"),
    }
    text.push_str(&format!("\nConfidence in {}\n", visible(&card.classes[0])));
    text.push_str(&histogram_text(&summary.histogram));
    if let Some((record, likeness)) = &answer.signature {
        text.push_str("\nFingerprint similarity (-1 to 1)\n");
        for (known, value) in card.signatures.iter().zip(likeness) {
            text.push_str(&format!("  {} {value:.3}\n", visible(&known.name)));
        }
        let peaks = |peaks: &[LatticePeak]| {
            let one = |peak: &LatticePeak| format!("{} px {:.2}", peak.period, peak.score);
            peaks.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        text.push_str("Lattice peaks (1: none)\n");
        for known in &card.signatures {
            text.push_str(&format!("  {}: {}\n", visible(&known.name), peaks(&known.peaks)));
        }
        text.push_str(&format!("  {}: {}\n", record.name, peaks(&record.peaks)));
    }
    text.push_str("\nConclusion\n");
    for reason in &answer.reasons {
        text.push_str(&format!("- {}\n", visible(&reason.to_string())));
    }
    text.push_str("\nEvidence\n");
    for sheet in &answer.evidence {
        text.push_str(&sheet_text(sheet));
    }
    text
}

fn sheet_text(sheet: &CandidateSheet) -> String {
    let mut text = format!("({}) {}\n", sheet.candidate, sheet.title);
    let mut add = |name: &str, line: &str| text.push_str(&format!("  {name}: {}\n", visible(line)));
    sheet.predicts.iter().for_each(|line| add("predicts", line));
    sheet.measured.iter().for_each(|line| add("measured", line));
    sheet.would_decide.iter().for_each(|line| add("would decide", line));
    text
}

/// The evidence sheet as a table: what was measured, and what each candidate predicts and would be decided by.
pub(super) fn evidence_table(sheets: &[CandidateSheet]) -> Table {
    let mut table = Table::new([Column::text("what"), Column::text("evidence").wrapped()])
        .with_title("Evidence for the candidate architectures");
    let mut section = |heading: String, kinds: &[(&str, Vec<&str>)]| {
        table.start_section(heading);
        for (kind, lines) in kinds {
            for line in lines {
                table.push(Row::new([*kind, *line]));
            }
        }
    };
    // What was measured is the same for all candidates.
    if let Some(first) = sheets.first() {
        section(
            "All candidates".to_owned(),
            &[("measured", first.measured.iter().map(String::as_str).collect())],
        );
    }
    for sheet in sheets {
        let kinds = [("predicts", sheet.predicts.to_vec()), ("would decide", sheet.would_decide.to_vec())];
        section(format!("({}) {}", sheet.candidate, sheet.title), &kinds);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_stands_once_above_the_candidates() {
        let sheet = |candidate| CandidateSheet {
            candidate,
            title: "a kind",
            predicts: &["peaks"],
            measured: vec!["no peak".to_owned()],
            would_decide: &["another probe"],
        };
        let table = evidence_table(&[sheet("a"), sheet("b")]);
        let headings: Vec<&str> = table.sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["All candidates", "(a) a kind", "(b) a kind"]);
        let kinds: Vec<&str> = table.sections[1].rows.iter().map(|row| row.cells[0].text.as_str()).collect();
        assert_eq!(kinds, ["predicts", "would decide"]);
    }
}
