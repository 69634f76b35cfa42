//! Golden: `shared/golden/multiturn/edival`, made by running the official code with its models replaced.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::rounds::{
    Version,
    tests::{golden, golden_json, texts},
};

fn listing(value: &Value) -> Vec<String> {
    texts(value)
}

fn close(found: Option<f64>, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    let found = found.unwrap_or_else(|| panic!("{what} is missing"));
    assert!((found - expected).abs() < 1e-9, "{what}: {found}, expected {expected}");
}

/// Boxes and replies from a case of the rules.
struct Case<'a>(&'a Value);

impl BoxFinder for Case<'_> {
    fn find(&self, frame: Frame, name: &str, threshold: f32) -> Result<Vec<DetectedBox>, NoAnswer> {
        let frame = match frame {
            Frame::Source => "source",
            Frame::Target => "target",
        };
        let key = format!("{frame}:{name}");
        if self.0.get("raise").is_some_and(|raise| texts(raise).contains(&key)) {
            return Err(NoAnswer);
        }
        let boxes = self.0["detections"].get(&key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let number = |value: &Value| value.as_f64().unwrap() as f32;
        let boxes = boxes.iter().map(|found| DetectedBox {
            center: [number(&found[0]), number(&found[1])],
            size: [number(&found[2]), number(&found[3])],
            score: number(&found[4]),
        });
        Ok(boxes.filter(|found| found.score > threshold).collect())
    }
}

impl ModelReplies for Case<'_> {
    fn reply(&self, question: Question<'_>) -> Result<String, NoAnswer> {
        let key = match question {
            Question::IsNew { .. } | Question::IsReplaced { .. } | Question::IsCarriedOut { .. } => "two",
            Question::HasBackground { .. } | Question::Text { .. } => "one",
            Question::CoreName { object } => {
                let name = self.0["vlm"]
                    .get("core_name")
                    .and_then(|names| names.get(object))
                    .and_then(Value::as_str);
                return Ok(name.unwrap_or(object).to_owned());
            }
        };
        if self.0.get("raise").is_some_and(|raise| texts(raise).iter().any(|name| name.contains(key))) {
            return Err(NoAnswer);
        }
        match &self.0["vlm"][key] {
            Value::String(reply) => Ok(reply.clone()),
            Value::Array(replies) => Ok(replies[0].as_str().unwrap().to_owned()),
            _ => Err(NoAnswer),
        }
    }
}

#[test]
fn rules_give_the_official_scores() {
    let Some(cases) = golden_json("edival/rules.json") else { return };
    for case in cases.as_array().unwrap() {
        let instruction = case["instruction"].as_str().unwrap();
        let followed = follow_instruction(
            case["task_type"].as_str().unwrap(),
            instruction,
            instruction,
            &Case(case),
            &Case(case),
        );
        assert_eq!(case["expected"], u8::from(followed), "{case}");
    }
}

#[test]
fn object_pools_are_those_of_the_official_generator() {
    let Some(expected) = golden_json("edival/pools.json") else { return };
    let words = PoolWords { colors: texts(&expected["colors"]), materials: texts(&expected["materials"]) };
    for session in expected["sessions"].as_array().unwrap() {
        let foreground: BTreeMap<String, bool> =
            serde_json::from_value(session["foreground"].clone()).unwrap();
        let mut pool = ObjectPool::new(&texts(&session["objects"]), &foreground, &words);
        for step in session["steps"].as_array().unwrap() {
            let task_type = TaskType::from_name(step["task_type"].as_str().unwrap()).unwrap();
            let state = pool.apply(task_type, step["format_instruction"].as_str().unwrap());
            assert_eq!(step["instruction"], state.instruction);
            assert_eq!(step["bg_consistency"], state.bg_consistency);
            assert_eq!(texts(&step["unchanged_objects"]), state.unchanged, "{step}");
            assert_eq!(texts(&step["available_objects"]), state.available, "{step}");
            assert_eq!(texts(&step["all_objects"]), state.all, "{step}");
        }
    }
}

#[test]
fn an_example_folder_is_read_as_the_generator_lays_it_out() {
    let Some(root) = golden("edival/example") else { return };
    let expected = golden_json("edival/example/expected.json").unwrap();
    let table = read_table(&root.join("instructions.csv")).unwrap();
    let names = |folder: &str| list_outputs(&root.join(folder)).unwrap();
    let sessions = table.sessions(N_TURNS, &names("input_images"));
    let wanted = expected["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), wanted.len());
    let version = |version: Version| match version {
        Version::Source => Value::from("source"),
        Version::Round(round) => Value::from(round),
    };
    for (session, wanted) in sessions.iter().zip(wanted) {
        let index: i64 = session.id.parse().unwrap();
        assert_eq!(wanted["image_index"], index);
        assert_eq!(wanted["source"], format!("input_images/{}", session.source.as_ref().unwrap()));
        let instructions: Vec<String> =
            session.rounds.iter().map(|round| round.instruction.clone()).collect();
        assert_eq!(texts(&wanted["instructions"]), instructions);
        let prompts: Vec<String> =
            (1..=N_TURNS).map(|turn| singlepass_prompt(&instructions[..turn])).collect();
        assert_eq!(texts(&wanted["singlepass_prompts"]), prompts);
        for mode in Mode::ALL {
            let folder = format!("my_model/{}", mode.folder());
            let plan = plan_mode(mode, &names(&folder), &table, N_TURNS);
            assert!(plan.skipped.is_empty());
            let planned = plan.sessions.iter().find(|planned| planned.index == index).unwrap();
            let files: Vec<String> =
                (1..=N_TURNS).map(|turn| format!("{folder}/{}", turn_name(index, turn))).collect();
            assert_eq!(texts(&wanted[mode.folder()]), files);
            let compared = &wanted["compared"][format!("instruction_{}", mode.folder())];
            for (turn, compared) in planned.turns.iter().zip(compared.as_array().unwrap()) {
                assert_eq!(*compared, Value::from(vec![version(turn.from), Value::from(turn.turn)]));
                assert_eq!(
                    wanted["compared"]["consistency"][turn.turn - 1].is_null(),
                    turn.consistency.is_none()
                );
                assert_eq!(turn.edits.len(), if mode == Mode::Multipass { 1 } else { turn.turn });
            }
        }
    }
}

fn scores(item: &Value) -> Option<TurnScores> {
    let number = |value: &Value| value.as_f64();
    let consistency = &item["consistency"];
    let (object, background) = (&consistency["object"], &consistency["background"]);
    Some(TurnScores {
        followed: item["if"].as_array()?.iter().map(|score| score.as_u64() == Some(1)).collect(),
        quality: item["quality"]
            .as_object()?
            .iter()
            .map(|(name, value)| (name.clone(), number(value)))
            .collect(),
        consistency: consistency.is_object().then(|| Consistency {
            object_feature: number(&object["object_dinov3_consistency_mean"]),
            object_l1: number(&object["object_l1_consistency_mean"]),
            background_feature: number(&background["bg_dinov3_masked_similarity"]),
            background_l1: number(&background["bg_l1_consistency"]),
        }),
    })
}

#[test]
fn rates_are_those_of_the_official_tables() {
    let Some(root) = golden("edival") else { return };
    let [expected, files, items] =
        ["expected", "files", "per_item"].map(|name| golden_json(&format!("edival/{name}.json")).unwrap());
    let table =
        parse_table("instructions.csv", &std::fs::read_to_string(root.join("instructions.csv")).unwrap())
            .unwrap();
    assert_eq!(table.n_repeated, 1);
    for mode in Mode::ALL {
        let name = mode.folder();
        let plan = plan_mode(mode, &listing(&files[name]), &table, N_TURNS);
        let indices: Vec<i64> = plan.sessions.iter().map(|session| session.index).collect();
        assert_eq!(expected["valid_indices"][name], Value::from(indices));
        let rates = collect_rates(mode, &plan, N_TURNS, |index, turn| {
            scores(items[name].get(index.to_string())?.get(turn.to_string())?)
        });
        let official = &expected["official"][name];
        let image_rate = official["image_rate"].as_object().unwrap();
        assert_eq!(image_rate.len(), rates.image_rate.len());
        for (index, followed) in &rates.image_rate {
            let followed: Vec<u8> = followed.iter().map(|followed| u8::from(*followed)).collect();
            assert_eq!(image_rate[&index.to_string()], Value::from(followed), "{name} {index}");
        }
        assert_eq!(official["pooled_overall"]["n"], rates.overall.len());
        close(
            super::rates::mean(rates.overall.iter().copied()),
            &official["pooled_overall"]["mean"],
            "overall",
        );
        for turn in 1..=N_TURNS {
            let key = turn.to_string();
            for (list, count) in official["task_rate_counts"][&key].as_object().unwrap() {
                let n = rates.task_rate[turn - 1].get(list).map_or(0, Vec::len);
                assert_eq!(*count, n, "{name} {turn} {list}");
                close(rates.task_mean(turn, list), &official["task_rate_means"][&key][list], list);
            }
            let printed = match mode {
                Mode::Multipass => multipass_table(&rates, turn),
                Mode::Singlepass => singlepass_table(&rates, turn),
            };
            for (row, value) in official["tables"][&key].as_object().unwrap() {
                close(printed.printed(row), value, &format!("{name} {turn} {row}"));
            }
            assert_eq!(printed.values.len(), official["tables"][&key].as_object().unwrap().len());
            check_derived(&rates, turn, &expected["derived"][name][&key]);
            let honest = count_honestly(&rates, &table.indices(), turn);
            let wanted = &expected["honest"][name][&key];
            for (count, key) in [
                (honest.n_sessions, "sessions"),
                (honest.n_ok, "all_ok"),
                (honest.n_failed, "failed"),
                (honest.n_unknown, "unknown"),
            ] {
                assert_eq!(wanted[key], count, "{name} {turn} {key}");
            }
            close(honest.rate_missing_as_failed(), &wanted["rate_missing_as_failed"], "missing as failed");
            close(honest.rate_of_known(), &wanted["rate_of_known"], "of known");
        }
    }
}

fn check_derived(rates: &ModeRates, turn: usize, expected: &Value) {
    for reading in Reading::ALL {
        let derived = derive_scores(rates, turn, reading).unwrap();
        close(Some(derived.instruction_following), &expected["IF"], "IF");
        let name = |score: &str| match reading {
            Reading::WithL1 => format!("{score}_dino_and_l1"),
            _ => format!("{score}_{}", reading.name()),
        };
        close(Some(derived.consistency), &expected[name("CC")], &name("CC"));
        close(Some(derived.overall), &expected[name("O")], &name("O"));
        assert_eq!(expected["n_per_item"], derived.n_items);
    }
}

const ROWS: &str = r#"image_index,turns,task_type,instructions,format_instructions,bg_consistency,unchanged_objects,available_objects,all_objects
5,1,['subject_remove'],['Remove old bell'],['Remove [old bell]'],True,['it''s'],[],"['old bell', ""cat's""]"
5,2,"['subject_remove', 'background_change']","['Remove old bell', 'Change the background to sea, remain the cup unchanged']","['Remove [old bell]', 'Change the background to [sea]']",False,[],[],[]
"#;

#[test]
fn a_table_is_read_with_the_quirks_of_the_official_reader() {
    let table = parse_table("t", ROWS).unwrap();
    let lists = table.row(5, 1).unwrap().lists.as_ref().unwrap();
    assert_eq!(
        (&lists.all_objects[1], &lists.unchanged_objects[0]),
        (&"cat's".to_owned(), &"its".to_owned())
    );
    let last = table.row(5, 2).unwrap();
    let lists = last.lists.as_ref().unwrap();
    assert_eq!(lists.scored_form(0), Some("Remove [old bell]"));
    assert_eq!(lists.scored_form(1), Some("Change the background to sea, remain the cup unchanged"));
    assert!(!last.bg_consistency);
    let sessions = table.sessions(2, &["5_input_raw.jpg".to_owned(), "5_input_raw.png".to_owned()]);
    assert_eq!(sessions[0].source.as_deref(), Some("5_input_raw.png"));

    let first = |text: &str| parse_table("t", text).unwrap().row(5, 1).cloned().unwrap();
    assert!(first(&ROWS.replace("True", "")).bg_consistency);
    assert_eq!(
        first(&ROWS.replace("['Remove old bell'],", "['Remove old bell,")).lists,
        Err(Unreadable::NotALiteral { column: "instructions" })
    );
    assert_eq!(
        first(&ROWS.replace("['Remove [old bell]'],", "[],")).lists,
        Err(Unreadable::TooFewInstructions { n_found: 0 })
    );
    let repeated = format!("{ROWS}5,1,['x'],['x'],['x'],False,[],[],[]\n");
    let table = parse_table("t", &repeated).unwrap();
    assert!(table.row(5, 1).unwrap().bg_consistency && table.n_repeated == 1);

    let check = |from: &str, to: &str, expected: &str| {
        let error = parse_table("t", &ROWS.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("True", "yes", "row 1: bg_consistency is `yes`");
    check("5,1,", "x,1,", "row 1: invalid image index `x`");
    check("5,2,", "5,b,", "row 2: invalid number of turns `b`");
    check("['subject_remove']", "[1]", "row 1: task_type must be a list of strings");
    check("['subject_remove']", "[]", "row 1: it has no instruction");
    check("turns", "turn", "it has no column `turns`");
}

#[test]
fn instructions_are_searched_for_and_not_anchored() {
    use TaskType::*;
    let add = |object: &str, place: Option<(&str, &str)>| Edit::Add {
        object: object.to_owned(),
        place: place.map(|(position, reference)| Placement {
            position: position.to_owned(),
            reference: reference.to_owned(),
        }),
    };
    let check = |task_type, text: &str, expected: Option<Edit>| {
        assert_eq!(parse_edit(task_type, text), expected, "{text}")
    };
    check(SubjectAdd, "\"Add [a bell] on the [left] of [cup].\"", Some(add("a bell", Some(("left", "cup")))));
    check(SubjectAdd, "Add [a bell] on the [left]", Some(add("a bell", None)));
    check(SubjectAdd, "Add [] Add [cup]", Some(add("cup", None)));
    check(SubjectAdd, "Add bell", None);
    check(
        TextChange,
        "Add text '[hi]' on the image",
        Some(Edit::Text { object: None, text: "hi".to_owned() }),
    );
    let text = Edit::Text { object: Some("cup".to_owned()), text: "b".to_owned() };
    check(TextChange, "Replace the text '[a]' on [cup] with '[b]'", Some(text));
    let background = |remaining: &[&str]| Edit::Background {
        background: "sea".to_owned(),
        remaining: remaining.iter().map(|name| (*name).to_owned()).collect(),
    };
    check(
        BackgroundChange,
        "Change the background to sea, remain the cup, bell unchanged",
        Some(background(&["cup", " bell"])),
    );
    check(BackgroundChange, "Change the background to [sea]", Some(background(&[])));
    check(BackgroundChange, "Change the background to sea", None);
    assert_eq!(
        natural_form(BackgroundChange, "Change the background to [sea]", &["cup", "bell"]),
        "Change the background to sea, remain the cup, bell unchanged"
    );
    assert_eq!(natural_form(SubjectRemove, "Remove [cup]", &["bell"]), "Remove cup");
}

#[test]
fn sessions_are_found_with_the_quirks_of_the_official_script() {
    let mut names: Vec<String> =
        [3, 4, 7].into_iter().flat_map(|index| (1..=3).map(move |turn| turn_name(index, turn))).collect();
    names.extend(
        ["3_input_raw.png", "3_input_raw.jpg", "007_input_raw.png", "4_input_raw.jpeg", "9_input_raw.png"]
            .map(str::to_owned),
    );
    assert_eq!(session_indices(&names, 3), [3, 3, 7]);
    assert_eq!(find_base(&names, 3), Some("3_input_raw.png"));
    assert_eq!(find_base(&names, 7), None);
    assert_eq!(model_name("gpt_4o"), "gpt");
    let plan = plan_mode(Mode::Singlepass, &names, &Table::default(), 3);
    let reasons: Vec<_> = plan.skipped.iter().map(|skipped| skipped.reason.clone()).collect();
    assert_eq!(reasons[..3], [const { SkipReason::NoRow }; 3]);
    assert_eq!(reasons[6..], [const { SkipReason::NoImage }; 3]);
}

#[test]
fn rules_hold_on_cases_of_our_own() {
    let found = |x: f64, y: f64, size: f64, score: f64| serde_json::json!([[x, y, size, size, score]]);
    let check = |task_type: &str, instruction: &str, detections: Value, vlm: Value, expected: bool| {
        let case = serde_json::json!({"detections": detections, "vlm": vlm, "raise": ["target:broken"]});
        let followed = follow_instruction(task_type, instruction, instruction, &Case(&case), &Case(&case));
        assert_eq!(followed, expected, "{instruction}: {case}");
    };
    let one = |reply: &str| serde_json::json!({"one": reply});
    let two = |reply: &str| serde_json::json!({"two": reply});
    let none = || serde_json::json!({});
    let both =
        |after: Value| serde_json::json!({"source:bell": found(0.5, 0.5, 0.2, 0.6), "target:bell": after});
    check("subject_remove", "Remove [bell]", both(found(0.5, 0.5, 0.2, 0.6)), none(), false);
    check("subject_remove", "Remove [bell]", both(found(0.8, 0.5, 0.2, 0.6)), none(), true);
    check("subject_remove", "Remove [bell]", both(found(0.5, 0.5, 0.99, 0.6)), none(), true);
    check(
        "subject_remove",
        "Remove [broken]",
        serde_json::json!({"source:broken": found(0.5, 0.5, 0.2, 0.6)}),
        none(),
        true,
    );
    check("subject_remove", "Remove [bell]", none(), none(), false);
    let placed = serde_json::json!({"source:cup": found(0.5, 0.5, 0.2, 0.6), "target:bell": found(0.4, 0.5, 0.2, 0.6)});
    check("subject_add", "Add [bell] on the [left] of [cup]", placed.clone(), two("Yes"), true);
    check("subject_add", "Add [bell] on the [above] of [cup]", placed.clone(), two("Yes"), false);
    check("subject_add", "Add [bell] on the [left] of [cup]", placed, two("No"), false);
    check(
        "count_change",
        "Change the count of [bell] to [1]",
        both(found(0.5, 0.5, 0.2, 0.31)),
        none(),
        true,
    );
    check(
        "count_change",
        "Change the count of [bell] to [two]",
        both(found(0.5, 0.5, 0.2, 0.31)),
        none(),
        false,
    );
    check("color_alter", "Change the color of [bell] to [red]", none(), two("well, yes"), true);
    check("color_alter", "Change the color of [bell] to [red]", none(), none(), false);
    check("text_change", "Add text '[Hi]' on the image", none(), one("It says HI."), true);
    check("style_change", "Make it red", none(), two("yes"), false);
}

#[test]
fn pools_rename_what_changes_color() {
    let words = PoolWords { colors: vec!["red".to_owned(), "blue".to_owned()], materials: Vec::new() };
    let objects = ["dark blue bell", "cup", "shelf"].map(str::to_owned);
    let foreground = BTreeMap::from([
        ("dark blue bell".to_owned(), true),
        ("cup".to_owned(), true),
        ("shelf".to_owned(), false),
    ]);
    let mut pool = ObjectPool::new(&objects, &foreground, &words);
    let state = pool.apply(TaskType::ColorAlter, "Change the color of [dark blue bell] to [red]");
    assert_eq!(
        (state.available, state.unchanged),
        (
            vec!["cup".to_owned(), "shelf".to_owned(), "dark red bell".to_owned()],
            vec!["cup".to_owned(), "shelf".to_owned()]
        )
    );
    let state = pool.apply(TaskType::BackgroundChange, "Change the background to [sea]");
    assert_eq!(state.instruction, "Change the background to sea, remain the cup, dark red bell unchanged");
    assert_eq!((state.available, state.bg_consistency), (vec!["cup".to_owned()], false));
    assert_eq!(state.all, ["dark blue bell", "cup", "shelf", "dark red bell"]);
}

#[test]
fn a_skipped_turn_moves_later_scores_forward() {
    let names: Vec<String> = (1..=2).map(|turn| turn_name(5, turn)).chain([base_name(5)]).collect();
    let table = parse_table("t", &ROWS.replace("['Remove old bell'],", "['Remove old bell,")).unwrap();
    let plan = plan_mode(Mode::Multipass, &names, &table, 2);
    let scores = TurnScores { followed: vec![true], ..TurnScores::default() };
    let rates = collect_rates(Mode::Multipass, &plan, 2, |_, _| Some(scores.clone()));
    assert_eq!(rates.image_rate[&5], [true]);
    assert_eq!(rates.instruction_following(1), Some(1.0));
    assert_eq!(multipass_table(&rates, 1).printed("overall_task_rate"), None);
    assert_eq!(multipass_table(&rates, 2).printed("background_change"), Some(100.0));
    let honest = count_honestly(&rates, &table.indices(), 2);
    assert_eq!((honest.n_ok, honest.n_unknown, honest.rate_of_known()), (0, 1, None));
    assert_eq!(derive_scores(&rates, 2, Reading::OfMeans), None);
}

#[test]
fn scores_are_read_from_a_file_and_broken_ones_are_refused() {
    const ITEMS: &str = r#"{"multipass": {"5": {"base_quality": {"sharpness": 1}, "1": {"if": [1], "quality": {"sharpness": null}},
        "2": {"if": [0], "consistency": {"object": {"object_dinov3_consistency_mean": 0.5, "object_l1_consistency_mean": null}}}}}}"#;
    let names: Vec<String> = (1..=N_TURNS).map(|turn| turn_name(5, turn)).chain([base_name(5)]).collect();
    let table = parse_table("t", ROWS).unwrap();
    let items = parse_items("items", ITEMS).unwrap();
    let reports = report_on_files(&table, &OutputNames::from([("multipass", names)]), &items);
    let [report] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!(report.rates.image_rate[&5], [true, false]);
    assert_eq!(report.turns[1].honest.n_failed, 1);
    assert_eq!(report.turns[1].table.printed("image_rate"), Some(0.0));
    let check = |from: &str, to: &str, expected: &str| {
        let error = parse_items("items", &ITEMS.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("[1]", "[2]", "turn 1 of image 5 has an `if` other than 0 and 1");
    check("\"2\":", "\"two\":", "turn two of image 5 has no number");
    check("\"5\"", "\"x\"", "invalid image index `x`");
    check("multipass", "onepass", "unknown mode `onepass`");
    check("\"if\": [0]", "\"of\": [0]", "missing field `if`");
}
