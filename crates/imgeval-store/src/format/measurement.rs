//! What a program measured on a sample, as JSON in the column `measurements.payload`.

use std::collections::BTreeMap;

use imgeval_core::json::from_json_str;
use serde_json::{Map, Value};

/// Numbers by their names, in the order in which they were measured, and words by theirs, such as why a number is not there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurement {
    numbers: Vec<(String, f64)>,
    words: BTreeMap<String, String>,
}

/// Objects without a version are of version 1, and no other was ever written.
const VERSION: u64 = 1;

/// JSON has no infinity.
const INFINITE: &str = "infinite";

/// The member under which the words stand; no number has this name.
const WORDS: &str = "words";

impl Measurement {
    /// Adds a number behind the others.
    #[must_use]
    pub fn with(mut self, name: &str, number: f64) -> Self {
        self.numbers.push((name.to_owned(), number));
        self
    }

    /// The number of this name, which may be infinite.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// Adds words, in the place of those that have this name.
    #[must_use]
    pub fn with_word(mut self, name: &str, word: &str) -> Self {
        self.words.insert(name.to_owned(), word.to_owned());
        self
    }

    /// The words of this name.
    #[must_use]
    pub fn word(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    /// All numbers by their names, in the order in which they were measured.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, f64)> {
        self.numbers.iter().map(|(name, number)| (name.as_str(), *number))
    }

    /// All words by their names.
    pub fn words(&self) -> impl Iterator<Item = (&str, &str)> {
        self.words.iter().map(|(name, word)| (name.as_str(), word.as_str()))
    }

    pub(crate) fn render(&self) -> String {
        let value = |number: f64| {
            if number == f64::INFINITY { Value::from(INFINITE) } else { Value::from(number) }
        };
        let numbers = self.numbers.iter().map(|(name, number)| (name.clone(), value(*number)));
        let words = (!self.words.is_empty()).then(|| (WORDS.to_owned(), serde_json::json!(self.words)));
        Value::Object(numbers.chain(words).collect()).to_string()
    }

    /// Parses the output of [`Self::render`]; the error says what is wrong. Anything that is not a number counts as
    /// missing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut object: Map<String, Value> = from_json_str(text).map_err(|error| error.to_string())?;
        if let Some(version) = object.get("version").and_then(Value::as_u64).filter(|found| *found > VERSION)
        {
            return Err(format!("measurement format {version} is newer than this version can read"));
        }
        let number = |(name, value): (String, Value)| {
            let number = match value {
                Value::String(word) if word == INFINITE => Some(f64::INFINITY),
                value => value.as_f64(),
            };
            number.map(|number| (name, number))
        };
        let words = match object.remove(WORDS) {
            Some(words) => serde_json::from_value(words).map_err(|error| error.to_string())?,
            None => BTreeMap::new(),
        };
        Ok(Self { numbers: object.into_iter().filter_map(number).collect(), words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 0.1.0 wrote it; it must be read and written byte for byte.
    #[test]
    fn measurements_without_a_version_are_read_and_written_as_they_were() {
        let text = r#"{"psnr":"infinite","ssim":0.8134825036851806,"mse":0.0}"#;
        let measured = Measurement::parse(text).unwrap();
        assert_eq!(measured.number("psnr"), Some(f64::INFINITY));
        assert_eq!((measured.number("mse"), measured.number("lpips")), (Some(0.0), None));
        assert_eq!(measured.render(), text);
        let other = Measurement::default().with("ssim", f64::NAN).render();
        assert_eq!(other, r#"{"ssim":null}"#);
        assert_eq!(Measurement::parse(&other).unwrap(), Measurement::default());
    }

    #[test]
    fn words_are_kept_beside_the_numbers() {
        let measured = Measurement::default().with("lap_var", 2.5).with_word("blur", "a flat image");
        assert_eq!(measured.render(), r#"{"lap_var":2.5,"words":{"blur":"a flat image"}}"#);
        assert_eq!(Measurement::parse(&measured.render()).unwrap(), measured);
        assert_eq!(measured.word("blur"), Some("a flat image"));
        assert!(Measurement::parse(r#"{"words":{"blur":1}}"#).is_err());
    }

    #[test]
    fn what_cannot_be_understood_is_refused_not_guessed() {
        assert!(Measurement::parse("[1]").is_err());
        assert!(Measurement::parse(r#"{"version":2}"#).unwrap_err().contains("2 is newer"));
    }
}
