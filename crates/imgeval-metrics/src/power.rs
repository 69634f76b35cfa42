//! How small a difference two runs can tell, and how many prompts a difference needs.

/// Two-sided 5 % and 80 % power: the standard normal quantiles of 0.975 and 0.8, added.
const ERRORS_TO_DETECT: f64 = 1.959_963_984_540_054 + 0.841_621_233_572_914_3;

/// The smallest true difference that is found with 80 % power by a two-sided test at 5 %; `None` where the standard error
/// is zero, because then the data tell nothing about it.
///
/// Source: the normal approximation, as in Cohen 1988; the chance of finding the opposite sign is neglected.
pub(crate) fn detectable_difference(standard_error: f64) -> Option<f64> {
    (standard_error > 0.0).then_some(ERRORS_TO_DETECT * standard_error)
}

/// Prompts with which `difference` would be found as [`detectable_difference`] says, in the same mix over parts;
/// `n_prompts` gave the standard error. `None` where there is no difference or no error to go by.
pub(crate) fn prompts_for_difference(difference: f64, standard_error: f64, n_prompts: usize) -> Option<u64> {
    if difference.abs() < 1e-12 || standard_error <= 0.0 {
        return None;
    }
    let needed = n_prompts as f64 * (ERRORS_TO_DETECT * standard_error / difference).powi(2);
    Some((needed.ceil() as u64).max(1))
}
