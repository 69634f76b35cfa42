//! Score tables as JSON.

use serde_json::{Map, Value, json};

use crate::{
    model::IntervalView,
    scores::{CoverageView, EvaluatorView, LineView, PublishedView, ScoreView},
};

/// The scores by one evaluator. What does not exist is `null`.
#[must_use]
pub fn scores_json(view: &ScoreView) -> Map<String, Value> {
    let facts: Map<String, Value> =
        view.protocol.facts.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let protocol = json!({"fingerprint": view.protocol.fingerprint, "facts": facts});
    let mut map = Map::from_iter([
        ("comparable".to_owned(), view.is_comparable.into()),
        ("note".to_owned(), view.note.as_str().into()),
        ("protocol".to_owned(), protocol),
    ]);
    if let EvaluatorView::Judge { id, model, provider, endpoint, protocol, is_human, .. } = &view.evaluator {
        let judge = json!({
            "id": id, "model": model, "provider": provider, "endpoint": endpoint, "protocol": protocol,
            "human": is_human,
        });
        let lines = |lines: &[LineView]| lines.iter().map(line_json).collect::<Value>();
        map.extend([
            ("judge".to_owned(), judge),
            ("scores".to_owned(), lines(&view.lines)),
            ("subcategories".to_owned(), lines(&view.groups)),
            ("without_score".to_owned(), json!(view.without_score)),
            ("read_as_official_only".to_owned(), view.n_official_only.into()),
        ]);
        if !view.slices.is_empty() {
            let slice = |(name, of): &(String, Vec<LineView>)| json!({"name": name, "scores": lines(of)});
            map.insert("slices".to_owned(), view.slices.iter().map(slice).collect());
        }
    } else {
        add_verdicts(view, &mut map);
    }
    if let EvaluatorView::Detector { id, title } = &view.evaluator {
        map.insert("observer".to_owned(), json!({"id": id, "title": title}));
    }
    if let Some(coverage) = &view.coverage {
        map.insert("coverage".to_owned(), coverage_json(coverage));
    }
    map
}

fn add_verdicts(view: &ScoreView, map: &mut Map<String, Value>) {
    let Some((overall, parts)) = view.lines.split_last() else { return };
    let share = |part: usize, whole: usize| match whole {
        0 => Value::Null,
        _ => (part as f64 / whole as f64).into(),
    };
    let part = |line: &LineView| {
        let mut row = Map::from_iter([("tag".to_owned(), line.name.as_str().into())]);
        row.extend(verdict_line(line, &view.note));
        Value::Object(row)
    };
    map.extend([
        ("suite".to_owned(), view.suite.as_str().into()),
        ("overall".to_owned(), Value::Object(verdict_line(overall, &view.note))),
        ("tags".to_owned(), parts.iter().map(part).collect()),
        ("images_per_prompt".to_owned(), view.images_per_case.into()),
        ("share_of_images_correct".to_owned(), share(overall.n_correct, overall.n_scored)),
        (
            "share_of_prompts_with_a_correct_image".to_owned(),
            share(overall.n_prompts_any_correct, overall.n_prompts_scored),
        ),
    ]);
}

fn verdict_line(line: &LineView, note: &str) -> Map<String, Value> {
    Map::from_iter([
        ("score".to_owned(), line.value.into()),
        ("interval".to_owned(), line.interval.as_ref().map(interval_json).into()),
        ("images_correct".to_owned(), line.n_correct.into()),
        ("images_scored".to_owned(), line.n_scored.into()),
        ("images_missing".to_owned(), line.n_missing.into()),
        ("prompts".to_owned(), line.n_prompts.into()),
        ("prompts_scored".to_owned(), line.n_prompts_scored.into()),
        ("prompts_any_correct".to_owned(), line.n_prompts_any_correct.into()),
        ("bounds".to_owned(), json!({"worst": line.bounds.0, "best": line.bounds.1})),
        ("interval_with_missing".to_owned(), line.with_missing.as_ref().map(interval_json).into()),
        ("note".to_owned(), note.into()),
    ])
}

/// A line of a judge's table.
#[must_use]
pub fn line_json(line: &LineView) -> Value {
    json!({
        "name": line.name,
        "score": line.value,
        "interval": line.interval.as_ref().map(interval_json),
        "images_scored": line.n_scored,
        "images_missing": line.n_missing,
        "prompts": line.n_prompts,
        "prompts_scored": line.n_prompts_scored,
        "bounds": {"worst": line.bounds.0, "best": line.bounds.1},
        "interval_with_missing": line.with_missing.as_ref().map(interval_json),
    })
}

fn interval_json(interval: &IntervalView) -> Value {
    json!({"low": interval.low, "high": interval.high, "level": 0.95, "method": interval.method})
}

/// What a run covers.
#[must_use]
pub fn coverage_json(view: &CoverageView) -> Value {
    let items: Vec<Value> = view
        .lines
        .iter()
        .map(|line| {
            json!({
                "kind": line.kind, "count": line.count, "meaning": line.meaning, "examples": line.examples,
            })
        })
        .collect();
    json!({
        "usable_images": view.usable,
        "prompts": view.prompts,
        "prompts_with_usable_image": view.prompts_with_image,
        "items": items,
    })
}

/// Published rows; `tags` is `null` where only the overall score was published.
#[must_use]
pub fn published_json(view: &PublishedView) -> Value {
    let row = |(model, values): &(String, Vec<Option<f64>>)| {
        let parts = values.iter().zip(&view.keys).enumerate().filter(|(place, _)| *place != view.overall);
        let parts: Map<String, Value> =
            parts.filter_map(|(_, (value, key))| Some((key.clone(), (*value)?.into()))).collect();
        let tags = (!parts.is_empty()).then_some(Value::Object(parts));
        json!({"model": model, "overall": values.get(view.overall).copied().flatten(), "tags": tags})
    };
    json!({
        "source": view.source, "unknown": view.unknown,
        "rows": view.rows.iter().map(row).collect::<Vec<_>>(),
    })
}
