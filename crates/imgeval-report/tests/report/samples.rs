//! A board and a comparison with everything that can be in one, names that mean harm among it.

use std::{fs, path::PathBuf};

use imgeval_report::model::{
    Board, BoardRow, Cell, ComparisonKind, ComparisonView, DifferenceLine, IntervalView, RowSource,
};

/// Compares with the committed file; `UPDATE_FIXTURES=1` writes it anew, to be looked at before it is committed.
pub(crate) fn check_fixture(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(expected == actual, "{name} differs; UPDATE_FIXTURES=1 shows how by `git diff`");
}

pub(crate) fn interval(low: f64, high: f64) -> IntervalView {
    IntervalView { low, high, method: "bootstrap over prompts".to_owned() }
}

fn published(name: &str, group: &str, values: [Option<f64>; 3]) -> BoardRow {
    BoardRow {
        name: name.to_owned(),
        group: group.to_owned(),
        source: RowSource::Published,
        cells: values.map(|value| Cell { value, ..Cell::default() }).to_vec(),
        note: String::new(),
        fingerprint: String::new(),
    }
}

fn run(name: &str, run: usize, note: &str, fingerprint: &str, cells: Vec<Cell>) -> BoardRow {
    BoardRow {
        name: name.to_owned(),
        group: "These runs".to_owned(),
        source: RowSource::Run { run, observer: 0 },
        cells,
        note: note.to_owned(),
        fingerprint: fingerprint.to_owned(),
    }
}

fn scored(value: f64, low: f64, high: f64) -> Cell {
    Cell {
        value: Some(value),
        interval: Some(interval(low, high)),
        n_images: 80,
        n_prompts: 20,
        ..Cell::default()
    }
}

/// Published numbers are of GPT-ImgEval's table 1; those of the runs are made up.
pub(crate) fn board() -> Board {
    let missing =
        Cell { n_images: 70, n_missing: 10, bounds: Some((0.7, 0.8234)), ..scored(0.8, 0.7512, 0.8523) };
    let ranked = |cell: Cell, rank| Cell { rank: Some(rank), ..cell };
    let overall =
        Cell { n_images: 150, n_missing: 10, bounds: Some((0.78, 0.8423)), ..scored(0.8449, 0.81, 0.88) };
    Board {
        suite: "geneval".to_owned(),
        title: "GenEval: share of correct images by tag".to_owned(),
        columns: ["overall", "counting", "position"].map(str::to_owned).to_vec(),
        overall: 0,
        parts: vec![1, 2],
        decimals: 2,
        rows: vec![
            published("SDXL", "Diffusion", [Some(0.55), Some(0.39), Some(0.15)]),
            published("Janus-Pro", "Autoregressive", [Some(0.80), Some(0.59), Some(0.79)]),
            published("FLUX.1-dev", "Diffusion", [Some(0.66), Some(0.74), Some(0.22)]),
            published("Chameleon", "Autoregressive", [Some(0.39), None, None]),
            published("GPT-4o", "Unknown", [Some(0.84), Some(0.85), Some(0.75)]),
            run(
                "runs/a_1 & 100% {of} $x^2~\\é<b>|中\u{202e}",
                0,
                "",
                "0f3a9b",
                vec![
                    ranked(overall, (1, 2)),
                    ranked(missing, (1, 1)),
                    ranked(scored(0.9, 0.85, 0.95), (2, 2)),
                ],
            ),
            run(
                "=HYPERLINK(\"x\"),\u{1b}[31m",
                1,
                "preview, not comparable",
                "77aa12",
                vec![
                    scored(0.99, 0.9, 1.0),
                    scored(0.99, 0.9, 1.0),
                    Cell { value: Some(f64::NAN), ..Cell::default() },
                ],
            ),
            run("unseen", 2, "not evaluated yet", "", vec![Cell::default(); 3]),
        ],
        published_source: "arXiv 2504.02782, table 1".to_owned(),
        published_unknown: "any interval".to_owned(),
    }
}

pub(crate) fn comparison() -> ComparisonView {
    let line = |part: &str, value: f64, low: f64, high: f64| DifferenceLine {
        part: part.to_owned(),
        difference: Some(value),
        interval: Some(interval(low, high)),
        n_prompts: 80,
        won_tied_lost: Some((12, 60, 8)),
        p_value: Some(0.0312),
        p_adjusted: Some(0.0624),
        test: "sign-flip permutation of prompts".to_owned(),
        detectable: Some(0.0611),
        prompts_needed: Some(2040),
    };
    let mut clear = line("position", 0.2212, 0.1534, 0.2891);
    (clear.p_value, clear.p_adjusted) = (Some(0.0002), Some(0.0012));
    let empty = DifferenceLine {
        difference: None,
        interval: None,
        n_prompts: 0,
        won_tied_lost: None,
        p_value: None,
        p_adjusted: None,
        test: String::new(),
        detectable: None,
        prompts_needed: None,
        ..line("colors", 0.0, 0.0, 0.0)
    };
    ComparisonView {
        suite: "geneval".to_owned(),
        kind: ComparisonKind::Runs,
        a: "run_a".to_owned(),
        b: "-run b".to_owned(),
        title: "run_a minus -run b, prompt by prompt".to_owned(),
        is_paired: true,
        lines: vec![
            line("counting", -0.0124, -0.0712, 0.0463),
            clear,
            empty,
            DifferenceLine { p_adjusted: None, ..line("overall", 0.0, -0.031, 0.0312) },
        ],
        notes: vec!["3 prompts have a score in only one of the two; they are skipped".to_owned()],
        conclusion: "No overall difference can be shown, \"or so\".".to_owned(),
    }
}
