//! The same as JSON.

use imgeval_diagnose::{
    architecture::ValueShare,
    artefacts::{ColorShift, Comparison, Difference, FileShares, Finding, Place, Row, Summary, reason_code},
};
use imgeval_metrics::image::NotMeasurable;
use imgeval_report::schema::Schema;
use serde_json::{Value, json};

use super::super::report::unused_json;

pub(super) fn to_json(comparisons: &[Comparison<'_>], reference: Option<&Place>) -> Value {
    let places: Vec<Value> = comparisons.iter().map(place_json).collect();
    Schema::Artefacts.stamp(json!({"reference": reference.map(images_json), "places": places}))
}

fn place_json(comparison: &Comparison<'_>) -> Value {
    let mut fields = images_json(comparison.place);
    let more = json!({
        "files": comparison.files.iter().map(files_json).collect::<Vec<_>>(),
        "numbers": comparison.rows.iter().map(row_json).collect::<Vec<_>>(),
        "color_shifts": comparison.color_shifts.iter().map(shift_json).collect::<Vec<_>>(),
        "fingerprint_similarity": comparison.fingerprint_similarity,
        "findings": comparison.findings.iter().map(finding_json).collect::<Vec<_>>(),
    });
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    fields
}

/// What holds for the images of a place alone, reference or not.
fn images_json(place: &Place) -> Value {
    let (unused, unused_counts) = unused_json(&place.unused);
    let curve: Vec<Value> = place
        .curve
        .iter()
        .map(|point| {
            let (low, high) = bounds(point.decibels.interval);
            json!({"frequency": point.frequency, "decibels": point.decibels.value, "low": low, "high": high})
        })
        .collect();
    let fingerprint = place.fingerprint.as_ref();
    json!({
        "name": place.name,
        "n_images": place.images.len(),
        "n_groups": place.n_groups,
        "unused": unused,
        "unused_counts": unused_counts,
        "spectrum": curve,
        "n_fingerprint_images": fingerprint.map_or(0, |one| one.n_images),
        "autocorrelation_peak_at": fingerprint.and_then(|one| one.peak_at),
    })
}

fn files_json(shares: &FileShares) -> Value {
    let values = |values: &[ValueShare]| -> Vec<Value> {
        values.iter().map(|one| json!({"value": one.value, "share": one.share})).collect()
    };
    json!({
        "fact": shares.fact.key(),
        "place": values(&shares.place),
        "reference": shares.reference.as_deref().map(values),
        "differs": shares.differs,
    })
}

fn row_json(row: &Row) -> Value {
    json!({
        "number": row.number.key(),
        "place": row.place.map(summary_json),
        "reference": row.reference.map(summary_json),
        "difference": row.difference.map(difference_json),
        "not_measurable": reasons_json(&row.not_measured),
        "reference_not_measurable": reasons_json(&row.reference_not_measured),
        "files_that_differ": row.files.iter().map(|fact| fact.key()).collect::<Vec<_>>(),
    })
}

fn summary_json(summary: Summary) -> Value {
    let (low, high) = bounds(summary.interval);
    json!({"value": summary.value, "low": low, "high": high, "n": summary.n})
}

fn difference_json(difference: Difference) -> Value {
    let (low, high) = bounds(difference.interval);
    json!({"value": difference.value, "low": low, "high": high})
}

fn bounds(interval: Option<(f64, f64)>) -> (Option<f64>, Option<f64>) {
    (interval.map(|(low, _)| low), interval.map(|(_, high)| high))
}

fn reasons_json(reasons: &[(NotMeasurable, usize)]) -> Vec<Value> {
    let one = |(reason, count): &(NotMeasurable, usize)| json!({"reason": reason_code(*reason), "count": count, "example": reason.to_string()});
    reasons.iter().map(one).collect()
}

fn shift_json(ColorShift { number, shift }: &ColorShift) -> Value {
    json!({
        "number": number.key(),
        "n": [shift.n[1], shift.n[0]],
        "difference": shift.difference,
        "welch_t": shift.welch_t,
        "welch_p": shift.welch_p,
        "mannwhitney_u": shift.mannwhitney_u,
        "mannwhitney_p": shift.mannwhitney_p,
        "is_exact": shift.is_exact,
        "hodges_lehmann": shift.hodges_lehmann,
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({"code": finding.code(), "text": finding.to_string()})
}
