//! How far a stage is: what is done of how much, how fast, how long it will take, what failed and what it cost.

use std::time::{Duration, Instant};

use imgeval_core::{counted, human_duration};
use imgeval_runner::{CallEvent, Progress};
use imgeval_scoring::short_cost;
use imgeval_store::Spend;

use super::{Printer, surface::Surface};

/// Longer estimates say nothing.
const MAX_LEFT: Duration = Duration::from_secs(1000 * 3600);

/// Shows the progress of one stage until it is dropped.
pub(crate) struct StageProgress {
    printer: Printer,
    stage: &'static str,
    surface: Surface,
    counts: Counts,
    began: Instant,
}

/// What is counted.
#[derive(Debug, Default)]
struct Counts {
    /// Such as `image`.
    unit: &'static str,
    total: usize,
    finished: usize,
    failed: usize,
    /// Finished since the stage began.
    new: usize,
    /// By stages that cost money.
    spent: Option<Spend>,
}

impl StageProgress {
    pub(super) fn begin(printer: Printer, stage: &'static str, unit: &'static str) -> Self {
        Self {
            printer,
            stage,
            surface: Surface::of_stderr(printer.is_quiet()),
            counts: Counts { unit, ..Counts::default() },
            began: Instant::now(),
        }
    }

    pub(crate) fn show_calls<T>(&mut self, event: &CallEvent<T>) {
        match event {
            CallEvent::Interrupted { calls } => self.tell_interrupted(*calls),
            CallEvent::Planned { calls, done, spent } => {
                self.counts.spent = Some(*spent);
                self.show(Progress::Planned { total: calls + done, finished: *done });
            }
            CallEvent::Accepted { .. } => {}
            CallEvent::Landed { failure, spent, .. } => {
                self.counts.spent = Some(*spent);
                self.show(Progress::Advanced { has_failed: failure.is_some() });
            }
        }
    }

    fn tell_interrupted(&self, calls: usize) {
        let (were, they, are) = if calls == 1 { ("was", "it", "is") } else { ("were", "they", "are") };
        self.printer.warn(format_args!(
            "{}: {} {were} under way when the run was last stopped; {they} may have been billed, and {are} made again",
            self.stage,
            counted(calls, "call")
        ));
    }

    pub(crate) fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Planned { total, finished } => {
                (self.counts.total, self.counts.finished, self.began) = (total, finished, Instant::now());
                if let Surface::Bar { bar, .. } = &self.surface {
                    bar.set_length(total as u64);
                    bar.set_prefix(self.stage);
                }
            }
            Progress::Advanced { has_failed } => {
                self.counts.finished += 1;
                self.counts.new += 1;
                self.counts.failed += usize::from(has_failed);
            }
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        if let Some(bar) = self.surface.bar_if_due() {
            bar.set_position(self.counts.finished as u64);
            bar.set_message(self.counts.line(self.began.elapsed()));
        }
        if self.surface.is_due() {
            self.printer.talk(format_args!("{}: {}", self.stage, self.counts.line(self.began.elapsed())));
        }
    }

    /// Takes the display away.
    pub(crate) fn finish(self) {
        drop(self);
    }
}

impl Counts {
    /// Everything in a line, what matters most first.
    fn line(&self, elapsed: Duration) -> String {
        let mut parts = vec![format!("{}/{}", self.finished, self.total)];
        let seconds = elapsed.as_secs_f64();
        if self.new > 0 && seconds > 0.0 {
            let rate = self.new as f64 / seconds;
            parts.push(human_rate(rate, self.unit));
            let left = self.total.saturating_sub(self.finished) as f64 / rate;
            match Duration::try_from_secs_f64(left) {
                Ok(left) if left < MAX_LEFT => parts.push(format!("{} left", human_duration(left))),
                _ => {}
            }
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        parts.extend(self.spent.as_ref().map(|spent| format!("cost {}", short_cost(spent))));
        parts.join(", ")
    }
}

/// Such as `2.3 images/s`, and `4.5 images/min` of what takes long.
fn human_rate(each_second: f64, unit: &str) -> String {
    match each_second {
        10.0.. => format!("{each_second:.0} {unit}s/s"),
        0.5.. => format!("{each_second:.1} {unit}s/s"),
        _ => format!("{:.1} {unit}s/min", each_second * 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: Counts, seconds: u64, line: &str) {
        assert_eq!(counts.line(Duration::from_secs(seconds)), line);
    }

    #[test]
    fn a_line_says_how_far_and_how_fast_in_units_of_people() {
        let images =
            |finished, new, failed| Counts { unit: "image", total: 553, finished, new, failed, spent: None };
        check(images(0, 0, 0), 9, "0/553");
        check(images(123, 23, 0), 10, "123/553, 2.3 images/s, 4 min left");
        check(images(100, 20, 3), 200, "100/553, 6.0 images/min, 1 h 16 min left, 3 failed");
        check(images(553, 553, 0), 5, "553/553, 111 images/s, 0.0 s left");
    }

    #[test]
    fn what_costs_money_says_how_much() {
        let counts = Counts { unit: "call", total: 2, spent: Some(Spend::default()), ..Counts::default() };
        let line = counts.line(Duration::ZERO);
        assert!(line.starts_with("0/2, cost "), "{line}");
    }
}
