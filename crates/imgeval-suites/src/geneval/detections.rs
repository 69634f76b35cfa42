//! Detections made elsewhere: JSON Lines in, verdicts out.
//!
//! Each line is an object with `metadata` (as in GenEval's own files), `width`, `height`,
//! `objects: [{class, score, box: [x1, y1, x2, y2], color?}]`, and optionally `options` (those of the official
//! evaluator) and `filename`. Strict: what cannot be scored for certain is refused with its reason.

use imgeval_core::{BoundingBox, Category, Color, categories::CATEGORY_NAMES, json::from_json_str, visible};
use serde::Deserialize;
use serde_json::Value;

use super::{DetectedObject, Metadata, MetadataError, SeenColor, Tolerance, VerdictOptions};

/// One line, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionsLine {
    pub filename: String,
    pub metadata: Metadata,
    /// Keys of the metadata that GenEval does not know; they are passed over.
    pub further_keys: Vec<String>,
    /// The metadata as in the line, key order preserved.
    pub raw_metadata: Value,
    pub width: u32,
    pub height: u32,
    pub objects: Vec<DetectedObject>,
    /// Options of this line, laid over the caller's.
    pub options: VerdictOptions,
}

/// Objects of one line. The official detector gives a hundred, and what few others give is one for each class of each of those.
const MAX_OBJECTS: usize = 10_000;

#[derive(Debug, thiserror::Error)]
pub enum DetectionsError {
    #[error("{found} objects exceed the limit of {MAX_OBJECTS} per image")]
    TooManyObjects { found: usize },
    #[error("not a detections line: {0}")]
    Json(String),
    #[error("`metadata` is unusable: {0}")]
    Metadata(#[from] MetadataError),
    #[error("`{field}` must be a positive number of whole pixels, not {found}")]
    Size { field: &'static str, found: f64 },
    #[error("object {index}: class {class:?} is not one of GenEval's 80 names{}", suggestion(class))]
    UnknownClass { index: usize, class: String },
    #[error("object {index}: color {color:?} is not one of GenEval's ten")]
    UnknownColor { index: usize, color: String },
    #[error("object {index}: score {score} is not between 0 and 1")]
    Score { index: usize, score: f64 },
    #[error("object {index}: box {corners:?} is not [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2")]
    Box { index: usize, corners: [f64; 4] },
    #[error("option `{name}` must be {expected}, not {found}")]
    Option { name: &'static str, expected: &'static str, found: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with metadata, width, height and objects")]
struct RawLine {
    metadata: Value,
    width: f64,
    height: f64,
    objects: Vec<RawObject>,
    #[serde(default)]
    options: Option<RawOptions>,
    #[serde(default)]
    filename: Option<String>,
    /// Present in files that carry an expected verdict; not read.
    #[serde(default, rename = "correct")]
    _correct: Option<bool>,
    #[serde(default, rename = "reason")]
    _reason: Option<String>,
    /// The same of rewards.
    #[serde(default, rename = "score")]
    _score: Value,
    #[serde(default, rename = "reward")]
    _reward: Value,
    #[serde(default, rename = "strict_reward")]
    _strict_reward: Value,
    #[serde(default, rename = "strict_correct")]
    _strict_correct: Value,
    #[serde(default, rename = "strict_reason")]
    _strict_reason: Value,
    #[serde(default, rename = "group_rewards")]
    _group_rewards: Value,
    #[serde(default, rename = "group_strict_rewards")]
    _group_strict_rewards: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with class, score and box")]
struct RawObject {
    class: String,
    score: f64,
    #[serde(rename = "box")]
    corners: [f64; 4],
    #[serde(default)]
    color: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object of options")]
struct RawOptions {
    threshold: Option<f64>,
    counting_threshold: Option<f64>,
    max_objects: Option<f64>,
    max_overlap: Option<f64>,
    position_threshold: Option<f64>,
}

/// Reads one line; `defaults` are the options where the line has none of its own.
///
/// # Errors
/// If the line is not exactly what the module describes.
pub fn parse_detections_line(
    line: &str,
    defaults: &VerdictOptions,
) -> Result<DetectionsLine, DetectionsError> {
    let line = parse_any_detections_line(line, defaults)?;
    Ok(DetectionsLine { metadata: line.metadata.asking()?, ..line })
}

/// As [`parse_detections_line`], but also where the metadata ask for nothing, which a reward can be computed for.
///
/// # Errors
/// As [`parse_detections_line`], except for metadata without clauses.
pub fn parse_any_detections_line(
    line: &str,
    defaults: &VerdictOptions,
) -> Result<DetectionsLine, DetectionsError> {
    let raw: RawLine = from_json_str(line).map_err(json_error)?;
    if raw.objects.len() > MAX_OBJECTS {
        return Err(DetectionsError::TooManyObjects { found: raw.objects.len() });
    }
    let (metadata, further_keys) =
        Metadata::parse_any_among_others(&raw.metadata, Tolerance::BesideTheClauses)?;
    let objects = raw.objects.iter().enumerate().map(parse_object).collect::<Result<_, _>>()?;
    Ok(DetectionsLine {
        filename: raw.filename.unwrap_or_default(),
        metadata,
        further_keys,
        raw_metadata: raw.metadata,
        width: parse_size("width", raw.width)?,
        height: parse_size("height", raw.height)?,
        objects,
        options: raw.options.map_or(Ok(*defaults), |options| options.over(defaults))?,
    })
}

/// The reason without the parser's own line number, which is always 1, and without anything that steers a terminal.
fn json_error(error: serde_json::Error) -> DetectionsError {
    let reason = error.to_string().replace(" at line 1 column ", " at column ");
    DetectionsError::Json(shorten(&visible(&reason)))
}

/// At most 200 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn parse_size(field: &'static str, found: f64) -> Result<u32, DetectionsError> {
    let is_valid = found >= 1.0 && found <= f64::from(u32::MAX) && found.fract() == 0.0;
    if is_valid { Ok(found as u32) } else { Err(DetectionsError::Size { field, found }) }
}

fn parse_object((index, raw): (usize, &RawObject)) -> Result<DetectedObject, DetectionsError> {
    let category = Category::from_name(&raw.class)
        .ok_or_else(|| DetectionsError::UnknownClass { index, class: shorten(&raw.class) })?;
    let color = match &raw.color {
        None => SeenColor::Unknown,
        Some(name) => Color::from_name(name)
            .map(SeenColor::Named)
            .ok_or_else(|| DetectionsError::UnknownColor { index, color: shorten(name) })?,
    };
    if !(0.0..=1.0).contains(&raw.score) {
        return Err(DetectionsError::Score { index, score: raw.score });
    }
    let [x1, y1, x2, y2] = raw.corners.map(|corner| corner as f32);
    let is_box = [x1, y1, x2, y2].iter().all(|corner| corner.is_finite()) && x1 <= x2 && y1 <= y2;
    if !is_box {
        return Err(DetectionsError::Box { index, corners: raw.corners });
    }
    let bounding_box = BoundingBox { x1, y1, x2, y2 };
    Ok(DetectedObject { category, score: raw.score as f32, bounding_box, color })
}

impl RawOptions {
    fn over(&self, defaults: &VerdictOptions) -> Result<VerdictOptions, DetectionsError> {
        let max_objects = match self.max_objects {
            None => defaults.max_objects,
            Some(found) if found >= 0.0 && found.fract() == 0.0 => found as usize,
            Some(found) => {
                let expected = "a whole number of objects";
                return Err(DetectionsError::Option { name: "max_objects", expected, found });
            }
        };
        let options = VerdictOptions {
            threshold: self.threshold.unwrap_or(defaults.threshold),
            counting_threshold: self.counting_threshold.unwrap_or(defaults.counting_threshold),
            max_objects,
            max_overlap: self.max_overlap.unwrap_or(defaults.max_overlap),
            position_threshold: self.position_threshold.unwrap_or(defaults.position_threshold),
        };
        options.check()?;
        Ok(options)
    }
}

impl VerdictOptions {
    /// Refuses options under which no verdict makes sense.
    ///
    /// # Errors
    /// If a threshold is outside [0, 1], or the position threshold is negative.
    pub fn check(&self) -> Result<(), DetectionsError> {
        let shares = [
            ("threshold", self.threshold),
            ("counting_threshold", self.counting_threshold),
            ("max_overlap", self.max_overlap),
        ];
        for (name, found) in shares {
            if !(0.0..=1.0).contains(&found) {
                return Err(DetectionsError::Option { name, expected: "between 0 and 1", found });
            }
        }
        let found = self.position_threshold;
        if !(found >= 0.0 && found.is_finite()) {
            let (name, expected) = ("position_threshold", "zero or more");
            return Err(DetectionsError::Option { name, expected, found });
        }
        Ok(())
    }
}

/// Detectors spell some categories differently; the nearest known name helps to repair the file.
fn suggestion(class: &str) -> String {
    let renamed = match class {
        "mouse" => Some("computer mouse"),
        "remote" => Some("tv remote"),
        "keyboard" => Some("computer keyboard"),
        "aeroplane" => Some("airplane"),
        "motorbike" => Some("motorcycle"),
        "sofa" => Some("couch"),
        "pottedplant" => Some("potted plant"),
        "diningtable" => Some("dining table"),
        "tvmonitor" => Some("tv"),
        "hair dryer" => Some("hair drier"),
        _ => CATEGORY_NAMES.iter().copied().find(|name| name.eq_ignore_ascii_case(class)),
    };
    renamed.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"metadata": {"tag": "single_object", "include": [{"class": "cow", "count": 1}],
        "prompt": "a photo of a cow"}, "width": 64, "height": 64,
        "objects": [{"class": "cow", "score": 0.5, "box": [1, 2, 3, 4]}]}"#;

    fn check_refused(from: &str, to: &str, reason: &str) {
        let line = LINE.replace(from, to);
        assert_ne!(line, LINE, "the replacement must change the line");
        let error = parse_detections_line(&line, &VerdictOptions::default()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn a_good_line_is_read() {
        let line = parse_detections_line(LINE, &VerdictOptions::default()).unwrap();
        assert_eq!((line.width, line.objects.len(), line.filename.as_str()), (64, 1, ""));
        assert_eq!(line.objects[0].color, SeenColor::Unknown);
    }

    #[test]
    fn objects_of_a_line_are_bounded() {
        let object = r#"{"class": "cow", "score": 0.5, "box": [1, 2, 3, 4]}"#;
        let line = |count: usize| LINE.replace(object, &vec![object; count].join(","));
        let read = |count: usize| parse_detections_line(&line(count), &VerdictOptions::default());
        assert_eq!(read(MAX_OBJECTS).unwrap().objects.len(), MAX_OBJECTS);
        let error = read(MAX_OBJECTS + 1).unwrap_err().to_string();
        assert_eq!(error, "10001 objects exceed the limit of 10000 per image");
        // Of more values than any line holds nothing is made.
        assert!(read(400_000).unwrap_err().to_string().contains("more than 1000000 values"));
    }

    #[test]
    fn bad_lines_are_refused_with_their_reason() {
        check_refused("\"cow\", \"score\"", "\"mouse\", \"score\"", "did you mean `computer mouse`");
        check_refused("0.5", "95", "score 95 is not between 0 and 1");
        check_refused("[1, 2, 3, 4]", "[10, 2, 3, 4]", "x1 <= x2");
        check_refused("[1, 2, 3, 4]", "[1, 2, 3]", "not a detections line");
        check_refused("\"width\": 64", "\"width\": 0", "`width` must be");
        check_refused("\"width\": 64,", "", "missing field `width`");
        check_refused("\"score\": 0.5,", "\"score\": 0.5, \"color\": \"grey\",", "color \"grey\"");
        check_refused("\"score\": 0.5,", "\"score\": 0.5, \"colour\": \"red\",", "unknown field `colour`");
        check_refused("\"width\"", "\"options\": {\"threshold\": 3}, \"width\"", "option `threshold`");
        check_refused("\"width\"", "\"options\": {\"max_objects\": 1.5}, \"width\"", "max_objects");
    }
}
