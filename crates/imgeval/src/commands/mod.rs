//! One module per command.

mod color_reference;
mod compare;
mod completions;
mod detect;
mod detect_fake;
mod diagnose;
mod doctor;
mod embed;
mod estimate;
mod export;
mod fetch_suite;
mod gates;
mod generate;
mod import;
mod init;
mod judge;
mod label;
mod manual;
mod measure;
mod merge;
pub(crate) mod metrics;
mod models;
mod observe;
mod prompts;
mod protocol;
pub(crate) mod read;
mod report;
mod reread;
mod rewrite_gap;
mod rounds;
mod run;
mod run_checked;
mod runs;
mod score;
mod score_detections;
mod score_rows;
mod serve;
mod serve_reward;
mod session_measures;
mod study;
mod suites;
mod trust;

use anyhow::Result;

use crate::{args::Command, exit_code::Exit, printer::Printer};

pub(crate) fn dispatch(command: Command, printer: Printer) -> Result<Exit> {
    match command {
        Command::Prompts(args) => prompts::prompts(&args, printer),
        Command::Init(args) => init::init(&args, printer),
        Command::Study(args) => study::study(&args, printer),
        Command::Import(args) => import::import(&args, printer),
        Command::Generate(args) => generate::generate(&args, printer),
        Command::Trust(args) => trust::trust(&args, printer),
        Command::Doctor(args) => doctor::doctor(&args, printer),
        Command::Observe(args) => observe::observe(&args, printer),
        Command::Score(args) => score::score(&args, printer),
        Command::ScoreDetections(args) => score_detections::score_detections(&args, printer),
        Command::ScoreRows(args) => score_rows::score_rows(&args, printer),
        Command::Run(args) => run::run(&args, printer),
        Command::Runs(args) => runs::runs(&args, printer),
        Command::Merge(args) => merge::merge(&args, printer),
        Command::Compare(args) => compare::compare(&args, printer),
        Command::Report(args) => report::report(&args, printer),
        Command::Serve(args) => serve::serve(&args, printer),
        Command::ServeReward(args) => serve_reward::serve_reward(&args, printer),
        Command::Export(args) => export::export(&args, printer),
        Command::Detect(args) => detect::detect(&args, printer),
        Command::DetectFake(args) => detect_fake::detect_fake(&args, printer),
        Command::Read(args) => read::read(&args, printer),
        Command::Embed(args) => embed::embed(&args, printer),
        Command::Metrics(command) => metrics::metrics(&command, printer),
        Command::Suites(command) => suites::suites(&command, printer),
        Command::Label(args) => label::label(&args, printer),
        Command::Protocol(command) => protocol::protocol(&command, printer),
        Command::Diagnose(command) => diagnose::diagnose(&command, printer),
        Command::Rounds(command) => rounds::rounds(&command, printer),
        Command::Models(command) => models::models(&command, printer),
        Command::Completions(args) => completions::completions(&args, printer),
        Command::Manual(args) => manual::manual(&args, printer),
    }
}

/// Who writes a run, as a second process would name it.
fn holder(command: &str) -> String {
    let host = imgeval_files::read_text(std::path::Path::new("/proc/sys/kernel/hostname"), 1 << 12)
        .unwrap_or_default();
    let host = match host.trim() {
        "" => String::new(),
        name => format!(" on {name}"),
    };
    format!("`imgeval {command}` (process {}{host})", std::process::id())
}
