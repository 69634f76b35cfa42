//! Measures sessions, round by round.

use imgeval_core::{ContentHash, Pixels};
use imgeval_metrics::{
    drift::{RoundImage, RoundTrace, measure_round, session_side},
    survival::RoundStatus,
};
use rayon::prelude::*;

use crate::{
    Delivered, MeasureStore, MeasuredRound, MeasuredSession, Networks, ObjectFinder, RoundsError, Session,
    measured::Absence,
    networks::{NetworkNumbers, Seen},
    objects::{FoundObject, kept_objects},
    record::recorded,
    session::pixels_of,
    store::RoundRecord,
};

/// Raised when the numbers change, so that old ones are not taken for new ones.
const VERSION: u32 = 3;

/// What looks at images besides the measures of pixels.
#[derive(Clone, Copy)]
pub struct Instruments<'a> {
    pub networks: &'a Networks,
    pub objects: &'a ObjectFinder,
}

/// Measures each session, or reuses stored rounds; each round is stored as soon as it is measured. `tell` is called
/// after each round. Results of networks or detectors that are not installed are absent.
///
/// # Errors
/// If a measured round cannot be stored. A session that cannot be read reports this itself.
pub fn measure_sessions(
    sessions: &[Session],
    instruments: Instruments<'_>,
    store: &MeasureStore,
    tell: &(dyn Fn() + Sync),
) -> Result<Vec<MeasuredSession>, RoundsError> {
    // Pixels of several sessions are measured side by side. Networks compute on all threads, and need much memory.
    let at_once = match instruments.networks.are_none() && instruments.objects.is_none() {
        true => rayon::current_num_threads(),
        false => 1,
    };
    let mut measured = Vec::with_capacity(sessions.len());
    for some in sessions.chunks(at_once) {
        if let [session] = some {
            measured.push(measure(session, instruments, store, tell)?);
            continue;
        }
        let found = some.par_iter().map(|session| measure(session, instruments, store, tell));
        measured.extend(found.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(measured)
}

fn measure(
    session: &Session,
    instruments: Instruments<'_>,
    store: &MeasureStore,
    tell: &(dyn Fn() + Sync),
) -> Result<MeasuredSession, RoundsError> {
    let without_source = |problem: &str| {
        session.rounds.iter().for_each(|_| tell());
        without_source(session, format!("the source cannot be read: {problem}"))
    };
    let source = match session.source.read() {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(without_source(&problem)),
    };
    let files: Vec<Result<Vec<u8>, Absence>> = session.rounds.par_iter().map(bytes_of).collect();
    let key = key_of(&source, &files, session, instruments);
    let known = |(round, file): (u32, &Result<Vec<u8>, Absence>)| match file {
        Ok(_) => store.read(&key, round),
        Err(absence) => Some(RoundRecord::without_image(MeasuredRound::absent(round, absence))),
    };
    let known: Vec<Option<RoundRecord>> = (1..).zip(&files).map(known).collect();
    if known.iter().all(Option::is_some) {
        known.iter().for_each(|_| tell());
        let rounds = known.into_iter().flatten().map(|record| record.measured).collect();
        return Ok(MeasuredSession { rounds, problem: String::new() });
    }
    let source = match pixels_of(&source) {
        Ok(pixels) => pixels,
        Err(problem) => return Ok(without_source(&problem)),
    };
    let images: Vec<Result<Pixels, Absence>> = files
        .into_par_iter()
        .map(|file| pixels_of(&file?).map_err(|problem| (RoundStatus::Missing, problem)))
        .collect();
    let mut so_far = SoFar::new(session, &source, &images, instruments);
    let mut rounds = Vec::with_capacity(images.len());
    for (round, known) in (1..).zip(known) {
        let record = match known {
            Some(record) => record,
            None => {
                let record = so_far.measure(round);
                store.keep(&key, &record)?;
                record
            }
        };
        so_far.earlier.extend(record.trace());
        rounds.push(record.measured);
        tell();
    }
    Ok(MeasuredSession { rounds, problem: String::new() })
}

fn bytes_of(round: &Delivered) -> Result<Vec<u8>, Absence> {
    match (round, round.absence()) {
        (Delivered::Image(place), _) => place.read().map_err(|problem| (RoundStatus::Missing, problem)),
        (_, Some((status, reason))) => Err((status, reason.to_owned())),
        (_, None) => Err((RoundStatus::Missing, String::new())),
    }
}

fn captions_of<'a>(session: &'a Session, networks: &Networks) -> &'a [Option<String>] {
    if networks.read_captions() { &session.captions } else { &[] }
}

/// Names everything that the numbers of a session depend on.
fn key_of(
    source: &[u8],
    rounds: &[Result<Vec<u8>, Absence>],
    session: &Session,
    Instruments { networks, objects }: Instruments<'_>,
) -> ContentHash {
    let mut told = format!("rounds {VERSION} {} {}", ContentHash::of(source), networks.id());
    for (place, caption) in captions_of(session, networks).iter().enumerate() {
        if let Some(caption) = caption {
            told.push_str(&format!("\ncaption {place} {}", ContentHash::of(caption.as_bytes())));
        }
    }
    if !objects.is_none() {
        told.push_str(&format!("\ndetector {}", objects.id()));
        for instruction in &session.instructions {
            told.push_str(&format!("\ninstruction {}", ContentHash::of(instruction.as_bytes())));
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
    let absence = (RoundStatus::Missing, problem.clone());
    let rounds = (1..).zip(&session.rounds).map(|(round, _)| MeasuredRound::absent(round, &absence));
    MeasuredSession { rounds: rounds.collect(), problem }
}

/// A session in the middle of being measured.
struct SoFar<'a> {
    session: &'a Session,
    images: &'a [Result<Pixels, Absence>],
    instruments: Instruments<'a>,
    side: u32,
    source: RoundImage,
    /// Rounds with an image that are done, in their order.
    earlier: Vec<RoundTrace>,
    /// The last round that was measured here, with what networks saw of it.
    last: Option<(u32, RoundImage, Option<Seen>)>,
    /// What networks and the detector saw of the source.
    source_seen: Option<Seen>,
    source_objects: Option<Result<Vec<FoundObject>, String>>,
}

impl<'a> SoFar<'a> {
    fn new(
        session: &'a Session,
        source: &Pixels,
        images: &'a [Result<Pixels, Absence>],
        instruments: Instruments<'a>,
    ) -> Self {
        let there = images.iter().filter_map(|image| image.as_ref().ok());
        let side = session_side(std::iter::once(source).chain(there));
        Self {
            session,
            images,
            instruments,
            side,
            source: RoundImage::new(source.clone(), side),
            earlier: Vec::new(),
            last: None,
            source_seen: None,
            source_objects: None,
        }
    }

    fn image_of(&self, round: u32) -> Option<&'a Pixels> {
        self.images.get(round as usize - 1)?.as_ref().ok()
    }

    /// Measures a round; all those before it are done.
    fn measure(&mut self, round: u32) -> RoundRecord {
        let pixels = match &self.images[round as usize - 1] {
            Ok(pixels) => pixels,
            Err(absence) => return RoundRecord::without_image(MeasuredRound::absent(round, absence)),
        };
        let Instruments { networks, objects } = self.instruments;
        let image = RoundImage::new(pixels.clone(), self.side);
        let before = self.earlier.last().and_then(|trace| Some((trace.round, self.image_of(trace.round)?)));
        // The round before may have been measured by somebody else.
        let (previous, previous_seen) = match (before, self.last.take()) {
            (None, _) => (None, None),
            (Some((number, _)), Some((last, image, seen))) if last == number => (Some(image), seen),
            (Some((_, pixels)), _) => {
                (Some(RoundImage::new(pixels.clone(), self.side)), networks.look(pixels))
            }
        };
        let earlier =
            self.earlier.iter().filter_map(|trace| Some((trace.clone(), self.image_of(trace.round)?)));
        let earlier: Vec<(RoundTrace, &Pixels)> = earlier.collect();
        let previous = previous.as_ref().unwrap_or(&self.source);
        let measured = measure_round(round, &image, &self.source, previous, &earlier);
        let seen = networks.look(pixels);
        if self.source_seen.is_none() {
            self.source_seen = networks.look(self.source.pixels());
        }
        let looked = self.source_seen.as_ref().zip(seen.as_ref()).map(|(source, seen)| {
            let caption = captions_of(self.session, networks).get(round as usize - 1);
            let caption = caption.and_then(Option::as_deref);
            NetworkNumbers::of(networks, source, previous_seen.as_ref(), seen, caption)
        });
        let kept = (!objects.is_none()).then(|| {
            let source_objects =
                self.source_objects.get_or_insert_with(|| objects.find(self.source.pixels()));
            let so_far = self.session.instructions.get(..round as usize);
            let instructions = so_far.unwrap_or(&self.session.instructions);
            kept_objects(
                self.instruments,
                instructions,
                [self.source.pixels(), pixels],
                &measured.vs_source.registration,
                source_objects,
            )
        });
        let size = |of: &RoundImage| [of.pixels().width(), of.pixels().height()];
        let sizes = [size(&self.source), size(previous), size(&image)];
        let record = RoundRecord::of(recorded(&measured, sizes, looked.as_ref(), kept), &measured);
        self.last = Some((round, image, seen));
        record
    }
}
