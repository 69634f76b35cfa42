//! The text of a reply as it is kept: without images, without secrets, of limited length.

use imgeval_core::visible;
use serde_json::Value;

use crate::Redactor;

const MAX_RAW_BYTES: usize = 256 << 10;

/// Shorter strings are kept even if they are base64: they are ids and signatures.
const MAX_BASE64_CHARS: usize = 4096;

const MAX_WORDS: usize = 400;

/// Redacts every string but the images, in which a match would be chance.
pub(super) fn redact_strings(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) if !is_image(text) => *text = redactor.redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_strings(item, redactor)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact_strings(field, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The reply as text, with images cut out, redacted, at most 256 KiB.
pub(super) fn raw_json(value: &Value, redactor: &Redactor) -> String {
    raw_text(cut_out_images(value).to_string(), redactor)
}

/// As [`raw_json`], of a reply that is no JSON.
pub(super) fn raw_text(mut text: String, redactor: &Redactor) -> String {
    // Only as much as can be kept is searched. A secret that this cut divides lies behind the second one, or is
    // taken away with the end.
    let searched = 2 * MAX_RAW_BYTES;
    let was_cut = text.len() > searched;
    truncate(&mut text, searched);
    let mut redacted = redactor.redact(&text);
    if was_cut {
        let length = redacted.len().saturating_sub(redactor.longest());
        truncate(&mut redacted, length);
    }
    truncate(&mut redacted, MAX_RAW_BYTES);
    redacted
}

/// What a server said, fit for a sentence: redacted, in one line, not endless.
pub(crate) fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = visible(&line).chars().take(MAX_WORDS).collect();
    if shown.len() < line.len() { format!("{shown}...") } else { shown }
}

fn cut_out_images(value: &Value) -> Value {
    match value {
        Value::String(text) if is_image(text) => format!("<{} bytes of base64 cut out>", text.len()).into(),
        Value::Array(items) => items.iter().map(cut_out_images).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), cut_out_images(field))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_image(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&byte);
    text.len() > MAX_BASE64_CHARS && (text.starts_with("data:") || text.bytes().all(is_base64))
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

    #[test]
    fn images_are_cut_out_and_other_long_strings_kept() {
        let prose = "a b ".repeat(2000);
        let reply = json!({"data": [{"b64_json": "A".repeat(5000)}], "text": prose, "id": "AAAA"});
        let raw = raw_json(&reply, &Redactor::default());
        assert!(
            raw.contains("<5000 bytes of base64 cut out>") && raw.contains(&prose) && raw.contains("AAAA")
        );
        let url = json!([format!("data:image/png;base64,{}", "A".repeat(5000))]);
        assert!(raw_json(&url, &Redactor::default()).len() < 100);
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
    fn strings_are_redacted_but_not_images() {
        let redactor = Redactor::new([&Secret::new("AAAAAA")]);
        let image = "A".repeat(5000);
        let mut reply = json!({"image": image, "text": "AAAAAA"});
        redact_strings(&mut reply, &redactor);
        assert_eq!(reply, json!({"image": image, "text": "****"}));
    }
}
