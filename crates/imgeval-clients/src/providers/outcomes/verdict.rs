//! From facts about a reply to the outcome of a call.

use std::time::Duration;

use imgeval_core::{Failure, FailureKind, ProviderDown};
use serde_json::Value;

use super::{
    facts::{Facts, has_error, looks_like_error},
    table::{ENDINGS, ERRORS, Meaning, RESPONSES_ERRORS, Row, Sign},
};
use crate::{
    ProviderKind,
    providers::find_image,
    transport::{Reply, Verdict, words},
};

/// Whether what was asked for is in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Nothing,
    /// It is, but an error beside it could have cut it off, or it is no final image.
    Something,
    /// It is, and whole.
    Answer,
}

impl Holds {
    /// What [`find_image`](crate::providers::find_image) found.
    pub(crate) fn of_image(reply: &Value) -> Self {
        match find_image(reply) {
            Some(found) if found.is_sure => Self::Answer,
            Some(_) => Self::Something,
            None => Self::Nothing,
        }
    }
}

/// What a reply means. If what was asked for is in it, it does not matter how it ended, or what stands beside it that is no error;
/// of a whole image not even an error that does: it was made, and may have been paid for.
pub(crate) fn judge(kind: ProviderKind, model: &str, reply: &Reply, holds: impl Fn() -> Holds) -> Verdict {
    let is_success = (200..300).contains(&reply.status);
    let is_error = || {
        (has_error(&reply.json) && holds() != Holds::Answer)
            || (looks_like_error(&reply.json) && holds() == Holds::Nothing)
    };
    if !is_success || is_error() {
        return judge_error(kind, model, reply);
    }
    match ending(&Facts::of_answer(&reply.json)) {
        Some((Meaning::ServerFailed, reason)) if holds() == Holds::Nothing => {
            let said = words(reply.json["choices"][0]["message"]["content"].as_str().unwrap_or_default());
            let said = if said.is_empty() { said } else { format!(": {said}") };
            Verdict::ServerFailed(format!("the answer ended with an error ({}){said}", words(&reason)))
        }
        _ => Verdict::Answer,
    }
}

/// Why an answer holds nothing of use, if the way it ended says so: [`FailureKind::Moderated`], [`FailureKind::Refused`], or a
/// server that failed in the middle ([`FailureKind::Transport`]).
pub(crate) fn why_ended(json: &Value) -> Option<Failure> {
    ended(&Facts::of_answer(json))
}

/// Like [`why_ended`], for an answer with text that may be incomplete. A filter's finding about an answer that it let
/// pass is ignored.
pub(crate) fn why_stopped(json: &Value) -> Option<Failure> {
    ended(&Facts { flags: Vec::new(), ..Facts::of_answer(json) })
}

fn ended(facts: &Facts) -> Option<Failure> {
    let (meaning, reason) = ending(facts)?;
    let said = facts.words();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    let shown = words(&reason);
    let (kind, detail) = match meaning {
        Meaning::Moderated if facts.blocks.contains(&reason) => {
            (FailureKind::Moderated, format!("the prompt was blocked: {shown}{said}"))
        }
        Meaning::Moderated if is_same(&reason, "content_filter") => {
            (FailureKind::Moderated, format!("the answer was stopped by a content filter{said}"))
        }
        Meaning::Moderated => (FailureKind::Moderated, format!("the answer was blocked: {shown}{said}")),
        Meaning::Refused => (FailureKind::Refused, format!("the model refused ({shown}){said}")),
        Meaning::ServerFailed => {
            (FailureKind::Transport, format!("the answer ended with an error ({shown}){said}"))
        }
        _ => return None,
    };
    Some(Failure { kind, detail })
}

/// What an error reply means. Only for replies that are errors.
pub(crate) fn judge_error(kind: ProviderKind, model: &str, reply: &Reply) -> Verdict {
    let facts = Facts::of_error(reply);
    let (status, message) = (facts.status, facts.words());
    let said = match (message.is_empty(), reply.status < 400 && status < 400) {
        (true, _) => format!("answered {} without a word", reply.status),
        (false, true) => format!("the reply contains an error: {message}"),
        (false, false) => format!("answered {status}: {message}"),
    };
    let down = |what: &str, hint: String| {
        Verdict::Down(ProviderDown { message: format!("{what}; it {}", told(&said)), hint })
    };
    let failed = |kind, detail| Verdict::Failed(Failure { kind, detail });
    let variables = kind.key_variables().join(" or ");
    let is_google = kind == ProviderKind::Gemini;
    match error_meaning(kind, &facts) {
        Meaning::Moderated | Meaning::Refused => {
            let flags: Vec<&str> =
                facts.flags.iter().map(String::as_str).filter(|flag| !flag.is_empty()).collect();
            let detail = match (flags.is_empty(), message.is_empty()) {
                (false, _) => format!("the prompt was flagged: {}", words(&flags.join(", "))),
                (true, false) => message,
                (true, true) => said,
            };
            failed(FailureKind::Moderated, detail)
        }
        Meaning::Rejected | Meaning::Empty => failed(FailureKind::RejectedRequest, said),
        Meaning::Forgotten => {
            let detail = if message.is_empty() { said } else { message };
            Verdict::Forgotten(Failure { kind: FailureKind::RejectedRequest, detail })
        }
        Meaning::NoMoney => down(
            "the account has no credit or quota left",
            format!(
                "add credit at the provider, raise the account's limit or set {variables} to another account's key"
            ),
        ),
        Meaning::NoQuota => down(
            "the account has no quota for this model",
            "set up billing for the key's project: this model is not free".to_owned(),
        ),
        Meaning::DayIsOver => down(
            "the daily quota is used up",
            "start again tomorrow (the day ends at midnight Pacific time), or raise the project's quota"
                .to_owned(),
        ),
        Meaning::AccountUnusable => {
            down("the account cannot be used", format!("set {variables} to the key of another project"))
        }
        Meaning::BadKey => {
            down("the key is missing or was rejected", format!("set {variables} to a valid key"))
        }
        Meaning::UnknownModel => down(
            "the model does not exist or is not available to this key",
            format!("check the model name `{model}` and whether the key in {variables} may use it"),
        ),
        Meaning::TakesNoImages => down(
            "the model does not accept images",
            "choose a model that accepts images, or start its server with image support (llama.cpp: --mmproj)"
                .to_owned(),
        ),
        Meaning::MakesNoImages => down(
            "the model does not generate images",
            format!("choose a model that answers with images instead of `{model}`"),
        ),
        Meaning::Forbidden => {
            let who = if is_google { "project" } else { "account" };
            let hint =
                format!("give the {who} behind {variables} access to the model `{model}`, or choose another model");
            down("the key lacks permission", hint)
        }
        Meaning::NothingHere if is_google => down(
            "the model does not exist",
            format!("check the model name `{model}` and the base URL, which usually ends in /v1beta"),
        ),
        Meaning::NothingHere => down(
            "there is nothing at this address",
            "check the base URL, which usually ends in /v1, and whether the server has this interface"
                .to_owned(),
        ),
        Meaning::RateLimited => Verdict::RateLimited(said),
        Meaning::ServerFailed => Verdict::ServerFailed(said),
    }
}

/// After "it": what was said begins with a verb or not.
fn told(said: &str) -> String {
    match said.strip_prefix("the reply contains an error: ") {
        Some(message) => format!("answered with an error: {message}"),
        None => said.to_owned(),
    }
}

fn error_meaning(kind: ProviderKind, facts: &Facts) -> Meaning {
    let own = if kind == ProviderKind::OpenaiResponses { RESPONSES_ERRORS } else { &[] };
    let row = own.iter().chain(ERRORS).find(|row| fits(row, facts));
    // The statuses at the end of the table leave nothing open.
    row.map_or(Meaning::ServerFailed, |row| row.meaning)
}

/// The weightiest thing that the end of an answer says, and in what word.
fn ending(facts: &Facts) -> Option<(Meaning, String)> {
    let row_of = |is_of: &dyn Fn(&Sign) -> bool| ENDINGS.iter().find(|row| is_of(&row.sign));
    let finishes = facts.finishes.iter().filter_map(|reason| {
        let row = row_of(
            &|sign| matches!(sign, Sign::Finish(names) if names.iter().any(|name| is_same(reason, name))),
        );
        Some((row?.meaning, reason.clone()))
    });
    let blocks = facts.blocks.iter().filter_map(|reason| {
        let named = row_of(
            &|sign| matches!(sign, Sign::Block(names) if names.iter().any(|name| is_same(reason, name))),
        );
        let row = named.or_else(|| row_of(&|sign| matches!(sign, Sign::OtherBlock)));
        Some((row?.meaning, reason.clone()))
    });
    let flags = facts
        .flags
        .iter()
        .filter_map(|flag| Some((row_of(&|sign| matches!(sign, Sign::Flag))?.meaning, flag.clone())));
    // The vendor's words for why it ended, where the reason itself is a vague one.
    let said = facts.messages.iter().filter_map(|message| {
        let row = ERRORS.iter().find(|row| matches!(row.sign, Sign::Sentence(_)) && says(row, message))?;
        let reason = facts.finishes.first().cloned().unwrap_or_default();
        (row.meaning == Meaning::Moderated).then_some((row.meaning, reason))
    });
    let found: Vec<_> = blocks.chain(finishes).chain(said).chain(flags).collect();
    [Meaning::Moderated, Meaning::Refused, Meaning::ServerFailed]
        .into_iter()
        .find_map(|wanted| found.iter().find(|(meaning, _)| *meaning == wanted).cloned())
}

fn fits(row: &Row, facts: &Facts) -> bool {
    let named = |names: &[&str], codes: &[String]| {
        codes.iter().any(|code| names.iter().any(|name| is_same(code, name)))
    };
    match row.sign {
        Sign::Code(names) => named(names, &facts.codes),
        Sign::AnyCode(names) => named(names, &facts.codes) || named(names, &facts.wrapped_codes),
        Sign::CodeInSuccess(names) => facts.status < 400 && named(names, &facts.codes),
        Sign::Field(name, statuses) => {
            statuses.contains(&facts.status) && facts.fields.iter().any(|field| field == name)
        }
        Sign::Flag => !facts.flags.is_empty(),
        Sign::Words(_) if facts.status == 429 || facts.status >= 500 => false,
        Sign::Sentence(_) | Sign::Ending(_) | Sign::Words(_) => {
            facts.messages.iter().any(|message| says(row, message))
        }
        Sign::Status(lowest, highest) => (lowest..=highest).contains(&facts.status),
        Sign::Finish(_) | Sign::Block(_) | Sign::OtherBlock => false,
    }
}

/// Whether a message says what the row is about.
fn says(row: &Row, message: &str) -> bool {
    let message = message.to_lowercase().replace('\u{2019}', "'");
    match row.sign {
        Sign::Sentence(phrases) | Sign::Words(phrases) => {
            phrases.iter().any(|phrase| holds_in_order(&message, phrase))
        }
        Sign::Ending(phrases) => phrases.iter().any(|phrase| {
            message.match_indices(phrase).any(|(start, _)| is_end(&message[start + phrase.len()..]))
        }),
        _ => false,
    }
}

fn holds_in_order(message: &str, phrase: &str) -> bool {
    let mut rest = message;
    phrase.split(" ... ").all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

fn is_end(rest: &str) -> bool {
    rest.trim_start().chars().next().is_none_or(|next| ".;:!()[]{}'\"`\\-\n".contains(next))
}

/// Names without case and punctuation; of one with dots, as `Error.Part` or Python's `FinishReason.SAFETY`, a part is enough.
fn is_same(found: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let name = plain(name);
    plain(found) == name || found.split('.').any(|part| plain(part) == name)
}

/// The wait that a reply's body asks for: Google's `RetryInfo.retryDelay` (`37s`, `1.5s`), a field `retry_after` in seconds, or
/// OpenAI's "Please try again in 1m12.5s".
pub(crate) fn requested_wait(json: &Value) -> Option<Duration> {
    let root = if json.is_array() { &json[0] } else { json };
    let error = &root["error"];
    let details = [&error["details"], &root["details"]];
    let mut details = details.into_iter().filter_map(Value::as_array).flatten();
    let delay =
        details.find_map(|detail| detail["retryDelay"].as_str().or_else(|| detail["retry_delay"].as_str()));
    if let Some(wait) = delay.and_then(|delay| duration(delay.trim())) {
        return Some(wait);
    }
    for place in [error, root, &error["metadata"]] {
        for name in ["retry_after", "retryAfter", "retry_after_seconds"] {
            let seconds = &place[name];
            let seconds = seconds.as_f64().or_else(|| seconds.as_str()?.trim().parse().ok());
            if let Some(wait) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                return Some(wait);
            }
        }
    }
    let message =
        error["message"].as_str().or_else(|| error.as_str()).or_else(|| root["message"].as_str())?;
    let (_, rest) = message.split_once("try again in ")?;
    duration(rest.split_whitespace().next()?.trim_end_matches(['.', ',', ';', ')']))
}

/// Such as `1.5s`, `250ms` or `1m12.5s`.
fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_and_more = &rest[digits..];
        let unit =
            unit_and_more.find(|character: char| character.is_ascii_digit()).unwrap_or(unit_and_more.len());
        let seconds = match &unit_and_more[..unit] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &unit_and_more[unit..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests;
