//! `imgeval export`: a run's verdicts in the official result format, and its calls to providers.

use std::{io::Write, path::Path};

use anyhow::{Context as _, Result};
use imgeval_clients::{Note, read_reply};
use imgeval_core::{Outcome, Usage, Usd, counted, visible};
use imgeval_report::schema::Schema;
use imgeval_scoring::{Evaluator, Run, SampleResult, Scored};
use imgeval_store::{AttemptRecord, Charge, JudgmentRecord, KeptReply, RunReader};
use imgeval_suites::suite::{OfficialFiles, ScoredReply};
use serde_json::{Value, json};

use super::score::{result_row, tell_missing_colors};
use crate::{
    advice::judging::nobody_judged, args::ExportArgs, exit_code::Exit, failure::CommandError,
    printer::Printer,
};
use imgeval_files::{OutputFile, output_folder};

pub(super) fn export(args: &ExportArgs, printer: Printer) -> Result<Exit> {
    if let Some(path) = &args.calls {
        export_calls(&args.run, path, printer)?;
    }
    if let Some(folder) = &args.wise_results {
        return export_judged(&args.run, folder, args.observer.as_deref(), args.sample, printer);
    }
    match &args.geneval_results {
        Some(path) => export_results(args, path, printer),
        None => Ok(Exit::Ok),
    }
}

/// In the order in which the calls ended.
fn export_calls(run: &Path, path: &Path, printer: Printer) -> Result<()> {
    let run = RunReader::open(run)?;
    let mut file = OutputFile::create(path)?;
    let mut n_calls = 0;
    let mut result = Ok(());
    run.for_each_attempt(|attempt| {
        if result.is_ok() {
            n_calls += usize::from(attempt.reread_of.is_none());
            result = writeln!(file, "{}", Schema::Call.stamp(call_json(&attempt)));
        }
    })?;
    run.for_each_judgment_call(|judgment| {
        // What people said, and what was copied from the anchors' run, was no call.
        if result.is_ok() && (judgment.charge.tries > 0 || judgment.reread_of.is_some()) {
            n_calls += usize::from(judgment.reread_of.is_none());
            result = writeln!(file, "{}", Schema::Call.stamp(judgment_json(&judgment)));
        }
    })?;
    result.with_context(|| format!("could not write `{}`", path.display()))?;
    if n_calls == 0 {
        let hint = "its images were imported, or nothing was generated yet";
        return Err(CommandError::nothing("the run has made no call to a provider").with_hint(hint).into());
    }
    file.publish()?;
    printer.talk(format_args!("export: {} in {}", counted(n_calls, "call"), path.display()));
    Ok(())
}

fn call_json(attempt: &AttemptRecord) -> Value {
    let (outcome, detail) = match &attempt.outcome {
        Outcome::Done(_) => ("done", ""),
        Outcome::Failed(failure) => (failure.kind.code(), failure.detail.as_str()),
    };
    let done = attempt.outcome.done().map(|record| (&record.hash, record.format));
    let kept = attempt.kept_image.as_ref().map(|kept| (&kept.hash, kept.format));
    let image = done.or(kept).map(|(hash, format)| format!("{hash}.{}", format.extension()));
    let mut call = json!({
        "kind": if attempt.reread_of.is_some() { "image-reread" } else { "image" },
        "case": attempt.id.case.as_str(),
        "sample": attempt.id.ordinal,
        "round": attempt.id.round,
        "prompt": attempt.prompt,
        "revised_prompt": attempt.revised_prompt,
        "seed": attempt.seed,
        "began_ms": attempt.began_ms,
        "duration_ms": attempt.duration_ms,
        "outcome": outcome,
        "detail": detail,
        "image": image,
    });
    add_cost(&mut call, &attempt.charge, &attempt.usage);
    add_reply(&mut call, attempt.kept.as_ref(), &attempt.raw);
    call
}

fn judgment_json(judgment: &JudgmentRecord) -> Value {
    let item = &judgment.item;
    let (outcome, detail) = match &judgment.outcome {
        Outcome::Done(_) => ("done", ""),
        Outcome::Failed(failure) => (failure.kind.code(), failure.detail.as_str()),
    };
    let mut call = json!({
        "kind": if judgment.reread_of.is_some() { "judgment-reread" } else { "judgment" },
        "case": item.id.case.as_str(),
        "sample": item.id.ordinal,
        "round": item.id.round,
        "judge": item.judge_id,
        "role": item.role.code(),
        "repeat": item.repeat,
        "began_ms": judgment.began_ms,
        "duration_ms": judgment.duration_ms,
        "outcome": outcome,
        "detail": detail,
        "words": judgment.outcome.done(),
        "image_sha256": item.image.as_str(),
    });
    add_cost(&mut call, &judgment.charge, &judgment.usage);
    add_reply(&mut call, judgment.kept.as_ref(), &judgment.raw);
    call
}

/// The whole reply where it was kept, which may be one before the last.
fn add_reply(call: &mut Value, kept: Option<&KeptReply>, raw: &str) {
    let whole = kept.and_then(|kept| Some((kept.status, kept.text().ok()?)));
    call["reply_status"] = whole.as_ref().map(|(status, _)| *status).into();
    call["reply_is_whole"] = whole.is_some().into();
    call["reply_notes"] = reply_notes(whole.as_ref().map(|(_, text)| text.as_str()), raw).into();
    call["reply"] = whole.map_or_else(|| raw.to_owned(), |(_, text)| text).into();
}

/// What was mended where the reply was read: of a whole one all of it, of its text without images what can still be seen.
fn reply_notes(whole: Option<&str>, raw: &str) -> Vec<String> {
    let read = whole.and_then(|text| read_reply(text.as_bytes()).ok());
    let mut notes = read.map(|reply| reply.notes).unwrap_or_default();
    if whole.unwrap_or(raw).contains(char::REPLACEMENT_CHARACTER) {
        notes.insert(Note::ReplacedText);
    }
    notes.iter().map(Note::to_string).collect()
}

fn add_cost(call: &mut Value, charge: &Charge, usage: &Usage) {
    call["usd"] = charge.cost.as_ref().map(|cost| cost.amount.dollars()).into();
    call["usd_basis"] = charge.cost.as_ref().map(|cost| cost.basis.as_str()).into();
    let is_known = charge.possible > Usd::ZERO || !charge.is_unpriced;
    call["perhaps_more_usd"] = is_known.then(|| charge.possible.dollars()).into();
    call["requests"] = charge.tries.into();
    call["requests_without_answer"] = charge.lost_tries.into();
    call["tokens"] = json!({
        "text_input": usage.text_input,
        "image_input": usage.image_input,
        "cached_input": usage.cached_input,
        "text_output": usage.text_output,
        "image_output": usage.image_output,
    });
}

/// The official files of one judge; what it gave no score has no row.
fn export_judged(
    directory: &Path,
    folder: &Path,
    judge: Option<&str>,
    ordinal: u32,
    printer: Printer,
) -> Result<Exit> {
    let run = Run::open(directory)?;
    let judge = run.choose(judge)?.and_then(Evaluator::judge).ok_or_else(nobody_judged)?;
    let images = run.images().iter().filter(|(id, _)| id.ordinal == ordinal);
    let (mut scored, mut n_left_out) = (Vec::new(), 0);
    for (id, record) in images {
        let Some(case) = run.cases().get(&id.case) else { continue };
        // The official files hold one judgment of each image.
        match judge.samples.get(id).and_then(|replies| replies.readings().next()) {
            Some(reading) => scored.push(ScoredReply {
                case,
                image: record.image().file_name(),
                scores: &reading.scores,
                reply: &reading.reply,
            }),
            None => n_left_out += 1,
        }
    }
    let Some(files) = run.suite().official_files(&scored) else {
        let message = format!("the run is of {}, which has no official score files", run.suite().id());
        return Err(CommandError::usage(message).into());
    };
    let OfficialFiles { files, n_rows } = files;
    if files.is_empty() {
        return Err(CommandError::nothing("the judge has scored no such image").into());
    }
    let own = output_folder(folder)?;
    for (name, text) in &files {
        own.write_whole(name, text.as_bytes())
            .with_context(|| format!("could not write `{}`", folder.join(name).display()))?;
    }
    printer.talk(format_args!(
        "export: {n_rows} rows of {} in {}",
        visible(&judge.title()),
        folder.display()
    ));
    if n_left_out > 0 {
        printer
            .insist(format_args!("export: no row for {}, for lack of a score", counted(n_left_out, "image")));
        return Ok(Exit::Partial);
    }
    Ok(Exit::Ok)
}

fn export_results(args: &ExportArgs, path: &Path, printer: Printer) -> Result<Exit> {
    args.verdict.check()?;
    let run = Run::open_with(&args.run, args.verdict.options())?;
    if !run.suite().is_detected() {
        let suite = run.suite().id().to_owned();
        return Err(imgeval_scoring::ScoringError::NotDetected { suite }.into());
    }
    let evaluator = run.choose(args.observer.as_deref())?;
    let (scored, n_rows) = write_results(&run, evaluator, path, |_| {})?;
    if n_rows == 0 {
        tell_missing_colors(&run, &scored.coverage, printer);
        let hint = "run `imgeval observe` first";
        return Err(CommandError::nothing("no image of the run has evidence to score")
            .with_hint(hint)
            .into());
    }
    printer.talk(format_args!("export: {n_rows} rows in {}", path.display()));
    tell_missing_colors(&run, &scored.coverage, printer);
    let n_left_out = scored.coverage.n_unscored();
    if n_left_out > 0 {
        printer.insist(format_args!(
            "export: no row for {}, for lack of a verdict",
            counted(n_left_out, "image")
        ));
        return Ok(Exit::Partial);
    }
    Ok(Exit::Ok)
}

/// Scores the run, writing one row a verdict, which `also` gets to see; without a row nothing is written.
pub(super) fn write_results(
    run: &Run,
    evaluator: Option<&Evaluator>,
    path: &Path,
    mut also: impl FnMut(&SampleResult<'_>),
) -> Result<(Scored, usize)> {
    let mut file = OutputFile::create(path)?;
    let note = evaluator.map(|evaluator| run.note(evaluator)).unwrap_or_default();
    let mut n_rows = 0;
    let scored = run.score(evaluator, |result| {
        let Some(row) = result_row(result, &note)? else { return Ok(()) };
        n_rows += 1;
        also(result);
        writeln!(file, "{row}").with_context(|| format!("could not write `{}`", path.display()))
    })?;
    if n_rows > 0 {
        file.publish()?;
    }
    Ok((scored, n_rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mended_in_a_reply_is_said() {
        let notes = |whole: Option<&str>, raw: &str| reply_notes(whole, raw).join("; ");
        assert_eq!(notes(None, "{}"), "");
        assert_eq!(notes(Some("{}"), "caf\u{fffd}"), "");
        for (whole, raw) in
            [(None, "caf\u{fffd}"), (Some("{\"a\": \"\\ud83d\"}"), ""), (Some("\u{fffd}"), "")]
        {
            assert!(notes(whole, raw).contains("not valid Unicode"), "{whole:?} {raw}");
        }
        let both = notes(Some("data: {\"choices\": [], \"usage\": NaN}\n\n"), "");
        assert!(both.contains("stream") && both.contains("not finite"), "{both}");
    }
}
