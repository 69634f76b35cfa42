//! What a comparison that is yet to be made would find.

use imgeval_metrics::{Cluster, ComparisonPlan, PromptSpread, plan_comparison};
use imgeval_report::plans::{PlanLineView, PlanView};

use crate::{Part, Side};

/// More images a prompt than this are no answer.
const MOST_IMAGES: usize = 64;

/// A part with what it tells of its prompts.
struct Spread<'a> {
    part: &'a Part,
    plan: ComparisonPlan,
    /// Whether images of one prompt tell how much they differ.
    is_separated: bool,
}

/// What a comparison with another run of the same prompts would find. `difference` is the one that is to be found; `correlation` that of the two models' prompts, 0 being cautious. `None` if
/// nothing has a score.
#[must_use]
pub fn plan(side: Side<'_>, difference: f64, correlation: f64) -> Option<PlanView> {
    let spreads: Vec<Spread<'_>> =
        side.scored().parts.iter().filter_map(|part| Spread::of(part, correlation)).collect();
    let n_prompts: usize = spreads.iter().map(|spread| spread.plan.n_prompts).sum();
    let given: f64 = spreads.iter().filter_map(|spread| spread.part.weight).sum();
    let weights = spreads.iter().map(|spread| match spread.part.weight {
        Some(weight) => weight / given,
        None => spread.plan.n_prompts as f64 / n_prompts.max(1) as f64,
    });
    let weights: Vec<f64> = weights.collect();
    let mut lines: Vec<PlanLineView> = spreads.iter().map(|spread| spread.line(difference)).collect();
    if lines.is_empty() {
        return None;
    }
    let detectable = |images: Option<usize>| overall_detectable(&spreads, &weights, images);
    let now = detectable(None);
    let needed = now.map(|now| (n_prompts as f64 * (now / difference).powi(2)).ceil().max(1.0) as u64);
    let is_separated = spreads.iter().all(|spread| spread.is_separated);
    let enough = |images: &usize| detectable(Some(*images)).is_some_and(|found| found <= difference);
    lines.push(PlanLineView {
        part: "overall".to_owned(),
        n_prompts,
        images_per_prompt: spreads.iter().map(|spread| spread.plan.images_per_prompt).max().unwrap_or(1),
        detectable: now,
        prompts_needed: needed,
        images_needed: if is_separated { (1..=MOST_IMAGES).find(enough) } else { None },
    });
    Some(PlanView { name: side.name(), difference, correlation, most_images: MOST_IMAGES, lines })
}
impl<'a> Spread<'a> {
    fn of(part: &'a Part, correlation: f64) -> Option<Self> {
        let clusters: Vec<Cluster> = part.prompts.values().copied().collect();
        let n_images: usize = clusters.iter().map(|cluster| cluster.n).sum();
        if clusters.is_empty() || n_images == 0 {
            return None;
        }
        let observed = PromptSpread::observed(&clusters, part.sum_of_squares);
        let mean = clusters.iter().map(|cluster| cluster.sum).sum::<f64>() / n_images as f64;
        let variance = (part.sum_of_squares / n_images as f64 - mean * mean).max(0.0);
        let plan = ComparisonPlan {
            n_prompts: clusters.len(),
            images_per_prompt: (n_images as f64 / clusters.len() as f64).round().max(1.0) as usize,
            spread: observed.unwrap_or(PromptSpread::unseparated(variance)),
            correlation,
        };
        Some(Self { part, plan, is_separated: observed.is_some() })
    }

    fn line(&self, difference: f64) -> PlanLineView {
        let planned = plan_comparison(self.plan, difference);
        let enough = |images: &usize| {
            let plan = ComparisonPlan { images_per_prompt: *images, ..self.plan };
            plan_comparison(plan, difference).detectable.is_some_and(|found| found <= difference)
        };
        PlanLineView {
            part: self.part.name.clone(),
            n_prompts: self.plan.n_prompts,
            images_per_prompt: self.plan.images_per_prompt,
            detectable: planned.detectable,
            prompts_needed: planned.prompts_needed,
            images_needed: if self.is_separated { (1..=MOST_IMAGES).find(enough) } else { None },
        }
    }
}

/// Standard errors of parts add by squares, so what can be detected does too; parts without spread add nothing.
fn overall_detectable(spreads: &[Spread<'_>], weights: &[f64], images: Option<usize>) -> Option<f64> {
    let square = |(spread, weight): (&Spread<'_>, &f64)| {
        let plan = ComparisonPlan {
            images_per_prompt: images.unwrap_or(spread.plan.images_per_prompt),
            ..spread.plan
        };
        plan_comparison(plan, 1.0).detectable.map_or(0.0, |found| (found * weight).powi(2))
    };
    let total: f64 = spreads.iter().zip(weights).map(square).sum();
    (total > 0.0).then(|| total.sqrt())
}
