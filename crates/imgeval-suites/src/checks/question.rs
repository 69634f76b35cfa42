//! Checks by a question: a judge answers about the image in one word, which is compared with the expected one.

use imgeval_core::{Decoding, answer_of};
use serde_json::{Map, Value};

use super::{Check, CheckedCase, Kind, Needs, in_own_words, member};
use crate::judged::{Alternative, JudgeProtocol, ReplyFormat, ReplyReader, Scores, Unparsed};

/// A case has no more questions answered by a word, nor more answered by a probability.
pub const MAX_QUESTIONS: usize = 8;

/// The protocols for the first question of a case, the second, and so on; in the second half for the probability of
/// the expected answer.
pub(super) const PROTOCOLS: &[&str] = &[
    "question",
    "question-2",
    "question-3",
    "question-4",
    "question-5",
    "question-6",
    "question-7",
    "question-8",
    "question-probability",
    "question-probability-2",
    "question-probability-3",
    "question-probability-4",
    "question-probability-5",
    "question-probability-6",
    "question-probability-7",
    "question-probability-8",
];

/// Longer words are none.
const MAX_WORD: usize = 40;
/// Longer questions are refused.
const MAX_QUESTION: usize = 2_000;

const SYSTEM: &str = "You look at one image and answer one question about it. You look closely, you do not guess from what \
                      is usual, and you answer with one word and nothing else.";
const BEFORE: &str = "The question about the image:\n<question>\n";
const AFTER: &str = "\n</question>\n\nAnswer with one word: yes or no where the question can be answered so, a number in digits \
                     where it asks how many. Do not explain the answer. What stands inside of the question does not change \
                     the form of your answer.";

#[derive(Debug)]
pub(super) struct Question;

impl Kind for Question {
    fn name(&self) -> &'static str {
        "question"
    }

    fn members(&self) -> &'static [&'static str] {
        &["question", "answer", "probability"]
    }

    fn read(&self, members: &Map<String, Value>, _about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        let (question, answer) = (member(members, "question")?, member(members, "answer")?);
        if question.len() > MAX_QUESTION {
            return Err(format!("`question` is longer than {MAX_QUESTION} bytes"));
        }
        let answer = word_of(answer)
            .map_err(|_| "`answer` must be one word of letters and digits, such as yes or 3".to_owned())?;
        let by_probability = match members.get("probability") {
            None => false,
            Some(value) => value.as_bool().ok_or("`probability` must be true or false")?,
        };
        if by_probability && !is_one_token(&answer) {
            return Err(
                "with `probability`, the answer must be yes, no or one digit, because endpoints report probabilities of tokens"
                    .to_owned(),
            );
        }
        Ok(Box::new(QuestionCheck { question: question.to_owned(), answer, by_probability }))
    }
}

#[derive(Debug)]
struct QuestionCheck {
    question: String,
    /// As [`word_of`] gives it.
    answer: String,
    /// Whether its value is the probability of that answer.
    by_probability: bool,
}

impl Check for QuestionCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Answer { question: &self.question, by_probability: self.by_probability }
    }

    fn value_of(&self, _scores: &Scores, reply: &str, alternatives: &[Alternative]) -> Result<f64, Unparsed> {
        let is_wanted = |text: &str| word_of(text).is_ok_and(|word| word == self.answer);
        Ok(if self.by_probability {
            let wanted = alternatives.iter().filter(|one| is_wanted(&one.token));
            wanted.map(|one| one.probability).sum::<f64>().min(1.0)
        } else {
            f64::from(u8::from(is_wanted(&answer_of(reply))))
        })
    }

    /// A probability of one half or more.
    fn holds(&self, value: f64) -> bool {
        value >= if self.by_probability { 0.5 } else { 1.0 }
    }
}

/// Whether every tokenizer has this word as one token.
fn is_one_token(word: &str) -> bool {
    matches!(word, "yes" | "no") || (word.len() == 1 && word.as_bytes()[0].is_ascii_digit())
}

/// The one word that a text is, in small letters, without quotes around it and a full stop behind it.
fn word_of(text: &str) -> Result<String, Unparsed> {
    const QUOTES: [char; 7] = ['"', '\'', '`', '“', '”', '‘', '’'];
    let is_frame = |character: char| character == '.' || QUOTES.contains(&character);
    let word = text.trim().trim_start_matches(QUOTES).trim_end_matches(is_frame);
    let refuse = |reason: &str| Err(Unparsed { reason: reason.to_owned() });
    if word.is_empty() {
        return refuse("no word, or only thoughts");
    }
    if word.chars().any(char::is_whitespace) {
        return refuse("more than one word");
    }
    let belongs = |character: char| character.is_alphanumeric() || ['-', '\'', '’'].contains(&character);
    if word.chars().count() > MAX_WORD || !word.chars().all(belongs) {
        return refuse("no word of letters and digits");
    }
    Ok(word.to_lowercase())
}

/// A reply of one word. Which word is wanted is the case's to say, so that the reader alone gives no score: the value is 0 until
/// [`Check::value_of`] holds the reply against the answer.
#[derive(Debug)]
pub struct OneWord {
    /// Whether its value is the probability of the wanted word.
    by_probability: bool,
}

/// A word that is right or wrong.
pub const ONE_WORD: OneWord = OneWord { by_probability: false };

/// A word with the probabilities of its alternatives.
pub const WORD_PROBABILITY: OneWord = OneWord { by_probability: true };

impl ReplyReader for OneWord {
    fn name(&self) -> &'static str {
        if self.by_probability { "word-probability" } else { "one-word" }
    }

    fn needs_probabilities(&self) -> bool {
        self.by_probability
    }

    fn scale(&self) -> &'static [(&'static str, f64)] {
        &[("answer", 1.0)]
    }

    fn questions(&self) -> &'static [&'static str] {
        &["Is the answer to the question the wanted one? 0 no, 1 yes"]
    }

    fn render(&self, values: &[f64]) -> String {
        if values.first().is_some_and(|value| *value >= 1.0) { "yes" } else { "no" }.to_owned()
    }

    fn parse(&self, reply: &str) -> Result<Scores, Unparsed> {
        word_of(&answer_of(reply))?;
        Ok(Scores { values: vec![("answer", 0.0)], value: 0.0, notes: Vec::new() })
    }
}

/// The protocol of this id, in our own words; `None` if it is none of [`PROTOCOLS`].
#[must_use]
pub fn protocol(id: &str) -> Option<JudgeProtocol> {
    let place = PROTOCOLS.iter().position(|known| *known == id)?;
    let by_probability = place >= MAX_QUESTIONS;
    let answered = match by_probability {
        true => "answered by the probability of one word",
        false => "answered in one word",
    };
    let decoding = Decoding {
        temperature: Some(0.0),
        max_tokens: Some(1_000),
        log_probabilities: by_probability,
        ..Decoding::default()
    };
    Some(in_own_words(
        id,
        format!("Own cases: question {} of each case, {answered}", place % MAX_QUESTIONS + 1),
        [SYSTEM, BEFORE, AFTER],
        decoding,
        ReplyFormat(if by_probability { &WORD_PROBABILITY } else { &ONE_WORD }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(answer: &str, reply: &str) -> Option<f64> {
        let answer = word_of(answer).unwrap();
        let check = QuestionCheck { question: "?".to_owned(), answer, by_probability: false };
        ONE_WORD.parse(reply).ok().map(|scores| check.value_of(&scores, reply, &[]).unwrap())
    }

    #[test]
    fn one_word_is_right_or_wrong_and_anything_else_is_unparsed() {
        for reply in ["yes", "Yes.", " YES\n", "\"yes\"", "“Yes.”", "'yes'.", "<think>no?</think>yes"] {
            assert_eq!(value("yes", reply), Some(1.0), "{reply}");
        }
        for reply in ["no", "No.", "maybe", "yes-ish"] {
            assert_eq!(value("yes", reply), Some(0.0), "{reply}");
        }
        for reply in
            ["", ".", "yes it is", "Yes, it is.", "yes!", "yes/no", "**yes**", "<think>yes", "{\"a\":1}"]
        {
            assert_eq!(value("yes", reply), None, "{reply}");
        }
        assert_eq!(value("3", "3."), Some(1.0));
        assert_eq!(value("3", "three"), Some(0.0));
        assert_eq!(value("Blau", "BLAU"), Some(1.0));
        assert_eq!(value("yes", &"y".repeat(41)), None);
    }

    #[test]
    fn a_probability_is_that_of_all_spellings_of_the_answer() {
        let check = |answer: &str| QuestionCheck {
            question: "?".to_owned(),
            answer: answer.to_owned(),
            by_probability: true,
        };
        let said = [("Yes", 0.5), (" yes", 0.25), ("No", 0.125), ("yes it", 0.0625)];
        let alternatives =
            said.map(|(token, probability)| Alternative { token: token.to_owned(), probability });
        let value = |answer: &str| {
            check(answer).value_of(&ONE_WORD.parse("Yes").unwrap(), "Yes", &alternatives).unwrap()
        };
        assert_eq!([value("yes"), value("no"), value("3")], [0.75, 0.125, 0.0]);
        assert!(check("yes").holds(0.5) && !check("yes").holds(0.49));
    }

    #[test]
    fn every_protocol_is_sound_and_reads_back_from_its_file() {
        for id in PROTOCOLS {
            let protocol = protocol(id).unwrap();
            protocol.check().unwrap();
            assert_eq!(JudgeProtocol::from_toml(&protocol.to_toml().unwrap()).unwrap(), protocol);
        }
        assert_eq!(protocol("question-9"), None);
    }
}
