//! The command line of a step.

use std::path::{Path, PathBuf};

use imgeval_core::Usd;
use imgeval_study::{Images, NamedPlace, OptionValue, Task};

/// The arguments after the program's name. What the step's run costs in the end is at most `max_cost`; `None` limits nothing.
pub(super) fn arguments(task: &Task, max_cost: Option<Usd>) -> Vec<String> {
    let mut line = Line::default();
    match task {
        Task::Suite { model, images, section, samples, run } => {
            line.words(&["run", "--suite", &section.suite]).path("--run", run).option("--label", model);
            match images {
                Images::Existing(place) => line.option("--images", place),
                Images::Generated { model: asked, options } => {
                    line.option("--model", asked);
                    line.maybe("--samples", samples.as_ref()).maybe("--limit", section.limit.as_ref());
                    if !section.tags.is_empty() {
                        line.option("--tags", &section.tags.join(","));
                    }
                    if section.controls {
                        line.words(&["--controls"]);
                    }
                    for (name, value) in options {
                        line.setting(name, value);
                    }
                    match max_cost {
                        Some(cost) => line.option("--max-cost", &dollars(cost)),
                        None => line.words(&["--yes"]),
                    }
                }
            };
            line.maybe("--detector", section.detector.as_ref());
            line.each("--judge", &section.judges).maybe("--protocol", section.protocol.as_ref());
            if let (Some(cost), false) = (max_cost, section.judges.is_empty()) {
                line.option("--judge-max-cost", &dollars(cost));
            }
        }
        Task::Weaknesses { runs, reference } => {
            line.words(&["diagnose", "weaknesses"]).maybe("--reference", reference.as_ref()).paths(runs);
        }
        Task::Artefacts { places, reference, out } => {
            line.words(&["diagnose", "artefacts"]).maybe("--reference", reference.as_ref());
            line.path("--report", out).words(&["--"]).named(places);
        }
        Task::TrainProbe { classes, targets, kind, probe, out } => {
            line.words(&["diagnose", "architecture", "train"]).maybe("--probe", kind.as_ref());
            for class in classes {
                line.option("--class", &named(class));
            }
            for target in targets {
                line.option("--target", &target.place);
            }
            line.path("--out", probe).path("--report", out);
        }
        Task::ApplyProbe { probe, places, out } => {
            line.words(&["diagnose", "architecture", "apply"]).path("--report", out).words(&["--"]);
            line.paths(std::slice::from_ref(probe));
            line.named(places);
        }
        Task::Rounds { places, controls, out } => {
            line.words(&["diagnose", "rounds"]).path("--out", out);
            if *controls {
                line.words(&["--controls"]);
            }
            line.words(&["--"]).named(places);
        }
        Task::Forensics { fakes, reals, detectors, sweep, out } => {
            line.words(&["diagnose", "forensics"]);
            for fake in fakes {
                line.option("--fake", &named(fake));
            }
            line.each("--real", reals).each("--detector", detectors).maybe("--sweep", sweep.as_ref());
            line.path("--out", out);
        }
        Task::Report { title, runs, diagnoses, single_file, no_published, out } => {
            line.words(&["report"]).option("--title", title).path("--out", out);
            for folder in diagnoses {
                line.path("--diagnosis", folder);
            }
            for (name, is_set) in [("--single-file", single_file), ("--no-published", no_published)] {
                if *is_set {
                    line.words(&[name]);
                }
            }
            line.words(&["--"]).paths(runs);
        }
    }
    line.0
}

/// As options take amounts.
fn dollars(cost: Usd) -> String {
    format!("{:.6}", cost.dollars())
}

fn named(place: &NamedPlace) -> String {
    match place.name.as_str() {
        "" => place.place.clone(),
        name => format!("{name}={}", place.place),
    }
}

#[derive(Default)]
struct Line(Vec<String>);

impl Line {
    fn words(&mut self, words: &[&str]) -> &mut Self {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// In one word, so that a value that begins with `-` is still a value.
    fn option(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.push(format!("{name}={value}"));
        self
    }

    fn maybe(&mut self, name: &str, value: Option<&impl ToString>) -> &mut Self {
        if let Some(value) = value {
            self.option(name, &value.to_string());
        }
        self
    }

    fn each(&mut self, name: &str, values: &[String]) -> &mut Self {
        for value in values {
            self.option(name, value);
        }
        self
    }

    fn path(&mut self, name: &str, path: &Path) -> &mut Self {
        self.option(name, &path.to_string_lossy())
    }

    fn paths(&mut self, paths: &[PathBuf]) -> &mut Self {
        self.0.extend(paths.iter().map(|path| path.to_string_lossy().into_owned()));
        self
    }

    fn named(&mut self, places: &[NamedPlace]) -> &mut Self {
        self.0.extend(places.iter().map(named));
        self
    }

    fn setting(&mut self, name: &str, value: &OptionValue) {
        let name = format!("--{}", name.replace('_', "-"));
        match value {
            OptionValue::Switch(true) => self.0.push(name),
            OptionValue::Switch(false) => {}
            OptionValue::Integer(number) => drop(self.option(&name, &number.to_string())),
            OptionValue::Number(number) => drop(self.option(&name, &number.to_string())),
            OptionValue::Text(text) => drop(self.option(&name, text)),
        }
    }
}
