//! Sessions in a benchmark's layout of outputs.

use std::{collections::BTreeSet, path::Path};

use imgeval_core::ImageFormat;
use imgeval_files::OwnFolder;
use imgeval_suites::rounds::Benchmark;
use imgeval_vision::image_file::encode;

use crate::{Delivered, ImagePlace, RoundsError, Session, session::decode};

/// What was written, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    pub n_sessions: usize,
    /// Below the folder, in order.
    pub files: Vec<String>,
    /// Missing images, with the reason.
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub model: String,
    pub session: String,
    /// Counted from 1; 0 is the source.
    pub round: usize,
    pub reason: String,
}

/// Writes the images of all sessions under the names of a benchmark. Images of a single model go directly into the
/// folder, those of several into one subfolder each. PNG files are copied; other formats are decoded and written as
/// PNG, as the names say.
///
/// # Errors
/// If a session's id does not belong to the benchmark, two sessions have the same id, or a file cannot be written.
pub fn export_sessions(
    benchmark: Benchmark,
    sessions: &[Session],
    out: &OwnFolder,
) -> Result<Exported, RoundsError> {
    let mut exported = Exported::default();
    let models: BTreeSet<&str> = sessions.iter().map(|session| session.model.as_str()).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for session in sessions.iter().filter(|session| !session.is_control && session.repeats.is_none()) {
        let below = match models.len() {
            1 => String::new(),
            _ => format!("{}/", folder_name(&session.model)),
        };
        let mut write = |round: usize, name: &str, place: &ImagePlace| -> Result<(), RoundsError> {
            let name = format!("{below}{name}");
            if round == 0 && seen.contains(&name) {
                // Turns on their own share one source.
                return Ok(());
            }
            match as_png(place) {
                Ok(bytes) => {
                    if !seen.insert(name.clone()) {
                        return Err(RoundsError::TwiceThere { name });
                    }
                    write_below(out, &name, &bytes)?;
                    exported.files.push(name);
                }
                Err(reason) => exported.left_out.push(LeftOut {
                    model: session.model.clone(),
                    session: session.id.clone(),
                    round,
                    reason,
                }),
            }
            Ok(())
        };
        if let Some(name) = benchmark.source_names(&session.id)?.first() {
            write(0, name, &session.source)?;
        }
        for (round, delivered) in (1..).zip(&session.rounds) {
            let names = benchmark.round_names(&session.id, round)?;
            if let (Delivered::Image(place), Some(name)) = (delivered, names.first()) {
                write(round, name, place)?;
            }
        }
        for (round, delivered) in (1..).zip(&session.rounds) {
            if let Some((status, reason)) = delivered.absence() {
                exported.left_out.push(LeftOut {
                    model: session.model.clone(),
                    session: session.id.clone(),
                    round,
                    reason: format!("{}: {reason}", status.name()),
                });
            }
        }
        exported.n_sessions += 1;
    }
    Ok(exported)
}

/// A model's name as the name of a folder.
fn folder_name(model: &str) -> String {
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = model.chars().map(plain).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

fn as_png(place: &ImagePlace) -> Result<Vec<u8>, String> {
    let bytes = place.read()?;
    let image = decode(&bytes)?;
    match image.format {
        ImageFormat::Png => Ok(bytes),
        _ => encode(&image.pixels, ImageFormat::Png).map_err(|error| error.to_string()),
    }
}

fn write_below(out: &OwnFolder, name: &str, bytes: &[u8]) -> Result<(), RoundsError> {
    let path = Path::new(name);
    let write = || {
        let (folder, name) = out.below(path)?;
        folder.write_unsynced(name, bytes)
    };
    write().map_err(|source| RoundsError::Keep { path: out.path().join(path), source })
}
