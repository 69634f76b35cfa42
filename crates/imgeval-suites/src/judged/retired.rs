//! Judges that official numbers come from and that can no longer be asked.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetiredJudge {
    pub model: &'static str,
    /// When its vendor shut it down, as year-month-day.
    pub since: &'static str,
    /// What to do now, in a sentence.
    pub instead: &'static str,
}

const RETIRED: [RetiredJudge; 1] = [RetiredJudge {
    model: "gpt-4o-2024-05-13",
    since: "2026-10-23",
    instead: "use the suite wise-verified, whose judge Qwen3.5-35B-A3B has open weights, or choose another judge and do not compare its scores with published ones before calibrating it on anchors",
}];

/// Knows a model by its name, also behind a provider's prefix such as `openai/`.
#[must_use]
pub fn find_retired_judge(model: &str) -> Option<&'static RetiredJudge> {
    let name = model.rsplit(['/', ':', '#']).next().unwrap_or(model);
    RETIRED.iter().find(|judge| judge.model == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_judge_is_known_behind_a_prefix() {
        for name in
            ["gpt-4o-2024-05-13", "openai:gpt-4o-2024-05-13", "http://127.0.0.1/v1#openai/gpt-4o-2024-05-13"]
        {
            assert_eq!(find_retired_judge(name).map(|judge| judge.since), Some("2026-10-23"), "{name}");
        }
        assert_eq!(find_retired_judge("gpt-4o-2024-11-20"), None);
    }
}
