//! `POST /` with a pickle, which flow_grpo, DeepGen-RL, verl-omni and EditScore share; the keys of the dictionary tell whose it is.

use std::sync::Arc;

use imgeval_suites::geneval::Semantics;
use serde_json::{Map, Number, Value as Json};

use super::{Answers, Batch, Context, Refusal, Reply, Wire, deepgen_rl, edit_score, flow_grpo};
use crate::{
    pickle::{self, Answer, PickleError, Value},
    question::Picture,
};

pub(super) const WIRE: Wire = Wire {
    name: "pickle",
    path: "/",
    semantics: Semantics::FlowGrpo,
    answers: Answers::AtOnce,
    read,
    refuse,
};

fn read(body: &[u8], context: &Context<'_>) -> Result<Batch, Refusal> {
    let value = pickle::read(body).map_err(RequestError::from)?;
    let Value::Dictionary(_) = value else {
        return Err(RequestError::NotADictionary { found: value.kind() }.into());
    };
    let has = |name| value.get(name).is_some();
    if has("input_images") || has("output_image") {
        return edit_score::read(&value, context);
    }
    match has("meta_datas") || !(has("prompts") || has("metadata")) {
        true => Ok(flow_grpo::read(&value, context)?),
        false => Ok(deepgen_rl::read(&value, context)?),
    }
}

/// Clients unpickle the bodies of errors: verl-omni shows the sentence, flow_grpo and DeepGen-RL fail at once, and EditScore's return
/// nothing. With 200, EditScore's would take an error for an empty batch.
fn refuse(refusal: &Refusal) -> Reply {
    let body = pickle::write(&Answer::Dictionary(vec![("error", Answer::Text(&refusal.sentence))]));
    Reply { status: refusal.status, content_type: "application/octet-stream", body }
}

/// Why a pickled request cannot be answered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum RequestError {
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
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::bad_request(error.to_string())
    }
}

pub(super) fn wrong_kind(place: &str, found: &Value, wanted: &'static str) -> RequestError {
    RequestError::Kind { place: place.to_owned(), found: found.kind(), wanted }
}

pub(super) fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], RequestError> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(wrong_kind(name, other, "a list")),
    }
}

pub(super) fn boolean(name: &str, value: &Value) -> Result<bool, RequestError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Integer(number) => Ok(*number != 0),
        other => Err(wrong_kind(name, other, "a boolean")),
    }
}

pub(super) fn picture(place: usize, value: &Value) -> Result<Picture, RequestError> {
    match value {
        Value::Bytes(bytes) => Ok(Picture::Encoded(Arc::clone(bytes))),
        other => Err(wrong_kind(&format!("images[{place}]"), other, "bytes")),
    }
}

/// Metadata as the suite reads it.
pub(super) fn json_of(value: &Value, place: &str) -> Result<Json, RequestError> {
    Ok(match value {
        Value::None => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => Number::from_f64(*number)
            .map(Json::Number)
            .ok_or_else(|| wrong_kind(place, value, "a finite number"))?,
        Value::Text(text) => (**text).into(),
        Value::Bytes(_) | Value::Huge | Value::Image(_) => {
            return Err(wrong_kind(place, value, "a text or number"));
        }
        Value::List(items) => {
            let item = |(index, item): (usize, &Value)| json_of(item, &format!("{place}[{index}]"));
            Json::Array(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        Value::Dictionary(entries) => {
            let mut fields = Map::new();
            for (name, value) in entries {
                let Value::Text(name) = name else { return Err(wrong_kind(place, name, "a text")) };
                fields.insert(name.to_string(), json_of(value, &format!("{place}.{name}"))?);
            }
            Json::Object(fields)
        }
    })
}
