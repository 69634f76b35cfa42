//! The values of string literals.

use super::{
    ExtractError,
    tokens::{Located, TextToken, split_normalised},
};

/// A piece of a string literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LiteralPiece {
    Text(String),
    /// The expression between the braces of a format string.
    Placeholder {
        line: usize,
        tokens: Vec<Located>,
    },
}

/// Decodes escapes and splits format strings.
pub(super) fn decode(token: &TextToken, line: usize) -> Result<Vec<LiteralPiece>, ExtractError> {
    if token.is_bytes {
        return Err(ExtractError::Unsupported { line, what: "bytes in place of a text".to_owned() });
    }
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = token.body.as_str();
    while let Some(character) = rest.chars().next() {
        let line = line + token.body[..token.body.len() - rest.len()].matches('\n').count();
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' if !token.is_raw => decode_escape(after, &mut text, line)?,
            '{' | '}' if token.is_format && after.starts_with(character) => {
                text.push(character);
                &after[1..]
            }
            '{' if token.is_format => {
                let (expression, after) = split_placeholder(after, line)?;
                pieces.push(LiteralPiece::Text(std::mem::take(&mut text)));
                let mut lines = split_normalised(&format!("({expression})"), line)?;
                let tokens = lines.pop().map(|line| line.tokens).filter(|_| lines.is_empty());
                let odd = ExtractError::Unsupported {
                    line,
                    what: "a placeholder that is no expression".to_owned(),
                };
                pieces.push(LiteralPiece::Placeholder { line, tokens: tokens.ok_or(odd)? });
                after
            }
            '}' if token.is_format => {
                return Err(ExtractError::Syntax { line, what: "a closing brace alone" });
            }
            _ => {
                text.push(character);
                after
            }
        };
    }
    pieces.push(LiteralPiece::Text(text));
    Ok(pieces)
}

/// `rest` follows the backslash; gives what follows the escape.
fn decode_escape<'a>(rest: &'a str, text: &mut String, line: usize) -> Result<&'a str, ExtractError> {
    let Some(kind) = rest.chars().next() else { return Ok(rest) };
    let after = &rest[kind.len_utf8()..];
    let simple = match kind {
        '\n' => return Ok(after),
        '\\' | '\'' | '"' => kind,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{B}',
        '0'..='7' => return decode_number(rest, rest.len() - trim_octal(rest).len(), 8, text, line),
        'x' => return decode_number(after, 2, 16, text, line),
        'u' => return decode_number(after, 4, 16, text, line),
        'U' => return decode_number(after, 8, 16, text, line),
        'N' => {
            return Err(ExtractError::Unsupported {
                line,
                what: "a character by its name (`\\N`)".to_owned(),
            });
        }
        // Python keeps the backslash of an escape that it does not know.
        _ => {
            text.push('\\');
            kind
        }
    };
    text.push(simple);
    Ok(after)
}

fn trim_octal(rest: &str) -> &str {
    let n = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    &rest[n..]
}

fn decode_number<'a>(
    rest: &'a str,
    n_digits: usize,
    radix: u32,
    text: &mut String,
    line: usize,
) -> Result<&'a str, ExtractError> {
    let digits = rest.get(..n_digits).filter(|digits| digits.chars().all(|digit| digit.is_digit(radix)));
    let code = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).and_then(char::from_u32);
    text.push(code.ok_or(ExtractError::Syntax { line, what: "an escape that names no character" })?);
    Ok(&rest[n_digits..])
}

/// Splits `expression}…`; a conversion or a format would change the value and is refused, but for `!s`.
fn split_placeholder(rest: &str, line: usize) -> Result<(&str, &str), ExtractError> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut end = None;
    for (position, character) in rest.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, '}') if depth > 0 => depth -= 1,
            (None, '}') => {
                end = Some(position);
                break;
            }
            (None, ':' | '=') if depth == 0 => {
                let what = "a placeholder with a format".to_owned();
                return Err(ExtractError::Unsupported { line, what });
            }
            (None, '!') if depth == 0 && !rest[position..].starts_with("!s}") => {
                let what = "a placeholder with a conversion".to_owned();
                return Err(ExtractError::Unsupported { line, what });
            }
            _ => {}
        }
    }
    let end = end.ok_or(ExtractError::Syntax { line, what: "a placeholder that is not closed" })?;
    let expression = &rest[..end];
    Ok((expression.strip_suffix("!s").unwrap_or(expression), &rest[end + 1..]))
}
