//! The score table of a judged run: as text, CSV and JSON.

use imgeval_core::{Fact, Protocol, facts_of, visible};
use imgeval_metrics::BootstrapSettings;
use imgeval_suites::{
    judged::{READING_VERSION, ScoreLine, find_retired_judge},
    reason_edit::{self, EditSummary, MetricLine},
    wise::{self, Edition},
};
use serde_json::{Map, Value, json};

use super::{
    data::OTHER_SCRIPT,
    protocols::is_pinned,
    run::{JudgedRun, Voice},
    summary::{JudgedSummary, METRICS, edition_of, summarise_metrics},
};
use crate::{
    args::Suite,
    coverage::Coverage,
    table::{estimate_json, interval_json, interval_text, plain_table, right_aligned},
};

/// One judge's scores with what must stand beside them.
pub(crate) struct JudgedTable<'a> {
    run: &'a JudgedRun,
    voice: &'a Voice,
    pub(crate) summary: JudgedSummary,
    pub(crate) coverage: Coverage,
    /// Why the scores may not stand beside published ones; empty if they may.
    pub(crate) note: String,
}

impl<'a> JudgedTable<'a> {
    pub(crate) fn of(run: &'a JudgedRun, voice: &'a Voice, settings: BootstrapSettings) -> Self {
        let (summary, coverage) = (JudgedSummary::of(run, voice, settings), run.coverage(Some(voice)));
        Self { run, voice, summary, coverage, note: note_of(run, voice) }
    }

    /// Everything that must be equal for two scores to be comparable; which model made the images is not part of it.
    pub(crate) fn protocol(&self) -> Protocol {
        let (manifest, identity) = (&self.run.manifest, &self.voice.judge.identity);
        let mut protocol = Protocol::default().with("suite", &manifest.suite);
        for (name, value) in &manifest.parameters {
            protocol = protocol.with(&format!("suite.{name}"), value);
        }
        for (name, value) in crate::scored_run::asked_facts(&manifest.generation) {
            protocol = protocol.with(&format!("generation.{name}"), value);
        }
        let version = match edition_of(self.run.suite) {
            Some(_) => wise::SUMMARY_VERSION,
            None => reason_edit::SUMMARY_VERSION,
        };
        protocol
            .with("judge", &identity.judge.model)
            .with("judge.interface", format!("{}@{}", identity.judge.provider, identity.judge.version))
            .with("judge.endpoint", &identity.judge.endpoint)
            .with("judge.protocol", &identity.protocol)
            .with("judge.protocol_sha256", &identity.protocol_hash)
            .with("judge.reading", format!("{}@{READING_VERSION}", self.voice.protocol.reply.name()))
            .with("summary.version", version)
    }

    pub(crate) fn render_text(&self, is_fine: bool) -> String {
        let mut header = vec!["score", "value", "95 % interval", "images", "prompts", "missing", "bounds"];
        let has_missing = self.summary.overall().n_missing > 0;
        if has_missing {
            header.push("interval with missing");
        }
        let mut table = right_aligned(plain_table(&header), 1, header.len() - 1);
        let fine = if is_fine { self.summary.fine_rows() } else { Vec::new() };
        for row in fine.iter().chain(&self.summary.rows()) {
            let mut cells = vec![visible(&row.name)];
            cells.extend(cells_of(row.line));
            if has_missing {
                cells.push(interval_text(row.line.with_missing));
            }
            table.add_row(cells);
        }
        let mut text = format!("{}\n", table.trim_fmt());
        text.push_str(&self.summary.render_withheld());
        if self.summary.overall().n_missing > 0 {
            text.push_str(
                "Bounds: the score if every missing image had 0, or the best; missing ones are in no score. The interval with \
                 missing holds the true score whatever they would have had.\n",
            );
        }
        let n_dangerous = self.n_dangerous();
        if n_dangerous > 0 {
            text.push_str(&format!(
                "{n_dangerous} scores were read as the official parser reads them, though a strict reader would refuse; \
                 see docs/judge-replies.md.\n"
            ));
        }
        let n_unread: usize = self.said().map(super::run::Said::n_unread).sum();
        let n_failed = self.coverage_failures();
        if n_unread > n_failed {
            text.push_str(&format!(
                "{} repeats could not be read though others of their images could.\n",
                n_unread - n_failed
            ));
        }
        text
    }

    /// Who judged, by what, in a few lines.
    pub(crate) fn describe(&self) -> String {
        let protocol = self.protocol();
        let mut text = format!("judge: {} [{}]\n", visible(&self.voice.plain_title()), self.voice.id);
        if !self.note.is_empty() {
            text.push_str(&format!("note: {}\n", visible(&self.note)));
        }
        if let Some(retired) = find_retired_judge(&self.voice.judge.identity.judge.model) {
            text.push_str(&format!(
                "note: {} is retired since {}; {}\n",
                retired.model, retired.since, retired.instead
            ));
        }
        text.push_str(&format!("protocol: {}\n", protocol.fingerprint()));
        text
    }

    pub(crate) fn render_csv(&self) -> String {
        self.summary.render_csv(&self.voice.title(), &self.note)
    }

    pub(crate) fn to_json(&self) -> Value {
        let protocol = self.protocol();
        let facts: Map<String, Value> = protocol.facts().map(|(k, v)| (k.to_owned(), v.into())).collect();
        let rows = |rows: Vec<super::summary::Row<'_>>| -> Vec<Value> {
            rows.iter().map(|row| line_json(&row.name, row.line)).collect()
        };
        let identity = &self.voice.judge.identity;
        json!({
            "judge": {
                "id": self.voice.id, "model": identity.judge.model, "provider": identity.judge.provider,
                "endpoint": identity.judge.endpoint, "protocol": identity.protocol, "human": self.voice.is_human(),
            },
            "protocol": {"fingerprint": protocol.fingerprint(), "facts": facts},
            "comparable": self.note.is_empty(),
            "note": self.note,
            "scores": rows(self.summary.rows()),
            "subcategories": rows(self.summary.fine_rows()),
            "without_score": self.summary.without_score().iter().map(|of| of.name()).collect::<Vec<_>>(),
            "read_as_official_only": self.n_dangerous(),
            "coverage": self.coverage.to_json(),
        })
    }

    fn said(&self) -> impl Iterator<Item = &super::run::Said> {
        self.voice.samples.values()
    }

    fn n_dangerous(&self) -> usize {
        let readings = self.said().flat_map(super::run::Said::readings);
        readings.filter(|reading| !reading.scores.notes.is_empty()).count()
    }

    /// Repeats of images that have no score at all.
    fn coverage_failures(&self) -> usize {
        self.said().filter(|said| said.value().is_none()).map(super::run::Said::n_unread).sum()
    }
}

/// Why scores are not comparable with published ones.
fn note_of(run: &JudgedRun, voice: &Voice) -> String {
    let identity = &voice.judge.identity;
    let mut reasons = Vec::new();
    if voice.is_human() {
        reasons.push("scores by a person".to_owned());
    } else if !is_pinned(&identity.judge.model, &voice.protocol) {
        reasons.push(format!("published scores are by {}", voice.protocol.judge_pin));
    }
    if voice.protocol.id == format!("{}-strict", voice.protocol.suite) {
        reasons.push(
            "replies are read strictly, those of published scores as the official script reads them"
                .to_owned(),
        );
    }
    if voice.protocol.wording_source.contains(OTHER_SCRIPT) {
        reasons.push("the wording is that of another version of the official script".to_owned());
    }
    if run.suite == Suite::WiseLegacyRewrite {
        reasons.push("rewritten prompts".to_owned());
    }
    if run.suite == Suite::ReasonEdit && !voice.is_human() {
        reasons.push("the published wording is not known".to_owned());
    }
    if reasons.is_empty() { String::new() } else { format!("not comparable: {}", reasons.join("; ")) }
}

fn cells_of(line: &ScoreLine) -> [String; 6] {
    let (value, interval) = match line.estimate {
        Some(estimate) => {
            let interval = estimate.interval;
            (format!("{:.3}", estimate.value), format!("{:.3} to {:.3}", interval.low, interval.high))
        }
        None => ("-".to_owned(), "-".to_owned()),
    };
    let bounds = match line.n_missing {
        0 => "-".to_owned(),
        _ => format!("{:.3} to {:.3}", line.bounds.0, line.bounds.1),
    };
    [
        value,
        interval,
        line.n_scored.to_string(),
        format!("{}/{}", line.n_prompts_scored, line.n_prompts),
        line.n_missing.to_string(),
        bounds,
    ]
}

pub(crate) fn line_json(name: &str, line: &ScoreLine) -> Value {
    json!({
        "name": name,
        "score": line.estimate.map(|estimate| estimate.value),
        "interval": line.estimate.as_ref().map(estimate_json),
        "images_scored": line.n_scored,
        "images_missing": line.n_missing,
        "prompts": line.n_prompts,
        "prompts_scored": line.n_prompts_scored,
        "bounds": {"worst": line.bounds.0, "best": line.bounds.1},
        "interval_with_missing": line.with_missing.as_ref().map(interval_json),
    })
}

/// The table of pixel metrics; empty if nothing was measured.
pub(crate) fn render_metrics(run: &JudgedRun, settings: BootstrapSettings) -> String {
    let mut text = String::new();
    for (meter, metrics) in summarise_metrics(run, settings) {
        let unit = |name: &str| METRICS.iter().find(|(of, _)| *of == name).map_or("", |(_, unit)| *unit);
        let mut table = right_aligned(
            plain_table(&["pixel metric", "where", "mean", "95 % interval", "cases", "missing"]),
            2,
            4,
        );
        for (name, summary) in metrics {
            for (place, line) in metric_lines(&summary) {
                let value = match line.value {
                    Some(value) if value.is_infinite() => "infinite".to_owned(),
                    Some(value) => format!("{value:.4} {}", unit(name)).trim_end().to_owned(),
                    None => "-".to_owned(),
                };
                let interval =
                    line.interval.map_or("-".to_owned(), |(low, high)| format!("{low:.4} to {high:.4}"));
                let (n, missing) = (line.n.to_string(), line.n_missing.to_string());
                table.add_row([name.to_owned(), place.to_owned(), value, interval, n, missing]);
            }
        }
        let meter: Vec<String> = facts_of(&meter).map(shortened).collect();
        text.push_str(&format!("{}\nmeasured by {}\n", table.trim_fmt(), meter.join("; ")));
    }
    text
}

/// A fact about a meter, its checksums cut to what tells them apart.
fn shortened(Fact { name, value }: Fact<'_>) -> String {
    let hash = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = value.split('+').map(|part| if hash(part) { &part[..12] } else { part }).collect();
    match name {
        Some(name) => format!("{name} {}", parts.join("+")),
        None => parts.join("+"),
    }
}

fn metric_lines(summary: &EditSummary<MetricLine>) -> Vec<(&'static str, &MetricLine)> {
    let folders = summary.folders.iter().map(|(folder, line)| (folder.name(), line));
    folders.chain([("understanding", &summary.understanding), ("overall", &summary.all)]).collect()
}

pub(crate) fn metrics_json(run: &JudgedRun, settings: BootstrapSettings) -> Value {
    let line = |(place, line): (&'static str, &MetricLine)| {
        // JSON has no infinity.
        let value = line.value.filter(|value| value.is_finite());
        let is_infinite = line.value.is_some_and(f64::is_infinite);
        json!({
            "where": place, "mean": value, "is_infinite": is_infinite,
            "interval": line.interval.map(|(low, high)| [low, high]), "cases": line.n, "missing": line.n_missing,
        })
    };
    let meter = |(meter, metrics): (String, Vec<(&'static str, EditSummary<MetricLine>)>)| {
        let metrics: Map<String, Value> = metrics
            .iter()
            .map(|(name, summary)| {
                let lines: Vec<Value> = metric_lines(summary).into_iter().map(line).collect();
                ((*name).to_owned(), lines.into())
            })
            .collect();
        json!({"meter": meter, "metrics": metrics})
    };
    summarise_metrics(run, settings).into_iter().map(meter).collect()
}

/// Published scores of the suite, the given ones as the last row.
pub(crate) fn render_published(suite: Suite, own: Option<&JudgedSummary>) -> String {
    let value = |line: &ScoreLine| match line.estimate {
        Some(estimate) => format!("{:.3}", estimate.value),
        None => "-".to_owned(),
    };
    let (mut table, source, unknown) = match edition_of(suite) {
        Some(edition) => {
            let (rows, source, unknown) = match edition {
                Edition::Legacy => (&wise::PUBLISHED[..], wise::PUBLISHED_SOURCE, wise::PUBLISHED_UNKNOWN),
                Edition::Verified => (
                    &wise::PUBLISHED_VERIFIED[..],
                    wise::PUBLISHED_VERIFIED_SOURCE,
                    wise::PUBLISHED_VERIFIED_UNKNOWN,
                ),
            };
            let mut header = vec!["published"];
            header.extend(wise::Category::ALL.iter().map(|of| of.name()));
            header.push("overall");
            let mut table = right_aligned(plain_table(&header), 1, 7);
            for row in rows {
                let mut cells = vec![row.model.to_owned()];
                cells.extend(row.categories.iter().map(|value| format!("{value:.2}")));
                cells.push(format!("{:.2}", row.overall));
                table.add_row(cells);
            }
            (table, source, unknown)
        }
        None => {
            let mut table = right_aligned(plain_table(&["published", "GPT score"]), 1, 1);
            for row in reason_edit::PUBLISHED {
                table.add_row([row.model.to_owned(), format!("{:.3}", row.gpt_score)]);
            }
            (table, reason_edit::PUBLISHED_SOURCE, reason_edit::PUBLISHED_UNKNOWN)
        }
    };
    match own {
        Some(JudgedSummary::Wise(summary)) => {
            let of = |category: &wise::Category| {
                let line = summary.categories.iter().find(|(of, _)| of == category);
                line.map_or("-".to_owned(), |(_, line)| value(line))
            };
            let mut cells = vec!["this run".to_owned()];
            cells.extend(wise::Category::ALL.iter().map(of));
            cells.push(value(&summary.overall));
            table.add_row(cells);
        }
        Some(JudgedSummary::Edits(summary)) => {
            table.add_row(["this run".to_owned(), value(&summary.all)]);
        }
        None => {}
    }
    format!("{}\nPublished scores: {source}.\nNot known of them: {unknown}.\n", table.trim_fmt())
}
