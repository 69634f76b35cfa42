//! The wire of Flow-Factory's remote rewards (a0b2bc5a): `POST /compute` with JSON, and `GET /health` before the first request.
//!
//! There is no place for metadata, so prompts say what is asked, and none for what is wrong with one image, so one bad image fails its
//! request: the client tries three times without a pause and then raises.

use imgeval_suites::geneval::Semantics;
use serde_json::{Value as Json, json};

use super::{
    Answers, Batch, Context, Refusal, Reply, Wire, all_measured,
    json::{kind_of, list_of, object_of, picture_of},
    main_question,
};
use crate::question::{Measured, Question};

pub(super) const WIRE: Wire = Wire {
    name: "flow-factory",
    path: "/compute",
    semantics: Semantics::Exact,
    answers: Answers::AtOnce,
    read,
    refuse,
};

fn read(body: &[u8], context: &Context<'_>) -> Result<Batch, Refusal> {
    let fields = object_of(body)?;
    for name in ["video", "condition_images", "condition_videos"] {
        if fields.get(name).is_some_and(|value| !value.is_null()) {
            let sentence = format!("`{name}` came, and this server rewards single images only");
            return Err(Refusal::bad_request(sentence));
        }
    }
    let (prompts, images) = (list_of(&fields, "prompt")?, list_of(&fields, "image")?);
    if prompts.len() != images.len() {
        let sentence = format!("{} prompts came with {} images", prompts.len(), images.len());
        return Err(Refusal::bad_request(sentence));
    }
    let questions = prompts.iter().zip(images).map(|(prompt, image)| question_of(prompt, image, context));
    Ok(Batch { questions: questions.collect(), write: Box::new(write_answer), warning: None })
}

fn refuse(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &json!({"detail": refusal.sentence}))
}

fn question_of(prompt: &Json, image: &Json, context: &Context<'_>) -> Result<Question, String> {
    let (Json::String(prompt), Json::String(image)) = (prompt, image) else {
        let (image, prompt) = (kind_of(image), kind_of(prompt));
        return Err(format!("it is {image} and its prompt {prompt}, and both must be texts"));
    };
    main_question(picture_of(image)?, prompt, None, context)
}

fn write_answer(measured: &[Result<Measured, String>]) -> Result<Reply, Refusal> {
    let rewards: Vec<f64> = all_measured(measured, "image")?.iter().map(Measured::score).collect();
    Ok(Reply::json(200, &json!({"rewards": rewards})))
}
