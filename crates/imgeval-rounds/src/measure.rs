//! Measures sessions.

use std::collections::BTreeMap;

use imgeval_core::{ContentHash, Pixels};
use imgeval_metrics::{
    drift::{
        FailureReason, RoundImage, RoundMeasures, SessionMeasures, SessionRound, edit_box, measure_session,
        session_side,
    },
    registration::{Alignment, Status},
    survival::RoundStatus,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Delivered, MeasureStore, Networks, RoundsError, Session,
    networks::{NetworkNumbers, Numbers, look_at_rounds},
    session::pixels_of,
};

/// Raised when the numbers change, so that old ones are not taken for new ones.
const VERSION: u32 = 2;

/// Images whose short sides differ by more than this share were made at different scales.
const EQUAL_SCALE: f64 = 0.02;

const UNEQUAL: &str = "the two images have different sizes, so that scaling would show as sharpness";

/// Why a round has no image.
type Absence = (RoundStatus, String);

/// A round as it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRound {
    /// From 1.
    pub round: u32,
    /// `ok`, `failed`, `refused` or `missing`.
    pub status: String,
    /// Why it is not ok.
    pub reasons: Vec<String>,
    /// `ok`, `coarse`, `failed` or `none`; empty without an image.
    pub registration: String,
    pub registration_previous: String,
    /// Where its frame lies in that of the source and of the previous image, if the registration is `ok`: left edge, top edge, width and
    /// height in shares of the other's.
    pub frame: Option<[f64; 4]>,
    pub frame_previous: Option<[f64; 4]>,
    /// Which round the numbers of `vs_previous` compare with; 0 is the source.
    pub previous: u32,
    /// Width and height in pixels; zeros without an image.
    pub size: [u32; 2],
    /// Numbers by the names of docs/rounds.md, as far as they exist.
    pub vs_source: BTreeMap<String, f64>,
    pub vs_previous: BTreeMap<String, f64>,
    /// Why numbers against the source do not exist, by their names.
    pub not_measured: BTreeMap<String, String>,
    /// Around the largest region that this round edited: left, top, right and bottom in shares of its frame.
    pub region: Option<[f64; 4]>,
    /// Earlier rounds with the correlation of their edits in this one.
    pub earlier_edits: Vec<(u32, Option<f64>)>,
}

/// All rounds of a session, those without an image as well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSession {
    pub rounds: Vec<MeasuredRound>,
    /// Why nothing at all could be measured; empty if something could.
    pub problem: String,
}

impl MeasuredSession {
    /// How each round ended.
    #[must_use]
    pub fn statuses(&self) -> Vec<RoundStatus> {
        let status = |round: &MeasuredRound| match round.status.as_str() {
            "ok" => RoundStatus::Ok,
            "failed" => RoundStatus::Failed,
            "refused" => RoundStatus::Refused,
            _ => RoundStatus::Missing,
        };
        self.rounds.iter().map(status).collect()
    }
}

/// Measures each session, or takes what the store has of it. `tell` is called after each with how many are done. What networks would see
/// is not there where they are not.
///
/// # Errors
/// If a measured session cannot be kept. A session that cannot be read says so itself.
pub fn measure_sessions(
    sessions: &[Session],
    networks: &Networks,
    store: &MeasureStore,
    tell: &mut dyn FnMut(usize),
) -> Result<Vec<MeasuredSession>, RoundsError> {
    let mut measured = Vec::new();
    for (place, session) in sessions.iter().enumerate() {
        measured.push(measure(session, networks, store)?);
        tell(place + 1);
    }
    Ok(measured)
}

fn measure(
    session: &Session,
    networks: &Networks,
    store: &MeasureStore,
) -> Result<MeasuredSession, RoundsError> {
    let source = match session.source.read() {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(without_source(session, format!("the source cannot be read: {problem}"))),
    };
    let files: Vec<Result<Vec<u8>, Absence>> = session.rounds.par_iter().map(bytes_of).collect();
    let captions = if networks.read_captions() { session.captions.as_slice() } else { &[] };
    let key = key_of(&source, &files, networks, captions);
    if let Some(known) = store.read(&key) {
        return Ok(known);
    }
    let source = match pixels_of(&source) {
        Ok(pixels) => pixels,
        Err(problem) => return Ok(without_source(session, format!("the source cannot be read: {problem}"))),
    };
    let found: Vec<Result<Pixels, Absence>> = files
        .into_par_iter()
        .map(|file| pixels_of(&file?).map_err(|problem| (RoundStatus::Missing, problem)))
        .collect();
    let measured = measure_pixels(source, found, networks, captions);
    store.keep(&key, &measured)?;
    Ok(measured)
}

fn bytes_of(round: &Delivered) -> Result<Vec<u8>, Absence> {
    match (round, round.absence()) {
        (Delivered::Image(place), _) => place.read().map_err(|problem| (RoundStatus::Missing, problem)),
        (_, Some((status, reason))) => Err((status, reason.to_owned())),
        (_, None) => Err((RoundStatus::Missing, String::new())),
    }
}

/// Names everything that the numbers depend on.
fn key_of(
    source: &[u8],
    rounds: &[Result<Vec<u8>, Absence>],
    networks: &Networks,
    captions: &[Option<String>],
) -> ContentHash {
    let mut told = format!("rounds {VERSION} {} {}", ContentHash::of(source), networks.id());
    for (place, caption) in captions.iter().enumerate() {
        if let Some(caption) = caption {
            told.push_str(&format!("\ncaption {place} {}", ContentHash::of(caption.as_bytes())));
        }
    }
    for round in rounds {
        match round {
            Ok(bytes) => told.push_str(&format!("\n{}", ContentHash::of(bytes))),
            Err((status, reason)) => told.push_str(&format!("\n{} {reason}", status.name())),
        }
    }
    ContentHash::of(told.as_bytes())
}

fn without_source(session: &Session, problem: String) -> MeasuredSession {
    let round = |(place, _)| MeasuredRound {
        round: place as u32 + 1,
        status: RoundStatus::Missing.name().to_owned(),
        reasons: vec![problem.clone()],
        ..MeasuredRound::default()
    };
    MeasuredSession { rounds: session.rounds.iter().enumerate().map(round).collect(), problem }
}

fn measure_pixels(
    source: Pixels,
    found: Vec<Result<Pixels, Absence>>,
    networks: &Networks,
    captions: &[Option<String>],
) -> MeasuredSession {
    let side = session_side(std::iter::once(&source).chain(found.iter().filter_map(|of| of.as_ref().ok())));
    let source = RoundImage::new(source, side);
    let images: Vec<(u32, Result<RoundImage, Absence>)> = (1..)
        .zip(found)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(round, pixels)| (round, pixels.map(|pixels| RoundImage::new(pixels, side))))
        .collect();
    let there: Vec<(u32, &RoundImage)> =
        images.iter().filter_map(|(round, image)| Some((*round, image.as_ref().ok()?))).collect();
    let measures = measure_session(&source, &there);
    let caption_of = |round: u32| captions.get(round as usize - 1)?.as_deref();
    let shown: Vec<(u32, &Pixels, Option<&str>)> =
        there.iter().map(|(round, image)| (*round, image.pixels(), caption_of(*round))).collect();
    let looked = look_at_rounds(networks, source.pixels(), &shown);
    let image_of = |round: u32| match round {
        0 => Some(&source),
        round => there.iter().find(|(known, _)| *known == round).map(|(_, image)| *image),
    };
    let record = |(round, image): &(u32, Result<RoundImage, Absence>)| match image {
        Ok(image) => {
            let of_round = measures.rounds.iter().find(|of| of.round == *round);
            of_round.map_or_else(MeasuredRound::default, |of_round| {
                let previous = image_of(of_round.previous).unwrap_or(&source);
                let looked = looked.iter().find(|of| of.round == *round);
                recorded(of_round, &measures, [&source, previous, image], looked)
            })
        }
        Err((status, reason)) => MeasuredRound {
            round: *round,
            status: status.name().to_owned(),
            reasons: vec![reason.clone()],
            ..MeasuredRound::default()
        },
    };
    MeasuredSession { rounds: images.iter().map(record).collect(), problem: String::new() }
}

/// `images` are the source, the previous image and the image.
fn recorded(
    of_round: &SessionRound,
    session: &SessionMeasures,
    [source, previous, image]: [&RoundImage; 3],
    looked: Option<&NetworkNumbers>,
) -> MeasuredRound {
    let size = |of: &RoundImage| [of.pixels().width(), of.pixels().height()];
    let is_fair = is_of_equal_scale(size(source), size(image));
    let mut failures = of_round.failures.clone();
    if !is_fair {
        failures.retain(|reason| *reason != FailureReason::Sharpness);
    }
    let status = if failures.is_empty() { RoundStatus::Ok } else { RoundStatus::Failed };
    let (mut vs_source, mut not_measured) = numbers_of(&of_round.vs_source, is_fair);
    match &of_round.outside_edits {
        Ok(found) => {
            vs_source.insert("outside.tone_dE".to_owned(), found.tone_de);
            vs_source.insert("outside.content_dE".to_owned(), found.content_de);
        }
        Err(reason) => {
            not_measured.insert("outside".to_owned(), reason.to_string());
        }
    }
    let step = &of_round.vs_previous;
    let mut vs_previous = numbers_of(step, is_of_equal_scale(size(previous), size(image))).0;
    if let Some(looked) = looked {
        put(&looked.vs_source, &mut vs_source, &mut not_measured);
        put(&looked.vs_previous, &mut vs_previous, &mut BTreeMap::new());
    }
    let region = step.region.as_ref().ok().zip(step.aligned());
    let earlier = session.edit_survival.iter().filter(|seen| seen.seen_in == of_round.round);
    MeasuredRound {
        round: of_round.round,
        status: status.name().to_owned(),
        reasons: failures.iter().map(|reason| reason.name().to_owned()).collect(),
        registration: status_of(&of_round.vs_source),
        registration_previous: status_of(step),
        frame: frame_of(&of_round.vs_source),
        frame_previous: frame_of(step),
        previous: of_round.previous,
        size: size(image),
        vs_source,
        vs_previous,
        not_measured,
        region: region.and_then(|(region, aligned)| edit_box(region, &aligned.alignment)),
        earlier_edits: earlier.map(|seen| (seen.edit, seen.correlation.as_ref().ok().copied())).collect(),
    }
}

fn status_of(measures: &RoundMeasures) -> String {
    let status = measures.registration.as_ref().map(|found| found.status);
    let name = match status {
        Ok(Status::Ok) => "ok",
        Ok(Status::Coarse) => "coarse",
        Ok(Status::Failed) => "failed",
        Err(_) => "none",
    };
    name.to_owned()
}

fn frame_of(measures: &RoundMeasures) -> Option<[f64; 4]> {
    let Alignment { a, b } = measures.aligned()?.alignment;
    Some([b[0], b[1], a[0], a[1]])
}

fn put(found: &Numbers, numbers: &mut BTreeMap<String, f64>, reasons: &mut BTreeMap<String, String>) {
    for (name, number) in found {
        match number {
            Ok(number) => {
                numbers.insert((*name).to_owned(), *number);
            }
            Err(reason) => {
                reasons.insert((*name).to_owned(), reason.clone());
            }
        }
    }
}

fn is_of_equal_scale(one: [u32; 2], other: [u32; 2]) -> bool {
    let short = |size: [u32; 2]| f64::from(size[0].min(size[1]).max(1));
    (short(one) / short(other) - 1.0).abs() <= EQUAL_SCALE
}

/// Sharpness and spectra mean nothing between images of unequal scale.
fn numbers_of(measures: &RoundMeasures, is_fair: bool) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let checked = measures.numbers().into_iter().map(|(name, value)| {
        let is_detail = name.starts_with("sharp.") || name == "drift.sharpness";
        let checked = value.and_then(|value| match value {
            _ if is_detail && !is_fair => Err(UNEQUAL.to_owned()),
            value if value.is_finite() => Ok(value),
            _ => Err("it is not finite".to_owned()),
        });
        (name, checked)
    });
    let (mut numbers, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    put(&checked.collect(), &mut numbers, &mut reasons);
    (numbers, reasons)
}
