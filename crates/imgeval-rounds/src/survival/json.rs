//! Answers as JSON.

use imgeval_metrics::survival::{Curve, LogRank, REPORTED_ROUNDS, Time};
use serde_json::{Map, Value, json};

use super::{Answer, Compared, Group, Paired, StatusGroup, input::STATUS_SESSIONS};

/// All answers by the names of what was asked; a median that is never reached is `"inf"`.
#[must_use]
pub fn survival_json(answer: &Answer) -> Value {
    let groups: Map<String, Value> =
        answer.groups.iter().map(|Group { name, curve }| (name.clone(), curve_json(curve))).collect();
    let is_model = |group: &&StatusGroup| group.name != STATUS_SESSIONS;
    let models: Map<String, Value> = answer
        .statuses
        .iter()
        .filter(is_model)
        .map(|group| (group.name.clone(), status_json(group)))
        .collect();
    let of_two = answer.compared.iter().filter(|compared| compared.groups.len() == 2);
    let of_more = answer.compared.iter().find(|compared| compared.groups.len() != 2);
    json!({
        "datasets": groups,
        "status_sessions": answer.statuses.iter().find(|group| !is_model(group)).map(status_json),
        "models": models,
        "logrank": of_two.map(pair_json).collect::<Vec<_>>(),
        "three_groups": of_more.map(several_json),
        "paired": answer.pair.as_ref().map(paired_json),
        "mcnemar": answer.mcnemar.iter().map(|(a_only, b_only, p)| {
            json!({"a_only": a_only, "b_only": b_only, "p_exact": p})
        }).collect::<Vec<_>>(),
        "holm": answer.holm.iter().map(|(p, holm)| json!({"p": p, "holm": holm})).collect::<Vec<_>>(),
    })
}

fn or_never(round: Option<u32>) -> Value {
    round.map_or_else(|| "inf".into(), Value::from)
}

fn curve_json(curve: &Curve) -> Value {
    let steps = curve.steps();
    let (low, high) = curve.median_interval();
    let mut limits: Vec<u32> =
        REPORTED_ROUNDS.into_iter().filter(|round| *round < curve.last_round()).collect();
    limits.push(curve.last_round());
    let means = limits.into_iter().filter_map(|limit| {
        let mean = curve.restricted_mean(limit)?;
        Some((limit.to_string(), json!({"rmst": mean.rounds, "se_greenwood": mean.greenwood_se})))
    });
    json!({
        "table": steps.iter().map(|step| json!({
            "t": step.round, "at_risk": step.at_risk, "events": step.events, "censored": step.censored,
        })).collect::<Vec<_>>(),
        "survival": steps.iter().map(|step| step.survival).collect::<Vec<_>>(),
        "greenwood_se": steps.iter().map(|step| step.greenwood_se).collect::<Vec<_>>(),
        "greenwood_band_clipped": steps.iter().map(|step| step.greenwood_band).collect::<Vec<_>>(),
        "loglog_band": steps.iter().map(|step| step.log_log_band).collect::<Vec<_>>(),
        "median": or_never(curve.median()),
        "median_interval_loglog": [or_never(low), or_never(high)],
        "rmst": means.collect::<Map<_, _>>(),
    })
}

fn status_json(group: &StatusGroup) -> Value {
    let of = |(times, curve): &(Vec<Time>, Curve)| {
        let reached = REPORTED_ROUNDS.into_iter().filter(|round| *round <= curve.last_round());
        let (low, high) = curve.median_interval();
        json!({
            "time_event": times.iter().map(|time| [time.round, u32::from(time.is_event)]).collect::<Vec<_>>(),
            "km_at": reached.map(|round| (round.to_string(), curve.at(round).survival.into())).collect::<Map<_, _>>(),
            "median": or_never(curve.median()),
            "median_interval_loglog": [or_never(low), or_never(high)],
        })
    };
    let rates = group.success.iter().map(|rate| {
        let value = json!({"sessions": rate.sessions, "ok": rate.count, "rate": rate.rate, "interval": rate.interval});
        (rate.round.to_string(), value)
    });
    json!({
        "sr_raw": rates.collect::<Map<_, _>>(),
        "refusals_failed": of(&group.failed),
        "refusals_censored": of(&group.censored),
    })
}

fn test_json(test: &LogRank) -> Value {
    json!({"chi2": test.chi_square, "p": test.p_value})
}

fn pair_json(compared: &Compared) -> Value {
    let first = compared.equal.as_ref().ok().and_then(|test| test.groups.first());
    json!({
        "a": compared.groups.first(),
        "b": compared.groups.last(),
        "logrank": compared.equal.as_ref().ok().map(test_json),
        "gehan_wilcoxon": compared.at_risk.as_ref().ok().map(test_json),
        "observed_a": first.map(|group| group.observed),
        "expected_a": first.map(|group| group.expected),
        "variance": first.map(|group| group.variance),
        "not_testable": compared.equal.as_ref().err().map(ToString::to_string),
    })
}

fn several_json(compared: &Compared) -> Value {
    let test = compared.equal.as_ref().ok();
    json!({
        "groups": compared.groups,
        "chi2": test.map(|test| test.chi_square),
        "df": test.map(|test| test.degrees_of_freedom),
        "p": test.map(|test| test.p_value),
        "not_testable": compared.equal.as_ref().err().map(ToString::to_string),
    })
}

fn paired_json(paired: &Paired) -> Value {
    let rounds = paired.rounds.iter().map(|round| {
        json!({
            "k": round.round,
            "sessions": round.sessions,
            "sr_a": round.rates[0],
            "sr_b": round.rates[1],
            "a_only": round.a_only,
            "b_only": round.b_only,
            "p_exact": round.p_exact,
            "p_holm": round.p_holm,
        })
    });
    json!({"a": paired.names[0], "b": paired.names[1], "by_k": rounds.collect::<Vec<_>>()})
}
