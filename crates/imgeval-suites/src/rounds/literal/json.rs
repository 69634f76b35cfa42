//! JSON as Python's `json.loads` reads it: `NaN`, `Infinity` and `-Infinity` are numbers, and of a key given twice the last value counts.

use super::{Literal, MAX_DEPTH};

/// `json.loads(text)`; `None` where that fails.
#[must_use]
pub fn parse_json(text: &str) -> Option<Literal> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, wanted: &str) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth == MAX_DEPTH {
            return None;
        }
        self.skip_blanks();
        const WORDS: [(&str, Literal); 6] = [
            ("null", Literal::None),
            ("true", Literal::Bool(true)),
            ("false", Literal::Bool(false)),
            ("NaN", Literal::Float(f64::NAN)),
            ("Infinity", Literal::Float(f64::INFINITY)),
            ("-Infinity", Literal::Float(f64::NEG_INFINITY)),
        ];
        for (word, value) in WORDS {
            if self.take(word) {
                return Some(value);
            }
        }
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' => self.text().map(Literal::Text),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Literal> {
        self.take("{");
        let mut members = Vec::new();
        self.skip_blanks();
        if self.take("}") {
            return Some(Literal::Map(members));
        }
        loop {
            self.skip_blanks();
            let key = Literal::Text(self.text()?);
            self.skip_blanks();
            if !self.take(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            Literal::insert(&mut members, key, value)?;
            self.skip_blanks();
            match (self.take(","), self.take("}")) {
                (true, _) if !self.rest.is_empty() => {}
                (false, true) => return Some(Literal::Map(members)),
                _ => return None,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Literal> {
        self.take("[");
        let mut items = Vec::new();
        self.skip_blanks();
        if self.take("]") {
            return Some(Literal::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            if self.take(",") {
                continue;
            }
            return self.take("]").then_some(Literal::List(items));
        }
    }

    fn text(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut text = String::new();
        loop {
            let character = self.rest.chars().next()?;
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                '\0'..='\u{1F}' => return None,
                _ => text.push(character),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.rest.chars().next()?;
        self.rest = &self.rest[kind.len_utf8()..];
        Some(match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.code_unit()?;
                let before = self.rest;
                if (0xD800..0xDC00).contains(&unit) && self.take("\\u") {
                    match self.code_unit()? {
                        low @ 0xDC00..=0xDFFF => {
                            return char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                        }
                        _ => self.rest = before,
                    }
                }
                char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Option<Literal> {
        let digits_at = |at: usize| self.rest[at..].bytes().take_while(u8::is_ascii_digit).count();
        let sign = usize::from(self.rest.starts_with('-'));
        let n_whole = match self.rest.as_bytes().get(sign)? {
            b'0' => 1,
            _ => digits_at(sign),
        };
        let mut end = sign + n_whole;
        let mut is_float = false;
        if n_whole == 0 {
            return None;
        }
        if self.rest[end..].starts_with('.') && digits_at(end + 1) > 0 {
            end += 1 + digits_at(end + 1);
            is_float = true;
        }
        if self.rest[end..].starts_with(['e', 'E']) {
            let signed = end + 1 + usize::from(self.rest[end + 1..].starts_with(['+', '-']));
            if digits_at(signed) > 0 {
                end = signed + digits_at(signed);
                is_float = true;
            }
        }
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        match number.parse() {
            Ok(integer) if !is_float => Some(Literal::Integer(integer)),
            _ => number.parse().ok().map(Literal::Float),
        }
    }
}
