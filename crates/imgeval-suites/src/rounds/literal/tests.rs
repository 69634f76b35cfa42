use super::*;

fn map(members: &[(&str, Literal)]) -> Literal {
    Literal::Map(
        members.iter().map(|(key, value)| (Literal::Text((*key).to_owned()), value.clone())).collect(),
    )
}

#[test]
fn python_literals_are_read_as_python_does() {
    let check = |text: &str, expected: Option<Literal>| assert_eq!(parse_python(text), expected, "{text:?}");
    let text = |text: &str| Some(Literal::Text(text.to_owned()));
    let integer = |value| Some(Literal::Integer(value));
    check(" 'it''s' \"x\"", text("itsx"));
    check("'a\\'b\\x41\\101\\u00e9\\q'", text("a'bAA\u{e9}\\q"));
    check("'''a\nb'''", text("a\nb"));
    check("r'\\n'", text("\\n"));
    check("'a\nb'", None);
    check("'open", None);
    check("f'x'", None);
    check("b'x'", Some(Literal::Other));
    check("'a' b'b'", None);
    check("1_000", integer(1000));
    check("0x1F", integer(31));
    check("00", integer(0));
    check("07", None);
    check("- 3", integer(-3));
    check("1e3", Some(Literal::Float(1000.0)));
    check("1.", Some(Literal::Float(1.0)));
    check(".5", Some(Literal::Float(0.5)));
    check("1e", None);
    check("2j", Some(Literal::Other));
    check("True", Some(Literal::Bool(true)));
    check("-True", None);
    check("nan", None);
    check("1, 2,", Some(Literal::Tuple(vec![Literal::Integer(1), Literal::Integer(2)])));
    check("(1)", integer(1));
    check("()", Some(Literal::Tuple(Vec::new())));
    check(
        "[1, # one\n 2,\n]  # end\n\n",
        Some(Literal::List(vec![Literal::Integer(1), Literal::Integer(2)])),
    );
    check("[,]", None);
    check("[1 2]", None);
    check("{'a': 1, 'a': 2,}", Some(map(&[("a", Literal::Integer(2))])));
    check("{[1]: 2}", None);
    check("{1, 2}", Some(Literal::Other));
    check("\n{}", Some(map(&[])));
    check("\n  {}", None);
    check("{}\n{}", None);
    check("{} {}", None);
    check("__import__('os')", None);
    check(&"[".repeat(100_000), None);
}

#[test]
fn json_is_read_as_python_does() {
    let check = |text: &str, expected: Option<Literal>| assert_eq!(parse_json(text), expected, "{text:?}");
    check(
        "{\"a\": 1, \"a\": [true, null]}",
        Some(map(&[("a", Literal::List(vec![Literal::Bool(true), Literal::None]))])),
    );
    check("\"\\ud83d\\ude00\\ud800\"", Some(Literal::Text("\u{1F600}\u{FFFD}".to_owned())));
    check("-Infinity", Some(Literal::Float(f64::NEG_INFINITY)));
    check("-1.5e-1", Some(Literal::Float(-0.15)));
    check("9223372036854775808", Some(Literal::Float(9_223_372_036_854_775_808.0)));
    for text in
        ["{\"a\": 1,}", "[1,]", "{,}", "07", "1.", "'a'", "\"a\nb\"", "1 2", "", "\u{FEFF}1", "{\"a\" 1}"]
    {
        check(text, None);
    }
    check(&"[".repeat(100_000), None);
}

#[test]
fn integers_are_read_as_python_does() {
    let check = |text: &str, expected: Option<i64>| assert_eq!(python_integer(text), expected, "{text:?}");
    check(" +1_0\n", Some(10));
    check("-7", Some(-7));
    for text in ["", "1.0", "1__0", "_1", "+-1", "0x1", "- 1"] {
        check(text, None);
    }
    assert_eq!(Literal::Float(-1.9).to_integer(), Some(-1));
    assert_eq!(Literal::Float(f64::NAN).to_integer(), None);
}
