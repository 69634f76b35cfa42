//! `imgeval score` of a judged run, or of official score files.

use imgeval_report::schema::Schema;
use std::path::Path;

use anyhow::Result;
use imgeval_core::visible;
use imgeval_metrics::PairedDifference;
use imgeval_suites::wise::{self, Edition, RowNote, compute_rewrite_gap, parse_score_rows};
use serde_json::{Value, json};

use crate::{
    args::{ScoreArgs, Suite, TableArgs},
    coverage::Coverage,
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    generation_table::{spend_json, spend_line},
    judged::{
        run::{JudgedRun, nobody_judged},
        summary::{JudgedSummary, edition_of},
        table::{JudgedTable, line_json, metrics_json, render_metrics, render_published},
        trust::Trust,
    },
    printer::Printer,
    table::{plain_table, right_aligned},
    text_file::read_text,
};

/// Official files of scores are no longer than this.
const MAX_ROWS_BYTES: u64 = 64 << 20;
const CSV_HEADER: &str = "judge,score,value,interval_low,interval_high,interval_method,images_scored,images_missing,\
                          prompts,prompts_scored,score_if_missing_worst,score_if_missing_best,with_missing_low,with_missing_high,note\n";

pub(super) fn score_judged(args: &ScoreArgs, printer: Printer) -> Result<Exit> {
    let run = JudgedRun::open(&args.target)?;
    let exit = print_scores(&run, &args.table, Some(args), printer)?;
    if let Some(rewritten) = &args.rewritten {
        print_gap(&run, rewritten, args, printer)?;
    }
    Ok(exit)
}

/// The table of every judge, or of the one asked for, and how far they can be trusted.
pub(super) fn print_scores(
    run: &JudgedRun,
    args: &TableArgs,
    more: Option<&ScoreArgs>,
    printer: Printer,
) -> Result<Exit> {
    let settings = args.settings();
    let voices = match more.and_then(|more| more.observer.as_deref()) {
        Some(asked) => vec![run.choose_voice(Some(asked))?],
        None => run.voices.iter().collect(),
    };
    let metrics = render_metrics(run, settings);
    if voices.is_empty() && metrics.is_empty() {
        return Err(nobody_judged().into());
    }
    let tables: Vec<JudgedTable<'_>> =
        voices.iter().map(|voice| JudgedTable::of(run, voice, settings)).collect();
    let trust = Trust::of(run, settings);
    if args.json {
        let mut value = json!({
            "suite": run.suite.name(),
            "judges": tables.iter().map(JudgedTable::to_json).collect::<Vec<_>>(),
            "trust": trust.to_json(),
            "metrics": metrics_json(run, settings),
            "spend": spend_json(&run.spend),
        });
        if !run.manifest.generation.is_empty() {
            value["generation"] = json!({"facts": run.manifest.generation});
        }
        if more.is_some_and(|more| more.verdicts) {
            value["verdicts"] = verdicts_json(run);
        }
        printer.data(format_args!("{:#}\n", Schema::JudgedScore.stamp(value)))?;
    } else if args.csv {
        let rows: String = tables.iter().map(JudgedTable::render_csv).collect();
        printer.data(format_args!("{CSV_HEADER}{rows}"))?;
    } else {
        let mut sections = Vec::new();
        if more.is_some_and(|more| more.verdicts) {
            sections.push(verdict_lines(run));
        }
        let is_fine = more.is_some_and(|more| more.by_subcategory);
        for table in &tables {
            sections.push(table.render_text(is_fine) + &table.describe());
            if args.with_published {
                sections.push(render_published(run.suite, Some(&table.summary)));
            }
        }
        sections.push(metrics);
        sections.push(trust.render_text());
        match tables.as_slice() {
            [] => sections.push(run.coverage(None).render_text()),
            tables => {
                // Judges that saw everything cover the same.
                let mut told: Vec<&Coverage> = Vec::new();
                for table in tables {
                    if !told.contains(&&table.coverage) {
                        let is_common = tables.iter().all(|other| other.coverage == table.coverage);
                        let whose = if is_common { String::new() } else { table.describe() };
                        sections.push(whose + &table.coverage.render_text());
                        told.push(&table.coverage);
                    }
                }
            }
        }
        sections.push(format!("suite: {}\n{}", run.suite.name(), spend_line(&run.spend)));
        sections.retain(|section| !section.trim().is_empty());
        printer.data(sections.join("\n"))?;
    }
    if trust.has_drifted() {
        printer.insist(
            "the anchors moved beyond the judge's noise: these scores are not those of the judge of before",
        );
    }
    let mut exit = Exit::Ok;
    for table in &tables {
        if table.coverage.n_unscored() > 0 {
            exit = Exit::Partial;
        }
        if !passes_gate(&table.summary, args, printer)? {
            return Ok(Exit::GateFailed);
        }
    }
    Ok(exit)
}

/// Holds the overall score against `--fail-below`, if that is given.
fn passes_gate(summary: &JudgedSummary, args: &TableArgs, printer: Printer) -> Result<bool> {
    if args.fail_below.is_none() {
        return Ok(true);
    }
    let Some(overall) = summary.overall().estimate else {
        let message = "there is no overall score to hold against --fail-below";
        return Err(CommandError::nothing(message).into());
    };
    Ok(args.passes_gate(overall.value, printer))
}

/// Every image with what each judge said, in words and numbers.
fn verdict_lines(run: &JudgedRun) -> String {
    let mut table = right_aligned(plain_table(&["image", "judge", "value", "scores"]), 2, 1);
    for voice in &run.voices {
        for (id, said) in &voice.samples {
            let value = said.value().map_or("-".to_owned(), |value| format!("{value:.3}"));
            let scores: Vec<String> = said
                .readings()
                .map(|reading| {
                    let scores = reading.scores.values.iter();
                    scores.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
                })
                .collect();
            let scores = match said.failure() {
                Some(failure) => format!("{}: {}", failure.kind.code(), failure.detail),
                None => scores.join(" | "),
            };
            let judge = imgeval_core::visible(&voice.short_title());
            table.add_row([id.to_string(), judge, value, imgeval_core::visible(&scores)]);
        }
    }
    format!("{}\n", table.trim_fmt())
}

fn verdicts_json(run: &JudgedRun) -> Value {
    let mut rows = Vec::new();
    for voice in &run.voices {
        for (id, said) in &voice.samples {
            let readings: Vec<Value> = said
                .readings()
                .map(|reading| {
                    let scores: serde_json::Map<String, Value> = reading
                        .scores
                        .values
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                        .collect();
                    json!({
                        "scores": scores, "value": reading.scores.value, "notes": reading.scores.notes,
                        "reply": reading.reply,
                    })
                })
                .collect();
            let failure = said
                .failure()
                .map(|failure| json!({"outcome": failure.kind.code(), "detail": failure.detail}));
            rows.push(json!({
                "judge": voice.id, "case": id.case.as_str(), "sample": id.ordinal, "value": said.value(),
                "readings": readings, "failure": failure,
            }));
        }
    }
    rows.into()
}

/// How much better images of rewritten prompts score, by the judges that judged both.
fn print_gap(run: &JudgedRun, rewritten: &Path, args: &ScoreArgs, printer: Printer) -> Result<()> {
    let other = JudgedRun::open(rewritten)?;
    if (run.suite, other.suite) != (Suite::WiseLegacy, Suite::WiseLegacyRewrite) {
        let message = format!(
            "the gap is between wise-legacy and wise-legacy-rewrite, not {} and {}",
            run.suite.name(),
            other.suite.name()
        );
        return Err(CommandError::usage(message).into());
    }
    let settings = args.table.settings();
    let mut n_judges = 0;
    for voice in &run.voices {
        let Some(same) = other.voices.iter().find(|other| other.id == voice.id) else { continue };
        n_judges += 1;
        let (JudgedSummary::Wise(before), JudgedSummary::Wise(after)) =
            (JudgedSummary::of(run, voice, settings), JudgedSummary::of(&other, same, settings))
        else {
            continue;
        };
        let Some(gap) = compute_rewrite_gap(&before, &after, settings) else { continue };
        let mut table = right_aligned(
            plain_table(&["rewritten minus original", "difference", "95 % interval", "prompts"]),
            1,
            3,
        );
        let mut add = |name: &str, difference: &PairedDifference| {
            let interval = match difference.interval {
                Some((low, high)) => format!("{low:+.3} to {high:+.3}"),
                None => "-".to_owned(),
            };
            let cells =
                [name.to_owned(), format!("{:+.3}", difference.value), interval, difference.n.to_string()];
            table.add_row(cells);
        };
        for (category, difference) in &gap.categories {
            add(category.name(), difference);
        }
        if let Some(overall) = &gap.overall {
            add("overall", overall);
        }
        let title = imgeval_core::visible(&voice.title());
        printer.data(format_args!(
            "\n{}\nby {title}; {} prompts have an image in only one of the runs. A large gap: the model draws what it is told, and \
             does not know what was meant.\n",
            table.trim_fmt(),
            gap.n_unpaired
        ))?;
    }
    if n_judges == 0 {
        let hint = "the same judge, protocol and endpoint must have judged both runs";
        return Err(CommandError::mismatch("no judge has judged both runs").with_hint(hint).into());
    }
    Ok(())
}

/// More notes on one file are only counted.
const MAX_ROW_NOTES: usize = 5;

/// Says what the official calculator skips or counts against better knowledge; gives how many lines are skipped.
fn tell_row_notes(path: &Path, notes: &[RowNote], printer: Printer) -> usize {
    for note in notes.iter().take(MAX_ROW_NOTES) {
        printer.insist(format_args!("score: `{}`: {}", path.display(), visible(&sentence_of(note))));
    }
    if notes.len() > MAX_ROW_NOTES {
        let n_more = notes.len() - MAX_ROW_NOTES;
        printer.insist(format_args!("score: `{}`: and {n_more} more such lines", path.display()));
    }
    notes.iter().filter(|note| matches!(note, RowNote::Skipped { .. })).count()
}

/// The table of official score files, `*_scores_results.jsonl`.
pub(super) fn score_official_rows(args: &ScoreArgs, edition: Edition, printer: Printer) -> Result<Exit> {
    let mut builder = wise::SummaryBuilder::new(edition);
    let (mut n_failed, mut n_skipped) = (0, 0);
    let mut seen = std::collections::BTreeSet::new();
    for path in &args.score_rows {
        let text = read_text(path, MAX_ROWS_BYTES, "the scores")?;
        let rows = parse_score_rows(edition, &text)
            .map_err(|error| CommandError::usage(format!("`{}`: {}", path.display(), sentence_of(&error))))?;
        n_skipped += tell_row_notes(path, &rows.notes, printer);
        for row in rows.rows {
            if !seen.insert(row.prompt_id) {
                let message = format!("`{}`: prompt {} has a score already", path.display(), row.prompt_id);
                return Err(CommandError::usage(message).into());
            }
            let subcategory = if row.subcategory.is_empty() { "(none)" } else { &row.subcategory };
            match row.score {
                Some(score) => builder.add_score(row.prompt_id, subcategory, score.value()),
                None => {
                    n_failed += 1;
                    builder.add_failed(row.prompt_id, subcategory);
                }
            }
        }
    }
    if seen.is_empty() {
        return Err(CommandError::nothing("the files hold no score").into());
    }
    let summary = JudgedSummary::Wise(Box::new(builder.summarise(args.table.settings())));
    if args.table.json {
        let rows: Vec<Value> = summary.rows().iter().map(|row| line_json(&row.name, row.line)).collect();
        let fine: Vec<Value> = summary.fine_rows().iter().map(|row| line_json(&row.name, row.line)).collect();
        let value = json!({
            "suite": edition.name(), "scores": rows, "subcategories": fine, "failed_rows": n_failed,
            "skipped_lines": n_skipped,
        });
        printer.data(format_args!("{:#}\n", Schema::ScoreRows.stamp(value)))?;
    } else if args.table.csv {
        printer.data(format_args!("{CSV_HEADER}{}", summary.render_csv("", "")))?;
    } else {
        let mut table = right_aligned(plain_table(&["score", "value", "images", "failed"]), 1, 3);
        for row in summary.fine_rows().iter().filter(|_| args.by_subcategory).chain(&summary.rows()) {
            let value = row.line.estimate.map_or("-".to_owned(), |estimate| format!("{:.4}", estimate.value));
            let (n, missing) = (row.line.n_scored.to_string(), row.line.n_missing.to_string());
            table.add_row([visible(&row.name), value, n, missing]);
        }
        printer.data(format_args!("{}\n{}", table.trim_fmt(), summary.render_withheld()))?;
        if args.table.with_published {
            let suite = Suite::from_name(edition.name()).unwrap_or(Suite::WiseLegacy);
            printer.data(format_args!("\n{}", render_published(suite, Some(&summary))))?;
        }
    }
    if !passes_gate(&summary, &args.table, printer)? {
        return Ok(Exit::GateFailed);
    }
    Ok(if n_failed + n_skipped > 0 { Exit::Partial } else { Exit::Ok })
}

/// The edition that a suite's name stands for.
pub(super) fn edition_named(name: &str) -> Option<Edition> {
    Suite::from_name(name).and_then(edition_of)
}
