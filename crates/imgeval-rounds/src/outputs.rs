//! Sessions in the layout in which a benchmark wants a model's outputs.

use std::path::{Path, PathBuf};

use imgeval_files::OwnFolder;
use imgeval_suites::rounds::{
    Benchmark, BenchmarkSession, SourceImage,
    mse::{ResultRow, TableImage, read_results},
};

use crate::{Delivered, ImagePlace, RoundsError, Session, folder::is_there, places::gather_by};

/// The folder of results that edit the results before them, below or at the place.
const MULTIPASS: &str = "multipass";

/// A model's outputs for a benchmark's sessions, each place as `PLACE` or `NAME=PLACE`: a folder in the benchmark's
/// layout or, for MSE-Bench, a table of results. Without a name, the model is named after the folder. A file that
/// does not exist is a missing round.
///
/// # Errors
/// If a place cannot be read or contains no output.
pub fn gather_outputs(
    benchmark: Benchmark,
    sessions: &[BenchmarkSession],
    places: &[String],
) -> Result<Vec<Session>, RoundsError> {
    gather_by(places, |path, name| match path.is_file() && benchmark == Benchmark::MseBench {
        true => in_table(sessions, path, &name.map_or_else(|| stem_of(path), str::to_owned)),
        false => in_folder(benchmark, sessions, path, &name.map_or_else(|| model_of(path), str::to_owned)),
    })
}

fn stem_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| "outputs".to_owned(), |name| name.to_string_lossy().into())
}

/// The last part of the path that is a model's.
fn model_of(path: &Path) -> String {
    let named = match path.file_name().is_some_and(|name| name == MULTIPASS) {
        true => path.parent().and_then(Path::file_name),
        false => path.file_name(),
    };
    named.map_or_else(|| "outputs".to_owned(), |name| name.to_string_lossy().into())
}

fn in_folder(
    benchmark: Benchmark,
    sessions: &[BenchmarkSession],
    path: &Path,
    model: &str,
) -> Result<Vec<Session>, RoundsError> {
    let folder =
        OwnFolder::open(path).map_err(|source| RoundsError::Read { path: path.to_owned(), source })?;
    let mut found = Vec::new();
    for known in sessions {
        let find = |names: &[String]| names.iter().map(PathBuf::from).find(|name| is_there(&folder, name));
        let in_folder = |name: PathBuf| ImagePlace::File { folder: folder.clone(), name };
        let own_copy = find(&benchmark.source_names(&known.key)?).map(in_folder);
        let mut rounds = Vec::new();
        for round in 1..=known.session.rounds.len() {
            let names = benchmark.round_names(&known.key, round)?;
            rounds.push(match find(&names) {
                Some(name) => Delivered::Image(in_folder(name)),
                None => Delivered::Missing(format!("`{}` does not exist", names.join("` or `"))),
            });
        }
        found.push(session(known, model, source_of(known, own_copy), rounds));
    }
    let has_image = |session: &Session| session.rounds.iter().any(|round| round.absence().is_none());
    // Without a single output this is another folder.
    Ok(if found.iter().any(has_image) { found } else { Vec::new() })
}

fn in_table(sessions: &[BenchmarkSession], path: &Path, model: &str) -> Result<Vec<Session>, RoundsError> {
    let rows = read_results(path)?.collect::<Result<Vec<ResultRow>, _>>()?;
    let mut found = Vec::new();
    for known in sessions {
        let row = rows.iter().find(|row| row.row.to_string() == known.key);
        let image = |round: usize| row?.images.get(round)?.as_ref();
        let rounds = (0..known.session.rounds.len()).map(|round| match image(round) {
            Some(TableImage { bytes, .. }) => Delivered::Image(ImagePlace::Bytes(bytes.clone())),
            None => Delivered::Missing("the table contains no image for it".to_owned()),
        });
        found.push(session(known, model, source_of(known, None), rounds.collect()));
    }
    Ok(found)
}

fn session(known: &BenchmarkSession, model: &str, source: ImagePlace, rounds: Vec<Delivered>) -> Session {
    Session {
        id: known.key.clone(),
        model: model.to_owned(),
        instructions: known.session.rounds.iter().map(|round| round.instruction.clone()).collect(),
        captions: known.session.rounds.iter().map(|round| round.target_caption.clone()).collect(),
        source,
        rounds,
        is_control: false,
        repeats: None,
        judged: None,
    }
}

/// The benchmark's image where it is there, or else the copy beside the outputs.
fn source_of(known: &BenchmarkSession, own_copy: Option<ImagePlace>) -> ImagePlace {
    match &known.image {
        SourceImage::InTable { bytes, .. } => ImagePlace::Bytes(bytes.clone()),
        SourceImage::File(path) if path.is_file() || own_copy.is_none() => ImagePlace::Input(path.clone()),
        SourceImage::File(_) | SourceImage::Absent(_) => {
            own_copy.unwrap_or_else(|| ImagePlace::Bytes(Vec::new()))
        }
    }
}
