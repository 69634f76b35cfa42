//! Golden: `shared/golden/multiturn/mse`, made by running the official evaluation on made-up tables and replies.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::rounds::tests::{golden, golden_json, texts};

#[test]
fn replies_are_read_as_the_official_parser_reads_them() {
    let Some(cases) = golden_json("mse/parser.json") else { return };
    for case in cases.as_array().unwrap() {
        let found = match case["reply"].as_str().and_then(parse_reply) {
            None => "none",
            Some(MseReply::Object(_)) => "object",
            Some(MseReply::Other) => "other",
        };
        assert_eq!(found, case["result"], "{case}");
    }
}

#[test]
fn rates_are_those_of_the_official_report() {
    let (Some(replies), Some(expected)) = (golden_json("mse/replies.json"), golden_json("mse/expected.json"))
    else {
        return;
    };
    let (mut sessions, mut n_calls) = (Vec::new(), 0);
    for (row, wanted) in expected["results"].as_array().unwrap().iter().enumerate() {
        let mut judging = SessionJudging::new(5);
        let mut asked: BTreeMap<usize, usize> = BTreeMap::new();
        while let Some(turn) = judging.asks() {
            let replies = replies[format!("{row}/turn{turn}")].as_array().unwrap();
            let at = asked.entry(turn).or_default();
            judging.answer(replies[(*at).min(replies.len() - 1)].as_str());
            *at += 1;
            n_calls += 1;
        }
        let turns = judging.finish().unwrap();
        assert_eq!(turns.len(), wanted.as_object().unwrap().len());
        for (place, turn) in turns.iter().enumerate() {
            let wanted = &wanted[format!("turn{}", place + 1)];
            assert_eq!(wanted["prompt_following"].as_f64(), Some(turn.axes.prompt_following));
            assert_eq!(wanted["consistency"].as_f64(), Some(turn.axes.consistency));
            assert_eq!(wanted["all"], u8::from(turn.axes.passes()));
        }
        let failed = turns
            .iter()
            .position(|turn| !turn.axes.passes())
            .map_or(Value::Null, |place| Value::from(place + 1));
        assert_eq!(failed, expected["first_failed_turn"][row]);
        sessions.push(turns);
    }
    assert_eq!(n_calls, expected["calls"].as_u64().unwrap());
    let rates = mse_rates(&sessions, 5).unwrap();
    let rows: Vec<String> =
        expected["csv"].as_array().unwrap().iter().map(|row| texts(row).join(",")).collect();
    assert_eq!(rates.to_csv().lines().collect::<Vec<_>>(), rows);
    assert_eq!(rates.to_lines(), texts(&expected["printed"]));
}

#[test]
fn one_silent_turn_spoils_the_session() {
    let mut judging = SessionJudging::new(2);
    judging.answer(Some("{'prompt_following': 7, 'consistency': 7}"));
    for _ in 0..20 {
        assert_eq!(judging.asks(), Some(2));
        judging.answer(Some("Here it is: {'prompt_following': 7, 'consistency': 7}"));
    }
    assert_eq!((judging.asks(), judging.finish()), (None, Err(2)));
    assert_eq!(mse_rates(&[], 5), None);
}

fn sha256(image: Option<&TableImage>) -> Value {
    image.map_or(Value::Null, |image| imgeval_core::ContentHash::of(&image.bytes).to_string().into())
}

#[test]
fn tables_are_read_whatever_their_compression() {
    let Some(expected) = golden_json("mse/data/expected.json") else { return };
    let path = |name| golden(&format!("mse/data/{name}")).unwrap();
    let rows: Vec<MseRow> =
        read_sessions(&path("train-00000-of-00001.parquet")).unwrap().map(Result::unwrap).collect();
    let wanted = expected["rows"].as_array().unwrap();
    assert_eq!(rows.len(), wanted.len());
    for (row, wanted) in rows.iter().zip(wanted) {
        assert_eq!(wanted["index"], row.index);
        assert_eq!(wanted["summary"], row.summary.as_deref().unwrap());
        assert_eq!(texts(&wanted["context"]), row.context);
        assert_eq!(texts(&wanted["operation"]), row.operation);
        assert_eq!(texts(&wanted["description_target"]), row.description_target);
        assert_eq!(wanted["image_sha256"], sha256(row.image.as_ref()));
        let image_path = row.image.as_ref().and_then(|image| image.path.as_deref());
        assert_eq!(wanted["image_path"].as_str(), image_path);
        let session = session_of(row);
        assert_eq!(session.source, Some(format!("{}.jpg", row.index)));
        assert_eq!(session.rounds.len(), 5);
    }
    let minimal: Vec<MseRow> =
        read_sessions(&path("minimal-zstd.parquet")).unwrap().map(Result::unwrap).collect();
    assert!(!minimal.is_empty());
    for (row, full) in minimal.iter().zip(&rows) {
        assert_eq!((row.index, &row.context), (full.index, &full.context));
    }
    let results = read_results(&path("results-made_up-00000-of-00001.parquet")).unwrap();
    let found: Vec<ResultRow> = results.map(Result::unwrap).collect();
    let hashes = |row: &ResultRow| {
        Value::from(row.images.iter().map(|image| sha256(image.as_ref())).collect::<Vec<_>>())
    };
    assert_eq!(Value::from(found.iter().map(hashes).collect::<Vec<_>>()), expected["results"]);
    let names = |row: &ResultRow| -> Vec<String> {
        (0..row.images.len()).map(|turn| output_name(row.row, turn, NameForm::WithRepetition)).collect()
    };
    let wanted: Vec<Vec<String>> =
        expected["file_names_written"].as_array().unwrap().iter().map(texts).collect();
    assert_eq!(found.iter().map(names).collect::<Vec<_>>(), wanted);
    // A table of the other kind has none of the columns.
    let error = read_sessions(&path("results-made_up-00000-of-00001.parquet")).err().unwrap();
    assert!(error.to_string().contains("none of the columns"), "{error}");
}

#[test]
fn outputs_have_one_of_two_forms() {
    let folder = tempfile::tempdir().unwrap();
    for turn in 0..2 {
        std::fs::write(folder.path().join(output_name(3, turn, NameForm::WithoutRepetition)), "").unwrap();
    }
    assert_eq!(find_outputs(folder.path(), 3, 2).unwrap().form, NameForm::WithoutRepetition);
    let error = find_outputs(folder.path(), 3, 3).unwrap_err();
    assert_eq!(error.to_string(), "session `3` is incomplete: `3_turn2_seed3.png` does not exist");
}

/// Reference: scripts/reference/mse_tables.py.
#[test]
fn tables_of_our_own_are_read() {
    let path = |name: &str| {
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mse").join(name)
    };
    let rows: Vec<MseRow> = read_sessions(&path("sessions.parquet")).unwrap().map(Result::unwrap).collect();
    let [first, second] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(first.image, Some(TableImage { bytes: b"a".to_vec(), path: Some("a.png".to_owned()) }));
    assert_eq!((first.index, first.summary.as_deref()), (40, Some("aim")));
    assert_eq!((second.index, &second.image, &second.summary, second.row), (7, &None, &None, 1));
    assert_eq!(second.context, ["Remove the cup", "Add a kite"]);
    assert!(second.operation.is_empty());
    let session = session_of(first);
    assert_eq!((session.id.as_str(), session.source.as_deref()), ("0", Some("40.jpg")));
    assert_eq!(session.rounds[1].edit_type.as_deref(), Some("color"));
    let results: Vec<ResultRow> =
        read_results(&path("results.parquet")).unwrap().map(Result::unwrap).collect();
    let bytes = |row: &ResultRow| {
        row.images.iter().map(|image| image.as_ref().map(|image| image.bytes.clone())).collect::<Vec<_>>()
    };
    assert_eq!(bytes(&results[0]), [Some(b"a0".to_vec()), Some(b"a1".to_vec())]);
    assert_eq!(bytes(&results[1]), [Some(b"b0".to_vec()), None]);
    let error = read_sessions(&path("other_shape.parquet")).err().unwrap().to_string();
    assert_eq!(error, "`other_shape.parquet`: its column `context` contains something other than expected");
    assert!(read_sessions(&path("../gedit.json")).is_err());
}

/// Whatever a table is damaged by, it is refused or read, and nothing panics.
#[test]
fn damaged_tables_are_refused() {
    let path =
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mse/sessions.parquet");
    let whole = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.parquet");
    for place in (0..whole.len()).step_by(7) {
        let flipped = [&whole[..place], &[whole[place] ^ 0x55], &whole[place + 1..]].concat();
        for damaged in [whole[..place].to_vec(), flipped] {
            std::fs::write(&broken, damaged).unwrap();
            if let Ok(rows) = read_sessions(&broken) {
                assert!(rows.count() <= 3);
            }
        }
    }
}
