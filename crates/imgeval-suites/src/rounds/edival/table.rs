//! Reading `oai_instruction_generation_output.csv`: one row per image and number of turns, whose lists are Python literals.

use std::{collections::BTreeMap, path::Path};

use csv::StringRecord;

use crate::rounds::{
    Round, RoundsError, Session,
    edival::{TaskType, folder},
    error,
    literal::{Literal, parse_python},
};

/// What pandas takes for a value that is not there.
const NOT_THERE: [&str; 18] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan",
];

/// The table. Of rows with the same image and number of turns the first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    rows: BTreeMap<(i64, usize), TableRow>,
    /// Rows that repeat an image and a number of turns.
    pub n_repeated: usize,
}

/// One row: everything up to one of the turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// Without its lists a turn is skipped.
    pub lists: Result<RowLists, Unreadable>,
    /// Whether the background is the source's. An empty cell counts as yes.
    pub bg_consistency: bool,
    /// The pool of objects behind the turn; the scorer does not read it.
    pub available_objects: Option<Vec<String>>,
}

/// The lists of a row; the last item of the first three is that of the row's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowLists {
    pub task_types: Vec<String>,
    /// In the natural form.
    pub instructions: Vec<String>,
    /// In the bracketed form.
    pub formatted: Vec<String>,
    /// Objects of the source that no turn so far has edited.
    pub unchanged_objects: Vec<String>,
    /// All objects that were ever there.
    pub all_objects: Vec<String>,
}

/// Why the official script skips a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// A list is no Python literal.
    NotALiteral {
        column: &'static str,
    },
    TooFewInstructions {
        n_found: usize,
    },
}

impl Table {
    /// The row of an image that goes up to a turn, counted from 1.
    #[must_use]
    pub fn row(&self, index: i64, turn: usize) -> Option<&TableRow> {
        self.rows.get(&(index, turn))
    }

    /// All images of the table, in order.
    #[must_use]
    pub fn indices(&self) -> Vec<i64> {
        let mut indices: Vec<i64> = self.rows.keys().map(|(index, _)| *index).collect();
        indices.dedup();
        indices
    }

    /// The sessions whose row for the last turn can be read, as the official generator takes them. The source of each is looked for among
    /// these names of files.
    #[must_use]
    pub fn sessions(&self, n_turns: usize, sources: &[String]) -> Vec<Session> {
        let session = |((index, turn), row): (&(i64, usize), &TableRow)| {
            let lists = row.lists.as_ref().ok().filter(|_| *turn == n_turns)?;
            let parts = lists.instructions.iter().zip(&lists.formatted).zip(&lists.task_types);
            let rounds = parts.take(n_turns).map(|((natural, formatted), task_type)| Round {
                instruction: natural.clone(),
                formatted: Some(formatted.clone()),
                edit_type: Some(task_type.clone()),
                ..Round::default()
            });
            let source = folder::find_base(sources, *index).map(str::to_owned);
            Some(Session { id: index.to_string(), source, category: None, rounds: rounds.collect() })
        };
        self.rows.iter().filter_map(session).collect()
    }
}

impl RowLists {
    /// What the scorer reads for an instruction, by its place: the natural form for a new background, otherwise the bracketed one.
    #[must_use]
    pub fn scored_form(&self, place: usize) -> Option<&str> {
        let is_background = self.task_types.get(place)? == TaskType::BackgroundChange.name();
        let forms = if is_background { &self.instructions } else { &self.formatted };
        forms.get(place).map(String::as_str)
    }
}

/// Reads the table from its file.
///
/// # Errors
/// If it cannot be read, or as [`parse_table`].
pub fn read_table(path: &Path) -> Result<Table, RoundsError> {
    parse_table(&error::name_of(path), &error::read_table(path)?)
}

/// Reads the table.
///
/// # Errors
/// If it is no CSV with the columns of the benchmark; if an `image_index` or a number of turns is no integer; if a list holds
/// something else than texts or is empty; or if `bg_consistency` holds an odd word, because of which the official script would take every row for
/// consistent.
pub fn parse_table(file: &str, text: &str) -> Result<Table, RoundsError> {
    let malformed = |detail: String| RoundsError::malformed(file, detail);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| malformed(error.to_string()))?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let needed = |name: &str| column(name).ok_or_else(|| malformed(format!("it has no column `{name}`")));
    let columns = Columns {
        index: needed("image_index")?,
        turn: needed("turns")?,
        task_types: needed("task_type")?,
        instructions: needed("instructions")?,
        formatted: needed("format_instructions")?,
        unchanged_objects: needed("unchanged_objects")?,
        all_objects: needed("all_objects")?,
        available_objects: column("available_objects"),
        bg_consistency: column("bg_consistency"),
    };
    let mut table = Table::default();
    for (place, record) in reader.records().enumerate() {
        let record = record.map_err(|error| malformed(error.to_string()))?;
        let (key, row) =
            columns.read(&record).map_err(|detail| malformed(format!("row {}: {detail}", place + 1)))?;
        match table.rows.contains_key(&key) {
            true => table.n_repeated += 1,
            false => {
                table.rows.insert(key, row);
            }
        }
    }
    Ok(table)
}

struct Columns {
    index: usize,
    turn: usize,
    task_types: usize,
    instructions: usize,
    formatted: usize,
    unchanged_objects: usize,
    all_objects: usize,
    available_objects: Option<usize>,
    bg_consistency: Option<usize>,
}

impl Columns {
    fn read(&self, record: &StringRecord) -> Result<((i64, usize), TableRow), String> {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let index = cell(self.index).trim();
        let index = index.parse().map_err(|_| format!("invalid image index `{}`", index.escape_debug()))?;
        let turn = cell(self.turn).trim();
        let turn = turn.parse().map_err(|_| format!("invalid number of turns `{}`", turn.escape_debug()))?;
        let bg_consistency = match self.bg_consistency.map(cell) {
            None => false,
            Some("True" | "TRUE" | "true") => true,
            Some("False" | "FALSE" | "false") => false,
            Some(empty) if NOT_THERE.contains(&empty) || empty == "null" => true,
            Some(word) => {
                let word = word.escape_debug();
                return Err(format!(
                    "bg_consistency is `{word}`, which would make every row of the table consistent"
                ));
            }
        };
        let available_objects = self.available_objects.and_then(|column| parse_python(cell(column))?.texts());
        let row = TableRow { lists: self.lists(record, turn)?, bg_consistency, available_objects };
        Ok(((index, turn), row))
    }

    fn lists(&self, record: &StringRecord, turn: usize) -> Result<Result<RowLists, Unreadable>, String> {
        let columns = [
            ("format_instructions", self.formatted),
            ("instructions", self.instructions),
            ("task_type", self.task_types),
            ("unchanged_objects", self.unchanged_objects),
            ("all_objects", self.all_objects),
        ];
        let mut literals = Vec::new();
        for (name, column) in columns {
            match parse_python(record.get(column).unwrap_or_default()) {
                Some(literal) => literals.push((name, literal)),
                None => return Ok(Err(Unreadable::NotALiteral { column: name })),
            }
        }
        let texts = |(name, literal): (&str, Literal)| {
            literal.texts().ok_or_else(|| format!("{name} must be a list of strings"))
        };
        let lists = literals.into_iter().map(texts).collect::<Result<Vec<_>, _>>()?;
        let Ok([formatted, instructions, task_types, unchanged_objects, all_objects]) =
            <[Vec<String>; 5]>::try_from(lists)
        else {
            return Err("it must have five lists".to_owned());
        };
        if formatted.len() < turn {
            return Ok(Err(Unreadable::TooFewInstructions { n_found: formatted.len() }));
        }
        if formatted.is_empty() || instructions.is_empty() || task_types.is_empty() {
            return Err("it has no instruction".to_owned());
        }
        Ok(Ok(RowLists { task_types, instructions, formatted, unchanged_objects, all_objects }))
    }
}
