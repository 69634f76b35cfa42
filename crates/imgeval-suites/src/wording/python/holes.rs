//! Where string literals and the placeholders in them end.

/// Format strings in placeholders of format strings are nested no deeper.
const MAX_DEPTH: usize = 8;

/// A placeholder, by positions behind its opening brace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HoleSpan {
    /// Where its expression ends.
    pub(super) expression: usize,
    /// Where its closing brace stands.
    pub(super) end: usize,
    /// Whether `=`, a conversion or a format stands between the two.
    pub(super) changes_value: bool,
}

/// How many bytes stand before the closing quote. Within the braces of a format string quotes belong to the expression,
/// as from Python 3.12 on; before, the closing quote could not occur there.
pub(super) fn text_length(rest: &[u8], quote: &[u8], is_raw: bool, is_format: bool) -> Option<usize> {
    end_of_text(rest, quote, is_raw, is_format, 0)
}

fn end_of_text(rest: &[u8], quote: &[u8], is_raw: bool, is_format: bool, depth: usize) -> Option<usize> {
    let mut position = 0;
    while let Some(byte) = rest.get(position) {
        let next = rest.get(position + 1);
        position += match byte {
            _ if rest[position..].starts_with(quote) => return Some(position),
            b'\\' if is_format && !is_raw && rest[position..].starts_with(b"\\N{") => {
                rest[position..].iter().position(|byte| *byte == b'}')? + 1
            }
            b'\\' if is_format && matches!(next, Some(b'{' | b'}')) => 1,
            b'\\' => 2,
            b'\n' if quote.len() == 1 => return None,
            b'{' if is_format && next == Some(&b'{') => 2,
            b'{' if is_format => scan_hole(&rest[position + 1..], depth)?.end + 2,
            _ => 1,
        };
    }
    None
}

/// Reads a placeholder behind its opening brace; `None` if it is not closed or cannot be told for certain.
pub(super) fn scan_hole(rest: &[u8], depth: usize) -> Option<HoleSpan> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut closers = Vec::new();
    let mut position = 0;
    while let Some(byte) = rest.get(position) {
        let next = rest.get(position + 1);
        match byte {
            b'"' | b'\'' => {
                let letters =
                    rest[..position].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
                let prefix = rest[position - letters..position].to_ascii_lowercase();
                let length = if rest[position..].starts_with(&[*byte; 3]) { 3 } else { 1 };
                let quote = &rest[position..position + length];
                let (is_raw, is_format) = (prefix.contains(&b'r'), prefix.contains(&b'f'));
                let inner = &rest[position + length..];
                position += 2 * length + end_of_text(inner, quote, is_raw, is_format, depth + 1)?;
                continue;
            }
            b'(' => closers.push(b')'),
            b'[' => closers.push(b']'),
            b'{' => closers.push(b'}'),
            b'}' if closers.is_empty() => {
                return Some(HoleSpan { expression: position, end: position, changes_value: false });
            }
            b')' | b']' | b'}' if closers.pop() != Some(*byte) => return None,
            b'#' | b'\\' => return None,
            b'=' | b'!' | b'<' | b'>' if closers.is_empty() && next == Some(&b'=') => position += 1,
            b'!' | b':' | b'=' if closers.is_empty() => {
                let end = position + end_of_format(&rest[position..], depth)?;
                return Some(HoleSpan { expression: position, end, changes_value: true });
            }
            _ => {}
        }
        position += 1;
    }
    None
}

/// Where the brace stands that closes a conversion or a format, which may hold placeholders itself.
fn end_of_format(rest: &[u8], depth: usize) -> Option<usize> {
    let mut position = 0;
    while let Some(byte) = rest.get(position) {
        position += match byte {
            b'}' => return Some(position),
            b'{' => scan_hole(&rest[position + 1..], depth + 1)?.end + 2,
            b'\n' | b'\\' => return None,
            _ => 1,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_braces_within_placeholders_do_not_end_the_text() {
        let length = |body: &str| text_length(body.as_bytes(), b"\"", false, true);
        for body in [
            "a{b['}']}c",
            "{b[\"k\"]}",
            "{f\"{x}\"}",
            "{{{x}}}",
            "{x!r:>{w}}",
            "\\{x}",
            "{a != b}",
            "{ {1: 2}[1] }",
            "\\N{DASH}",
        ] {
            assert_eq!(length(&format!("{body}\"rest\"}}")), Some(body.len()), "{body}");
        }
        assert_eq!(length("{x\""), None);
        assert_eq!(length("{x)}\""), None);
        let deep = "{f'".repeat(10_000);
        assert_eq!(length(&deep), None);
    }

    #[test]
    fn what_changes_a_value_is_told_from_the_expression() {
        let scan =
            |text: &str| scan_hole(text.as_bytes(), 0).map(|span| (span.expression, span.changes_value));
        assert_eq!(scan("x}"), Some((1, false)));
        assert_eq!(scan("x!r}"), Some((1, true)));
        assert_eq!(scan("x=}"), Some((1, true)));
        assert_eq!(scan("x == y}"), Some((6, false)));
        assert_eq!(scan("x:{w}}"), Some((1, true)));
        assert_eq!(scan("d['a:b!']}"), Some((9, false)));
        assert_eq!(scan("x # }"), None);
    }
}
