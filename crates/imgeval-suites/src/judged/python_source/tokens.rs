//! Tokens of Python source, as far as finding and reading text constants needs them.

use super::ExtractError;

/// A script of a benchmark has a few hundred lines.
const MAX_BYTES: usize = 4 << 20;

/// Longest first.
const OPERATORS: [&str; 21] = [
    "**=", "//=", "==", "!=", "<=", ">=", ":=", "->", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "**", "//",
    "<<", ">>", "@=", "^=",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Number,
    Text(TextToken),
    Operator(String),
}

/// A string literal; the body as it stands between the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextToken {
    pub(super) is_raw: bool,
    pub(super) is_bytes: bool,
    pub(super) is_format: bool,
    pub(super) body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) token: Token,
    pub(super) line: usize,
}

impl Located {
    pub(super) fn is_operator(&self, wanted: &str) -> bool {
        matches!(&self.token, Token::Operator(operator) if operator == wanted)
    }

    pub(super) fn is_name(&self, wanted: &str) -> bool {
        matches!(&self.token, Token::Name(name) if name == wanted)
    }
}

/// One statement, or the head of a compound one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogicalLine {
    pub(super) indent: usize,
    pub(super) tokens: Vec<Located>,
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl Scanner<'_> {
    fn advance(&mut self, n_bytes: usize) {
        self.line += self.rest[..n_bytes].matches('\n').count();
        self.rest = &self.rest[n_bytes..];
    }
}

/// # Errors
/// If a string or a bracket is not closed, or a character cannot begin a token.
pub(super) fn split_lines(source: &str) -> Result<Vec<LogicalLine>, ExtractError> {
    if source.len() > MAX_BYTES {
        return Err(ExtractError::TooLarge { max_bytes: MAX_BYTES });
    }
    // As Python reads source files.
    let source = source.trim_start_matches('\u{FEFF}').replace("\r\n", "\n").replace('\r', "\n");
    split_normalised(&source, 1)
}

pub(super) fn split_normalised(source: &str, first_line: usize) -> Result<Vec<LogicalLine>, ExtractError> {
    let mut scanner = Scanner { rest: source, line: first_line };
    let mut lines = Vec::new();
    let mut current = LogicalLine { indent: 0, tokens: Vec::new() };
    // Lines of the brackets that are open.
    let mut open = Vec::new();
    let mut at_line_start = true;
    while let Some(character) = scanner.rest.chars().next() {
        if at_line_start && open.is_empty() {
            let blanks = scanner.rest.len() - scanner.rest.trim_start_matches([' ', '\t', '\u{C}']).len();
            let width = |indent: usize, blank| if blank == '\t' { indent / 8 * 8 + 8 } else { indent + 1 };
            current.indent = scanner.rest[..blanks].chars().fold(0, width);
            scanner.advance(blanks);
            at_line_start = false;
            continue;
        }
        let start = scanner.line;
        match character {
            '\n' => {
                scanner.advance(1);
                at_line_start |= open.is_empty();
                if open.is_empty() && !current.tokens.is_empty() {
                    let tokens = std::mem::take(&mut current.tokens);
                    lines.push(LogicalLine { indent: current.indent, tokens });
                }
            }
            ';' if open.is_empty() => {
                scanner.advance(1);
                if !current.tokens.is_empty() {
                    let tokens = std::mem::take(&mut current.tokens);
                    lines.push(LogicalLine { indent: current.indent, tokens });
                }
            }
            ' ' | '\t' | '\u{C}' => scanner.advance(1),
            '\\' if scanner.rest.starts_with("\\\n") => scanner.advance(2),
            '#' => scanner.advance(scanner.rest.find('\n').unwrap_or(scanner.rest.len())),
            _ => {
                let token = scan_token(&mut scanner, character)?;
                if let Token::Operator(operator) = &token {
                    match operator.as_str() {
                        "(" | "[" | "{" => open.push(start),
                        ")" | "]" | "}" => {
                            let unopened = || ExtractError::Syntax {
                                line: start,
                                what: "a bracket that was not opened",
                            };
                            open.pop().ok_or_else(unopened)?;
                        }
                        _ => {}
                    }
                }
                current.tokens.push(Located { token, line: start });
            }
        }
    }
    if let Some(line) = open.first() {
        return Err(ExtractError::Syntax { line: *line, what: "a bracket that is not closed" });
    }
    if !current.tokens.is_empty() {
        lines.push(current);
    }
    Ok(lines)
}

fn scan_token(scanner: &mut Scanner, first: char) -> Result<Token, ExtractError> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    if first.is_alphabetic() || first == '_' {
        let length = scanner.rest.find(|character| !is_name(character)).unwrap_or(scanner.rest.len());
        let name = scanner.rest[..length].to_owned();
        if scanner.rest[length..].starts_with(['"', '\'']) && is_prefix(&name) {
            scanner.advance(length);
            return scan_text(scanner, &name.to_ascii_lowercase());
        }
        scanner.advance(length);
        return Ok(Token::Name(name));
    }
    if first == '"' || first == '\'' {
        return scan_text(scanner, "");
    }
    if first.is_ascii_digit() {
        let is_number = |character: char| is_name(character) || character == '.';
        let length = scanner.rest.find(|character| !is_number(character)).unwrap_or(scanner.rest.len());
        scanner.advance(length);
        return Ok(Token::Number);
    }
    let operator = OPERATORS.into_iter().find(|operator| scanner.rest.starts_with(operator));
    let operator = match operator {
        Some(operator) => operator.to_owned(),
        None if first.is_ascii_punctuation() => first.to_string(),
        None => {
            return Err(ExtractError::Syntax { line: scanner.line, what: "a character outside any text" });
        }
    };
    scanner.advance(operator.len());
    Ok(Token::Operator(operator))
}

fn is_prefix(name: &str) -> bool {
    let known = ["r", "u", "b", "f", "br", "rb", "fr", "rf"];
    known.contains(&name.to_ascii_lowercase().as_str())
}

fn scan_text(scanner: &mut Scanner, prefix: &str) -> Result<Token, ExtractError> {
    let line = scanner.line;
    let quote = &scanner.rest[..1];
    let triple = quote.repeat(3);
    let quote = if scanner.rest.starts_with(&triple) { triple } else { quote.to_owned() };
    scanner.advance(quote.len());
    let is_format = prefix.contains('f');
    let unclosed = ExtractError::Syntax { line, what: "a text that is not closed" };
    let Some(length) = text_length(scanner.rest, &quote, is_format) else { return Err(unclosed) };
    let body = scanner.rest[..length].to_owned();
    scanner.advance(length + quote.len());
    Ok(Token::Text(TextToken {
        is_raw: prefix.contains('r'),
        is_bytes: prefix.contains('b'),
        is_format,
        body,
    }))
}

/// How many bytes stand before the closing quote. Within the braces of a format string quotes belong to the expression,
/// as from Python 3.12 on; before, the closing quote could not occur there.
fn text_length(rest: &str, quote: &str, is_format: bool) -> Option<usize> {
    let is_single = quote.len() == 1;
    let bytes = rest.as_bytes();
    let (mut position, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(position) {
        let doubled = bytes.get(position + 1) == Some(byte);
        match byte {
            _ if depth == 0 && rest[position..].starts_with(quote) => return Some(position),
            b'\\' => position += 1,
            b'\n' if is_single && depth == 0 => return None,
            b'{' | b'}' if is_format && depth == 0 && doubled => position += 1,
            b'{' if is_format => depth += 1,
            b'}' if is_format => depth = depth.saturating_sub(1),
            _ => {}
        }
        position += 1;
        while !rest.is_char_boundary(position.min(rest.len())) {
            position += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_in_brackets_and_after_backslashes() {
        let lines = split_lines("a = [1, # x\n  2]\nif b:\n\tc \\\n = 'd;#';; e\n;").unwrap();
        let shape: Vec<_> = lines.iter().map(|line| (line.indent, line.tokens.len())).collect();
        assert_eq!(shape, [(0, 7), (0, 3), (8, 3), (8, 1)]);
    }

    #[test]
    fn what_is_not_closed_is_refused_with_its_line() {
        let error = |source| split_lines(source).unwrap_err().to_string();
        assert_eq!(error("a\nb = 'x\n'"), "line 2 holds a text that is not closed");
        assert_eq!(error("a\n\nb = (1"), "line 3 holds a bracket that is not closed");
        assert_eq!(error("a)"), "line 1 holds a bracket that was not opened");
        assert_eq!(error("a = '''ü\\"), "line 1 holds a text that is not closed");
    }
}
