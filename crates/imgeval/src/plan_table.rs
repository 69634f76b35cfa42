//! What a comparison that is yet to be made would find, as text and as JSON.

use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_scoring::{MOST_IMAGES, Plan, PlanLine};
use serde_json::{Value, json};

/// For people.
pub(crate) fn plan_table(plan: &Plan) -> Table {
    let difference = plan.difference;
    let mut table = Table::new([
        Column::text("part"),
        Column::number("prompts"),
        Column::number("images each").normal(),
        Column::number("detectable"),
        Column::number(format!("prompts for {difference}")),
        Column::number(format!("images each for {difference}")).normal(),
    ])
    .with_title(format!("What comparing {} with another run of its prompts would find:", plan.name));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let detectable = |found: f64| if found < 1.0 { format!("{found:.3}") } else { "none".to_owned() };
    for line in &plan.lines {
        table.push(Row::new([
            line.part.clone(),
            line.n_prompts.to_string(),
            line.images_per_prompt.to_string(),
            or_dash(line.detectable.map(detectable)),
            or_dash(line.prompts_needed.map(|needed| needed.to_string())),
            or_dash(line.images_needed.map(|needed| needed.to_string())),
        ]));
    }
    table.below.push(format!(
        "Detectable: the smallest true difference that is found four times of five (two-sided test at 5 %). To find \
         {difference} takes so many prompts with as many images each, or so many images each of as many prompts; - where \
         {MOST_IMAGES} are not enough or one image a prompt cannot tell. Prompts are taken to be hard for the two models \
         with correlation {} (--correlation).",
        plan.correlation
    ));
    table
}

/// As JSON.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let line = |line: &PlanLine| {
        json!({
            "part": line.part, "prompts": line.n_prompts, "images_per_prompt": line.images_per_prompt,
            "detectable": line.detectable, "prompts_needed": line.prompts_needed, "images_needed": line.images_needed,
        })
    };
    json!({
        "run": plan.name, "difference": plan.difference, "correlation": plan.correlation, "power": 0.8, "level": 0.05,
        "lines": plan.lines.iter().map(line).collect::<Vec<_>>(),
    })
}
