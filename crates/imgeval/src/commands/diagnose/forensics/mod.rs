//! `imgeval diagnose forensics`: can a generator's images be told from photographs, even after compression?

mod figures;
mod judges;
mod show;

use std::path::{Path, PathBuf};

use anyhow::Result;
use imgeval_core::{counted, visible};
use imgeval_diagnose::{
    alike::{PlanChoice, PlanRequest},
    architecture::{ProbeKind, WorkbenchSettings},
    forensics::{
        Class, DetectorScores, Gathered, ImageSet, Origin, OwnRequest, SCORES, SWEEP, ScoreStore,
        ScoringRequest, StudyDetector, StudyImage, StudyReport, StudySettings, SweepStep, Treatment, gather,
        matched_plan, score_images, study, train_own,
    },
};
use imgeval_forensics::Trunks;
use imgeval_observe::{AskedForensics, load_forensics};
use imgeval_pages::{claim_folder, write_diagnosis};
use imgeval_report::{
    diagnosis::{Diagnosis, DiagnosisKind},
    schema::Schema,
};
use imgeval_vision::DecodeLimits;

use super::{
    Stages,
    places::{generators_of, split_name},
    tell_unused,
    train::{jpeg_of, sizing_of},
};
use crate::{
    args::forensics::{ForensicsArgs, SweepName},
    commands::detect_fake::known_detector,
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// What is asked where the user names no detector.
const DEFAULT_DETECTORS: [&str; 3] = ["community-forensics", "rine", "univfd"];

const SHORT_SWEEP: [SweepStep; 5] = [
    SweepStep::Jpeg { quality: 90 },
    SweepStep::Jpeg { quality: 50 },
    SweepStep::Webp { quality: 80 },
    SweepStep::Resized { percent: 50 },
    SweepStep::Blurred { tenths: 10 },
];

pub(super) fn forensics(args: &ForensicsArgs, printer: Printer) -> Result<Exit> {
    let mut sets = sets_of(&args.real, Class::Real, printer)?;
    sets.extend(sets_of(&args.fake, Class::Fake, printer)?);
    let detectors = detectors_of(args, printer)?;
    if let Some(out) = &args.out {
        // The page's folder is made first, because it takes over no folder of others.
        claim_folder(out)?;
    }
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut stages = Stages::new(printer);
    let gathered = gather(&sets, &limits, &mut |event| stages.show(event));
    if gathered.files.is_empty() {
        stages.finish();
        tell_unused(&gathered.unused, printer);
        return Err(CommandError::nothing("cannot read any of the images").into());
    }
    let images: Vec<StudyImage> = gathered.files.iter().map(|file| file.image.clone()).collect();
    let matched = matched_plan(&images, plan_request(args), args.seed);
    let store = match &args.out {
        Some(out) => ScoreStore::at(&out.join(SCORES))?,
        None => ScoreStore::default(),
    };
    let request = ScoringRequest {
        files: &gathered.files,
        detectors: &detectors,
        treatments: &treatments(args.sweep),
        matched: &matched.plan,
        limits,
    };
    let mut scores = match detectors.is_empty() {
        true => Vec::new(),
        false => score_images(&request, &store, &mut |event| stages.show(event))?,
    };
    stages.finish();
    let judged = judges::judge_images(args, &gathered, &matched.plan, &store, printer)?;
    scores.extend(judged.scores);
    if !args.no_own {
        match own_scores(args, &gathered, limits, &mut stages) {
            Ok(own) => scores.push(own),
            Err(reason) => {
                printer.insist(format_args!("could not train a detector on your images: {reason}"))
            }
        }
    }
    stages.finish();
    let exit = tell_unused(&gathered.unused, printer);
    if scores.is_empty() {
        return Err(CommandError::nothing("no detector is available")
            .with_hint(
                "fetch some with `imgeval models pull forensics`, or pass at least ten images of each class to train a detector on them",
            )
            .into());
    }
    let settings = StudySettings { bootstrap: args.bootstrap(), ..StudySettings::default() };
    let report =
        study(&images, &scores, settings).map_err(|error| CommandError::usage(sentence_of(&error)))?;
    show(args, &gathered, &report, &matched, printer)?;
    Ok(match tell_failures(&report, printer) {
        _ if judged.budget_reached => Exit::BudgetReached,
        true => Exit::Partial,
        false => exit,
    })
}

fn show(
    args: &ForensicsArgs,
    gathered: &Gathered,
    report: &StudyReport,
    matched: &PlanChoice,
    printer: Printer,
) -> Result<()> {
    let tables = show::tables_of(report);
    let findings = show::findings_of(report, matched);
    match args.json {
        true => {
            let document = Schema::Forensics.stamp(serde_json::to_value(report)?);
            printer.data(format_args!("{document:#}\n"))?;
        }
        false => {
            for finding in &findings {
                printer.data(format_args!("{}\n", visible(finding)))?;
            }
            printer.data("\n")?;
            printer.tables(tables.iter().cloned())?;
        }
    }
    let Some(out) = &args.out else { return Ok(()) };
    let diagnosis = Diagnosis {
        title: "Generated images against photographs".to_owned(),
        kind: DiagnosisKind::Forensics,
        findings,
        summary: None,
        text: String::new(),
        tables,
        figures: figures::figures_of(report, gathered),
    };
    let written = write_diagnosis(diagnosis, out)?;
    printer.talk(format_args!("forensics: {}", written.page.display()));
    Ok(())
}

fn sets_of(places: &[String], class: Class, printer: Printer) -> Result<Vec<ImageSet>> {
    let mut sets = Vec::new();
    for generator in generators_of(places, printer)? {
        let (set, n_others) = ImageSet::of_place(class, &generator.name, generator.images);
        if n_others > 0 {
            let name = visible(&set.name);
            printer
                .talk(format_args!("{name}: {n_others} images are not in a folder of {} ones", class.name()));
        }
        if set.items.is_empty() {
            return Err(
                CommandError::nothing(format!("`{}` contains no {} image", set.name, class.name())).into()
            );
        }
        sets.push(set);
    }
    Ok(sets)
}

fn detectors_of(args: &ForensicsArgs, printer: Printer) -> Result<Vec<StudyDetector>> {
    let mut given: Vec<(&str, PathBuf)> = Vec::new();
    for text in &args.weights {
        let (id, file) = split_name(text).ok_or_else(|| {
            CommandError::usage(format!("`{}` is not of the form ID=FILE", visible(text)))
                .with_hint("write --weights univfd=fc_weights.pth --weights univfd=clip/")
        })?;
        known_detector(id)?;
        given.push((id, PathBuf::from(file)));
    }
    let mut names: Vec<(&str, Option<&str>)> = Vec::new();
    for text in &args.detector {
        let (id, pipeline) =
            text.split_once(':').map_or((text.as_str(), None), |(id, name)| (id, Some(name)));
        names.push((id, pipeline));
    }
    let places = args.models.places();
    let is_default = names.is_empty();
    if is_default {
        names = DEFAULT_DETECTORS.map(|id| (id, None)).into();
    }
    let trunks = Trunks::default();
    let mut detectors: Vec<StudyDetector> = Vec::new();
    for (id, pipeline) in names {
        let asked = AskedForensics {
            description: known_detector(id)?,
            pipeline: pipeline.map(str::to_owned),
            files: given.iter().filter(|(of, _)| *of == id).map(|(_, file)| file.clone()).collect(),
        };
        if is_default && !asked.is_here(&places) {
            printer.talk(format_args!(
                "skipped {id}: its weights are not installed (`imgeval models pull {id}`)"
            ));
            continue;
        }
        let loaded = load_forensics(&asked, &trunks, &places, args.compute.options())?;
        let is_only = detectors.iter().all(|one| one.detector.description().id != id);
        let name = asked.description.name;
        detectors.push(StudyDetector {
            id: if is_only { id.to_owned() } else { format!("{id}:{}", loaded.detector.pipeline()) },
            name: if is_only { name.to_owned() } else { format!("{name}, {}", loaded.detector.pipeline()) },
            detector: loaded.detector,
            weights_sha256: loaded.weights_sha256,
        });
    }
    Ok(detectors)
}

fn treatments(sweep: SweepName) -> Vec<Treatment> {
    let steps: &[SweepStep] = match sweep {
        SweepName::Full => &SWEEP,
        SweepName::Short => &SHORT_SWEEP,
        SweepName::None => &[],
    };
    let degraded = steps.iter().map(|step| Treatment::Degraded(*step));
    [Treatment::AsDelivered, Treatment::Matched].into_iter().chain(degraded).collect()
}

fn plan_request(args: &ForensicsArgs) -> PlanRequest {
    PlanRequest {
        side: args.side,
        sizing: args.sizing.map(sizing_of),
        jpeg: jpeg_of(args.jpeg),
        seed: args.seed,
    }
}

fn own_scores(
    args: &ForensicsArgs,
    gathered: &Gathered,
    limits: DecodeLimits,
    stages: &mut Stages,
) -> Result<DetectorScores, String> {
    let request = OwnRequest {
        kind: ProbeKind::Spectrum,
        items: &gathered.items,
        matched: plan_request(args),
        seed: args.seed,
        n_shuffles: 3,
        limits,
        workbench: WorkbenchSettings {
            clip: None,
            compute: args.compute.options(),
            epochs: None,
            embeddings: None,
            checkpoints: None::<&Path>,
        },
    };
    let own = train_own(&request, &mut |event| stages.show(event)).map_err(|error| sentence_of(&error))?;
    Ok(own.scores)
}

/// Names every reason for which a detector gave no score as delivered, once; whether there was one.
fn tell_failures(report: &StudyReport, printer: Printer) -> bool {
    let mut any = false;
    for detector in &report.detectors {
        let failures =
            detector.condition("as-delivered").into_iter().flat_map(|condition| &condition.failures);
        for failure in failures {
            // A fusion that needs more images is no failure of theirs.
            any |= detector.origin != Origin::Fused;
            let (name, reason) = (visible(&detector.name), visible(&failure.reason));
            printer.insist(format_args!(
                "{name} gives no score for {}: {reason}",
                counted(failure.n_images, "image")
            ));
        }
    }
    any
}
