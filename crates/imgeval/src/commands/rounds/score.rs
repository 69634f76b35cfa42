//! `imgeval rounds score`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use imgeval_core::sentence_of;
use imgeval_fetch::weights::{self, Hashing, Member, StoreError, locate_member};
use imgeval_files::read_hand_written;
use imgeval_report::schema::Schema;
use imgeval_rounds::{RoundsError, official};
use imgeval_suites::rounds::{Replies, edival, lme, mse};
use imgeval_vision::{RoundFeatures, image_file::DecodeLimits, round_features::RoundWeights};

use crate::{
    args::rounds::{EdivalScoreArgs, LmeScoreArgs, MagicbrushScoreArgs, MseScoreArgs, RoundsScoreCommand},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

const MAX_FOLDERS_BYTES: u64 = 256 << 20;

pub(super) fn score(command: &RoundsScoreCommand, printer: Printer) -> Result<Exit> {
    match command {
        RoundsScoreCommand::Magicbrush(args) => magicbrush(args, printer),
        RoundsScoreCommand::Edival(args) => edival(args, printer),
        RoundsScoreCommand::LmeBench(args) => lme_bench(args, printer),
        RoundsScoreCommand::MseBench(args) => mse_bench(args, printer),
    }
}

fn print_json(schema: Schema, document: serde_json::Value, printer: Printer) -> Result<()> {
    printer.data(format_args!("{:#}\n", schema.stamp(document)))
}

fn magicbrush(args: &MagicbrushScoreArgs, printer: Printer) -> Result<Exit> {
    if let Some(file) = &args.folders {
        return folders(file, args.json, printer);
    }
    let (Some(targets), Some(generated)) = (&args.targets, &args.generated) else {
        return Err(CommandError::usage("both image folders are required").into());
    };
    let captions = match &args.captions {
        Some(file) => Some(official::read_captions(file)?),
        None => {
            let beside = targets.join("../local_descriptions.json");
            beside.is_file().then(|| official::read_captions(&beside)).transpose()?
        }
    };
    let features = features(args)?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let features = features.as_ref().map_err(Clone::clone);
    let scores = official::score_magicbrush(generated, targets, features, captions.as_ref(), &limits)?;
    match (&scores, args.json) {
        (scores, true) => {
            print_json(Schema::MagicbrushScore, official::magicbrush_json(scores), printer)?;
        }
        (Ok(scores), false) => printer.table(&official::magicbrush_table(scores))?,
        (Err(_), false) => {}
    }
    match scores {
        Ok(_) => Ok(Exit::Ok),
        Err(error) => {
            let message = format!("the official script would stop with {}: {error}", error.exception());
            Err(CommandError::usage(message).into())
        }
    }
}

/// Both networks, or why they are not used.
fn features(args: &MagicbrushScoreArgs) -> Result<Result<RoundFeatures, String>> {
    let places = args.models.places();
    let located = |given: &Option<PathBuf>, member: Member| match given {
        Some(path) => Ok(Ok(path.clone())),
        None => match locate_member(&member, &places, Hashing::Recorded) {
            Ok(located) => Ok(Ok(located.path)),
            Err(StoreError::Missing { .. }) => {
                Ok(Err("fetch the networks with `imgeval models pull rounds`".to_owned()))
            }
            Err(error) => Err(error),
        },
    };
    let unusable = |error: StoreError| CommandError::usage(sentence_of(&error));
    let clip = located(&args.clip, Member::Hub(weights::CLIP_BASE)).map_err(unusable)?;
    let dino = located(&args.dino, Member::Url(weights::DINO)).map_err(unusable)?;
    let (clip, dino) = match (clip, dino) {
        (Ok(clip), Ok(dino)) => (clip, dino),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
    };
    let weights = RoundWeights { clip: &clip, dino: &dino };
    let loaded = RoundFeatures::load(&weights, &args.compute.options());
    Ok(Ok(loaded.map_err(|error| CommandError::usage(sentence_of(&error)))?))
}

fn folders(file: &Path, is_json: bool, printer: Printer) -> Result<Exit> {
    let text = read_hand_written(file, MAX_FOLDERS_BYTES, "the lists of file names")?;
    let cases = official::parse_folder_cases(&text)
        .map_err(|detail| RoundsError::Input { path: file.to_owned(), detail })?;
    match is_json {
        true => print_json(Schema::MagicbrushPairs, official::folder_cases_json(&cases), printer)?,
        false => printer.table(&official::folder_cases_table(&cases))?,
    }
    Ok(Exit::Ok)
}

fn edival(args: &EdivalScoreArgs, printer: Printer) -> Result<Exit> {
    let names = match (&args.files, &args.outputs) {
        (Some(file), _) => edival::read_names(file),
        (None, Some(folder)) => edival::names_in_folder(folder),
        (None, None) => return Err(CommandError::usage("the image names are required").into()),
    };
    let names = names.map_err(RoundsError::from)?;
    let table = edival::read_table(&args.table).map_err(RoundsError::from)?;
    let items = edival::read_items(&args.items).map_err(RoundsError::from)?;
    let reports = edival::report_on_files(&table, &names, &items);
    match args.json {
        true => print_json(Schema::EdivalScore, official::edival_json(&reports), printer)?,
        false => printer.tables(official::edival_tables(&reports))?,
    }
    Ok(Exit::Ok)
}

fn lme_bench(args: &LmeScoreArgs, printer: Printer) -> Result<Exit> {
    let bench = lme::read_sessions(&args.sessions).map_err(RoundsError::from)?;
    let limit = args.limit.map(|limit| limit as usize);
    let report = match (&args.replies, &args.judged) {
        (Some(file), _) => Replies::read(file).map(|replies| lme::report_on_replies(&bench, &replies, limit)),
        (None, Some(folder)) => lme::report_on_judged(&bench, folder, limit),
        (None, None) => return Err(CommandError::usage("replies or judged sessions are required").into()),
    };
    let report = report.map_err(RoundsError::from)?;
    match args.json {
        true => print_json(Schema::LmeScore, official::lme_json(&report), printer)?,
        false => printer.tables(official::lme_tables(&report))?,
    }
    Ok(if report.rates.is_some() { Exit::Ok } else { Exit::Partial })
}

fn mse_bench(args: &MseScoreArgs, printer: Printer) -> Result<Exit> {
    let replies = Replies::read(&args.replies).map_err(RoundsError::from)?;
    let report = mse::report_on_replies(&replies, usize::from(args.turns)).map_err(RoundsError::from)?;
    if report.sessions.is_empty() {
        return Err(CommandError::nothing("the file contains no reply").into());
    }
    match args.json {
        true => print_json(Schema::MseScore, official::mse_json(&report), printer)?,
        false => printer.table(&official::mse_table(&report))?,
    }
    Ok(if report.rates.is_some() { Exit::Ok } else { Exit::Partial })
}
