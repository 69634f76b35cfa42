//! The wire of UniRL's reward service (1a7b501e): `POST /score` with JSON, `GET /rewards` and `GET /health`.
//!
//! Each request names the rewards it wants. What one of them says of an image is a dictionary of numbers, and what is wrong is a sentence
//! under the reward's name in `errors`: the trainer marks that sample as failed and raises. An empty dictionary would count as 0.

use imgeval_suites::geneval::Semantics;
use serde_json::{Map, Value as Json, json};

use super::{
    Answers, Batch, Context, Refusal, Reply, Wire, geneval_question,
    json::{kind_of, list_of, object_of, picture_of},
};
use crate::question::{Measured, Question, What};

/// Names under which GenEval's rewards are asked for.
pub(crate) const GENEVAL_NAMES: [&str; 3] = ["geneval", "geneval_strict", "geneval_reward"];

pub(super) const WIRE: Wire = Wire {
    name: "unirl",
    path: "/score",
    semantics: Semantics::UniRl,
    answers: Answers::AtOnce,
    read,
    refuse,
};

fn read(body: &[u8], context: &Context<'_>) -> Result<Batch, Refusal> {
    let fields = object_of(body)?;
    if !fields.contains_key("requests") {
        return Err(Refusal { status: 422, sentence: "the request has no `requests`".to_owned() });
    }
    let requests = list_of(&fields, "requests")?;
    let (mut questions, mut wanted) = (Vec::new(), Vec::new());
    for (place, request) in requests.iter().enumerate() {
        let request = Request::read(request, &format!("requests[{place}]"), context)?;
        questions.extend(request.names.iter().map(|name| request.question(name, context)));
        wanted.push(request.names);
    }
    let write = move |measured: &[Result<Measured, String>]| Ok(write_answer(&wanted, measured));
    Ok(Batch { questions, write: Box::new(write), warning: None })
}

fn refuse(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &json!({"detail": refusal.sentence}))
}

/// One image, which is that of the last turn.
struct Request<'a> {
    names: Vec<String>,
    prompt: &'a str,
    image: &'a str,
    metadata: Option<&'a Json>,
}

impl<'a> Request<'a> {
    fn read(request: &'a Json, place: &str, context: &Context<'_>) -> Result<Self, Refusal> {
        let Json::Object(fields) = request else {
            return Err(Refusal::bad_request(format!("`{place}` is {}, not an object", kind_of(request))));
        };
        let at = |refusal: Refusal| Refusal { sentence: format!("{place}: {}", refusal.sentence), ..refusal };
        let history = list_of(fields, "history").map_err(at)?;
        let turn = history.last().ok_or_else(|| Refusal::bad_request("history must not be empty"))?;
        let text = |turn: &'a Json, name: &str| turn.get(name).and_then(Json::as_str);
        if let Some(turn) = history.iter().position(|turn| text(turn, "image_b64").is_none()) {
            let sentence = format!("{place}: history[{turn}] has no `image_b64`");
            return Err(Refusal { status: 422, sentence });
        }
        let name = |name: &Json| {
            let names = reward_names(context.gives_geneval, context.scores);
            let known = |name: &&str| names.contains(name);
            name.as_str().filter(known).map(str::to_owned).ok_or_else(|| unknown_reward(name, context))
        };
        let names: Vec<String> =
            list_of(fields, "required_rewards").map_err(at)?.iter().map(name).collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Err(Refusal::bad_request(format!("{place}: `required_rewards` is empty")));
        }
        Ok(Self {
            names,
            prompt: text(turn, "text").unwrap_or_default(),
            image: text(turn, "image_b64").unwrap_or_default(),
            metadata: fields.get("metadata").filter(|metadata| !metadata.is_null()),
        })
    }

    fn question(&self, name: &str, context: &Context<'_>) -> Result<Question, String> {
        let picture = picture_of(self.image)?;
        if GENEVAL_NAMES.contains(&name) {
            let asked = geneval_question(picture, self.prompt, self.metadata, context.semantics);
            return asked.map(|(question, _)| question);
        }
        let (name, prompt) = (name.to_owned(), self.prompt.to_owned());
        Ok(Question { picture, what: What::Score { name, prompt } })
    }
}

fn unknown_reward(name: &Json, context: &Context<'_>) -> Refusal {
    let name = name.as_str().unwrap_or("?");
    let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    let available = reward_names(context.gives_geneval, context.scores);
    Refusal::bad_request(format!("unknown reward: {shown}. available: {}", available.join(", ")))
}

/// All rewards that can be asked for by name, sorted.
pub(crate) fn reward_names(gives_geneval: bool, scores: &[String]) -> Vec<&str> {
    let geneval = GENEVAL_NAMES.into_iter().filter(|_| gives_geneval);
    let mut names: Vec<&str> = geneval.chain(scores.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names
}

fn write_answer(wanted: &[Vec<String>], measured: &[Result<Measured, String>]) -> Reply {
    let mut measured = measured.iter();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for names in wanted {
        let (mut numbers, mut problems) = (Map::new(), Map::new());
        for (name, measured) in names.iter().zip(&mut measured) {
            match measured {
                Ok(measured) => {
                    let (metric, number) = match (name.as_str(), measured) {
                        ("geneval_strict", Measured::GenEval(reward)) => ("geneval", reward.strict_reward),
                        ("geneval_reward", Measured::GenEval(reward)) => ("geneval", reward.reward),
                        ("geneval", Measured::GenEval(reward)) => ("geneval", reward.score),
                        (name, measured) => (name, measured.score()),
                    };
                    numbers.insert(name.clone(), json!({metric: number}));
                }
                Err(problem) => {
                    problems.insert(name.clone(), problem.as_str().into());
                }
            }
        }
        results.push(Json::Object(numbers));
        errors.push(Json::Object(problems));
    }
    Reply::json(200, &json!({"results": results, "errors": errors}))
}
