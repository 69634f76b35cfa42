//! Plans and states of studies, as tables and as JSON.

use std::time::Duration;

use imgeval_core::{Usd, counted, human_duration};
use imgeval_report::{
    schema::Schema,
    tables::terminal::{CellText, Column, Row, Table, Tone},
};
use imgeval_store::Spend;
use imgeval_study::{Ledger, Outcome, Step, StepState, Study};
use serde_json::{Value, json};

use super::forecast::Outlook;

/// A step with its state.
pub(super) struct Standing {
    pub(super) id: String,
    pub(super) state: StepState,
    pub(super) message: String,
    pub(super) seconds: Option<f64>,
}

impl Standing {
    pub(super) fn of(step: &Step, ledger: Option<&Ledger>) -> Self {
        let record = ledger.and_then(|ledger| ledger.record_of(step));
        Self {
            id: step.id.clone(),
            state: ledger.map_or(StepState::New, |ledger| ledger.state_of(step)),
            message: record.map(|record| record.message.clone()).unwrap_or_default(),
            seconds: record.map(|record| record.seconds),
        }
    }

    /// How its last execution ended, unless that was well.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self.state {
            StepState::Unfinished(outcome) => Some(outcome),
            _ => None,
        }
    }

    fn word(&self) -> &'static str {
        match self.state {
            StepState::New => "to do",
            StepState::Changed => "changed",
            StepState::UpToDate => "done",
            StepState::Unfinished(outcome) => word(outcome),
        }
    }

    fn cell(&self) -> CellText {
        let tone = match self.state {
            StepState::UpToDate => Tone::Better,
            StepState::Unfinished(Outcome::Failed) => Tone::Worse,
            StepState::Unfinished(_) | StepState::Changed => Tone::Note,
            StepState::New => Tone::Neutral,
        };
        CellText::from(self.word()).with_tone(tone)
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Partial => "partial",
        Outcome::OverBudget => "over budget",
        Outcome::Interrupted => "interrupted",
        Outcome::Failed => "failed",
    }
}

/// One line on a step that has just ended.
pub(super) fn ended(head: &str, outcome: Outcome, message: &str, took: Duration) -> String {
    let remark = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!("{head}: {} after {}{remark}", word(outcome), human_duration(took))
}

/// A step with what carrying it out would mean.
pub(super) struct Planned {
    pub(super) standing: Standing,
    pub(super) outlook: Outlook,
}

pub(super) fn plan_table(study: &Study, planned: &[Planned]) -> Table {
    let mut table = Table::new([
        Column::text("step"),
        Column::text("state"),
        Column::number("calls"),
        Column::number("cost"),
        Column::number("at least"),
        Column::text("missing"),
    ])
    .with_title(format!("{}: {}", study.title, counted(planned.len(), "step")));
    for Planned { standing, outlook } in planned {
        let missing = match outlook.missing.len() {
            0 => CellText::from(""),
            n => CellText::from(counted(n, "item").as_str()).with_tone(Tone::Worse),
        };
        table.push(Row::new([
            standing.id.as_str().into(),
            standing.cell(),
            outlook.calls.map_or(CellText::from(""), |calls| calls.to_string().as_str().into()),
            cost_of(outlook).as_str().into(),
            outlook.seconds.map(seconds_text).unwrap_or_default().as_str().into(),
            missing,
        ]));
    }
    let total =
        |of: &dyn Fn(&Outlook) -> usize| planned.iter().map(|planned| of(&planned.outlook)).sum::<usize>();
    let (calls, unpriced) =
        (total(&|outlook| outlook.calls.unwrap_or(0)), total(&|outlook| outlook.unpriced));
    let cost: Usd = planned.iter().filter_map(|planned| planned.outlook.cost).sum();
    if calls > 0 {
        let unpriced = match unpriced {
            0 => String::new(),
            n => format!(", {} of unknown cost", counted(n, "call")),
        };
        table.below.push(format!("total: {}, about {cost}{unpriced}", counted(calls, "call")));
    }
    if let Some(max_cost) = study.max_cost.and_then(Usd::from_dollars) {
        let is_less = if cost > max_cost {
            ": less than the estimate, so the study will stop before it is whole"
        } else {
            ""
        };
        table.below.push(format!("max_cost: {max_cost}{is_less}"));
    }
    for Planned { standing, outlook } in planned {
        table.below.extend(outlook.missing.iter().map(|missing| format!("{}: {missing}", standing.id)));
    }
    table
}

fn cost_of(outlook: &Outlook) -> String {
    match (outlook.cost, outlook.unpriced) {
        (None, _) => String::new(),
        (Some(_), unpriced) if Some(unpriced) == outlook.calls && unpriced > 0 => "unknown".to_owned(),
        (Some(cost), 0) => cost.to_string(),
        (Some(cost), _) => format!("{cost} and more"),
    }
}

fn seconds_text(seconds: f64) -> String {
    human_duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

pub(super) fn plan_json(study: &Study, planned: &[Planned]) -> Value {
    let step = |Planned { standing, outlook }: &Planned| {
        let mut step = standing_json(standing);
        step["calls"] = json!(outlook.calls);
        step["cost_usd"] = json!(outlook.cost.map(Usd::dollars));
        step["calls_without_price"] = json!(outlook.unpriced);
        step["least_seconds"] = json!(outlook.seconds);
        step["missing"] = json!(outlook.missing);
        step
    };
    document(study, planned.iter().map(step).collect(), None)
}

pub(super) fn status_table(study: &Study, standings: &[Standing], spend: &Spend) -> Table {
    let columns = [
        Column::text("step"),
        Column::text("state"),
        Column::number("took"),
        Column::text("remark").wrapped(),
    ];
    let done = standings.iter().filter(|standing| standing.state == StepState::UpToDate).count();
    let title = format!("{}: {done} of {} done", study.title, counted(standings.len(), "step"));
    let mut table = Table::new(columns).with_title(title);
    for standing in standings {
        table.push(Row::new([
            standing.id.as_str().into(),
            standing.cell(),
            standing.seconds.map(seconds_text).unwrap_or_default().as_str().into(),
            standing.message.as_str().into(),
        ]));
    }
    let limit =
        study.max_cost.and_then(Usd::from_dollars).map(|limit| format!(" of {limit}")).unwrap_or_default();
    let cost = spend.total();
    let unpriced = match spend.unpriced_calls {
        0 => String::new(),
        n => format!(", {} of unknown cost", counted(n as usize, "call")),
    };
    table.below.push(format!("cost so far: {cost}{limit}{unpriced}"));
    let report = study.out().join("report").join("index.html");
    if report.exists() {
        table.below.push(format!("report: {}", report.display()));
    }
    table
}

pub(super) fn status_json(study: &Study, standings: &[Standing], spend: &Spend) -> Value {
    document(study, standings.iter().map(standing_json).collect(), Some(spend))
}

fn standing_json(standing: &Standing) -> Value {
    json!({
        "id": standing.id,
        "state": standing.word(),
        "remark": Some(&standing.message).filter(|message| !message.is_empty()),
        "seconds": standing.seconds,
    })
}

fn document(study: &Study, steps: Vec<Value>, spend: Option<&Spend>) -> Value {
    Schema::Study.stamp(json!({
        "title": study.title,
        "folder": study.out().to_string_lossy(),
        "max_cost_usd": study.max_cost,
        "cost_so_far_usd": spend.map(|spend| spend.total().dollars()),
        "calls_without_price": spend.map(|spend| spend.unpriced_calls),
        "steps": steps,
    }))
}
