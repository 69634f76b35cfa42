//! The wire of cosmos-rl's reward service (89f2e5b5): `POST /api/reward/enqueue` gives a name, `POST /api/reward/pull` the scores for it.
//!
//! The client asks again for up to an hour on every status outside 2xx, and "not ready" is such a status. So what its own requests can do
//! wrong is answered with 200 and no scores when the scores are pulled, which raises at once.

use std::{sync::Arc, time::Instant};

use imgeval_suites::geneval::{Reward, Semantics};
use serde_json::{Map, Value as Json, json};

use super::{
    Answers, Batch, Context, OTHER_TAG, Refusal, Reply, TAGS, Wire,
    flow_grpo::rewards_of,
    geneval_question,
    json::{list_of, object_of},
    npy::{self, Images},
};
use crate::question::{Measured, Picture, Question, What};

/// Where scores are pulled.
pub(crate) const PULL_PATH: &str = "/api/reward/pull";

const GENEVAL: &str = "gen_eval";

pub(super) const WIRE: Wire = Wire {
    name: "cosmos-rl",
    path: "/api/reward/enqueue",
    semantics: Semantics::FlowGrpo,
    answers: Answers::Later,
    read,
    refuse,
};

fn read(body: &[u8], context: &Context<'_>) -> Result<Batch, Refusal> {
    let began = Instant::now();
    let end = body.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or_else(|| Refusal::bad_request("the body has no line of JSON before the images"))?;
    let fields = object_of(&body[..end])?;
    // From here on, the client learns of a fault when it pulls.
    let images = npy::images_of(&body[end + 1..]);
    let decoding = began.elapsed().as_secs_f64();
    let read = images
        .as_ref()
        .map_err(Refusal::bad_request)
        .and_then(|images| questions_of(&fields, images, context));
    let (shape, range) = images.map_or(([0; 4], (0, 0)), |images| (images.shape, images.range));
    let info = json!({
        "shape": shape, "dtype": "torch.uint8",
        "min": format!("{}.000", range.0), "max": format!("{}.000", range.1),
    });
    let (questions, problem, asked) = match read {
        Ok((questions, asked)) => (questions, None, asked),
        Err(refusal) => (Vec::new(), Some(refusal.sentence), Vec::new()),
    };
    let only_strict = fields.get("geneval_only_strict").and_then(Json::as_bool).unwrap_or(false);
    let write = move |measured: &[Result<Measured, String>]| {
        let seconds = |seconds: f64| Json::from(format!("{seconds:.2}"));
        let mut answers = Map::new();
        let mut measured = measured;
        for asked in &asked {
            let (own, rest) = measured.split_at(shape[0].min(measured.len()));
            measured = rest;
            let answer = match scores_of(asked, own, only_strict) {
                Ok(scores) => json!({
                    "scores": scores, "input_info": info, "duration": seconds(began.elapsed().as_secs_f64()),
                    "decoded_duration": seconds(decoding), "type": asked.name,
                }),
                Err(problem) => json!({"error": problem, "type": asked.name}),
            };
            answers.insert(asked.name.clone(), answer);
        }
        if let Some(problem) = &problem {
            answers.insert(ALL.to_owned(), json!({"error": problem}));
        }
        Ok(Reply::json(200, &Json::Object(answers)))
    };
    Ok(Batch { questions, write: Box::new(write), warning: None })
}

fn refuse(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &json!({"message": refusal.sentence}))
}

/// Stands for every reward of a request.
const ALL: &str = "*";

/// A reward, with the tags of its images if it is GenEval's.
struct Asked {
    name: String,
    tags: Vec<String>,
}

type Questions = (Vec<Result<Question, String>>, Vec<Asked>);

fn questions_of(
    fields: &Map<String, Json>,
    images: &Images,
    context: &Context<'_>,
) -> Result<Questions, Refusal> {
    if fields.get("media_type").is_some_and(|kind| kind != "image") {
        return Err(Refusal::bad_request(
            "`media_type` is not \"image\", and this server rewards images only",
        ));
    }
    let n_images = images.pictures.len();
    let of_each = |name: &str| match list_of(fields, name)? {
        list if list.len() == n_images => Ok(list),
        list => {
            Err(Refusal::bad_request(format!("`{name}` has {} entries for {n_images} images", list.len())))
        }
    };
    let prompts: Vec<&str> =
        of_each("prompts")?.iter().map(|prompt| prompt.as_str().unwrap_or_default()).collect();
    let Some(Json::Object(rewards)) = fields.get("reward_fn") else {
        return Err(Refusal::bad_request("the request has no `reward_fn`"));
    };
    let has_cases = fields.contains_key("geneval_includes") || fields.contains_key("geneval_tags");
    let cases = match has_cases {
        true => Some((of_each("geneval_tags")?, of_each("geneval_includes")?)),
        false => None,
    };
    let (mut questions, mut asked) = (Vec::new(), Vec::new());
    for name in rewards.keys() {
        let mut tags = Vec::new();
        for (place, (picture, prompt)) in images.pictures.iter().zip(&prompts).enumerate() {
            let picture = Picture::Pixels(Arc::clone(picture));
            let question = match name == GENEVAL {
                true => {
                    let case = cases.map(|(tags, includes)| {
                        json!({"tag": tags[place], "include": includes[place], "prompt": prompt})
                    });
                    geneval_question(picture, prompt, case.as_ref(), context.semantics)
                }
                false if context.scores.contains(name) => {
                    let what = What::Score { name: name.clone(), prompt: (*prompt).to_owned() };
                    Ok((Question { picture, what }, String::new()))
                }
                false => Err("this server does not give this reward".to_owned()),
            };
            let tag = question.as_ref().map(|(_, tag)| tag.clone()).unwrap_or_default();
            tags.push(tag);
            questions.push(question.map(|(question, _)| question));
        }
        asked.push(Asked { name: name.clone(), tags });
    }
    Ok((questions, asked))
}

fn scores_of(
    asked: &Asked,
    measured: &[Result<Measured, String>],
    only_strict: bool,
) -> Result<Json, String> {
    let measured = super::all_measured(measured, "images").map_err(|refusal| refusal.sentence)?;
    if asked.name != GENEVAL {
        let scores: Vec<f64> = measured.iter().map(Measured::score).collect();
        return Ok(json!({asked.name.as_str(): scores}));
    }
    let rewards = rewards_of(&measured);
    let every = |of: &dyn Fn(&Reward) -> f64| rewards.iter().map(of).collect::<Vec<_>>();
    let lenient = |reward: &Reward| if only_strict { 0.0 } else { reward.reward };
    let groups = TAGS.map(|tag| {
        let of_tag = |(reward, own): (&Reward, &String)| if own == tag { lenient(reward) } else { OTHER_TAG };
        (tag.to_owned(), rewards.iter().zip(&asked.tags).map(of_tag).collect::<Json>())
    });
    Ok(json!({
        "gen_eval_score": every(&|reward| reward.score),
        "gen_eval_reward": every(&lenient),
        "gen_eval_strict": every(&|reward| reward.strict_reward),
        "gen_eval_group": Map::from_iter(groups),
    }))
}

/// What a client pulls: `answer` is `None` while it is not ready, and `Err` where nobody knows the name.
pub(crate) fn pull(uuid: &str, kind: &str, answer: Result<Option<&Reply>, ()>) -> Reply {
    let shown: String = uuid.chars().take(60).flat_map(char::escape_debug).collect();
    let reply = match answer {
        Ok(Some(reply)) => reply,
        Ok(None) => return Reply::json(400, &json!({"message": format!("Not found scores for {shown}")})),
        Err(()) => return Reply::json(200, &json!({"error": format!("nothing is known of `{shown}`")})),
    };
    let answers: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    // A refusal has a `message` and no answers.
    let answer = answers.get(kind).or_else(|| answers.get(ALL)).cloned().unwrap_or_else(|| {
        let message = answers.get("message").and_then(Json::as_str);
        json!({"error": message.unwrap_or("this reward was not asked for")})
    });
    Reply::json(200, &answer)
}
