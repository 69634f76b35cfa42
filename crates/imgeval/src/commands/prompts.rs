//! `imgeval prompts`: a suite's prompts or metadata on stdout.

use anyhow::Result;
use imgeval_suites::geneval;

use crate::{
    args::{PromptsArgs, PromptsFormat, Suite},
    cases::CaseSet,
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn prompts(args: &PromptsArgs, printer: Printer) -> Result<Exit> {
    if args.suite != Suite::Geneval {
        let set = CaseSet::of_suite(args.suite, &args.generator, &args.suites.data())?;
        printer.data(match args.format {
            PromptsFormat::Metadata => {
                set.cases.iter().map(|case| case.listed().render()).collect::<String>()
            }
            PromptsFormat::Prompts => {
                set.rounds().map(|round| format!("{}\n", one_line(&round.prompt))).collect()
            }
        })?;
        return Ok(Exit::Ok);
    }
    let cases = geneval::generate_cases(&args.generator.config())
        .map_err(|error| CommandError::usage(error.to_string()))?;
    printer.data(match args.format {
        PromptsFormat::Metadata => geneval::render_metadata_jsonl(&cases),
        PromptsFormat::Prompts => geneval::render_prompts_txt(&cases),
    })?;
    Ok(Exit::Ok)
}

/// A prompt that has several lines would pass for several prompts.
fn one_line(prompt: &str) -> String {
    prompt.split_whitespace().collect::<Vec<_>>().join(" ")
}
