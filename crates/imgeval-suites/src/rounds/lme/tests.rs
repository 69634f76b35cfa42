//! Golden: `shared/golden/multiturn/lme`, made-up replies run through the official functions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::rounds::{
    literal::Literal,
    tests::{golden, golden_json},
};

/// Goes through the replies to a question; the last one repeats.
struct Replies<'a> {
    replies: &'a Value,
    at: BTreeMap<String, usize>,
    n_asked: usize,
}

impl<'a> Replies<'a> {
    fn next(&mut self, key: String) -> Option<&'a str> {
        let replies = self.replies[&key].as_array().unwrap();
        let at = self.at.entry(key).or_default();
        let reply = &replies[(*at).min(replies.len() - 1)];
        *at += 1;
        self.n_asked += 1;
        reply.as_str()
    }
}

fn judge(
    replies: &Value,
    id: &str,
    n_turns: usize,
) -> (SessionScores, BTreeMap<usize, CollapseScore>, usize) {
    let mut replies = Replies { replies, at: BTreeMap::new(), n_asked: 0 };
    let mut judging = SessionJudging::new(n_turns);
    while let Some(asked) = judging.asks() {
        let key = match asked {
            Asked::Scores { turn } => format!("{id}/turn{turn}/pass1"),
            Asked::Quality { turn } => format!("{id}/turn{turn}/quality"),
        };
        judging.answer(replies.next(key));
    }
    let mut turns = BTreeMap::new();
    for turn in 1..=n_turns {
        let mut judging = CollapseJudging::default();
        while judging.asks() {
            judging.answer(replies.next(format!("{id}/turn{turn}/pass2")));
        }
        turns.extend(judging.finish().map(|score| (turn, score)));
    }
    (judging.finish().unwrap(), turns, replies.n_asked)
}

fn by_turn(rates: &Value, n_turns: usize) -> Vec<f64> {
    (1..=n_turns).map(|turn| rates[format!("turn{turn}")].as_f64().unwrap()).collect()
}

#[test]
fn replies_are_read_as_the_official_parser_reads_them() {
    let Some(cases) = golden_json("lme/parser.json") else { return };
    for case in cases.as_array().unwrap() {
        let found = case["reply"].as_str().and_then(parse_reply);
        assert_eq!(found.is_some(), case["result"] == "object", "{case}");
        if let (Some(found), Some(expected)) = (&found, case["value"].as_object()) {
            let Literal::Map(members) = found else { panic!("{case}") };
            assert_eq!(members.len(), expected.len(), "{case}");
            for (key, value) in members {
                let name = match key {
                    Literal::Text(name) => name.clone(),
                    Literal::Integer(number) => number.to_string(),
                    key => panic!("{key:?}"),
                };
                assert!(equals(value, &expected[&name]), "{case}: {value:?}");
            }
        }
    }
}

fn equals(found: &Literal, expected: &Value) -> bool {
    match (found, expected) {
        (Literal::None, Value::Null) => true,
        (Literal::Bool(found), Value::Bool(expected)) => found == expected,
        (Literal::Text(found), Value::String(expected)) => found == expected,
        (Literal::Integer(_) | Literal::Float(_), Value::Number(expected)) => {
            found.number() == expected.as_f64()
        }
        (Literal::Map(found), Value::Object(expected)) => {
            found.len() == expected.len()
                && found
                    .iter()
                    .all(|(key, value)| key.text().is_some_and(|key| equals(value, &expected[key])))
        }
        _ => false,
    }
}

#[test]
fn rates_are_those_of_the_official_report() {
    let (Some(replies), Some(expected)) = (golden_json("lme/replies.json"), golden_json("lme/expected.json"))
    else {
        return;
    };
    let text = std::fs::read_to_string(golden("lme/sessions.json").unwrap()).unwrap();
    let bench = parse_sessions("sessions.json", &text).unwrap();
    let n_turns = bench.n_turns;
    assert_eq!((bench.sessions.len(), n_turns), (100, 10));
    let (mut pass1, mut pass2, mut n_calls) = (BTreeMap::new(), CollapseTable::new(), 0);
    for session in &bench.sessions {
        let (scores, turns, n_asked) = judge(&replies, &session.id, n_turns);
        n_calls += n_asked;
        let number = |turn: Option<usize>| turn.map_or(Value::Null, Value::from);
        assert_eq!(
            number(first_failed_turn(&scores, n_turns)),
            expected["first_failed_turn"][&session.id],
            "{}",
            session.id
        );
        assert_eq!(
            number(collapse_onset(&turns, n_turns)),
            expected["collapse_onset"][&session.id],
            "{}",
            session.id
        );
        check_turns(&scores, &expected["pass1"][&session.id]);
        for (turn, score) in &turns {
            let wanted = &expected["pass2"][&session.id][turn.to_string()];
            assert_eq!(wanted["c"], score.content_loss);
            assert_eq!(wanted["s"], score.surface_corruption);
            assert_eq!(wanted["a"], score.appearance_violation);
            assert_eq!(wanted["reason"], score.reason.as_deref().unwrap());
        }
        pass1.insert(session.id.clone(), scores);
        pass2.insert(session.id.clone(), turns);
    }
    assert_eq!(n_calls as u64, expected["calls"].as_u64().unwrap());
    let check = |rates: &LmeRates, expected: &Value| {
        assert_eq!(rates.success, by_turn(&expected["success_rate"], n_turns));
        assert_eq!(rates.collapse, by_turn(&expected["collapse_rate"], n_turns));
    };
    let rates = lme_rates(&pass1, &pass2, n_turns, 100);
    check(&rates, &expected["report"]);
    let rows: Vec<String> = expected["summary_csv"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            row.as_array()
                .unwrap()
                .iter()
                .map(|cell| cell.to_string().replace('"', ""))
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    assert_eq!(summary_csv(&rates).lines().collect::<Vec<_>>(), rows);

    let first: Vec<&String> = bench.sessions.iter().take(20).map(|session| &session.id).collect();
    let few = pass1
        .iter()
        .filter(|(id, _)| first.contains(id))
        .map(|(id, scores)| (id.clone(), scores.clone()))
        .collect();
    check(&lme_rates(&few, &pass2, n_turns, 20), &expected["limit_20_after_full_run"]);
    let few_collapses = pass2
        .iter()
        .filter(|(id, _)| first.contains(id))
        .map(|(id, turns)| (id.clone(), turns.clone()))
        .collect();
    check(&lme_rates(&few, &few_collapses, n_turns, 20), &expected["limit_20_clean"]);

    let gate = gate_summary(&pass1, n_turns).unwrap();
    let wanted = &expected["gate"];
    assert_eq!(gate.success, by_turn(&wanted["success_rate"], n_turns));
    assert_eq!(gate.degraded, by_turn(&wanted["degraded_rate"], n_turns));
    assert_eq!(gate.collapsed, by_turn(&wanted["collapsed_rate"], n_turns));
    assert_eq!(gate.quality, by_turn(&wanted["quality"], n_turns));
    assert!((gate.mean_quality - wanted["quality_auc"].as_f64().unwrap()).abs() < 1e-12);
}

fn check_turns(scores: &SessionScores, expected: &Value) {
    assert_eq!(scores.len(), expected.as_object().unwrap().len());
    for (turn, judged) in scores {
        let wanted = &expected[format!("turn{turn}")];
        assert_eq!(wanted["quality"].as_f64(), Some(judged.quality()));
        assert_eq!(wanted["degraded"], u8::from(judged.is_degraded()));
        match judged {
            JudgedTurn::Scored { axes, reason, .. } => {
                assert_eq!(wanted["prompt_following"].as_f64(), Some(axes.prompt_following));
                assert_eq!(wanted["consistency"].as_f64(), Some(axes.consistency));
                assert_eq!(wanted["all"], u8::from(judged.is_ok()));
                assert_eq!(wanted["reason"], reason.as_deref().unwrap());
            }
            JudgedTurn::QualityOnly { .. } => assert_eq!(wanted["quality_only"], true),
        }
    }
}

#[test]
fn a_session_is_given_up_only_where_scores_are_missing() {
    let good = r#"{"prompt_following": 9, "consistency": 6.5, "quality": 9}"#;
    let mut judging = SessionJudging::new(2);
    for _ in 0..19 {
        judging.answer(Some("sorry"));
    }
    judging.answer(Some(good));
    assert_eq!(judging.asks(), Some(Asked::Scores { turn: 2 }));
    for reply in [None, Some(r#"{"prompt_following": "9", "consistency": 9, "quality": 9}"#)]
        .into_iter()
        .cycle()
        .take(20)
    {
        judging.answer(reply);
    }
    assert_eq!(judging.asks(), None);
    assert_eq!(judging.finish(), Err(2));
    // Behind a failure, three silences leave the turn out.
    let mut judging = SessionJudging::new(3);
    judging.answer(Some(&good.replace("6.5", "6")));
    for _ in 0..3 {
        assert_eq!(judging.asks(), Some(Asked::Quality { turn: 2 }));
        judging.answer(None);
    }
    judging.answer(Some(r#"{"quality": "8"}"#));
    let scores = judging.finish().unwrap();
    assert_eq!(scores.keys().collect::<Vec<_>>(), [&1, &3]);
    assert_eq!(first_failed_turn(&scores, 3), Some(1));
}

#[test]
fn sessions_and_outputs_are_found() {
    let Some(root) = golden("lme/example") else { return };
    let bench = read_sessions(&root.join("data/lme_bench.json")).unwrap();
    for session in &bench.sessions {
        assert!(root.join("data").join(session.source.as_ref().unwrap()).is_file());
        assert_eq!(find_session(&root.join("outputs"), &session.id, bench.n_turns).unwrap().turns.len(), 3);
    }
    let error = find_session(&root.join("outputs"), "0001", 4).unwrap_err();
    assert_eq!(error.to_string(), "session `0001` is incomplete: `turn4.png` does not exist");
    assert!(find_session(&root, "../outputs", 1).is_err());
}

#[test]
fn broken_lists_of_sessions_are_refused() {
    let text = r#"{"meta": {"name": "x"}, "items": [{"id": "1", "turns": ["a", "b"], "labels": ["hard", "soft"]}, {"id": "2", "turns": ["c", "d"]}]}"#;
    let bench = parse_sessions("list", text).unwrap();
    assert_eq!(bench.sessions[0].rounds[1].edit_type.as_deref(), Some("soft"));
    let check = |from: &str, to: &str, expected: &str| {
        let error = parse_sessions("list", &text.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("\"id\": \"2\"", "\"id\": \"1\"", "duplicate session `1`");
    check("\"id\": \"2\"", "\"id\": \"a/b\"", "the id `a/b` is not a plain name");
    check("[\"c\", \"d\"]", "[\"c\"]", "session `2` has 1 turns and 0 labels, not 2");
    check("\"turns\": [\"a\", \"b\"]", "\"turns\": []", "it has no turn");
    check("\"meta\"", "\"m\"", "missing field `meta`");
}

/// The caches of the official script hold what its functions returned: the golden passes.
#[test]
fn the_folder_of_the_official_script_gives_its_report() {
    let Some(bench) = golden("lme/sessions.json").map(|path| read_sessions(&path).unwrap()) else { return };
    let expected = golden_json("lme/expected.json").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pass1 = folder.path().join("pass1");
    std::fs::create_dir(&pass1).unwrap();
    for (id, turns) in expected["pass1"].as_object().unwrap() {
        std::fs::write(pass1.join(format!("{id}.json")), turns.to_string()).unwrap();
    }
    std::fs::write(folder.path().join("pass2.json"), expected["pass2"].to_string()).unwrap();
    let report = report_on_judged(&bench, folder.path(), None).unwrap();
    let rates = report.rates.unwrap();
    assert_eq!(rates.success, by_turn(&expected["report"]["success_rate"], 10));
    assert_eq!(rates.collapse, by_turn(&expected["report"]["collapse_rate"], 10));

    // What the script would judge again is not counted as anything.
    let id = &bench.sessions[0].id;
    std::fs::write(pass1.join(format!("{id}.json")), r#"{"error": "timed out"}"#).unwrap();
    let report = report_on_judged(&bench, folder.path(), None).unwrap();
    assert_eq!(report.given_up[id], 1);
    assert!(report.rates.is_none());
    std::fs::write(pass1.join(format!("{id}.json")), r#"{"turn1": {"prompt_following": "9"}}"#).unwrap();
    let error = report_on_judged(&bench, folder.path(), None).unwrap_err();
    assert!(error.to_string().contains("turn 1 has no scores"), "{error}");
    assert!(report_on_judged(&bench, &pass1, None).is_err());
}
