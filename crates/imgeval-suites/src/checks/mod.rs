//! Checks of the user's own cases: what must hold of an image, each of a known kind. Adding a kind is one file of this folder and
//! a line of [`KINDS`].

mod color;
pub mod measures;
mod objects;
mod question;
mod question_list;
mod rubric;
mod sharpness;
mod text;
mod unchanged;

use std::{collections::BTreeSet, fmt};

use imgeval_core::Decoding;
use serde_json::{Map, Value};

pub use question::{MAX_QUESTIONS, ONE_WORD, WORD_PROBABILITY, protocol as question_protocol};
pub use question_list::{
    Answer, NumberedAnswers, PROTOCOL as QUESTION_LIST, Sureness, answers_of,
    protocol as question_list_protocol, sureness_of,
};
pub use text::{ReadLine, read_lines, write_lines};

use self::measures::{Measures, MeasuresNeeded, NotMeasurable};
use self::question::PROTOCOLS;
use crate::{
    geneval::Metadata,
    judged::{
        Alternative, Attachment, Field, ImagePreparation, JudgeProtocol, MessagePart, ReplyFormat, Scores,
        Template, Unparsed,
    },
    own_cases,
};

/// Every kind that there is.
static KINDS: &[&dyn Kind] = &[
    &objects::Objects,
    &question::Question,
    &question_list::QuestionList,
    &rubric::Rubric,
    &unchanged::Unchanged,
    &color::Color,
    &sharpness::Sharpness,
    &text::Text,
];

/// The protocols with our own wording for the questions of cases.
pub const OWN_PROTOCOLS: &[&str] = &{
    let mut all = [QUESTION_LIST; PROTOCOLS.len() + 1];
    let mut place = 0;
    while place < PROTOCOLS.len() {
        all[place] = PROTOCOLS[place];
        place += 1;
    }
    all
};

/// The protocol of this id; `None` if it is none of [`OWN_PROTOCOLS`].
#[must_use]
pub fn own_protocol(id: &str) -> Option<JudgeProtocol> {
    if id == QUESTION_LIST { Some(question_list_protocol()) } else { question_protocol(id) }
}

/// A protocol that shows the answer and asks the question of a case; `words` are the system text, and what stands before and behind
/// the question.
fn in_own_words(
    id: &str,
    title: String,
    words: [&str; 3],
    decoding: Decoding,
    reply: ReplyFormat,
) -> JudgeProtocol {
    let [system, before, after] = words;
    let mut system_text = Template::default();
    system_text.push_literal(system);
    let mut question = Template::default();
    question.push_literal(before);
    question.push_field(Field::Question);
    question.push_literal(after);
    JudgeProtocol {
        id: id.to_owned(),
        version: 1,
        suite: own_cases::ID.to_owned(),
        title,
        system: Some(system_text),
        message: vec![MessagePart::Image(Attachment::Answer), MessagePart::Text(question)],
        preparation: ImagePreparation { longest_side: Some(1536), format: None },
        decoding,
        judge_pin: "any judge".to_owned(),
        reply,
        max_tries: 3,
        wording_source: "imgeval's own words".to_owned(),
    }
}

/// Whether this is one of [`OWN_PROTOCOLS`], whose wording names the question of a case.
#[must_use]
pub fn is_question(protocol: &str) -> bool {
    OWN_PROTOCOLS.contains(&protocol)
}

/// More checks of one case are refused.
const MAX_CHECKS: usize = 32;

/// A kind of check: reads what the file says of one.
pub trait Kind: fmt::Debug + Sync {
    /// As files name it.
    fn name(&self) -> &'static str;

    /// The members that it takes beside `kind`.
    fn members(&self) -> &'static [&'static str];

    /// Reads a check of this kind.
    ///
    /// # Errors
    /// With what is wrong, in words that follow the place of the check.
    fn read(&self, members: &Map<String, Value>, about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String>;
}

/// What must hold of an image.
pub trait Check: fmt::Debug + Send + Sync {
    /// The evidence that decides it.
    fn needs(&self) -> Needs<'_>;

    /// Its value in [0, 1] by a judge's reply; those that a detector decides are not asked for one.
    /// `alternatives` are what it could have said first, where the protocol asks for log-probabilities.
    ///
    /// # Errors
    /// If the reply does not answer what this check asks.
    fn value_of(
        &self,
        scores: &Scores,
        _reply: &str,
        _alternatives: &[Alternative],
    ) -> Result<f64, Unparsed> {
        Ok(scores.value)
    }

    /// Its value in [0, 1] by what was measured; those that nothing is measured for are not asked for one.
    ///
    /// # Errors
    /// If that cannot be measured on this image.
    fn value_of_measures(&self, _measures: &dyn Measures) -> Result<f64, NotMeasurable> {
        Err(NotMeasurable::new("nothing has been measured for this check".to_owned()))
    }

    /// Whether an image with this value passes where all checks must hold.
    fn holds(&self, value: f64) -> bool {
        value >= 1.0
    }

    /// Whether it says what it takes to hold, as a case needs it whose rule is [`Rule::All`].
    fn can_hold(&self) -> bool {
        true
    }
}

/// The evidence that decides a check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Needs<'a> {
    /// Objects as a detector sees them.
    Objects(&'a Metadata),
    /// A judge's answer to this question, or the probability with which it gives that answer.
    Answer { question: &'a str, by_probability: bool },
    /// A judge's answers to these questions, numbered, one a line.
    Answers(&'a str),
    /// A judge's reply by the protocol of this id.
    Reply(&'a str),
    /// What a program measures.
    Measures(MeasuresNeeded<'a>),
}

/// The case that checks are of, as far as they depend on it.
#[derive(Debug, Clone, Copy)]
pub struct CheckedCase<'a> {
    pub prompt: &'a str,
    /// Whether an image is sent along, such as the one to be edited.
    pub has_image: bool,
    /// Whether a mask is sent along that says what may change.
    pub has_mask: bool,
    /// Whether the case says what its prompt means.
    pub has_explanation: bool,
}

/// How the checks of a case make its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule {
    /// The mean of their values.
    #[default]
    Mean,
    /// 1 if all hold, else 0.
    All,
}

impl Rule {
    /// As files name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::All => "all",
        }
    }

    /// # Errors
    /// If there is no such rule.
    pub fn from_name(name: &str) -> Result<Self, String> {
        [Self::Mean, Self::All]
            .into_iter()
            .find(|rule| rule.name() == name)
            .ok_or_else(|| format!("unknown rule `{}`; available: mean and all", name.escape_debug()))
    }
}

/// The checks of one case with the rule that makes its score.
#[derive(Debug)]
pub struct CaseChecks {
    checks: Vec<NamedCheck>,
    rule: Rule,
}

/// A check with what tells it from the others of its case.
#[derive(Debug)]
pub struct NamedCheck {
    /// The id of the protocol for the judge, otherwise the check's kind.
    pub name: String,
    pub check: Box<dyn Check>,
}

impl NamedCheck {
    /// The objects that a detector must find; `None` if a judge decides it.
    #[must_use]
    pub fn objects(&self) -> Option<&Metadata> {
        match self.check.needs() {
            Needs::Objects(objects) => Some(objects),
            _ => None,
        }
    }

    /// What must be measured; `None` if it is decided otherwise.
    #[must_use]
    pub fn measures(&self) -> Option<MeasuresNeeded<'_>> {
        match self.check.needs() {
            Needs::Measures(needed) => Some(needed),
            _ => None,
        }
    }

    /// Whether a judge decides it.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        !matches!(self.check.needs(), Needs::Objects(_) | Needs::Measures(_))
    }

    /// What a judge is asked; `None` if it is asked by a protocol of a suite, or not at all.
    #[must_use]
    pub fn question(&self) -> Option<&str> {
        match self.check.needs() {
            Needs::Answer { question, .. } => Some(question),
            Needs::Answers(questions) => Some(questions),
            Needs::Objects(_) | Needs::Reply(_) | Needs::Measures(_) => None,
        }
    }
}

impl CaseChecks {
    /// Reads the value of `checks`, an array of objects.
    ///
    /// # Errors
    /// With the first check that cannot be used.
    pub fn read(value: &Value, rule: Rule, about: &CheckedCase<'_>) -> Result<Self, String> {
        let items = value.as_array().ok_or("`checks` must be an array of objects")?;
        if items.is_empty() || items.len() > MAX_CHECKS {
            return Err(format!("`checks` must contain 1 to {MAX_CHECKS} checks, not {}", items.len()));
        }
        let mut checks: Vec<NamedCheck> = Vec::new();
        let mut names = BTreeSet::new();
        // Of those answered by a word, and of those answered by a probability.
        let mut n_questions = [0; 2];
        for (place, item) in items.iter().enumerate() {
            let wrong = |detail: String| format!("check {}: {detail}", place + 1);
            let (kind, check) = read_check(item, about).map_err(wrong)?;
            if rule == Rule::All && !check.can_hold() {
                return Err(wrong(
                    "with the rule `all` it needs `at_least`, the lowest score that counts as correct"
                        .to_owned(),
                ));
            }
            let name = match check.needs() {
                Needs::Objects(_) => "objects".to_owned(),
                Needs::Measures(_) => kind.to_owned(),
                Needs::Answers(_) => QUESTION_LIST.to_owned(),
                Needs::Reply(protocol) => protocol.to_owned(),
                Needs::Answer { by_probability, .. } => {
                    let half = usize::from(by_probability);
                    let (words, probabilities) = PROTOCOLS.split_at(MAX_QUESTIONS);
                    let protocol = [words, probabilities][half].get(n_questions[half]);
                    n_questions[half] += 1;
                    let too_many = || wrong(format!("a case has at most {MAX_QUESTIONS} questions"));
                    (*protocol.ok_or_else(too_many)?).to_owned()
                }
            };
            if !names.insert(name.clone()) {
                return Err(wrong(format!("a case has at most one check of `{name}`")));
            }
            checks.push(NamedCheck { name, check });
        }
        Ok(Self { checks, rule })
    }

    /// In the order of the file.
    #[must_use]
    pub fn checks(&self) -> &[NamedCheck] {
        &self.checks
    }

    /// The checks that a judge decides.
    pub fn judged(&self) -> impl Iterator<Item = &NamedCheck> {
        self.checks.iter().filter(|check| check.is_judged())
    }

    /// The objects that a detector must find, if that is one of the checks.
    #[must_use]
    pub fn objects(&self) -> Option<&Metadata> {
        self.checks.iter().find_map(NamedCheck::objects)
    }

    /// The checks that something must be measured for.
    pub fn measured(&self) -> impl Iterator<Item = &NamedCheck> {
        self.checks.iter().filter(|check| check.measures().is_some())
    }

    /// The check of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&NamedCheck> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// The score in [0, 1] from checks with their values; 0 if there are none.
    #[must_use]
    pub fn score<'a>(&self, values: impl IntoIterator<Item = (&'a NamedCheck, f64)>) -> f64 {
        let values: Vec<(&NamedCheck, f64)> = values.into_iter().collect();
        match self.rule {
            Rule::Mean => values.iter().map(|(_, value)| value).sum::<f64>() / values.len().max(1) as f64,
            Rule::All => {
                let holds = |(named, value): &(&NamedCheck, f64)| named.check.holds(*value);
                f64::from(u8::from(!values.is_empty() && values.iter().all(holds)))
            }
        }
    }
}

/// The check with the name of its kind.
fn read_check(item: &Value, about: &CheckedCase<'_>) -> Result<(&'static str, Box<dyn Check>), String> {
    let members = item.as_object().ok_or("it must be an object")?;
    let known = || KINDS.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    let name = match members.get("kind") {
        Some(Value::String(name)) => name,
        Some(_) => return Err("`kind` must be a string".to_owned()),
        None => return Err(format!("`kind` is missing; available: {}", known())),
    };
    let kind = KINDS.iter().find(|kind| kind.name() == name);
    let unknown = || format!("unknown kind `{}`; available: {}", name.escape_debug(), known());
    let kind = kind.ok_or_else(unknown)?;
    let is_unknown = |member: &&String| *member != "kind" && !kind.members().contains(&member.as_str());
    if let Some(member) = members.keys().find(is_unknown) {
        let known = kind.members().join(", ");
        let kind = kind.name();
        return Err(format!("{kind} has no member `{}`, only {known}", member.escape_debug()));
    }
    Ok((kind.name(), kind.read(members, about)?))
}

/// A list of exactly so many numbers; `None` if it is anything else.
fn numbers<const N: usize>(value: &Value) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> = value.as_array()?.iter().map(Value::as_f64).collect();
    numbers?.try_into().ok()
}

/// A member that is a limit; what it is where the file does not say.
fn limit(members: &Map<String, Value>, name: &str, usual: f64) -> Result<f64, String> {
    match members.get(name) {
        None => Ok(usual),
        Some(value) => not_negative(name, value),
    }
}

/// A member that must be text, and not empty.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match members.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim()),
        Some(Value::String(_)) => Err(format!("`{name}` is empty")),
        Some(_) => Err(format!("`{name}` must be a string")),
        None => Err(format!("`{name}` is missing")),
    }
}

fn not_negative(name: &str, value: &Value) -> Result<f64, String> {
    let number = value.as_f64().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("`{name}` must be a number of at least 0"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ABOUT: CheckedCase<'_> =
        CheckedCase { prompt: "two red cups", has_image: false, has_mask: false, has_explanation: false };

    fn read(value: &Value) -> Result<CaseChecks, String> {
        CaseChecks::read(value, Rule::Mean, &ABOUT)
    }

    #[test]
    fn checks_are_named_by_what_decides_them() {
        let checks = json!([
            {"kind": "question", "question": "Is the cup red?", "answer": "yes"},
            {"kind": "objects", "tag": "counting", "include": [{"class": "cup", "count": 2}]},
            {"kind": "question", "question": "How many cups?", "answer": "Two"},
        ]);
        let checks = read(&checks).unwrap();
        let names: Vec<&str> = checks.checks().iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names, ["question", "objects", "question-2"]);
        assert_eq!(checks.judged().count(), 2);
        assert_eq!(checks.objects().unwrap().prompt, "two red cups");
        assert_eq!(checks.find("question-2").unwrap().question(), Some("How many cups?"));
    }

    #[test]
    fn what_cannot_be_checked_is_refused_with_its_place() {
        let question = json!({"kind": "question", "question": "?", "answer": "yes"});
        let objects =
            json!({"kind": "objects", "tag": "counting", "include": [{"class": "cup", "count": 2}]});
        for (value, expected) in [
            (json!({}), "must be an array"),
            (json!([]), "1 to 32 checks, not 0"),
            (
                json!([{"question": "?"}]),
                "check 1: `kind` is missing; available: objects, question, questions, rubric",
            ),
            (json!([question, {"kind": "smell"}]), "check 2: unknown kind `smell`; available: objects"),
            (
                json!([{"kind": "question", "question": "?", "answer": "yes", "x": 1}]),
                "question has no member `x`",
            ),
            (json!([{"kind": "question", "question": "?"}]), "`answer` is missing"),
            (json!([{"kind": "question", "question": " ", "answer": "yes"}]), "`question` is empty"),
            (json!([{"kind": "question", "question": "?", "answer": "a cat"}]), "one word"),
            (
                json!([{"kind": "question", "question": "?", "answer": "blue", "probability": true}]),
                "must be yes, no or one digit",
            ),
            (json!([objects, objects]), "at most one check of `objects`"),
            (
                json!([{"kind": "objects", "tag": "counting", "include": [{"class": "unicorn", "count": 1}]}]),
                "unicorn",
            ),
            (json!([{"kind": "rubric", "protocol": "nonsense"}]), "unknown protocol `nonsense`; available:"),
            (json!([{"kind": "rubric", "protocol": "reason-edit"}]), "needs `images`"),
            (json!([{"kind": "rubric", "protocol": "wise-verified"}]), "needs `explanation`"),
            (Value::from(vec![question.clone(); 9]), "check 9: a case has at most 8 questions"),
        ] {
            let error = read(&value).unwrap_err();
            assert!(error.contains(expected), "{value}: {error}");
        }
    }

    #[test]
    fn a_score_is_the_mean_or_whether_all_hold() {
        let checks = json!([
            {"kind": "question", "question": "a?", "answer": "yes"},
            {"kind": "rubric", "protocol": "reason-edit", "at_least": 0.7},
        ]);
        let about = CheckedCase { has_image: true, ..ABOUT };
        let score = |rule, values: [f64; 2]| {
            let checks = CaseChecks::read(&checks, rule, &about).unwrap();
            checks.score(checks.checks().iter().zip(values))
        };
        assert_eq!(score(Rule::Mean, [1.0, 0.5]), 0.75);
        assert_eq!(score(Rule::All, [1.0, 0.7]), 1.0);
        assert_eq!(score(Rule::All, [1.0, 0.6]), 0.0);
        assert_eq!(score(Rule::All, [0.0, 1.0]), 0.0);
        let vague = json!([{"kind": "rubric", "protocol": "reason-edit"}]);
        let error = CaseChecks::read(&vague, Rule::All, &about).unwrap_err();
        assert!(error.contains("`at_least`"), "{error}");
        assert!(Rule::from_name("some").unwrap_err().contains("mean and all"));
    }
}
