//! Asks before much money is spent without a limit: once, in a terminal; elsewhere it takes a flag.

use std::io::{self, BufRead as _, IsTerminal as _};

use imgeval_core::Usd;

use crate::{failure::CommandError, printer::Printer};

/// Work that costs money, estimated by what is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expense {
    /// For people, such as `40 images`.
    pub(crate) what: String,
    pub(crate) cost: Usd,
    /// The flag that would limit it.
    pub(crate) limit: &'static str,
}

/// Asks whether work without a limit may begin, if together it is estimated to cost more than `ask_above`.
///
/// # Errors
/// If the user says no, or there is no terminal to ask in.
pub(crate) fn ask(expenses: &[Expense], ask_above: Usd, printer: Printer) -> Result<(), CommandError> {
    let Some(estimate) = estimate(expenses, ask_above) else { return Ok(()) };
    let limits = limits(expenses);
    if !can_ask() {
        let message = format!("{estimate}, more than {ask_above}, and there is no cost limit");
        return Err(CommandError::usage(message)
            .with_hint(format!("set a limit with {limits} DOLLARS, or confirm with --yes")));
    }
    if confirm(&format!("{estimate}, and there is no cost limit ({limits}). Continue?"), printer) {
        return Ok(());
    }
    Err(CommandError::nothing("canceled, nothing was started")
        .with_hint(format!("set a limit with {limits} DOLLARS")))
}

/// Whether a person sits before a terminal.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question whose answer is no unless the user says yes.
pub(crate) fn confirm(question: &str, printer: Printer) -> bool {
    printer.ask(format_args!("{question} [y/N] "));
    let mut answer = String::new();
    // Without an answer nobody has agreed.
    io::stdin().lock().read_line(&mut answer).is_ok() && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes))
}

/// What the expenses come to, if it is more than may be spent without being asked.
fn estimate(expenses: &[Expense], ask_above: Usd) -> Option<String> {
    let total: Usd = expenses.iter().map(|expense| expense.cost).sum();
    let parts: Vec<String> =
        expenses.iter().map(|expense| format!("{} for {}", expense.cost, expense.what)).collect();
    let estimate = match parts.as_slice() {
        [part] => format!("the estimate is {part}"),
        parts => format!("the estimate is {total}: {}", parts.join(", ")),
    };
    (total > ask_above).then_some(estimate)
}

fn limits(expenses: &[Expense]) -> String {
    let mut flags: Vec<&str> = expenses.iter().map(|expense| expense.limit).collect();
    flags.dedup();
    flags.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expense(what: &str, dollars: f64) -> Expense {
        Expense { what: what.to_owned(), cost: Usd::from_dollars(dollars).unwrap(), limit: "--max-cost" }
    }

    #[test]
    fn only_what_costs_more_in_all_is_asked_about() {
        let five = Usd::from_dollars(5.0).unwrap();
        assert_eq!(estimate(&[], five), None);
        assert_eq!(estimate(&[expense("2 images", 5.0)], five), None);
        assert_eq!(
            estimate(&[expense("2 images", 5.01)], five).unwrap(),
            "the estimate is $5.01 for 2 images"
        );
        let both = [expense("2 images", 3.0), expense("4 judgments", 2.5)];
        assert_eq!(
            estimate(&both, five).unwrap(),
            "the estimate is $5.50: $3.00 for 2 images, $2.50 for 4 judgments"
        );
    }

    #[test]
    fn only_yes_is_yes() {
        assert!(["y\n", "Y", " yes\r\n", "YES"].iter().all(|answer| is_yes(answer)));
        assert!(["", "\n", "n", "yep", "yes please"].iter().all(|answer| !is_yes(answer)));
    }
}
