//! Prints what a run scores, by everybody who looked at it: `cargo run --example print_scores -- RUN`.

use std::{error::Error, path::Path};

use imgeval_metrics::BootstrapSettings;
use imgeval_scoring::Run;

#[allow(clippy::print_stdout, reason = "it is what the example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let run = std::env::args().nth(1).ok_or("name a run directory")?;
    print!("{}", scores_of(Path::new(&run))?);
    Ok(())
}

pub(crate) fn scores_of(run: &Path) -> Result<String, Box<dyn Error>> {
    let run = Run::open(run)?;
    let mut text = String::new();
    for evaluator in run.evaluators() {
        let (summary, coverage) = run.summarise(evaluator, BootstrapSettings::default())?;
        text += &format!("{} of {} by {}\n", run.suite().id(), coverage.usable, evaluator.title());
        for line in summary.lines() {
            let score = line.line.estimate.map(|estimate| estimate.value);
            text +=
                &format!("  {}: {}\n", line.name, score.map_or("-".into(), |score| format!("{score:.3}")));
        }
    }
    Ok(text)
}
