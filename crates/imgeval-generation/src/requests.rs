//! Description of the requests to a generator, before the first call.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::{EndpointMeta, Generator, ImageParameters, RequestPart, RoundContext};
use imgeval_runner::{GenerateSettings, GenerationCase, sketch_request};
use imgeval_settings::{ModelName, PromptPipeline};

/// The first part of the requests that the generator does not take; `None` if it takes all.
pub fn unsupported_part(
    generator: &dyn Generator,
    cases: &[GenerationCase],
    settings: &GenerateSettings<'_>,
) -> Option<RequestPart> {
    let can = generator.capabilities();
    let rounds = cases.iter().flat_map(|case| (1..).take(case.rounds.len()).map(move |round| (case, round)));
    let mut requests = rounds.map(|(case, round)| sketch_request(case, 0, round, settings));
    requests.find_map(|request| request.unsupported_by(can))
}

/// What was asked of whom: equal for all samples of a run. What is not given is not named.
#[must_use]
pub fn generation_facts(
    meta: &EndpointMeta,
    parameters: &ImageParameters,
    seed: Option<u64>,
    context: RoundContext,
    prompts: &PromptPipeline,
) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([
        ("provider".to_owned(), meta.provider.clone()),
        ("model".to_owned(), meta.model.clone()),
        ("adapter".to_owned(), meta.version.to_string()),
    ]);
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    add("endpoint", Some(meta.endpoint.clone()).filter(|endpoint| !endpoint.is_empty()));
    add("size", parameters.size.map(|size| size.to_string()));
    add("quality", parameters.quality.clone());
    add("background", parameters.background.clone());
    add("output_format", parameters.output_format.map(|format| format.extension().to_owned()));
    add("image_seed", seed.map(|seed| seed.to_string()));
    add("context", context.name().map(str::to_owned));
    for (name, value) in prompts.facts() {
        add(name, Some(value.to_owned()));
    }
    facts
}

/// `runs/SUITE-MODEL`, of characters that are safe in a file name.
#[must_use]
pub fn default_directory(suite: &str, model: &ModelName) -> PathBuf {
    let plain = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    };
    let name: String =
        format!("{suite}-{}-{}", model.provider, model.model).chars().map(plain).take(100).collect();
    Path::new("runs").join(name)
}
