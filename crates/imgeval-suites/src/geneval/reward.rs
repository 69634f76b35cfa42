//! GenEval as a reward for training: partial credit for one image, beside GenEval's own verdict.
//!
//! Three semantics. [`Semantics::FlowGrpo`] is what the reward server of flow_grpo (yifan123/reward-server, MIT) answers, with its quirks:
//! `exclude` clauses do not count, a wrong position is given 0 and 1, and too many objects can bring a negative score.
//! [`Semantics::UniRl`] is that of UniRL's scorer: a position counts once, and the strict verdict is the lenient one. [`Semantics::Exact`] is this project's: every condition of the prompt earns from 0 to 1, and a score of 1 means that the verdict is correct.

use serde::Serialize;

use super::{
    DetectedObject, Include, Metadata, SeenColor, Verdict, VerdictError, VerdictOptions, compute_verdict,
    verdict::find_relations,
};

/// Whose rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Semantics {
    /// Those of flow_grpo's reward server, which DeepGen-RL, cosmos-rl and DiffusionNFT copied.
    FlowGrpo,
    /// Those of UniRL's scorer.
    UniRl,
    /// Our own.
    Exact,
}

impl Semantics {
    pub const ALL: [Self; 3] = [Self::FlowGrpo, Self::UniRl, Self::Exact];

    /// As it is written in options and headers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FlowGrpo => "flow-grpo",
            Self::UniRl => "uni-rl",
            Self::Exact => "exact",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|semantics| semantics.name() == name)
    }

    /// Whether the framework passes images to its detector with red and blue exchanged.
    #[must_use]
    pub fn exchanges_red_and_blue(self) -> bool {
        self != Self::Exact
    }
}

/// The rewards of one image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reward {
    /// Partial credit: at most 1, and at least 0 in [`Semantics::Exact`].
    pub score: f64,
    /// GenEval's verdict: 1 if correct, else 0.
    pub reward: f64,
    /// 1 if all counts are exact and everything else holds, else 0; flow_grpo's ignores `exclude`, and UniRL's is `reward` again.
    pub strict_reward: f64,
}

/// The rewards of one image, with the verdict that they go with.
///
/// # Errors
/// As [`compute_verdict`]; also where an object's color is needed for partial credit and nobody looked at it.
pub fn compute_reward(
    metadata: &Metadata,
    objects: &[DetectedObject],
    options: &VerdictOptions,
    semantics: Semantics,
) -> Result<(Verdict, Reward), VerdictError> {
    let verdict = compute_verdict(metadata, objects, options)?;
    let (parts, is_strict) = match semantics {
        Semantics::FlowGrpo => flow_grpo_parts(metadata, &verdict, options, &[0.0, 1.0])?,
        Semantics::UniRl => {
            let (parts, _) = flow_grpo_parts(metadata, &verdict, options, &[0.0])?;
            (parts, verdict.is_correct())
        }
        Semantics::Exact => exact_parts(metadata, &verdict, options)?,
    };
    let reward = Reward {
        score: match (parts.as_slice(), semantics) {
            ([], Semantics::FlowGrpo | Semantics::UniRl) => 0.0,
            // Nothing was asked, and nothing is wrong.
            ([], Semantics::Exact) => 1.0,
            (parts, _) => parts.iter().sum::<f64>() / parts.len() as f64,
        },
        reward: f64::from(u8::from(verdict.is_correct())),
        strict_reward: f64::from(u8::from(is_strict)),
    };
    Ok((verdict, reward))
}

fn flow_grpo_parts(
    metadata: &Metadata,
    verdict: &Verdict,
    options: &VerdictOptions,
    wrong_position: &[f64],
) -> Result<(Vec<f64>, bool), VerdictError> {
    let mut parts = Vec::new();
    // All objects of a clause; `None` where the clause failed.
    let mut groups: Vec<Option<&[DetectedObject]>> = Vec::new();
    for clause in &metadata.include {
        let found = found(verdict, clause);
        let mut holds = found.len() == clause.count as usize;
        parts.push(closeness(clause.count, found.len()));
        if !holds {
            if clause.color.is_some() || clause.position.is_some() {
                parts.push(0.0);
            }
            groups.push(None);
            continue;
        }
        if let Some(n_right) = count_right_colors(clause, found)? {
            parts.push(closeness(clause.count, n_right));
            holds = n_right == clause.count as usize;
        }
        if let (Some(position), true) = (clause.position, holds) {
            match groups.get(position.target).copied().flatten() {
                None => {
                    parts.push(0.0);
                    holds = false;
                }
                Some(targets) => {
                    holds = count_right_pairs(clause, found, targets, options) == found.len() * targets.len();
                    parts.extend_from_slice(if holds { &[1.0] } else { wrong_position });
                }
            }
        }
        groups.push(holds.then_some(found));
    }
    let is_strict = groups.iter().all(Option::is_some);
    Ok((parts, is_strict))
}

/// Counts, colors, positions and exclusions, each as the share of it that holds. As in the verdict, the best `count` objects are looked at
/// and more than `count` do no harm.
fn exact_parts(
    metadata: &Metadata,
    verdict: &Verdict,
    options: &VerdictOptions,
) -> Result<(Vec<f64>, bool), VerdictError> {
    let mut parts = Vec::new();
    let mut groups: Vec<&[DetectedObject]> = Vec::new();
    let mut is_exact = true;
    for clause in &metadata.include {
        let found = found(verdict, clause);
        let wanted = clause.count as usize;
        let taken = &found[..wanted.min(found.len())];
        is_exact &= found.len() == wanted;
        parts.push(share(taken.len(), wanted));
        if let Some(n_right) = count_right_colors(clause, taken)? {
            parts.push(share(n_right, wanted));
        }
        if let Some(position) = clause.position {
            let targets = groups.get(position.target).copied().unwrap_or_default();
            let n_targets = metadata.include.get(position.target).map_or(1, |target| target.count as usize);
            parts.push(share(count_right_pairs(clause, taken, targets, options), wanted * n_targets));
        }
        groups.push(taken);
    }
    for clause in &metadata.exclude {
        let n_found = verdict.kept.get(&clause.category).map_or(0, Vec::len);
        let n_too_many = (n_found + 1).saturating_sub(clause.count as usize);
        parts.push(1.0 - share(n_too_many, clause.count as usize).min(1.0));
    }
    Ok((parts, is_exact && verdict.is_correct()))
}

fn found<'a>(verdict: &'a Verdict, clause: &Include) -> &'a [DetectedObject] {
    verdict.kept.get(&clause.category).map_or(&[], Vec::as_slice)
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

/// 1 minus the relative error of a count; below 0 where more than twice as many were found.
fn closeness(wanted: u32, found: usize) -> f64 {
    let wanted = f64::from(wanted);
    1.0 - (wanted - found as f64).abs() / wanted
}

/// How many objects have the color that is asked for; `None` if none is.
fn count_right_colors(clause: &Include, objects: &[DetectedObject]) -> Result<Option<usize>, VerdictError> {
    let Some(color) = clause.color else { return Ok(None) };
    if objects.iter().any(|object| object.color == SeenColor::Unknown) {
        return Err(VerdictError::NoColor { category: clause.category });
    }
    Ok(Some(objects.iter().filter(|object| object.color == SeenColor::Named(color)).count()))
}

fn count_right_pairs(
    clause: &Include,
    objects: &[DetectedObject],
    targets: &[DetectedObject],
    options: &VerdictOptions,
) -> usize {
    let Some(position) = clause.position else { return 0 };
    let pairs = objects.iter().flat_map(|object| targets.iter().map(move |target| (object, target)));
    let threshold = options.position_threshold as f32;
    let is_right = |(object, target): &(&DetectedObject, &DetectedObject)| {
        find_relations(object.bounding_box, target.bounding_box, threshold).contains(&position.relation)
    };
    pairs.filter(is_right).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::geneval::{parse_any_detections_line, parse_detections_line};

    /// A line of detections of 64 x 64 pixels; every object is 8 pixels large.
    fn rewards_of(metadata: &str, objects: &[(&str, f32, f32, &str)], semantics: Semantics) -> Reward {
        let objects: Vec<Value> = objects
            .iter()
            .map(|(class, x, y, color)| {
                serde_json::json!({"class": class, "score": 0.95, "box": [x, y, x + 8.0, y + 8.0], "color": color})
            })
            .collect();
        let metadata: Value = serde_json::from_str(metadata).unwrap();
        let line = serde_json::json!({"metadata": metadata, "width": 64, "height": 64, "objects": objects});
        let line = parse_detections_line(&line.to_string(), &VerdictOptions::default()).unwrap();
        compute_reward(&line.metadata, &line.objects, &line.options, semantics).unwrap().1
    }

    const COUNTING: &str = r#"{"tag": "counting", "include": [{"class": "cow", "count": 2}], "exclude": [{"class": "cow", "count": 3}], "prompt": "a photo of two cows"}"#;
    const COLOR: &str = r#"{"tag": "colors", "include": [{"class": "cow", "count": 1, "color": "red"}], "prompt": "a photo of a red cow"}"#;
    const POSITION: &str = r#"{"tag": "position", "include": [{"class": "cow", "count": 1}, {"class": "dog", "count": 1, "position": ["left of", 0]}], "prompt": "a photo of a dog left of a cow"}"#;

    fn of(score: f64, reward: f64, strict_reward: f64) -> Reward {
        Reward { score, reward, strict_reward }
    }

    #[test]
    fn too_many_objects_cost_more_than_everything_in_flow_grpo() {
        let cows = [("cow", 0.0, 0.0, "red"); 5];
        assert_eq!(rewards_of(COUNTING, &cows, Semantics::FlowGrpo), of(-0.5, 0.0, 0.0));
        // Both cows are there, and no limit is left.
        assert_eq!(rewards_of(COUNTING, &cows, Semantics::Exact), of(0.5, 0.0, 0.0));
        assert_eq!(rewards_of(COUNTING, &cows[..2], Semantics::Exact), of(1.0, 1.0, 1.0));
        assert_eq!(rewards_of(COUNTING, &cows[..1], Semantics::Exact), of(0.75, 0.0, 0.0));
        assert_eq!(rewards_of(COUNTING, &cows[..1], Semantics::FlowGrpo), of(0.5, 0.0, 0.0));
    }

    #[test]
    fn flow_grpo_asks_the_color_only_of_the_right_number() {
        let cows = [("cow", 0.0, 0.0, "red"), ("cow", 20.0, 0.0, "blue")];
        // 1 - 1/1 for the count, and 0 for the color that was not looked at. GenEval itself takes the best object.
        assert_eq!(rewards_of(COLOR, &cows, Semantics::FlowGrpo).score, 0.0);
        assert_eq!(rewards_of(COLOR, &cows[1..], Semantics::FlowGrpo), of(0.5, 0.0, 0.0));
        assert_eq!(rewards_of(COLOR, &cows[..1], Semantics::FlowGrpo), of(1.0, 1.0, 1.0));
        assert_eq!(rewards_of(COLOR, &cows[1..], Semantics::Exact), of(0.5, 0.0, 0.0));
    }

    #[test]
    fn a_wrong_position_earns_half_in_flow_grpo() {
        let wrong = [("cow", 0.0, 20.0, "red"), ("dog", 50.0, 20.0, "red")];
        assert_eq!(rewards_of(POSITION, &wrong, Semantics::FlowGrpo), of(0.75, 0.0, 0.0));
        assert_eq!(rewards_of(POSITION, &wrong, Semantics::Exact), of(2.0 / 3.0, 0.0, 0.0));
        let right = [("cow", 50.0, 20.0, "red"), ("dog", 0.0, 20.0, "red")];
        assert_eq!(rewards_of(POSITION, &right, Semantics::FlowGrpo), of(1.0, 1.0, 1.0));
        assert_eq!(rewards_of(POSITION, &right[1..], Semantics::FlowGrpo).score, 1.0 / 3.0);
    }

    #[test]
    fn flow_grpo_is_lenient_about_what_is_excluded() {
        let metadata = r#"{"tag": "single_object", "include": [{"class": "cow", "count": 1}], "exclude": [{"class": "dog", "count": 1}], "prompt": "a cow and no dog"}"#;
        let objects = [("cow", 0.0, 0.0, "red"), ("dog", 20.0, 0.0, "red")];
        assert_eq!(rewards_of(metadata, &objects, Semantics::FlowGrpo), of(1.0, 0.0, 1.0));
        assert_eq!(rewards_of(metadata, &objects, Semantics::Exact), of(0.5, 0.0, 0.0));
    }

    /// Made by running flow_grpo's reward server; not part of the repository.
    #[test]
    fn golden_rewards_of_flow_grpo() {
        let path = "../../../shared/golden/suites/reward_server/verdicts.jsonl";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let Ok(text) = std::fs::read_to_string(path) else { return };
        for line in text.lines() {
            let expected: Value = serde_json::from_str(line).unwrap();
            let parsed = parse_any_detections_line(line, &VerdictOptions::default()).unwrap();
            let (verdict, reward) =
                compute_reward(&parsed.metadata, &parsed.objects, &parsed.options, Semantics::FlowGrpo)
                    .unwrap();
            for (name, found) in
                [("score", reward.score), ("reward", reward.reward), ("strict_reward", reward.strict_reward)]
            {
                let wanted = expected[name].as_f64().unwrap();
                assert!((wanted - found).abs() < 1e-12, "{name} is {found}: {line}");
            }
            assert_eq!(verdict.is_correct(), expected["correct"]);
            let (_, exact) =
                compute_reward(&parsed.metadata, &parsed.objects, &parsed.options, Semantics::Exact).unwrap();
            assert_eq!(exact.score >= 1.0, verdict.is_correct(), "{line}");
            assert!((0.0..=1.0).contains(&exact.score), "{line}");
        }
    }

    #[test]
    fn a_wrong_position_counts_once_in_uni_rl() {
        let objects = [("dog", 40.0, 0.0, "red"), ("cow", 0.0, 0.0, "red")];
        assert_eq!(rewards_of(POSITION, &objects, Semantics::FlowGrpo), of(0.75, 0.0, 0.0));
        assert_eq!(rewards_of(POSITION, &objects, Semantics::UniRl), of(2.0 / 3.0, 0.0, 0.0));
        // The strict verdict is the lenient one.
        let cows = [("cow", 0.0, 0.0, "red"), ("cow", 20.0, 0.0, "red"), ("dog", 0.0, 20.0, "red")];
        let single = r#"{"tag": "single_object", "include": [{"class": "cow", "count": 1}], "prompt": "a photo of a cow"}"#;
        assert_eq!(rewards_of(single, &cows, Semantics::UniRl), of(0.0, 1.0, 1.0));
    }

    /// The same detections through both families of reward code; not part of the repository.
    #[test]
    fn golden_rewards_of_two_families() {
        let path = "../../../shared/golden/wires/rewards/verdict_differences.json";
        let Ok(text) = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) else {
            return;
        };
        let golden: Value = serde_json::from_str(&text.replace("\"colour\"", "\"color\"")).unwrap();
        for row in golden["rows"].as_array().unwrap() {
            let line = serde_json::json!({"metadata": row["metadata"], "width": 64, "height": 64, "objects": row["detections"]});
            let line = parse_any_detections_line(&line.to_string(), &VerdictOptions::default()).unwrap();
            let families = [
                (Semantics::FlowGrpo, "flow_grpo_and_copies", "strict_reward"),
                (Semantics::UniRl, "unirl", "strict"),
            ];
            for (semantics, family, strict) in families {
                let found =
                    compute_reward(&line.metadata, &line.objects, &line.options, semantics).unwrap().1;
                let wanted = |name: &str| row[family][name].as_f64().unwrap();
                assert!((found.score - wanted("score")).abs() < 1e-12, "{family}: {found:?} {row}");
                assert_eq!((found.reward, found.strict_reward), (wanted("reward"), wanted(strict)), "{row}");
            }
        }
    }
}
