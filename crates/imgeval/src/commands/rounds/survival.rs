//! `imgeval rounds survival`.

use anyhow::Result;
use imgeval_metrics::BootstrapSettings;
use imgeval_report::schema::Schema;
use imgeval_rounds::survival::{answer, read_question, survival_json, survival_tables};

use crate::{args::rounds::SurvivalArgs, exit_code::Exit, printer::Printer};

pub(super) fn survival(args: &SurvivalArgs, printer: Printer) -> Result<Exit> {
    let answer = answer(&read_question(&args.file)?, BootstrapSettings::default());
    match args.json {
        true => printer.data(format_args!("{:#}\n", Schema::Survival.stamp(survival_json(&answer))))?,
        false => printer.tables(survival_tables(&answer))?,
    }
    Ok(Exit::Ok)
}
