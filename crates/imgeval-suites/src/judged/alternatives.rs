//! What a judge could have said in the place of the first word of its reply, with the probability of each, as far as the endpoint
//! reports log-probabilities.

use serde_json::Value;

use super::Unparsed;

/// Rounded log-probabilities may add up to a little more than 1.
const SLACK: f64 = 1e-2;

/// A token with its probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    pub token: String,
    /// In [0, 1].
    pub probability: f64,
}

/// The tokens that an endpoint reports for the first place of a reply that is not blank, each once. Reads the bodies of chat
/// completions (`choices[0].logprobs`) and of Gemini (`candidates[0].logprobsResult`).
///
/// # Errors
/// If the body holds no log-probabilities, or numbers that cannot be any.
pub fn first_alternatives(body: &str) -> Result<Vec<Alternative>, Unparsed> {
    let refuse = |reason: &str| Unparsed { reason: reason.to_owned() };
    let body: Value =
        serde_json::from_str(body).map_err(|_| refuse("the body of the reply was not stored completely"))?;
    let places = chat_places(&body).or_else(|| gemini_places(&body));
    let mut places = places.ok_or_else(|| refuse("the endpoint reported no log-probabilities"))?;
    let is_blank =
        |place: &Vec<(String, f64)>| place.first().is_none_or(|(token, _)| token.trim().is_empty());
    let first = places.find(|place| !is_blank(place));
    let first = first.ok_or_else(|| refuse("the endpoint reported no log-probabilities of a word"))?;
    let mut alternatives: Vec<Alternative> = Vec::new();
    for (token, logarithm) in first {
        if alternatives.iter().all(|known| known.token != token) {
            alternatives.push(Alternative { token, probability: logarithm.exp() });
        }
    }
    let sum: f64 = alternatives.iter().map(|one| one.probability).sum();
    let is_possible = sum.is_finite() && sum <= 1.0 + SLACK;
    is_possible.then_some(alternatives).ok_or_else(|| refuse("the log-probabilities add up to more than 1"))
}

/// At one position of the reply: the token that was sampled, then the alternatives.
type Place = Vec<(String, f64)>;

fn chat_places(body: &Value) -> Option<Box<dyn Iterator<Item = Place> + '_>> {
    let places = body["choices"][0]["logprobs"]["content"].as_array()?;
    let read = |item: &Value| Some((item["token"].as_str()?.to_owned(), item["logprob"].as_f64()?));
    Some(Box::new(places.iter().map(move |place| {
        let others = place["top_logprobs"].as_array().into_iter().flatten();
        std::iter::once(place).chain(others).filter_map(read).collect()
    })))
}

fn gemini_places(body: &Value) -> Option<Box<dyn Iterator<Item = Place> + '_>> {
    let result = &body["candidates"][0]["logprobsResult"];
    let chosen = result["chosenCandidates"].as_array()?;
    let read = |item: &Value| Some((item["token"].as_str()?.to_owned(), item["logProbability"].as_f64()?));
    Some(Box::new(chosen.iter().enumerate().map(move |(at, place)| {
        let others = result["topCandidates"][at]["candidates"].as_array().into_iter().flatten();
        std::iter::once(place).chain(others).filter_map(read).collect()
    })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alternatives(body: &Value) -> Result<Vec<(String, f64)>, String> {
        let found = first_alternatives(&body.to_string()).map_err(|error| error.reason)?;
        Ok(found.into_iter().map(|one| (one.token, (one.probability * 1e6).round() / 1e6)).collect())
    }

    #[test]
    fn both_interfaces_report_the_first_word_and_what_could_have_stood_there() {
        let expected = Ok(vec![("Yes".to_owned(), 0.7), ("No".to_owned(), 0.2), (" yes".to_owned(), 0.05)]);
        let [yes, no, other] = [0.7_f64, 0.2, 0.05].map(f64::ln);
        let top = json!([
            {"token": "Yes", "logprob": yes}, {"token": "No", "logprob": no}, {"token": " yes", "logprob": other},
        ]);
        let content = json!([
            {"token": "\n", "logprob": 0.0, "top_logprobs": []},
            {"token": "Yes", "logprob": yes, "top_logprobs": top},
            {"token": ".", "logprob": -0.1, "top_logprobs": []},
        ]);
        let chat = json!({"choices": [{"message": {"content": "\nYes."}, "logprobs": {"content": content}}]});
        assert_eq!(alternatives(&chat), expected);
        let candidates = json!([
            {"token": "Yes", "logProbability": yes}, {"token": "No", "logProbability": no},
            {"token": " yes", "logProbability": other},
        ]);
        let gemini = json!({"candidates": [{"logprobsResult": {
            "chosenCandidates": [{"token": "Yes", "logProbability": yes}],
            "topCandidates": [{"candidates": candidates}],
        }}]});
        assert_eq!(alternatives(&gemini), expected);
    }

    #[test]
    fn no_log_probabilities_and_impossible_ones_are_refused() {
        let chat = |content: Value| json!({"choices": [{"logprobs": {"content": content}}]});
        for (body, reason) in [
            (json!({"choices": [{"message": {"content": "Yes"}}]}), "reported no log-probabilities"),
            (json!({"choices": [{"logprobs": null}]}), "reported no log-probabilities"),
            (chat(json!([])), "of a word"),
            (chat(json!([{"token": "Yes"}])), "of a word"),
            (chat(json!([{"token": "Yes", "logprob": 0.5}])), "add up to more than 1"),
        ] {
            let error = alternatives(&body).unwrap_err();
            assert!(error.contains(reason), "{body}: {error}");
        }
        assert!(first_alternatives("{\"choices\": [").unwrap_err().reason.contains("not stored completely"));
    }
}
