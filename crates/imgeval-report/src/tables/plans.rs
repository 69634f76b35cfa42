//! What a comparison that is yet to be made would find, as text and as JSON.

use serde_json::{Value, json};

use crate::{
    plans::{PlanLineView, PlanView},
    tables::terminal::{Column, Row, Table},
};

/// For people; `set_by` names what sets the correlation.
#[must_use]
pub fn plan_table(plan: &PlanView, set_by: &str) -> Table {
    let (difference, most_images) = (plan.difference, plan.most_images);
    let mut table = Table::new([
        Column::text("part"),
        Column::number("prompts"),
        Column::number("images each").normal(),
        Column::number("detectable"),
        Column::number(format!("prompts for {difference}")),
        Column::number(format!("images each for {difference}")).normal(),
    ])
    .with_title(format!("Power of comparing {} with another run of its prompts:", plan.name));
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
        "Detectable: minimum detectable difference with 80 % power (two-sided test at 5 %). Detecting {difference} takes this many prompts with as many images each, or this many images for each of as many prompts; - where {most_images} are not enough, or where one image per prompt does not show. Assumed correlation of prompt difficulty between the two models: {} ({set_by}).",
        plan.correlation
    ));
    table
}

/// As JSON.
#[must_use]
pub fn plan_json(plan: &PlanView) -> Value {
    let line = |line: &PlanLineView| {
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
