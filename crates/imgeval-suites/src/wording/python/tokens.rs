//! Tokens of Python source, as far as finding and reading texts needs them.

use super::holes;
use crate::wording::WordingError;

/// A script of a benchmark has a few hundred lines.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Longest first.
const OPERATORS: [&str; 21] = [
    "**=", "//=", "==", "!=", "<=", ">=", ":=", "->", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "**", "//",
    "<<", ">>", "@=", "^=",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Number(String),
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

/// One simple statement, or the head of a compound one with what stands behind its colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogicalLine {
    pub(super) indent: usize,
    /// Whether it stands behind a semicolon.
    pub(super) is_continued: bool,
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

pub(super) fn syntax(line: usize, what: &str) -> WordingError {
    WordingError::Syntax { line, what: what.to_owned() }
}

/// # Errors
/// If the source is too large or not in UTF-8, a string or a bracket is not closed, or a character cannot begin a token.
pub(super) fn split_lines(source: &str) -> Result<Vec<LogicalLine>, WordingError> {
    if source.len() > MAX_BYTES {
        return Err(WordingError::TooLarge { max_bytes: MAX_BYTES });
    }
    // As Python reads source files.
    let source = source.strip_prefix('\u{FEFF}').unwrap_or(source).replace("\r\n", "\n").replace('\r', "\n");
    for (line, text) in
        source.lines().take(2).enumerate().filter(|(_, text)| text.trim_start().starts_with('#'))
    {
        let name = text
            .match_indices("coding")
            .find_map(|(at, word)| text[at + word.len()..].strip_prefix([':', '=']));
        let is_utf8 = |name: &str| {
            let name = name.trim_start_matches([' ', '\t']).to_ascii_lowercase().replace('_', "-");
            name.starts_with("utf-8") || name.starts_with("utf8")
        };
        if name.is_some_and(|name| !is_utf8(name)) {
            return Err(syntax(line + 1, "the name of an encoding other than UTF-8"));
        }
    }
    split_normalised(&source, 1)
}

/// The tokens of an expression between braces.
pub(super) fn split_expression(source: &str, line: usize) -> Result<Vec<Located>, WordingError> {
    let mut lines = split_normalised(&format!("({source})"), line)?;
    match (lines.pop(), lines.is_empty()) {
        (Some(line), true) => Ok(line.tokens),
        _ => Err(syntax(line, "braces without an expression")),
    }
}

fn split_normalised(source: &str, first_line: usize) -> Result<Vec<LogicalLine>, WordingError> {
    let mut scanner = Scanner { rest: source, line: first_line };
    let mut lines = Vec::new();
    let mut current = LogicalLine { indent: 0, is_continued: false, tokens: Vec::new() };
    // Brackets that are open, with their lines.
    let mut open: Vec<(char, usize)> = Vec::new();
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
            '\n' | ';' if open.is_empty() => {
                scanner.advance(1);
                at_line_start = character == '\n';
                let tokens = std::mem::take(&mut current.tokens);
                let had_tokens = !tokens.is_empty();
                if had_tokens {
                    lines.push(LogicalLine { tokens, ..current });
                }
                current = LogicalLine {
                    indent: current.indent,
                    is_continued: character == ';' && (had_tokens || current.is_continued),
                    tokens: Vec::new(),
                };
            }
            '\n' | ' ' | '\t' | '\u{C}' => scanner.advance(1),
            '\\' if scanner.rest.starts_with("\\\n") => scanner.advance(2),
            '#' => scanner.advance(scanner.rest.find('\n').unwrap_or(scanner.rest.len())),
            _ => {
                let token = scan_token(&mut scanner, character)?;
                if let Token::Operator(operator) = &token {
                    match operator.as_str() {
                        "(" => open.push((')', start)),
                        "[" => open.push((']', start)),
                        "{" => open.push(('}', start)),
                        ")" | "]" | "}" if open.pop().is_none_or(|(wanted, _)| wanted != character) => {
                            return Err(syntax(start, "a bracket that was not opened"));
                        }
                        _ => {}
                    }
                }
                current.tokens.push(Located { token, line: start });
            }
        }
    }
    if let Some((_, line)) = open.first() {
        return Err(syntax(*line, "an unclosed bracket"));
    }
    if !current.tokens.is_empty() {
        lines.push(current);
    }
    Ok(lines)
}

fn scan_token(scanner: &mut Scanner, first: char) -> Result<Token, WordingError> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    if first.is_alphabetic() || first == '_' {
        let length = scanner.rest.find(|character| !is_name(character)).unwrap_or(scanner.rest.len());
        let name = scanner.rest[..length].to_owned();
        // Python takes letters that look alike for the same.
        if !name.is_ascii() {
            return Err(syntax(scanner.line, "a name with non-ASCII letters"));
        }
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
        let number = scanner.rest[..length].to_owned();
        scanner.advance(length);
        return Ok(Token::Number(number));
    }
    let operator = OPERATORS.into_iter().find(|operator| scanner.rest.starts_with(operator));
    let operator = match operator {
        Some(operator) => operator.to_owned(),
        None if first.is_ascii_punctuation() => first.to_string(),
        None => {
            return Err(syntax(scanner.line, "a character outside any string"));
        }
    };
    scanner.advance(operator.len());
    Ok(Token::Operator(operator))
}

fn is_prefix(name: &str) -> bool {
    let known = ["r", "u", "b", "f", "br", "rb", "fr", "rf"];
    known.contains(&name.to_ascii_lowercase().as_str())
}

fn scan_text(scanner: &mut Scanner, prefix: &str) -> Result<Token, WordingError> {
    let line = scanner.line;
    let quote = &scanner.rest[..1];
    let triple = quote.repeat(3);
    let quote = if scanner.rest.starts_with(&triple) { triple } else { quote.to_owned() };
    scanner.advance(quote.len());
    let (is_raw, is_format) = (prefix.contains('r'), prefix.contains('f'));
    let length = holes::text_length(scanner.rest.as_bytes(), quote.as_bytes(), is_raw, is_format);
    let length = length.ok_or_else(|| syntax(line, "an unclosed string"))?;
    let body = scanner.rest[..length].to_owned();
    scanner.advance(length + quote.len());
    Ok(Token::Text(TextToken { is_raw, is_bytes: prefix.contains('b'), is_format, body }))
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
        assert_eq!(error("a\nb = 'x\n'"), "line 2 contains an unclosed string");
        assert_eq!(error("a\n\nb = (1"), "line 3 contains an unclosed bracket");
        assert_eq!(error("a)"), "line 1 contains a bracket that was not opened");
        assert_eq!(error("a = '''ü\\"), "line 1 contains an unclosed string");
    }
}
