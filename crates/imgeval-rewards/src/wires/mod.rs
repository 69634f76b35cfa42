//! The wires of training frameworks: how requests are read, and answers and errors written.
//!
//! A wire is a file with a [`Wire`], and its entry in [`WIRES`]. The facts about clients (what each does with an error,
//! what it sends) are those of the frameworks' own code; docs/rewards.md lists the versions.

mod cosmos_rl;
mod deepgen_rl;
mod edit_score;
mod flow_factory;
mod flow_grpo;
mod json;
mod npy;
mod own;
mod pickled;
mod unirl;

use imgeval_core::sentence_of;
use imgeval_suites::geneval::{Metadata, MetadataError, Semantics, Tolerance};
use serde_json::{Map, Value as Json};

use crate::question::{Measured, Picture, Question, What};

pub(crate) use cosmos_rl::{PULL_PATH, pull};
pub(crate) use unirl::reward_names;

/// Every wire, in the order of the documentation.
pub const WIRES: [Wire; 5] = [pickled::WIRE, flow_factory::WIRE, unirl::WIRE, cosmos_rl::WIRE, own::WIRE];

/// What the clients of a framework send to one path, and what they understand.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// Its name in headers, metrics and the log.
    pub name: &'static str,
    /// Where requests are posted.
    pub path: &'static str,
    /// Whose GenEval rewards it gives if the user of the server did not choose.
    pub semantics: Semantics,
    pub answers: Answers,
    /// Reads a request, or says in one sentence what is wrong with it.
    pub read: fn(&[u8], &Context<'_>) -> Result<Batch, Refusal>,
    /// An error, in the form in which clients fail loudly.
    pub refuse: fn(&Refusal) -> Reply,
}

/// When clients get their answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    AtOnce,
    /// They are given a name, and ask for the answer with it.
    Later,
}

/// What a wire needs to know to read a request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub semantics: Semantics,
    pub content_type: &'a str,
    pub gives_geneval: bool,
    /// Names of the rewards beside GenEval's.
    pub scores: &'a [String],
    /// What is answered where a wire names no reward: GenEval if this is `None`.
    pub main_score: Option<&'a str>,
    /// Whether edits can be judged.
    pub judges_edits: bool,
}

/// A request that was read.
pub struct Batch {
    /// In the order of the request. What cannot be asked is a sentence, which ends like an image that cannot be measured.
    pub questions: Vec<Result<Question, String>>,
    pub write: Writer,
    /// What the owner of the server should know, though the request is answered.
    pub warning: Option<String>,
}

/// Writes the answer from what was measured, in the order of the questions.
pub type Writer = Box<dyn FnOnce(&[Result<Measured, String>]) -> Result<Reply, Refusal> + Send>;

/// What is sent back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// Why a request is not answered: an HTTP status and one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub sentence: String,
}

impl Refusal {
    /// Something is wrong with the request.
    #[must_use]
    pub fn bad_request(sentence: impl Into<String>) -> Self {
        Self { status: 400, sentence: sentence.into() }
    }
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Json) -> Self {
        Self { status, content_type: "application/json", body: value.to_string().into_bytes() }
    }
}

/// The numbers of all images.
///
/// # Errors
/// The sentence of the first one that could not be measured, on wires that have no place for it.
fn all_measured(measured: &[Result<Measured, String>], list: &str) -> Result<Vec<Measured>, Refusal> {
    let one = |(place, measured): (usize, &Result<Measured, String>)| {
        measured.clone().map_err(|problem| Refusal::bad_request(format!("{list}[{place}]: {problem}")))
    };
    measured.iter().enumerate().map(one).collect()
}

/// What is asked of an image whose wire names no reward: the main one, with metadata where GenEval is it.
fn main_question(
    picture: Picture,
    prompt: &str,
    metadata: Option<&Json>,
    context: &Context<'_>,
) -> Result<Question, String> {
    match context.main_score {
        Some(name) => {
            Ok(Question { picture, what: What::Score { name: name.to_owned(), prompt: prompt.to_owned() } })
        }
        None => geneval_question(picture, prompt, metadata, context.semantics).map(|(question, _)| question),
    }
}

/// A question about GenEval, with the tag as it was sent. Without metadata, the prompt says what is asked.
fn geneval_question(
    picture: Picture,
    prompt: &str,
    metadata: Option<&Json>,
    semantics: Semantics,
) -> Result<(Question, String), String> {
    let (metadata, tag) = match metadata {
        Some(metadata) => {
            read_metadata(metadata).map_err(|error| format!("its metadata: {}", sentence_of(&error)))?
        }
        None => {
            let metadata = metadata_of_prompt(prompt)?;
            let tag = metadata.tag.name().to_owned();
            (metadata, tag)
        }
    };
    Ok((Question { picture, what: What::GenEval { metadata, semantics } }, tag))
}

fn metadata_of_prompt(prompt: &str) -> Result<Metadata, String> {
    Metadata::from_prompt(prompt).map_err(|problem| {
        let shown: String = prompt.chars().take(80).flat_map(char::escape_debug).collect();
        format!(
            "it came without metadata, and its prompt \"{shown}\" is not GenEval's ({}): {problem}",
            problem.code()
        )
    })
}

/// GenEval's metadata, and the tag as it was sent: one that GenEval does not have is in no group, and nothing else depends on it.
fn read_metadata(metadata: &Json) -> Result<(Metadata, String), MetadataError> {
    let tag = metadata.get("tag").and_then(Json::as_str).map(str::to_owned);
    let is_unknown = tag.as_deref().is_some_and(|tag| !TAGS.contains(&tag));
    let (metadata, _) = if is_unknown {
        let mut fields: Map<String, Json> = metadata.as_object().cloned().unwrap_or_default();
        fields.insert("tag".to_owned(), TAGS[0].into());
        Metadata::parse_any_among_others(&Json::Object(fields), Tolerance::Anywhere)?
    } else {
        Metadata::parse_any_among_others(metadata, Tolerance::Anywhere)?
    };
    Ok((metadata, tag.unwrap_or_default()))
}

/// GenEval's tags, in the order in which groups are listed.
const TAGS: [&str; 6] = ["single_object", "two_object", "counting", "colors", "position", "color_attr"];

/// What an image has in the lists of other tags than its own; clients leave it out.
const OTHER_TAG: f64 = -10.0;

#[cfg(test)]
mod tests;
