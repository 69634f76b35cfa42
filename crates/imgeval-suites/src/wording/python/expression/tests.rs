use super::{super::tokens::split_lines, *};
use crate::wording::{Piece, Text};

fn read(source: &str) -> Value {
    let lines = split_lines(source).unwrap();
    parse(&lines[0].tokens, 1).unwrap().value
}

fn text(source: &str) -> String {
    let Value::Text(text) = read(source) else { panic!("{source}: {:?}", read(source)) };
    text.constant().unwrap().to_owned()
}

// Reference: what Python 3.11 prints for the same expressions.
#[test]
fn literals_have_the_values_that_python_gives_them() {
    for (source, value) in [
        (r#""a" 'b'  """c""" r'\n' u'd'"#, "abc\\nd"),
        ("('a'\n 'b' # c\n 'd')", "abd"),
        ("'''\\\na \\\nb\n'''", "a b\n"),
        (
            r"'\x41\u00e9\U0001f600\101\0\777 \' \q \a\b\f\v\r\t'",
            "A\u{e9}\u{1f600}A\0\u{1ff} ' \\q \u{7}\u{8}\u{c}\u{b}\r\t",
        ),
        (r"f'{{a}} \{{b}}'", "{a} \\{b}"),
        (r#"rf"\d{{1}}""#, r"\d{1}"),
        (r#"r"a\"b\\""#, r#"a\"b\\"#),
        ("'a' + \"b\" + ('c')", "abc"),
    ] {
        assert_eq!(text(source), value, "{source}");
    }
}

#[test]
fn format_strings_are_read_in_pieces() {
    let Value::Text(text) = read("f'a {x} b {d[\"K\"]} {d.get( \"L\" )!s} {a. b(1)}' '{y}'") else {
        panic!()
    };
    let holes: Vec<_> = text
        .pieces()
        .iter()
        .filter_map(|piece| match piece {
            Piece::Hole(hole) => Some((hole.expression.as_str(), hole.key.as_deref())),
            Piece::Literal(_) => None,
        })
        .collect();
    assert_eq!(holes, [("x", None), ("d['K']", Some("K")), ("d.get('L')", Some("L")), ("a.b(1)", None)]);
    assert_eq!(text.pieces().last(), Some(&Piece::Literal("{y}".to_owned())));
}

#[test]
fn what_would_have_to_be_run_is_no_text() {
    for (source, what) in [
        ("b'a'", "bytes"),
        ("'a' b'b'", "bytes"),
        ("'a' % b", "formatting with `%`"),
        ("'a' if b else 'c'", "a choice"),
        ("'a', 'b'", "several values"),
        ("'a',", "several values"),
        ("'a' + b", "a sum"),
        ("'a' * 3", "an operator other"),
        ("f'{x!r}'", "a conversion or a format"),
        ("f'{x:>3}'", "a conversion or a format"),
        ("f'{x=}'", "a conversion or a format"),
        ("f'}'", "an unmatched closing brace"),
        ("'\\N{BULLET}'", "a character by its name"),
        ("'\\ud83d'", "does not name a character"),
        ("'\\x4'", "does not name a character"),
        ("'abc'[0]", "a slice"),
        ("[a for a in b]", "a comprehension"),
        ("{a: b for a in b}", "dict"),
        ("{'a': b for a in b}", "a comprehension"),
        ("[*a, 'b']", "a list with `*`"),
        ("(*a, 'b')", "a list with `*`"),
        ("{'a': 'b', **c}", "a dict with `**`"),
        ("{'a': 'b', c: 'd'}", "keys are not constants"),
        ("{'a': 'b', 'a': 'd'}", "the key `a` twice"),
        ("dict(a, b=1)", "a call of `dict`"),
        ("{'a', 'b'}", "a set"),
        ("lambda: 'a'", "something computed"),
    ] {
        let Value::Other(found) = read(source) else { panic!("{source}: {:?}", read(source)) };
        assert!(found.contains(what), "{source}: {found}");
    }
}

#[test]
fn what_stands_beside_the_unreadable_is_read() {
    let Value::List(items) = read("['a' % b, dict(k='v', n=None), {'x': 1, 2: 'y'}]") else { panic!() };
    assert!(matches!(items[0].value, Value::Other(_)));
    let Value::Map(members) = &items[1].value else { panic!("{items:?}") };
    assert_eq!(members[0], ("k".to_owned(), Node { line: 9, value: Value::Text(Text::literal("v")) }));
    assert!(matches!(&items[2].value, Value::Map(members) if members.len() == 1));
    let Value::Method { base, method } = read("'{}'.format(x)") else { panic!() };
    assert_eq!((base.value, method.as_str()), (Value::Text(Text::literal("{}")), "format"));
}

#[test]
fn nesting_is_bounded() {
    for source in [
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("x{}", "()".repeat(100_000)),
        format!("{{{}", "'a':{".repeat(1_000)) + &"}".repeat(1_001),
    ] {
        let lines = split_lines(&source).unwrap();
        assert!(parse(&lines[0].tokens, 1).is_err());
    }
}
