//! The strict parser: serde_json's, with a bound on how many values it makes.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Values and names of fields that one reply may hold. Long answers with log-probabilities have some hundred thousand; in memory a
/// value takes up to a few hundred bytes.
pub(super) const MAX_VALUES: usize = 1_000_000;

/// How many values may still be made for a reply; `None` once more were wanted.
pub(super) struct ValuesLeft(Cell<Option<usize>>);

impl ValuesLeft {
    pub(super) fn of(most: usize) -> Self {
        Self(Cell::new(Some(most)))
    }

    /// Whether one more may be made; once not, never again.
    pub(super) fn take(&self) -> bool {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(1)));
        self.0.get().is_some()
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.0.get().is_none()
    }

    pub(super) fn left(&self) -> usize {
        self.0.get().unwrap_or(0)
    }

    /// Returns what a parser consumed without success.
    pub(super) fn reset_to(&self, left: usize) {
        self.0.set(Some(left));
    }
}

/// All of `bytes` as one value.
pub(super) fn parse_strictly(bytes: &[u8], left: &ValuesLeft) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Counted(left).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Counted<'a>(&'a ValuesLeft);

impl Counted<'_> {
    fn take<E: Error>(self) -> Result<(), E> {
        if self.0.take() { Ok(()) } else { Err(E::custom("too many values")) }
    }
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.take()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            self.take()?;
            fields.insert(name, access.next_value_seed(self)?);
        }
        Ok(Value::Object(fields))
    }
}
