//! `imgeval score`: the score table of a run.

use anyhow::Result;
use imgeval_store::RunReader;
use serde_json::{Map, Value, json};

use super::{
    score_detections::score_detections,
    score_judged::{edition_named, score_judged, score_official_rows},
};
use crate::{
    args::{ScoreArgs, Suite, TableArgs},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
    scored_run::{ScoredRun, ScoredSummary},
    table::ScoreTable,
    verdict_lines::VerdictLines,
};

pub(super) fn score(args: &ScoreArgs, printer: Printer) -> Result<Exit> {
    args.verdict.check()?;
    if !args.score_rows.is_empty() {
        let name = args.target.to_string_lossy();
        let edition = edition_named(&name).ok_or_else(|| {
            CommandError::usage(format!("`{name}` is no suite with official score files"))
                .with_hint("imgeval score wise-legacy --score-rows FILE... (or wise-verified)")
        })?;
        return score_official_rows(args, edition, printer);
    }
    if let Some(detections) = &args.detections {
        if args.target.as_os_str() != "geneval" {
            let message = format!("`{}` is not a suite", args.target.display());
            return Err(CommandError::usage(message)
                .with_hint("imgeval score geneval --detections FILE")
                .into());
        }
        return score_detections(args, detections, printer);
    }
    let suite = Suite::from_name(&RunReader::open(&args.target)?.manifest().suite);
    if suite.is_some_and(|suite| suite != Suite::Geneval) {
        return score_judged(args, printer);
    }
    let run = ScoredRun::open(&args.target, args.observer.as_deref(), args.verdict.options())?;
    let mut lines = VerdictLines::default();
    let scored = run.score(args.table.settings(), |verdict| {
        if args.verdicts {
            lines.add(&verdict);
        }
        Ok(())
    })?;
    let verdicts = args.verdicts.then_some(&lines);
    if let (Some(lines), false) = (verdicts, args.table.json) {
        printer.data(format_args!("{}\n", lines.render()))?;
    }
    print_scored(&run, &scored, &args.table, verdicts, Map::new(), printer)?;
    exit_of(&scored, &args.table, printer)
}

/// Prints table, coverage and, on request, published scores.
pub(super) fn print_scored(
    run: &ScoredRun,
    scored: &ScoredSummary,
    args: &TableArgs,
    verdicts: Option<&VerdictLines>,
    more: Map<String, Value>,
    printer: Printer,
) -> Result<()> {
    run.tell_missing_colors(&scored.coverage, printer);
    let protocol = run.protocol();
    let is_comparable = Some(run.is_comparable());
    let table = ScoreTable { summary: &scored.summary, protocol: &protocol, is_comparable, note: run.note() };
    let mut facts = facts_json(run, scored, verdicts);
    facts.extend(more);
    table.print(args, facts, &run.describe(), Some(scored.coverage.render_text()), printer)
}

/// The scores of a run with what belongs to them.
pub(super) fn scored_json(
    run: &ScoredRun,
    scored: &ScoredSummary,
    verdicts: Option<&VerdictLines>,
) -> Map<String, Value> {
    let protocol = run.protocol();
    let is_comparable = Some(run.is_comparable());
    let table = ScoreTable { summary: &scored.summary, protocol: &protocol, is_comparable, note: run.note() };
    let mut map = table.to_json();
    map.extend(facts_json(run, scored, verdicts));
    map
}

fn facts_json(
    run: &ScoredRun,
    scored: &ScoredSummary,
    verdicts: Option<&VerdictLines>,
) -> Map<String, Value> {
    let mut facts = Map::from_iter([("coverage".to_owned(), scored.coverage.to_json())]);
    if let Some(observer) = run.observer() {
        let observer = json!({"id": observer.observer_id().as_str(), "title": observer.title});
        facts.insert("observer".to_owned(), observer);
    }
    if let Some(generation) = run.generation_json() {
        facts.insert("generation".to_owned(), generation);
    }
    if let Some(lines) = verdicts {
        facts.insert("verdicts".to_owned(), lines.to_json());
    }
    facts
}

/// The exit code that a scored run deserves.
pub(super) fn exit_of(scored: &ScoredSummary, args: &TableArgs, printer: Printer) -> Result<Exit> {
    let Some(overall) = scored.summary.overall.estimate else {
        let hint = match (scored.coverage.usable, scored.coverage.not_observed.count) {
            (0, _) => "import or generate usable images first",
            (_, 0) if scored.coverage.without_color.count > 0 => "run `imgeval observe` again",
            (_, 0) => "the coverage table says what is wrong with the images",
            _ => "run `imgeval observe` first",
        };
        return Err(CommandError::nothing("no image of the run could be scored").with_hint(hint).into());
    };
    if !args.passes_gate(overall.value, printer) {
        return Ok(Exit::GateFailed);
    }
    Ok(if scored.coverage.n_unscored() > 0 { Exit::Partial } else { Exit::Ok })
}
