//! A benchmark's sessions, as JSON and as a table.

use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_suites::rounds::{Benchmark, BenchmarkSession, History, Round, SourceImage, Version};
use serde_json::{Value, json};

/// Whether and where the source image is.
fn source_problem(image: &SourceImage) -> Option<String> {
    match image {
        SourceImage::File(path) if path.is_file() => None,
        SourceImage::File(path) => Some(format!("`{}` does not exist", path.display())),
        SourceImage::InTable { .. } => None,
        SourceImage::Absent(reason) => Some(reason.clone()),
    }
}

/// All that the benchmark says about its sessions.
#[must_use]
pub fn sessions_json(benchmark: Benchmark, sessions: &[BenchmarkSession]) -> Value {
    let listed = sessions.iter().map(|known| {
        let session = &known.session;
        json!({
            "id": session.id,
            "key": known.key,
            "category": session.category,
            "source": session.source,
            "source_problem": source_problem(&known.image),
            "rounds": session.rounds.iter().map(round_json).collect::<Vec<_>>(),
        })
    });
    json!({
        "benchmark": benchmark.id(),
        "n_sessions": sessions.len(),
        "n_rounds": n_rounds(sessions),
        "sessions": listed.collect::<Vec<_>>(),
    })
}

fn n_rounds(sessions: &[BenchmarkSession]) -> usize {
    sessions.iter().map(|known| known.session.rounds.len()).sum()
}

fn round_json(round: &Round) -> Value {
    json!({
        "instruction": round.instruction,
        "formatted": round.formatted,
        "edit_type": round.edit_type,
        "target_caption": round.target_caption,
        "target": round.target,
        "mask": round.mask.as_ref().map(|mask| &mask.file),
        "history": round.history.as_ref().map(history_json),
    })
}

fn history_json(history: &History) -> Value {
    // 0 is the source.
    let version = |version: Version| match version {
        Version::Source => 0,
        Version::Round(round) => round,
    };
    json!({
        "base": history.base.map(version),
        "keep": history.keep,
        "undo": history.undo,
        "refers_to": history.refers_to,
        "constraint": history.constraint.as_ref().map(|rule| json!({"about": rule.about, "given_in": rule.given_in})),
        "must_equal_base": history.must_equal_base,
        "ambiguity": history.ambiguity,
    })
}

/// A row for each session.
#[must_use]
pub fn sessions_table(benchmark: Benchmark, sessions: &[BenchmarkSession]) -> Table {
    let mut table = Table::new([
        Column::text("session"),
        Column::number("rounds"),
        Column::text("first instruction").wrapped(),
        Column::text("source").normal().shortened(),
    ])
    .with_title(format!(
        "{}: {} sessions, {} rounds",
        benchmark.id(),
        sessions.len(),
        n_rounds(sessions)
    ));
    for known in sessions {
        let first = known.session.rounds.first().map(|round| round.instruction.clone()).unwrap_or_default();
        let source = match &known.image {
            SourceImage::InTable { .. } => "in the table".to_owned(),
            image => source_problem(image)
                .map_or_else(|| known.session.source.clone().unwrap_or_default(), |_| "missing".to_owned()),
        };
        table.push(Row::new([known.key.clone(), known.session.rounds.len().to_string(), first, source]));
    }
    let n_missing = sessions.iter().filter(|known| source_problem(&known.image).is_some()).count();
    if n_missing > 0 {
        table.below.push(format!("source images missing: {n_missing}"));
    }
    table
}
