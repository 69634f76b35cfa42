//! The text of a reply as it is kept: without images, without secrets, of limited length.

use imgeval_core::visible;
use serde_json::Value;

use crate::Redactor;

/// Limit on the stored size of a reply.
pub(crate) const MAX_RAW_BYTES: usize = 256 << 10;

/// Only as much as can be kept is searched for secrets.
const MAX_SEARCHED: usize = 2 * MAX_RAW_BYTES;

/// Shorter strings are kept even if they are base64: they are ids and signatures.
const MAX_BASE64_CHARS: usize = 4096;

/// In random base64, a text longer than this does not occur by chance.
const MAX_CHANCE: usize = 12;

/// Up to its comma, a data URL is shorter.
const MAX_DATA_URL_START: usize = 100;

/// Log-probabilities of chat completions and of Gemini: many times the size of the answer.
const BULKY: [&str; 2] = ["logprobs", "logprobsResult"];

const MAX_WORDS: usize = 400;

/// Redacts every string but the images, in which a match would be chance, and gives the reply as text: images cut out, redacted
/// (names too), at most 256 KiB. Whoever lets a string out of the reply that is not decoded as an image redacts it himself.
pub(crate) fn redact_and_keep(value: &mut Value, redactor: &Redactor, may_have_images: bool) -> String {
    redact_and_tell(value, redactor, may_have_images).0
}

/// As [`redact_and_keep`]; with the text comes whether there were secrets.
pub(super) fn redact_and_tell(
    value: &mut Value,
    redactor: &Redactor,
    may_have_images: bool,
) -> (String, bool) {
    let mut kept = String::new();
    let has_secrets = walk(value, redactor, may_have_images, &mut kept);
    (raw_text(kept, redactor), has_secrets)
}

/// Gives whether there were secrets.
fn walk(value: &mut Value, redactor: &Redactor, may_have_images: bool, kept: &mut String) -> bool {
    let mut has_secrets = false;
    match value {
        Value::String(text) if may_have_images && is_image(text) => {
            kept.push_str(&format!("\"<{} bytes of base64 cut out>\"", text.len()));
        }
        Value::String(text) => {
            let redacted = redactor.redact(text);
            has_secrets = redacted != *text;
            *text = redacted;
            keep_string(text, kept);
        }
        Value::Array(items) => {
            kept.push('[');
            for (index, item) in items.iter_mut().enumerate() {
                kept.push_str(if index > 0 { "," } else { "" });
                has_secrets |= walk(item, redactor, may_have_images, kept);
            }
            kept.push(']');
        }
        Value::Object(fields) => {
            kept.push('{');
            let mut fields: Vec<_> = fields.iter_mut().collect();
            // What is cut off at the end shall not be the answer.
            fields.sort_by_key(|(name, field)| is_bulky(name, field));
            for (index, (name, field)) in fields.into_iter().enumerate() {
                kept.push_str(if index > 0 { "," } else { "" });
                has_secrets |= redactor.redact(name) != *name;
                keep_string(name, kept);
                kept.push(':');
                has_secrets |= walk(field, redactor, may_have_images, kept);
            }
            kept.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => kept.push_str(&value.to_string()),
    }
    has_secrets
}

/// Whether a field is, or holds, something that may fill up all that can be kept.
fn is_bulky(name: &str, field: &Value) -> bool {
    match field {
        Value::Object(fields) => {
            BULKY.contains(&name) || fields.iter().any(|(name, field)| is_bulky(name, field))
        }
        Value::Array(items) => BULKY.contains(&name) || items.iter().any(|item| is_bulky("", item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// As JSON writes it; what lies behind the end of what can be kept is left out.
fn keep_string(text: &str, kept: &mut String) {
    if kept.len() <= MAX_SEARCHED {
        let shown = &text[..text.floor_char_boundary(MAX_SEARCHED)];
        kept.push_str(&Value::from(shown).to_string());
    }
}

/// A reply's text, redacted, at most 256 KiB.
pub(super) fn raw_text(mut text: String, redactor: &Redactor) -> String {
    // A secret that this cut divides lies behind the second one, or is taken away with the end.
    let was_cut = text.len() > MAX_SEARCHED;
    truncate(&mut text, MAX_SEARCHED);
    let mut redacted = redactor.redact(&text);
    if was_cut {
        let length = redacted.len().saturating_sub(redactor.longest());
        truncate(&mut redacted, length);
    }
    truncate(&mut redacted, MAX_RAW_BYTES);
    redacted
}

/// A reply's whole text without secrets. In long base64, which is an image, a short secret would be a chance match.
pub(super) fn redact_whole(text: &str, redactor: &Redactor) -> String {
    let text = redactor.redact_longer_than(MAX_CHANCE, text);
    let mut redacted = String::new();
    let mut rest = 0;
    for (start, end) in base64_runs(text.as_bytes()) {
        // A secret may begin before the run, or end behind it.
        let (start, end) = (start + MAX_CHANCE, end - MAX_CHANCE);
        redacted.push_str(&redactor.redact(&text[rest..start]));
        redacted.push_str(&text[start..end]);
        rest = end;
    }
    if rest == 0 {
        return redactor.redact(&text);
    }
    redacted.push_str(&redactor.redact(&text[rest..]));
    redacted
}

/// Where base64 without any other character stands, longer than ids and signatures are.
fn base64_runs(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut place = 0;
    while let Some(skipped) = bytes[place..].iter().position(|byte| is_base64(&[*byte])) {
        let start = place + skipped;
        let length = bytes[start..].iter().position(|byte| !is_base64(&[*byte]));
        let end = length.map_or(bytes.len(), |length| start + length);
        if end - start > MAX_BASE64_CHARS {
            runs.push((start, end));
        }
        place = end;
    }
    runs
}

/// What a server said, fit for a sentence: redacted, in one line, not endless.
pub(crate) fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = visible(&line).chars().take(MAX_WORDS).collect();
    if shown.len() < line.len() { format!("{shown}...") } else { shown }
}

/// Whether the string is an image: long, and base64 from end to end, perhaps with the beginning of a data URL.
fn is_image(text: &str) -> bool {
    if text.len() <= MAX_BASE64_CHARS {
        return false;
    }
    let start = &text.as_bytes()[..MAX_DATA_URL_START];
    let encoded = match start.iter().position(|byte| *byte == b',') {
        Some(comma) if text.starts_with("data:image/") => &text.as_bytes()[comma + 1..],
        _ => text.as_bytes(),
    };
    is_base64(encoded)
}

/// In blocks without a branch inside, so that the compiler makes vector instructions of them.
fn is_base64(bytes: &[u8]) -> bool {
    let is_one = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let digit = byte.wrapping_sub(b'0') < 10;
        let other = (byte == b'+') | (byte == b'/') | (byte == b'=') | (byte == b'-') | (byte == b'_');
        letter | digit | other | (byte == b'\r') | (byte == b'\n')
    };
    bytes.chunks(64).all(|block| block.iter().fold(true, |all, byte| all & is_one(*byte)))
}

fn truncate(text: &mut String, length: usize) {
    if length < text.len() {
        text.truncate(text.floor_char_boundary(length));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Secret;

    fn keep(mut reply: Value, redactor: &Redactor) -> (String, Value) {
        (redact_and_keep(&mut reply, redactor, true), reply)
    }

    #[test]
    fn whether_there_were_secrets_is_told() {
        let redactor = Redactor::new([&Secret::new("sk-canary-0123")]);
        let tell = |reply: &str| {
            let mut reply = serde_json::from_str(reply).unwrap();
            redact_and_tell(&mut reply, &redactor, true).1
        };
        for reply in [
            r#"{"a": ["sk\u002dcanary\u002d0123"]}"#,
            r#"{"a": {"sk-canary-0123": 1}}"#,
            r#"["x", "sk-canary-0123"]"#,
        ] {
            assert!(tell(reply), "{reply}");
        }
        assert!(!tell(r#"{"a": ["canary", null, 1], "b": {"c": "sk"}}"#));
    }

    #[test]
    fn images_are_cut_out_and_other_long_strings_kept() {
        let prose = "a b ".repeat(2000);
        let reply = json!({"data": [{"b64_json": "A".repeat(5000)}], "text": prose, "id": "AAAA"});
        let (raw, read) = keep(reply.clone(), &Redactor::default());
        assert_eq!(read, reply);
        assert!(
            raw.contains("<5000 bytes of base64 cut out>") && raw.contains(&prose) && raw.contains("AAAA")
        );
        let url = json!([format!("data:image/png;base64,{}", "A".repeat(5000))]);
        assert!(keep(url, &Redactor::default()).0.len() < 100);
    }

    #[test]
    fn what_is_kept_is_the_replys_json() {
        let reply = json!({"a\"": [null, true, 1.5, "x\n\"ü", [], {}], "b": {"c": -3}});
        assert_eq!(keep(reply.clone(), &Redactor::default()).0, reply.to_string());
    }

    #[test]
    fn log_probabilities_that_are_too_long_cut_off_nothing_else() {
        let token = json!({"token": " a", "logprob": -0.5, "bytes": [32, 97]});
        let choice =
            json!({"logprobs": {"content": vec![token; 20_000]}, "message": {"content": "Score: 1"}});
        let reply = json!({"choices": [choice], "model": "m", "usage": {"total_tokens": 9}});
        let (raw, read) = keep(reply.clone(), &Redactor::default());
        assert!(
            raw.starts_with(r#"{"model":"m","usage":{"total_tokens":9},"choices":[{"message":{"content""#)
        );
        assert!(raw.len() == MAX_RAW_BYTES && read == reply);
    }

    #[test]
    fn base64_is_known_by_every_single_character() {
        let base64 = "iVBORw0KGgo+/=-_\r\nAZaz09".repeat(300);
        assert!(is_image(&base64) && is_image(&format!("data:image/png;base64,{base64}")));
        for character in (0_u8..128).map(char::from) {
            let is_base64 = character.is_ascii_alphanumeric() || "+/=-_\r\n".contains(character);
            for place in [0, 1, 4095, base64.len() - 1] {
                let mut text = base64.clone();
                text.replace_range(place..=place, &character.to_string());
                assert_eq!(is_image(&text), is_base64, "{character:?} at {place}");
            }
        }
        assert!(!is_image(&format!("data:text/plain,{}", "no image, and long ".repeat(300))));
    }

    #[test]
    fn a_server_cannot_pass_words_off_as_an_image() {
        let redactor = Redactor::new([&Secret::new("sk-canary-0123")]);
        let filler = "A".repeat(5000);
        for words in [
            format!("data:{filler} sk-canary-0123"),
            format!("data:image/png;base64,{filler} sk-canary-0123"),
            format!("{filler}\u{e9}sk-canary-0123"),
        ] {
            let (raw, read) = keep(json!({"error": words}), &redactor);
            assert!(!raw.contains("canary") && !read.to_string().contains("canary"), "{words}");
        }
        let mut error = json!({"error": format!("{filler}sk-canary-0123")});
        redact_and_keep(&mut error, &redactor, false);
        assert_eq!(error, json!({"error": format!("{filler}****")}), "no image comes with an error");
        // Base64 to the end is cut out of what is kept, whatever it says.
        let (raw, _) =
            keep(json!({"image": format!("{filler}sk-canary-0123"), "sk-canary-0123": 1}), &redactor);
        assert!(!raw.contains("canary") && raw.contains("cut out"), "{raw}");
    }

    #[test]
    fn many_long_strings_are_not_all_taken_along() {
        let prose = "a b ".repeat(200_000);
        let mut kept = String::new();
        walk(&mut json!([prose, prose, prose, prose]), &Redactor::default(), true, &mut kept);
        assert!(kept.len() < 3 * MAX_SEARCHED, "{}", kept.len());
    }

    #[test]
    fn a_secret_that_a_cut_divides_leaves_no_half() {
        let key = "sk-canary-0123456789".repeat(3);
        let redactor = Redactor::new([&Secret::new(key.clone())]);
        for fill in (2 * MAX_RAW_BYTES - 70)..(2 * MAX_RAW_BYTES + 5) {
            // So many keys at the beginning that the redacted text is short enough to show its end.
            let keys = key.repeat(5000);
            let text = format!("{keys}{}{key}{}", ".".repeat(fill - keys.len()), " ".repeat(500));
            let raw = raw_text(text, &redactor);
            assert!(raw.len() <= MAX_RAW_BYTES && !raw.contains("sk-canary"), "{fill}");
        }
    }

    #[test]
    fn whole_texts_lose_secrets_and_no_image() {
        let redactor = Redactor::new([&Secret::new("AAAAAA"), &Secret::new("sk-canary-0123456789")]);
        let image = "A".repeat(5000);
        let text = format!("{{\"image\": \"{image}\", \"text\": \"AAAAAA sk-canary-0123456789\"}} AAAAAA");
        let redacted = redact_whole(&text, &redactor);
        assert_eq!(
            redacted.matches("canary").count() + redacted.matches("\"AAAAAA ").count(),
            0,
            "{redacted}"
        );
        assert!(
            redacted.contains(&"A".repeat(4900)) && redacted.ends_with("**** ****\"} ****"),
            "{redacted}"
        );
        // A key is no chance match.
        let text = format!("{image}sk-canary-0123456789{image}");
        assert!(!redact_whole(&text, &redactor).contains("canary"));
        let harmless = format!("{{\"image\": \"{}\"}}", "iVBORw0KGgo+/=-_".repeat(400));
        assert_eq!(redact_whole(&harmless, &redactor), harmless);
        assert_eq!(redact_whole("", &redactor), "");
    }

    #[test]
    fn a_key_across_the_end_of_an_image_is_found() {
        let redactor = Redactor::new([&Secret::new("ab\"cd+12")]);
        let text = format!("\"{}ab\\\"cd+12\"", "A".repeat(5000));
        assert!(!redact_whole(&text, &redactor).contains("cd+12"));
    }

    #[test]
    fn strings_are_redacted_but_not_images() {
        let redactor = Redactor::new([&Secret::new("AAAAAA")]);
        let image = "A".repeat(5000);
        let (_, reply) = keep(json!({"image": image, "text": "AAAAAA"}), &redactor);
        assert_eq!(reply, json!({"image": image, "text": "****"}));
    }
}
