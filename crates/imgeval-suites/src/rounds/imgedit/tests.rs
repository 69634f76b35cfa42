//! Golden: `shared/golden/multiturn/imgedit_mt`.

use serde_json::Value;

use super::*;
use crate::rounds::{
    Version,
    tests::{golden, golden_json, texts},
};

const LINES: &str = "{\"id\": \"1.jpg\", \"turn1\": \"Add a bell\", \"turn2\": \"Remove it\"}\n\n{\"id\": \"2.jpg\", \"turn1\": \"Add a cup\"}";

#[test]
fn all_shapes_of_the_file_are_read_and_broken_ones_are_refused() {
    let Some(root) = golden("imgedit_mt/example") else { return };
    let expected = golden_json("imgedit_mt/example/expected.json").unwrap();
    for part in Part::ALL {
        let (sessions, _) = read_part(&root, part).unwrap();
        let wanted = expected["example"][part.folder()].as_array().unwrap();
        assert_eq!(sessions.len(), wanted.len());
        for (session, wanted) in sessions.iter().zip(wanted) {
            assert_eq!(session.source.as_deref(), wanted["image"].as_str());
            assert!(root.join(session.source.as_ref().unwrap()).is_file());
            let turns: Vec<_> = session.rounds.iter().map(|round| round.instruction.clone()).collect();
            assert_eq!(turns, texts(&wanted["turns"]));
        }
    }
    let parse = |name: &str| {
        parse_annotation(name, &std::fs::read_to_string(root.join("other_shapes").join(name)).unwrap())
    };
    for (name, n_rounds) in expected["other_shapes"].as_object().unwrap() {
        let found: Vec<_> = parse(name).unwrap().iter().map(|session| session.rounds.len()).collect();
        assert_eq!(Value::from(found), *n_rounds, "{name}");
    }
    for name in texts(&expected["refused"]) {
        parse(&name).unwrap_err();
    }
}

#[test]
fn sessions_are_read_from_lines_objects_and_arrays() {
    let lines = parse_annotation("a", LINES).unwrap();
    assert_eq!(lines.iter().map(|session| session.rounds.len()).collect::<Vec<_>>(), [2, 1]);
    let array = format!("[{}]", LINES.replace("\n\n", ","));
    assert_eq!(parse_annotation("a", &array).unwrap(), lines);
    let mut objects = LINES.lines().filter(|line| !line.is_empty()).enumerate();
    let members: Vec<String> = objects.by_ref().map(|(place, line)| format!("\"{place}\": {line}")).collect();
    assert_eq!(parse_annotation("a", &format!("{{{}}}", members.join(","))).unwrap(), lines);
    let check = |from: &str, to: &str, expected: &str| {
        let error = parse_annotation("a", &LINES.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("turn2", "turn3", "session `1.jpg` has no turn 2, but 2 turns");
    check("\"Add a bell\"", "5", "session `1.jpg` has no text for turn 1");
    check("2.jpg", "1.jpg", "duplicate session `1.jpg`");
    check("\"2.jpg\", \"turn1\"", "\"2.jpg\", \"round1\"", "session `2.jpg` has no turn");
    check("2.jpg", "../2.jpg", "the id `../2.jpg` is not a plain name");
    check("\"id\": \"2.jpg\", ", "", "a session has no id");
    check("{\"id\": \"2", "{id: \"2", "line 3 is not JSON");
    check(LINES, "", "it contains no sessions");
    assert_eq!(round_name(Part::ContentMemory, "1.jpg", 2).unwrap(), "content_memory/1/turn2.png");
    assert!(round_name(Part::ContentMemory, "..", 2).is_err());
}

#[test]
fn our_reading_of_the_published_sessions_is_that_of_the_notes() {
    let reading = published_reading().unwrap();
    let Some(notes) = golden_json("imgedit_mt/published_sessions.json") else { return };
    let rounds = |value: &Value| -> Vec<usize> {
        value.as_array().unwrap().iter().map(|round| round.as_u64().unwrap() as usize).collect()
    };
    let mut n_equal = 0;
    for part in Part::ALL {
        for (id, session) in notes["sessions"][part.folder()].as_object().unwrap() {
            for (round, note) in session.as_object().unwrap() {
                match part {
                    Part::ContentMemory if round == "holds_in" => {
                        for holds in rounds(note) {
                            let constraint =
                                reading.round(part, id, holds).unwrap().constraint.as_ref().unwrap();
                            assert_eq!(
                                constraint.about,
                                session["constraint"].as_str().unwrap().replace("colour", "color")
                            );
                            assert_eq!(session["given_in_round"], constraint.given_in);
                        }
                    }
                    Part::ContentUnderstanding if round == "refers_to_object_of_round" => {
                        for (round, object) in note.as_object().unwrap() {
                            let history = reading.round(part, id, round.parse().unwrap()).unwrap();
                            assert_eq!(*object, history.refers_to.unwrap());
                        }
                    }
                    Part::VersionBacktracking => {
                        let history = reading.round(part, id, round.parse().unwrap()).unwrap();
                        let base = match history.base.unwrap() {
                            Version::Source => Value::from("source"),
                            Version::Round(round) => Value::from(round),
                        };
                        assert_eq!(note["base"], base);
                        assert_eq!(rounds(&note["keep_edits_of"]), history.keep);
                        assert_eq!(rounds(&note["undo_edits_of"]), history.undo);
                        assert_eq!(note.get("ambiguous").is_some(), history.ambiguity.is_some());
                        n_equal += usize::from(history.must_equal_base);
                    }
                    Part::ContentMemory | Part::ContentUnderstanding => {}
                }
            }
        }
    }
    assert_eq!(n_equal, 4);
}

#[test]
fn notes_hold_only_for_the_text_that_was_read() {
    let hash = imgeval_core::ContentHash::of(LINES.as_bytes());
    let text = format!(
        r#"{{"format": "imgeval/imgedit-reading/1", "parts": {{"version_backtrace": {{"sha256": "{hash}", "sessions": {{
            "1.jpg": {{"2": {{"base": 0, "undo": [1], "must_equal_base": true}}}}}}}}}}}}"#
    );
    let reading = parse_reading("notes", &text).unwrap();
    let mut sessions = parse_annotation("a", LINES).unwrap();
    assert!(!reading.annotate(Part::ContentMemory, LINES, &mut sessions));
    assert!(!reading.annotate(Part::VersionBacktracking, "other", &mut sessions));
    assert_eq!(sessions[0].rounds[1].history, None);
    assert!(reading.annotate(Part::VersionBacktracking, LINES, &mut sessions));
    let history = sessions[0].rounds[1].history.as_ref().unwrap();
    assert_eq!(
        (history.base, &history.undo, history.must_equal_base),
        (Some(Version::Source), &vec![1], true)
    );
    let error = parse_reading("notes", &text.replace("[1]", "[2]")).unwrap_err().to_string();
    assert!(error.contains("round 2 of `1.jpg` refers to a round that is not before it"), "{error}");
    assert!(parse_reading("notes", &text.replace("reading/1", "reading/2")).is_err());
}
