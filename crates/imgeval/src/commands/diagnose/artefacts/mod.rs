//! `imgeval diagnose artefacts`: artifacts in images, relative to a reference.

mod figures;
mod json;
mod show;

use anyhow::Result;
use imgeval_diagnose::{
    artefacts::{ArtefactError, Comparison, Place, PlaceRequest, compare, measure_place},
    collect::ImageItem,
};
use imgeval_report::diagnosis::{Diagnosis, DiagnosisKind};
use imgeval_vision::DecodeLimits;

use super::{
    Stages,
    places::{generators_of, images_of_all},
    report::write_report,
    tell_unused,
};
use crate::{
    args::diagnose::ArtefactsArgs,
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// The name of what places are compared with.
const REFERENCE: &str = "reference";

pub(super) fn artefacts(args: &ArtefactsArgs, printer: Printer) -> Result<Exit> {
    let generators = generators_of(&args.places, printer)?;
    if generators.iter().any(|generator| generator.name == REFERENCE) && !args.reference.is_empty() {
        return Err(CommandError::usage("a place is named `reference`, like the reference itself")
            .with_hint("give it another name with NAME=PLACE")
            .into());
    }
    let reference = images_of_all(&args.reference, printer)?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut stages = Stages::new(printer);
    let mut measure = |name: &str, items: &[ImageItem]| {
        let request = PlaceRequest { name, items, limits, seed: args.bootstrap_seed };
        measure_place(&request, &mut |event| stages.show(event)).map_err(|error| refused(&error))
    };
    let reference = if reference.is_empty() { None } else { Some(measure(REFERENCE, &reference)?) };
    let places = generators
        .iter()
        .map(|generator| measure(&generator.name, &generator.images))
        .collect::<Result<Vec<Place>, CommandError>>()?;
    stages.finish();
    let exit = tell_unused(reference.iter().chain(&places).flat_map(|place| &place.unused), printer);
    let comparisons: Vec<Comparison<'_>> =
        places.iter().map(|place| compare(place, reference.as_ref())).collect();
    let tables = show::tables_of(&comparisons);
    if args.output.json || args.output.report.is_some() {
        let value = json::to_json(&comparisons, reference.as_ref());
        if let Some(folder) = &args.output.report {
            let diagnosis = Diagnosis {
                title: "Artifacts in the images".to_owned(),
                kind: DiagnosisKind::Artefacts,
                findings: Vec::new(),
                summary: None,
                text: String::new(),
                tables: tables.clone(),
                figures: figures::figures_of(&places, reference.as_ref())?,
            };
            write_report(folder, diagnosis, &value)?;
        }
        if args.output.json {
            printer.data(format_args!("{value:#}\n"))?;
            return Ok(exit);
        }
    }
    printer.tables(tables)?;
    Ok(exit)
}

fn refused(error: &ArtefactError) -> CommandError {
    match error {
        ArtefactError::NoUsableImage { .. } => CommandError::nothing(sentence_of(error))
            .with_hint("check one of them with `imgeval metrics image`"),
    }
}
