//! Python's `str.format`, as far as wordings use it, and the places of Jinja templates.

use super::WordingError;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FormatPiece<'a> {
    Literal(&'a str),
    /// The name or number between the braces.
    Place(String),
}

fn refuse<T>(what: String) -> Result<T, WordingError> {
    Err(WordingError::Format { what })
}

/// Splits a template of `str.format`: `{name}`, `{0}`, `{}`, and doubled braces for braces.
///
/// # Errors
/// At a brace alone, at a conversion, a format or a part of a value, and where numbers are given and left out.
pub(super) fn split_format(template: &str) -> Result<Vec<FormatPiece<'_>>, WordingError> {
    let mut pieces = Vec::new();
    let (mut n_unnamed, mut is_numbered) = (0_usize, false);
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        pieces.push(FormatPiece::Literal(&rest[..brace]));
        rest = &rest[brace..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            pieces.push(FormatPiece::Literal(&rest[..1]));
            rest = &rest[2..];
            continue;
        }
        let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            return refuse("an unmatched brace".to_owned());
        };
        if name.contains(['!', ':', '.', '[', '{']) {
            let name: String = name.chars().take(40).collect();
            return refuse(format!("`{{{name}}}` changes its value or takes a part of it"));
        }
        is_numbered |= name.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        pieces.push(FormatPiece::Place(if name.is_empty() {
            n_unnamed.to_string()
        } else {
            name.to_owned()
        }));
        n_unnamed += usize::from(name.is_empty());
        if is_numbered && n_unnamed > 0 {
            return refuse("some placeholders are numbered and some are not".to_owned());
        }
        rest = after;
    }
    pieces.push(FormatPiece::Literal(rest));
    Ok(pieces)
}

/// What a text becomes that was put into a template and is formatted along with it once more, with itself as the only
/// value: `template.format(text).format(text)`.
///
/// # Errors
/// Where Python would raise as well: at a brace alone and at `{name}`; and at places that change the value.
pub fn format_with_itself(text: &str) -> Result<String, WordingError> {
    let mut formatted = String::new();
    for piece in split_format(text)? {
        match piece {
            FormatPiece::Literal(literal) => formatted.push_str(literal),
            FormatPiece::Place(name) if name == "0" => formatted.push_str(text),
            FormatPiece::Place(name) => return refuse(format!("there is no value for `{{{name}}}`")),
        }
    }
    Ok(formatted)
}

/// Splits a Jinja template whose only tags are `{{ name }}`. One line end at its end is dropped, as Jinja does.
///
/// # Errors
/// At every other tag.
pub(super) fn split_jinja(template: &str) -> Result<Vec<FormatPiece<'_>>, WordingError> {
    let mut pieces = Vec::new();
    let mut rest = template.strip_suffix('\n').unwrap_or(template);
    while let Some(at) = rest.find('{').map(|at| at.min(rest.len())) {
        let tag = &rest[at..];
        if tag.starts_with("{%") || tag.starts_with("{#") {
            return refuse("Jinja statements and comments are not supported".to_owned());
        }
        let Some(inner) = tag.strip_prefix("{{") else {
            pieces.push(FormatPiece::Literal(&rest[..=at]));
            rest = &rest[at + 1..];
            continue;
        };
        let name = inner.split_once("}}").map(|(name, after)| (name.trim_matches(' '), after));
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        };
        let Some((name, after)) = name.filter(|(name, _)| is_name(name)) else {
            return refuse("a Jinja tag that is more than a name".to_owned());
        };
        pieces.push(FormatPiece::Literal(&rest[..at]));
        pieces.push(FormatPiece::Place(name.to_owned()));
        rest = after;
    }
    pieces.push(FormatPiece::Literal(rest));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: Python 3.11, `t = 'Is "{}"?'; t.format(p).format(p)`.
    #[test]
    fn a_text_formatted_with_itself_is_what_python_makes() {
        for (text, formatted) in
            [("a cat", "a cat"), ("a {} cat", "a a {} cat cat"), ("{{x}}", "{x}"), ("{0}{0}", "{0}{0}{0}{0}")]
        {
            assert_eq!(format_with_itself(text).unwrap(), formatted, "{text}");
        }
        for text in ["{x}", "{", "}", "{} {}", "{0} {}", "{0!r}", "{0.a}", "{0:>9}", "{1}"] {
            assert!(format_with_itself(text).is_err(), "{text}");
        }
    }

    // Reference: jinja2 3.1.
    #[test]
    fn jinja_drops_one_line_end_and_keeps_lone_braces() {
        use FormatPiece::{Literal, Place};
        let pieces = split_jinja("a {b} {{ name }}{{x}}\n\n").unwrap();
        let expected = [
            Literal("a {"),
            Literal("b} "),
            Place("name".to_owned()),
            Literal(""),
            Place("x".to_owned()),
            Literal("\n"),
        ];
        assert_eq!(pieces, expected);
        for text in ["{% if x %}", "{# x #}", "{{ a.b }}", "{{ x", "{{- x }}", "{{ x | f }}"] {
            assert!(split_jinja(text).is_err(), "{text}");
        }
    }
}
