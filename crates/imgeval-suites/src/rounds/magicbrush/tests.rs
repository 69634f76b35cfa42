//! Golden: `shared/golden/multiturn/magicbrush`, made by running the official script on made-up folders.

use serde_json::Value;

use super::*;
use crate::rounds::tests::{golden, golden_json, texts};

fn listing(value: &Value) -> FolderListing {
    value.as_object().unwrap().iter().map(|(id, names)| (id.clone(), texts(names))).collect()
}

fn files(pairs: &[ImagePair]) -> Vec<Vec<String>> {
    pairs.iter().map(|pair| vec![pair.generated.clone(), pair.target.clone()]).collect()
}

#[test]
fn pairs_are_those_of_the_official_script() {
    let Some(expected) = golden_json("magicbrush/expected.json") else { return };
    for case in expected["folders"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let pairs = image_pairs(&listing(&case["generated"]), &listing(&case["ground_truth"]));
        match (pairs, case.get("error")) {
            (Err(error), Some(expected)) => assert_eq!(error.exception(), expected, "{name}"),
            (Ok((all, last)), None) => {
                let wanted = |key: &str| case[key].as_array().unwrap().iter().map(texts).collect::<Vec<_>>();
                assert_eq!(files(&all), wanted("all_turns"), "{name}");
                assert_eq!(files(&last), wanted("final_turn"), "{name}");
            }
            (pairs, _) => panic!("{name}: {pairs:?}"),
        }
    }
}

#[test]
fn a_split_and_its_outputs_belong_together() {
    let Some(root) = golden("magicbrush") else { return };
    let expected = golden_json("magicbrush/expected.json").unwrap();
    let sessions = read_split_folder(&root.join("test")).unwrap();
    assert_eq!(sessions.iter().map(|session| session.rounds.len()).collect::<Vec<_>>(), [1, 2, 3]);
    let outputs = read_outputs(&root.join("outputs")).unwrap();
    assert!(outputs.ignored.is_empty(), "{:?}", outputs.ignored);
    for session in &sessions {
        for (place, round) in session.rounds.iter().enumerate() {
            let mask = &round.mask.as_ref().unwrap().file;
            for file in [round.target.as_ref().unwrap(), session.source.as_ref().unwrap(), mask] {
                assert!(root.join("test").join(file).is_file(), "{file}");
            }
            assert!(round.target_caption.is_some(), "{}", session.id);
            for setting in [Setting::Independent, Setting::Iterative] {
                let file = &outputs.images[&session.id][&(setting, place + 1)];
                assert_eq!(
                    *file,
                    format!("{0}/{1}", session.id, output_name(&session.id, setting, place + 1))
                );
            }
        }
    }
    let (all, last) = image_pairs(
        &list_images(&root.join("outputs")).unwrap(),
        &list_images(&root.join("test/images")).unwrap(),
    )
    .unwrap();
    let paths = |pairs: &[ImagePair]| -> Vec<Vec<String>> {
        let path = |pair: &ImagePair| {
            vec![
                format!("outputs/{}/{}", pair.session, pair.generated),
                format!("test/images/{}/{}", pair.session, pair.target),
            ]
        };
        pairs.iter().map(path).collect()
    };
    let wanted =
        |key: &str| expected["example"][key].as_array().unwrap().iter().map(texts).collect::<Vec<_>>();
    assert_eq!(paths(&all), wanted("all_turns"));
    assert_eq!(paths(&last), wanted("final_turn"));
}

#[test]
fn a_split_is_read_and_broken_ones_are_refused() {
    const SESSIONS: &str = r#"{"7": [
        {"input": "7-input.png", "mask": "7-mask1.png", "output": "7-output1.png", "instruction": "add a bell"},
        {"input": "7-output1.png", "mask": "7-mask2.png", "output": "7-output2.png", "instruction": "paint it"}
    ]}"#;
    let sessions = read_split("dev", SESSIONS, r#"{"7": {"7-output2.png": "a painted bell"}}"#).unwrap();
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!(session.source.as_deref(), Some("images/7/7-input.png"));
    assert_eq!(session.rounds[1].target_caption.as_deref(), Some("a painted bell"));
    assert_eq!(session.rounds[0].target_caption, None);
    let check = |from: &str, to: &str, expected: &str| {
        let error = read_split("dev", &SESSIONS.replacen(from, to, 1), "{}").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("\"7\": [", "\"../7\": [", "the session `../7` is not a plain name");
    check("7-mask2.png", "../../mask.png", "the mask `../../mask.png` is not a plain name");
    check("\"input\": \"7-output1.png\"", "\"input\": \"7-input.png\"", "continues from `7-input.png`");
    check("\"instruction\": \"add a bell\"", "\"prompt\": 1", "missing field `instruction`");
    check(SESSIONS, "{\"7\": []}", "session `7` has no turn");
}

#[test]
fn outputs_are_found_by_their_exact_names() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("5");
    std::fs::create_dir(&session).unwrap();
    for name in
        ["5_1.jpg", "5_1.png", "5_inde_2.png", "5_iter_2.png", "5_inde_02.png", "5_iter_1.png", "6_1.png"]
    {
        std::fs::write(session.join(name), "").unwrap();
    }
    let outputs = read_outputs(folder.path()).unwrap();
    let found: Vec<_> = outputs.images["5"].values().map(String::as_str).collect();
    assert_eq!(found, ["5/5_1.png", "5/5_inde_2.png", "5/5_1.png", "5/5_iter_2.png"]);
    assert_eq!(outputs.ignored, ["5/5_inde_02.png", "5/5_iter_1.png", "5/6_1.png"]);
}

#[test]
fn names_are_tested_by_what_they_contain() {
    let folder = |names: &[&str]| {
        FolderListing::from([(
            "5".to_owned(),
            names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        )])
    };
    let targets = folder(&["5-input.png", "5-output1.png", "5-output2.png"]);
    let (all, last) =
        image_pairs(&folder(&["5_1.png", "5_inde_2.png", "5_iter_2.png", "5_mask.png"]), &targets).unwrap();
    assert_eq!(files(&all), [["5_1.png", "5-output1.png"], ["5_inde_2.png", "5-output2.png"]]);
    assert_eq!(files(&last), [["5_iter_2.png", "5-output2.png"]]);
    let check = |names: &[&str], expected: &str| {
        let error = image_pairs(&folder(names), &targets).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(&["5_1.png", "5_iter_2.png"], "different numbers of outputs and targets: 5");
    check(&["5_2.png"], "the only output of session `5`, `5_2.png`");
    check(&["5_1.png", "5_inde_2.png"], "session `5` has no iterated output");
    check(
        &["5_1.png", "5_inde_2.png", "5_iter_2.png", "5_1 copy.png"],
        "session `5` has more outputs than targets",
    );
    check(&["x_1.png", "y_iter_.png"], "has no number");
    let error = image_pairs(&FolderListing::new(), &targets).unwrap_err();
    assert_eq!(
        (error.exception(), error.to_string().as_str()),
        ("ValueError", "session folders differ: 1 without outputs, 0 without targets")
    );
}
