//! How many images a reply holds, whatever its shape: more than are taken from it are a reason to keep it whole.

use std::collections::BTreeSet;

use serde_json::Value;

/// Shorter strings hold no image.
const MIN_BASE64_CHARS: usize = 64;

/// So much of both ends, and the length, tell images apart.
const COMPARED: usize = 64;

/// How the formats' first bytes look in base64: PNG, JPEG, WebP (as RIFF), GIF and BMP.
const STARTS: &[&str] = &["iVBORw0KGgo", "/9j/", "UklGR", "R0lGOD", "Qk0"];

/// Where lists of images stand, each of which may be no more than an address.
const LISTS: &[&str] = &["data", "images"];

/// Different images in the reply. Drafts from a model's thoughts are not counted, and neither are the previews of a stream.
pub(crate) fn count_images(reply: &Value) -> usize {
    let mut seen = BTreeSet::new();
    visit(reply, false, &mut seen);
    seen.len()
}

type Seen<'a> = BTreeSet<(usize, &'a [u8], &'a [u8])>;

fn visit<'a>(value: &'a Value, is_listed: bool, seen: &mut Seen<'a>) {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let encoded = text.rsplit_once("base64,").map_or(text, |(_, encoded)| encoded);
            let is_image = encoded.len() >= MIN_BASE64_CHARS
                && STARTS.iter().any(|start| encoded.starts_with(start));
            let is_address = is_listed && (text.starts_with("https://") || text.starts_with("http://"));
            if is_image || is_address {
                let bytes = encoded.as_bytes();
                let n_compared = bytes.len().min(COMPARED);
                seen.insert((bytes.len(), &bytes[..n_compared], &bytes[bytes.len() - n_compared..]));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, is_listed, seen)),
        Value::Object(fields) if fields.get("thought").is_none_or(|thought| *thought != true) => {
            // One image may come both ways, and counts once.
            let has_bytes = fields.get("b64_json").is_some_and(Value::is_string);
            for (name, field) in fields {
                let is_list = LISTS.contains(&name.as_str()) && field.is_array();
                if !(has_bytes && name == "url") && !name.contains("partial") {
                    visit(field, is_list || is_listed, seen);
                }
            }
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_counted_once_each_in_every_shape() {
        let png = |name: &str| format!("iVBORw0KGgo{}{name}", "A".repeat(100));
        let url = |name: &str| format!("https://images.example/{name}.png");
        let data_url = |name: &str| format!("data:image/png;base64,{}", png(name));
        for (expected, reply) in [
            (0, json!({"data": [], "id": "iVBORw0KGgo", "signature": "A".repeat(9000)})),
            (1, json!({"data": [{"b64_json": png("a"), "url": url("a")}]})),
            (2, json!({"data": [{"b64_json": png("a")}, {"b64_json": png("b")}]})),
            (2, json!({"data": [{"url": url("a")}, {"url": url("b")}]})),
            (1, json!({"data": [{"url": url("a")}, {"url": url("a")}], "documentation": url("docs")})),
            (2, json!({"choices": [{"message": {"images": [
                {"image_url": {"url": data_url("a")}}, {"image_url": {"url": data_url("b")}}]}}]})),
            (1, json!({"candidates": [{"content": {"parts": [
                {"thought": true, "inlineData": {"data": png("draft")}}, {"inlineData": {"data": png("a")}}]}}]})),
            (2, json!({"candidates": [{"content": {"parts": [{"inlineData": {"data": png("a")}}]}},
                {"content": {"parts": [{"inline_data": {"data": png("b")}}]}}]})),
            (1, json!({"output": [{"type": "image_generation_call", "result": png("a")}]})),
        ] {
            assert_eq!(count_images(&reply), expected, "{reply}");
        }
    }
}
