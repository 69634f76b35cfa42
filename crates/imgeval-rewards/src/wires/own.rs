//! imgeval's own wire: `POST /v1/rewards` with JSON, or with `multipart/form-data` so that images need no base64.
//!
//! It says what is wrong with each image beside the rewards of the others. docs/schemas/rewards-1.json describes the answer.

use std::sync::Arc;

use futures_util::{FutureExt as _, stream};
use imgeval_suites::geneval::Semantics;
use serde_json::{Map, Value as Json, json};

use super::{
    Answers, Batch, Context, Refusal, Reply, Wire, geneval_question,
    json::{kind_of, list_of, object_of, picture_of},
};
use crate::question::{Measured, Picture, Question, What};

const GENEVAL: &str = "geneval";

pub(super) const WIRE: Wire = Wire {
    name: "imgeval",
    path: "/v1/rewards",
    semantics: Semantics::Exact,
    answers: Answers::AtOnce,
    read,
    refuse,
};

fn read(body: &[u8], context: &Context<'_>) -> Result<Batch, Refusal> {
    let (fields, images) = match multer::parse_boundary(context.content_type) {
        Ok(boundary) => {
            let (fields, images) = parts_of(body, &boundary)?;
            (fields, Some(images))
        }
        Err(_) => (object_of(body)?, None),
    };
    let samples = list_of(&fields, "samples")?;
    if let Some(images) = &images
        && images.len() != samples.len()
    {
        let sentence = format!("{} samples came with {} images", samples.len(), images.len());
        return Err(Refusal::bad_request(sentence));
    }
    let image_of = |place: usize| images.as_ref().map(|images| Picture::Encoded(Arc::clone(&images[place])));
    let mut names = Vec::new();
    let questions = samples.iter().enumerate().map(|(place, sample)| {
        let name = sample.get("reward").and_then(Json::as_str).unwrap_or(GENEVAL);
        names.push(name.to_owned());
        question_of(sample, name, image_of(place), context)
    });
    let questions = questions.collect();
    let semantics = context.semantics.name();
    let write = move |measured: &[Result<Measured, String>]| {
        let result = |(name, measured): (&String, &Result<Measured, String>)| result_of(name, measured);
        let results: Vec<Json> = names.iter().zip(measured).map(result).collect();
        let answer = json!({"schema": "imgeval/rewards/1", "semantics": semantics, "results": results});
        Ok(Reply::json(200, &answer))
    };
    Ok(Batch { questions, write: Box::new(write), warning: None })
}

fn refuse(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &json!({"error": refusal.sentence}))
}

fn question_of(
    sample: &Json,
    name: &str,
    image: Option<Picture>,
    context: &Context<'_>,
) -> Result<Question, String> {
    let Json::Object(fields) = sample else {
        return Err(format!("the sample is {}, not an object", kind_of(sample)));
    };
    let text = |key: &str| fields.get(key).and_then(Json::as_str);
    let picture = match (image, text("image")) {
        (Some(picture), None) => picture,
        (None, Some(image)) => picture_of(image)?,
        (Some(_), Some(_)) => return Err("it has an `image` in its JSON and a part of its own".to_owned()),
        (None, None) => return Err("it has no `image`".to_owned()),
    };
    let prompt = text("prompt").unwrap_or_default();
    match name {
        GENEVAL => {
            let metadata = fields.get("metadata").filter(|metadata| !metadata.is_null());
            let asked = geneval_question(picture, prompt, metadata, context.semantics);
            asked.map(|(question, _)| question)
        }
        name if context.scores.iter().any(|score| score == name) => {
            let (name, prompt) = (name.to_owned(), prompt.to_owned());
            Ok(Question { picture, what: What::Score { name, prompt } })
        }
        _ => Err("this server does not give this reward".to_owned()),
    }
}

fn result_of(name: &str, measured: &Result<Measured, String>) -> Json {
    match measured {
        Ok(Measured::GenEval(reward)) => json!({
            "name": name, "score": reward.score, "reward": reward.reward, "strict_reward": reward.strict_reward,
        }),
        Ok(measured) => json!({"name": name, "score": measured.score()}),
        Err(problem) => json!({"name": name, "error": problem}),
    }
}

type Parts = (Map<String, Json>, Vec<Arc<[u8]>>);

/// The part `request` with the JSON, and the parts `image` in their order.
fn parts_of(body: &[u8], boundary: &str) -> Result<Parts, Refusal> {
    let broken = || Refusal::bad_request("the body is not the multipart/form-data that its head says");
    let whole = stream::iter([Ok::<_, std::io::Error>(axum::body::Bytes::copy_from_slice(body))]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let (mut fields, mut images) = (None, Vec::new());
    // The whole body is there, so that nothing is waited for.
    while let Some(part) = parts.next_field().now_or_never().ok_or_else(broken)?.map_err(|_| broken())? {
        let name = part.name().unwrap_or_default().to_owned();
        let content = part.bytes().now_or_never().ok_or_else(broken)?.map_err(|_| broken())?;
        match name.as_str() {
            "request" => fields = Some(object_of(&content)?),
            "image" => images.push(Arc::from(&content[..])),
            _ => {
                let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
                let sentence = format!("the part `{shown}` is neither `request` nor `image`");
                return Err(Refusal::bad_request(sentence));
            }
        }
    }
    Ok((fields.ok_or_else(|| Refusal::bad_request("the request has no part `request`"))?, images))
}
