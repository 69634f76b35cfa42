//! `imgeval prompts`: a suite's prompts or metadata on stdout.

use anyhow::Result;
use imgeval_suites::geneval;

use crate::{
    args::{PromptsArgs, PromptsFormat, Suite},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn prompts(args: &PromptsArgs, printer: Printer) -> Result<Exit> {
    let Suite::Geneval = args.suite;
    let cases = geneval::generate_cases(&args.generator.config())
        .map_err(|error| CommandError::usage(error.to_string()))?;
    printer.data(match args.format {
        PromptsFormat::Metadata => geneval::render_metadata_jsonl(&cases),
        PromptsFormat::Prompts => geneval::render_prompts_txt(&cases),
    })?;
    Ok(Exit::Ok)
}
