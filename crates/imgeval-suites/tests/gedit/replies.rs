//! Replies against what the authors' code makes of them.

use imgeval_suites::{judged::ReplyFormat, registry};
use serde_json::Value;

use super::{lines, shared};

/// The two scores of a reply, if it is read.
fn read(format: &str, reply: &str) -> Option<Vec<f64>> {
    let scores = ReplyFormat::from_name(format).unwrap().parse(reply).ok()?;
    let values: Vec<f64> = scores.values.iter().map(|(_, value)| *value).collect();
    let smaller = values.iter().copied().fold(10.0, f64::min);
    assert!((scores.value - smaller / 10.0).abs() < 1e-12 && scores.notes.is_empty(), "{reply}");
    Some(values)
}

fn numbers(list: &Value) -> Option<Vec<f64>> {
    list.as_array()?.iter().map(Value::as_f64).collect()
}

#[test]
fn a_reply_is_read_as_it_was_meant_or_not_at_all() {
    let Some(replies) = shared("replies.jsonl") else { return };
    let (mut n_read, mut n) = (0, 0);
    for row in lines(&replies) {
        let reply = row["reply"].as_str().unwrap();
        let found = read("gedit-sc", reply);
        assert_eq!(found, read("gedit-pq", reply), "{reply}");
        if let Some(found) = found {
            assert_eq!(Some(&found), numbers(&row["intended"]).as_ref(), "{reply}");
            // Nor is anything read that the authors' code reads otherwise.
            assert_eq!(Some(found), numbers(&row["official"]["score"]), "{reply}");
            n_read += 1;
        }
        let is_plain = ["plain", "fenced", "indented", "reasoning_first", "url_in_text"];
        if is_plain.contains(&row["kind"].as_str().unwrap()) {
            assert!(read("gedit-sc", reply).is_some(), "{reply}");
        }
        n += 1;
    }
    assert_eq!((n, n_read), (300, 60));
}

/// Asked again like the authors' code, each question for itself: what was read stays, and nothing is made up.
#[test]
fn sequences_of_replies_are_read_without_guessing() {
    let Some(sequences) = shared("evaluate.jsonl") else { return };
    let suite = registry::find("gedit-en").unwrap();
    let (mut n_equal, mut n_guessed) = (0, 0);
    for row in lines(&sequences) {
        let replies = |name: &str| -> Vec<String> {
            row[name].as_array().unwrap().iter().map(|reply| reply.as_str().unwrap().to_owned()).collect()
        };
        let (sc, pq) = (replies("sc_replies"), replies("pq_replies"));
        let smaller = |format: &str, reply: &str| {
            read(format, reply).map(|values| values.into_iter().fold(10.0, f64::min))
        };
        let official = &row["official"];
        if official["outcome"] == "random guess" {
            let first = [smaller("gedit-sc", &sc[0]), smaller("gedit-pq", &pq[0])];
            assert!(first.contains(&None), "one of the first replies cannot be read: {row}");
            n_guessed += 1;
        }
        let (Some(semantics), Some(quality)) = (smaller("gedit-sc", &sc[0]), smaller("gedit-pq", &pq[0]))
        else {
            continue;
        };
        assert_eq!(official["asked"], 1, "{row}");
        assert_eq!([official["SC"].as_f64(), official["PQ"].as_f64()], [Some(semantics), Some(quality)]);
        let overall = 10.0 * suite.combine(&[semantics / 10.0, quality / 10.0]);
        assert!((overall - official["O"].as_f64().unwrap()).abs() < 1e-9, "{row}");
        n_equal += 1;
    }
    assert!(n_equal >= 10 && n_guessed == 20, "{n_equal} {n_guessed}");
}
