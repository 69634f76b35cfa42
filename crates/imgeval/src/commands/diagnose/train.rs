//! `imgeval diagnose architecture train`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use imgeval_core::visible;
use imgeval_diagnose::{
    alike::{JpegRequest, PlanRequest, SizingRequest},
    architecture::{
        ProbeKind, Shares, Source, TrainingRequest, WorkbenchSettings, save_probe, train as train_probe,
    },
    collect::ImageItem,
};
use imgeval_files::OwnFolder;
use imgeval_observe::{Model, given_or_pulled, sha256_of_weights};
use imgeval_vision::DecodeLimits;

use super::{
    Stages, places::images_of, places::images_of_all, places::split_name, probe_refused, refused, report,
    show, tell_unused,
};
use crate::{
    args::diagnose::{JpegChoice, ProbeClipArgs, ProbeName, SizingName, TrainArgs},
    environment,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn train(args: &TrainArgs, printer: Printer) -> Result<Exit> {
    let classes = parse_classes(&args.classes)?;
    if args.out.is_dir() {
        let name = visible(&args.out.to_string_lossy());
        return Err(CommandError::usage(format!("`{name}` is a folder, not a file")).into());
    }
    let mut sources = Vec::new();
    for class in &classes.sources {
        let items = images_of(&class.place, printer)?;
        sources.push(Source { class: class.class, generator: class.generator.clone(), items });
    }
    let sources = joined(sources);
    let target = images_of_all(&args.target, printer)?;
    let mut control_decoders: Vec<(String, Vec<ImageItem>)> = Vec::new();
    for text in &args.control_decoders {
        let (name, place) = named_place(text, "--control-decoder")?;
        control_decoders.push((name.to_owned(), images_of(place, printer)?));
    }
    let kind = kind_of(args.probe);
    let is_network = matches!(kind, ProbeKind::Clip | ProbeKind::Residual);
    let clip = match kind {
        ProbeKind::Clip | ProbeKind::ClipLinear => Some(find_clip(&args.clip)?),
        ProbeKind::Spectrum | ProbeKind::Residual => None,
    };
    let embeddings = environment::embeddings_dir(args.clip.embeddings_dir.clone());
    let checkpoints = checkpoint_folder(&args.out);
    if is_network {
        OwnFolder::of_file(&checkpoints)
            .and_then(|(folder, name)| folder.make_folder(name))
            .with_context(|| format!("could not create `{}`", checkpoints.display()))?
            .sweep();
    }
    let request = TrainingRequest {
        kind,
        tool_version: env!("CARGO_PKG_VERSION"),
        class_names: &classes.names,
        sources: &sources,
        target: &target,
        control_decoders: &control_decoders,
        plan: plan_request(args),
        shares: Shares::default(),
        seed: args.seed,
        n_shuffles: args.shuffles.map_or(if is_network { 1 } else { 10 }, usize::from),
        limits: DecodeLimits { max_pixels: args.limit.for_files() },
        workbench: WorkbenchSettings {
            clip: clip.as_ref().map(|(path, sha256)| (path.as_path(), sha256.as_str())),
            compute: args.clip.compute.options(),
            epochs: args.epochs.map(usize::from),
            embeddings: Some(&embeddings),
            checkpoints: is_network.then_some(checkpoints.as_path()),
        },
    };
    let mut stages = Stages::new(printer);
    let trained = train_probe(&request, &mut |event| stages.show(event)).map_err(|error| refused(&error));
    stages.finish();
    let trained = trained?;
    save_probe(&trained.probe, &args.out).map_err(|error| probe_refused(&error))?;
    if is_network {
        // The probe is written; what is left of the way to it is only disk space.
        if let Ok(folder) = OwnFolder::open(&checkpoints) {
            trained.checkpoints.iter().for_each(|name| drop(folder.remove(name)));
            fs::remove_dir(&checkpoints).ok();
        }
    }
    let card = &trained.probe.card;
    let value = report::probe_json(card, &trained.probe);
    if let Some(folder) = &args.output.report {
        report::write_probe_report(folder, &trained.probe, &value)?;
    }
    match args.output.json {
        true => printer.data(format_args!("{value:#}\n"))?,
        false => printer.data(show::probe_text(card))?,
    }
    Ok(tell_unused(&trained.unused, printer))
}

/// Beside the probe, until it is written.
fn checkpoint_folder(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".training");
    name.into()
}

/// The path of CLIP's weights and the SHA-256 that tells which they are.
pub(super) fn find_clip(args: &ProbeClipArgs) -> Result<(PathBuf, String)> {
    let places = args.models.places();
    let path = given_or_pulled(args.model.as_deref(), Model::Clip, &places)?;
    let sha256 = sha256_of_weights(&path, &places.models_dir)?;
    Ok((path, sha256))
}

fn kind_of(name: ProbeName) -> ProbeKind {
    match name {
        ProbeName::Spectrum => ProbeKind::Spectrum,
        ProbeName::ClipLinear => ProbeKind::ClipLinear,
        ProbeName::Clip => ProbeKind::Clip,
        ProbeName::Residual => ProbeKind::Residual,
    }
}

pub(super) fn sizing_of(name: SizingName) -> SizingRequest {
    match name {
        SizingName::Centre => SizingRequest::Centre,
        SizingName::Drawn => SizingRequest::Drawn,
        SizingName::Scaled => SizingRequest::Scaled,
    }
}

pub(super) fn jpeg_of(choice: Option<JpegChoice>) -> JpegRequest {
    match choice {
        None => JpegRequest::Automatic,
        Some(JpegChoice::None) => JpegRequest::None,
        Some(JpegChoice::Quality(quality)) => JpegRequest::Quality(quality),
    }
}

fn plan_request(args: &TrainArgs) -> PlanRequest {
    PlanRequest {
        side: args.side,
        sizing: args.sizing.map(sizing_of),
        jpeg: jpeg_of(args.jpeg),
        seed: args.seed,
    }
}

/// What `--class` says, in the order of first appearance.
struct Classes {
    names: Vec<String>,
    sources: Vec<ClassPlace>,
}

struct ClassPlace {
    class: usize,
    generator: String,
    place: String,
}

fn parse_classes(texts: &[String]) -> Result<Classes, CommandError> {
    let mut classes = Classes { names: Vec::new(), sources: Vec::new() };
    for text in texts {
        let (name, place) = named_place(text, "--class")?;
        // Without a generator's name all places of a class are of one.
        let (class, generator) = name.split_once('/').unwrap_or((name, name));
        if class.is_empty() || generator.is_empty() {
            return Err(misread(text, "--class"));
        }
        let number = classes.names.iter().position(|known| known == class).unwrap_or_else(|| {
            classes.names.push(class.to_owned());
            classes.names.len() - 1
        });
        let (generator, place) = (generator.to_owned(), place.to_owned());
        classes.sources.push(ClassPlace { class: number, generator, place });
    }
    if classes.names.len() < 2 {
        let message = format!("only one class is given: `{}`", visible(&classes.names.concat()));
        return Err(CommandError::usage(message)
            .with_hint("pass --class NAME=PLACE for each of at least two classes"));
    }
    Ok(classes)
}

fn named_place<'a>(text: &'a str, flag: &str) -> Result<(&'a str, &'a str), CommandError> {
    split_name(text).ok_or_else(|| misread(text, flag))
}

fn misread(text: &str, flag: &str) -> CommandError {
    CommandError::usage(format!("`{}` is not of the form NAME=PLACE", visible(text)))
        .with_hint(format!("write {flag} diffusion=DIR, or {flag} diffusion/flux=DIR to name the generator"))
}

/// Places of the same generator together.
fn joined(sources: Vec<Source>) -> Vec<Source> {
    let mut all: Vec<Source> = Vec::new();
    for source in sources {
        match all.iter_mut().find(|one| one.class == source.class && one.generator == source.generator) {
            Some(known) => known.items.extend(source.items),
            None => all.push(source),
        }
    }
    all
}
