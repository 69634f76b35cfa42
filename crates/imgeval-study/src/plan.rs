//! From a study to steps.

use std::path::PathBuf;

use imgeval_suites::registry;

use crate::{ModelSection, OptionValue, Study, SuiteSection, file::RoundsSection};

/// One piece of work. Steps are carried out in order; none needs a later one.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Unique within the study and stable as long as names are: `geneval/gpt-image-2`, `diagnose/forensics`, `report`.
    pub id: String,
    pub task: Task,
}

/// Where a suite's images come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Images {
    /// A provider's model, as `PROVIDER:MODEL`, with its settings.
    Generated { model: String, options: Vec<(String, OptionValue)> },
    /// A folder or pattern.
    Existing(String),
}

/// A place with the name that tables show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPlace {
    pub name: String,
    pub place: String,
}

/// The name, where there is one, and the place of `NAME=PLACE` or `PLACE`.
#[must_use]
pub fn split_place(text: &str) -> (Option<&str>, &str) {
    text.split_once('=').map_or((None, text), |(name, place)| (Some(name), place))
}

/// Whether a place, or a part of one, stands for all that match it.
#[must_use]
pub fn is_pattern(place: &str) -> bool {
    place.contains(['*', '?', '[', '{'])
}

/// What a step does. Paths start in the working folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Fill a run and score it.
    Suite {
        model: String,
        images: Images,
        section: SuiteSection,
        samples: Option<u32>,
        run: PathBuf,
    },
    Weaknesses {
        runs: Vec<PathBuf>,
        reference: Option<String>,
    },
    Artefacts {
        places: Vec<NamedPlace>,
        reference: Option<String>,
        out: PathBuf,
    },
    TrainProbe {
        classes: Vec<NamedPlace>,
        targets: Vec<NamedPlace>,
        kind: Option<String>,
        probe: PathBuf,
        out: PathBuf,
    },
    ApplyProbe {
        probe: PathBuf,
        places: Vec<NamedPlace>,
        out: PathBuf,
    },
    Rounds {
        places: Vec<NamedPlace>,
        controls: bool,
        out: PathBuf,
    },
    Forensics {
        fakes: Vec<NamedPlace>,
        reals: Vec<String>,
        detectors: Vec<String>,
        sweep: Option<String>,
        out: PathBuf,
    },
    Report {
        title: String,
        runs: Vec<PathBuf>,
        diagnoses: Vec<PathBuf>,
        single_file: bool,
        no_published: bool,
        out: PathBuf,
    },
}

/// The suite whose runs the diagnosis of weaknesses is made for.
const WEAKNESSES: &str = "weaknesses";
/// The suite of sessions in several rounds.
const ROUNDS: &str = "rounds";

/// All steps of a study, in order: suites by model, diagnoses, the report.
#[must_use]
pub fn plan(study: &Study) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut runs: Vec<ModelRun> = Vec::new();
    for section in &study.suites {
        for model in study
            .models
            .iter()
            .filter(|model| section.models.is_empty() || section.models.contains(&model.name))
        {
            if let Some(run) = model.runs.get(&section.suite) {
                runs.push(ModelRun::new(model, section, study.path(run)));
            } else if let Some(images) = images_for(study, model, section) {
                let run = study.out().join("runs").join(format!("{}--{}", section.suite, model.slug()));
                runs.push(ModelRun::new(model, section, run.clone()));
                let task = Task::Suite {
                    model: model.name.clone(),
                    images,
                    section: section.clone(),
                    samples: section.samples.or(study.samples),
                    run,
                };
                steps.push(Step { id: format!("{}/{}", section.suite, model.slug()), task });
            }
        }
    }
    let diagnoses = diagnose(study, &runs, &mut steps);
    let task = Task::Report {
        title: study.title.clone(),
        runs: runs.into_iter().map(|run| run.directory).collect(),
        diagnoses,
        single_file: study.report.single_file,
        no_published: study.report.no_published,
        out: study.out().join("report"),
    };
    steps.push(Step { id: "report".to_owned(), task });
    steps
}

/// A run of a model, made by this study or before it.
struct ModelRun {
    model: String,
    suite: String,
    directory: PathBuf,
}

impl ModelRun {
    fn new(model: &ModelSection, section: &SuiteSection, directory: PathBuf) -> Self {
        Self { model: model.name.clone(), suite: section.suite.clone(), directory }
    }
}

fn images_for(study: &Study, model: &ModelSection, section: &SuiteSection) -> Option<Images> {
    if let Some(place) = model.images.get(&section.suite) {
        return Some(Images::Existing(study.place(place)));
    }
    let name = model.model.clone()?;
    let options = model.options.iter().map(|(name, value)| {
        // The only path among them.
        let value = match value {
            OptionValue::Text(path) if name == "key_file" => OptionValue::Text(study.place(path)),
            value => value.clone(),
        };
        (name.clone(), value)
    });
    Some(Images::Generated { model: name, options: options.collect() })
}

/// Adds the diagnoses; gives the folders in which they leave something for the report.
fn diagnose(study: &Study, runs: &[ModelRun], steps: &mut Vec<Step>) -> Vec<PathBuf> {
    let asked = &study.diagnose;
    let out = |name: &str| study.out().join("diagnoses").join(name);
    let mut folders = Vec::new();
    let mut push = |name: &str, task: Task| steps.push(Step { id: format!("diagnose/{name}"), task });

    if let Some(section) = &asked.weaknesses {
        let made_for_it = runs.iter().any(|run| run.suite == WEAKNESSES);
        let chosen = runs.iter().filter(|run| !made_for_it || run.suite == WEAKNESSES);
        let runs: Vec<PathBuf> = chosen.map(|run| run.directory.clone()).collect();
        if !runs.is_empty() {
            push(
                "weaknesses",
                Task::Weaknesses {
                    runs,
                    reference: section.reference.as_deref().map(|place| study.place(place)),
                },
            );
        }
    }
    // A diagnosis of images takes all that there are of a model. Edits show mostly their sources and are the last resort.
    let pictured = |model: &ModelSection| {
        let places_of = |edits: bool| -> Vec<String> {
            let of_model =
                runs.iter().filter(|run| run.model == model.name && is_editing(&run.suite) == edits);
            of_model.map(|run| run.directory.to_string_lossy().into_owned()).collect()
        };
        let mut places = places_of(false);
        places.extend(model.more_images.iter().map(|place| study.place(place)));
        if places.is_empty() {
            places = places_of(true);
        }
        places.into_iter().map(|place| NamedPlace { name: model.name.clone(), place }).collect::<Vec<_>>()
    };
    let all: Vec<NamedPlace> = study.models.iter().flat_map(pictured).collect();
    if let Some(section) = &asked.artefacts
        && !all.is_empty()
    {
        let reference = section.reference.as_deref().map(|place| study.place(place));
        folders.push(out("artefacts"));
        push("artefacts", Task::Artefacts { places: all.clone(), reference, out: out("artefacts") });
    }
    if let Some(section) = &asked.architecture {
        let classes = section.classes.iter();
        let classes: Vec<NamedPlace> = classes
            .map(|(name, place)| NamedPlace { name: name.clone(), place: study.place(place) })
            .collect();
        let probe = match &section.probe {
            Some(probe) => study.path(probe),
            None => {
                let probe = study.out().join("probe.json");
                folders.push(out("architecture-training"));
                push(
                    "architecture-training",
                    Task::TrainProbe {
                        classes,
                        targets: all.clone(),
                        kind: section.kind.clone(),
                        probe: probe.clone(),
                        out: out("architecture-training"),
                    },
                );
                probe
            }
        };
        for model in &study.models {
            let places = pictured(model);
            if !places.is_empty() {
                let name = format!("architecture-{}", model.slug());
                folders.push(out(&name));
                push(&name, Task::ApplyProbe { probe: probe.clone(), places, out: out(&name) });
            }
        }
    }
    if let Some(RoundsSection { controls }) = &asked.rounds {
        let mut places: Vec<NamedPlace> = runs
            .iter()
            .filter(|run| run.suite == ROUNDS)
            .map(|run| NamedPlace {
                name: run.model.clone(),
                place: run.directory.to_string_lossy().into_owned(),
            })
            .collect();
        // One listing may hold several models, which are called as it says.
        let mut listings: Vec<PathBuf> =
            study.models.iter().flat_map(|model| &model.sessions).map(|path| study.path(path)).collect();
        listings.dedup();
        places.extend(
            listings
                .into_iter()
                .map(|path| NamedPlace { name: String::new(), place: path.to_string_lossy().into_owned() }),
        );
        if !places.is_empty() {
            folders.push(out("rounds"));
            push("rounds", Task::Rounds { places, controls: *controls, out: out("rounds") });
        }
    }
    if let Some(section) = &asked.forensics
        && !all.is_empty()
    {
        let real = |text: &String| match split_place(text) {
            (Some(name), place) => format!("{name}={}", study.place(place)),
            (None, place) => study.place(place),
        };
        folders.push(out("forensics"));
        push(
            "forensics",
            Task::Forensics {
                fakes: all,
                reals: section.real.iter().map(real).collect(),
                detectors: section.detectors.clone(),
                sweep: section.sweep.clone(),
                out: out("forensics"),
            },
        );
    }
    folders
}

/// Whether a suite's images are edits of given ones.
fn is_editing(id: &str) -> bool {
    let Some(suite) = registry::find(id) else { return false };
    suite.facts().has_controls || suite.judged().is_some_and(|judged| judged.has_edit_metrics)
}
