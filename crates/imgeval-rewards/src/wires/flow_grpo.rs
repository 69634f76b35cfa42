//! The wire of flow_grpo's reward server (yifan123/reward-server, MIT).
//!
//! A request has `images` (encoded images), `meta_datas` (GenEval's metadata) and `only_strict`; other keys do not count, and where the
//! lists differ in length the rest of the longer one is left out. The answer has `scores`, `rewards`, `strict_rewards`, and the latter two
//! once more for each tag, where images of other tags have [`OTHER_TAG`].

use imgeval_suites::geneval::Reward;
use serde_json::Value as Json;

use super::{
    Batch, Context, OTHER_TAG, Refusal, Reply, TAGS, all_measured, geneval_question,
    pickled::{RequestError, boolean, json_of, list, picture, wrong_kind},
};
use crate::{
    pickle::{self, Answer, Value},
    question::{Measured, Picture, Question, What},
};

pub(super) fn read(value: &Value, context: &Context<'_>) -> Result<Batch, RequestError> {
    let field = |name: &'static str| value.get(name).ok_or(RequestError::Missing { name });
    let only_strict = boolean("only_strict", field("only_strict")?)?;
    let (images, cases) = (list("images", field("images")?)?, list("meta_datas", field("meta_datas")?)?);
    let cases = cases.iter().enumerate().map(|(place, case)| case_of(case, &format!("meta_datas[{place}]")));
    let cases: Vec<(String, Json)> = cases.take(images.len()).collect::<Result<_, _>>()?;
    let cases = cases.into_iter().map(|(prompt, case)| (prompt, Some(case)));
    batch_of(images, cases, only_strict, context)
}

/// A case, with its prompt if it has one. Keys that are no texts do not count.
pub(super) fn case_of(case: &Value, place: &str) -> Result<(String, Json), RequestError> {
    let Value::Dictionary(entries) = case else { return Err(wrong_kind(place, case, "a dictionary")) };
    let named = entries.iter().filter(|(name, _)| matches!(name, Value::Text(_))).cloned().collect();
    let case = json_of(&Value::Dictionary(named), place)?;
    let prompt = case.get("prompt").and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok((prompt, case))
}

/// Images with their cases; without one, the prompt says what is asked.
pub(super) fn batch_of(
    images: &[Value],
    cases: impl Iterator<Item = (String, Option<Json>)>,
    only_strict: bool,
    context: &Context<'_>,
) -> Result<Batch, RequestError> {
    let (mut questions, mut tags) = (Vec::new(), Vec::new());
    for (place, (image, (prompt, case))) in images.iter().zip(cases).enumerate() {
        let picture: Picture = picture(place, image)?;
        let asked = geneval_question(picture, &prompt, case.as_ref(), context.semantics);
        let (question, tag) = match asked {
            Ok((question, tag)) => (Ok(question), tag),
            Err(problem) => (Err(problem), String::new()),
        };
        tags.push(Tagged { tag, asks_nothing: question.as_ref().is_ok_and(asks_nothing) });
        questions.push(question);
    }
    if questions.is_empty() {
        return Err(RequestError::Empty);
    }
    let write = move |measured: &[Result<Measured, String>]| write_answer(measured, &tags, only_strict);
    Ok(Batch { questions, write: Box::new(write), warning: None })
}

/// What the answer needs to know of an image.
struct Tagged {
    /// As it was sent: a tag that GenEval does not have is in no list.
    tag: String,
    /// The mean of nothing is Python's integer 0.
    asks_nothing: bool,
}

fn asks_nothing(question: &Question) -> bool {
    matches!(&question.what, What::GenEval { metadata, .. } if metadata.include.is_empty())
}

fn write_answer(
    measured: &[Result<Measured, String>],
    tags: &[Tagged],
    only_strict: bool,
) -> Result<Reply, Refusal> {
    let rewards = rewards_of(&all_measured(measured, "images")?);
    let samples: Vec<(&Tagged, &Reward)> = tags.iter().zip(&rewards).collect();
    let score = |(tagged, reward): &(&Tagged, &Reward)| match tagged.asks_nothing {
        true => Answer::Integer(0),
        false => Answer::Float(reward.score),
    };
    let lenient = |reward: &Reward| if only_strict { 0.0 } else { reward.reward };
    let strict = |reward: &Reward| reward.strict_reward;
    let every = |of: &dyn Fn(&Reward) -> f64| {
        Answer::List(samples.iter().map(|(_, reward)| Answer::Float(of(reward))).collect())
    };
    let by_tag = |of: &dyn Fn(&Reward) -> f64| {
        let value = |tag: &str, (tagged, reward): &(&Tagged, &Reward)| {
            Answer::Float(if tagged.tag == tag { of(reward) } else { OTHER_TAG })
        };
        let values = |tag| Answer::List(samples.iter().map(|sample| value(tag, sample)).collect());
        Answer::Dictionary(TAGS.map(|tag| (tag, values(tag))).into())
    };
    let body = pickle::write(&Answer::Dictionary(vec![
        ("scores", Answer::List(samples.iter().map(score).collect())),
        ("rewards", every(&lenient)),
        ("strict_rewards", every(&strict)),
        ("group_rewards", by_tag(&lenient)),
        ("group_strict_rewards", by_tag(&strict)),
    ]));
    // The original says that everything is HTML, and clients do not look.
    Ok(Reply { status: 200, content_type: "text/html; charset=utf-8", body })
}

/// GenEval's rewards: what these wires ask for is nothing else.
pub(super) fn rewards_of(measured: &[Measured]) -> Vec<Reward> {
    let reward = |measured: &Measured| match measured {
        Measured::GenEval(reward) => Some(*reward),
        Measured::Score(_) | Measured::Edit(_) => None,
    };
    measured.iter().filter_map(reward).collect()
}

#[cfg(test)]
#[path = "flow_grpo_tests.rs"]
mod tests;
