//! The parts of decoding that every interface words alike. What cannot be worded is refused before anything is sent.

use imgeval_core::{Failure, FailureKind, ReplySchema, json::from_json_str};
use serde_json::{Map, Number, Value};

/// With log-probabilities, how many alternative words are requested for each position.
pub(super) const N_ALTERNATIVES: u32 = 5;

pub(super) fn refuse(detail: String) -> Failure {
    Failure { kind: FailureKind::RejectedRequest, detail }
}

/// JSON knows neither infinity nor NaN and would say null.
pub(super) fn temperature(value: f64) -> Result<Value, Failure> {
    Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| refuse(format!("cannot send the temperature {value}")))
}

pub(super) fn schema(schema: &ReplySchema) -> Result<Value, Failure> {
    match from_json_str::<Value>(&schema.schema) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(refuse(format!("the schema `{}` is not a JSON object", schema.name))),
        Err(error) => Err(refuse(format!("the schema `{}` is not valid JSON: {error}", schema.name))),
    }
}

/// Adds extra fields, which may neither replace existing fields nor be among `forbidden`.
pub(super) fn add_fields(
    body: &mut Map<String, Value>,
    fields: &[(String, String)],
    forbidden: &[&str],
) -> Result<(), Failure> {
    for (name, text) in fields {
        if body.contains_key(name) || forbidden.contains(&name.as_str()) {
            return Err(refuse(format!("the extra field `{name}` is reserved: imgeval sets it")));
        }
        let value = from_json_str(text)
            .map_err(|error| refuse(format!("the extra field `{name}` is not valid JSON: {error}")))?;
        body.insert(name.clone(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn further_fields_replace_nothing() {
        let mut body = Map::from_iter([("model".to_owned(), json!("m"))]);
        let field = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        add_fields(&mut body, &field("top_p", "{\"a\":[1]}"), &["stream"]).unwrap();
        assert_eq!(Value::Object(body.clone()), json!({"model": "m", "top_p": {"a": [1]}}));
        for (name, value, words) in [
            ("model", "1", "`model` is reserved"),
            ("stream", "true", "`stream` is reserved"),
            ("top_p", "2", "`top_p` is reserved"),
            ("b", "{", "`b` is not valid JSON"),
        ] {
            let failure = add_fields(&mut body, &field(name, value), &["stream"]).unwrap_err();
            assert_eq!(failure.kind, FailureKind::RejectedRequest);
            assert!(failure.detail.contains(words), "{}", failure.detail);
        }
    }

    #[test]
    fn a_temperature_that_json_lacks_is_refused() {
        assert_eq!(temperature(0.0).unwrap(), json!(0.0));
        assert!(temperature(f64::NAN).is_err() && temperature(f64::INFINITY).is_err());
    }

    #[test]
    fn a_schema_is_a_json_object() {
        let of = |text: &str| schema(&ReplySchema { name: "scores".to_owned(), schema: text.to_owned() });
        assert_eq!(of("{\"type\": \"object\"}").unwrap(), json!({"type": "object"}));
        assert!(of("[]").unwrap_err().detail.contains("`scores` is not a JSON object"));
        assert!(of("{").unwrap_err().detail.contains("`scores` is not valid JSON:"));
    }
}
