//! How much better images of rewritten prompts score: what is lost by having to know.

use std::path::Path;

use anyhow::Result;
use imgeval_core::visible;
use imgeval_metrics::PairedDifference;
use imgeval_scoring::{Evaluator, Run};
use imgeval_suites::{registry, summary::compute_gap};

use crate::{
    args::ScoreArgs,
    failure::CommandError,
    plain_table::{plain_table, right_aligned},
    printer::Printer,
};

/// By the judges that judged both.
pub(super) fn print_gap(run: &Run, rewritten: &Path, args: &ScoreArgs, printer: Printer) -> Result<()> {
    let other = Run::open(rewritten)?;
    let original = other.suite().facts().rewrite_of;
    if original != Some(run.suite().id()) {
        let pairs = registry::all().filter_map(|suite| Some((suite.facts().rewrite_of?, suite.id())));
        let pairs: Vec<String> = pairs.map(|(one, other)| format!("{one} and {other}")).collect();
        let message = format!(
            "the gap is between {}, not {} and {}",
            pairs.join(", or "),
            run.suite().id(),
            other.suite().id()
        );
        return Err(CommandError::usage(message).into());
    }
    let settings = args.table.settings();
    let mut n_judges = 0;
    for evaluator in run.evaluators() {
        let is_same = |other: &&Evaluator| other.id() == evaluator.id();
        let Some(same) = other.evaluators().iter().find(is_same) else { continue };
        n_judges += 1;
        let (before, _) = run.summarise(evaluator, settings)?;
        let (after, _) = other.summarise(same, settings)?;
        let Some(gap) = compute_gap(&before, &after, settings) else { continue };
        let mut table = right_aligned(
            plain_table(&["rewritten minus original", "difference", "95 % interval", "prompts"]),
            1,
            3,
        );
        let mut add = |name: &str, difference: &PairedDifference| {
            let interval = match difference.interval {
                Some((low, high)) => format!("{low:+.3} to {high:+.3}"),
                None => "-".to_owned(),
            };
            let cells =
                [name.to_owned(), format!("{:+.3}", difference.value), interval, difference.n.to_string()];
            table.add_row(cells);
        };
        for (part, difference) in &gap.parts {
            add(&before.scheme.parts[*part].name, difference);
        }
        if let Some(overall) = &gap.overall {
            add("overall", overall);
        }
        let title = visible(&evaluator.title());
        printer.data(format_args!(
            "\n{}\nby {title}; {} prompts have an image in only one of the runs. A large gap: the model draws what it is told, \
             and does not know what was meant.\n",
            table.trim_fmt(),
            gap.n_unpaired
        ))?;
    }
    if n_judges == 0 {
        let hint = "the same judge, protocol and endpoint must have judged both runs";
        return Err(CommandError::mismatch("no judge has judged both runs").with_hint(hint).into());
    }
    Ok(())
}
