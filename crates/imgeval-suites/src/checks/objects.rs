//! Checks of objects: GenEval's clauses, which a detector's evidence decides.

use imgeval_core::sentence_of;
use serde_json::{Map, Value};

use super::{Check, CheckedCase, Kind, Needs};
use crate::geneval::Metadata;

#[derive(Debug)]
pub(super) struct Objects;

impl Kind for Objects {
    fn name(&self) -> &'static str {
        "objects"
    }

    fn members(&self) -> &'static [&'static str] {
        &["tag", "include", "exclude"]
    }

    fn read(&self, members: &Map<String, Value>, about: &CheckedCase<'_>) -> Result<Box<dyn Check>, String> {
        let mut metadata = members.clone();
        metadata.remove("kind");
        metadata.insert("prompt".to_owned(), about.prompt.into());
        let objects = Metadata::parse(&Value::Object(metadata)).map_err(|error| sentence_of(&error))?;
        Ok(Box::new(ObjectsCheck(objects)))
    }
}

#[derive(Debug)]
struct ObjectsCheck(Metadata);

impl Check for ObjectsCheck {
    fn needs(&self) -> Needs<'_> {
        Needs::Objects(&self.0)
    }
}
