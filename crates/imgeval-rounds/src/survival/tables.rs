//! Answers as tables.

use imgeval_metrics::survival::{Curve, LogRank, NotTestable};
use imgeval_report::tables::terminal::{Column, Row, Table};

use super::{Answer, Compared, Paired, StatusGroup};

/// A table for each curve, then tests.
#[must_use]
pub fn survival_tables(answer: &Answer) -> Vec<Table> {
    let mut tables: Vec<Table> =
        answer.groups.iter().map(|group| curve_table(&group.name, &group.curve)).collect();
    for group in &answer.statuses {
        tables.push(success_table(group));
        let named = |what: &str| format!("{}, refused and missing rounds {what}", group.name);
        tables.push(curve_table(&named("as failures"), &group.failed.1));
        tables.push(curve_table(&named("as censored"), &group.censored.1));
    }
    if !answer.compared.is_empty() {
        tables.push(tests_table(&answer.compared));
    }
    tables.extend(answer.pair.as_ref().map(paired_table));
    if !answer.mcnemar.is_empty() {
        tables.push(mcnemar_table(answer));
    }
    if !answer.holm.is_empty() {
        tables.push(holm_table(answer));
    }
    tables
}

fn share(value: f64) -> String {
    format!("{value:.3}")
}

fn p_value(p: f64) -> String {
    if p > 0.0 && p < 0.001 { format!("{p:.1e}") } else { format!("{p:.3}") }
}

fn interval((low, high): (f64, f64)) -> String {
    format!("{low:.3} to {high:.3}")
}

fn or_never(round: Option<u32>) -> String {
    round.map_or_else(|| "never".to_owned(), |round| round.to_string())
}

fn curve_table(title: &str, curve: &Curve) -> Table {
    let mut table = Table::new([
        Column::number("round"),
        Column::number("at risk"),
        Column::number("failed"),
        Column::number("censored"),
        Column::number("survival"),
        Column::number("Greenwood band"),
        Column::number("log-log band"),
    ])
    .with_title(title);
    for step in curve.steps() {
        table.push(Row::new([
            step.round.to_string(),
            step.at_risk.to_string(),
            step.events.to_string(),
            step.censored.to_string(),
            share(step.survival),
            interval(step.greenwood_band),
            interval(step.log_log_band),
        ]));
    }
    let (low, high) = curve.median_interval();
    table.below.push(format!(
        "median: round {} (95 % interval: {} to {})",
        or_never(curve.median()),
        or_never(low),
        or_never(high)
    ));
    if let Some(mean) = curve.restricted_mean(curve.last_round()) {
        table.below.push(format!(
            "mean rounds survived of the first {}: {:.3}, standard error {:.3}",
            curve.last_round(),
            mean.rounds,
            mean.greenwood_se
        ));
    }
    table
}

fn success_table(group: &StatusGroup) -> Table {
    let mut table = Table::new([
        Column::number("k"),
        Column::number("sessions"),
        Column::number("ok through k"),
        Column::number("SR@k"),
        Column::number("95 % interval"),
    ])
    .with_title(format!("{}: success by round", group.name));
    for rate in &group.success {
        table.push(Row::new([
            rate.round.to_string(),
            rate.sessions.to_string(),
            rate.count.to_string(),
            share(rate.rate),
            interval(rate.interval),
        ]));
    }
    table
}

fn tests_table(compared: &[Compared]) -> Table {
    let mut table = Table::new([
        Column::text("groups").wrapped(),
        Column::text("test"),
        Column::number("chi-square"),
        Column::number("df"),
        Column::number("p"),
    ])
    .with_title("do the groups differ in survival?");
    for one in compared {
        let groups = one.groups.join(", ");
        let mut push = |name: &str, test: &Result<LogRank, NotTestable>| {
            let cells = match test {
                Ok(test) => [
                    groups.clone(),
                    name.to_owned(),
                    format!("{:.3}", test.chi_square),
                    test.degrees_of_freedom.to_string(),
                    p_value(test.p_value),
                ],
                Err(_) => [groups.clone(), name.to_owned(), "-".to_owned(), "-".to_owned(), "-".to_owned()],
            };
            let row = Row::new(cells);
            table.push(match test {
                Ok(_) => row,
                Err(reason) => row.with_footnote(reason.to_string()),
            });
        };
        push("log-rank", &one.equal);
        push("Gehan", &one.at_risk);
    }
    table.below.push(
        "The groups are assumed to be independent: for two models on the same sessions use `paired`."
            .to_owned(),
    );
    table
}

fn paired_table(paired: &Paired) -> Table {
    let [a, b] = &paired.names;
    let mut table = Table::new([
        Column::number("k"),
        Column::number("sessions"),
        Column::number("SR@k A"),
        Column::number("SR@k B"),
        Column::number("A only"),
        Column::number("B only"),
        Column::number("p (exact)"),
        Column::number("p (Holm)"),
    ])
    .with_title(format!("the same sessions: A {a}, B {b}"));
    for round in &paired.rounds {
        table.push(Row::new([
            round.round.to_string(),
            round.sessions.to_string(),
            share(round.rates[0]),
            share(round.rates[1]),
            round.a_only.to_string(),
            round.b_only.to_string(),
            p_value(round.p_exact),
            p_value(round.p_holm),
        ]));
    }
    table.below.push("McNemar's exact test, two-sided; Holm's correction over all k".to_owned());
    table
}

fn mcnemar_table(answer: &Answer) -> Table {
    let mut table =
        Table::new([Column::number("A only"), Column::number("B only"), Column::number("p (exact)")])
            .with_title("McNemar's exact test");
    for (a_only, b_only, p) in &answer.mcnemar {
        table.push(Row::new([a_only.to_string(), b_only.to_string(), p_value(*p)]));
    }
    table
}

fn holm_table(answer: &Answer) -> Table {
    let joined = |list: &[f64]| list.iter().map(|p| p_value(*p)).collect::<Vec<_>>().join(", ");
    let mut table = Table::new([Column::text("p").wrapped(), Column::text("p (Holm)").wrapped()])
        .with_title("Holm's correction");
    for (p, holm) in &answer.holm {
        table.push(Row::new([joined(p), joined(holm)]));
    }
    table
}
