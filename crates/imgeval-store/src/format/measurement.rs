//! Numbers that a program measured on a sample, as JSON in the column `measurements.payload`.

use imgeval_core::json::from_json_str;
use serde_json::{Map, Value};

/// Numbers by their names, in the order in which they were measured. Those that are not there are missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurement {
    numbers: Vec<(String, f64)>,
}

/// Objects without a version are of version 1, and no other was ever written.
const VERSION: u64 = 1;

/// JSON has no infinity.
const INFINITE: &str = "infinite";

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

    pub(crate) fn render(&self) -> String {
        let value = |number: f64| {
            if number == f64::INFINITY { Value::from(INFINITE) } else { Value::from(number) }
        };
        let numbers = self.numbers.iter().map(|(name, number)| (name.clone(), value(*number)));
        Value::Object(numbers.collect()).to_string()
    }

    /// Reads what [`Self::render`] gave; the error says what is wrong with it. What is no number counts as missing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let object: Map<String, Value> = from_json_str(text).map_err(|error| error.to_string())?;
        if let Some(version) = object.get("version").and_then(Value::as_u64).filter(|found| *found > VERSION)
        {
            return Err(format!("measurement format {version} is newer than this version reads"));
        }
        let number = |(name, value): (String, Value)| {
            let number = match value {
                Value::String(word) if word == INFINITE => Some(f64::INFINITY),
                value => value.as_f64(),
            };
            number.map(|number| (name, number))
        };
        Ok(Self { numbers: object.into_iter().filter_map(number).collect() })
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
    fn what_cannot_be_understood_is_refused_not_guessed() {
        assert!(Measurement::parse("[1]").is_err());
        assert!(Measurement::parse(r#"{"version":2}"#).unwrap_err().contains("2 is newer"));
    }
}
