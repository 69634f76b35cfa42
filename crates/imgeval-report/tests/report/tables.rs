use imgeval_report::{
    model::Cell,
    tables::{
        TableOptions, board_table, comparison_table, mark_best, render_board_csv, render_board_json,
        render_board_latex, render_board_markdown, render_board_text, render_comparison_csv,
        render_comparison_json, render_comparison_latex, render_comparison_markdown, render_comparison_text,
        terminal::{Style, View, Width},
    },
};

use crate::samples::{board, check_fixture, comparison};

const PLAIN: TableOptions = TableOptions { intervals: false };
const INTERVALS: TableOptions = TableOptions { intervals: true };

fn best_of(column: usize) -> Vec<String> {
    let mut board = board();
    mark_best(&mut board);
    board.rows.iter().filter(|row| row.cells[column].is_best).map(|row| row.name.clone()).collect()
}

#[test]
fn equal_values_as_printed_are_all_best_and_rows_with_a_note_never() {
    let [published, ours] = best_of(0).try_into().unwrap();
    assert_eq!(published, "GPT-4o");
    assert!(ours.starts_with("runs/a_1"));
    assert_eq!(best_of(1), ["GPT-4o"]);
    assert!(best_of(2)[0].starts_with("runs/a_1"));
}

#[test]
fn a_value_without_any_other_is_not_the_best() {
    let mut board = board();
    for row in &mut board.rows[..5] {
        row.cells[2] = Cell::default();
    }
    mark_best(&mut board);
    assert!(board.rows.iter().all(|row| !row.cells[2].is_best));
}

#[test]
fn marks_of_before_are_taken_back() {
    let mut board = board();
    board.rows[0].cells[0].is_best = true;
    mark_best(&mut board);
    assert!(!board.rows[0].cells[0].is_best);
}

#[test]
fn boards_look_as_committed() {
    let mut board = board();
    mark_best(&mut board);
    check_fixture("board.txt", &render_board_text(&board, PLAIN));
    check_fixture("board_intervals.txt", &render_board_text(&board, INTERVALS));
    check_fixture("board.md", &render_board_markdown(&board, INTERVALS));
    check_fixture("board.tex", &render_board_latex(&board, PLAIN));
    check_fixture("board_intervals.tex", &render_board_latex(&board, INTERVALS));
    check_fixture("board.csv", &render_board_csv(&board, INTERVALS));
    check_fixture("board.json", &render_board_json(&[board]));
}

#[test]
fn comparisons_look_as_committed() {
    let comparison = comparison();
    check_fixture("comparison.txt", &render_comparison_text(&comparison));
    check_fixture("comparison.md", &render_comparison_markdown(&comparison));
    check_fixture("comparison.tex", &render_comparison_latex(&comparison));
    check_fixture("comparison.csv", &render_comparison_csv(&comparison));
    check_fixture("comparison.json", &render_comparison_json(&[comparison]));
}

#[test]
fn on_a_terminal_of_80_columns_they_look_as_committed() {
    let view = View { width: Width::Columns(80), style: Style::Plain, shows_all: "--wide" };
    let mut board = board();
    mark_best(&mut board);
    check_fixture("board_80.txt", &board_table(&board, INTERVALS).render(view));
    check_fixture("comparison_80.txt", &comparison_table(&comparison()).render(view));
    let in_color = View { style: Style::Color, ..view };
    let text = comparison_table(&comparison()).render(in_color);
    assert!(text.contains("\u{1b}[32m+0.221\u{1b}[0m"), "{text}");
}

#[test]
fn no_value_is_neither_zero_nor_left_out() {
    let text = render_board_text(&board(), PLAIN);
    let row = |name: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row("Chameleon"), ["Chameleon", "0.39", "—", "—", "—", "—"]);
    assert_eq!(row("unseen"), ["unseen", "[3]", "—", "—", "—", "—", "—"]);
    assert!(!text.contains("NaN"));
}

#[test]
fn every_table_tells_protocols_source_and_what_is_unknown() {
    let board = board();
    let tables = [
        render_board_text(&board, PLAIN),
        render_board_markdown(&board, PLAIN),
        render_board_latex(&board, PLAIN),
        render_board_csv(&board, PLAIN),
        render_board_json(&[board]),
    ];
    for table in tables {
        for fact in ["0f3a9b", "77aa12", "arXiv 2504.02782, table 1", "any interval"] {
            assert!(table.contains(fact), "{fact} is not in {table}");
        }
    }
}

#[test]
fn nothing_from_outside_steers_a_terminal_or_turns_the_text() {
    let board = board();
    for table in [
        render_board_text(&board, PLAIN),
        render_board_markdown(&board, PLAIN),
        render_board_latex(&board, PLAIN),
        render_board_csv(&board, PLAIN),
    ] {
        assert!(!table.contains(['\u{1b}', '\u{202e}']), "{table}");
    }
}

#[test]
fn a_spreadsheet_computes_nothing() {
    let csv = render_board_csv(&board(), PLAIN);
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\"),\\u{1b}[31m\""), "{csv}");
    let csv = render_comparison_csv(&comparison());
    assert!(csv.contains(",'-run b,"), "{csv}");
    assert!(csv.contains(",-0.0124,-0.0712,"), "numbers keep their sign: {csv}");
    assert!(csv.lines().all(|line| !line.is_empty()) && csv.ends_with("\r\n"));
}

#[test]
fn every_record_has_a_field_for_each_column() {
    // Without commas in quotes a record falls apart at its commas.
    let mut board = board();
    board.rows.retain(|row| !row.name.contains(','));
    board.rows.iter_mut().for_each(|row| row.note.clear());
    board.published_source.clear();
    let counts: Vec<usize> =
        render_board_csv(&board, INTERVALS).lines().map(|line| line.split(',').count()).collect();
    assert!(counts.iter().all(|count| *count == 3 + 9 + 11), "{counts:?}");
}

#[test]
fn json_holds_whole_numbers_and_null_for_none() {
    let tables: serde_json::Value = serde_json::from_str(&render_board_json(&[board()])).unwrap();
    let rows = &tables["tables"][0]["rows"];
    assert_eq!(rows[5]["cells"][0]["score"], 0.8449);
    assert_eq!(rows[5]["cells"][1]["bounds"]["worst"], 0.7);
    assert!(rows[3]["cells"][1]["score"].is_null() && rows[6]["cells"][2]["score"].is_null());
    assert!(rows[0]["cells"][0]["images"].is_null() && rows[7]["cells"][0]["images"] == 0);
}

#[test]
fn tables_without_rows_are_tables() {
    let mut board = board();
    board.rows.clear();
    mark_best(&mut board);
    assert!(render_board_text(&board, PLAIN).contains("overall"));
    assert!(render_board_latex(&board, PLAIN).contains("\\bottomrule"));
    let mut comparison = comparison();
    comparison.lines.clear();
    assert!(render_comparison_text(&comparison).contains("No overall difference"));
}
