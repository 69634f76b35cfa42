//! Python literals as `ast.literal_eval` reads them.

use super::{Literal, MAX_DEPTH};

/// `ast.literal_eval(text)`; `None` where that fails.
#[must_use]
pub fn parse_python(text: &str) -> Option<Literal> {
    let text = text.trim_start_matches([' ', '\t']);
    if text.contains('\0') {
        return None;
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader { rest: first_content_line(&text)?, n_open: 0 };
    let value = reader.several(0, "")?;
    // Behind the expression only blank lines and comments may stand.
    reader.n_open = 1;
    let is_whole = reader.rest.is_empty() || reader.rest.starts_with(['\n', '#']);
    reader.skip_blanks();
    (is_whole && reader.rest.is_empty()).then_some(value)
}

/// The text from its first line with content on, which must not be indented unless it is the very first.
fn first_content_line(text: &str) -> Option<&str> {
    let mut rest = text;
    let mut is_first = true;
    loop {
        let content = rest.trim_start_matches([' ', '\t', '\u{C}']);
        match content.chars().next()? {
            '\n' => rest = &content[1..],
            '#' => rest = content.split_once('\n')?.1,
            _ if is_first || content.len() == rest.len() => return Some(content),
            _ => return None,
        }
        is_first = false;
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// Brackets around this place: inside them line ends are blanks.
    n_open: usize,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        loop {
            let blanks: &[char] =
                if self.n_open > 0 { &[' ', '\t', '\u{C}', '\n'] } else { &[' ', '\t', '\u{C}'] };
            self.rest = self.rest.trim_start_matches(blanks);
            if let Some(rest) = self.rest.strip_prefix("\\\n") {
                self.rest = rest;
            } else if self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
                if self.n_open == 0 {
                    return;
                }
            } else {
                return;
            }
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// One value, or a tuple without its own parentheses; ends before `close` or, if that is empty, at the end of the line.
    fn several(&mut self, depth: usize, close: &str) -> Option<Literal> {
        let first = self.value(depth)?;
        self.skip_blanks();
        if !self.rest.starts_with(',') {
            return Some(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            self.skip_blanks();
            let is_end = if close.is_empty() {
                self.rest.is_empty() || self.rest.starts_with('\n')
            } else {
                self.rest.starts_with(close)
            };
            if is_end {
                break;
            }
            items.push(self.value(depth)?);
            self.skip_blanks();
        }
        Some(Literal::Tuple(items))
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth == MAX_DEPTH {
            return None;
        }
        self.skip_blanks();
        match self.rest.chars().next()? {
            '[' => self.within('[', |reader| reader.items(depth, "]").map(Literal::List)),
            '(' => self.within('(', |reader| {
                reader.skip_blanks();
                if reader.take(")") {
                    return Some(Literal::Tuple(Vec::new()));
                }
                let value = reader.several(depth + 1, ")")?;
                reader.take(")").then_some(value)
            }),
            '{' => self.within('{', |reader| reader.braces(depth)),
            '-' | '+' => {
                let is_negative = self.rest.starts_with('-');
                self.rest = &self.rest[1..];
                self.skip_blanks();
                match (self.value(depth + 1)?, is_negative) {
                    (Literal::Integer(value), true) => Some(Literal::Integer(value.checked_neg()?)),
                    (Literal::Float(value), true) => Some(Literal::Float(-value)),
                    (value @ (Literal::Integer(_) | Literal::Float(_)), false) => Some(value),
                    _ => None,
                }
            }
            '0'..='9' => self.number(),
            '.' if self.rest[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number(),
            '.' => self.take("...").then_some(Literal::Other),
            '"' | '\'' => self.texts(),
            character if character.is_alphabetic() || character == '_' => self.word(),
            _ => None,
        }
    }

    fn within(&mut self, open: char, read: impl FnOnce(&mut Self) -> Option<Literal>) -> Option<Literal> {
        self.rest = &self.rest[open.len_utf8()..];
        self.n_open += 1;
        let value = read(self);
        self.n_open -= 1;
        value
    }

    fn items(&mut self, depth: usize, close: &str) -> Option<Vec<Literal>> {
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if self.take(close) {
                return Some(items);
            }
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            if !self.take(",") {
                return self.take(close).then_some(items);
            }
        }
    }

    /// A dictionary or a set, behind the brace.
    fn braces(&mut self, depth: usize) -> Option<Literal> {
        let mut members = Vec::new();
        loop {
            self.skip_blanks();
            if self.take("}") {
                return Some(Literal::Map(members));
            }
            let key = self.value(depth + 1)?;
            if !is_hashable(&key) {
                return None;
            }
            self.skip_blanks();
            if members.is_empty() && self.rest.starts_with([',', '}']) {
                self.take(",");
                return self.items(depth, "}")?.iter().all(is_hashable).then_some(Literal::Other);
            }
            if !self.take(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            Literal::insert(&mut members, key, value)?;
            self.skip_blanks();
            if !self.take(",") {
                return self.take("}").then_some(Literal::Map(members));
            }
        }
    }

    fn word(&mut self) -> Option<Literal> {
        let end =
            self.rest.find(|next: char| !(next.is_alphanumeric() || next == '_')).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        if self.rest[end..].starts_with(['"', '\''])
            && word.chars().all(|letter| letter.is_ascii_alphabetic())
        {
            return self.texts();
        }
        let value = match word {
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            "None" => Literal::None,
            _ => return None,
        };
        self.rest = &self.rest[end..];
        Some(value)
    }

    fn number(&mut self) -> Option<Literal> {
        let is_part = |previous: Option<char>, next: char| {
            next.is_ascii_alphanumeric()
                || matches!(next, '_' | '.')
                || (matches!(next, '+' | '-') && matches!(previous, Some('e' | 'E')))
        };
        let is_radix =
            ["0x", "0X", "0o", "0O", "0b", "0B"].iter().any(|prefix| self.rest.starts_with(prefix));
        let mut previous = None;
        let mut end = 0;
        for character in self.rest.chars() {
            if !is_part(previous.filter(|_| !is_radix), character) {
                break;
            }
            previous = Some(character);
            end += character.len_utf8();
        }
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        parse_number(token)
    }

    /// String literals beside each other.
    fn texts(&mut self) -> Option<Literal> {
        let mut text = String::new();
        let mut kind = None;
        loop {
            let prefix = self.rest.find(['"', '\'']).map(|end| self.rest[..end].to_ascii_lowercase());
            let prefix = prefix.filter(|prefix| ["", "r", "u", "b", "br", "rb"].contains(&prefix.as_str()));
            let Some(prefix) = prefix else { break };
            let is_bytes = prefix.contains('b');
            if *kind.get_or_insert(is_bytes) != is_bytes {
                return None;
            }
            self.rest = &self.rest[prefix.len()..];
            let start = self.rest.len();
            self.text_body(prefix.contains('r'), &mut text)?;
            debug_assert!(self.rest.len() < start, "a literal has quotes");
            self.skip_blanks();
        }
        match kind? {
            true => Some(Literal::Other),
            false => Some(Literal::Text(text)),
        }
    }

    fn text_body(&mut self, is_raw: bool, text: &mut String) -> Option<()> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.rest.starts_with(quote))?;
        self.take(quote);
        loop {
            if self.take(quote) {
                return Some(());
            }
            let character = self.rest.chars().next()?;
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                '\n' if quote.len() == 1 => return None,
                '\\' if is_raw => {
                    let escaped = self.rest.chars().next()?;
                    self.rest = &self.rest[escaped.len_utf8()..];
                    text.extend(['\\', escaped]);
                }
                '\\' => self.escape(text)?,
                _ => text.push(character),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let kind = self.rest.chars().next()?;
        let octal = self.rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        if octal > 0 {
            return self.code(octal, 8, text);
        }
        self.rest = &self.rest[kind.len_utf8()..];
        let simple = match kind {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => kind,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{B}',
            'x' => return self.code(2, 16, text),
            'u' => return self.code(4, 16, text),
            'U' => return self.code(8, 16, text),
            'N' => return None,
            _ => {
                text.push('\\');
                kind
            }
        };
        text.push(simple);
        Some(())
    }

    fn code(&mut self, n_digits: usize, radix: u32, text: &mut String) -> Option<()> {
        let digits =
            self.rest.get(..n_digits).filter(|digits| digits.chars().all(|digit| digit.is_digit(radix)))?;
        self.rest = &self.rest[n_digits..];
        let code = u32::from_str_radix(digits, radix).ok().filter(|code| *code <= u32::from(char::MAX))?;
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Some(())
    }
}

fn is_hashable(key: &Literal) -> bool {
    match key {
        Literal::List(_) | Literal::Map(_) => false,
        Literal::Tuple(items) => items.iter().all(is_hashable),
        _ => true,
    }
}

/// A number without its sign.
fn parse_number(token: &str) -> Option<Literal> {
    let lower = token.to_ascii_lowercase();
    let is_well_underscored =
        !lower.ends_with('_') && !lower.contains("__") && !lower.contains("_.") && !lower.contains("._");
    let plain = lower.replace('_', "");
    if !is_well_underscored || plain.is_empty() {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            let is_unsigned = digits.chars().all(|digit| digit.is_digit(radix));
            return i64::from_str_radix(digits, radix).ok().filter(|_| is_unsigned).map(Literal::Integer);
        }
    }
    let real = plain.strip_suffix('j').unwrap_or(&plain);
    let is_whole = plain.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = real.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && real.chars().all(|part| part.is_ascii_digit() || matches!(part, '.' | 'e' | '+' | '-'));
    if is_whole {
        let has_leading_zero = plain.starts_with('0') && plain.bytes().any(|byte| byte != b'0');
        return match plain.parse() {
            _ if has_leading_zero => None,
            Ok(integer) => Some(Literal::Integer(integer)),
            Err(_) => plain.parse().ok().map(Literal::Float),
        };
    }
    let value: f64 = real.parse().ok().filter(|_| is_decimal)?;
    Some(if real.len() < plain.len() { Literal::Other } else { Literal::Float(value) })
}
