//! `imgeval compare`: two runs of one suite, prompt by prompt.

use anyhow::Result;
use imgeval_report::{
    model::ComparisonView,
    plans::PlanView,
    schema::Schema,
    tables::{
        comparison_table, plan_json, plan_table, render_comparison_csv, render_comparison_json,
        render_comparison_latex, render_comparison_markdown, render_comparison_text,
    },
};

use imgeval_scoring::{
    OpenedRun, Side, check_allowed, compare_sides, compare_with_fresh, differing_facts, official_and_fresh,
};

use crate::{
    args::reporting::{CompareArgs, TableFormat},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn compare(args: &CompareArgs, printer: Printer) -> Result<Exit> {
    let settings = args.comparing.settings();
    let a = OpenedRun::open(&args.a, settings)?;
    let Some(b) = &args.b else { return plan(&a, args, printer) };
    let mut b = OpenedRun::open(b, settings)?;
    if a.view.name == b.view.name {
        b.view.name.push_str(" (2)");
    }
    let is_scored = a.run.has_rules() && b.run.has_rules();
    if a.run.suite() != b.run.suite() || !is_scored {
        let message = format!("cannot compare runs of {} and {}", a.view.suite, b.view.suite);
        return Err(CommandError::mismatch(message).into());
    }
    let format = if args.json { TableFormat::Json } else { args.format };
    let pairs = choose_sides(&a, &b, args)?;
    check_allowed(&args.comparing.allow, &[&a, &b])?;
    let mut comparisons = Vec::new();
    for (a, b) in pairs {
        let differing = differing_facts(&a.scored().protocol, &b.scored().protocol);
        let blocking: Vec<&str> = differing.iter().map(|(name, ..)| name.as_str()).collect();
        let blocking: Vec<&str> = blocking
            .into_iter()
            .filter(|name| !args.comparing.allow.iter().any(|allowed| allowed == name))
            .collect();
        if let Some((official, fresh)) = official_and_fresh(a, b, &blocking) {
            comparisons.push(compare_with_fresh(official, fresh, settings));
            continue;
        }
        if !blocking.is_empty() {
            return Err(refusal(a, b, &differing, &blocking).into());
        }
        let mut comparison = compare_sides(a, b, settings);
        comparison.notes.push(format!("protocol: {}", a.scored().protocol.fingerprint()));
        comparisons.push(comparison);
    }
    let is_empty =
        comparisons.iter().all(|comparison| comparison.lines.iter().all(|line| line.difference.is_none()));
    match format {
        TableFormat::Text => printer.tables(comparisons.iter().map(comparison_table))?,
        format => printer.data(render(&comparisons, format))?,
    }
    if is_empty {
        return Err(CommandError::nothing("no prompt has scores in both runs").into());
    }
    Ok(Exit::Ok)
}

/// What a comparison with a run that is yet to be made could find.
fn plan(run: &OpenedRun, args: &CompareArgs, printer: Printer) -> Result<Exit> {
    let is_json = args.json || args.format == TableFormat::Json;
    if !is_json && args.format != TableFormat::Text {
        return Err(CommandError::usage("without a second run, only text and JSON are available").into());
    }
    let plans: Vec<PlanView> = sides_of(run, args)?
        .into_iter()
        .filter_map(|side| imgeval_scoring::plan(side, args.difference, args.correlation))
        .collect();
    if plans.is_empty() {
        return Err(CommandError::nothing("no prompt of the run has a score").into());
    }
    if is_json {
        let plans: Vec<_> = plans.iter().map(plan_json).collect();
        let document = Schema::Plans.stamp(serde_json::json!({"plans": plans}));
        printer.data(format_args!("{document:#}\n"))?;
    } else {
        printer.tables(plans.iter().map(|plan| plan_table(plan, "--correlation")))?;
    }
    Ok(Exit::Ok)
}

/// Those who looked at the run and are asked for.
fn sides_of<'a>(run: &'a OpenedRun, args: &CompareArgs) -> Result<Vec<Side<'a>>> {
    let matches = |side: &Side<'_>| {
        let view = &run.view.observers[side.observer];
        args.observer.as_ref().is_none_or(|asked| {
            view.id.starts_with(asked.as_str())
                || view.title == *asked
                || view.title.starts_with(&format!("{asked} ("))
        })
    };
    let all: Vec<Side<'a>> = (0..run.scored.len()).map(|observer| Side { run, observer }).collect();
    if all.is_empty() {
        let message = format!("`{}` has not been evaluated yet", run.run.directory().display());
        return Err(CommandError::nothing(message).with_hint("run `imgeval observe RUN` first").into());
    }
    let found: Vec<Side<'a>> = all.into_iter().filter(matches).collect();
    if found.is_empty() {
        let asked = args.observer.as_deref().unwrap_or_default();
        let message = format!("no evaluator `{asked}` in `{}`", run.run.directory().display());
        return Err(CommandError::usage(message).with_hint(format!("available: {}", names(run))).into());
    }
    Ok(found)
}

/// Those who looked at both runs; the only ones of both if they differ, so that the differences can be named.
fn choose_sides<'a>(
    a: &'a OpenedRun,
    b: &'a OpenedRun,
    args: &CompareArgs,
) -> Result<Vec<(Side<'a>, Side<'a>)>> {
    let (of_a, of_b) = (sides_of(a, args)?, sides_of(b, args)?);
    let mut pairs = Vec::new();
    for side in &of_a {
        let id = &a.view.observers[side.observer].id;
        let same = of_b.iter().find(|other| b.view.observers[other.observer].id == *id);
        pairs.extend(same.map(|other| (*side, *other)));
    }
    match (pairs.is_empty(), of_a.as_slice(), of_b.as_slice()) {
        (false, ..) => Ok(pairs),
        (true, [one], [other]) => Ok(vec![(*one, *other)]),
        _ => {
            let hint = format!("choose with --evaluator; A has {}; B has {}", names(a), names(b));
            Err(CommandError::mismatch("no evaluator has scored both runs").with_hint(hint).into())
        }
    }
}

fn names(run: &OpenedRun) -> String {
    let name = |view: &imgeval_report::model::ObserverView| format!("{} {}", view.id, view.title);
    run.view.observers.iter().map(name).collect::<Vec<_>>().join("; ")
}

fn refusal(
    a: Side<'_>,
    b: Side<'_>,
    differing: &[(String, String, String)],
    blocking: &[&str],
) -> CommandError {
    let detail = |(name, of_a, of_b): &(String, String, String)| format!("{name}: {of_a} and {of_b}");
    let details: Vec<String> =
        differing.iter().filter(|(name, ..)| blocking.contains(&name.as_str())).map(detail).collect();
    let allow: Vec<String> = blocking.iter().map(|name| format!("--allow {name}")).collect();
    CommandError::mismatch(format!(
        "cannot compare {} and {} because their protocols differ in {}",
        a.name(),
        b.name(),
        details.join("; ")
    ))
    .with_hint(format!("to compare them anyway: {}", allow.join(" ")))
}

fn render(comparisons: &[ComparisonView], format: TableFormat) -> String {
    if format == TableFormat::Json {
        return render_comparison_json(comparisons);
    }
    let one = |comparison: &ComparisonView| match format {
        TableFormat::Text | TableFormat::Json => render_comparison_text(comparison),
        TableFormat::Markdown => render_comparison_markdown(comparison),
        TableFormat::Latex => render_comparison_latex(comparison),
        TableFormat::Csv => render_comparison_csv(comparison),
    };
    comparisons.iter().map(one).collect::<Vec<_>>().join("\n")
}
