//! From the bytes of a body to the value that the providers read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Note, WireError,
    assemble::{assemble, is_list_of_events},
    counted::{MAX_VALUES, ValuesLeft, parse_strictly},
    events::{is_event_stream, read_events, skip_front},
    tolerant::parse_tolerantly,
    unpack::unpack,
};

const DATA: &[u8] = b"data:";

/// A reply in the form that it has without streaming.
#[derive(Debug, Clone, PartialEq)]
pub struct WireReply {
    pub json: Value,
    /// What was repaired, each kind once.
    pub notes: BTreeSet<Note>,
}

/// Reads the body of a reply, from the wire or from where it was kept.
///
/// # Errors
/// If it holds no JSON, or more than a reply may hold.
pub fn read_reply(body: &[u8]) -> Result<WireReply, WireError> {
    let (body, note) = unpack(body)?;
    let mut notes = BTreeSet::from_iter(note);
    let json = read_json(&body, &ValuesLeft::of(MAX_VALUES), &mut notes)?;
    Ok(WireReply { json, notes })
}

fn read_json(body: &[u8], left: &ValuesLeft, notes: &mut BTreeSet<Note>) -> Result<Value, WireError> {
    let body = skip_front(body);
    if body.is_empty() {
        return Err(WireError::Empty);
    }
    let before = left.left();
    if is_event_stream(body) {
        let events = match read_events(body, left, notes) {
            // Some put line ends into the one event that they send.
            Err(error @ (WireError::NotJson { .. } | WireError::BrokenOff)) => {
                left.reset_to(before);
                return read_broken_event(body, left, notes).ok_or(error);
            }
            events => events?,
        };
        if events.is_empty() {
            return Err(WireError::UnknownStream);
        }
        notes.insert(Note::Assembled);
        return assemble(events, has_end(body));
    }
    let value = match parse_strictly(body, left) {
        Ok(value) => value,
        Err(_) if left.is_exceeded() => return Err(WireError::TooManyValues),
        Err(_) => {
            left.reset_to(before);
            let (value, end) = parse_tolerantly(body, left, notes)?;
            let behind = skip_front(&body[end..]);
            let mut further_notes = BTreeSet::new();
            let further = read_events(behind, left, &mut further_notes).map_err(|error| match error {
                WireError::NotJson { at } => WireError::NotJson { at: end + at },
                error => error,
            })?;
            if !is_event_stream(behind) && further.is_empty() && !is_end(behind) {
                return Err(WireError::NotJson { at: end });
            }
            if further.is_empty() {
                value
            } else {
                notes.append(&mut further_notes);
                notes.insert(Note::Assembled);
                return assemble(Vec::from_iter(std::iter::once(value).chain(further)), has_end(body));
            }
        }
    };
    match value {
        Value::Array(items) if is_list_of_events(&items) => {
            notes.insert(Note::Assembled);
            assemble(items, true)
        }
        value => Ok(value),
    }
}

/// The one value of a stream that has line ends in it and lacks `data:` behind them.
fn read_broken_event(body: &[u8], left: &ValuesLeft, notes: &mut BTreeSet<Note>) -> Option<Value> {
    let start = body.windows(DATA.len()).position(|window| window == DATA)? + DATA.len();
    let (value, end) = parse_tolerantly(&body[start..], left, notes).ok()?;
    let behind = skip_front(&body[start + end..]);
    let further = read_events(behind, left, notes).ok()?;
    notes.insert(Note::Assembled);
    further.is_empty().then_some(value)
}

/// Whether the stream says that it is complete.
fn has_end(body: &[u8]) -> bool {
    body.trim_ascii_end().ends_with(b"[DONE]")
}

/// Whether nothing but the end of a stream stands behind a value.
fn is_end(behind: &[u8]) -> bool {
    behind.is_empty() || behind.starts_with(b"[DONE]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tolerant::MAX_DEPTH, *};

    #[track_caller]
    fn check(body: impl AsRef<[u8]>, expected: Value, notes: &[Note]) {
        let read = read_reply(body.as_ref()).unwrap();
        assert_eq!((read.json, Vec::from_iter(read.notes)), (expected, notes.to_vec()));
    }

    #[track_caller]
    fn fails(body: impl AsRef<[u8]>, expected: WireError) {
        assert_eq!(read_reply(body.as_ref()), Err(expected));
    }

    #[test]
    fn what_stands_around_a_reply_is_passed_over() {
        for body in [
            "{\"a\": 1}",
            "\u{feff}{\"a\": 1}",
            "\u{feff}\u{feff} {\"a\": 1}\n",
            "\n        \r\n\n{\"a\": 1}\r\n\r\n",
            ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\r\n{\"a\": 1}",
            "\0\0 {\"a\": 1}\0",
            "{\"a\": 1}\n\ndata: [DONE]\n\n",
            "{\"a\": 1}data: [DONE]",
            "{\"a\": 1}\n[DONE]\n",
            "{\"a\": 1}\n: keep-alive\n\n",
            "{\"a\": 1}\nevent: done\ndata: [DONE]",
        ] {
            check(body, json!({"a": 1}), &[]);
        }
    }

    #[test]
    fn a_stream_is_put_together_however_its_lines_end() {
        let body = "data: {\"choices\":[{\"delta\":{\"content\":\"Score:\"}}]}\n\n: ping\n\nevent: x\nid: 1\n\
                    data:{\"choices\":[{\"delta\":{\"content\":\" 1\"}}]}\n\ndata: [DONE]\n\n";
        let expected = json!({"choices": [{"message": {"content": "Score: 1"}}]});
        for end in ["\n", "\r\n", "\r"] {
            check(body.replace('\n', end), expected.clone(), &[Note::Assembled]);
        }
        // Without empty lines, without `data:`, as a list, and behind a first value.
        check(body.replace("\n\n", "\n"), expected.clone(), &[Note::Assembled]);
        let lines = body.replace("data: ", "").replace("data:", "").replace("event: x\nid: 1\n", "");
        check(&lines, expected.clone(), &[Note::Assembled]);
        check(lines.replacen("\n\n", " ", 1), expected.clone(), &[Note::Assembled]);
        let list =
            r#"[{"choices":[{"delta":{"content":"Score:"}}]},{"choices":[{"delta":{"content":" 1"}}]}]"#;
        check(list, expected, &[Note::Assembled]);
    }

    #[test]
    fn one_event_is_the_reply_itself() {
        check(
            "data: {\"data\": [{\"url\": \"x\"}]}\n\n",
            json!({"data": [{"url": "x"}]}),
            &[Note::Assembled],
        );
        check("data: {\"images\":\ndata: [\"x\"]}\n\n", json!({"images": ["x"]}), &[Note::Assembled]);
        let skipped = [Note::Assembled, Note::SkippedEvent];
        check("data: ping\n\ndata: {\"images\": [\"x\"]}\n\n", json!({"images": ["x"]}), &skipped);
        let error = json!({"error": {"message": "no", "code": 500}});
        check("event: error\ndata: {\"message\": \"no\", \"code\": 500}\n\n", error, &[Note::Assembled]);
    }

    #[test]
    fn both_parsers_bound_what_they_make() {
        let read = |body: String| read_json(body.as_bytes(), &ValuesLeft::of(1000), &mut BTreeSet::new());
        let many = |n: usize| format!("[{}{{}}]", "{},".repeat(n - 1));
        for end in ["", " data: [DONE]"] {
            assert!(read(format!("{}{end}", many(999))).is_ok());
            assert_eq!(read(format!("{}{end}", many(1000))), Err(WireError::TooManyValues));
            // A name counts too.
            assert!(read(format!("[{{\"a\": {}}}]{end}", many(996))).is_ok());
            assert_eq!(read(format!("[{{\"a\": {}}}]{end}", many(997))), Err(WireError::TooManyValues));
        }
        let twice = |n: usize| format!("data: {{\"data\": {}}}\n\n", many(n)).repeat(2);
        assert!(read(twice(497)).is_ok());
        assert_eq!(read(twice(498)), Err(WireError::TooManyValues));
        assert_eq!(read(format!("{} {}", many(600), many(600))), Err(WireError::TooManyValues));
        fails(many(MAX_VALUES), WireError::TooManyValues);
    }

    #[test]
    fn both_parsers_bound_how_deep_they_go() {
        for end in ["", " data: [DONE]"] {
            fails(format!("{}{end}", "[".repeat(100_000)), WireError::TooDeep);
            let deep = format!("{}{}{end}", "[".repeat(MAX_DEPTH + 2), "]".repeat(MAX_DEPTH + 2));
            fails(deep, WireError::TooDeep);
        }
        fails(format!("data: {}\n\n", "[".repeat(200)), WireError::TooDeep);
    }

    #[test]
    fn what_is_no_reply_is_a_typed_error() {
        fails("", WireError::Empty);
        fails("\u{feff} \n: ping\n", WireError::Empty);
        fails("<html>", WireError::NotJson { at: 0 });
        fails("{\"a\": 1} and more", WireError::NotJson { at: 8 });
        fails("{\"a\": 1", WireError::BrokenOff);
        fails("data: {\"choices\": [\n\n", WireError::BrokenOff);
        fails("data: [DONE]\n\n", WireError::UnknownStream);
    }

    #[test]
    fn a_conversation_that_breaks_off_is_an_error() {
        let event = |choice: Value| format!("data: {}\n\n", json!({ "choices": [choice] }));
        let words = event(json!({"delta": {"content": "Score: 1"}}));
        let error = |body: &str| read_reply(body.as_bytes()).unwrap().json["error"].clone();
        assert!(error(&words)["message"].as_str().unwrap().contains("was cut off"));
        for end in ["data: [DONE]", &event(json!({"delta": {}, "finish_reason": "stop"}))] {
            assert_eq!(error(&format!("{words}{end}")), Value::Null, "{end}");
        }
        assert_eq!(error(&event(json!({"message": {"content": "Score: 1"}}))), Value::Null);
    }

    #[test]
    fn one_event_may_have_line_ends_of_its_own() {
        for end in ["", "\n\n", "\n\ndata: [DONE]\n\n"] {
            check(
                format!("event: x\ndata: {{\n  \"images\": [\n\"x\"\n]\n}}{end}"),
                json!({"images": ["x"]}),
                &[Note::Assembled],
            );
        }
        fails("data: {\n \"images\": [", WireError::BrokenOff);
    }
}
