//! The judge's scores as the official script keeps them: `pass1/<id>.json` for each session, and `pass2.json` for all.

use std::{collections::BTreeMap, io, path::Path};

use imgeval_core::json::from_json_str;
use serde_json::{Map, Value};

use super::{
    CollapseScore, CollapseTable, JudgedTurn, LmeBench, LmeReport, SessionScores, first_failed_turn,
    report::Judged,
};
use crate::rounds::{
    RoundsError,
    error::{self, name_of},
    scores::TurnAxes,
};

/// Reports on the folder `judge` of a run of the official script. The first `limit` sessions are counted; the collapses of the others
/// enter [`LmeReport::rates_after_full_run`] alone, as they do there.
///
/// A session without a file, or whose file records an error, is given up, with the first turn that has no scores. The number of calls is not kept in these
/// files and is reported as 0.
///
/// # Errors
/// If a file cannot be read or is not of the form, or the folder has neither `pass1` nor `pass2.json`.
pub fn report_on_judged(
    bench: &LmeBench,
    folder: &Path,
    limit: Option<usize>,
) -> Result<LmeReport, RoundsError> {
    let (pass1, pass2) = (folder.join("pass1"), folder.join("pass2.json"));
    if !pass1.is_dir() && !pass2.is_file() {
        return Err(RoundsError::malformed(
            &folder.display().to_string(),
            "it contains neither `pass1` nor `pass2.json`",
        ));
    }
    let all_collapse = match read_object(&pass2)? {
        Some(table) => collapse_table(&name_of(&pass2), table)?,
        None => CollapseTable::new(),
    };
    let n_counted = limit.unwrap_or(usize::MAX).min(bench.sessions.len());
    let (mut sessions, mut collapse) = (BTreeMap::new(), CollapseTable::new());
    let (mut given_up, mut undecided) = (BTreeMap::new(), BTreeMap::new());
    for session in bench.sessions.iter().take(n_counted) {
        let id = &session.id;
        let turns = all_collapse.get(id).cloned().unwrap_or_default();
        let missing: Vec<usize> = (1..=bench.n_turns).filter(|turn| !turns.contains_key(turn)).collect();
        if !missing.is_empty() {
            undecided.insert(id.clone(), missing);
        }
        collapse.insert(id.clone(), turns);
        let scores = match read_object(&pass1.join(format!("{id}.json")))? {
            Some(record) => session_scores(&format!("pass1/{id}.json"), record)?,
            None => SessionScores::new(),
        };
        match first_without_scores(&scores, bench.n_turns) {
            Some(turn) => drop(given_up.insert(id.clone(), turn)),
            None => drop(sessions.insert(id.clone(), scores)),
        }
    }
    let judged = Judged { sessions, collapse, all_collapse, given_up, undecided, n_calls: 0 };
    Ok(judged.report(bench.n_turns, n_counted))
}

/// The first turn that pass 1 had to score and did not. Behind the first failure a turn may be absent.
fn first_without_scores(scores: &SessionScores, n_turns: usize) -> Option<usize> {
    let first = first_failed_turn(scores, n_turns)?;
    (!matches!(scores.get(&first), Some(JudgedTurn::Scored { .. }))).then_some(first)
}

/// An object in a file; `None` if there is no file.
fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, RoundsError> {
    let text = match error::read_table(path) {
        Ok(text) => text,
        Err(RoundsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match from_json_str(&text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(RoundsError::malformed(&name_of(path), "it is not a JSON object")),
        Err(error) => Err(RoundsError::malformed(&name_of(path), error.to_string())),
    }
}

/// Turns of one session. Members that name no turn are passed over: `error` is one of them, and leaves a session without turns.
fn session_scores(file: &str, record: Map<String, Value>) -> Result<SessionScores, RoundsError> {
    if record.contains_key("error") {
        return Ok(SessionScores::new());
    }
    let turns =
        record.into_iter().filter_map(|(name, turn)| Some((name.strip_prefix("turn")?.parse().ok()?, turn)));
    turns
        .map(|(turn, record)| {
            let judged = judged_turn(&record);
            let malformed =
                || RoundsError::malformed(file, format!("turn {turn} has no scores in the official form"));
            Ok((turn, judged.ok_or_else(malformed)?))
        })
        .collect()
}

fn judged_turn(record: &Value) -> Option<JudgedTurn> {
    let reason = record["reason"].as_str().map(str::to_owned);
    if record["quality_only"] == true {
        return Some(JudgedTurn::QualityOnly { quality: record["quality"].as_i64()?, reason });
    }
    let axes = TurnAxes {
        prompt_following: record["prompt_following"].as_f64()?,
        consistency: record["consistency"].as_f64()?,
    };
    Some(JudgedTurn::Scored { axes, quality: record["quality"].as_f64()?, reason })
}

fn collapse_table(file: &str, table: Map<String, Value>) -> Result<CollapseTable, RoundsError> {
    let mut found = CollapseTable::new();
    for (id, turns) in table {
        let malformed = |what: &str| {
            let detail = format!("{what} of session `{}` is not in the official form", id.escape_debug());
            RoundsError::malformed(file, detail)
        };
        let Value::Object(turns) = turns else { return Err(malformed("the record")) };
        let mut scores = BTreeMap::new();
        for (turn, record) in turns {
            let score = turn.parse().ok().zip(collapse_score(&record));
            let (turn, score) = score.ok_or_else(|| malformed("a turn"))?;
            scores.insert(turn, score);
        }
        found.insert(id, scores);
    }
    Ok(found)
}

fn collapse_score(record: &Value) -> Option<CollapseScore> {
    Some(CollapseScore {
        content_loss: record["c"].as_i64()?,
        surface_corruption: record["s"].as_i64()?,
        appearance_violation: record["a"].as_i64()?,
        reason: record["reason"].as_str().map(str::to_owned),
    })
}
