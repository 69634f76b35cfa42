//! The wire of flow_grpo's reward server (yifan123/reward-server, MIT): `POST /`, a pickle in and a pickle out.
//!
//! A request is a dictionary with `images` (encoded images), `meta_datas` (GenEval's metadata) and `only_strict`; other keys do not count, and
//! where the lists differ in length the rest of the longer one is left out. The answer has `scores`, `rewards`, `strict_rewards`, and the
//! latter two once more for each tag, where images of other tags have [`OTHER_TAG`].

use std::sync::Arc;

use imgeval_suites::geneval::{Metadata, MetadataError, Reward, Tolerance};
use serde_json::{Map, Number, Value as Json};

use crate::pickle::{self, Answer, PickleError, Value};

/// What an image has in the lists of other tags than its own; clients leave it out.
pub const OTHER_TAG: f64 = -10.0;

/// GenEval's tags, in the order of the answer.
const TAGS: [&str; 6] = ["single_object", "two_object", "counting", "colors", "position", "color_attr"];

/// Images with what is asked of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub samples: Vec<Asked>,
    /// Whether the lenient verdict is not wanted, and 0 everywhere.
    pub only_strict: bool,
}

/// An image with what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The encoded image.
    pub image: Arc<[u8]>,
    /// As it was sent: a tag that GenEval does not have is in no list.
    pub tag: String,
    pub metadata: Metadata,
}

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Pickle(#[from] PickleError),
    #[error("the request is {found}, not a dictionary")]
    NotADictionary { found: &'static str },
    #[error("the request has no `{name}`")]
    Missing { name: &'static str },
    #[error("`{place}` is {found}, not {wanted}")]
    Kind { place: String, found: &'static str, wanted: &'static str },
    #[error("the request has no image")]
    Empty,
    #[error("`meta_datas[{place}]` cannot be used")]
    Metadata {
        place: usize,
        #[source]
        source: MetadataError,
    },
}

/// Reads the body of a request.
///
/// # Errors
/// If it is not a harmless pickle of this form, or a case is none of GenEval's.
pub fn read_request(body: &[u8]) -> Result<Request, RequestError> {
    let value = pickle::read(body)?;
    let Value::Dictionary(_) = value else {
        return Err(RequestError::NotADictionary { found: value.kind() });
    };
    let field = |name: &'static str| value.get(name).ok_or(RequestError::Missing { name });
    let only_strict = match field("only_strict")? {
        Value::Bool(value) => *value,
        Value::Integer(number) => *number != 0,
        other => return Err(kind("only_strict", other, "a boolean")),
    };
    let (images, cases) = (list("images", field("images")?)?, list("meta_datas", field("meta_datas")?)?);
    let samples: Vec<Asked> =
        images.iter().zip(cases).enumerate().map(read_sample).collect::<Result<_, _>>()?;
    match samples.is_empty() {
        true => Err(RequestError::Empty),
        false => Ok(Request { samples, only_strict }),
    }
}

fn read_sample((place, (image, case)): (usize, (&Value, &Value))) -> Result<Asked, RequestError> {
    let Value::Bytes(image) = image else { return Err(kind(&format!("images[{place}]"), image, "bytes")) };
    let Value::Dictionary(entries) = case else {
        return Err(kind(&format!("meta_datas[{place}]"), case, "a dictionary"));
    };
    let mut fields = Map::new();
    for (name, value) in entries {
        if let Value::Text(name) = name {
            fields.insert(name.to_string(), json_of(value, &format!("meta_datas[{place}].{name}"))?);
        }
    }
    let tag = fields.get("tag").and_then(Json::as_str).map(str::to_owned);
    if let Some(tag) = &tag
        && !TAGS.contains(&tag.as_str())
    {
        // What is asked does not depend on it, but for counting.
        fields.insert("tag".to_owned(), TAGS[0].into());
    }
    let (metadata, _) = Metadata::parse_any_among_others(&Json::Object(fields), Tolerance::Anywhere)
        .map_err(|source| RequestError::Metadata { place, source })?;
    Ok(Asked { image: Arc::clone(image), tag: tag.unwrap_or_default(), metadata })
}

/// The answer, with the rewards of all images in order.
#[must_use]
pub fn write_answer(request: &Request, rewards: &[Reward]) -> Vec<u8> {
    let samples: Vec<(&Asked, &Reward)> = request.samples.iter().zip(rewards).collect();
    let score = |(asked, reward): &(&Asked, &Reward)| match asked.metadata.include.is_empty() {
        // The mean of nothing is Python's integer.
        true => Answer::Integer(0),
        false => Answer::Float(reward.score),
    };
    let lenient = |reward: &Reward| if request.only_strict { 0.0 } else { reward.reward };
    let strict = |reward: &Reward| reward.strict_reward;
    let every = |of: &dyn Fn(&Reward) -> f64| {
        Answer::List(samples.iter().map(|(_, reward)| Answer::Float(of(reward))).collect())
    };
    let by_tag = |of: &dyn Fn(&Reward) -> f64| {
        let value = |tag: &str, (asked, reward): &(&Asked, &Reward)| {
            Answer::Float(if asked.tag == tag { of(reward) } else { OTHER_TAG })
        };
        let values = |tag| Answer::List(samples.iter().map(|sample| value(tag, sample)).collect());
        Answer::Dictionary(TAGS.map(|tag| (tag, values(tag))).into())
    };
    pickle::write(&Answer::Dictionary(vec![
        ("scores", Answer::List(samples.iter().map(score).collect())),
        ("rewards", every(&lenient)),
        ("strict_rewards", every(&strict)),
        ("group_rewards", by_tag(&lenient)),
        ("group_strict_rewards", by_tag(&strict)),
    ]))
}

fn kind(place: &str, found: &Value, wanted: &'static str) -> RequestError {
    RequestError::Kind { place: place.to_owned(), found: found.kind(), wanted }
}

fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], RequestError> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(kind(name, other, "a list")),
    }
}

/// Metadata as the suite reads it.
fn json_of(value: &Value, place: &str) -> Result<Json, RequestError> {
    Ok(match value {
        Value::None => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => Number::from_f64(*number)
            .map(Json::Number)
            .ok_or_else(|| kind(place, value, "a finite number"))?,
        Value::Text(text) => (**text).into(),
        Value::Bytes(_) | Value::Huge => return Err(kind(place, value, "a text or number")),
        Value::List(items) => {
            let item = |(index, item): (usize, &Value)| json_of(item, &format!("{place}[{index}]"));
            Json::Array(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        Value::Dictionary(entries) => {
            let mut fields = Map::new();
            for (name, value) in entries {
                let Value::Text(name) = name else { return Err(kind(place, name, "a text")) };
                fields.insert(name.to_string(), json_of(value, &format!("{place}.{name}"))?);
            }
            Json::Object(fields)
        }
    })
}

#[cfg(test)]
#[path = "flow_grpo_tests.rs"]
mod tests;
