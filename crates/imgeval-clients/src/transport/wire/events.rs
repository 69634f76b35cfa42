//! Splits event streams, and lines of JSON, into their values. Facts from the HTML standard, "Server-sent events".

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value};

use super::{
    Note, WireError,
    counted::{ValuesLeft, parse_strictly},
    tolerant::parse_tolerantly,
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What ends a stream of OpenAI's kind.
const DONE: &[u8] = b"[DONE]";

/// The fields that an event may have.
const FIELDS: [&[u8]; 4] = [b"data:", b"event:", b"id:", b"retry:"];

/// Without byte order marks, blanks and comments in front.
pub(super) fn skip_front(mut body: &[u8]) -> &[u8] {
    loop {
        let start = body;
        body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
        body = &body[body.iter().position(|byte| !is_blank(byte)).unwrap_or(body.len())..];
        if body.starts_with(b":") {
            body = next_line(body).1;
        }
        if body.len() == start.len() {
            return body;
        }
    }
}

pub(super) fn is_event_stream(body: &[u8]) -> bool {
    FIELDS.iter().any(|field| body.starts_with(field))
}

/// The value that all of `bytes` is.
pub(super) fn parse(bytes: &[u8], left: &ValuesLeft, notes: &mut BTreeSet<Note>) -> Result<Value, WireError> {
    let before = left.left();
    if let Ok(value) = parse_strictly(bytes, left) {
        return Ok(value);
    }
    if left.is_exceeded() {
        return Err(WireError::TooManyValues);
    }
    left.reset_to(before);
    let (value, end) = parse_tolerantly(bytes, left, notes)?;
    if bytes[end..].iter().all(u8::is_ascii_whitespace) {
        Ok(value)
    } else {
        Err(WireError::NotJson { at: end })
    }
}

/// The values of an event stream, or of lines of JSON; `[DONE]`, comments and empty events are none.
pub(super) fn read_events(
    mut body: &[u8],
    left: &ValuesLeft,
    notes: &mut BTreeSet<Note>,
) -> Result<Vec<Value>, WireError> {
    let mut reader = Reader { left, notes, values: Vec::new(), name: b"", data: Vec::new() };
    while !body.is_empty() {
        let (line, rest) = next_line(body);
        reader.line(line)?;
        body = rest;
    }
    reader.dispatch()?;
    Ok(reader.values)
}

struct Reader<'a, 'b> {
    left: &'b ValuesLeft,
    notes: &'b mut BTreeSet<Note>,
    values: Vec<Value>,
    /// Of the event that is being read.
    name: &'a [u8],
    data: Vec<&'a [u8]>,
}

impl<'a> Reader<'a, '_> {
    fn line(&mut self, line: &'a [u8]) -> Result<(), WireError> {
        let field =
            |name: &[u8]| line.strip_prefix(name).map(|value| value.strip_prefix(b" ").unwrap_or(value));
        if let Some(data) = field(b"data:") {
            self.data.push(data);
        } else if let Some(name) = field(b"event:") {
            self.name = name.trim_ascii();
        } else if line.trim_ascii().is_empty() {
            self.dispatch()?;
        } else if !line.starts_with(b":") && field(b"id:").or_else(|| field(b"retry:")).is_none() {
            self.dispatch()?;
            self.payload(line)?;
        }
        Ok(())
    }

    /// The event is complete. Some servers leave out the empty lines between events, so that each line is one.
    fn dispatch(&mut self) -> Result<(), WireError> {
        let (data, name) = (std::mem::take(&mut self.data), std::mem::take(&mut self.name));
        let n_before = self.values.len();
        let joined = match data.as_slice() {
            [] => return Ok(()),
            [line] => Cow::Borrowed(*line),
            lines => Cow::Owned(lines.join(b"\n".as_slice())),
        };
        if data.len() == 1 {
            self.payload(&joined)?;
        } else {
            match parse(&joined, self.left, self.notes) {
                Ok(value) => self.values.push(value),
                Err(WireError::TooManyValues) => return Err(WireError::TooManyValues),
                Err(_) => data.iter().try_for_each(|line| self.payload(line))?,
            }
        }
        if name == b"error" {
            self.values[n_before..].iter_mut().for_each(as_error);
        }
        Ok(())
    }

    fn payload(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let payload = payload.trim_ascii();
        if payload.is_empty() || payload == DONE {
            return Ok(());
        }
        match parse(payload, self.left, self.notes) {
            Ok(value) => self.values.push(value),
            Err(error @ (WireError::TooManyValues | WireError::TooDeep)) => return Err(error),
            // The beginning of a value is no keep-alive.
            Err(error) if matches!(payload[0], b'{' | b'[') => return Err(error),
            Err(_) => {
                self.notes.insert(Note::SkippedEvent);
            }
        }
        Ok(())
    }
}

/// What an event of the name `error` holds is one, whether it says so or not.
fn as_error(value: &mut Value) {
    if value["error"].is_null() {
        let error = value.take();
        *value = Value::Object(Map::from_iter([("error".to_owned(), error)]));
    }
}

/// The first line without its end, and what follows.
fn next_line(body: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = body.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else { return (body, b"") };
    let rest = &body[end..];
    let rest = rest.strip_prefix(b"\r\n").unwrap_or(&rest[1..]);
    (&body[..end], rest)
}
