//! Calls that were made, as lines of JSON.

use imgeval_clients::{Note, read_reply};
use imgeval_core::{Outcome, Usage, Usd};
use imgeval_store::{AttemptRecord, Charge, JudgmentRecord, KeptReply};
use serde_json::{Value, json};

/// A call for an image, as `docs/schemas` describes it.
#[must_use]
pub fn call_json(attempt: &AttemptRecord) -> Value {
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

/// A call to a judge, as `docs/schemas` describes it.
#[must_use]
pub fn judgment_call_json(judgment: &JudgmentRecord) -> Value {
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

/// What was repaired where the reply was read: of a whole one all of it, of its text without images what can still be seen.
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
            assert!(notes(whole, raw).contains("invalid Unicode"), "{whole:?} {raw}");
        }
        let both = notes(Some("data: {\"choices\": [], \"usage\": NaN}\n\n"), "");
        assert!(both.contains("stream") && both.contains("non-finite"), "{both}");
    }
}
