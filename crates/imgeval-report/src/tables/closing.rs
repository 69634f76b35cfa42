//! What a report ends with: costs, failures, and methods with fingerprints. Each is `None` where there is nothing to show.

use super::{
    sheet::{ended, sentence},
    terminal::{Column, Row, Table},
};
use crate::model::{CoverageLine, Report};

/// Statements about every number of a report.
const LIMITS: [&str; 4] = [
    "Intervals hold the value in 95 % of cases and resample whole cases (prompts, edits or sessions), never single images.",
    "Scores are over what was scored. Bounds show what missing scores could change.",
    "An evaluator's own errors are in none of the intervals: they show how far other cases of the same kind would move a score, as this \
     evaluator sees it.",
    "Published rows have no intervals, so no difference to them can be tested.",
];

/// What each run's calls cost.
#[must_use]
pub fn cost_table(report: &Report) -> Option<Table> {
    let mut table =
        Table::new([Column::text("run"), Column::text("model").shortened(), Column::text("cost").wrapped()])
            .with_title("Costs");
    for run in report.runs.iter().filter(|run| !run.spend.is_empty()) {
        table.push(Row::new([&run.name, &run.model, &run.spend]));
    }
    (!table.sections.is_empty()).then_some(table)
}

/// What is missing of each run, or noteworthy: of its images, then of its scores by each evaluator.
#[must_use]
pub fn failure_table(report: &Report) -> Option<Table> {
    let mut table = Table::new([
        Column::text("kind"),
        Column::number("count"),
        Column::text("meaning").wrapped(),
        Column::text("for example").shortened(),
    ])
    .with_title("Missing and noteworthy");
    let mut section = |heading: String, lines: Vec<&CoverageLine>| {
        if lines.is_empty() {
            return;
        }
        table.start_section(heading);
        for line in lines {
            let example = line.examples.first().cloned().unwrap_or_default();
            table.push(Row::new([line.kind.clone(), line.count.to_string(), line.meaning.clone(), example]));
        }
    };
    for run in &report.runs {
        let of_images: Vec<&CoverageLine> = run.coverage.iter().filter(|line| line.count > 0).collect();
        section(run.name.clone(), of_images.clone());
        for observer in &run.observers {
            let is_new = |line: &&CoverageLine| line.count > 0 && !of_images.contains(line);
            let of_scores = observer.coverage.iter().filter(is_new).collect();
            section(format!("{}, by {}", run.name, observer.title), of_scores);
        }
    }
    (!table.sections.is_empty()).then_some(table)
}

/// How each run was evaluated, with the fingerprint of everything that must be equal for two numbers to be comparable, and what no
/// number of the report shows.
#[must_use]
pub fn method_table(report: &Report) -> Option<Table> {
    let mut table =
        Table::new([Column::text("fact"), Column::text("value").wrapped()]).with_title("Methods and limits");
    for run in &report.runs {
        for observer in &run.observers {
            table.start_section(format!("{}, by {}", run.name, observer.title));
            table.push(Row::new(["protocol fingerprint", &observer.protocol.fingerprint]));
            table.push(Row::new([
                "comparable",
                if observer.note.is_empty() { "yes" } else { &observer.note },
            ]));
            for (name, value) in &observer.protocol.facts {
                table.push(Row::new([name, value]));
            }
        }
    }
    let mut below: Vec<String> = Vec::new();
    for board in report.boards.iter().filter(|board| !board.published_source.is_empty()) {
        below.push(format!("{}: published rows are from {}", board.title, ended(&board.published_source)));
        if !board.published_unknown.is_empty() {
            below.push(format!("{}: not known of them: {}", board.title, ended(&board.published_unknown)));
        }
    }
    below.extend(report.rounds.iter().flat_map(|rounds| &rounds.limits).map(|limit| sentence(limit)));
    if !report.boards.is_empty() {
        below.extend(LIMITS.map(str::to_owned));
    }
    table.below = below;
    (!table.sections.is_empty() || !table.below.is_empty()).then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObserverKind, ObserverView, ProtocolView, RunView};

    fn line(kind: &str, count: usize) -> CoverageLine {
        CoverageLine {
            kind: kind.to_owned(),
            count,
            meaning: format!("it is {kind}"),
            examples: vec!["00001".to_owned()],
        }
    }

    fn report() -> Report {
        let observer = ObserverView {
            id: "d".to_owned(),
            title: "a detector".to_owned(),
            kind: ObserverKind::Detector,
            protocol: ProtocolView {
                fingerprint: "abc123".to_owned(),
                facts: vec![("seed".to_owned(), "0".to_owned())],
            },
            note: "preview".to_owned(),
            coverage: vec![line("refused", 2), line("not-observed", 1), line("unparsed", 0)],
        };
        let run = RunView {
            name: "a".to_owned(),
            suite: "geneval".to_owned(),
            prompts: String::new(),
            model: "m".to_owned(),
            facts: Vec::new(),
            observers: vec![observer],
            n_prompts: 3,
            n_prompts_with_image: 1,
            n_images: 1,
            n_failed: 2,
            coverage: vec![line("refused", 2), line("timeout", 0)],
            spend: "3 calls, $0.12".to_owned(),
        };
        Report { runs: vec![run], ..Report::default() }
    }

    fn cells(table: &Table) -> Vec<Vec<&str>> {
        let rows = table.sections.iter().flat_map(|section| &section.rows);
        rows.map(|row| row.cells.iter().map(|cell| cell.text.as_str()).collect()).collect()
    }

    #[test]
    fn each_cause_stands_once_and_zeros_do_not() {
        let table = failure_table(&report()).unwrap();
        let headings: Vec<&str> = table.sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["a", "a, by a detector"]);
        let kinds: Vec<&str> = cells(&table).into_iter().map(|row| row[0]).collect();
        assert_eq!(kinds, ["refused", "not-observed"]);
    }

    #[test]
    fn methods_name_the_fingerprint_and_the_reservation() {
        let table = method_table(&report()).unwrap();
        assert_eq!(
            cells(&table),
            [["protocol fingerprint", "abc123"], ["comparable", "preview"], ["seed", "0"]]
        );
    }

    #[test]
    fn nothing_is_no_table() {
        let empty = Report::default();
        assert!(
            cost_table(&empty).is_none() && failure_table(&empty).is_none() && method_table(&empty).is_none()
        );
        assert_eq!(cells(&cost_table(&report()).unwrap()), [["a", "m", "3 calls, $0.12"]]);
    }
}
