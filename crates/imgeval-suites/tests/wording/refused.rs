//! What cannot be read for certain is refused by name and line, and never read otherwise.

use std::{collections::BTreeMap, fs, path::Path};

use imgeval_suites::{
    judged::Field,
    wise::{Edition, read_protocol},
    wording::{Argument, Compose, Place, PythonSource, Step, WordingFiles, repr_json},
};
use serde_json::json;

fn error_of(source: &str, place: &Place) -> String {
    let error = PythonSource::parse(source).and_then(|source| source.text(place));
    error.unwrap_err().to_string()
}

#[test]
fn a_name_with_more_than_one_value_is_refused() {
    let error = |source: &str| error_of(source, &Place::named("a"));
    for (source, line, what) in [
        ("a = 'x'\na = 'y'", 0, "different values, in lines 1, 2"),
        ("if b: a = 'x'\nelse: a = 'y'", 0, "different values, in lines 1, 2"),
        ("a = 'x'\na += 'y'", 2, "more than one value"),
        ("a = 'x'\nfor a in b: pass", 2, "another value"),
        ("a = 'x'\na, c = b", 2, "another value"),
        ("a = 'x'\nwith b as a: pass", 2, "another value"),
        ("a = 'x'\nimport c as a", 2, "another value"),
        ("a = 'x'\nfrom c import *", 2, "another value"),
        ("a = 'x'\ndef a(): pass", 2, "another value"),
        ("a = 'x'\ndel a", 2, "another value"),
        ("a = 'x'\nb = [a := c]", 2, "another value"),
        ("a = 'x'\ndef f():\n  global a\n  a = 'y'", 0, "different values, in lines 1, 4"),
        ("a = 'x'\ndef f():\n  global a\n  a += 'y'", 4, "more than one value"),
        ("a = 'x'\nglobals()['a'] = 'y'", 1, "set out of sight"),
        ("a = b\nb = a", 0, "names that refer to each other"),
        ("a = c", 1, "`c`"),
        ("a = {'k': 'v'}", 1, "a dict"),
        ("a = 'x' 'y' % b", 1, "formatting with `%`"),
        ("a = b'x'", 1, "bytes"),
        ("b = 'x'", 0, "there is no `a`"),
    ] {
        let found = error(source);
        assert!(found.contains(what), "{source}: {found}");
        assert!(
            line == 0 || found.contains(&format!("line {line}")) || what.contains("out of sight"),
            "{source}: {found}"
        );
    }
}

#[test]
fn the_same_value_twice_is_certain() {
    let text = |source: &str| {
        let text = PythonSource::parse(source).unwrap().text(&Place::named("a")).unwrap();
        text.constant().unwrap().to_owned()
    };
    assert_eq!(text("if b: a = 'x'\nelse: a = \"x\""), "x");
    assert_eq!(text("from c import *\na = 'x'\ndef f(a): a = 'y'"), "x");
    assert_eq!(text("b = 'x'\na = b\n"), "x");
    assert_eq!(text("a = 'x'\nclass C:\n  a = 'y'\n"), "x");
    assert_eq!(text("a: str = (\n'x'\n)\nb = a.replace('x', 'y')"), "x");
}

#[test]
fn dicts_that_are_changed_and_attributes_set_elsewhere_are_refused() {
    let dict = Place::named("a").at(&[Step::Key("k")]);
    for change in ["a['k'] = 'w'", "a.update(k='w')", "def f():\n  a['k'] = 'w'", "del a['k']", "a |= b"] {
        let error = error_of(&format!("a = {{'k': 'v'}}\n{change}"), &dict);
        assert!(error.contains("line 2") || error.contains("line 3"), "{change}: {error}");
    }
    let attribute = Place::named("a").within("C");
    let error = error_of("class C:\n  a = 'x'\n  def f(self):\n    self.a = 'y'", &attribute);
    assert!(error.contains("another value in line 4"), "{error}");
}

#[test]
fn hostile_sources_end_in_time() {
    let read = |source: &str| {
        PythonSource::parse(source).and_then(|source| source.text(&Place::named("a"))).is_err()
            && read_protocol(Edition::Legacy, source).is_err()
    };
    assert!(read(&format!("a = {}{}", "[".repeat(20_000), "]".repeat(20_000))));
    assert!(read(&format!("a = f'{}", "{f'".repeat(20_000))));
    assert!(read(&"if x:".repeat(10_000)));
    assert!(read(&format!("a = {}", "x.".repeat(10_000))));
    let names: String = (0..500).map(|index| format!("a{index} = a{}\n", index + 1)).collect();
    assert!(read(&format!("a = a0\n{names}")));
    assert!(read(&"x".repeat(5 << 20)));
    let mut files = WordingFiles::default();
    assert!(files.add_yaml("y", &"[".repeat(100_000)).is_err());
    assert!(files.add_yaml("y", "a: &x b\nc: *x\n").is_err());
    assert!(files.add_json("j", &"[".repeat(100_000)).is_err());
}

#[test]
fn yaml_that_readers_take_differently_is_refused() {
    let error = |source: &str| {
        let mut files = WordingFiles::default();
        files
            .add_yaml("y", source)
            .and_then(|()| files.text("y", &Place::named("a")))
            .unwrap_err()
            .to_string()
    };
    for (source, what) in [
        ("a: yes\n", "may not be a string"),
        ("a: 1.5\n", "may not be a string"),
        ("a:\n", "may not be a string"),
        ("a: !x b\n", "an anchor or a tag"),
        ("a: b\na: c\n", "twice"),
        ("<<: b\n", "a key that is not a string"),
        ("a: b\n---\na: c\n", "a second document"),
        ("a: \"b\u{2028}c\"\n", "a line end of Unicode"),
        ("a: [b\n", "not valid YAML"),
        ("b: c\n", "there is no `a`"),
    ] {
        let found = error(source);
        assert!(found.contains(what), "{source}: {found}");
    }
}

/// The snippets that the reader before this one could not read, or read wrongly without an error.
#[test]
fn forms_that_once_were_read_wrongly_are_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/wording/unsupported");
    if !folder.is_dir() {
        return;
    }
    let mut files = WordingFiles::default();
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = fs::read_to_string(folder.join(&name)).unwrap();
        match name.rsplit_once('.').unwrap().1 {
            "py" => {
                files.add_python(&name[..2], &text).unwrap();
                // None of them is a question about one image with prompt and explanation.
                let error = read_protocol(Edition::Legacy, &text);
                assert!(error.is_err(), "{name}: {error:?}");
            }
            "yaml" => files.add_yaml(&name[..2], &text).unwrap(),
            _ => continue,
        }
        names.push(name);
    }
    assert_eq!(names.len(), 24);

    const TEXT_0: &[Step] = &[Step::Item(0), Step::Key("content"), Step::Item(0), Step::Key("text")];
    const TEXT_1: &[Step] = &[Step::Item(0), Step::Key("content"), Step::Item(1), Step::Key("text")];
    let returned = |file, steps| Compose::Of(file, Place::returned("build").at(steps));
    let named = |file, name| Compose::Of(file, Place::named(name));
    let points = repr_json(&json!(["a", "b's"]));
    let values: BTreeMap<Field, &str> = BTreeMap::from([
        (Field::Prompt, "{p}"),
        (Field::Instruction, "<edit_prompt>"),
        (Field::Question, "Q?"),
        (Field::Questions, "##LINES##"),
        (Field::TestPoints, points.as_str()),
        (Field::Criteria, "['{c}']"),
    ]);
    let read = |compose: &Compose, facts: &[(&str, &str)]| {
        let template = compose.template(&files, &facts.iter().copied().collect())?;
        Ok::<_, imgeval_suites::wording::WordingError>(template.bind(&values).unwrap())
    };
    let check = |compose: Compose, text: &str| {
        assert_eq!(read(&compose, &[]).unwrap_or_else(|error| panic!("{compose:?}: {error}")), text);
    };
    let refused = |compose: Compose, what: &str| {
        let error = read(&compose, &[]).unwrap_err().to_string();
        assert!(error.contains(what), "{compose:?}: {error}");
    };

    check(returned("01", TEXT_1), "Count the oars.");
    check(
        Compose::Replace(&named("02", "song"), &[("##LINES##", Field::Questions)]),
        "Sing ##LINES## twice.",
    );
    let sent = Place::named("messages").within("send").at(TEXT_0);
    refused(Compose::Of("02", sent), "a parameter of the same name");
    check(
        Compose::Replace(&named("03", "song"), &[("<edit_prompt>", Field::Instruction)]),
        "Row to <edit_prompt>.",
    );
    refused(named("04", "songs"), "a call of `load`");
    refused(Compose::Of("05", Place::named("self.song").within("Crew.__init__")), "a call of `join`");
    let appended = |file, call, nth| {
        let text = Place::argument(call, Argument::At(0)).within("build").nth(nth);
        Compose::Of(file, text.at(&[Step::Key("text")]))
    };
    check(appended("06", "content.append", 0), "Oars up.");
    refused(returned("06", TEXT_0), "a value that is changed");
    // The list is changed through a subscript, which names no call.
    refused(returned("07", TEXT_0), "a call of");
    refused(
        Compose::Of("07", Place::named("messages").within("build").at(TEXT_0)),
        "a value that is changed",
    );
    refused(returned("08", TEXT_0), "a sum");
    check(returned("09", TEXT_0), "Oars out.");
    check(returned("10", TEXT_0), "Look.");
    let meaning = files.text("11", &Place::named("MEANING").at(&[Step::Key("bow")])).unwrap();
    let line = files.text("11", &Place::extended("out").within("text")).unwrap();
    assert_eq!(
        line.fill(&[("p", "bow"), ("MEANING[p]", meaning.constant().unwrap())]).unwrap(),
        "\nbow: front"
    );
    refused(returned("11", TEXT_0), "a call of `text`");
    refused(Compose::Of("11", Place::named("out").within("text")), "more than one value");
    check(
        Compose::Format(&named("12", "T"), &[("testpoint", Field::TestPoints)]),
        "Check ['a', \"b's\"] now.",
    );
    let once = Compose::Of("13", Place::named("once").within("build").at(&[Step::Before("format")]));
    let once = Compose::Format(&once, &[("0", Field::Prompt)]);
    check(once, "Is \"{p}\" afloat?");
    let twice = Compose::Format(&once, &[("0", Field::Prompt)]);
    let twice = twice.template(&files, &BTreeMap::new()).unwrap();
    assert_eq!(twice.render_source(), "Is \"{formatted_prompt}\" afloat?");
    let fields = &[("x", Field::Instruction)];
    let (a, b) = (named("14", "A"), named("14", "B"));
    let (a, b) = (Compose::Format(&a, fields), Compose::Format(&b, fields));
    let choice = &[("row", a), ("sail", b)];
    let choice = Compose::Choice("kind", choice);
    assert_eq!(read(&choice, &[("kind", "row")]).unwrap(), "Row <edit_prompt>.");
    assert_eq!(read(&choice, &[("kind", "sail")]).unwrap(), "Sail <edit_prompt>.");
    refused(choice, "`kind`");
    refused(returned("14", TEXT_0), "different values");
    check(Compose::Of("15", Place::named("messages").within("build").at(TEXT_0)), "Name the boat.");
    refused(Compose::Of("15", Place::named("more").within("build")), "a sum");
    check(named("16", "b"), "Sail.");
    refused(Compose::Of("16", Place::named("song").within("build")), "a call of `choice`");
    check(Compose::Format(&named("17", "song"), &[("prompt", Field::Prompt)]), "Row {gently} to {p}.");
    check(Compose::Join("\n", &[named("18", "T"), Compose::Text("x")]), "Row.\nx");
    check(Compose::Of("19", Place::returned("second").at(TEXT_0)), "Sails?");
    let talk = Place::argument("messages.append", Argument::At(0)).within("build").at(TEXT_0);
    check(Compose::Holes(&Compose::Of("20", talk), &[("question", Field::Question)]), "Q?. Row or sail.");
    refused(Compose::Of("20", talk), "the placeholder `{question}`");
    // Text alone says nothing of images: which ones are shown, the suite declares.
    check(returned("21", TEXT_0), "Row.");
    check(Compose::Holes(&returned("22", TEXT_0), &[("['question']", Field::Question)]), "Row \"Q?\"");
    check(returned("23", TEXT_0), "Row.");
    for (file, what) in [("21", "not a data URL"), ("23", "")] {
        let name = names.iter().find(|name| name.starts_with(file)).unwrap();
        let source = PythonSource::parse(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
        let messages = source.messages(&Place::returned("build"));
        assert!(messages.as_ref().err().is_none_or(|error| error.to_string().contains(what)), "{messages:?}");
        assert_eq!(messages.is_err(), file == "21");
    }
    check(named("24", "system_prompt"), "Row over the lake.\n");
    let user = Place::named("user_prompt").at(&[Step::Item(0), Step::Key("text")]);
    check(
        Compose::Jinja(&Compose::Of("24", user), &[("instruction", Field::Instruction)]),
        "Harbour: <edit_prompt>",
    );
}
