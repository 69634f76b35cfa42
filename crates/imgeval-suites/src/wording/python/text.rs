//! The values of string literals.

use super::{
    holes,
    tokens::{TextToken, Token, split_expression, syntax},
};
use crate::wording::{Hole, Text, WordingError, repr::repr_text};

/// Decodes escapes and splits format strings.
///
/// # Errors
/// At bytes, at an escape that is none, and at a placeholder whose value would be changed on its way into the text.
pub(super) fn decode(token: &TextToken, line: usize) -> Result<Text, WordingError> {
    if token.is_bytes {
        return Err(syntax(line, "bytes instead of a string"));
    }
    let mut pieces = Text::default();
    let mut text = String::new();
    let mut rest = token.body.as_str();
    // Lines are counted from where they were counted last.
    let (mut line, mut counted) = (line, rest.len());
    while let Some(character) = rest.chars().next() {
        let position = token.body.len() - rest.len();
        line += token.body[token.body.len() - counted..position].matches('\n').count();
        counted = rest.len();
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' if !token.is_raw => decode_escape(after, &mut text, line)?,
            '{' | '}' if token.is_format && after.starts_with(character) => {
                text.push(character);
                &after[1..]
            }
            '{' if token.is_format => {
                let hole = holes::scan_hole(after.as_bytes(), 0)
                    .ok_or_else(|| syntax(line, "a placeholder that cannot be read"))?;
                if hole.changes_value && &after[hole.expression..hole.end] != "!s" {
                    return Err(syntax(line, "a placeholder with a conversion or a format"));
                }
                pieces.push(&std::mem::take(&mut text));
                pieces.push_hole(read_hole(&after[..hole.expression], line)?);
                &after[hole.end + 1..]
            }
            '}' if token.is_format => return Err(syntax(line, "an unmatched closing brace")),
            _ => {
                text.push(character);
                after
            }
        };
    }
    pieces.push(&text);
    Ok(pieces)
}

fn read_hole(expression: &str, line: usize) -> Result<Hole, WordingError> {
    let tokens = split_expression(expression, line)?;
    // Without the parentheses around it.
    let tokens = tokens.get(1..tokens.len().saturating_sub(1)).unwrap_or_default();
    if tokens.is_empty() {
        return Err(syntax(line, "braces without an expression"));
    }
    let constant = |token: &Token| match token {
        Token::Text(text) => decode(text, line).ok()?.constant().map(str::to_owned),
        _ => None,
    };
    let mut words = String::new();
    for located in tokens {
        let word = match &located.token {
            Token::Name(word) | Token::Number(word) | Token::Operator(word) => word.clone(),
            Token::Text(text) => {
                constant(&located.token).map_or_else(|| text.body.clone(), |text| repr_text(&text))
            }
        };
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        if words.ends_with(is_word) && word.starts_with(is_word) {
            words.push(' ');
        }
        words.push_str(&word);
    }
    let shape: Vec<&Token> = tokens.iter().map(|located| &located.token).collect();
    let is = |token: &Token, wanted: &str| matches!(token, Token::Operator(word) | Token::Name(word) if word == wanted);
    let key = match shape.as_slice() {
        [Token::Name(_), open, key, close] if is(open, "[") && is(close, "]") => constant(key),
        [Token::Name(_), dot, get, open, key, close]
            if is(dot, ".") && is(get, "get") && is(open, "(") && is(close, ")") =>
        {
            constant(key)
        }
        _ => None,
    };
    Ok(Hole { line, expression: words, key })
}

/// `rest` follows the backslash; gives what follows the escape.
fn decode_escape<'a>(rest: &'a str, text: &mut String, line: usize) -> Result<&'a str, WordingError> {
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
            return Err(syntax(line, "a character by its name (`\\N`)"));
        }
        // Python keeps the backslash of an escape that it does not know; a brace behind it keeps its meaning.
        _ => {
            text.push('\\');
            return Ok(rest);
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
) -> Result<&'a str, WordingError> {
    let digits = rest.get(..n_digits).filter(|digits| digits.chars().all(|digit| digit.is_digit(radix)));
    let code = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).and_then(char::from_u32);
    text.push(code.ok_or(syntax(line, "an escape that does not name a character"))?);
    Ok(&rest[n_digits..])
}
