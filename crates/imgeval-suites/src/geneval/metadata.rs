//! What one GenEval prompt demands of an image, and its official JSON form.
//!
//! `{"tag": …, "include": [{"class": …, "count": …, "color": …, "position": [relation, clause]}, …],
//! "exclude": [{"class": …, "count": …}, …], "prompt": …}`, as `evaluation/evaluate_images.py` of djghosh13/geneval
//! reads it. That script trusts its input; here a file may come from anyone, so whatever it would trip over, or
//! silently pass over, is refused with the name of the field.

use std::{collections::BTreeSet, fmt, num::NonZeroU32};

use imgeval_core::{Category, Color};
use serde_json::{Map, Value, json};

const METADATA_KEYS: [&str; 4] = ["tag", "include", "exclude", "prompt"];
const INCLUDE_KEYS: [&str; 4] = ["class", "count", "color", "position"];
const EXCLUDE_KEYS: [&str; 2] = ["class", "count"];

/// Where unknown keys are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerance {
    /// Beside `tag`, `include`, `exclude` and `prompt`. In a clause a misspelt `color` would change what is asked.
    BesideTheClauses,
    /// In clauses too, where what is asked is held against the suite anyway.
    Anywhere,
}

/// One case of the suite.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Metadata {
    pub tag: Tag,
    /// What must be there. With an empty `exclude`, there is at least one.
    pub include: Vec<Include>,
    /// What must not be there.
    pub exclude: Vec<Exclude>,
    pub prompt: String,
}

/// At least `count` objects of a category, in this color and at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Include {
    pub category: Category,
    /// At least 1.
    pub count: u32,
    pub color: Option<Color>,
    pub position: Option<Position>,
}

/// Fewer than `count` objects of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exclude {
    pub category: Category,
    /// At least 1.
    pub count: u32,
}

/// Where the objects of a clause lie, seen from those of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    pub relation: Relation,
    /// Index of the earlier clause in `include`.
    pub target: usize,
}

/// The kinds of prompt, in the order of the official suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    SingleObject,
    TwoObject,
    Counting,
    Colors,
    Position,
    ColorAttr,
}

impl Tag {
    pub const ALL: [Self; 6] =
        [Self::SingleObject, Self::TwoObject, Self::Counting, Self::Colors, Self::Position, Self::ColorAttr];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleObject => "single_object",
            Self::TwoObject => "two_object",
            Self::Counting => "counting",
            Self::Colors => "colors",
            Self::Position => "position",
            Self::ColorAttr => "color_attr",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.name() == name)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The four relations, in the order of the official generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    LeftOf,
    RightOf,
    Above,
    Below,
}

impl Relation {
    pub const ALL: [Self; 4] = [Self::LeftOf, Self::RightOf, Self::Above, Self::Below];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LeftOf => "left of",
            Self::RightOf => "right of",
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.name() == name)
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a JSON value is no GenEval metadata. Fields are named by their path, such as `include[1].position`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("`{field}` is missing")]
    Missing { field: String },
    #[error("`{field}` is {found}, but must be {expected}")]
    WrongType { field: String, expected: &'static str, found: &'static str },
    #[error("`{field}` is not a known key; known keys: {}", known.join(", "))]
    UnknownKey { field: String, known: &'static [&'static str] },
    #[error("tag {found:?} is not one of the six: {}", Tag::ALL.map(Tag::name).join(", "))]
    UnknownTag { found: String },
    #[error("`{field}` is {found:?}, which is not one of GenEval's 80 class names")]
    UnknownClass { field: String, found: String },
    #[error(
        "`{field}` is {found:?}, which is not one of the ten colors: {}",
        imgeval_core::categories::COLOR_NAMES.join(", ")
    )]
    UnknownColor { field: String, found: String },
    #[error(
        "`{field}` is {found:?}, which is not one of the relations: {}",
        Relation::ALL.map(Relation::name).join(", ")
    )]
    UnknownRelation { field: String, found: String },
    #[error("`{field}` is {found}, but must be a whole number from 1 to {}", u32::MAX)]
    BadCount { field: String, found: String },
    #[error("`{field}` is {found}, but must be the number of an earlier include clause, counted from 0")]
    BadTarget { field: String, found: String },
    #[error("`prompt` is empty")]
    EmptyPrompt,
    #[error("neither `include` nor `exclude` has a clause, so nothing is required of the image")]
    NothingAsked,
}

impl Metadata {
    /// Reads the official form. `include` and `exclude` may be missing, but not both.
    ///
    /// # Errors
    /// When a field is missing, unknown or not what the official evaluator can work with.
    pub fn parse(value: &Value) -> Result<Self, MetadataError> {
        Self::parse_any(value)?.asking()
    }

    /// Itself, if it asks for something.
    pub(super) fn asking(self) -> Result<Self, MetadataError> {
        match self.include.is_empty() && self.exclude.is_empty() {
            true => Err(MetadataError::NothingAsked),
            false => Ok(self),
        }
    }

    /// Also where nothing is asked of the image.
    fn parse_any(value: &Value) -> Result<Self, MetadataError> {
        let fields = Fields::new("metadata", value, &METADATA_KEYS)?;
        let include = fields.clauses("include")?;
        let exclude = fields.clauses("exclude")?;
        let metadata = Self {
            tag: parse_tag(fields.required("tag")?)?,
            include: include.iter().enumerate().map(parse_include).collect::<Result<_, _>>()?,
            exclude: exclude.iter().enumerate().map(parse_exclude).collect::<Result<_, _>>()?,
            prompt: as_string("prompt", fields.required("prompt")?)?.to_owned(),
        };
        if metadata.prompt.trim().is_empty() {
            return Err(MetadataError::EmptyPrompt);
        }
        Ok(metadata)
    }

    /// Like [`Self::parse`], but ignores keys that the official evaluator does not use, and returns their names:
    /// shared files often have more than the suite's own keys.
    ///
    /// # Errors
    /// As [`Self::parse`], except for unknown keys in the places that `tolerance` names.
    pub fn parse_among_others(
        value: &Value,
        tolerance: Tolerance,
    ) -> Result<(Self, Vec<String>), MetadataError> {
        let (metadata, further) = Self::parse_any_among_others(value, tolerance)?;
        Ok((metadata.asking()?, further))
    }

    /// Like [`Self::parse_among_others`], but also where nothing is asked of the image: reward servers are sent that too.
    ///
    /// # Errors
    /// As [`Self::parse_among_others`], except for metadata without clauses.
    pub fn parse_any_among_others(
        value: &Value,
        tolerance: Tolerance,
    ) -> Result<(Self, Vec<String>), MetadataError> {
        let mut value = value.clone();
        let mut further = take_unknown(&mut value, "", &METADATA_KEYS);
        if tolerance == Tolerance::Anywhere {
            let places = [("include", &INCLUDE_KEYS[..]), ("exclude", &EXCLUDE_KEYS[..])];
            for (name, known) in places {
                let clauses = value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
                for (index, clause) in clauses.enumerate() {
                    further.extend(take_unknown(clause, &format!("{name}[{index}]."), known));
                }
            }
        }
        Ok((Self::parse_any(&value)?, further))
    }

    /// Whether the same is asked of an image, in whatever words.
    #[must_use]
    pub fn asks_the_same_as(&self, other: &Self) -> bool {
        (self.tag, &self.include, &self.exclude) == (other.tag, &other.include, &other.exclude)
    }

    /// The categories whose color a clause asks for, each once.
    #[must_use]
    pub fn colored_categories(&self) -> BTreeSet<Category> {
        self.include.iter().filter(|clause| clause.color.is_some()).map(|clause| clause.category).collect()
    }

    /// The official form, keys in the official order; `exclude` is left out where it is empty.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members = Map::new();
        members.insert("tag".to_owned(), json!(self.tag.name()));
        members.insert("include".to_owned(), self.include.iter().copied().map(Include::to_value).collect());
        if !self.exclude.is_empty() {
            members
                .insert("exclude".to_owned(), self.exclude.iter().copied().map(Exclude::to_value).collect());
        }
        members.insert("prompt".to_owned(), json!(self.prompt));
        Value::Object(members)
    }
}

impl Include {
    fn to_value(self) -> Value {
        let mut members = clause_members(self.category, self.count);
        if let Some(color) = self.color {
            members.insert("color".to_owned(), json!(color.name()));
        }
        if let Some(Position { relation, target }) = self.position {
            members.insert("position".to_owned(), json!([relation.name(), target]));
        }
        Value::Object(members)
    }
}

impl Exclude {
    fn to_value(self) -> Value {
        Value::Object(clause_members(self.category, self.count))
    }
}

fn clause_members(category: Category, count: u32) -> Map<String, Value> {
    Map::from_iter([("class".to_owned(), json!(category.name())), ("count".to_owned(), json!(count))])
}

/// A JSON object whose keys are all known, with the path that leads to it.
struct Fields<'a> {
    /// Empty for the whole metadata, else ending in a full stop.
    prefix: String,
    members: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn new(path: &str, value: &'a Value, known: &'static [&'static str]) -> Result<Self, MetadataError> {
        let members = value.as_object().ok_or_else(|| wrong_type(path, value, "an object"))?;
        let prefix = if path == "metadata" { String::new() } else { format!("{path}.") };
        match members.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(MetadataError::UnknownKey {
                field: format!("{prefix}{}", shorten(key).escape_debug()),
                known,
            }),
            None => Ok(Self { prefix, members }),
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn optional(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key)
    }

    fn required(&self, key: &str) -> Result<&'a Value, MetadataError> {
        self.optional(key).ok_or_else(|| MetadataError::Missing { field: self.path(key) })
    }

    /// The array under `key`; a missing one is empty.
    fn clauses(&self, key: &str) -> Result<&'a [Value], MetadataError> {
        match self.optional(key) {
            None => Ok(&[]),
            Some(Value::Array(clauses)) => Ok(clauses),
            Some(other) => Err(wrong_type(&self.path(key), other, "an array")),
        }
    }

    fn category(&self) -> Result<Category, MetadataError> {
        let field = self.path("class");
        let name = as_string(&field, self.required("class")?)?;
        Category::from_name(name).ok_or_else(|| MetadataError::UnknownClass { field, found: shorten(name) })
    }

    fn count(&self) -> Result<u32, MetadataError> {
        let value = self.required("count")?;
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok()).and_then(NonZeroU32::new);
        count.map(NonZeroU32::get).ok_or_else(|| MetadataError::BadCount {
            field: self.path("count"),
            found: describe_number(value),
        })
    }

    fn color(&self) -> Result<Option<Color>, MetadataError> {
        let Some(value) = self.optional("color") else { return Ok(None) };
        let field = self.path("color");
        let name = as_string(&field, value)?;
        match Color::from_name(name) {
            Some(color) => Ok(Some(color)),
            None => Err(MetadataError::UnknownColor { field, found: shorten(name) }),
        }
    }

    fn position(&self, clause: usize) -> Result<Option<Position>, MetadataError> {
        let Some(value) = self.optional("position") else { return Ok(None) };
        let field = self.path("position");
        let Some([relation, target]) = value.as_array().map(Vec::as_slice) else {
            return Err(wrong_type(&field, value, "an array of a relation and a clause number"));
        };
        let relation = parse_relation(format!("{field}[0]"), relation)?;
        let target = parse_target(format!("{field}[1]"), target, clause)?;
        Ok(Some(Position { relation, target }))
    }
}

/// Takes the members out whose keys are not known, and gives their paths.
fn take_unknown(value: &mut Value, prefix: &str, known: &[&str]) -> Vec<String> {
    let Some(members) = value.as_object_mut() else { return Vec::new() };
    let unknown: Vec<String> = members.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
    for key in &unknown {
        members.shift_remove(key);
    }
    unknown.iter().map(|key| format!("{prefix}{}", shorten(key).escape_debug())).collect()
}

fn parse_tag(value: &Value) -> Result<Tag, MetadataError> {
    let name = as_string("tag", value)?;
    Tag::from_name(name).ok_or_else(|| MetadataError::UnknownTag { found: shorten(name) })
}

fn parse_include((index, value): (usize, &Value)) -> Result<Include, MetadataError> {
    let fields = Fields::new(&format!("include[{index}]"), value, &INCLUDE_KEYS)?;
    Ok(Include {
        category: fields.category()?,
        count: fields.count()?,
        color: fields.color()?,
        position: fields.position(index)?,
    })
}

fn parse_exclude((index, value): (usize, &Value)) -> Result<Exclude, MetadataError> {
    let fields = Fields::new(&format!("exclude[{index}]"), value, &EXCLUDE_KEYS)?;
    Ok(Exclude { category: fields.category()?, count: fields.count()? })
}

fn parse_relation(field: String, value: &Value) -> Result<Relation, MetadataError> {
    let name = as_string(&field, value)?;
    Relation::from_name(name).ok_or_else(|| MetadataError::UnknownRelation { field, found: shorten(name) })
}

/// The official evaluator visits clauses in order, so only those before `clause` have found their objects.
fn parse_target(field: String, value: &Value, clause: usize) -> Result<usize, MetadataError> {
    let target = value.as_u64().and_then(|target| usize::try_from(target).ok());
    target
        .filter(|target| *target < clause)
        .ok_or_else(|| MetadataError::BadTarget { field, found: describe_number(value) })
}

fn as_string<'a>(field: &str, value: &'a Value) -> Result<&'a str, MetadataError> {
    value.as_str().ok_or_else(|| wrong_type(field, value, "a string"))
}

fn wrong_type(field: &str, value: &Value, expected: &'static str) -> MetadataError {
    MetadataError::WrongType { field: field.to_owned(), expected, found: kind_name(value) }
}

fn describe_number(value: &Value) -> String {
    value.as_number().map_or_else(|| kind_name(value).to_owned(), ToString::to_string)
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Enough of a name to recognize it by in a message.
fn shorten(name: &str) -> String {
    const LONGEST: usize = 60;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        json!({
            "tag": "position",
            "include": [
                {"class": "teddy bear", "count": 1, "color": "red"},
                {"class": "dog", "count": 2, "position": ["right of", 0]},
            ],
            "exclude": [{"class": "cat", "count": 1}],
            "prompt": "a photo of two dogs right of a red teddy bear and no cat",
        })
    }

    /// Parses [`sample`] with the value at a JSON pointer replaced.
    fn parse_with(pointer: &str, value: Value) -> Result<Metadata, MetadataError> {
        let mut sample = sample();
        *sample.pointer_mut(pointer).unwrap() = value;
        Metadata::parse(&sample)
    }

    fn check_refused(pointer: &str, value: Value, expected: &str) {
        assert_eq!(parse_with(pointer, value).unwrap_err().to_string(), expected);
    }

    #[test]
    fn only_clauses_with_a_color_ask_for_one() {
        let categories = Metadata::parse(&sample()).unwrap().colored_categories();
        assert_eq!(Vec::from_iter(categories.iter().map(|category| category.name())), ["teddy bear"]);
    }

    #[test]
    fn every_field_arrives() {
        let metadata = Metadata::parse(&sample()).unwrap();
        let category = |name| Category::from_name(name).unwrap();
        let bear = Include {
            category: category("teddy bear"),
            count: 1,
            color: Color::from_name("red"),
            position: None,
        };
        let right_of_bear = Position { relation: Relation::RightOf, target: 0 };
        let dogs =
            Include { category: category("dog"), count: 2, color: None, position: Some(right_of_bear) };
        assert_eq!(metadata.tag, Tag::Position);
        assert_eq!(metadata.include, [bear, dogs]);
        assert_eq!(metadata.exclude, [Exclude { category: category("cat"), count: 1 }]);
        assert_eq!(metadata.prompt, sample()["prompt"].as_str().unwrap());
    }

    #[test]
    fn writing_gives_back_what_was_read_in_the_same_order() {
        assert_eq!(Metadata::parse(&sample()).unwrap().to_value().to_string(), sample().to_string());
    }

    #[test]
    fn unknown_names_are_refused() {
        check_refused(
            "/tag",
            json!("shapes"),
            "tag \"shapes\" is not one of the six: single_object, two_object, counting, colors, position, color_attr",
        );
        check_refused(
            "/include/0/class",
            json!("Teddy Bear"),
            "`include[0].class` is \"Teddy Bear\", which is not one of GenEval's 80 class names",
        );
        check_refused(
            "/include/0/color",
            json!("grey"),
            "`include[0].color` is \"grey\", which is not one of the ten colors: \
             red, orange, yellow, green, blue, purple, pink, brown, black, white",
        );
        check_refused(
            "/include/1/position/0",
            json!("beside"),
            "`include[1].position[0]` is \"beside\", which is not one of the relations: \
             left of, right of, above, below",
        );
    }

    #[test]
    fn unknown_keys_are_refused() {
        check_refused(
            "/exclude/0",
            json!({"class": "cat", "count": 1, "color": "red"}),
            "`exclude[0].color` is not a known key; known keys: class, count",
        );
        let mut extra = sample();
        extra["note\n"] = json!(1);
        let error = Metadata::parse(&extra).unwrap_err().to_string();
        assert_eq!(error, "`note\\n` is not a known key; known keys: tag, include, exclude, prompt");
    }

    #[test]
    fn keys_of_others_are_passed_over_and_named() {
        let mut extra = sample();
        extra["index"] = json!(7);
        extra["detailed_caption"] = json!({"text": "long"});
        let (metadata, further) = Metadata::parse_among_others(&extra, Tolerance::BesideTheClauses).unwrap();
        assert_eq!(metadata, Metadata::parse(&sample()).unwrap());
        assert_eq!(further, ["index", "detailed_caption"]);
        // What stays must be what it always was.
        extra["tag"] = json!("other");
        assert!(Metadata::parse_among_others(&extra, Tolerance::Anywhere).is_err());

        let mut clause = sample();
        clause["include"][1]["colour"] = json!("red");
        let refused = Metadata::parse_among_others(&clause, Tolerance::BesideTheClauses).unwrap_err();
        assert!(refused.to_string().starts_with("`include[1].colour` is not a known key"), "{refused}");
        let (metadata, further) = Metadata::parse_among_others(&clause, Tolerance::Anywhere).unwrap();
        assert_eq!(
            (metadata, further.as_slice()),
            (Metadata::parse(&sample()).unwrap(), &["include[1].colour".to_owned()][..])
        );
    }

    #[test]
    fn another_wording_asks_the_same_and_another_count_does_not() {
        let metadata = Metadata::parse(&sample()).unwrap();
        let reworded = parse_with("/prompt", json!("In a sunlit room, all of it")).unwrap();
        assert!(metadata.asks_the_same_as(&reworded) && metadata != reworded);
        for (pointer, value) in [
            ("/include/0/count", json!(3)),
            ("/include/0/color", json!("blue")),
            ("/exclude/0/class", json!("cow")),
            ("/tag", json!("counting")),
        ] {
            assert!(!metadata.asks_the_same_as(&parse_with(pointer, value).unwrap()), "{pointer}");
        }
    }

    #[test]
    fn counts_are_whole_and_positive() {
        for (count, found) in [
            (json!(0), "0"),
            (json!(-1), "-1"),
            (json!(1.0), "1.0"),
            (json!(4_294_967_296_u64), "4294967296"),
            (json!("1"), "a string"),
            (json!(true), "a boolean"),
        ] {
            for (pointer, field) in
                [("/include/1/count", "include[1].count"), ("/exclude/0/count", "exclude[0].count")]
            {
                let expected =
                    format!("`{field}` is {found}, but must be a whole number from 1 to 4294967295");
                check_refused(pointer, count.clone(), &expected);
            }
        }
    }

    #[test]
    fn targets_are_earlier_clauses() {
        for (target, found) in [
            (json!(1), "1"),
            (json!(2), "2"),
            (json!(-1), "-1"),
            (json!(0.0), "0.0"),
            (json!(u64::MAX), "18446744073709551615"),
            (Value::Null, "null"),
        ] {
            let expected = format!(
                "`include[1].position[1]` is {found}, \
                 but must be the number of an earlier include clause, counted from 0"
            );
            check_refused("/include/1/position/1", target, &expected);
        }
        for position in [json!([]), json!(["above"]), json!(["above", 0, 0])] {
            check_refused(
                "/include/1/position",
                position,
                "`include[1].position` is an array, but must be an array of a relation and a clause number",
            );
        }
    }

    #[test]
    fn a_case_asks_for_something() {
        let empty = json!({"tag": "colors", "include": [], "exclude": [], "prompt": "a photo"});
        assert_eq!(Metadata::parse(&empty), Err(MetadataError::NothingAsked));
        let missing = json!({"tag": "colors", "prompt": "a photo"});
        assert_eq!(Metadata::parse(&missing), Err(MetadataError::NothingAsked));
        let exclude_only =
            json!({"tag": "colors", "exclude": [{"class": "cat", "count": 1}], "prompt": "no cat"});
        assert!(Metadata::parse(&exclude_only).unwrap().include.is_empty());
        assert_eq!(parse_with("/prompt", json!(" \n")), Err(MetadataError::EmptyPrompt));
    }

    #[test]
    fn missing_fields_are_named() {
        let no_class = json!({"tag": "colors", "include": [{"count": 1}], "prompt": "a photo"});
        let error = Metadata::parse(&no_class).unwrap_err();
        assert_eq!(error, MetadataError::Missing { field: "include[0].class".to_owned() });
        check_refused("/include/0", json!([]), "`include[0]` is an array, but must be an object");
        check_refused("", json!("text"), "`metadata` is a string, but must be an object");
    }

    #[test]
    fn long_names_are_shortened() {
        let error = parse_with("/tag", json!("é".repeat(100_000))).unwrap_err();
        assert_eq!(error, MetadataError::UnknownTag { found: format!("{}…", "é".repeat(60)) });
    }

    #[test]
    fn names_and_tags_agree_both_ways() {
        for tag in Tag::ALL {
            assert_eq!(Tag::from_name(tag.name()), Some(tag));
        }
        for relation in Relation::ALL {
            assert_eq!(Relation::from_name(relation.name()), Some(relation));
        }
    }

    /// Every part of a case replaced by every odd value: refused, or read and written back unchanged.
    #[test]
    fn odd_values_are_refused_or_survive() {
        let odd_values = [
            Value::Null,
            json!(true),
            json!(-1),
            json!(1),
            json!(1.5),
            json!(u64::MAX),
            json!(""),
            json!("red"),
            json!("dog"),
            json!([]),
            json!([[]]),
            json!({}),
            json!([{}]),
            json!({"class": "dog", "count": 3}),
        ];
        let pointers = [
            "",
            "/tag",
            "/prompt",
            "/include",
            "/include/0",
            "/include/0/class",
            "/include/0/count",
            "/include/0/color",
            "/include/1",
            "/include/1/position",
            "/include/1/position/0",
            "/include/1/position/1",
            "/exclude",
            "/exclude/0",
            "/exclude/0/class",
            "/exclude/0/count",
        ];
        for pointer in pointers {
            for odd in &odd_values {
                if let Ok(metadata) = parse_with(pointer, odd.clone()) {
                    assert_eq!(Metadata::parse(&metadata.to_value()), Ok(metadata), "{pointer} {odd}");
                }
            }
        }
    }
}
