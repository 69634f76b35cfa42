//! What a comparison that is yet to be made would find.

/// For one run, against another of the same prompts and size.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanView {
    /// Of the run.
    pub name: String,
    /// The difference to detect.
    pub difference: f64,
    /// Of the two models' prompts.
    pub correlation: f64,
    /// More images a prompt than this are no answer.
    pub most_images: usize,
    /// The overall score last.
    pub lines: Vec<PlanLineView>,
}

/// What would be found on one part.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLineView {
    pub part: String,
    pub n_prompts: usize,
    /// Rounded mean.
    pub images_per_prompt: usize,
    /// Minimum detectable difference at 80 % power.
    pub detectable: Option<f64>,
    /// With as many images each.
    pub prompts_needed: Option<u64>,
    /// With as many prompts. `None` if no number of images is enough, or one image a prompt does not tell.
    pub images_needed: Option<usize>,
}
