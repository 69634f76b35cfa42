//! A judge against a real server of a language model, without vision. `scripts/wire_judge` starts one and says in
//! `IMGEVAL_WIRE_URL` and `IMGEVAL_WIRE_KEY` where it listens; without that, nothing is tested here.
//!
//! The model is tiny: what it says means nothing. What is tested is how both sides understand each other.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helper functions of tests may do what tests do"
)]

use std::{env, sync::Arc};

use imgeval_clients::{ProviderKind, ProviderSettings, Secret, open_judge};
use imgeval_core::{
    Always, Decoding, FailureKind, ImageFormat, InputImage, Judge, JudgeQuestion, Outcome, QuestionPart,
    ReplySchema, TextAnswer,
};
use serde_json::Value;

/// `None`, and a word about it, where no server was started.
fn settings() -> Option<ProviderSettings> {
    let (Ok(base_url), Ok(key)) = (env::var("IMGEVAL_WIRE_URL"), env::var("IMGEVAL_WIRE_KEY")) else {
        println!("skipped: IMGEVAL_WIRE_URL is not set; scripts/wire_judge sets it");
        return None;
    };
    let key = Some(Secret::new(key));
    Some(ProviderSettings { base_url, key, ..ProviderSettings::new(ProviderKind::OpenaiChat) })
}

fn judge() -> Option<Arc<dyn Judge>> {
    Some(open_judge(settings()?, "local", None).unwrap())
}

fn question(text: &str, decoding: Decoding) -> JudgeQuestion {
    let parts = vec![QuestionPart::Text(text.to_owned())];
    JudgeQuestion { system: Some("You rate descriptions.".to_owned()), parts, decoding }
}

fn limited(max_tokens: u32) -> Decoding {
    Decoding { temperature: Some(0.0), max_tokens: Some(max_tokens), seed: Some(1), ..Decoding::default() }
}

async fn ask(judge: &dyn Judge, question: &JudgeQuestion) -> (String, TextAnswer, Value) {
    let answer = judge.judge(question, &Always).await.unwrap();
    println!("{:?}", answer.outcome);
    let Outcome::Done(words) = &answer.outcome else { panic!("{answer:?}") };
    let raw: Value = serde_json::from_str(&answer.raw).unwrap();
    (words.clone(), answer, raw)
}

#[tokio::test]
async fn free_text_comes_the_same_twice_with_its_tokens_counted() {
    let Some(judge) = judge() else { return };
    let question = question("Say one word about a red apple.", limited(24));
    let (words, answer, raw) = ask(&*judge, &question).await;
    assert_eq!(raw["choices"][0]["message"]["content"].as_str().unwrap().trim(), words);
    assert!(answer.usage.text_input.unwrap() > 5 && answer.usage.text_output.unwrap() > 0);
    assert_eq!((answer.tries, answer.cost), (1, None));
    assert_eq!(ask(&*judge, &question).await.0, words);
}

#[tokio::test]
async fn a_schema_binds_the_reply() {
    let Some(judge) = judge() else { return };
    let schema = r#"{"type": "object", "additionalProperties": false, "required": ["score", "reasoning"],
        "properties": {
            "score": {"type": "array", "minItems": 2, "maxItems": 2,
                "items": {"type": "integer", "minimum": 0, "maximum": 10}},
            "reasoning": {"type": "string", "maxLength": 60}}}"#;
    let schema = Some(ReplySchema { name: "scores".to_owned(), schema: schema.to_owned() });
    for text in ["Rate: a red apple.", "Answer with the word no and nothing else.", "\u{1f34e} { [ \""] {
        let question = question(text, Decoding { schema: schema.clone(), ..limited(400) });
        let (words, ..) = ask(&*judge, &question).await;
        let reply: Value = serde_json::from_str(&words).unwrap();
        let scores = reply["score"].as_array().unwrap();
        assert!(scores.len() == 2 && scores.iter().all(|score| score.as_u64().unwrap() <= 10), "{words}");
        assert!(reply["reasoning"].is_string(), "{words}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_answer_and_says_so_in_its_raw_reply() {
    let Some(judge) = judge() else { return };
    let (words, answer, raw) = ask(&*judge, &question("Tell a long story about a fox.", limited(5))).await;
    assert_eq!(raw["choices"][0]["finish_reason"], "length");
    assert!(answer.usage.text_output == Some(5) && !words.is_empty());
}

#[tokio::test]
async fn log_probabilities_are_kept_with_the_raw_reply() {
    let Some(judge) = judge() else { return };
    let decoding = Decoding { log_probabilities: true, ..limited(6) };
    let (_, answer, raw) = ask(&*judge, &question("Say a number.", decoding)).await;
    let tokens = raw["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert_eq!(tokens.len() as u64, answer.usage.text_output.unwrap());
    for token in tokens {
        assert!(token["logprob"].as_f64().unwrap() <= 0.0 && token["token"].is_string());
        assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 5);
    }
}

#[tokio::test]
async fn a_further_field_reaches_the_server() {
    let Some(judge) = judge() else { return };
    let field = |text: &str| vec![("grammar".to_owned(), text.to_owned())];
    let decoding = Decoding { extra: field(r#""root ::= \"Score: \" [01]""#), ..limited(20) };
    let (words, ..) = ask(&*judge, &question("Rate: a red apple.", decoding)).await;
    assert!(["Score: 0", "Score: 1"].contains(&words.as_str()), "{words}");
    let broken = Decoding { extra: field(r#""root ::= (""#), ..limited(20) };
    let answer = judge.judge(&question("Rate: a red apple.", broken), &Always).await.unwrap();
    let Outcome::Failed(failure) = answer.outcome else { panic!("a broken grammar was taken") };
    println!("{failure:?}");
    assert_eq!(failure.kind, FailureKind::RejectedRequest);
}

#[tokio::test]
async fn an_image_is_refused_by_a_server_without_vision() {
    let Some(judge) = judge() else { return };
    let mut question = question("What is this?", limited(5));
    question.parts.push(QuestionPart::Image(InputImage::new(ImageFormat::Png, *b"\x89PNG\r\n\x1a\n")));
    let down = judge.judge(&question, &Always).await.unwrap_err();
    println!("{down} / {}", down.hint);
    assert!(down.message.contains("the model does not accept images"), "{down}");
}

#[tokio::test]
async fn a_wrong_key_ends_everything() {
    let Some(settings) = settings() else { return };
    let settings = ProviderSettings { key: Some(Secret::new("sk-canary-0123")), ..settings };
    let judge = open_judge(settings, "local", None).unwrap();
    let down = judge.judge(&question("a", limited(1)), &Always).await.unwrap_err();
    println!("{down}");
    assert!(down.message.contains("the key is missing or was rejected"), "{down}");
    assert!(!format!("{down:?}").contains("canary"));
}
