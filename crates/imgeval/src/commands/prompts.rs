//! `imgeval prompts`: a suite's prompts or metadata on stdout.

use anyhow::Result;
use imgeval_scoring::listed_case;
use imgeval_suites::{geneval, suite::SuiteCase};

use crate::{
    args::{PromptsArgs, PromptsFormat},
    exit_code::Exit,
    printer::Printer,
};
use imgeval_generation::CaseSet;

pub(super) fn prompts(args: &PromptsArgs, printer: Printer) -> Result<Exit> {
    let parameters = args.generator.parameters(args.suite)?;
    let set = CaseSet::of_suite(args.suite, &args.suites.files(), &parameters)?;
    printer.data(match args.format {
        PromptsFormat::Metadata => render_metadata(&set.cases),
        PromptsFormat::Prompts => {
            set.rounds().map(|round| format!("{}\n", one_line(&round.prompt))).collect()
        }
    })?;
    Ok(Exit::Ok)
}

/// GenEval's own metadata of cases that have them, else what a run would list.
fn render_metadata(cases: &[SuiteCase]) -> String {
    let metadata: Option<Vec<_>> = cases.iter().map(|case| case.objects.as_deref().cloned()).collect();
    match metadata {
        Some(metadata) => geneval::render_metadata_jsonl(&metadata),
        None => cases.iter().map(|case| listed_case(case).render()).collect(),
    }
}

/// A prompt that has several lines would pass for several prompts.
fn one_line(prompt: &str) -> String {
    prompt.split_whitespace().collect::<Vec<_>>().join(" ")
}
