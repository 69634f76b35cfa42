//! The listing of the edits: rows as the data set has them, in JSON or JSON Lines, or UniWorld's `gedit_edit.json`.

use std::collections::BTreeMap;

use imgeval_core::json::from_json_str;
use serde::Deserialize;
use serde_json::Value;

use super::{Language, TaskType};

/// A row of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEdit {
    /// Its place in the file, counted from 1.
    pub row: usize,
    pub task_type: TaskType,
    pub language: Language,
    pub key: String,
    pub instruction: String,
    /// Whether it belongs to the set on which all compared models gave an image; `None` if the listing does not say.
    pub is_intersection: Option<bool>,
    /// The source image, relative to the listing, where the row names it.
    pub file_name: Option<String>,
}

/// Why a listing cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    #[error("it is not JSON{}", line.map(|line| format!(" in line {line}")).unwrap_or_default())]
    NotJson {
        line: Option<usize>,
        #[source]
        source: serde_json::Error,
    },
    #[error("row {row} does not have the form of the others")]
    Row {
        row: usize,
        #[source]
        source: serde_json::Error,
    },
    #[error("row {row} has the unknown {name} `{value}`")]
    Unknown { row: usize, name: &'static str, value: String },
    #[error("the key `{key}` of row {row} cannot be an id; only letters, digits, `_` and `-` are allowed")]
    Key { row: usize, key: String },
    #[error("row {row} has no instruction")]
    NoInstruction { row: usize },
    #[error("row {row} has `Intersection_exist` and others do not, or the reverse")]
    Intersection { row: usize },
}

/// A row of the data set. What it says besides, such as the images themselves, is not looked at.
#[derive(Deserialize)]
struct Row {
    task_type: String,
    key: String,
    instruction: String,
    instruction_language: String,
    #[serde(rename = "Intersection_exist", alias = "intersection_exist")]
    is_intersection: Option<bool>,
    file_name: Option<String>,
}

/// A member of `gedit_edit.json`, by its key.
#[derive(Deserialize)]
struct Member {
    prompt: String,
    /// The path of the source image, which names the language.
    id: String,
    edit_type: String,
}

/// The rows of a file; `None` if it lists something else.
///
/// # Errors
/// If it is not JSON, or a listing with a row that cannot be used.
pub fn parse_listing(text: &str, is_lines: bool) -> Result<Option<Vec<ListedEdit>>, ListingError> {
    let text = text.trim_start_matches('\u{FEFF}');
    let rows = if is_lines {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(index, line): (usize, &str)| {
            from_json_str::<Value>(line)
                .map_err(|source| ListingError::NotJson { line: Some(index + 1), source })
        };
        rows_of(lines.map(parse).collect::<Result<_, _>>()?)?
    } else {
        match from_json_str(text).map_err(|source| ListingError::NotJson { line: None, source })? {
            Value::Array(rows) => rows_of(rows)?,
            Value::Object(members) => members_of(members)?,
            _ => None,
        }
    };
    let Some(rows) = rows else { return Ok(None) };
    let is_said = rows.first().map(|row| row.is_intersection.is_some());
    match rows.iter().find(|row| Some(row.is_intersection.is_some()) != is_said) {
        Some(row) => Err(ListingError::Intersection { row: row.row }),
        None => Ok(Some(rows)),
    }
}

fn rows_of(rows: Vec<Value>) -> Result<Option<Vec<ListedEdit>>, ListingError> {
    let is_row = |row: &Value| row.get("task_type").is_some() && row.get("key").is_some();
    if !rows.first().is_some_and(is_row) {
        return Ok(None);
    }
    let parse = |(index, value)| {
        let row = index + 1;
        let Row { task_type, key, instruction, instruction_language, is_intersection, file_name } =
            serde_json::from_value(value).map_err(|source| ListingError::Row { row, source })?;
        let edit = ListedEdit {
            row,
            task_type: task_type_of(row, task_type)?,
            language: language_of(row, instruction_language)?,
            key,
            instruction,
            is_intersection,
            file_name,
        };
        check(edit)
    };
    rows.into_iter().enumerate().map(parse).collect::<Result<_, _>>().map(Some)
}

fn members_of(members: serde_json::Map<String, Value>) -> Result<Option<Vec<ListedEdit>>, ListingError> {
    let is_member = |value: &Value| value.get("edit_type").is_some() && value.get("prompt").is_some();
    if !members.values().next().is_some_and(is_member) {
        return Ok(None);
    }
    // By key, so that the order does not depend on how JSON is read.
    let members: BTreeMap<String, Value> = members.into_iter().collect();
    let parse = |(index, (key, value))| {
        let row = index + 1;
        let Member { prompt, id, edit_type } =
            serde_json::from_value(value).map_err(|source| ListingError::Row { row, source })?;
        let language = id.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let edit = ListedEdit {
            row,
            task_type: task_type_of(row, edit_type)?,
            language: language_of(row, language)?,
            key,
            instruction: prompt,
            is_intersection: None,
            file_name: None,
        };
        check(edit)
    };
    members.into_iter().enumerate().map(parse).collect::<Result<_, _>>().map(Some)
}

fn task_type_of(row: usize, value: String) -> Result<TaskType, ListingError> {
    TaskType::from_name(&value).ok_or(ListingError::Unknown { row, name: "task_type", value })
}

fn language_of(row: usize, value: String) -> Result<Language, ListingError> {
    Language::from_name(&value).ok_or(ListingError::Unknown { row, name: "language", value })
}

fn check(edit: ListedEdit) -> Result<ListedEdit, ListingError> {
    let ListedEdit { row, key, instruction, .. } = &edit;
    let is_id = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.is_empty() || key.len() > 64 || !key.chars().all(is_id) {
        return Err(ListingError::Key { row: *row, key: key.chars().take(80).collect() });
    }
    if instruction.trim().is_empty() {
        return Err(ListingError::NoInstruction { row: *row });
    }
    Ok(edit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"task_type": "subject-add", "key": "a1", "instruction": "Add a hat.", "instruction_language": "en", "Intersection_exist": true, "input_image": {"bytes": null}}"#;

    fn short(text: &str, is_lines: bool) -> String {
        match parse_listing(text, is_lines) {
            Ok(None) => "none".to_owned(),
            Ok(Some(rows)) => rows
                .iter()
                .map(|row| format!("{}/{}/{} ", row.task_type.name(), row.language.name(), row.key))
                .collect(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn rows_are_read_from_lines_and_lists() {
        let other = ROW.replace("a1", "b2").replace("\"en\"", "\"cn\"").replace("true", "false");
        let lines = format!("{ROW}\n\n{other}\n");
        let list = format!("\u{FEFF}[{ROW}, {other}]");
        for (text, is_lines) in [(lines, true), (list, false)] {
            assert_eq!(short(&text, is_lines), "subject-add/en/a1 subject-add/cn/b2 ");
            let rows = parse_listing(&text, is_lines).unwrap().unwrap();
            assert_eq!(
                rows.iter().map(|row| row.is_intersection).collect::<Vec<_>>(),
                [Some(true), Some(false)]
            );
            assert_eq!(rows[0].instruction, "Add a hat.");
        }
    }

    #[test]
    fn the_members_of_another_evaluation_are_read_too() {
        let text = r#"{"b2": {"prompt": "Make it night.", "id": "fullset/tone_transfer/en/b2.png", "edit_type": "tone_transfer"},
                       "a1": {"prompt": "Go.", "id": "x/ps_human/cn/a1.png", "edit_type": "ps_human"}}"#;
        assert_eq!(short(text, false), "ps_human/cn/a1 tone_transfer/en/b2 ");
        assert_eq!(parse_listing(text, false).unwrap().unwrap()[0].is_intersection, None);
    }

    #[test]
    fn other_files_are_no_listing_and_bad_rows_are_named() {
        for text in ["[]", "{}", "3", r#"{"name": "x"}"#, r#"[{"key": "x"}]"#] {
            assert_eq!(short(text, false), "none", "{text}");
        }
        assert_eq!(short("", true), "none");
        let check = |from: &str, to: &str, expected: &str| {
            let said = short(&format!("{ROW}\n{}", ROW.replace(from, to)), true);
            assert!(said.contains(expected), "{said}");
        };
        check("subject-add", "subject_add", "row 2 has the unknown task_type `subject_add`");
        check("\"en\"", "\"zh\"", "row 2 has the unknown language `zh`");
        check("a1", "a/../1", "the key `a/../1` of row 2");
        check("Add a hat.", " ", "row 2 has no instruction");
        check(", \"Intersection_exist\": true", "", "row 2 has `Intersection_exist`");
        check("\"instruction\"", "\"prompt\"", "row 2 does not have the form");
        check("{\"task", "{task", "not JSON in line 2");
    }

    #[test]
    fn the_list_of_another_evaluation_has_604_edits() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/suites/data/gedit/gedit_edit.json");
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let rows = parse_listing(&text, false).unwrap().unwrap();
        assert_eq!(rows.len(), 604);
        let n = |task_type| rows.iter().filter(|row| row.task_type == task_type).count();
        let sizes = TaskType::ALL.map(n);
        assert_eq!(sizes, [40, 40, 40, 40, 70, 60, 60, 55, 60, 99, 40]);
        assert!(rows.iter().all(|row| row.language == Language::English));
    }
}
