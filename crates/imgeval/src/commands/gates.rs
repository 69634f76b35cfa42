//! Gates for CI: what must hold of a score, and the same as JUnit XML.

use std::{fmt::Write as _, io::Write as _, path::Path};

use anyhow::Result;
use imgeval_core::counted;
use imgeval_files::OutputFile;
use imgeval_metrics::BootstrapSettings;
use imgeval_scoring::{OpenedRun, Side, check_allowed, compare_sides, differing_facts};

use crate::failure::CommandError;

/// Something that should hold.
pub(super) struct Check {
    name: String,
    /// What was found.
    found: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    /// Not a gate: images without a score end in an exit code of their own.
    Remark,
    Failed(String),
}

impl Check {
    /// Whether every image has a score.
    pub(super) fn of_coverage(evaluator: &str, n_unscored: usize) -> Self {
        let outcome = if n_unscored == 0 { Outcome::Passed } else { Outcome::Remark };
        Self {
            name: format!("every image is scored, by {evaluator}"),
            found: format!("{} without a score", counted(n_unscored, "image")),
            outcome,
        }
    }

    /// Whether an overall score reaches a limit.
    ///
    /// # Errors
    /// If there is a limit and no score.
    pub(super) fn of_score(
        evaluator: &str,
        overall: Option<f64>,
        limit: Option<f64>,
    ) -> Result<Option<Self>, CommandError> {
        let Some(overall) = overall else {
            return match limit {
                Some(_) => {
                    Err(CommandError::nothing("there is no overall score to compare with --fail-below"))
                }
                None => Ok(None),
            };
        };
        let outcome = match limit {
            Some(limit) if overall < limit => {
                Outcome::Failed(format!("the overall score {overall:.3} is below {limit}"))
            }
            _ => Outcome::Passed,
        };
        let name = match limit {
            Some(limit) => format!("overall score of at least {limit}, by {evaluator}"),
            None => format!("overall score, by {evaluator}"),
        };
        Ok(Some(Self { name, found: format!("overall {overall:.4}"), outcome }))
    }

    /// Whether a run is not significantly worse than another, by each evaluator that scored both.
    ///
    /// # Errors
    /// If the other run cannot be read or compared.
    pub(super) fn against(run: &Path, other: &Path, settings: BootstrapSettings) -> Result<Vec<Self>> {
        let (run, other) = (OpenedRun::open(run, settings)?, OpenedRun::open(other, settings)?);
        check_allowed(&[], &[&run, &other])?;
        let mut checks = Vec::new();
        for (observer, view) in run.view.observers.iter().enumerate() {
            let side = Side { run: &run, observer };
            let Some(other) = Side::by(&other, &view.id) else { continue };
            let differing = differing_facts(&side.scored().protocol, &other.scored().protocol);
            if let Some((field, ours, theirs)) = differing.first() {
                let message = format!(
                    "the runs cannot be compared: `{field}` is {ours} in one and {theirs} in the other"
                );
                return Err(CommandError::mismatch(message).into());
            }
            let comparison = compare_sides(side, other, settings);
            // The overall line is the last.
            let overall =
                comparison.lines.last().and_then(|line| Some((line.difference?, line.interval.clone()?)));
            let Some((difference, interval)) = overall else { continue };
            let found = format!(
                "difference {difference:+.3} (95 % interval {:+.3} to {:+.3})",
                interval.low, interval.high
            );
            let outcome = match interval.high < 0.0 {
                true => Outcome::Failed(format!(
                    "{} is worse than {}: {found}",
                    run.view.name, other.run.view.name
                )),
                false => Outcome::Passed,
            };
            checks.push(Self {
                name: format!("not worse than {}, by {}", other.run.view.name, view.title),
                found,
                outcome,
            });
        }
        match checks.is_empty() {
            true => Err(CommandError::mismatch("no evaluator has scored both runs").into()),
            false => Ok(checks),
        }
    }

    /// Why a gate failed; `None` if it did not.
    pub(super) fn gate_failure(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Passed | Outcome::Remark => None,
        }
    }
}

/// Writes checks in the form of JUnit that CI systems share: one suite, a case for each check.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write_junit(file: &Path, suite: &str, checks: &[Check]) -> Result<()> {
    let mut output = OutputFile::create(file)?;
    output.write_all(junit(suite, checks).as_bytes())?;
    Ok(output.publish()?)
}

fn junit(suite: &str, checks: &[Check]) -> String {
    let count = |counts: fn(&Outcome) -> bool| checks.iter().filter(|check| counts(&check.outcome)).count();
    let failures = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Remark));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let head = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\">\n",
        escaped(suite),
        checks.len()
    );
    xml.push_str(&head);
    for check in checks {
        let inner = match &check.outcome {
            Outcome::Passed => String::new(),
            Outcome::Remark => format!("<skipped message=\"{}\"/>", escaped(&check.found)),
            Outcome::Failed(failure) => format!("<failure message=\"{}\"/>", escaped(failure)),
        };
        let (name, suite, found) = (escaped(&check.name), escaped(suite), escaped(&check.found));
        // Writing to a text does not fail.
        writeln!(
            xml,
            "    <testcase name=\"{name}\" classname=\"imgeval.{suite}\">{inner}<system-out>{found}</system-out></testcase>"
        )
        .ok();
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Text for XML 1.0, which has no other control characters.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junit_has_a_case_for_each_check_and_escapes_what_it_quotes() {
        let low = Check::of_score("a \"<b>\" & c", Some(0.4), Some(0.5)).unwrap().unwrap();
        assert_eq!(low.gate_failure(), Some("the overall score 0.400 is below 0.5"));
        let fine = Check::of_score("j", Some(0.5), Some(0.5)).unwrap().unwrap();
        let partial = Check::of_coverage("j\u{1}", 2);
        assert!(fine.gate_failure().is_none() && partial.gate_failure().is_none());
        let xml = junit("geneval", &[low, fine, partial]);
        assert!(xml.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{xml}");
        assert!(xml.contains("a &quot;&lt;b&gt;&quot; &amp; c") && !xml.contains('\u{1}'), "{xml}");
        assert_eq!(xml.matches("<testcase").count(), 3);
        assert!(Check::of_score("j", None, Some(0.5)).is_err());
        assert!(Check::of_score("j", None, None).unwrap().is_none());
    }
}
