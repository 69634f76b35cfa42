//! One declaration for every form of the benchmarks' files.

use imgeval_suites::{
    judged::{Attachment, Field, MessagePart},
    wording::{Argument, Compose, Place, Step, WordingFiles},
};

use super::{bind, compose, expected, files, fixture};

const fn named<'a>(file: &'a str, name: &'a str) -> Compose<'a> {
    Compose::Of(file, Place::named(name))
}

/// Checks the texts of a stand-in in order.
fn check(name: &str, files: &WordingFiles, texts: &[Compose]) {
    let expected = expected();
    let found: Vec<String> = texts.iter().map(|text| compose(text, files, &[])).collect();
    assert_eq!(serde_json::json!(found), expected[name], "{name}");
}

/// As the suite GEdit-Bench will declare it.
mod gedit {
    use super::*;

    const PROMPTS: &str = "gedit.py";
    const CONTEXT: Compose = named(PROMPTS, "_context_no_delimit");
    const SC: Compose = Compose::Replace(
        &Compose::Join(
            "\n",
            &[
                CONTEXT,
                named(PROMPTS, "_prompts_0shot_two_image_edit_rule"),
                named(PROMPTS, "_prompts_0shot_tie_rule_SC"),
            ],
        ),
        &[("<instruction>", Field::Instruction)],
    );
    const PQ: Compose = Compose::Join("\n", &[CONTEXT, named(PROMPTS, "_prompts_0shot_rule_PQ")]);

    #[test]
    fn gedit_joins_constants_and_replaces_the_mark() {
        let files = files(&[PROMPTS]);
        check("gedit", &files, &[SC, PQ]);
        let message = |text: &Compose, images: &[Attachment]| -> Vec<MessagePart> {
            let text = MessagePart::Text(text.template(&files, &Default::default()).unwrap());
            std::iter::once(text).chain(images.iter().copied().map(MessagePart::Image)).collect()
        };
        let asked =
            [message(&SC, &[Attachment::Source, Attachment::Answer]), message(&PQ, &[Attachment::Answer])];
        assert_eq!(asked.map(|message| message.len()), [3, 2]);
        let attribute = Place::named("self.SC_prompt").within("Judge.__init__");
        let error = files.text(PROMPTS, &attribute).unwrap_err().to_string();
        assert!(error.contains("a call of `join`") || error.contains("different values"), "{error}");
    }
}

#[test]
fn corebench_has_an_escape_and_a_format_string_twice() {
    let file = "corebench.py";
    let template = named(file, "TEMPLATE");
    let holes = &[("METADATA['Prompt']", Field::Prompt), ("['question']", Field::Question)];
    let first = Compose::Of(file, Place::named("TEXT").within("ask_first"));
    let second = Compose::Of(file, Place::named("TEXT").within("ask_second"));
    let (first, second) = (Compose::Holes(&first, holes), Compose::Holes(&second, holes));
    check("corebench", &files(&[file]), &[template, first, Compose::Join("\n", &[template, second])]);
}

#[test]
fn genarena_has_labels_in_its_calls() {
    let file = "genarena.py";
    let label = |nth| {
        let text = Place::argument("content.append", Argument::At(0)).within("build_prompt").nth(nth);
        Compose::Of(file, text.at(&[Step::Key("text")]))
    };
    let files = files(&[file]);
    let expected = expected();
    for (nth, at) in [(1, 1), (3, 3), (5, 4), (7, 5)] {
        assert_eq!(compose(&label(nth), &files, &[]), expected["genarena"][at]);
    }
    assert_eq!(compose(&named(file, "PROMPT_TEXT"), &files, &[]), expected["genarena"][0]);
    // The instruction is a parameter, and an image is made by a function.
    for nth in [2, 4] {
        assert!(label(nth).template(&files, &Default::default()).is_err(), "{nth}");
    }
}

#[test]
fn geneval2_formats_once_and_twice() {
    let file = "geneval2.py";
    let before = &[Step::Before("format")];
    let call = Place::argument("send_message_with_image", Argument::At(1)).within("score");
    let question = Compose::Of(file, call.at(before));
    let prompt = Compose::Of(file, Place::named("text").within("score").at(before));
    let once = Compose::Format(&prompt, &[("0", Field::Prompt)]);
    check(
        "geneval2",
        &files(&[file]),
        &[
            Compose::Format(&question, &[("0", Field::Question)]),
            Compose::Format(&once, &[("0", Field::Prompt)]),
        ],
    );
}

#[test]
fn genexam_and_kris_format_with_doubled_braces_or_not_at_all() {
    let (exam, kris) = ("genexam.py", "kris.py");
    let fields = &[("prompt", Field::Prompt), ("scoring_points", Field::ScoringPoints)];
    check("genexam", &files(&[exam]), &[Compose::Format(&named(exam, "prompt_for_eval"), fields)]);
    let consistency = named(kris, "prompt_consistency");
    let label = Place::argument("message['content'].append", Argument::At(0)).within("common").nth(1);
    let label = Compose::Of(kris, label.at(&[Step::Key("text")]));
    let quality = Place::argument("messages[0]['content'].extend", Argument::At(0)).within("quality");
    let quality = Compose::Of(kris, quality.at(&[Step::Item(0), Step::Key("text")]));
    check(
        "kris",
        &files(&[kris]),
        &[
            Compose::Format(
                &consistency,
                &[("instruct", Field::Instruction), ("explanation", Field::Explanation)],
            ),
            label,
            quality,
        ],
    );
}

#[test]
fn imgedit_chooses_by_the_type_of_edit() {
    let (texts, script) = ("imgedit.json", "imgedit.py");
    let mark = &[("<edit_prompt>", Field::Instruction)];
    let by_type = Compose::Choice(
        "edit_type",
        &[("replace", named(texts, "replace")), ("style", named(texts, "style"))],
    );
    let by_type = Compose::Replace(&by_type, mark);
    let files = files(&[texts, script]);
    let expected = expected();
    for (at, kind) in ["replace", "style"].into_iter().enumerate() {
        assert_eq!(compose(&by_type, &files, &[("edit_type", kind)]), expected["imgedit"][at]);
    }
    let constant = named(script, "prompt");
    assert_eq!(compose(&Compose::Replace(&constant, mark), &files, &[]), expected["imgedit"][2]);
    let error = by_type.template(&files, &[("edit_type", "add")].into()).unwrap_err().to_string();
    assert!(error.contains("`edit_type`"), "{error}");
    let error = Compose::Replace(&constant, &[("<x>", Field::Prompt)]).template(&files, &Default::default());
    assert_eq!(error.unwrap_err().to_string(), "the text does not contain `<x>`, which should be replaced");
}

#[test]
fn longtext_and_oneig_have_literals_side_by_side() {
    let (long, oneig) = ("longtext.py", "oneig.py");
    let place = Place::named("self.qwen_prompt").within("ImageEvaluator.__init__");
    check("longtext", &files(&[long]), &[Compose::Of(long, place)]);
    const TEXT: &[Step] = &[Step::Item(0), Step::Key("content"), Step::Item(1), Step::Key("text")];
    let semantic =
        Place::argument("messages.append", Argument::At(0)).within("BatchInferencer.infer_semantic");
    let semantic = Compose::Of(oneig, semantic.at(TEXT));
    let text = Compose::Of(oneig, Place::named("self.TEXT_PROMPT").within("BatchInferencer.__init__"));
    check("oneig", &files(&[oneig]), &[Compose::Holes(&semantic, &[("question", Field::Question)]), text]);
}

#[test]
fn risebench_formats_with_the_reference() {
    let file = "risebench.py";
    let fields = &[("instruct", Field::Instruction), ("reference", Field::Reference)];
    check(
        "risebench",
        &files(&[file]),
        &[
            Compose::Format(&named(file, "prompt_logical_txt"), fields),
            Compose::Format(&named(file, "prompt_reasoning"), fields),
            named(file, "prompt_generation"),
        ],
    );
}

#[test]
fn t2ireason_talks() {
    let file = "t2ireason.py";
    let of = |name| Compose::Of(file, Place::named(name).within("talk"));
    let second = of("q2");
    let second = Compose::Holes(&second, &[("qs_boat_question_criteria", Field::Criteria)]);
    let files = files(&[file]);
    let template = |text: &Compose| text.template(&files, &Default::default()).unwrap();
    let reply = imgeval_suites::judged::Template::parse("{first_reply}").unwrap();
    let message = [
        MessagePart::Image(Attachment::Answer),
        MessagePart::Text(template(&of("q1"))),
        MessagePart::Assistant(reply),
        MessagePart::Text(template(&second)),
    ];
    let texts: Vec<String> = message.iter().filter_map(MessagePart::template).map(bind).collect();
    assert_eq!(serde_json::json!(texts), expected()["t2ireason"]);
}

#[test]
fn tiif_replaces_a_mark_in_constants_that_a_parameter_hides() {
    let file = "tiif.py";
    let system = Place::named("messages").within("generate_with_prompt");
    let system = system.at(&[Step::Item(0), Step::Key("content")]);
    let mark = &[("##YNQuestions##", Field::Questions)];
    check(
        "tiif",
        &files(&[file]),
        &[
            Compose::Of(file, system),
            Compose::Replace(&named(file, "raw_prompt"), mark),
            Compose::Replace(&named(file, "raw_prompt_1"), mark),
        ],
    );
    // What the function sends is its caller's.
    let sent = Place::named("messages").within("generate_with_prompt");
    let steps = &[Step::Item(1), Step::Key("content"), Step::Item(0), Step::Key("text")];
    let error = files(&[file]).text(file, &sent.at(steps)).unwrap_err().to_string();
    assert!(error.contains("a parameter of the same name"), "{error}");
}

#[test]
fn unigenbench_builds_texts_in_loops_over_dicts() {
    let file = "unigenbench.py";
    let files = files(&[file]);
    let expected = expected();
    let (case, wanted) = (&expected["case"], expected["unigenbench"][0].as_str().unwrap());
    let config = |key| {
        Place::named("LANG_CONFIGS").at(match key {
            "header" => &[Step::Key("en"), Step::Key("header")],
            _ => &[Step::Key("en"), Step::Key("system_prompt_template")],
        })
    };
    let header = files.text(file, &config("header")).unwrap();
    fn of(name: &str) -> Place<'_> {
        Place::named(name).within("build_system_prompt").nth(0)
    }
    fn line(name: &str, nth: usize) -> Place<'_> {
        Place::extended(name).within("build_system_prompt").nth(nth)
    }
    let text = |place: &Place| files.text(file, place).unwrap();
    let built = |name: &str, meaning: &str, meanings: &[String]| {
        let head = text(&of(name)).fill(&[("config['header']", header.constant().unwrap())]).unwrap();
        let lines = case["testpoint"].as_array().unwrap().iter().zip(meanings).map(|(point, words)| {
            text(&line(name, 0)).fill(&[("point", point.as_str().unwrap()), (meaning, words)]).unwrap()
        });
        head + &lines.collect::<String>() + text(&line(name, 1)).constant().unwrap()
    };
    let meanings = ["Bow", "Stern"].map(|point| {
        text(&Place::named("EXPLANATION_DICT_EN").at(&[Step::Key(point)])).constant().unwrap().to_owned()
    });
    let descriptions: Vec<String> =
        case["test_desc"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    let explanation = built("explanation", "config['explanation_dict'][point]", &meanings);
    let test_explanation = built("test_explanation", "test_desc[idx]", &descriptions);
    let template = Compose::Of(file, config("template"));
    let fields = &[
        ("prompt", Field::Prompt),
        ("testpoint", Field::TestPoints),
        ("explanation", Field::Explanation),
        ("test_explanation", Field::TestExplanation),
    ];
    let template = Compose::Format(&template, fields).template(&files, &Default::default()).unwrap();
    let points = imgeval_suites::wording::repr_json(&case["testpoint"]);
    let values = [
        (Field::Prompt, case["prompt"].as_str().unwrap()),
        (Field::TestPoints, points.as_str()),
        (Field::Explanation, explanation.as_str()),
        (Field::TestExplanation, test_explanation.as_str()),
    ];
    assert_eq!(template.bind(&values.into()).unwrap(), wanted);
}

#[test]
fn geditbench2_is_yaml_with_jinja() {
    let file = "geditbench2.yaml";
    let text = |index: usize| -> &'static [Step<'static>] {
        match index {
            0 => &[Step::Item(0), Step::Key("text")],
            _ => &[Step::Item(2), Step::Key("text")],
        }
    };
    let part = |index| Compose::Of(file, Place::named("user_prompt").at(text(index)));
    let (first, second) = (part(0), part(1));
    let field = &[("instruction", Field::Instruction)];
    let names = ["system_prompt", "folded", "quoted", "single", "kept", "stripped", "deeper"];
    let mut texts = names.map(|name| named(file, name)).to_vec();
    texts.extend([Compose::Jinja(&first, field), Compose::Jinja(&second, field)]);
    check("geditbench2", &files(&[file]), &texts);
    let error = files(&[file]).text(file, &Place::named("user_prompt")).unwrap_err().to_string();
    assert_eq!(error, "`user_prompt` is not a string");
}

#[test]
fn every_stand_in_reads_alike_with_other_line_ends() {
    let text = fixture("gedit.py");
    let mut crlf = WordingFiles::default();
    crlf.add_python("gedit.py", &text.replace('\n', "\r\n")).unwrap();
    let place = Place::named("_prompts_0shot_tie_rule_SC");
    assert_eq!(crlf.text("gedit.py", &place), files(&["gedit.py"]).text("gedit.py", &place));
}
