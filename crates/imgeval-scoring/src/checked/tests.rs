use std::collections::BTreeMap;

use imgeval_core::{ContentHash, EndpointMeta, FailureKind, JudgeIdentity};
use imgeval_store::StoredJudge;
use imgeval_suites::{
    checks::{CheckedCase, Rule, question_protocol},
    judged::JudgeProtocol,
};
use serde_json::json;

use super::*;

fn checks(rule: Rule) -> CaseChecks {
    let about = CheckedCase { prompt: "a red cup", has_image: true, has_mask: false, has_explanation: false };
    let checks = json!([
        {"kind": "question", "question": "Is it red?", "answer": "yes"},
        {"kind": "question", "question": "How many?", "answer": "1"},
        {"kind": "rubric", "protocol": "reason-edit", "at_least": 0.5},
    ]);
    CaseChecks::read(&checks, rule, &about).unwrap()
}

fn sample() -> SampleId {
    SampleId::new(CaseId::new("a"), 0)
}

/// What one model said by a protocol, repeat by repeat.
fn judge(protocol: JudgeProtocol, replies: &[&str]) -> JudgeReplies {
    let endpoint =
        EndpointMeta { provider: "p".to_owned(), endpoint: String::new(), model: "m".to_owned(), version: 1 };
    let reading = |reply: &&str| match protocol.parse_reply(reply) {
        Ok(scores) => Ok(Reading { scores, reply: (*reply).to_owned(), alternatives: Vec::new() }),
        Err(error) => Err(Failure { kind: FailureKind::Unparsed, detail: error.to_string() }),
    };
    let repeats = (0..).zip(replies.iter().map(reading)).collect();
    JudgeReplies {
        id: protocol.id.clone(),
        judge: StoredJudge {
            identity: JudgeIdentity {
                judge: endpoint,
                protocol: protocol.label(),
                protocol_hash: ContentHash::of(b""),
            },
            protocol: String::new(),
        },
        protocol,
        samples: BTreeMap::from([(sample(), ImageReplies { repeats })]),
        anchors: BTreeMap::new(),
        anchor_references: BTreeMap::new(),
        asked: Vec::new(),
        has_double: false,
    }
}

fn gathered(rule: Rule, replies: [&[&str]; 3]) -> (Checks, JudgeReplies) {
    let protocols = [
        question_protocol("question").unwrap(),
        question_protocol("question-2").unwrap(),
        JudgeProtocol::reason_edit(),
    ];
    let judges = protocols.into_iter().zip(replies).filter(|(_, replies)| !replies.is_empty());
    let judges = judges.map(|(protocol, replies)| judge(protocol, replies)).collect();
    let checks = Checks::from([(CaseId::new("a"), checks(rule))]);
    let mut gathered = gather(&checks, judges);
    assert_eq!(gathered.len(), 1);
    (checks, gathered.remove(0))
}

fn value(rule: Rule, replies: [&[&str]; 3]) -> Result<f64, String> {
    let (checks, judge) = gathered(rule, replies);
    let checked = check_image(
        &checks[&CaseId::new("a")],
        &sample(),
        Found { verdict: None, measured: None },
        Some(&judge),
    );
    match checked {
        Ok(checked) => {
            assert_eq!(
                judge.samples[&sample()].value(),
                Some(checked.value),
                "without objects both say the same"
            );
            Ok(checked.value)
        }
        Err(Unchecked::Failed(failure)) => Err(failure.detail),
        Err(Unchecked::Lacks(reason)) => Err(reason),
    }
}

const GOOD: &str = r#"{"score": [6, 8]}"#;

#[test]
fn a_judge_makes_the_score_of_a_case_with_all_that_it_said() {
    assert_eq!(value(Rule::Mean, [&["Yes."], &["2"], &[GOOD]]), Ok((1.0 + 0.0 + 0.6) / 3.0));
    assert_eq!(value(Rule::All, [&["yes"], &["1"], &[GOOD]]), Ok(1.0));
    assert_eq!(value(Rule::All, [&["yes"], &["2"], &[GOOD]]), Ok(0.0));
    assert_eq!(value(Rule::All, [&["yes", "no"], &["1", "1"], &[GOOD, GOOD]]), Ok(0.5), "repeat by repeat");
}

#[test]
fn without_one_of_the_answers_there_is_no_score_and_it_is_said_why() {
    assert_eq!(value(Rule::Mean, [&["yes"], &[], &[GOOD]]).unwrap_err(), "no judge was asked by question-2");
    let error = value(Rule::Mean, [&["yes"], &["one or two"], &[GOOD]]).unwrap_err();
    assert_eq!(error, "question-2: more than one word");
}

#[test]
fn objects_are_decided_by_a_detector_beside_the_judge() {
    let about =
        CheckedCase { prompt: "a red cup", has_image: false, has_mask: false, has_explanation: false };
    let value = json!([
        {"kind": "objects", "tag": "single_object", "include": [{"class": "cup", "count": 1}]},
        {"kind": "question", "question": "Is it red?", "answer": "yes"},
    ]);
    let case = CaseChecks::read(&value, Rule::Mean, &about).unwrap();
    let objects = case.objects().unwrap().clone();
    let verdict = imgeval_suites::geneval::compute_verdict(&objects, &[], &Default::default()).unwrap();
    let checks = Checks::from([(CaseId::new("a"), case)]);
    let judges = gather(&checks, vec![judge(question_protocol("question").unwrap(), &["yes"])]);
    let check = |verdict, judge| {
        let found = Found { verdict, measured: None };
        check_image(&checks[&CaseId::new("a")], &sample(), found, judge)
    };
    let checked = check(Some(verdict.clone()), judges.first()).ok().unwrap();
    assert_eq!((checked.value, checked.replies), (0.5, vec!["yes".to_owned()]));
    assert!(checked.checks == [("objects".to_owned(), 0.0), ("question".to_owned(), 1.0)]);
    let lacks = |result| match result {
        Err(Unchecked::Lacks(reason)) => reason,
        _ => String::new(),
    };
    assert_eq!(lacks(check(None, judges.first())), "no detections for its objects");
    assert_eq!(lacks(check(Some(verdict), None)), "no judge was asked by question");
    let evaluators = evaluators_of(&checks, Vec::new(), judges, Measured::default());
    assert!(matches!(
        evaluators.as_slice(),
        [Evaluator::Checks { detector: None, judge: Some(_), meter: None }]
    ));
}
