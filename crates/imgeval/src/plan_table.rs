//! What a comparison that is yet to be made would find, as text and as JSON.

use imgeval_scoring::{MOST_IMAGES, Plan, PlanLine};
use serde_json::{Value, json};

use crate::plain_table::{plain_table, right_aligned};

/// As text.
pub(crate) fn render_plan(plan: &Plan) -> String {
    let difference = plan.difference;
    let header = [
        "part".to_owned(),
        "prompts".to_owned(),
        "images each".to_owned(),
        "detectable".to_owned(),
        format!("prompts for {difference}"),
        format!("images each for {difference}"),
    ];
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = right_aligned(plain_table(&header), 1, 5);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for line in &plan.lines {
        table.add_row([
            line.part.clone(),
            line.n_prompts.to_string(),
            line.images_per_prompt.to_string(),
            or_dash(
                line.detectable
                    .map(|found| if found < 1.0 { format!("{found:.3}") } else { "none".to_owned() }),
            ),
            or_dash(line.prompts_needed.map(|needed| needed.to_string())),
            or_dash(line.images_needed.map(|needed| needed.to_string())),
        ]);
    }
    format!(
        "What comparing {} with another run of its prompts would find:\n{}\n\
         Detectable: the smallest true difference that is found four times of five (two-sided test at 5 %). To find {difference} takes so many \
         prompts with as many images each, or so many images each of as many prompts; - where {MOST_IMAGES} are not enough or one image a prompt \
         cannot tell. Prompts are taken to be hard for the two models with correlation {} (--correlation).\n",
        plan.name,
        table.trim_fmt(),
        plan.correlation
    )
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
