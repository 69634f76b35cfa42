//! `imgeval diagnose architecture apply`.

use anyhow::Result;
use imgeval_diagnose::architecture::{
    EmbedderCard, apply_to, compare_signature, evidence_sheet, judge_answer, load_embedder, load_probe,
};
use imgeval_vision::{DecodeLimits, train::ClipEmbedder};

use super::{
    Stages,
    places::generators_of,
    probe_refused, refused,
    report::{self, AnswerReport},
    show, tell_unused,
    train::find_clip,
};
use crate::{args::diagnose::ApplyArgs, exit_code::Exit, failure::CommandError, printer::Printer};

pub(super) fn apply(args: &ApplyArgs, printer: Printer) -> Result<Exit> {
    let compute = args.clip.compute.options();
    let embedder = |card: &EmbedderCard| -> Result<ClipEmbedder> {
        let (path, sha256) = find_clip(&args.clip)?;
        Ok(load_embedder(&path, &sha256, card.framing, &compute).map_err(|error| refused(&error))?)
    };
    let probe = load_probe(&args.probe, &compute, embedder).map_err(|error| probe_refused(&error))??;
    let generators = generators_of(&args.places, printer)?;
    let names = generators.iter().map(|generator| generator.name.as_str()).collect::<Vec<_>>().join(", ");
    let items: Vec<_> = generators.into_iter().flat_map(|generator| generator.images).collect();
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut stages = Stages::new(printer);
    let applied = apply_to(&probe, &items, &limits, &mut |event| stages.show(event));
    stages.finish();
    let applied = applied.map_err(|error| refused(&error))?;
    let exit = tell_unused(&applied.unused, printer);
    let card = &probe.card;
    let Some(summary) = applied.summary(card.classes.len(), card.seed) else {
        let side = card.plan.side;
        return Err(CommandError::nothing("none of the images can be used")
            .with_hint(format!("the probe needs squares of {side} pixels; see the errors above"))
            .into());
    };
    let signature = compare_signature(&probe, &applied, &limits).map_err(|error| refused(&error))?;
    let reasons = judge_answer(card, &summary);
    let record = signature.as_ref().map(|(record, _)| record);
    let evidence = evidence_sheet(card, &summary, record);
    let answer = AnswerReport { card, applied: &applied, summary, signature, reasons, evidence };
    let value = report::answer_json(&answer);
    if let Some(folder) = &args.output.report {
        report::write_answer_report(folder, &names, &answer, &value)?;
    }
    match args.output.json {
        true => printer.data(format_args!("{value:#}\n"))?,
        false => printer.data(show::answer_text(&answer))?,
    }
    Ok(exit)
}
