//! The wire of EditScore (6e0f1b9a): Pillow's images in a pickle, from its client to its proxy and from the proxy to a worker.
//!
//! The client sends `meta_datas`, a list of JSON texts, and gets lists; the proxy sends `meta_data`, a list of dictionaries, and gets a list
//! of dictionaries. The original answers a failure with a reward of 0; here the whole request fails, since the answer has no place for it.

use std::sync::Arc;

use imgeval_core::Pixels;
use serde_json::Value as Json;

use super::{
    Batch, Context, Refusal, Reply, all_measured,
    pickled::{RequestError, json_of, list, wrong_kind},
};
use crate::{
    pickle::{self, Answer, PillowImage, Value},
    question::{EditScores, Measured, Picture, Question, What},
};

/// Scores of judges are in 0 to 10, rewards in 0 to 1.
const SCALE: f64 = 10.0;
/// From this reward on, an edit counts as good.
const GOOD: f64 = 0.5;

pub(super) fn read(value: &Value, context: &Context<'_>) -> Result<Batch, Refusal> {
    if !context.judges_edits {
        return Err(Refusal::bad_request("this server has no reward for edits"));
    }
    let field = |name: &'static str| value.get(name).ok_or(RequestError::Missing { name });
    let (sources, edited) = (field("input_images")?, field("output_image")?);
    let (sources, edited) = (list("input_images", sources)?, list("output_image", edited)?);
    let (from_client, metadata) = match value.get("meta_datas") {
        Some(metadata) => (true, list("meta_datas", metadata)?),
        None => (false, list("meta_data", field("meta_data")?)?),
    };
    if edited.is_empty() {
        return Err(RequestError::Empty.into());
    }
    if sources.len() != edited.len() || metadata.len() != edited.len() {
        let sentence = format!(
            "{} edited images came with {} lists of sources and {} entries of metadata",
            edited.len(),
            sources.len(),
            metadata.len()
        );
        return Err(Refusal::bad_request(sentence));
    }
    let mut questions = Vec::new();
    let mut described = Vec::new();
    for (place, ((sources, edited), metadata)) in sources.iter().zip(edited).zip(metadata).enumerate() {
        let metadata = metadata_of(metadata, place, from_client)?;
        let instruction = metadata.get("instruction").and_then(Json::as_str);
        let instruction = instruction.ok_or_else(|| {
            Refusal::bad_request(format!("the metadata of output_image[{place}] has no `instruction`"))
        })?;
        let of_source = |source: &Value| picture_of(source, &format!("input_images[{place}]"));
        let sources = list(&format!("input_images[{place}]"), sources)?.iter().map(of_source);
        let what =
            What::Edit { sources: sources.collect::<Result<_, _>>()?, instruction: instruction.to_owned() };
        questions
            .push(Ok(Question { picture: picture_of(edited, &format!("output_image[{place}]"))?, what }));
        described.push(metadata);
    }
    let write = move |measured: &[Result<Measured, String>]| {
        let scores = all_measured(measured, "output_image")?;
        let edit = |measured: &Measured| match measured {
            Measured::Edit(scores) => Some(scores.clone()),
            _ => None,
        };
        let scores: Vec<EditScores> = scores.iter().filter_map(edit).collect();
        let rows: Vec<Row<'_>> = scores.iter().zip(&described).map(Row::new).collect();
        let answer = if from_client { answer_for_client(&rows) } else { answer_for_proxy(&rows) };
        Ok(Reply { status: 200, content_type: "application/octet-stream", body: pickle::write(&answer) })
    };
    Ok(Batch { questions, write: Box::new(write), warning: None })
}

/// Metadata with the place of its image, as the proxy adds it.
fn metadata_of(value: &Value, place: usize, from_client: bool) -> Result<Json, Refusal> {
    let at = format!("meta_data[{place}]");
    let metadata = match value {
        Value::Text(text) if from_client => serde_json::from_str(text)
            .map_err(|error| Refusal::bad_request(format!("meta_datas[{place}] is not JSON: {error}")))?,
        Value::Dictionary(_) if !from_client => json_of(value, &at)?,
        other => {
            let wanted = if from_client { "a text with JSON" } else { "a dictionary" };
            return Err(wrong_kind(&at, other, wanted).into());
        }
    };
    let Json::Object(mut fields) = metadata else {
        return Err(Refusal::bad_request(format!("meta_datas[{place}] is not an object")));
    };
    if from_client {
        fields.insert("original_index".to_owned(), place.into());
    }
    Ok(Json::Object(fields))
}

fn picture_of(value: &Value, place: &str) -> Result<Picture, Refusal> {
    match value {
        Value::Image(image) => pixels_of(image)
            .map(|pixels| Picture::Pixels(Arc::new(pixels)))
            .ok_or_else(|| Refusal::bad_request(format!("{place} has no pixels"))),
        other => Err(wrong_kind(place, other, "an image of Pillow").into()),
    }
}

/// In color and without transparency, as Pillow's `convert("RGB")` makes it.
fn pixels_of(image: &PillowImage) -> Option<Pixels> {
    let rgb = match &*image.mode {
        "L" => image.data.iter().flat_map(|value| [*value; 3]).collect(),
        "RGBA" => image
            .data
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
            .collect(),
        _ => image.data.to_vec(),
    };
    Pixels::new(image.width, image.height, rgb)
}

/// An image of the answer.
struct Row<'a> {
    reward: f64,
    score: f64,
    reasoning: String,
    metadata: &'a Json,
    tag: &'a str,
}

impl<'a> Row<'a> {
    fn new((scores, metadata): (&EditScores, &'a Json)) -> Self {
        let reward = scores.overall / SCALE;
        let EditScores { consistency, quality, consistency_reasoning, quality_reasoning, .. } = scores;
        // The lines of the original, whose raw outputs are left empty.
        let reasoning = format!(
            "SC_score: {consistency:?}\nSC_score_reasoning: {consistency_reasoning}\nPQ_score: {quality:?}\n\
             PQ_score_reasoning: {quality_reasoning}\nSC_raw_output: {{}}\nPQ_raw_output: {{}}\n"
        );
        let score = if reward >= GOOD { 1.0 } else { 0.0 };
        let tag = metadata.get("tag").and_then(Json::as_str).unwrap_or("vlm");
        Self { reward, score, reasoning, metadata, tag }
    }
}

fn answer_for_client<'a>(rows: &'a [Row<'_>]) -> Answer<'a> {
    let every = |of: &dyn Fn(&'a Row<'_>) -> Answer<'a>| Answer::List(rows.iter().map(of).collect());
    Answer::Dictionary(vec![
        ("scores", every(&|row| Answer::Float(row.score))),
        ("rewards", every(&|row| Answer::Float(row.reward))),
        ("reasoning", every(&|row| Answer::Text(&row.reasoning))),
        ("strict_rewards", every(&|row| Answer::Float(row.reward))),
        ("meta_data", every(&|row| answer_of(row.metadata))),
    ])
}

fn answer_for_proxy<'a>(rows: &'a [Row<'_>]) -> Answer<'a> {
    let row = |row: &'a Row<'_>| {
        let group = || Answer::Dictionary(vec![(row.tag, Answer::Float(row.reward))]);
        Answer::Dictionary(vec![
            ("score", Answer::Float(row.score)),
            ("reward", Answer::Float(row.reward)),
            ("reasoning", Answer::Text(&row.reasoning)),
            ("strict_reward", Answer::Float(row.reward)),
            ("meta_data", answer_of(row.metadata)),
            ("group_reward", group()),
            ("group_strict_reward", group()),
        ])
    };
    Answer::List(rows.iter().map(row).collect())
}

fn answer_of(value: &Json) -> Answer<'_> {
    match value {
        Json::Null => Answer::None,
        Json::Bool(value) => Answer::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Answer::Integer(integer),
            None => Answer::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Answer::Text(text),
        Json::Array(items) => Answer::List(items.iter().map(answer_of).collect()),
        Json::Object(fields) => {
            Answer::Dictionary(fields.iter().map(|(name, value)| (name.as_str(), answer_of(value))).collect())
        }
    }
}
