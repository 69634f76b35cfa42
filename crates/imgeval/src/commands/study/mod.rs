//! `imgeval study`: carries the steps of a study out, one process after the other.

mod arguments;
mod forecast;
mod process;
mod show;

use std::{path::Path, time::Instant};

use anyhow::Result;
use imgeval_core::Usd;
use imgeval_runner::StopSignal;
use imgeval_store::{RunReader, Spend};
use imgeval_study::{Ledger, Outcome, Step, StepState, Study, StudyError, Task, plan};
use tokio::sync::watch;

use self::{
    arguments::arguments,
    forecast::{is_there, outlook},
    process::{Ended, is_interrupted},
    show::{Planned, Standing},
};
use crate::{
    args::study::{StudyArgs, StudyCommand, StudyFileArgs},
    exit_code::Exit,
    failure::CommandError,
    interrupt::watch_interrupts,
    printer::Printer,
};

pub(super) fn study(args: &StudyArgs, printer: Printer) -> Result<Exit> {
    if let Some(StudyCommand::Status(file)) = &args.command {
        return status(file, printer);
    }
    let study = Study::read(&args.file.file)?;
    let steps = chosen(&study, &args.only)?;
    match args.dry_run {
        true => dry_run(&study, &steps, args, printer),
        false => carry_out(&study, &steps, args, printer),
    }
}

/// The steps that are asked for.
fn chosen(study: &Study, only: &[String]) -> Result<Vec<Step>> {
    let mut steps = plan(study);
    for start in only {
        if !steps.iter().any(|step| step.id.starts_with(start.as_str())) {
            let known: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
            let error = CommandError::usage(format!("no step of the study begins with `{start}`"));
            return Err(error.with_hint(format!("steps are {}", known.join(", "))).into());
        }
    }
    steps.retain(|step| only.is_empty() || only.iter().any(|start| step.id.starts_with(start.as_str())));
    Ok(steps)
}

fn status(args: &StudyFileArgs, printer: Printer) -> Result<Exit> {
    let study = Study::read(&args.file)?;
    let ledger = Ledger::read(&study.out())?;
    let steps = plan(&study);
    let standings: Vec<Standing> = steps.iter().map(|step| Standing::of(step, ledger.as_ref())).collect();
    match args.json {
        true => printer
            .data(format_args!("{:#}\n", show::status_json(&study, &standings, &total_spend(&steps))))?,
        false => printer.table(&show::status_table(&study, &standings, &total_spend(&steps)))?,
    }
    let is_done = standings.iter().all(|standing| standing.state == StepState::UpToDate);
    Ok(if is_done { Exit::Ok } else { Exit::Partial })
}

fn dry_run(study: &Study, steps: &[Step], args: &StudyArgs, printer: Printer) -> Result<Exit> {
    let ledger = Ledger::read(&study.out())?;
    let plan = |step| Planned {
        standing: Standing::of(step, ledger.as_ref()),
        outlook: outlook(step, study, printer),
    };
    let planned: Vec<Planned> = steps.iter().map(plan).collect();
    match args.file.json {
        true => printer.data(format_args!("{:#}\n", show::plan_json(study, &planned)))?,
        false => printer.table(&show::plan_table(study, &planned))?,
    }
    let lacks = planned.iter().any(|planned| !planned.outlook.missing.is_empty());
    Ok(if lacks { Exit::Partial } else { Exit::Ok })
}

fn carry_out(study: &Study, steps: &[Step], args: &StudyArgs, printer: Printer) -> Result<Exit> {
    if study.max_cost.is_none() && !args.yes && steps.iter().any(can_cost) {
        let error = CommandError::usage("the study may ask providers, and nothing limits the cost");
        return Err(error.with_hint("set max_cost in the file, or agree with --yes").into());
    }
    let max_cost = study.max_cost.and_then(Usd::from_dollars);
    let mut ledger = Ledger::open(&study.out())?;
    let logs = ledger
        .folder()
        .make_folder("logs")
        .map_err(|source| StudyError::Folder { path: study.out().join("logs"), source })?;
    let (sender, mut stop) = watch::channel(StopSignal::GoOn);
    watch_interrupts(sender, printer)?;
    for (place, step) in steps.iter().enumerate() {
        let state = ledger.state_of(step);
        let head = format!("[{}/{}] {}", place + 1, steps.len(), step.id);
        if state == StepState::UpToDate && !args.again {
            printer.talk(format_args!("{head}: up to date"));
            continue;
        }
        printer.talk(&head);
        let began = Instant::now();
        let (outcome, message) = match execution(step, steps, max_cost) {
            Ok(execution) => {
                let mut line = arguments(&execution.task, execution.max_cost);
                if printer.is_quiet() {
                    line.insert(0, "--quiet".to_owned());
                }
                let ended = process::run(&line, &logs, &log_name(step), &mut stop, printer)?;
                judge(&ended, execution.left_out)
            }
            Err(refusal) => refusal,
        };
        ledger.record(step, outcome, &message, began.elapsed().as_secs_f64())?;
        printer.talk(show::ended(&head, outcome, &message, began.elapsed()));
        if outcome == Outcome::Interrupted || *stop.borrow() != StopSignal::GoOn {
            printer.insist("study: interrupted; the same command continues");
            return Ok(Exit::Interrupted);
        }
    }
    drop(stop);
    let standings: Vec<Standing> = steps.iter().map(|step| Standing::of(step, Some(&ledger))).collect();
    let spend = total_spend(steps);
    match args.file.json {
        true => printer.data(format_args!("{:#}\n", show::status_json(study, &standings, &spend)))?,
        false => printer.table(&show::status_table(study, &standings, &spend))?,
    }
    let has = |outcome| standings.iter().any(|standing| standing.outcome() == Some(outcome));
    Ok(match (has(Outcome::OverBudget), has(Outcome::Failed) || has(Outcome::Partial)) {
        (true, _) => Exit::BudgetReached,
        (_, true) => Exit::Partial,
        _ => Exit::Ok,
    })
}

/// What a diagnosis leaves for the report.
const DIAGNOSIS: &str = "diagnosis.json";

/// Whether providers may be asked for it.
fn can_cost(step: &Step) -> bool {
    let Task::Suite { images, section, .. } = &step.task else { return false };
    matches!(images, imgeval_study::Images::Generated { .. }) || !section.judges.is_empty()
}

/// A step as it can be carried out now.
struct Execution {
    task: Task,
    /// The most that its run may have cost in the end.
    max_cost: Option<Usd>,
    /// What it does without.
    left_out: Vec<String>,
}

/// Takes out of a task what is not there, and gives it its share of the budget.
fn execution(step: &Step, steps: &[Step], max_cost: Option<Usd>) -> Result<Execution, (Outcome, String)> {
    let mut task = step.task.clone();
    let mut left_out = Vec::new();
    let mut keep = |place: &str| {
        let there = is_there(place);
        if !there {
            left_out.push(place.to_owned());
        }
        there
    };
    let (what, is_left) = match &mut task {
        Task::Suite { run, .. } => {
            let spent = total_spend(steps).total();
            let left = max_cost.map(|max_cost| max_cost - spent);
            if can_cost(step) && left == Some(Usd::ZERO) && max_cost != Some(Usd::ZERO) {
                return Err((Outcome::OverBudget, format!("max_cost is used up: {spent} so far")));
            }
            let max_cost = left.map(|left| left + spend_of(run).total());
            return Ok(Execution { task, max_cost, left_out });
        }
        Task::Weaknesses { runs, .. } => {
            runs.retain(|run| keep(&run.to_string_lossy()));
            ("run", !runs.is_empty())
        }
        Task::Artefacts { places, .. } | Task::ApplyProbe { places, .. } | Task::Rounds { places, .. } => {
            places.retain(|at| keep(&at.place));
            ("image", !places.is_empty())
        }
        Task::TrainProbe { targets, .. } => {
            targets.retain(|at| keep(&at.place));
            ("", true)
        }
        Task::Forensics { fakes, .. } => {
            fakes.retain(|at| keep(&at.place));
            ("image", !fakes.is_empty())
        }
        Task::Report { runs, diagnoses, .. } => {
            runs.retain(|run| keep(&run.to_string_lossy()));
            diagnoses.retain(|folder| keep(&folder.join(DIAGNOSIS).to_string_lossy()));
            ("run or diagnosis", !(runs.is_empty() && diagnoses.is_empty()))
        }
    };
    match is_left {
        true => Ok(Execution { task, max_cost: None, left_out }),
        false => Err((Outcome::Failed, format!("there is no {what} yet: {}", left_out.join(", ")))),
    }
}

/// What the end of a process means.
fn judge(ended: &Ended, left_out: Vec<String>) -> (Outcome, String) {
    let is = |exit: Exit| ended.code == Some(i32::from(exit as u8));
    if is_interrupted(ended) {
        return (Outcome::Interrupted, String::new());
    }
    let outcome = match () {
        () if is(Exit::Ok) => Outcome::Done,
        () if is(Exit::Partial) => Outcome::Partial,
        () if is(Exit::BudgetReached) => Outcome::OverBudget,
        () => Outcome::Failed,
    };
    match (outcome, left_out.as_slice()) {
        (Outcome::Done, []) => (outcome, String::new()),
        (Outcome::Done, missing) => (outcome, format!("without {}: not there yet", missing.join(", "))),
        _ => (outcome, ended.message.clone()),
    }
}

/// What all runs that the study makes have cost so far, with what may have been billed.
fn total_spend(steps: &[Step]) -> Spend {
    let mut total = Spend::default();
    for step in steps {
        if let Task::Suite { run, .. } = &step.task {
            total.add_calls(&spend_of(run));
        }
    }
    total
}

fn spend_of(run: &Path) -> Spend {
    // A run that cannot be read has no step yet, or one that will say why.
    RunReader::open(run).and_then(|reader| reader.spend()).unwrap_or_default()
}

fn log_name(step: &Step) -> String {
    step.id.replace('/', "--")
}
