//! Reading times, statuses and paired failures.

use std::path::Path;

use imgeval_core::json::from_json_str;
use imgeval_metrics::survival::{RoundStatus, Time};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::RoundsError;

const MAX_BYTES: u64 = 256 << 20;
/// More rounds than any session has; a larger number is a mistake.
const MAX_ROUNDS: u32 = 100_000;

/// The name of sessions that are no model's.
pub(super) const STATUS_SESSIONS: &str = "status_sessions";

/// What is asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    /// Times by the name of their group, in the order of the file.
    pub groups: Vec<(String, Vec<Time>)>,
    /// Statuses of sessions by the name of their group.
    pub statuses: Vec<(String, Vec<Vec<RoundStatus>>)>,
    /// Groups that are tested against each other; of one pair both tests are made.
    pub tests: Vec<Vec<String>>,
    /// Two models over the same sessions.
    pub pair: Option<Pair>,
    /// Counts of sessions that only one of two models carried out.
    pub discordant: Vec<(usize, usize)>,
    /// Lists of p values to correct.
    pub p_values: Vec<Vec<f64>>,
}

/// Statuses of both models for each session.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub names: [String; 2],
    pub sessions: Vec<[Vec<RoundStatus>; 2]>,
}

#[derive(Deserialize)]
struct TimesIn {
    times: Vec<u32>,
    /// 1 or true where the session failed; without it all did.
    events: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct SessionsIn {
    sessions: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct PairIn {
    first_failed_round_a: Vec<Option<u32>>,
    first_failed_round_b: Vec<Option<u32>>,
    rounds: Option<u32>,
}

#[derive(Deserialize)]
struct TestIn {
    a: String,
    b: String,
}

#[derive(Deserialize)]
struct GroupsIn {
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct DiscordantIn {
    a_only: usize,
    b_only: usize,
}

#[derive(Deserialize)]
struct PValuesIn {
    p: Vec<f64>,
}

/// Reads a question from its file.
///
/// # Errors
/// If the file cannot be read, or as [`parse_question`].
pub fn read_question(path: &Path) -> Result<Question, RoundsError> {
    let text = imgeval_files::read_text(path, MAX_BYTES)
        .map_err(|source| RoundsError::Read { path: path.to_owned(), source })?;
    parse_question(&text).map_err(|detail| RoundsError::Input { path: path.to_owned(), detail })
}

/// Reads a question; members that are none of its own are passed over, so that a file of answers may be asked again.
///
/// # Errors
/// In a sentence, if the text is no JSON object or nothing in it can be asked.
pub fn parse_question(text: &str) -> Result<Question, String> {
    let document: Map<String, Value> = from_json_str(text).map_err(|error| error.to_string())?;
    let mut question = Question::default();
    if document.contains_key("times") {
        question.groups.push(("sessions".to_owned(), times(&document, "sessions")?));
    }
    if let Some(groups) = document.get("datasets") {
        for (name, group) in object(groups, "datasets")? {
            question.groups.push((name.clone(), times(object(group, name)?, name)?));
        }
    }
    if document.contains_key("sessions") {
        question.statuses.push((STATUS_SESSIONS.to_owned(), statuses(&Value::Object(document.clone()))?));
    }
    if let Some(group) = document.get(STATUS_SESSIONS) {
        question.statuses.push((STATUS_SESSIONS.to_owned(), statuses(group)?));
    }
    if let Some(models) = document.get("models") {
        for (name, sessions) in object(models, "models")? {
            let sessions = serde_json::json!({ "sessions": sessions });
            question.statuses.push((name.clone(), statuses(&sessions)?));
        }
        question.pair = pair_of_models(&question.statuses);
    }
    if let Some(pair) = document.get("paired") {
        question.pair = Some(pair_of_failures(part(pair, "paired")?)?);
    }
    if let Some(counts) = document.get("mcnemar") {
        let counts: Vec<DiscordantIn> = part(counts, "mcnemar")?;
        question.discordant = counts.iter().map(|of| (of.a_only, of.b_only)).collect();
    }
    if let Some(lists) = document.get("holm") {
        let lists: Vec<PValuesIn> = part(lists, "holm")?;
        if lists.iter().flat_map(|list| &list.p).any(|p| !(0.0..=1.0).contains(p)) {
            return Err("a p value is not between 0 and 1".to_owned());
        }
        question.p_values = lists.into_iter().map(|list| list.p).collect();
    }
    question.tests = tests(&document, &question.groups)?;
    match question {
        Question { groups, statuses, pair: None, discordant, p_values, .. }
            if groups.is_empty() && statuses.is_empty() && discordant.is_empty() && p_values.is_empty() =>
        {
            Err("it has none of `times`, `datasets`, `sessions`, `models` and `paired`".to_owned())
        }
        question => Ok(question),
    }
}

fn part<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("in `{name}`: {error}"))
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("`{}` must be an object", name.escape_debug()))
}

fn times(members: &Map<String, Value>, name: &str) -> Result<Vec<Time>, String> {
    let TimesIn { times, events } = part(&Value::Object(members.clone()), name)?;
    let name = name.escape_debug();
    let events = match events {
        None => vec![true; times.len()],
        Some(events) => {
            let event = |event: &Value| match event {
                Value::Bool(event) => Some(*event),
                event => event.as_f64().filter(|event| [0.0, 1.0].contains(event)).map(|event| event == 1.0),
            };
            let read: Option<Vec<bool>> = events.iter().map(event).collect();
            read.ok_or_else(|| format!("an event of `{name}` is neither 0 nor 1"))?
        }
    };
    if times.is_empty() || times.len() != events.len() {
        return Err(format!("`{name}` has {} times and {} events", times.len(), events.len()));
    }
    let pairs = times.into_iter().zip(events);
    let time = |(round, is_event): (u32, bool)| match (round, is_event) {
        (round, _) if round > MAX_ROUNDS => Err(format!("`{name}` has the invalid round {round}")),
        (0, true) => Err(format!("a session of `{name}` fails at round 0; rounds count from 1")),
        (round, is_event) => Ok(Time { round, is_event }),
    };
    pairs.map(time).collect()
}

fn statuses(value: &Value) -> Result<Vec<Vec<RoundStatus>>, String> {
    let SessionsIn { sessions } = part(value, "sessions")?;
    let known = [RoundStatus::Ok, RoundStatus::Failed, RoundStatus::Refused, RoundStatus::Missing];
    let status = |name: &String| {
        let found = known.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| {
            format!("unknown status `{}`: expected ok, failed, refused or missing", name.escape_debug())
        })
    };
    if sessions.is_empty() {
        return Err("`sessions` is empty".to_owned());
    }
    sessions.iter().map(|session| session.iter().map(status).collect()).collect()
}

/// Two models with the same number of sessions are taken for answers to the same sessions.
fn pair_of_models(groups: &[(String, Vec<Vec<RoundStatus>>)]) -> Option<Pair> {
    let [(a, of_a), (b, of_b)] = groups else { return None };
    let sessions = of_a.iter().cloned().zip(of_b.iter().cloned()).map(|(a, b)| [a, b]).collect();
    (of_a.len() == of_b.len()).then(|| Pair { names: [a.clone(), b.clone()], sessions })
}

fn pair_of_failures(pair: PairIn) -> Result<Pair, String> {
    let PairIn { first_failed_round_a: a, first_failed_round_b: b, rounds } = pair;
    if a.is_empty() || a.len() != b.len() {
        return Err(format!("`paired` has {} and {} sessions", a.len(), b.len()));
    }
    let numbers = || a.iter().chain(&b).flatten();
    let has_null = a.iter().chain(&b).any(Option::is_none);
    let largest = numbers().max().copied().unwrap_or(0);
    // Without a number of rounds the largest one stands for no failure.
    let rounds = rounds.unwrap_or(if has_null { largest } else { largest.saturating_sub(1) });
    if numbers().any(|round| *round == 0) || largest > MAX_ROUNDS || !(1..=MAX_ROUNDS).contains(&rounds) {
        return Err("rounds of `paired` count from 1".to_owned());
    }
    let statuses = |failed: &Option<u32>| {
        let status = |round| match failed {
            Some(failed) if round >= *failed => RoundStatus::Failed,
            _ => RoundStatus::Ok,
        };
        (1..=rounds).map(status).collect()
    };
    let sessions = a.iter().zip(&b).map(|(a, b)| [statuses(a), statuses(b)]).collect();
    Ok(Pair { names: ["a".to_owned(), "b".to_owned()], sessions })
}

/// The tests that the file asks for; without any, each pair of its groups.
fn tests(document: &Map<String, Value>, groups: &[(String, Vec<Time>)]) -> Result<Vec<Vec<String>>, String> {
    let mut asked: Vec<Vec<String>> = Vec::new();
    if let Some(pairs) = document.get("logrank") {
        let pairs: Vec<TestIn> = part(pairs, "logrank")?;
        asked.extend(pairs.into_iter().map(|TestIn { a, b }| vec![a, b]));
    }
    if let Some(several) = document.get("three_groups") {
        let GroupsIn { groups } = part(several, "three_groups")?;
        asked.push(groups);
    }
    if asked.is_empty() {
        for (place, (a, _)) in groups.iter().enumerate() {
            asked.extend(groups[place + 1..].iter().map(|(b, _)| vec![a.clone(), b.clone()]));
        }
    }
    let is_known = |name: &String| groups.iter().any(|(known, _)| known == name);
    match asked.iter().flatten().find(|name| !is_known(name)) {
        Some(name) => Err(format!("a test names `{}`, which has no times", name.escape_debug())),
        None => Ok(asked),
    }
}
