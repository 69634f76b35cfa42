//! The wire of DeepGen-RL's reward services (deepgen_rl c4d5dc27), which verl-omni (a1139baf) speaks too.
//!
//! A request has `images` (JPEG files), `prompts` and `metadata`. For GenEval, `metadata` has `meta_datas` and `only_strict`; verl-omni
//! sends none, and then the prompts say what is asked. The answer is flow_grpo's, or `scores` alone for other rewards.

use super::{
    Batch, Context, Refusal, Reply, all_measured, flow_grpo, main_question,
    pickled::{RequestError, boolean, list, picture, wrong_kind},
};
use crate::{
    pickle::{self, Answer, Value},
    question::Measured,
};

pub(super) fn read(value: &Value, context: &Context<'_>) -> Result<Batch, RequestError> {
    let field = |name: &'static str| value.get(name).ok_or(RequestError::Missing { name });
    let images = list("images", field("images")?)?;
    let prompts = list("prompts", field("prompts")?)?;
    let prompt = |(place, prompt): (usize, &Value)| match prompt {
        Value::Text(text) => Ok(text.to_string()),
        other => Err(wrong_kind(&format!("prompts[{place}]"), other, "a text")),
    };
    let prompts: Vec<String> = prompts.iter().enumerate().map(prompt).collect::<Result<_, _>>()?;
    if context.main_score.is_some() {
        return scores_of(images, &prompts, context);
    }
    let metadata = value.get("metadata");
    // The client's `evaluate_multiple` nests the metadata once more.
    let metadata = metadata.and_then(|metadata| metadata.get("gen_eval")).or(metadata);
    let only_strict = metadata.and_then(|metadata| metadata.get("only_strict"));
    let only_strict = only_strict.map_or(Ok(false), |value| boolean("only_strict", value))?;
    let Some(cases) = metadata.and_then(|metadata| metadata.get("meta_datas")) else {
        if prompts.len() != images.len() {
            return Err(wrong_kind("prompts", field("prompts")?, "a list with a prompt for each image"));
        }
        let cases = prompts.into_iter().map(|prompt| (prompt, None));
        return flow_grpo::batch_of(images, cases, only_strict, context);
    };
    let cases = list("metadata.meta_datas", cases)?.iter().take(images.len()).enumerate();
    let cases = cases.map(|(place, case)| flow_grpo::case_of(case, &format!("metadata.meta_datas[{place}]")));
    let cases: Vec<_> = cases.collect::<Result<_, _>>()?;
    let warning = mismatch_of(&prompts, &cases, images.len());
    let cases = cases.into_iter().map(|(prompt, case)| (prompt, Some(case)));
    Ok(Batch { warning, ..flow_grpo::batch_of(images, cases, only_strict, context)? })
}

/// With more than one worker, the client cuts images and prompts in parts and sends all metadata with each.
fn mismatch_of(prompts: &[String], cases: &[(String, serde_json::Value)], n_images: usize) -> Option<String> {
    if cases.len() < n_images {
        return Some(format!(
            "{n_images} images came with metadata for {}, and the others are left out, as the original does",
            cases.len()
        ));
    }
    let mut pairs = prompts.iter().zip(cases).enumerate();
    pairs.find(|(_, (prompt, (of_case, _)))| !of_case.is_empty() && prompt != &of_case).map(|(place, _)| {
        format!(
            "prompts[{place}] and the prompt of its metadata differ, and the metadata count; \
             set GEN_EVAL_WORKERS to 1, since the client cuts images into parts but not metadata"
        )
    })
}

fn scores_of(images: &[Value], prompts: &[String], context: &Context<'_>) -> Result<Batch, RequestError> {
    if images.is_empty() || images.len() != prompts.len() {
        return Err(RequestError::Kind {
            place: "prompts".to_owned(),
            found: "a list",
            wanted: "a list with a prompt for each of at least one image",
        });
    }
    let question = |(place, (image, prompt)): (usize, (&Value, &String))| {
        Ok(main_question(picture(place, image)?, prompt, None, context))
    };
    let questions =
        images.iter().zip(prompts).enumerate().map(question).collect::<Result<_, RequestError>>()?;
    Ok(Batch { questions, write: Box::new(write_scores), warning: None })
}

fn write_scores(measured: &[Result<Measured, String>]) -> Result<Reply, Refusal> {
    let scores = all_measured(measured, "images")?.iter().map(|one| Answer::Float(one.score())).collect();
    let body = pickle::write(&Answer::Dictionary(vec![("scores", Answer::List(scores))]));
    Ok(Reply { status: 200, content_type: "text/html; charset=utf-8", body })
}
