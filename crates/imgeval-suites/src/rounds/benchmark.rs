//! The five benchmarks behind one interface: where their sessions and source images are, and how outputs are named.

use std::path::{Path, PathBuf};

use super::{
    Round, RoundsError, Session,
    edival::{self, Mode},
    error::{io_error, plain_name},
    imgedit::{self, Part},
    lme, magicbrush, mse,
};
use crate::folder_listing::list_folder;

/// The names under which EdiVal-Bench's table is looked for in a folder.
const EDIVAL_TABLES: [&str; 2] = ["oai_instruction_generation_output.csv", "instructions.csv"];
/// The folders beside that table in which source images are looked for.
const EDIVAL_IMAGES: [&str; 2] = ["input_images_resize_512", "input_images"];
const EDIVAL_TURNS: usize = 3;
/// Between a session's key and the number of a turn that is edited on its own.
const SINGLE_TURN: &str = ".turn-";

/// A benchmark of edits in several rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    MagicBrush,
    EdiVal,
    LmeBench,
    MseBench,
    ImgEdit,
}

/// A session with its source image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchmarkSession {
    /// Unique within the benchmark, also where `session.id` is unique within a part only; names a case of a run.
    pub key: String,
    pub session: Session,
    pub image: SourceImage,
}

/// Where the source image of a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceImage {
    /// It may turn out to be missing when it is read.
    File(PathBuf),
    /// In the table: the bytes of a file, and the name under which they may be written, without an ending.
    InTable { bytes: Vec<u8>, stem: String },
    /// Why there is none.
    Absent(String),
}

impl Benchmark {
    pub const ALL: [Self; 5] =
        [Self::MagicBrush, Self::EdiVal, Self::LmeBench, Self::MseBench, Self::ImgEdit];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::MagicBrush => "magicbrush",
            Self::EdiVal => "edival",
            Self::LmeBench => "lme-bench",
            Self::MseBench => "mse-bench",
            Self::ImgEdit => "imgedit",
        }
    }

    /// Whether source images may lie in a folder of their own, away from the table.
    #[must_use]
    pub fn takes_images_folder(self) -> bool {
        matches!(self, Self::EdiVal | Self::LmeBench)
    }

    /// Reads all sessions.
    ///
    /// `path` is a split's folder (MagicBrush), the table or a folder that holds it (EdiVal-Bench, LME-Bench, MSE-Bench), or the
    /// folder of the parts or one annotation file (ImgEdit). `images` is the folder of the source images where
    /// [`Self::takes_images_folder`]; without it they are looked for beside the table.
    ///
    /// # Errors
    /// If a table cannot be read or is not what it should be. A source image that is not there is no error.
    pub fn read(self, path: &Path, images: Option<&Path>) -> Result<Vec<BenchmarkSession>, RoundsError> {
        match self {
            Self::MagicBrush => Ok(with_files(magicbrush::read_split_folder(path)?, path)),
            Self::EdiVal => read_edival(path, images),
            Self::LmeBench => read_lme(path, images),
            Self::MseBench => read_mse(path),
            Self::ImgEdit => read_imgedit(path),
        }
    }

    /// Every turn on its own, as sessions of one round: MagicBrush's independent setting (turn k edits the annotators' result of turn k - 1) and
    /// EdiVal-Bench's single pass (turn t is asked for the first t instructions, joined by `". "`). Their keys are the session's with
    /// `.turn-<k>` behind; [`Self::round_names`] and [`Self::source_names`] name their files by the same setting.
    ///
    /// `path` is that of [`Self::read`]. `None` for benchmarks without such a setting.
    #[must_use]
    pub fn single_turns(self, sessions: &[BenchmarkSession], path: &Path) -> Option<Vec<BenchmarkSession>> {
        let single = |known: &BenchmarkSession, turn: usize, round: Round, image: SourceImage| {
            let key = format!("{}{SINGLE_TURN}{turn}", known.key);
            let session = Session { id: key.clone(), rounds: vec![round], ..known.session.clone() };
            BenchmarkSession { key, session, image }
        };
        let turns_of = |known: &BenchmarkSession| -> Vec<BenchmarkSession> {
            let rounds = &known.session.rounds;
            let mut turns = Vec::new();
            for (place, round) in rounds.iter().enumerate() {
                let before = place.checked_sub(1).and_then(|before| rounds.get(before));
                let image = match (self, before) {
                    (Self::MagicBrush, Some(before)) => match &before.target {
                        Some(target) => SourceImage::File(path.join(target)),
                        None => SourceImage::Absent(
                            "the previous turn has no result from the annotators".to_owned(),
                        ),
                    },
                    _ => known.image.clone(),
                };
                let mut round = round.clone();
                if self == Self::EdiVal {
                    let so_far: Vec<&str> =
                        rounds.iter().take(place + 1).map(|round| round.instruction.as_str()).collect();
                    round.instruction = so_far.join(". ");
                }
                turns.push(single(known, place + 1, round, image));
            }
            turns
        };
        matches!(self, Self::MagicBrush | Self::EdiVal).then(|| sessions.iter().flat_map(turns_of).collect())
    }

    /// The names that the result of a round may have below a model's folder, with `/` between their parts: the first is the one
    /// to write. Rounds count from 1. Of MagicBrush and EdiVal-Bench these are the results of the model's own chain
    /// (`_iter_`, `multipass`), or, by keys of [`Self::single_turns`], of the turn on its own (`_inde_`, `singlepass`).
    ///
    /// # Errors
    /// If `key` names no session of the benchmark's form.
    pub fn round_names(self, key: &str, round: usize) -> Result<Vec<String>, RoundsError> {
        let other_form = |what: &str| RoundsError::malformed(key, format!("is not {what}"));
        Ok(match self {
            Self::MagicBrush => {
                let (key, setting, round) = match single_turn(key) {
                    Some((key, turn)) => (key, magicbrush::Setting::Independent, turn),
                    None => (key, magicbrush::Setting::Iterative, round),
                };
                plain_name("outputs", "the session", key)?;
                let name = magicbrush::output_name(key, setting, round);
                let name = format!("{key}/{name}");
                vec![name.clone(), name.replace(".png", ".jpg")]
            }
            Self::EdiVal => {
                let (key, mode, round) = edival_mode(key, round);
                let index = key.parse().map_err(|_| other_form("an image index of EdiVal-Bench"))?;
                let name = edival::turn_name(index, round);
                vec![format!("{}/{name}", mode.folder()), name]
            }
            Self::LmeBench => {
                vec![format!("{}/{}", plain_name("outputs", "the session", key)?, lme::turn_name(round))]
            }
            Self::MseBench => {
                let row = key.parse().map_err(|_| other_form("a row of MSE-Bench"))?;
                let forms = [mse::NameForm::WithRepetition, mse::NameForm::WithoutRepetition];
                // Its turns count from 0.
                forms.map(|form| mse::output_name(row, round.saturating_sub(1), form)).to_vec()
            }
            Self::ImgEdit => {
                let (part, id) = imgedit_part(key)
                    .ok_or_else(|| other_form("a session of ImgEdit, such as content_memory.1.jpg"))?;
                vec![imgedit::round_name(part, id, round)?]
            }
        })
    }

    /// Names that a copy of the source image may have next to the results, starting with the one to write; empty if
    /// the layout has none.
    ///
    /// # Errors
    /// As [`Self::round_names`].
    pub fn source_names(self, key: &str) -> Result<Vec<String>, RoundsError> {
        // The key is held to its form there.
        self.round_names(key, 1)?;
        Ok(match self {
            Self::EdiVal => {
                let (key, mode, _) = edival_mode(key, 1);
                let folder = mode.folder();
                let names = [format!("{key}_input_raw.png"), format!("{key}_input_raw.jpg")];
                let below = names.clone().map(|name| format!("{folder}/{name}"));
                below.into_iter().chain(names).collect()
            }
            Self::LmeBench => vec![format!("{key}/{}", lme::SOURCE)],
            Self::MagicBrush | Self::MseBench | Self::ImgEdit => Vec::new(),
        })
    }
}

/// The session and the turn of a key of [`Benchmark::single_turns`].
fn single_turn(key: &str) -> Option<(&str, usize)> {
    let (key, turn) = key.rsplit_once(SINGLE_TURN)?;
    Some((key, turn.parse().ok().filter(|turn| *turn > 0)?))
}

fn edival_mode(key: &str, round: usize) -> (&str, Mode, usize) {
    match single_turn(key) {
        Some((key, turn)) => (key, Mode::Singlepass, turn),
        None => (key, Mode::Multipass, round),
    }
}

fn with_files(sessions: Vec<Session>, folder: &Path) -> Vec<BenchmarkSession> {
    let with_file = |session: Session| BenchmarkSession {
        key: session.id.clone(),
        image: match &session.source {
            Some(source) => SourceImage::File(folder.join(source)),
            None => SourceImage::Absent("no source image has its name".to_owned()),
        },
        session,
    };
    sessions.into_iter().map(with_file).collect()
}

/// The folder of a file; of one without a folder the working one.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The file that a path means: itself, or in a folder the first of these names, or else the only file with this ending.
fn table_at(path: &Path, names: &[&str], ending: &str) -> Result<PathBuf, RoundsError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    if let Some(found) = names.iter().map(|name| path.join(name)).find(|file| file.is_file()) {
        return Ok(found);
    }
    let (_, files) = list_folder(path).map_err(|error| io_error(path, error))?;
    let found: Vec<&String> = files.iter().filter(|name| name.ends_with(ending)).collect();
    match found.as_slice() {
        [name] => Ok(path.join(name)),
        [] => Err(RoundsError::malformed(
            &path.display().to_string(),
            format!("it contains no `{ending}` file"),
        )),
        _ => {
            let detail = format!("it contains {} `{ending}` files; pass one of them", found.len());
            Err(RoundsError::malformed(&path.display().to_string(), detail))
        }
    }
}

fn read_edival(path: &Path, images: Option<&Path>) -> Result<Vec<BenchmarkSession>, RoundsError> {
    let file = table_at(path, &EDIVAL_TABLES, ".csv")?;
    let table = edival::read_table(&file)?;
    let beside = folder_of(&file);
    let images = match images {
        Some(images) => images.to_owned(),
        None => {
            let folders = EDIVAL_IMAGES.map(|name| beside.join(name));
            folders.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| beside.to_owned())
        }
    };
    let names = edival::list_outputs(&images)?;
    Ok(with_files(table.sessions(EDIVAL_TURNS, &names), &images))
}

fn read_lme(path: &Path, images: Option<&Path>) -> Result<Vec<BenchmarkSession>, RoundsError> {
    let file = table_at(path, &["lme_bench.json", "data/lme_bench.json"], ".json")?;
    let mut sessions = with_files(lme::read_sessions(&file)?.sessions, folder_of(&file));
    if let Some(images) = images {
        for session in &mut sessions {
            session.image = SourceImage::File(images.join(format!("{}.png", session.session.id)));
        }
    }
    Ok(sessions)
}

fn read_mse(path: &Path) -> Result<Vec<BenchmarkSession>, RoundsError> {
    let file = table_at(path, &["data/train-00000-of-00001.parquet"], ".parquet")?;
    let rows = mse::read_sessions(&file)?.map(|row| {
        let row = row?;
        let session = mse::session_of(&row);
        let image = match row.image {
            Some(image) => SourceImage::InTable { bytes: image.bytes, stem: row.index.to_string() },
            None => SourceImage::Absent("the table contains no image for it".to_owned()),
        };
        Ok(BenchmarkSession { key: session.id.clone(), session, image })
    });
    rows.collect()
}

fn read_imgedit(path: &Path) -> Result<Vec<BenchmarkSession>, RoundsError> {
    if !path.is_dir() {
        return read_imgedit_file(path);
    }
    let has_part = |folder: &PathBuf| Part::ALL.iter().any(|part| folder.join(part.folder()).is_dir());
    let places = [path.to_owned(), path.join("multiturn"), path.join("Benchmark/multiturn")];
    let Some(folder) = places.into_iter().find(has_part) else {
        // A folder of one part.
        return read_imgedit_file(&path.join("annotation.json"));
    };
    let reading = imgedit::published_reading()?;
    let mut all = Vec::new();
    for part in Part::ALL.into_iter().filter(|part| folder.join(part.folder()).is_dir()) {
        let (mut sessions, text) = imgedit::read_part(&folder, part)?;
        reading.annotate(part, &text, &mut sessions);
        all.extend(with_files(sessions, &folder));
    }
    for session in &mut all {
        session.key = imgedit_key(&session.session);
    }
    Ok(all)
}

fn read_imgedit_file(file: &Path) -> Result<Vec<BenchmarkSession>, RoundsError> {
    let text = super::error::read_table(file)?;
    let mut sessions = imgedit::parse_annotation(&super::error::name_of(file), &text)?;
    let folder = folder_of(file);
    let part =
        Part::ALL.into_iter().find(|part| folder.file_name().is_some_and(|name| name == part.folder()));
    if let Some(part) = part {
        imgedit::published_reading()?.annotate(part, &text, &mut sessions);
        for session in &mut sessions {
            session.category = Some(part.folder().to_owned());
        }
    }
    let mut all = with_files(sessions, folder);
    for session in &mut all {
        session.key = imgedit_key(&session.session);
    }
    Ok(all)
}

/// The three parts have the same ids.
fn imgedit_key(session: &Session) -> String {
    match &session.category {
        Some(part) => format!("{part}.{}", session.id),
        None => session.id.clone(),
    }
}

fn imgedit_part(key: &str) -> Option<(Part, &str)> {
    let (folder, id) = key.split_once('.')?;
    Some((Part::ALL.into_iter().find(|part| part.folder() == folder)?, id))
}
