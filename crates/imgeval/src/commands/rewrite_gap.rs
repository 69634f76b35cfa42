//! How much better images of rewritten prompts score: the gap between drawing and knowing.

use std::path::Path;

use anyhow::Result;
use imgeval_metrics::PairedDifference;
use imgeval_report::tables::terminal::{CellText, Column, Row, Table, Tone};
use imgeval_scoring::{Evaluator, Run};
use imgeval_suites::{registry, summary::compute_gap};

use crate::{args::scoring::ScoreArgs, failure::CommandError, printer::Printer};

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
        let mut table = Table::new([
            Column::text("rewritten minus original"),
            Column::number("difference"),
            Column::number("95 % interval"),
            Column::number("prompts"),
        ]);
        let mut add = |name: &str, difference: &PairedDifference| {
            let interval = match difference.interval {
                Some((low, high)) => format!("{low:+.3} to {high:+.3}"),
                None => "-".to_owned(),
            };
            let tone = match difference.value {
                value if value > 0.0 => Tone::Better,
                value if value < 0.0 => Tone::Worse,
                _ => Tone::Neutral,
            };
            table.push(Row::new([
                CellText::from(name),
                CellText::from(format!("{:+.3}", difference.value)).with_tone(tone),
                interval.into(),
                difference.n.to_string().into(),
            ]));
        };
        for (part, difference) in &gap.parts {
            add(&before.scheme.parts[*part].name, difference);
        }
        if let Some(overall) = &gap.overall {
            add("overall", overall);
        }
        table.below.push(format!(
            "by {}; {} prompts have an image in only one of the runs. A large gap means that the model draws what it is told but does not know what was meant.",
            evaluator.title(),
            gap.n_unpaired
        ));
        printer.data("\n")?;
        printer.table(&table)?;
    }
    if n_judges == 0 {
        let hint = "the same judge, protocol and endpoint must have judged both runs";
        return Err(CommandError::mismatch("no judge has judged both runs").with_hint(hint).into());
    }
    Ok(())
}
