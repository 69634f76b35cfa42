use super::*;
use crate::{
    model::{ComparisonKind, DifferenceLine},
    summary::{summarize, summary_text},
};

fn interval(low: f64, high: f64) -> IntervalView {
    IntervalView { low, high, method: String::new() }
}

fn cell(value: f64, rank: Option<(usize, usize)>) -> Cell {
    Cell {
        value: Some(value),
        interval: Some(interval(value - 0.05, value + 0.05)),
        n_images: 80,
        n_prompts: 20,
        rank,
        ..Cell::default()
    }
}

fn row(name: &str, run: usize, cells: Vec<Cell>) -> BoardRow {
    BoardRow {
        name: name.to_owned(),
        group: String::new(),
        source: RowSource::Run { run, observer: 0 },
        cells,
        note: String::new(),
        fingerprint: String::new(),
    }
}

fn run(name: &str) -> RunView {
    RunView {
        name: name.to_owned(),
        suite: "geneval".to_owned(),
        prompts: String::new(),
        model: String::new(),
        facts: Vec::new(),
        observers: Vec::new(),
        n_prompts: 20,
        n_prompts_with_image: 20,
        n_images: 80,
        n_failed: 0,
        coverage: Vec::new(),
        spend: String::new(),
    }
}

fn comparison(a: &str, b: &str, low: f64, high: f64) -> ComparisonView {
    let line = DifferenceLine {
        part: "overall".to_owned(),
        difference: Some(f64::midpoint(low, high)),
        interval: Some(interval(low, high)),
        n_prompts: 20,
        won_tied_lost: None,
        p_value: None,
        p_adjusted: None,
        test: String::new(),
        detectable: None,
        prompts_needed: None,
    };
    ComparisonView {
        suite: "geneval".to_owned(),
        kind: ComparisonKind::Runs,
        a: a.to_owned(),
        b: b.to_owned(),
        title: String::new(),
        is_paired: true,
        lines: vec![line],
        notes: Vec::new(),
        conclusion: String::new(),
    }
}

fn report(rows: Vec<BoardRow>, comparisons: Vec<ComparisonView>) -> Report {
    let runs = ["a", "b", "c"].map(run).to_vec();
    let published = BoardRow { source: RowSource::Published, ..row("GPT-4o", 0, vec![cell(0.99, None); 4]) };
    let board = Board {
        suite: "geneval".to_owned(),
        title: "GenEval".to_owned(),
        columns: ["overall", "single", "counting", "position"].map(str::to_owned).to_vec(),
        overall: 0,
        parts: vec![1, 2, 3],
        decimals: 2,
        rows: [vec![published], rows].concat(),
        published_source: String::new(),
        published_unknown: String::new(),
    };
    Report { runs, boards: vec![board], comparisons, ..Report::default() }
}

fn cells(rank: Option<(usize, usize)>) -> Vec<Cell> {
    vec![cell(0.6, rank), cell(0.9, None), cell(0.6, None), cell(0.3, None)]
}

#[test]
fn runs_stand_in_the_order_of_their_ranks_and_published_rows_do_not() {
    let rows = vec![
        row("a", 0, cells(Some((2, 3)))),
        row("b", 1, cells(Some((1, 1)))),
        row("c", 2, cells(Some((2, 3)))),
    ];
    let comparisons = vec![
        comparison("a", "b", -0.2, -0.1),
        comparison("a", "c", -0.1, 0.1),
        comparison("b", "c", 0.1, 0.2),
    ];
    let groups = summarize(&report(rows, comparisons));
    assert_eq!(
        summary_text(&groups),
        "GenEval\n\
         1. b: Scores 0.600 (95 % CI 0.550 to 0.650). Scores higher than a (by 0.150, 95 % CI 0.100 to 0.200) and c (by 0.150, \
         95 % CI 0.100 to 0.200). Best at single 0.900 (95 % CI 0.850 to 0.950), worst at position 0.300 (95 % CI 0.250 to \
         0.350).\n\
         2-3. a: Scores 0.600 (95 % CI 0.550 to 0.650). Scores lower than b (by 0.150, 95 % CI 0.100 to 0.200). No significant \
         difference from c. Best at single 0.900 (95 % CI 0.850 to 0.950), worst at position 0.300 (95 % CI 0.250 to 0.350).\n\
         2-3. c: Scores 0.600 (95 % CI 0.550 to 0.650). Scores lower than b (by 0.150, 95 % CI 0.100 to 0.200). No significant \
         difference from a. Best at single 0.900 (95 % CI 0.850 to 0.950), worst at position 0.300 (95 % CI 0.250 to 0.350).\n"
    );
}

#[test]
fn what_is_missing_widens_the_intervals_of_parts_and_is_said() {
    let missing = |low, high| Cell {
        n_missing: 40,
        bounds: Some((low, high)),
        with_missing: Some(interval(low - 0.05, high + 0.05)),
        ..cell(0.9, None)
    };
    let mut of = cells(None);
    (of[0].n_missing, of[0].bounds) = (40, Some((0.4, 0.8)));
    // Seen alone it would be the best part; 40 more images could bring it below the others.
    of[1] = missing(0.45, 0.95);
    let mut report = report(vec![row("a", 0, of)], Vec::new());
    report.runs[0].n_prompts_with_image = 11;
    report.boards[0].rows[1].note = "preview, not comparable".to_owned();
    assert_eq!(
        summarize(&report)[0].lines[0].sentences.join(" "),
        "Scores 0.600 (95 % CI 0.550 to 0.650). Worst at position 0.300 (95 % CI 0.250 to 0.350); no part stands out as best. \
         40 of 120 scores are missing: from 0.400 if all of them were 0 to 0.800 if all were 1. 11 of 20 prompts have an image. \
         Preview, not comparable."
    );
}

#[test]
fn totals_are_no_parts() {
    let mut report = report(vec![row("a", 0, cells(None))], Vec::new());
    report.boards[0].parts = vec![2, 3];
    let said = summarize(&report)[0].lines[0].sentences.join(" ");
    assert!(said.contains("Better at counting") && !said.contains("single"), "{said}");
}

#[test]
fn a_run_without_a_score_says_what_it_lacks() {
    let mut of = cells(None);
    (of[0], of[2]) = (Cell::default(), Cell::default());
    let rows = vec![row("a", 0, of), row("b", 1, vec![Cell::default(); 4]), row("c", 2, cells(None))];
    let groups = summarize(&report(rows, Vec::new()));
    let first =
        |place: usize| (groups[0].lines[place].name.as_str(), groups[0].lines[place].sentences[0].as_str());
    assert_eq!(first(0).0, "c", "those with a score first");
    assert_eq!(first(1), ("a", "No overall score: nothing scored of counting."));
    assert_eq!(first(2), ("b", "No score yet."));
}
